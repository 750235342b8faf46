"""Goals: predicates over a trace. A goal is reached at the first step at which all its conditions hold.

Predictions ask at the same kind of place, so the conditions are theirs too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from teardown.durations import duration
from teardown.errors import InputError
from teardown.tcp.states import STATES, canonical
from teardown.world.trace import HOSTS, Pair, Step
from teardown.world.world import World

_KEYS = ("server", "client", "wire", "fired", "called", "lost", "arrived", "was", "timers", "held", "orphan", "before")
When = tuple[tuple[str, str], ...]


class Goal(NamedTuple):
    """What the reader shall bring about, the conditions that tell when it is done, and hints on the way."""

    id: str
    text: str
    when: When
    hints: tuple[str, ...] = ()

    @property
    def timed(self) -> bool:
        """It asks for a time on the clock, which a search through worlds without dates cannot see."""
        return any(key == "before" for key, _value in self.when)


def parse_goal(data: Any, place: str) -> Goal:
    """A goal from a TOML table: id, text, hints, and `when`, a table of conditions."""
    if not isinstance(data, dict):
        raise InputError("a goal must be a table", place=place, mend="Write [[goals]]")
    for key in data:
        if key not in ("id", "text", "when", "hints"):
            raise InputError(f"unknown key {key!r}", place=place, mend="A goal has id, text, when and hints")
    hints = data.get("hints", [])
    if not isinstance(hints, list) or len(hints) > 5 or not all(isinstance(h, str) and 0 < len(h) <= 500 for h in hints):
        raise InputError("hints must be a list of short texts", place=place, mend='Write hints = ["…"], at most 5')
    return Goal(parse_id(data, place), parse_text(data, place), parse_when(data, place), tuple(hints))


def parse_id(data: dict[str, Any], place: str) -> str:
    """The id of a goal or a prediction."""
    value = data.get("id")
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9-]{1,40}", value):
        raise InputError(f"id cannot be {value!r}", place=place, mend="Use lower-case letters, digits, hyphens")
    return value


def parse_text(data: dict[str, Any], place: str, key: str = "text", most: int = 300) -> str:
    """One short text of a goal or a prediction."""
    value = data.get(key)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= most:
        raise InputError(f"{key} is missing or too long", place=place, mend=f'Write {key} = "…", at most {most} characters')
    return value.strip()


def parse_when(data: dict[str, Any], place: str) -> When:
    """The conditions of a goal or a prediction."""
    when = data.get("when")
    if not isinstance(when, dict) or not when:
        raise InputError(
            "when is missing", place=place, mend='Write when = { server = "FIN-WAIT-2", wire = "empty" }'
        )
    return tuple((key, condition(key, value, place)) for key, value in when.items())


def condition(key: str, value: Any, place: str) -> str:
    """The value of one condition, checked. Raises InputError."""
    if key not in _KEYS:
        raise InputError(f"unknown condition {key!r}", place=place, mend=f"Known conditions: {', '.join(_KEYS)}")
    if not isinstance(value, str):
        raise InputError(f"{key} cannot be {value!r}", place=place, mend="Write a text")
    if key in HOSTS or key == "was":
        state = canonical(value)
        if state is None:
            raise InputError(f"{value!r} is not a state", place=place, mend=f"States: {', '.join(STATES)}")
        return state
    if key == "wire" and value != "empty":
        raise InputError(f"wire cannot be {value!r}", place=place, mend='Write wire = "empty"')
    if key == "before":
        duration(value, place)
    if key in ("held", "orphan") and value not in HOSTS:
        raise InputError(f"{key} cannot be {value!r}", place=place, mend="Write server or client")
    if key == "timers" and value != "none":
        raise InputError(f"timers cannot be {value!r}", place=place, mend='Write timers = "none"')
    if key in ("fired", "called") and not re.fullmatch(r"(server|client) [a-z0-9-]+", value):
        raise InputError(f"{key} cannot be {value!r}", place=place, mend='Write something like "server fin-wait-2"')
    if key in ("lost", "arrived") and not re.fullmatch(r"[SFRPA]+ from (server|client)", value):
        raise InputError(f"{key} cannot be {value!r}", place=place, mend='Write something like "FA from server"')
    return value


def reached(goal: Goal, steps: Sequence[Step]) -> int | None:
    """The first step at which the goal holds; None if it never does."""
    return first(goal.when, steps)


def first(when: When, steps: Sequence[Step]) -> int | None:
    """The first step of a trace at which all conditions hold; None if they never do."""
    return _first(when, steps, set(), None)


def _first(when: When, steps: Sequence[Step], flying: set[int], states: Pair[str] | None) -> int | None:
    """`flying` and `states` are what was on the wire and where both ends stood before the first of these steps."""
    for step in steps:
        if step.packet is not None:
            flying.add(step.packet) if step.event == "segment-sent" else flying.discard(step.packet)
        if all(_holds(key, value, step, flying, states) for key, value in when):
            return step.i
        states = step.states
    return None


def met(goal: Goal, before: World, steps: Sequence[Step]) -> bool:
    """Does a move made in `before`, which adds these steps, reach the goal? For a search, which sees no whole trace."""
    return _first(goal.when, steps, {flight.packet for flight in before.wire}, before.states) is not None


def _holds(key: str, value: str, step: Step, flying: set[int], before: Pair[str] | None) -> bool:
    match key:
        case "server" | "client":
            return step.states.of(key) == value
        case "was":  # the end that this step happens to, just before it
            return before is not None and step.host is not None and before.of(step.host) == value
        case "wire":
            return not flying
        case "timers":
            return not any(step.timers)
        case "held" | "orphan":  # whether a program of that host still holds its socket
            return step.held.of("server" if value == "server" else "client") is (key == "held")
        case "before":
            return step.t < duration(value)
        case "fired":
            return step.event == "timer" and f"{step.host} {step.timer}" == value
        case "called":
            return step.event == "call" and f"{step.host} {_call(step.call)}" == value
        case _:
            flags, sender = value.split(" from ")
            return (
                step.event == f"segment-{key}" and step.sender == sender
                and step.segment is not None and set(flags) <= set(step.segment.flags)
            )  # fmt: skip


def _call(text: str | None) -> str:
    return (text or "").split("(")[0].replace(" ", "-")
