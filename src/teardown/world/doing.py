"""A world while a move changes it: the wire, the clock and the trace around the turns of the two hosts.

Every run, every lab and every search goes through here a great many times, so this module saves where it can: values
are kept in lists by host (0 the server, 1 the client) until a world or a step is made of them, and steps are made
without NamedTuple's own constructor, which takes twice the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from operator import itemgetter

from teardown.programs import Call, Deed, Memory
from teardown.tcp.endpoint import Endpoint
from teardown.tcp.segment import Segment
from teardown.tcp.states import CLOSED
from teardown.world import captions
from teardown.world.trace import HOSTS, EventKind, Host, Pair, Running, Step, spoken
from teardown.world.turn import Start, Turn, actor
from teardown.world.world import Flight, Scenario, World, first_flight, first_timer

HOUR = 3_600_000_000
#: How long the network holds up a segment that somebody delays: longer than a first retransmission timer here.
DELAY = 1_000_000
#: Things that happen by themselves after one move before somebody is asked again.
_MOST_BY_ITSELF = 1_000
#: The order of one host's timers: where two are over at once, the kernel's comes before the program's.
_BY_EXPIRY = itemgetter(*(Running._fields.index(name) for name in ("expires", "owner", "name")))
_new = tuple.__new__


class Doing:
    """Plays what happens, and records a step for everything that can be seen. `quiet`: records nothing."""

    __slots__ = (
        "actors", "down", "first", "heard", "move", "now", "packets", "quiet", "scenario", "seen", "stands", "steps",
        "timers", "wire",
    )  # fmt: skip

    def __init__(self, w: World, move: str | None = None, *, quiet: bool = False) -> None:
        (self.scenario, self.now, (server, client), (knows, recalls), self.timers, wire, self.packets, self.seen, down,
         heard, self.first) = w  # fmt: skip
        one, two = self.scenario.hosts
        self.actors = [actor("server", one.program, server, knows), actor("client", two.program, client, recalls)]
        self.wire, self.down, self.heard = list(wire), list(down), list(heard)
        self.move, self.quiet = move, quiet
        self.steps: list[Step] = []
        self.stands = [
            a.stand if not gone else captions.stand(a.host, a.endpoint, True)
            for a, gone in zip(self.actors, down, strict=True)
        ]

    def world(self) -> World:
        """The world as it is now."""
        return World(
            self.scenario, self.now, Pair(*self.ends), Pair(*self.memory), self.timers, tuple(self.wire),
            self.packets, self.seen, Pair(*self.down), Pair(*self.heard), self.first + len(self.steps),
        )  # fmt: skip

    @property
    def ends(self) -> list[Endpoint]:
        """Both endpoints."""
        return [a.endpoint for a in self.actors]

    @property
    def memory(self) -> list[Memory]:
        """What both programs remember."""
        return [a.memory for a in self.actors]

    def remember(self, memory: Sequence[Memory]) -> None:
        """From now on the programs remember this."""
        self.actors = [actor(a.host, a.program, a.endpoint, m) for a, m in zip(self.actors, memory, strict=True)]

    @property
    def over(self) -> bool:
        """Nothing is on the wire, and each end is CLOSED or gone."""
        if self.wire:
            return False
        server, client = self.stands
        return (server.state == CLOSED or server.down) and (client.state == CLOSED or client.down)

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
        here = self.actors[at]
        if here.endpoint.profile.fin_wait_2_recheck is not None:
            self.heard[at] = self.now
        self._play(at, here.arrival(f.segment, f.probe), f)

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

    def delay(self, f: Flight) -> None:
        """The network holds the segment up, as if it had been sent only now: what is due earlier comes first."""
        self.wire[self.wire.index(f)] = f._replace(sent=self.now, due=max(f.due, self.now) + DELAY)
        if not self.quiet:
            what = captions.segment_text(f.segment, f.again, f.probe)
            self.record(
                "timer", None, f"The network holds up {what} from the {f.sender} for {spoken(DELAY)}."
            )

    def call(self, host: Host, name: str, amount: int = 0) -> None:
        """The program of that host calls, whether or not that makes sense."""
        at = HOSTS.index(host)
        self._play(at, self.actors[at].deeds((Call(name, amount),), True))

    def deeds(self, host: Host, deeds: tuple[Deed, ...]) -> None:
        """The program of that host does these things of its own accord."""
        at = HOSTS.index(host)
        self._play(at, self.actors[at].deeds(deeds, False))

    def fire(self, host: Host, running: Running) -> None:
        """A timer is over."""
        name, started, expires, owner = running
        if expires > self.now:
            self.now = expires
        at = 0 if host == "server" else 1
        here = self.actors[at]
        counts = owner == "kernel" and here.endpoint.profile.fin_wait_2_recheck is not None
        idle = self.now - self.heard[at] if counts else 0
        lasted = 0 if self.quiet else expires - started  # only the caption tells
        self._play(at, here.expiry(name, owner, lasted, idle))

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
    def _play(self, at: int, turn: Turn, f: Flight | None = None) -> None:
        """Play the turn of one host into the world. `f`: the segment whose arrival it is."""
        self.actors[at], beats = turn
        host, now, move, stands, timers, wire = HOSTS[at], self.now, self.move, self.stands, self.timers, self.wire
        add, i = self.steps.append, self.first + len(self.steps)
        for kind, stand, touched, starts, sent, caption, rule, rfc, call, result, timer, gone, forgets in beats:
            stands[at] = stand
            if touched and (starts or timers[at]):
                running = timed(timers[at], now, touched, starts)
                timers = _new(Pair, (timers[0], running) if at else (running, timers[1]))
            if gone or forgets:
                self.down[at] = gone
                timers = timers.having(host, ())
            if sent:
                packet = self.packets
                for segment, again, probe, _text in sent:
                    self.launch(host, segment, again, probe)
            if kind is None or self.quiet:
                continue
            # How everything stands is the same for all steps of a beat.
            server, client = stands
            scene = server.scenes.get(client) or captions.scene(server, client)
            states, both, held = scene.states, scene.fins, scene.held
            owes = scene.owes(timers, wire) if wire or scene.limits else scene.idle
            if f is not None and kind == "segment-arrived":
                number, sender, segment, _sent, _due, again, probe, _doomed = f
                add(_new(Step, (
                    i, now, kind, host, caption, states, timers, both, owes, segment, sender, number, again, probe,
                    None, None, None, rule, rfc, move, held,
                )))  # fmt: skip
            else:
                add(_new(Step, (
                    i, now, kind, host, caption, states, timers, both, owes, None, None, None, 0, False,
                    call, result, timer, rule, rfc, move, held,
                )))  # fmt: skip
            i += 1
            if sent:
                for segment, again, probe, text in sent:
                    packet += 1
                    add(_new(Step, (
                        i, now, "segment-sent", host, text, states, timers, both, owes, segment, host, packet,
                        again, probe, None, None, None, "", "", move, held,
                    )))  # fmt: skip
                    i += 1
        self.timers = timers

    def record(
        self, event: EventKind, host: Host | None, caption: str, segment: Segment | None = None,
        sender: Host | None = None, packet: int | None = None, again: int = 0, probe: bool = False,
    ) -> None:  # fmt: skip
        """Add a step to the trace for something that no rule decides."""
        if not self.quiet:
            scene, timers = captions.scene(*self.stands), self.timers
            self.steps.append(_new(Step, (
                self.first + len(self.steps), self.now, event, host, caption, scene.states, timers, scene.fins,
                scene.owes(timers, self.wire), segment, sender, packet, again, probe,
                None, None, None, "", "", self.move, scene.held,
            )))  # fmt: skip

    def _lose(self, f: Flight, why: str) -> None:
        if not self.quiet:
            self.record(
                "segment-lost", None, captions.lost(f.sender, f.segment, f.probe, why),
                f.segment, f.sender, f.packet, f.again, f.probe,
            )  # fmt: skip

    def launch(self, host: Host, segment: Segment, again: int, probe: bool) -> None:
        """A segment goes on the wire; what the scenario's faults do to it is decided now."""
        self.packets += 1
        scenario, now = self.scenario, self.now
        due, doomed = now + scenario.latency, False
        if scenario.faults:
            for n in _counting(scenario, host, segment.flags):
                fault, count = scenario.faults[n], self.seen[n] + 1
                self.seen = (*self.seen[:n], count, *self.seen[n + 1 :])
                if count == fault.nth:
                    doomed = doomed or fault.fate == "lost"
                    due += fault.late
        self.wire.append(_new(Flight, (self.packets, host, segment, now, due, again, probe, doomed)))

    def set_timers(self, at: int, touched: AbstractSet[str], starts: tuple[Start, ...]) -> None:
        """Stop the timers of a host that are named, and start some."""
        self.timers = self.timers.having(HOSTS[at], timed(self.timers[at], self.now, touched, starts))


def timed(
    running: tuple[Running, ...], now: int, touched: AbstractSet[str], starts: tuple[Start, ...]
) -> tuple[Running, ...]:
    """The timers of a host when those named are stopped and some are started."""
    if running:
        left = [r for r in running if r[0] not in touched]
        for name, after, owner in starts:
            left.append(_new(Running, (name, now, now + after, owner)))
        if len(left) > 1 and starts:
            left.sort(key=_BY_EXPIRY)
        return tuple(left)
    if len(starts) == 1:
        name, after, owner = starts[0]
        return (_new(Running, (name, now, now + after, owner)),)
    return tuple(sorted([_new(Running, (name, now, now + after, owner)) for name, after, owner in starts], key=_BY_EXPIRY))


@lru_cache(maxsize=1 << 10)
def _counting(scenario: Scenario, host: Host, flags: str) -> tuple[int, ...]:
    """The faults that count such a segment of this host, by their places."""
    return tuple(n for n, fault in enumerate(scenario.faults) if fault.meets(host, flags))
