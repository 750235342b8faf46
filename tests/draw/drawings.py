"""Everything that the drawings are tried on: every shipped scenario, and hand-made traces that none of them has."""

from __future__ import annotations

from functools import cache
from typing import Any

import stories

from teardown.draw.figure import figure
from teardown.site import state_graph
from teardown.world.run import run
from teardown.world.scenario import load, names
from teardown.world.trace import Trace

CASES = (*names(), *stories.ALL)


@cache
def trace_of(name: str) -> Trace:
    """The trace of a shipped scenario or of a hand-made story."""
    return stories.ALL[name]() if name in stories.ALL else run(load(name))


def drawn(trace: Trace, name: str, *args: Any, **options: Any) -> str:
    """The figure of a trace as the site draws it."""
    return figure(trace, name, *args, plan=state_graph.plan(), **options)
