"""Goals: predicates over a trace. A goal is reached at the first step at which all its conditions hold.

Predictions ask at the same kind of place, so the conditions are theirs too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from teardown.durations import duration
from teardown.errors import InputError
from teardown.tcp.endpoint import Endpoint
from teardown.tcp.segment import Segment
from teardown.tcp.states import (
    CLOSE_WAIT,
    CLOSED,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT_1,
    LAST_ACK,
    LISTEN,
    STATES,
    SYN_RECEIVED,
    SYN_SENT,
    canonical,
)
from teardown.tcp.table import RULES
from teardown.world.trace import HOSTS, Host, Pair, Step
from teardown.world.world import World

_KEYS = ("server", "client", "wire", "fired", "called", "lost", "arrived", "was", "timers", "held", "orphan", "before", "after")
When = tuple[tuple[str, str], ...]
_SEGMENT = re.compile(r"[SFRPA]+ from (server|client)")
#: Whose timers must not run: anybody's, any kernel's, or one kernel's.
_TIMERS = ("none", "programs only", "none of the server's kernel", "none of the client's kernel")
#: What is on the wire: flags and sender of each segment, by the number of its flight.
Flying = dict[int, str]


class Goal(NamedTuple):
    """What the reader shall bring about, the conditions that tell when it is done, and hints on the way.

    `once`: what must have come about at an earlier step, such as the loss of a segment; empty: nothing.
    """

    id: str
    text: str
    when: When
    hints: tuple[str, ...] = ()
    once: When = ()

    @property
    def timed(self) -> bool:
        """It asks for a time on the clock, which a search through worlds without dates cannot see."""
        return any(key in ("before", "after") for key, _value in self.when)


def parse_goal(data: Any, place: str) -> Goal:
    """A goal from a TOML table: id, text, hints, and `when`, a table of conditions."""
    if not isinstance(data, dict):
        raise InputError("a goal must be a table", place=place, mend="Write [[goals]]")
    for key in data:
        if key not in ("id", "text", "when", "once", "hints"):
            raise InputError(f"unknown key {key!r}", place=place, mend="A goal has id, text, when, once and hints")
    hints = data.get("hints", [])
    if not isinstance(hints, list) or len(hints) > 5 or not all(isinstance(h, str) and 0 < len(h) <= 500 for h in hints):
        raise InputError("hints must be a list of short texts", place=place, mend='Write hints = ["…"], at most 5')
    once = parse_when(data, place, "once") if "once" in data else ()
    goal = Goal(parse_id(data, place), parse_text(data, place), parse_when(data, place), tuple(hints), once)
    if once and (goal.timed or Goal("", "", once).timed):
        raise InputError("once goes without before and after", place=place, mend="Leave one of them out")
    return goal


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


def parse_when(data: dict[str, Any], place: str, key: str = "when") -> When:
    """The conditions of a goal or a prediction."""
    when = data.get(key)
    if not isinstance(when, dict) or not when:
        raise InputError(
            f"{key} is missing", place=place, mend=f'Write {key} = {{ server = "FIN-WAIT-2", wire = "empty" }}'
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
    if key == "wire" and value != "empty" and not all(map(_SEGMENT.fullmatch, value.split(", "))):
        raise InputError(
            f"wire cannot be {value!r}", place=place, mend='Write wire = "empty", or "FA from server, A from client"'
        )
    if key in ("before", "after"):
        duration(value, place)
    if key in ("held", "orphan") and value not in HOSTS:
        raise InputError(f"{key} cannot be {value!r}", place=place, mend="Write server or client")
    if key == "timers" and value not in _TIMERS:
        raise InputError(f"timers cannot be {value!r}", place=place, mend=f"Write one of: {', '.join(_TIMERS)}")
    if key in ("fired", "called") and not re.fullmatch(r"(server|client) [a-z0-9-]+", value):
        raise InputError(f"{key} cannot be {value!r}", place=place, mend='Write something like "server fin-wait-2"')
    if key in ("lost", "arrived") and not _SEGMENT.fullmatch(value):
        raise InputError(f"{key} cannot be {value!r}", place=place, mend='Write something like "FA from server"')
    return value


def reached(goal: Goal, steps: Sequence[Step]) -> int | None:
    """The first step at which the goal holds; None if it never does."""
    if not goal.once:
        return first(goal.when, steps)
    before = first(goal.once, steps)
    return None if before is None else _first(goal.when, steps, {}, None, before + 1)


def first(when: When, steps: Sequence[Step]) -> int | None:
    """The first step of a trace at which all conditions hold; None if they never do."""
    return _first(when, steps, {}, None)


def _first(
    when: When, steps: Sequence[Step], flying: Flying, states: Pair[str] | None, since: int = 0
) -> int | None:
    """`flying` and `states` are what was on the wire and where both ends stood before the first of these steps.

    Steps before `since` do not count.
    """
    for step in steps:
        if step.packet is not None:
            if step.event == "segment-sent" and step.segment is not None and step.sender is not None:
                flying[step.packet] = _flight(step.segment, step.sender)
            else:
                flying.pop(step.packet, None)
        if step.i >= since and all(_holds(key, value, step, flying, states) for key, value in when):
            return step.i
        states = step.states
    return None


def _flight(segment: Segment, sender: str) -> str:
    return f"{''.join(sorted(segment.flags))} {sender}"


class Sought:
    """A goal for a search, which sees a world and the steps that a move adds to it, and no whole trace."""

    def __init__(self, when: When) -> None:
        self.when = when

    def __call__(self, before: World, steps: Sequence[Step]) -> bool:
        """Does a move made in `before`, which adds these steps, reach the goal?"""
        flying = {flight.packet: _flight(flight.segment, flight.sender) for flight in before.wire}
        return _first(self.when, steps, flying, before.states) is not None

    def may(self, states: Pair[str], kind: str, mover: Host | None, name: str) -> bool:
        """Can such a move reach it at all? `mover`: the host that takes its turn; `name`: the timer of `fire`.

        Asked before the steps are made, which costs more. Nobody else may act in the same move.
        """
        for key, value in self.when:
            if key in HOSTS and key != mover and states.of("server" if key == "server" else "client") != value:
                return False
            if key == "lost" and kind != "drop":
                return False
            if key == "arrived" and kind != "deliver":
                return False
            if key == "fired" and (kind != "fire" or f"{mover} {name}" != value):
                return False
        return True

    def can(self, sides: Pair[Endpoint], flags: Sequence[tuple[int, str]]) -> bool:
        """Can any moves from such a world reach it? False where a condition asks for what never comes again.

        `flags`: the sender (0 the server, 1 the client) and the flags of each segment on the wire. Nobody opens a
        connection anew, so what a state leads to is what the table says, without its first rows.
        """
        if any(e.state in _OPENING for e in sides) or any("S" in letters for _at, letters in flags):
            return True
        return all(self._can(key, value, sides, flags) for key, value in self.when)

    def _can(self, key: str, value: str, sides: Pair[Endpoint], flags: Sequence[tuple[int, str]]) -> bool:
        if key in HOSTS:
            return value in _leads_to(sides[HOSTS.index(key)].state)
        if key == "held":
            return not sides[HOSTS.index(value)].orphan
        if key == "was":
            return any(value in _leads_to(e.state) for e in sides)
        if key == "called":
            side = sides[HOSTS.index(value.split()[0])]
            return not side.orphan or side.error is not None
        if key == "fired" and value.partition(" ")[2] in ("fin-wait-2", "time-wait"):
            host, _, timer = value.partition(" ")
            return timer.upper() in _leads_to(sides[HOSTS.index(host)].state)
        if key in ("lost", "arrived"):
            wanted, _, sender = value.partition(" from ")
            at = HOSTS.index(sender)
            if not set(wanted) & {"F", "P"}:
                return True
            # What is acknowledged, or was never to be sent, is not sent again.
            if _leads_to(sides[at].state) & _SENDS:
                return True
            return any(who == at and set(wanted) <= set(letters) for who, letters in flags)
        return True


#: States in which a connection is still to be opened.
_OPENING = {LISTEN, SYN_SENT, SYN_RECEIVED}
#: States in which a kernel sends data or a FIN, for the first time or again.
_SENDS = {ESTABLISHED, CLOSE_WAIT, FIN_WAIT_1, CLOSING, LAST_ACK}


@cache
def _leads_to(state: str) -> frozenset[str]:
    """The states that an end may still come to, by the table, from an open connection."""
    seen, waiting = {state}, [state]
    while waiting:
        here = waiting.pop()
        if here == CLOSED:
            continue
        after = {rule.to for rule in RULES if here in rule.states and rule.to is not None} - _OPENING - seen
        seen |= after
        waiting += after
    return frozenset(seen)


def met(goal: Goal, before: World, steps: Sequence[Step]) -> bool:
    """Does a move made in `before`, which adds these steps, reach the goal?"""
    return Sought(goal.when)(before, steps)


def _holds(key: str, value: str, step: Step, flying: Flying, before: Pair[str] | None) -> bool:
    match key:
        case "server" | "client":
            return step.states.of(key) == value
        case "was":  # the end that this step happens to, just before it
            return before is not None and step.host is not None and before.of(step.host) == value
        case "wire":
            wanted = [] if value == "empty" else [_wanted(part) for part in value.split(", ")]
            return sorted(flying.values()) == sorted(wanted)
        case "timers":
            mine = [host for host in HOSTS if value in ("none", "programs only") or host in value]
            return not any(r.owner == "kernel" or value == "none" for host in mine for r in step.timers.of(host))
        case "held" | "orphan":  # whether a program of that host still holds its socket
            return step.held.of("server" if value == "server" else "client") is (key == "held")
        case "before":
            return step.t < duration(value)
        case "after":
            return step.t >= duration(value)
        case "fired":
            return step.event == "timer" and f"{step.host} {step.timer}" == value
        case "called":
            return step.event == "call" and f"{step.host} {_call(step.call)}" == value
        case _:
            flags, sender = value.split(" from ")
            if step.event != f"segment-{key}" or step.sender != sender or step.segment is None:
                return False
            # Nearly every segment acknowledges something: `A` alone is one that does nothing else.
            return step.segment.flags == "A" if flags == "A" else set(flags) <= set(step.segment.flags)


def _wanted(text: str) -> str:
    flags, _, sender = text.partition(" from ")
    return f"{''.join(sorted(flags))} {sender}"


def _call(text: str | None) -> str:
    return (text or "").split("(")[0].replace(" ", "-")
