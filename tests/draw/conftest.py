"""Each case of `drawings` in turn."""

from __future__ import annotations

import pytest
from drawings import CASES, trace_of

from teardown.world.trace import Trace


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> str:
    """The name of each case in turn."""
    return str(request.param)


@pytest.fixture
def trace(case: str) -> Trace:
    """The trace of each case in turn."""
    return trace_of(case)
