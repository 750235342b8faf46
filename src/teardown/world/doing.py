"""A world while a move changes it: the wire, the clock and the trace around the turns of the two hosts."""

from __future__ import annotations

from teardown.programs import Deed
from teardown.tcp.segment import Segment
from teardown.tcp.states import CLOSED, LISTEN, Fins
from teardown.world import captions
from teardown.world.trace import HOSTS, EventKind, Host, Pair, Running, Step, other
from teardown.world.turn import Arrival, Deeds, Expiry, Happening, Owner, SocketCall, Turn, turn
from teardown.world.world import Flight, World, first_flight, first_timer

HOUR = 3_600_000_000
#: Things that happen by themselves after one move before somebody is asked again.
_MOST_BY_ITSELF = 1_000
_NO_FINS = Fins(False, False, False)


class Doing:
    """Plays what happens, and records a step for everything that can be seen. `quiet`: records nothing."""

    __slots__ = (
        "scenario", "now", "ends", "memory", "timers", "wire", "packets", "seen", "down", "heard",
        "states", "fins", "steps", "first", "move", "quiet",
    )  # fmt: skip

    def __init__(self, w: World, move: str | None = None, *, quiet: bool = False) -> None:
        (self.scenario, self.now, self.ends, self.memory, self.timers, wire, self.packets, self.seen, self.down,
         self.heard, self.first) = w  # fmt: skip
        self.wire = list(wire)
        self.move, self.quiet = move, quiet
        self.steps: list[Step] = []
        if not quiet:
            server, client = self.ends
            self.states = Pair(server.state, client.state)
            self.fins = Pair(*(e.fins if e.state != LISTEN else _NO_FINS for e in self.ends))

    def world(self) -> World:
        """The world as it is now."""
        return World(
            self.scenario, self.now, self.ends, self.memory, self.timers, tuple(self.wire), self.packets,
            self.seen, self.down, self.heard, self.first + len(self.steps),
        )  # fmt: skip

    @property
    def over(self) -> bool:
        """Nothing is on the wire, and each end is CLOSED or gone."""
        server, client = self.ends
        return (
            not self.wire and (server.state == CLOSED or self.down[0]) and (client.state == CLOSED or self.down[1])
        )  # fmt: skip

    # -- the things that can happen
    def deliver(self, f: Flight) -> None:
        """The segment reaches the other host."""
        host = other(f.sender)
        at = host == "client"
        if f.due > self.now:
            self.now = f.due
        self.wire.remove(f)
        if self.down[at]:
            self._lose(f, ": nobody is there")
            return
        if self.ends[at].profile.fin_wait_2_recheck is not None:
            self.heard = self.heard.having(host, self.now)
        self._play(host, Arrival(f.segment, f.probe), f)

    def drop(self, f: Flight) -> None:
        """The network loses the segment. A loss has no moment of its own; figures draw it part of the way."""
        self.wire.remove(f)
        moment = f.sent + (f.due - f.sent) * 3 // 5
        timer = first_timer(self.timers)
        if timer is not None:
            moment = min(moment, timer[1].expires)
        self.now = max(self.now, moment)
        self._lose(f, ": nobody is there" if self.down.of(other(f.sender)) else "")

    def duplicate(self, f: Flight) -> None:
        """The network makes a second copy, which arrives when the first does unless somebody decides otherwise."""
        self.packets += 1
        self.wire.append(f._replace(packet=self.packets, doomed=False))
        if not self.quiet:
            what = captions.segment_text(f.segment, f.again, f.probe)
            self.record(
                "segment-sent", f.sender, f"The network makes a second copy of {what}.",
                segment=f.segment, sender=f.sender, packet=self.packets, again=f.again + 1, probe=f.probe,
            )  # fmt: skip

    def call(self, host: Host, name: str, amount: int = 0) -> None:
        """The program of that host calls."""
        self._play(host, SocketCall(name, amount))

    def deeds(self, host: Host, deeds: tuple[Deed, ...]) -> None:
        """The program of that host does these things of its own accord."""
        self._play(host, Deeds(deeds))

    def fire(self, host: Host, running: Running) -> None:
        """A timer is over."""
        name, started, expires, owner = running
        if expires > self.now:
            self.now = expires
        at = host == "client"
        counts = owner == "kernel" and self.ends[at].profile.fin_wait_2_recheck is not None
        self._play(host, Expiry(name, owner, expires - started, self.now - self.heard[at] if counts else 0))

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
        if named:
            self.move = f"fire:{timer[0]}:{timer[1].name}"
        self.fire(*timer)
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
    def _play(self, host: Host, happening: Happening, f: Flight | None = None) -> None:
        at = host == "client"
        taken: Turn = turn(self.scenario.hosts[at].program, host, self.ends[at], self.memory[at], happening)
        if taken.memory is not self.memory[at]:
            self.memory = self.memory.having(host, taken.memory)
        for beat in taken.beats:
            if beat.endpoint is not self.ends[at]:
                self.ends = self.ends.having(host, beat.endpoint)
            if beat.timers:
                self.set_timers(host, beat.timers)
            if beat.gone:
                self.down = self.down.having(host, True)
                self.timers = self.timers.having(host, ())
            first = len(self.wire)
            for transmit, _caption in beat.sent:
                self._launch(host, transmit.segment, transmit.again, transmit.probe)
            if self.quiet or beat.kind is None:
                continue
            if beat.endpoint.state != self.states[at]:
                self.states = self.states.having(host, beat.endpoint.state)
            if beat.fins != self.fins[at]:
                self.fins = self.fins.having(host, beat.fins)
            if f is not None and beat.kind == "segment-arrived":
                self.record(
                    beat.kind, host, beat.caption, beat.rule, beat.rfc,
                    f.segment, f.sender, f.packet, f.again, f.probe,
                )  # fmt: skip
            else:
                self.record(
                    beat.kind, host, beat.caption, beat.rule, beat.rfc,
                    None, None, None, 0, False, beat.call, beat.result, beat.timer,
                )  # fmt: skip
            for (_transmit, caption), g in zip(beat.sent, self.wire[first:]):
                self.record(
                    "segment-sent", host, caption, "", "", g.segment, host, g.packet, g.again, g.probe
                )

    def record(
        self, event: EventKind, host: Host | None, caption: str, rule: str = "", rfc: str = "",
        segment: Segment | None = None, sender: Host | None = None, packet: int | None = None, again: int = 0,
        probe: bool = False, call: str | None = None, result: str | None = None, timer: str | None = None,
    ) -> None:  # fmt: skip
        """Add a step to the trace: what has happened, and how everything stands now."""
        if self.quiet:
            return
        self.steps.append(
            Step(
                self.first + len(self.steps), self.now, event, host, caption, self.states, self.timers, self.fins,
                captions.owes(self), segment, sender, packet, again, probe, call, result, timer, rule, rfc, self.move,
            )  # fmt: skip
        )

    def _lose(self, f: Flight, why: str) -> None:
        if not self.quiet:
            self.record(
                "segment-lost", None, captions.lost(f.sender, f.segment, f.probe, why),
                segment=f.segment, sender=f.sender, packet=f.packet, again=f.again, probe=f.probe,
            )  # fmt: skip

    def _launch(self, host: Host, segment: Segment, again: int, probe: bool) -> None:
        self.packets += 1
        due, doomed = self.now + self.scenario.latency, False
        for n, fault in enumerate(self.scenario.faults):
            if fault.sender == host and set(fault.flags) <= set(segment.flags):
                count = self.seen[n] + 1
                self.seen = (*self.seen[:n], count, *self.seen[n + 1 :])
                if count == fault.nth:
                    doomed = doomed or fault.fate == "lost"
                    due += fault.late
        self.wire.append(Flight(self.packets, host, segment, self.now, due, again, probe, doomed))

    def set_timers(self, host: Host, changes: tuple[tuple[str, int | None, Owner], ...]) -> None:
        """Start and stop timers: (name, µs from now or None, owner). They are kept in the order of expiry."""
        at = host == "client"
        old, now = self.timers[at], self.now
        names = [name for name, _after, _owner in changes]
        running = [r for r in old if r.name not in names]
        kept = len(running)
        running += [Running(name, now, now + after, owner) for name, after, owner in changes if after is not None]
        if len(running) > kept:
            running.sort(key=_by_expiry)
        elif kept == len(old):
            return
        self.timers = self.timers.having(host, tuple(running))


def _by_expiry(r: Running) -> tuple[int, str]:
    return r.expires, r.name
