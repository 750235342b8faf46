"""The trace: what a scenario did, step by step, and the JSON that everyone else reads.

A trace is immutable. Ladder, state diagram, transcript, table, lab and capture are functions of it alone.
"""

from __future__ import annotations

import json
from typing import Any, Literal, NamedTuple

from teardown.tcp.segment import Segment
from teardown.tcp.states import Fins

TRACE_VERSION = 1

Host = Literal["server", "client"]
HOSTS: tuple[Host, Host] = ("server", "client")
EventKind = Literal["segment-sent", "segment-arrived", "segment-lost", "call", "timer", "start"]


def other(host: Host) -> Host:
    """The host at the far end."""
    return "client" if host == "server" else "server"


class Pair[T](NamedTuple):
    """One value for each host."""

    server: T
    client: T

    def of(self, host: Host) -> T:
        """The value of `host`."""
        return self[0] if host == "server" else self[1]

    def having(self, host: Host, value: T) -> Pair[T]:
        """The pair with the value of `host` replaced."""
        return Pair(value, self[1]) if host == "server" else Pair(self[0], value)

    def json(self) -> dict[str, T]:
        """As a JSON object with the keys `server` and `client`."""
        return {"server": self.server, "client": self.client}


class Running(NamedTuple):
    """A timer that runs: `started` and `expires` are virtual time in microseconds."""

    name: str
    started: int
    expires: int
    owner: Literal["kernel", "program"]

    def json(self) -> dict[str, Any]:
        """As in the trace contract, plus when it started and whose it is."""
        return {"name": self.name, "expires": self.expires, "started": self.started, "owner": self.owner}


class Owes(NamedTuple):
    """Who must act next, and what the act is."""

    who: str
    what: str


class Step(NamedTuple):
    """One entry of the trace. States, timers, checklists and `owes` are those after the event."""

    i: int
    t: int
    event: EventKind
    host: Host | None
    caption: str
    states: Pair[str]
    timers: Pair[tuple[Running, ...]]
    fins: Pair[Fins]
    owes: Owes | None
    segment: Segment | None = None
    sender: Host | None = None  # who sent `segment`
    packet: int | None = None  # the flight on the wire: links sent with arrived or lost
    again: int = 0  # how often these bytes had been sent before
    probe: bool = False  # a keepalive or zero-window probe
    call: str | None = None
    result: str | None = None  # what the call returned, where that teaches something: "0", "EPIPE"
    timer: str | None = None
    rule: str = ""
    rfc: str = ""
    move: str | None = None  # the move of the reader that caused this step, if one did
    held: Pair[bool] = Pair(True, True)  # whether a program holds the socket: not after close() (an orphan), nor a crash

    def json(self) -> dict[str, Any]:
        """As in the trace contract, plus the fields that drawing needs."""
        seg = self.segment
        return {
            "i": self.i,
            "t": self.t,
            "event": self.event,
            "host": self.host,
            "segment": None
            if seg is None
            else {
                "from": self.sender,
                "seq": seg.seq,
                "ack": seg.ack,
                "flags": seg.flags,
                "len": seg.length,
                "win": seg.window,
            },
            "call": self.call,
            "timer": self.timer,
            "states": self.states.json(),
            "timers": {h: [r.json() for r in self.timers.of(h)] for h in HOSTS},
            "owes": None if self.owes is None else {"who": self.owes.who, "what": self.owes.what},
            "caption": self.caption,
            "rule": self.rule,
            "rfc": self.rfc,
            "packet": self.packet,
            "again": self.again,
            "probe": self.probe,
            "result": self.result,
            "fins": {h: self.fins.of(h)._asdict() for h in HOSTS},
            "move": self.move,
            "held": self.held.json(),
        }


class Ending(NamedTuple):
    """How a run ended.

    kind: `closed` (both ends CLOSED), `stuck` (nothing can ever happen again and an end is not CLOSED),
    `open` (stopped early: the reader may go on). `t` is when, in microseconds of virtual time.
    """

    kind: Literal["closed", "stuck", "open"]
    t: int
    text: str


class Trace(NamedTuple):
    """A finished run of a scenario. `scenario` is plain JSON-able data about what was run."""

    scenario: dict[str, Any]
    steps: tuple[Step, ...]
    ending: Ending

    def json(self) -> dict[str, Any]:
        """The trace contract as plain data."""
        return {
            "version": TRACE_VERSION,
            "scenario": self.scenario,
            "steps": [step.json() for step in self.steps],
            "ending": self.ending._asdict(),
        }

    def dumps(self) -> str:
        """The trace contract as text: the same bytes in every Python."""
        return json.dumps(self.json(), ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def spoken(us: int) -> str:
    """A length of virtual time in words a person would use: `40 ms`, `67 s`, `11 min 15 s`, `2 h`."""
    if us < 1_000:
        return f"{us} µs"
    if us < 1_000_000:
        return f"{us / 1_000:.3g} ms"
    if us < 120_000_000:
        return f"{us / 1_000_000:.4g} s"
    seconds = round(us / 1_000_000)
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3_600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    return " ".join(f"{n} {unit}" for n, unit in parts if n)
