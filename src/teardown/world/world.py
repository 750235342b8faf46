"""Two hosts, a network and virtual time, as one immutable value.

A world is changed only by moves (`teardown.world.moves`). Time is whole microseconds and stands still between moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, NamedTuple, Protocol

from teardown.programs import Memory, Program
from teardown.tcp.endpoint import Endpoint
from teardown.tcp.profile import Profile
from teardown.tcp.segment import Segment
from teardown.world.trace import Host, Pair, Running

SEATS = ("network", "server", "client", "clock")


@dataclass(frozen=True, eq=False)
class HostSetup:
    """One host of a scenario: its operating system, its program, its socket options (µs, or None)."""

    profile: Profile
    program: Program
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Fault:
    """What the network does to the `nth` segment (from 1) of `sender` that carries all of `flags`."""

    sender: Host
    flags: str
    nth: int
    fate: str = "lost"  # lost | late
    late: int = 0  # µs, for late

    def meets(self, sender: Host, flags: str) -> bool:
        """Does it count a segment with these flags?"""
        return sender == self.sender and set(self.flags) <= set(flags)


@dataclass(frozen=True, eq=False)
class Scenario:
    """Two hosts and a network, before anything has happened. Compared by identity."""

    name: str
    title: str
    summary: str
    hosts: Pair[HostSetup]
    latency: int  # µs, one way
    begin: str = "established"  # "established" | "closed" (the client connects first)
    faults: tuple[Fault, ...] = ()
    seats: tuple[str, ...] = ()
    seed: int = 0
    limit: int = 86_400_000_000  # µs of virtual time after which a run stops

    def json(self) -> dict[str, Any]:
        """What was run, for the trace."""
        server, client = self.hosts
        return {
            "name": self.name,
            "title": self.title,
            "stacks": {"server": server.profile.name, "client": client.profile.name},
            "programs": {"server": server.program.name, "client": client.program.name},
            "latency": self.latency,
            "begin": self.begin,
            "seed": self.seed,
        }


class Flight(NamedTuple):
    """A segment on the wire. `packet` numbers the flights of a world from 1, in the order of sending."""

    packet: int
    sender: Host
    segment: Segment
    sent: int
    due: int
    again: int = 0
    probe: bool = False
    doomed: bool = False  # the network has decided to lose it


class World(NamedTuple):
    """Everything that the next move can depend on."""

    scenario: Scenario
    now: int
    ends: Pair[Endpoint]
    memory: Pair[Memory]
    timers: Pair[tuple[Running, ...]]
    wire: tuple[Flight, ...]
    packets: int  # flights so far
    seen: tuple[int, ...]  # for each fault, how many segments it has been compared with successfully
    down: Pair[bool]  # the host is gone
    heard: Pair[int]  # when a segment last arrived, kept only where a system counts idle time
    steps: int  # steps recorded so far

    @property
    def states(self) -> Pair[str]:
        """Both endpoints' states."""
        return Pair(self.ends.server.state, self.ends.client.state)

    def flight(self, packet: int) -> Flight | None:
        """The flight with that number, if it is still on the wire."""
        return next((f for f in self.wire if f.packet == packet), None)

    def next_timer(self) -> tuple[Host, Running] | None:
        """The timer that expires first; the server's before the client's, the kernel's before a program's."""
        return first_timer(self.timers)


class Standing(Protocol):
    """How things stand: a world, or one that is being changed. In pairs, the server's value comes first."""

    @property
    def scenario(self) -> Scenario: ...
    @property
    def now(self) -> int: ...
    @property
    def ends(self) -> Sequence[Endpoint]: ...
    @property
    def memory(self) -> Sequence[Memory]: ...
    @property
    def timers(self) -> Pair[tuple[Running, ...]]: ...
    @property
    def wire(self) -> Sequence[Flight]: ...
    @property
    def seen(self) -> tuple[int, ...]: ...
    @property
    def down(self) -> Sequence[bool]: ...
    @property
    def heard(self) -> Sequence[int]: ...


def first_timer(timers: Pair[tuple[Running, ...]]) -> tuple[Host, Running] | None:
    """The timer that expires first; the server's before the client's. One host's stand in the order of expiry."""
    server, client = timers
    if client and not (server and server[0].expires <= client[0].expires):
        return "client", client[0]
    return ("server", server[0]) if server else None


def first_flight(now: int, wire: Sequence[Flight]) -> Flight | None:
    """The flight that arrives first if nobody interferes; among those that are due, the one sent first."""
    if len(wire) < 2:
        return wire[0] if wire else None
    first = min(wire, key=_DUE)  # the flights stand in the order of sending
    return first if first.due >= now else next(f for f in wire if f.due <= now)


_DUE = itemgetter(Flight._fields.index("due"))
