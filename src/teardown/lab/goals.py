"""Goals: predicates over a trace. A goal is reached at the first step at which all its conditions hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from teardown.errors import InputError
from teardown.tcp.states import STATES, canonical
from teardown.world.trace import HOSTS, Pair, Step
from teardown.world.world import World

_KEYS = ("server", "client", "wire", "fired", "called", "lost", "arrived", "was", "timers")


class Goal(NamedTuple):
    """What the reader shall bring about, and the conditions that tell when it is done."""

    id: str
    text: str
    when: tuple[tuple[str, str], ...]


def parse_goal(data: Any, place: str) -> Goal:
    """A goal from a TOML table: id, text, and `when`, a table of conditions."""
    if not isinstance(data, dict):
        raise InputError("a goal must be a table", place=place, mend="Write [[goals]]")
    for key in data:
        if key not in ("id", "text", "when"):
            raise InputError(f"unknown key {key!r}", place=place, mend="A goal has id, text and when")
    goal_id, text, when = data.get("id"), data.get("text"), data.get("when")
    if not isinstance(goal_id, str) or not re.fullmatch(r"[a-z0-9-]{1,40}", goal_id):
        raise InputError(f"id cannot be {goal_id!r}", place=place, mend="Use lower-case letters, digits, hyphens")
    if not isinstance(text, str) or not 0 < len(text) <= 300:
        raise InputError("text is missing or too long", place=place, mend='Write text = "…"')
    if not isinstance(when, dict) or not when:
        raise InputError(
            "when is missing", place=place, mend='Write when = { server = "FIN-WAIT-2", wire = "empty" }'
        )
    return Goal(goal_id, text, tuple((key, condition(key, value, place)) for key, value in when.items()))


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
    if key == "timers" and value != "none":
        raise InputError(f"timers cannot be {value!r}", place=place, mend='Write timers = "none"')
    if key in ("fired", "called") and not re.fullmatch(r"(server|client) [a-z0-9-]+", value):
        raise InputError(f"{key} cannot be {value!r}", place=place, mend='Write something like "server fin-wait-2"')
    if key in ("lost", "arrived") and not re.fullmatch(r"[SFRPA]+ from (server|client)", value):
        raise InputError(f"{key} cannot be {value!r}", place=place, mend='Write something like "FA from server"')
    return value


def reached(goal: Goal, steps: Sequence[Step]) -> int | None:
    """The first step at which the goal holds; None if it never does."""
    return _first(goal, steps, set(), None)


def _first(goal: Goal, steps: Sequence[Step], flying: set[int], states: Pair[str] | None) -> int | None:
    """`flying` and `states` are what was on the wire and where both ends stood before the first of these steps."""
    for step in steps:
        if step.packet is not None:
            flying.add(step.packet) if step.event == "segment-sent" else flying.discard(step.packet)
        if all(_holds(key, value, step, flying, states) for key, value in goal.when):
            return step.i
        states = step.states
    return None


def met(goal: Goal, before: World, steps: Sequence[Step]) -> bool:
    """Does a move made in `before`, which adds these steps, reach the goal? For a search, which sees no whole trace."""
    return _first(goal, steps, {flight.packet for flight in before.wire}, before.states) is not None


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
