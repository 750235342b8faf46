"""Values in prose that come from the data: `[=linux time_wait]` becomes `60 seconds`.

A Python-Markdown extension, named `teardown.site.values` in the site's configuration. What a page may write:

- `[=STACK VALUE]`: a timer of an operating system, as the engine runs it: `[=linux fin_wait_2]`;
- `[=PROGRAM SETTING]`: a limit of a program: `[=httpd-2.4-event keepalive_timeout]`;
- `[=SCENARIO HOST STATE]`: how long that host stays in that state in the scenario's run:
  `[=one-request client TIME-WAIT]`.

A name that is unknown, or a state that the run does not leave, ends the build.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from markdown import Markdown

from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.programs import PROGRAMS
from teardown.site.inline import Inline
from teardown.stacks import names as stack_names
from teardown.stacks import stack
from teardown.world import scenario
from teardown.world.run import run
from teardown.world.trace import HOSTS

PATTERN: Final = r"\[=([^\[\]]+)\]"
_UNITS: Final = ((3_600_000_000, "hour"), (60_000_000, "minute"), (1_000_000, "second"))
_FEW_SECONDS: Final = 120_000_000  # up to here seconds are plainer than minutes


def in_words(us: int) -> str:
    """A length of time as prose has it: `60 seconds`, `4 minutes`, `2 hours`; a rest below the unit stays in it."""
    for unit, word in _UNITS:
        if us >= unit and us % unit == 0 and not (word == "minute" and us <= _FEW_SECONDS):
            return f"{us // unit} {word}{'' if us == unit else 's'}"
    if us < 1_000_000:
        return f"{us / 1_000:.4g} milliseconds"
    return f"{us / 1_000_000:.4g} seconds"


@cache
def value(words: str) -> str:
    """What stands for `STACK VALUE`, `PROGRAM SETTING` or `SCENARIO HOST STATE`. Raises InputError."""
    match words.split():
        case [name, key] if name in stack_names():
            found = getattr(stack(name).profile, key, ...)
            if found is None:
                return "no limit"
            if not isinstance(found, int) or isinstance(found, bool):
                raise InputError(f"{name} has no timer {key!r}", mend="The page of timers lists them")
            return in_words(found)
        case [name, key] if name in PROGRAMS:
            settings = PROGRAMS[name].settings
            if key not in settings or key == "times" or key.endswith("_bytes"):
                raise InputError(f"{name} has no limit {key!r}", mend=f"It has: {', '.join(settings) or 'none'}")
            return in_words(settings[key])
        case [name, host, state] if name in scenario.names() and host in HOSTS:
            return in_words(_stay(name, host, state.replace("_", "-")))
    raise InputError(
        f"cannot read the value [={words}]",
        mend="Write [=linux time_wait], [=nginx keepalive_timeout] or [=one-request client TIME-WAIT]",
    )


def _stay(name: str, host: str, state: str) -> int:
    """How long (µs) the host is in the state, from the first step in it to the first after it."""
    stays = [(step.t, step.states.of(host) == state) for step in run(scenario.load(name)).steps]  # type: ignore[arg-type]
    inside = [i for i, (_, there) in enumerate(stays) if there]
    if not inside:
        raise InputError(f"in {name} the {host} never enters {state}")
    until = next((t for t, there in stays[inside[0] :] if not there), None)
    if until is None:
        raise InputError(f"in {name} the {host} never leaves {state}")
    return until - stays[inside[0]][0]


def _html(_md: Markdown, match: re.Match[str]) -> str:
    """The value, as text in which a number stays with its unit."""
    return escape(value(match[1])).replace(" ", "\N{NO-BREAK SPACE}")


def makeExtension(**kwargs: Any) -> Inline:  # noqa: N802 (Python-Markdown's name)
    """What Python-Markdown calls for `teardown.site.values`: before citations (175) look at brackets."""
    return Inline("teardown-value", PATTERN, 177, _html, **kwargs)
