"""All worlds of one scenario, each known by four small numbers: what the search through all futures works on.

A canonical world (see `canonical`) falls into parts that come up again and again: the two sides, the wire, and what
the scenario's faults have counted. Each part is kept once and has a number. What happens to a side is asked once and
remembered: time passes, or it takes its turn. So most moves of a search cost a few look-ups. The turns themselves are
taken by `doing`, the same code that plays a run.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from operator import itemgetter
from typing import Any, NamedTuple

from teardown.programs import Memory
from teardown.tcp.endpoint import Endpoint
from teardown.tcp.segment import Segment
from teardown.tcp.states import CLOSED
from teardown.world.canonical import canonical, from_now, moment, origin, plain, shifted, silence
from teardown.world.doing import DELAY, Doing
from teardown.world.invariants import alone
from teardown.world.moves import open_calls
from teardown.world.trace import HOSTS, Host, Pair, Running, other
from teardown.world.world import Flight, Scenario, World, first_flight, first_timer

#: A world: the numbers of the server's side, the client's side, the wire, and what the faults have counted.
Known = tuple[int, int, int, int]
#: A segment under way: who has sent it (0 the server, 1 the client), its number, sent and due (µs from now), doomed.
Airborne = tuple[int, int, int, int, bool]
#: A move: its kind (a method of `Worlds`) and what it is made with.
Act = tuple[str, tuple[Any, ...]]
NEVER = 1 << 62
_SENDER = itemgetter(0)
_MOST_BY_ITSELF = 1_000


class Side(NamedTuple):
    """One host: its TCP, what its program remembers, its timers from now, and how long it has heard nothing."""

    endpoint: Endpoint
    memory: Memory
    timers: tuple[Running, ...]
    down: bool
    silence: int  # µs, zero or less


class Kept[T: Hashable]:
    """Values by number, each once."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}

    def number(self, value: T) -> int:
        """The number of a value."""
        found = self._numbers.setdefault(value, len(self.values))
        if found == len(self.values):
            self.values.append(value)
        return found


class Worlds:
    """The worlds of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._plays_network = not scenario.seats or "network" in scenario.seats
        self._plays_clock = not scenario.seats or "clock" in scenario.seats
        self._moves_on = not (self._plays_network and self._plays_clock)  # some things happen by themselves
        # For the turns of one side: nothing is lost on a wire that is not looked at, and nobody goes on by himself.
        self._calm = replace(scenario, faults=(), seats=())
        self._sides: Kept[Side] = Kept()
        self._segments: Kept[Segment] = Kept()
        self._wires: Kept[tuple[Airborne, ...]] = Kept()
        self._wires.number(())
        self._seen: Kept[tuple[int, ...]] = Kept()
        #: For each side: when its first timer is over, and what it breaks by itself.
        self.soonest: list[int] = []
        self.breaks: list[tuple[str, ...]] = []
        # What is remembered, each by what was asked.
        self._ages: dict[tuple[int, int], int] = {}
        self._turns: dict[tuple[int, int, Hashable], tuple[int, tuple[int, ...]]] = {}
        self._origins: dict[tuple[int, int], tuple[int, int, bool] | None] = {}
        self._moves: dict[tuple[int, int, int], int] = {}
        self._shifts: dict[tuple[int, int, int], int] = {}
        self._calls: dict[tuple[int, int], tuple[tuple[str, int], ...]] = {}

    @property
    def size(self) -> int:
        """How much is remembered."""
        return len(self._turns) + len(self._ages) + len(self._wires.values) + len(self._sides.values) + len(self._shifts)

    # -- worlds and their numbers
    def known(self, w: World) -> Known:
        """The numbers of a world, made canonical."""
        w = canonical(w)
        server, client = (
            self._side(Side(w.ends[at], w.memory[at], w.timers[at], w.down[at], w.heard[at])) for at in (0, 1)
        )
        wire = tuple(
            (HOSTS.index(f.sender), self._segments.number(f.segment), f.sent, f.due, f.doomed) for f in w.wire
        )
        return server, client, self._wires.number(wire), self._seen.number(w.seen)

    def world(self, n: Known) -> World:
        """The canonical world with these numbers."""
        server, client = (self._sides.values[side] for side in n[:2])
        wire = self._flights(n[2])
        return World(
            self.scenario, 0, Pair(server.endpoint, client.endpoint), Pair(server.memory, client.memory),
            Pair(server.timers, client.timers), wire, len(wire), self._seen.values[n[3]],
            Pair(server.down, client.down), Pair(server.silence, client.silence), 0,
        )  # fmt: skip

    def wire(self, n: Known) -> tuple[Airborne, ...]:
        """What is on the wire, in the order of the canonical form."""
        return self._wires.values[n[2]]

    def segment(self, number: int) -> Segment:
        """A segment."""
        return self._segments.values[number]

    def side(self, number: int) -> Side:
        """A side."""
        return self._sides.values[number]

    def _flights(self, wire: int) -> tuple[Flight, ...]:
        return tuple(
            Flight(n, HOSTS[at], self._segments.values[segment], sent, due, doomed=doomed)
            for n, (at, segment, sent, due, doomed) in enumerate(self._wires.values[wire], 1)
        )

    def _side(self, side: Side) -> int:
        number = self._sides.number(side)
        if number == len(self.soonest):
            self.soonest.append(side.timers[0].expires if side.timers else NEVER)
            names = tuple(r.name for r in side.timers if r.owner == "kernel")
            self.breaks.append(() if side.down else alone(side.endpoint, names))
        return number

    # -- what can be done
    def calls(self, n: Known, at: int) -> tuple[tuple[str, int], ...]:
        """The calls that the reader can make for that host: names and amounts."""
        found = self._calls.get((at, n[at]))
        if found is None:
            w = self._start(at, n[at])._replace(scenario=self.scenario)
            found = tuple((str(event.call), event.amount) for event in open_calls(w, HOSTS[at]))
            self._calls[at, n[at]] = found
        return found

    def timers(self, n: Known) -> list[tuple[Host, str]]:
        """The timers that may fire next: all that are over at the earliest moment."""
        soonest = min(self.soonest[n[0]], self.soonest[n[1]])
        return [
            (host, r.name)
            for host, side in zip(HOSTS, n[:2], strict=True)
            for r in self._sides.values[side].timers
            if r.expires == soonest
        ]

    def deliver(self, n: Known, place: int) -> Known:
        """The segment at that place of the wire arrives."""
        sender, segment, _sent, due, _doomed = self._wires.values[n[2]][place]
        return self._happens(n, 1 - sender, due, place, segment)

    def drop(self, n: Known, place: int) -> Known:
        """The segment at that place of the wire is lost."""
        _sender, _segment, sent, due, _doomed = self._wires.values[n[2]][place]
        after = min(max(0, moment(sent, due)), self.soonest[n[0]], self.soonest[n[1]])
        wire = self._wires.number(tuple(self._later(n[2], after, place)))
        return self._settled((self._aged(n[0], after), self._aged(n[1], after), wire, n[3]))

    def duplicate(self, n: Known, place: int) -> Known:
        """The segment at that place of the wire is doubled."""
        wire = list(self._wires.values[n[2]])
        wire.append((*wire[place][:4], False))
        return self._settled((n[0], n[1], self._ordered(wire), n[3]))

    def delay(self, n: Known, place: int) -> Known:
        """The segment at that place of the wire is held up."""
        wire = list(self._wires.values[n[2]])
        at, segment, _sent, due, doomed = wire[place]
        wire[place] = at, segment, 0, max(due, 0) + DELAY, doomed
        return self._settled((n[0], n[1], self._wires.number(tuple(wire)), n[3]))

    def call(self, n: Known, host: Host, name: str, amount: int) -> Known:
        """The program of a host calls."""
        return self._happens(n, HOSTS.index(host), 0, -1, (name, amount))

    def fire(self, n: Known, host: Host, name: str) -> Known:
        """A timer is over."""
        return self._happens(n, HOSTS.index(host), min(self.soonest[n[0]], self.soonest[n[1]]), -1, name)

    # -- how it is done
    def _happens(self, n: Known, at: int, after: int, gone: int, what: Hashable) -> Known:
        """Time passes, a segment leaves the wire, and one side takes its turn."""
        server, client, number, seen = n
        if after:
            server, client = self._aged(server, after), self._aged(client, after)
        side = client if at else server
        turn = self._turns.get((at, side, what))
        if turn is None:
            turn = self._turns[at, side, what] = self._turn(at, side, what)
        side, sent = turn
        if at:
            client = side
        else:
            server = side
        wire = self._later(number, after, gone)
        if sent:
            if self.scenario.faults:
                seen = self._launch(wire, at, sent, seen)
            else:
                wire += [(at, segment, 0, self.scenario.latency, False) for segment in sent]
        origins = self._origins.get((server, client), ...)
        if origins is ...:
            origins = self._origins[server, client] = self._moving(server, client)
        if origins is not None:
            own, far, _both_closed = origins
            server, client = self._moved(server, own, far), self._moved(client, far, own)
            wire = [(a, self._shifted(a, s, *origins), sent_at, due, doomed) for a, s, sent_at, due, doomed in wire]
        return self._settled((server, client, self._ordered(wire) if sent else self._wires.number(tuple(wire)), seen))

    def _settled(self, n: Known) -> Known:
        """Let everything happen that nobody is asked about (see `Doing.settle`)."""
        if not self._moves_on:
            return n
        seats = self.scenario.seats
        self._moves_on = False
        try:
            for _i in range(_MOST_BY_ITSELF):
                flight, soonest = first_flight(0, self._flights(n[2])), min(self.soonest[n[0]], self.soonest[n[1]])
                if flight is not None and flight.due <= soonest:
                    if self._plays_network:
                        break
                    lost = flight.doomed or self.side(n[flight.sender == "server"]).down
                    n = (self.drop if lost else self.deliver)(n, flight.packet - 1)
                elif soonest == NEVER or self._plays_clock or not (self._plays_network or set(HOSTS) & set(seats)):
                    break
                else:
                    timer = first_timer(Pair(self.side(n[0]).timers, self.side(n[1]).timers))
                    assert timer is not None
                    n = self.fire(n, timer[0], timer[1].name)
        finally:
            self._moves_on = True
        return n

    # -- time, sides and wires
    def _aged(self, side: int, after: int) -> int:
        """The side when time has passed."""
        if not after:
            return side
        older = self._ages.get((side, after))
        if older is None:
            s = self._sides.values[side]
            s = s._replace(timers=from_now(s.timers, after), silence=silence(s.silence - after, s.endpoint))
            older = self._ages[side, after] = self._side(s)
        return older

    def _later(self, wire: int, after: int, gone: int) -> list[Airborne]:
        """The wire when time has passed, without the segment at one place."""
        left = list(self._wires.values[wire])
        if gone >= 0:
            del left[gone]
        if after:
            left = [
                (at, segment, *self._times(sent - after, due - after), doomed) for at, segment, sent, due, doomed in left
            ]
        return left

    @staticmethod
    def _times(sent: int, due: int) -> tuple[int, int]:
        if due <= 0:
            return 0, 0
        return (sent, due) if moment(sent, due) > 0 else (-2 * due, due)

    def _ordered(self, wire: list[Airborne]) -> int:
        """The number of a wire: the client's segments first, where somebody plays the network."""
        if self._plays_network and len(wire) > 1:
            wire.sort(key=_SENDER, reverse=True)
        return self._wires.number(tuple(wire))

    def _launch(self, wire: list[Airborne], at: int, sent: tuple[int, ...], seen: int) -> int:
        """Put on the wire what a side has sent; what the faults do to it is decided now. The answer: what they counted."""
        doing = Doing(self._start(at, 0)._replace(scenario=self.scenario, seen=self._seen.values[seen]), quiet=True)
        for segment in sent:
            doing.launch(HOSTS[at], self._segments.values[segment], 0, False)
        wire += [(at, s, 0, f.due, f.doomed) for s, f in zip(sent, doing.wire, strict=True)]
        return self._seen.number(canonical(doing.world()).seen)

    def _moving(self, server: int, client: int) -> tuple[int, int, bool] | None:
        """How far the origins of both sides' numbers must be moved, and whether both are CLOSED; None: not at all."""
        s, c = self._sides.values[server].endpoint, self._sides.values[client].endpoint
        origins = origin(s, c), origin(c, s), s.state == CLOSED == c.state
        return origins if any(origins) else None

    def _moved(self, side: int, own: int, far: int) -> int:
        moved = self._moves.get((side, own, far))
        if moved is None:
            s = self._sides.values[side]
            moved = self._moves[side, own, far] = self._side(s._replace(endpoint=plain(s.endpoint, own, far)))
        return moved

    def _shifted(self, at: int, segment: int, own: int, far: int, both_closed: bool) -> int:
        if both_closed:
            return self._segments.number(Segment(0, 0, self._segments.values[segment].flags, 0, 0))
        key = (segment, far, own) if at else (segment, own, far)
        moved = self._shifts.get(key)
        if moved is None:
            moved = self._shifts[key] = self._segments.number(shifted(self._segments.values[segment], *key[1:]))
        return moved

    # -- turns
    def _turn(self, at: int, side: int, what: Hashable) -> tuple[int, tuple[int, ...]]:
        """The side after its turn, and what it has sent. `what`: a segment's number, a timer's name, or a call."""
        host = HOSTS[at]
        doing = Doing(self._start(at, side), quiet=True)
        if isinstance(what, int):
            flight = Flight(1, other(host), self._segments.values[what], 0, 0)
            doing.wire.append(flight)
            doing.deliver(flight)
        elif isinstance(what, str):
            doing.fire(host, next(r for r in self._sides.values[side].timers if r.name == what))
        else:
            doing.call(host, *what)  # type: ignore[misc]
        e = doing.ends[at]
        after = Side(
            plain(e, 0, 0), doing.memory[at], from_now(doing.timers[at], 0), doing.down[at], silence(doing.heard[at], e)
        )
        return self._side(after), tuple(self._segments.number(f.segment) for f in doing.wire)

    def _start(self, at: int, side: int) -> World:
        """A world in which only one side counts: the other is the same, without timers."""
        s = self._sides.values[side]
        timers: Pair[tuple[Running, ...]] = Pair((), ())
        return World(
            self._calm, 0, Pair(s.endpoint, s.endpoint), Pair(s.memory, s.memory), timers.having(HOSTS[at], s.timers),
            (), 0, (), Pair(s.down, s.down), Pair(s.silence, s.silence), 0,
        )  # fmt: skip


