"""A world while a move changes it: the wire, the clock and the trace around the turns of the two hosts.

Every run, every lab and every search goes through here a great many times, so this module saves where it can: values
are kept in lists by host (0 the server, 1 the client) until a world or a step is made of them, and steps are made
without NamedTuple's own constructor, which takes twice the time.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from functools import cache
from operator import itemgetter

from teardown.programs import Call, Deed
from teardown.tcp.segment import Segment
from teardown.tcp.states import CLOSED, Fins
from teardown.world import captions
from teardown.world.trace import HOSTS, EventKind, Host, Pair, Running, Step
from teardown.world.turn import Actor, Owner, Turn, on_arrival, on_deeds, on_expiry
from teardown.world.world import Flight, World, first_flight, first_timer

HOUR = 3_600_000_000
#: Things that happen by themselves after one move before somebody is asked again.
_MOST_BY_ITSELF = 1_000
_BY_EXPIRY = itemgetter(Running._fields.index("expires"), Running._fields.index("name"))
_new = tuple.__new__


class Doing:
    """Plays what happens, and records a step for everything that can be seen. `quiet`: records nothing."""

    __slots__ = (
        "down", "ends", "first", "heard", "memory", "move", "now", "packets", "quiet", "scenario", "seen", "stands",
        "steps", "timers", "wire",
    )  # fmt: skip

    def __init__(self, w: World, move: str | None = None, *, quiet: bool = False) -> None:
        (self.scenario, self.now, ends, memory, self.timers, wire, self.packets, self.seen, down, heard,
         self.first) = w  # fmt: skip
        self.ends, self.memory, self.wire = list(ends), list(memory), list(wire)
        self.down, self.heard = list(down), list(heard)
        self.move, self.quiet = move, quiet
        self.steps: list[Step] = []
        if not quiet:
            self.stands = [captions.stand(host, e, gone) for host, e, gone in zip(HOSTS, ends, down, strict=True)]

    def world(self) -> World:
        """The world as it is now."""
        return World(
            self.scenario, self.now, Pair(*self.ends), Pair(*self.memory), self.timers, tuple(self.wire),
            self.packets, self.seen, Pair(*self.down), Pair(*self.heard), self.first + len(self.steps),
        )  # fmt: skip

    @property
    def over(self) -> bool:
        """Nothing is on the wire, and each end is CLOSED or gone."""
        server, client = self.ends
        return (
            (server.state == CLOSED or self.down[0])
            and (client.state == CLOSED or self.down[1])
            and not self.wire
        )

    # -- the things that can happen
    def deliver(self, f: Flight) -> None:
        """The segment reaches the other host."""
        at = 1 if f.sender == "server" else 0
        if f.due > self.now:
            self.now = f.due
        self.wire.remove(f)
        if self.down[at]:
            self._lose(f, ": nobody is there")
            return
        if self.ends[at].profile.fin_wait_2_recheck is not None:
            self.heard[at] = self.now
        self._play(at, on_arrival(self._actor(at), f.segment, f.probe), f)

    def drop(self, f: Flight) -> None:
        """The network loses the segment. A loss has no moment of its own; figures draw it part of the way."""
        self.wire.remove(f)
        moment = f.sent + (f.due - f.sent) * 3 // 5
        timer = first_timer(self.timers)
        if timer is not None:
            moment = min(moment, timer[1].expires)
        self.now = max(self.now, moment)
        self._lose(f, ": nobody is there" if self.down[f.sender == "server"] else "")

    def duplicate(self, f: Flight) -> None:
        """The network makes a second copy, which arrives when the first does unless somebody decides otherwise."""
        self.packets += 1
        self.wire.append(f._replace(packet=self.packets, doomed=False))
        if not self.quiet:
            what = captions.segment_text(f.segment, f.again, f.probe)
            self.record(
                "segment-sent", f.sender, f"The network makes a second copy of {what}.",
                f.segment, f.sender, self.packets, f.again + 1, f.probe,
            )  # fmt: skip

    def call(self, host: Host, name: str, amount: int = 0) -> None:
        """The program of that host calls, whether or not that makes sense."""
        at = HOSTS.index(host)
        self._play(at, on_deeds(self._actor(at), (Call(name, amount),), True))

    def deeds(self, host: Host, deeds: tuple[Deed, ...]) -> None:
        """The program of that host does these things of its own accord."""
        at = HOSTS.index(host)
        self._play(at, on_deeds(self._actor(at), deeds, False))

    def fire(self, host: Host, running: Running) -> None:
        """A timer is over."""
        name, started, expires, owner = running
        if expires > self.now:
            self.now = expires
        at = 0 if host == "server" else 1
        counts = owner == "kernel" and self.ends[at].profile.fin_wait_2_recheck is not None
        idle = self.now - self.heard[at] if counts else 0
        lasted = 0 if self.quiet else expires - started  # only the caption tells
        self._play(at, on_expiry(self._actor(at), name, owner, lasted, idle))

    def pass_an_hour(self) -> None:
        """Time passes where nothing can happen."""
        self.now += HOUR
        self.record(
            "timer", None,
            "One hour passes. Nothing happens: no segment is on the wire, no timer runs, and no program acts.",
        )  # fmt: skip

    def advance(self, *, named: bool = False) -> bool:
        """Let what is due first happen; False if nothing ever will. `named`: the steps tell which move it was."""
        flight, timer = first_flight(self.now, self.wire), first_timer(self.timers)
        if flight is not None and (timer is None or max(flight.due, self.now) <= timer[1].expires):
            lost = flight.doomed or self.down[flight.sender == "server"]
            if named:
                self.move = f"{'drop' if lost else 'deliver'}:{flight.packet}"
            self.drop(flight) if lost else self.deliver(flight)
            return True
        if timer is None:
            return False
        host, running = timer
        if named:
            self.move = f"fire:{host}:{running.name}"
        self.fire(host, running)
        return True

    def settle(self) -> None:
        """Play the seats that nobody has taken: deliver at once, fire what is due."""
        seats = self.scenario.seats
        if not seats or ("network" in seats and "clock" in seats):
            return
        for _i in range(_MOST_BY_ITSELF):
            flight, timer = first_flight(self.now, self.wire), first_timer(self.timers)
            if flight is not None and (timer is None or max(flight.due, self.now) <= timer[1].expires):
                if "network" in seats:
                    return
            elif "clock" in seats or ("network" not in seats and not any(s in seats for s in HOSTS)):
                return
            if not self.advance():
                return

    # -- playing and recording
    def _actor(self, at: int) -> Actor:
        return _new(Actor, (HOSTS[at], self.scenario.hosts[at].program, self.ends[at], self.memory[at]))

    def _play(self, at: int, turn: Turn, f: Flight | None = None) -> None:
        """Play the turn of one host into the world. `f`: the segment whose arrival it is."""
        host, steps, move = HOSTS[at], self.steps, self.move
        stands = [] if self.quiet else self.stands
        self.memory[at] = turn.memory
        for (kind, endpoint, stand, touched, starts, sent, caption, rule, rfc, call, result, timer, gone,
             forgets) in turn.beats:  # fmt: skip
            self.ends[at] = endpoint
            if touched:
                self.set_timers(host, touched, starts)
            if gone or forgets:
                self.down[at] = gone
                self.timers = self.timers.having(host, ())
            for segment, again, probe, _text in sent:
                self.launch(host, segment, again, probe)
            if self.quiet or kind is None:
                continue
            stands[at] = stand
            # How everything stands is the same for all steps of a beat.
            server, client = stands
            states, both, held = _shown(server, client)
            now, timers, i = self.now, self.timers, self.first + len(steps)
            owes = captions.owed(server, client, timers, self.wire)
            if f is not None and kind == "segment-arrived":
                packet, sender, segment, _sent, _due, again, probe, _doomed = f
                steps.append(_new(Step, (
                    i, now, kind, host, caption, states, timers, both, owes, segment, sender, packet, again, probe,
                    None, None, None, rule, rfc, move, held,
                )))  # fmt: skip
            else:
                steps.append(_new(Step, (
                    i, now, kind, host, caption, states, timers, both, owes, None, None, None, 0, False,
                    call, result, timer, rule, rfc, move, held,
                )))  # fmt: skip
            if sent:
                packet = self.packets - len(sent)
                for segment, again, probe, text in sent:
                    i += 1
                    packet += 1
                    steps.append(_new(Step, (
                        i, now, "segment-sent", host, text, states, timers, both, owes, segment, host, packet,
                        again, probe, None, None, None, "", "", move, held,
                    )))  # fmt: skip

    def record(
        self, event: EventKind, host: Host | None, caption: str, segment: Segment | None = None,
        sender: Host | None = None, packet: int | None = None, again: int = 0, probe: bool = False,
    ) -> None:  # fmt: skip
        """Add a step to the trace for something that no rule decides."""
        if not self.quiet:
            server, client = self.stands
            states, fins, held = _shown(server, client)
            owes = captions.owed(server, client, self.timers, self.wire)
            step = Step(
                self.first + len(self.steps), self.now, event, host, caption, states, self.timers, fins, owes,
                segment, sender, packet, again, probe, move=self.move, held=held,
            )  # fmt: skip
            self.steps.append(step)

    def _lose(self, f: Flight, why: str) -> None:
        if not self.quiet:
            self.record(
                "segment-lost", None, captions.lost(f.sender, f.segment, f.probe, why),
                f.segment, f.sender, f.packet, f.again, f.probe,
            )  # fmt: skip

    def launch(self, host: Host, segment: Segment, again: int, probe: bool) -> None:
        """A segment goes on the wire; what the scenario's faults do to it is decided now."""
        self.packets += 1
        due, doomed = self.now + self.scenario.latency, False
        for n, fault in enumerate(self.scenario.faults):
            if fault.sender == host and set(fault.flags) <= set(segment.flags):
                count = self.seen[n] + 1
                self.seen = (*self.seen[:n], count, *self.seen[n + 1 :])
                if count == fault.nth:
                    doomed = doomed or fault.fate == "lost"
                    due += fault.late
        self.wire.append(_new(Flight, (self.packets, host, segment, self.now, due, again, probe, doomed)))

    def set_timers(self, host: Host, touched: AbstractSet[str], starts: tuple[tuple[str, int, Owner], ...]) -> None:
        """Stop the timers named, and start some: (name, µs from now, owner). They are kept in the order of expiry."""
        server, client = self.timers
        running, now = (server, self.now) if host == "server" else (client, self.now)
        if running:
            running = tuple([r for r in running if r[0] not in touched])
        for name, after, owner in starts:
            running += (_new(Running, (name, now, now + after, owner)),)
        if starts and len(running) > 1:
            running = tuple(sorted(running, key=_BY_EXPIRY))
        self.timers = _new(Pair, (running, client) if host == "server" else (server, running))


@cache
def _shown(server: captions.Stand, client: captions.Stand) -> tuple[Pair[str], Pair[Fins], Pair[bool]]:
    """What a step shows of both hosts: states, FIN checklists, and whether a program holds the socket."""
    return Pair(server.state, client.state), Pair(server.fins, client.fins), Pair(server.held, client.held)
