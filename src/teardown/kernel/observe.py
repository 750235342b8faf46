"""What was seen: an observation, its JSON, and the comparison of two of them.

The rig makes observations of the real kernel, `from_trace` makes them of the engine; `compare` knows neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest
from typing import Any, Final, NamedTuple

from teardown.errors import InputError
from teardown.tcp.segment import Segment
from teardown.world.captions import RETURN
from teardown.world.trace import HOSTS, Host, Trace

OBSERVATION_VERSION: Final = 1


class Stay(NamedTuple):
    """From `t` on (microseconds since the first move) a host was in `state`.

    `orphan`: no program held the connection any more. `timer`: what the kernel had running on entry, `entry` for
    a small FIN-WAIT-2 or TIME-WAIT record. Both are None where nobody looked (the engine, a CLOSED end).
    """

    t: int
    state: str
    orphan: bool | None = None
    timer: str | None = None


class Sent(NamedTuple):
    """A segment as its sender put it on the wire at `t`, and what the wire did with it."""

    t: int
    segment: Segment
    fate: str = "passed"

    @property
    def compared(self) -> tuple[str, int, int, int | None]:
        """Flags without PSH, sequence number, length, and acknowledgement where one is carried."""
        seg = self.segment
        flags = "".join(f for f in "SFRA" if f in seg.flags)
        return flags, seg.seq, seg.length, seg.ack if "A" in flags else None


class Called(NamedTuple):
    """A call of a program. `result` is what it returned, or the name of the error; None if nobody knows."""

    t: int
    host: Host
    call: str
    result: str | None
    took: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """One play or one run. Times are microseconds since the first move."""

    scenario: str
    title: str = ""
    made: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    moves: tuple[Mapping[str, Any], ...] = ()
    states: Mapping[Host, tuple[Stay, ...]] = field(default_factory=dict)
    traced: Mapping[Host, tuple[tuple[int, str, str], ...]] = field(default_factory=dict)
    calls: tuple[Called, ...] = ()
    segments: Mapping[Host, tuple[Sent, ...]] = field(default_factory=dict)
    waits: tuple[Mapping[str, Any], ...] = ()
    ended: int = 0

    def sequence(self, host: Host) -> tuple[str, ...]:
        """The states of `host` in order, each once."""
        return tuple(stay.state for stay in self.stays(host))

    def stays(self, host: Host) -> tuple[Stay, ...]:
        """The states of `host` with the times of entry, without changes of owner alone."""
        kept: list[Stay] = []
        for stay in self.states.get(host, ()):
            if not kept or kept[-1].state != stay.state:
                kept.append(stay)
        return tuple(kept)

    def json(self) -> dict[str, Any]:
        """Plain data in a fixed order of fields."""
        return {
            "version": OBSERVATION_VERSION,
            "scenario": self.scenario,
            "title": self.title,
            "made": dict(self.made),
            "settings": dict(self.settings),
            "moves": [dict(move) for move in self.moves],
            "states": {h: [_lean(s._asdict()) for s in self.states.get(h, ())] for h in HOSTS},
            "traced": {h: [list(change) for change in self.traced.get(h, ())] for h in HOSTS},
            "calls": [called._asdict() for called in self.calls],
            "segments": {h: [_flat(sent) for sent in self.segments.get(h, ())] for h in HOSTS},
            "waits": [dict(wait) for wait in self.waits],
            "ended": self.ended,
        }

    def dumps(self) -> str:
        """The JSON as text, one row of a list on one line, so that a difference is easy to see."""
        return "".join(_rows(self.json())) + "\n"

    @classmethod
    def loads(cls, text: str, place: str = "") -> Observation:
        """Read what `dumps` wrote. Raises InputError for anything else."""
        try:
            data = json.loads(text)
            if data["version"] != OBSERVATION_VERSION:
                raise InputError(
                    f"this observation has version {data['version']}, not {OBSERVATION_VERSION}",
                    place=place,
                    mend="Record it again: python -m teardown.kernel.record",
                )
            return cls(
                data["scenario"],
                data["title"],
                data["made"],
                data["settings"],
                tuple(data["moves"]),
                {h: tuple(Stay(**row) for row in data["states"][h]) for h in HOSTS},
                {h: tuple((t, old, new) for t, old, new in data["traced"][h]) for h in HOSTS},
                tuple(Called(**row) for row in data["calls"]),
                {h: tuple(_unflat(row) for row in data["segments"][h]) for h in HOSTS},
                tuple(data["waits"]),
                data["ended"],
            )
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"this is not an observation: {error}", place=place) from None


def _lean(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None}


def _flat(sent: Sent) -> dict[str, Any]:
    seg = sent.segment
    return {
        "t": sent.t,
        "flags": seg.flags,
        "seq": seg.seq,
        "len": seg.length,
        "ack": seg.ack,
        "win": seg.window,
        "fate": sent.fate,
    }


def _unflat(row: Mapping[str, Any]) -> Sent:
    return Sent(row["t"], Segment(row["seq"], row["ack"], row["flags"], row["len"], row["win"]), row["fate"])


def _rows(value: Any, depth: int = 0) -> Iterator[str]:
    """JSON text with objects of scalars on one line and everything around them spread out."""
    pad = " " * depth
    if isinstance(value, dict) and any(isinstance(v, (dict, list)) for v in value.values()):
        opening, closing = "{", "}"
        items: Iterable[tuple[str, Any]] = ((f"{json.dumps(k)}: ", v) for k, v in value.items())
    elif isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        opening, closing = "[", "]"
        items = (("", v) for v in value)
    else:
        yield json.dumps(value, ensure_ascii=False)
        return
    yield opening
    for number, (key, inner) in enumerate(items):
        yield ("," if number else "") + f"\n{pad} {key}"
        yield from _rows(inner, depth + 1)
    yield f"\n{pad}{closing}"


_CALL_TEXTS: Final = {
    "close()": "close",
    "shutdown(SHUT_WR)": "shutdown-write",
    "shutdown(SHUT_RD)": "shutdown-read",
    "close() with SO_LINGER 0": "abort",
    "recv()": "recv",
}


def neutral(call: str) -> str:
    """The rig's name for a call as a trace writes it: `send(100)` is `send 100`."""
    if call.startswith("send("):
        return f"send {call[5:-1]}"
    return _CALL_TEXTS.get(call, call)


def from_trace(trace: Trace) -> Observation:
    """The engine's run, seen as the rig sees the kernel: settled states, calls, segments as they were sent.

    A state that is left again at the same event is not in it, nor in what the rig sees of the kernel.
    """
    if not trace.steps:
        return Observation("empty")
    start = trace.steps[0].t
    lost = {step.packet for step in trace.steps if step.event == "segment-lost"}
    states: dict[Host, list[Stay]] = {h: [] for h in HOSTS}
    calls: list[Called] = []
    segments: dict[Host, list[Sent]] = {h: [] for h in HOSTS}
    for step in trace.steps:
        t = step.t - start
        for host in HOSTS:
            state = step.states.of(host)
            if not states[host] or states[host][-1].state != state:
                states[host].append(Stay(t, state))
        if step.event == "call" and step.call == RETURN:
            n = next(n for n in reversed(range(len(calls))) if calls[n].host == step.host)
            calls[n] = calls[n]._replace(result=step.result, took=t - calls[n].t)
        elif step.event == "call" and step.host and step.call:
            result = "0" if step.result == "EOF" else step.result
            calls.append(Called(t, step.host, neutral(step.call), result))
        if step.event == "segment-sent" and step.sender and step.segment:
            fate = "dropped" if step.packet in lost else "passed"
            segments[step.sender].append(Sent(t, step.segment, fate))
    return Observation(
        str(trace.scenario.get("name", "")),
        title=str(trace.scenario.get("title", "")),
        made={"engine": trace.scenario.get("stacks", {})},
        states={h: tuple(states[h]) for h in HOSTS},
        calls=tuple(calls),
        segments={h: tuple(segments[h]) for h in HOSTS},
        ended=trace.ending.t - start,
    )


def digest(seen: Observation) -> dict[str, str]:
    """States and segments of a play in four short lines, without times: for many plays in one file."""
    lines: dict[str, str] = {host: " → ".join(seen.sequence(host)) for host in HOSTS}
    for host in HOSTS:
        lines[f"{host} sends"] = " | ".join(_shown(sent.compared) for sent in seen.segments.get(host, ()))
    return lines


class Slack(NamedTuple):
    """How far a duration of the kernel may lie from the expected one; seconds, and a share of it.

    The kernel's timer wheel rounds up, by up to one eighth of a long timer, and a loaded machine is late. It is
    early only against an expectation that has some of that rounding in it already, as the engine's 210 ms have.
    """

    late: float = 0.1
    share: float = 0.13
    early: float = 0.03
    early_share: float = 0.05

    def holds(self, expected: int, measured: int) -> bool:
        """Whether `measured` (microseconds) is as good as `expected`."""
        ahead = (measured - expected) / 1e6
        length = expected / 1e6
        return -self.early - self.early_share * length <= ahead <= self.late + self.share * length


#: For the engine's expectation, which knows no tick and no load.
ENGINE: Final = Slack()
#: For two plays of the same kernel: either may be the slow one.
SAME_KERNEL: Final = Slack(late=0.15, share=0.13, early=0.15, early_share=0.13)


class Difference(NamedTuple):
    """One place where kernel and expectation part."""

    what: str
    kernel: str
    other: str

    def __str__(self) -> str:
        return f"{self.what}: kernel {self.kernel}, expected {self.other}"


def _parting[T](kernel: Sequence[T], other: Sequence[T]) -> int | None:
    """Where two lists part, or None."""
    for number, (one, two) in enumerate(zip_longest(kernel, other)):
        if one != two:
            return number
    return None


def compare(
    kernel: Observation, other: Observation, slack: Slack = ENGINE, *, calls: bool = True
) -> list[Difference]:
    """Where a play on the kernel and another observation differ; empty if they agree.

    States and results of calls must be the same, segments must be the same for each direction (the two
    directions are independent: packets under way in opposite directions have no order), durations within `slack`.
    A result of None in `other` means that it does not say. With `calls=False` only their results are left out.
    """
    found: list[Difference] = []
    for host in HOSTS:
        mine, theirs = kernel.sequence(host), other.sequence(host)
        if mine != theirs:
            found.append(Difference(f"states of the {host}", " → ".join(mine), " → ".join(theirs)))
        else:
            found += _stays(host, kernel.stays(host), other.stays(host), slack)
        found += _segments(host, kernel.segments.get(host, ()), other.segments.get(host, ()), slack)
    if calls:
        found += _calls(kernel.calls, other.calls, slack)
    return found


def _stays(host: Host, mine: Sequence[Stay], theirs: Sequence[Stay], slack: Slack) -> Iterator[Difference]:
    # The first stay ends with the first move and the last one with the play: neither is a duration.
    for one, two in list(zip(pairwise(mine), pairwise(theirs), strict=True))[1:]:
        measured, expected = one[1].t - one[0].t, two[1].t - two[0].t
        if not slack.holds(expected, measured):
            what = f"time of the {host} in {one[0].state}"
            yield Difference(what, _seconds(measured), _seconds(expected))


def _segments(host: Host, mine: Sequence[Sent], theirs: Sequence[Sent], slack: Slack) -> Iterator[Difference]:
    kinds = [s.compared for s in mine], [s.compared for s in theirs]
    if (where := _parting(*kinds)) is not None:
        what = f"segments of the {host}, from number {where + 1}"
        yield Difference(what, *(_listed(k[where:]) for k in kinds))
        return
    for number, (one, two) in enumerate(zip(pairwise(mine), pairwise(theirs), strict=True), 1):
        measured, expected = one[1].t - one[0].t, two[1].t - two[0].t
        if not slack.holds(expected, measured):
            what = f"pause of the {host} before its segment {number + 1} ({_shown(one[1].compared)})"
            yield Difference(what, _seconds(measured), _seconds(expected))


def _calls(mine: Sequence[Called], theirs: Sequence[Called], slack: Slack) -> Iterator[Difference]:
    for number, (one, two) in enumerate(zip_longest(mine, theirs), 1):
        if one is None or two is None or (one.host, one.call) != (two.host, two.call):
            yield Difference(f"call {number}", _called(one), _called(two))
            return
        if two.result is not None and one.result != two.result:
            yield Difference(f"result of call {number}, {_named(one)}", str(one.result), str(two.result))
        elif not slack.holds(two.took, one.took):
            yield Difference(
                f"length of call {number}, {_named(one)}", _seconds(one.took), _seconds(two.took)
            )


def _seconds(us: int) -> str:
    return f"{us / 1e6:.3f} s"


def _named(called: Called) -> str:
    return f"{called.host} {called.call}"


def _called(called: Called | None) -> str:
    return "none" if called is None else f"{_named(called)} = {called.result}"


def _shown(kind: tuple[str, int, int, int | None]) -> str:
    flags, seq, length, ack = kind
    return f"{flags or '-'} {seq}:{seq + length}" + ("" if ack is None else f" ack {ack}")


def _listed(kinds: Sequence[tuple[str, int, int, int | None]]) -> str:
    shown = [_shown(kind) for kind in kinds[:4]]
    return " | ".join(shown) + (f" | … ({len(kinds)} in all)" if len(kinds) > 4 else "") or "nothing"
