"""Moves: the choices that are open now, and what each of them does to the world.

A move is named by its id, which stays the same in every run: `deliver:3`, `drop:3`, `duplicate:3` (a segment by its
number), `call:client:close`, `call:server:send:100`, `fire:server:fin-wait-2`, `wait`.
An illegal move raises `IllegalMove` with the rule that forbids it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from teardown.errors import InputError
from teardown.programs import Call, Deed, SetAlarm, StopAlarm, Vanish
from teardown.tcp.endpoint import Endpoint, Event, Outcome, StartTimer, StopTimer, Tell, Transmit
from teardown.tcp.segment import Segment
from teardown.tcp.states import CLOSED, LISTEN, Fins, prose
from teardown.tcp.table import Rule
from teardown.world import captions
from teardown.world.trace import HOSTS, EventKind, Host, Pair, Running, Step, other, spoken
from teardown.world.world import Flight, Scenario, World

HOUR = 3_600_000_000
_SEND = 100  # bytes that a reader's send() hands over


class Move(NamedTuple):
    """One choice: `kind` is deliver, drop, duplicate, call, fire or wait; `text` says it in a sentence."""

    id: str
    kind: Literal["deliver", "drop", "duplicate", "call", "fire", "wait"]
    host: Host | None
    text: str


class IllegalMove(InputError):
    """A move that the rules forbid now. The message says which rule, in words."""


# ------------------------------------------------------------------------------------------- the beginning
def begin(scenario: Scenario) -> tuple[World, tuple[Step, ...]]:
    """The world before the first move, and the steps that lead to it (the programs' first reactions)."""
    server, client = scenario.hosts
    if scenario.begin == "established":
        ends = Pair(
            Endpoint.established(server.profile, passive=True, peer_window=client.profile.buffer),
            Endpoint.established(client.profile, passive=False, peer_window=server.profile.buffer),
        )
    else:
        ends = Pair(Endpoint(server.profile, passive=True), Endpoint(client.profile))
    ends = Pair(*(e._replace(**setup.options) for e, setup in zip(ends, scenario.hosts)))
    world = World(
        scenario, 0, ends, Pair((), ()), Pair((), ()), (), 0, (0,) * len(scenario.faults), Pair(False, False), Pair(0, 0), 0
    )
    doing = _Doing(world, None)
    if scenario.begin == "closed":
        doing.call("server", Event(call="listen"), quiet=True)
    for host in HOSTS:
        if ends.of(host).keepalive is not None:
            doing.set_timer(host, "keepalive", ends.of(host).keepalive[0], "kernel")
    if scenario.begin == "closed":
        doing.record("start", None, "The server listens. There is no connection yet.")
        doing.call("client", Event(call="connect"))
    else:
        # Programs set their alarms before anything is seen to happen, and act on what they find after it.
        first = [(host, deed) for host in HOSTS for deed in doing.react(host, "start")]
        for host, deed in first:
            if isinstance(deed, SetAlarm):
                doing.do(host, deed)
        doing.record("start", None, "The connection is open and idle.")
        for host, deed in first:
            if not isinstance(deed, SetAlarm):
                doing.do(host, deed)
    doing.flush_news()
    return doing.done()


# ------------------------------------------------------------------------------------------ what is legal
def moves(w: World) -> tuple[Move, ...]:
    """Every legal move, in a fixed order: the network's, the programs', the clocks', time itself."""
    legal: list[Move] = []
    seats = w.scenario.seats or ("network", "server", "client", "clock")
    if "network" in seats:
        for f in w.wire:
            what = captions.segment_text(f.segment, f.again, f.probe)
            where = f"to the {other(f.sender)}"
            legal += [
                Move(f"deliver:{f.packet}", "deliver", other(f.sender), f"Deliver {what} {where}"),
                Move(f"drop:{f.packet}", "drop", None, f"Lose {what} on its way {where}"),
                Move(f"duplicate:{f.packet}", "duplicate", None, f"Duplicate {what} on its way {where}"),
            ]
    for host in HOSTS:
        if _by_hand(w, host):
            for call in _calls(w, host):
                outcome = w.ends.of(host).step(call)
                if not _fails(outcome.result) or outcome.result == w.ends.of(host).error:
                    legal.append(_call_move(host, call))
    if "clock" in seats:
        first = w.next_timer()
        if first is not None:
            host, running = first
            legal.append(_fire_move(w, host, running))
        legal.append(Move("wait", "wait", None, _wait_text(w)))
    return tuple(legal)


def tempting(w: World) -> tuple[Move, ...]:
    """Calls and timers that a learner may want to try now and that the rules forbid."""
    legal = {m.id for m in moves(w)}
    out: list[Move] = []
    for host in HOSTS:
        if _by_hand(w, host):
            out += [_call_move(host, call) for call in _calls(w, host)]
    seats = w.scenario.seats or ("clock",)
    if "clock" in seats:
        for host in HOSTS:
            if w.ends.of(host).state != CLOSED and not w.down.of(host):
                out.append(Move(f"fire:{host}:fin-wait-2", "fire", host, f"Let the {host}'s FIN_WAIT_2 timer fire"))
    return tuple(m for m in dict.fromkeys(out) if m.id not in legal)


def apply(w: World, move: str | Move) -> tuple[World, tuple[Step, ...]]:
    """The next world and the steps that the move causes. Raises IllegalMove or, for no move at all, InputError."""
    move_id = move if isinstance(move, str) else move.id
    parts = move_id.split(":")
    doing = _Doing(w, move_id)
    match parts:
        case ["wait"]:
            _wait(w, doing)
        case ["deliver" | "drop" | "duplicate" as kind, number] if number.isdecimal() and len(number) < 9:
            flight = w.flight(int(number))
            if flight is None:
                sent = 0 < int(number) <= w.packets
                why = "it has already arrived or been lost" if sent else "no such segment has been sent"
                raise IllegalMove(f"Segment {number} is not on the wire: {why}")
            first = w.next_timer()
            if kind == "deliver" and first is not None and first[1].expires < max(flight.due, w.now):
                raise IllegalMove(
                    f"The {first[0]}'s {captions.TIMER_NAMES.get(first[1].name, first[1].name)} is over "
                    f"{spoken(max(flight.due, w.now) - first[1].expires)} before this segment can arrive: "
                    "let it fire first"
                )
            getattr(doing, kind)(flight)
        case ["call", ("server" | "client") as host, name, *amount] if _is_call(name, amount):
            event = Event(call=name, amount=int(amount[0]) if amount else (_SEND if name == "send" else 0))
            if w.down.of(host):
                raise IllegalMove(f"The {host} is gone: no program runs there")
            outcome = w.ends.of(host).step(event)
            if _fails(outcome.result) and outcome.result != w.ends.of(host).error:
                rule = outcome.rules[-1]
                raise IllegalMove(
                    f"{captions.call_text(event)} fails with {outcome.result}: the {host} is in "
                    f"{prose(w.ends.of(host).state)}. {rule.why} (RFC 9293 §{rule.rfc})"
                )
            doing.call(host, event)
        case ["fire", ("server" | "client") as host, name]:
            running = next((r for r in w.timers.of(host) if r.name == name), None)
            if running is None:
                raise IllegalMove(_no_timer(w, host, name))
            first = w.next_timer()
            if first is not None and first[1].expires < running.expires:
                raise IllegalMove(
                    f"The {first[0]}'s {captions.TIMER_NAMES.get(first[1].name, first[1].name)} is over "
                    f"{spoken(running.expires - first[1].expires)} earlier: let it fire first"
                )
            doing.fire(host, running)
        case _:
            raise InputError(
                f"{move_id[:60]!r} is not a move",
                mend="Moves look like deliver:3, drop:3, duplicate:3, call:client:close, fire:server:fin-wait-2, wait",
            )
    doing.flush_news()
    _settle(doing)
    return doing.done()


def _is_call(name: str, amount: list[str]) -> bool:
    if name not in ("send", "receive", "shutdown", "shutdown-read", "close", "abort"):
        return False
    return not amount or (name in ("send", "receive") and len(amount) == 1 and amount[0].isdecimal()
                          and 0 < int(amount[0][:9]) <= 1_000_000 and len(amount[0]) < 8)  # fmt: skip


def next_move(w: World) -> str | None:
    """What happens next if nobody interferes: the segment or timer that is due first. None: nothing, ever."""
    flights = [(max(f.due, w.now), 0, f.packet) for f in w.wire]
    timer = w.next_timer()
    if flights and (timer is None or min(flights)[0] <= timer[1].expires):
        packet = min(flights)[2]
        flight = w.flight(packet)
        assert flight is not None
        return f"drop:{packet}" if flight.doomed or w.down.of(other(flight.sender)) else f"deliver:{packet}"
    return None if timer is None else f"fire:{timer[0]}:{timer[1].name}"


def _by_hand(w: World, host: Host) -> bool:
    seats = w.scenario.seats
    return w.scenario.hosts.of(host).program.name == "hand" and not w.down.of(host) and (not seats or host in seats)


def _calls(w: World, host: Host) -> Iterable[Event]:
    e = w.ends.of(host)
    yield Event(call="close")
    yield Event(call="shutdown")
    yield Event(call="send", amount=_SEND)
    if e.unread or e.peer_fin or e.error:
        yield Event(call="receive")
    yield Event(call="abort")


def _fails(result: str | None) -> bool:
    return result is not None and result.startswith("E") and result != "EOF"


def _call_move(host: Host, event: Event) -> Move:
    return Move(f"call:{host}:{event.call}", "call", host, f"The {host} program calls {captions.call_text(event)}")


def _fire_move(w: World, host: Host, running: Running) -> Move:
    name = captions.TIMER_NAMES.get(running.name, running.name)
    wait = spoken(max(0, running.expires - w.now))
    return Move(
        f"fire:{host}:{running.name}", "fire", host, f"Wait {wait} until the {host}'s {name} is over"
    )


def _wait_text(w: World) -> str:
    nxt = next_move(w)
    if nxt is None:
        return "Let an hour pass"
    return "Let time pass until something happens"


def _no_timer(w: World, host: Host, name: str) -> str:
    e = w.ends.of(host)
    shown = captions.TIMER_NAMES.get(name, name)
    if name == "fin-wait-2":
        if e.state != "FIN-WAIT-2":
            return f"The {host} is in {prose(e.state)}. Only FIN_WAIT_2 can have a FIN_WAIT_2 timer, and the RFC has none"
        who = "A program still holds the socket, and" if not e.orphan else "Nobody holds the socket, but"
        return (
            f"{who} on {e.profile.name} no FIN_WAIT_2 timer runs here: RFC 9293 §3.10.8 knows none, "
            "and this system has not started its own"
        )
    return f"The {host} has no {shown} running in {prose(e.state)}"


def _wait(w: World, doing: _Doing) -> None:
    nxt = next_move(w)
    if nxt is None:
        doing.now += HOUR
        doing.record(
            "timer", None,
            "One hour passes. Nothing happens: no segment is on the wire, no timer runs, and no program acts.",
        )  # fmt: skip
        return
    doing.auto(nxt)


def _settle(doing: _Doing) -> None:
    """Play the seats that nobody has taken: deliver at once what the network is not asked about, fire what is due."""
    seats = doing.scenario.seats
    if not seats or ("network" in seats and "clock" in seats):
        return
    for _i in range(1_000):
        nxt = next_move(doing.world())
        if nxt is None:
            return
        if nxt.startswith("fire") and "clock" in seats or not nxt.startswith("fire") and "network" in seats:
            return
        if nxt.startswith("fire") and "network" not in seats and not any(s in seats for s in HOSTS):
            return
        doing.auto(nxt)
        doing.flush_news()


# ------------------------------------------------------------------------------------------------ doing it
class _Doing:
    """A world while one move changes it, and the steps recorded on the way."""

    def __init__(self, w: World, move: str | None) -> None:
        self.scenario, self.now, self.move = w.scenario, w.now, move
        self.ends, self.memory, self.timers, self.wire = w.ends, w.memory, w.timers, list(w.wire)
        self.packets, self.seen, self.down, self.heard, self.first = w.packets, list(w.seen), w.down, w.heard, w.steps
        self.steps: list[Step] = []
        self.news: list[tuple[Host, str]] = []

    def world(self) -> World:
        """The world as it is now."""
        return World(
            self.scenario, self.now, self.ends, self.memory, self.timers, tuple(self.wire), self.packets,
            tuple(self.seen), self.down, self.heard, self.first + len(self.steps),
        )  # fmt: skip

    def done(self) -> tuple[World, tuple[Step, ...]]:
        return self.world(), tuple(self.steps)

    # -- recording
    def record(
        self, event: EventKind, host: Host | None, caption: str, rule: Rule | None = None, *,
        segment: Segment | None = None, sender: Host | None = None, packet: int | None = None, again: int = 0,
        probe: bool = False, call: str | None = None, result: str | None = None, timer: str | None = None,
    ) -> None:  # fmt: skip
        w = self.world()
        self.steps.append(
            Step(
                self.first + len(self.steps), self.now, event, host, caption, w.states, self.timers,
                Pair(*(_fins(e) for e in self.ends)), captions.owes(w), segment, sender, packet, again, probe,
                call, result, timer, rule.id if rule else "", rule.rfc if rule else "", self.move,
            )  # fmt: skip
        )

    # -- the things that can happen
    def deliver(self, f: Flight) -> None:
        self.now = max(self.now, f.due)
        host = other(f.sender)
        self.wire.remove(f)
        if self.down.of(host):
            self._lose(f, ": nobody is there")
            return
        if self.ends.of(host).profile.fin_wait_2_recheck is not None:
            self.heard = self.heard.having(host, self.now)
        outcome, flights = self._step(host, Event(segment=f.segment))
        rule = _telling(outcome.rules)
        self.record(
            "segment-arrived", host, captions.arrived(host, f.segment, f.probe, rule.why), rule,
            segment=f.segment, sender=f.sender, packet=f.packet, again=f.again, probe=f.probe,
        )  # fmt: skip
        self._leave(flights)

    def drop(self, f: Flight) -> None:
        self.wire.remove(f)
        # A loss has no moment of its own; figures draw it part of the way.
        self.now = max(self.now, min(f.due, f.sent + (f.due - f.sent) * 3 // 5))
        self._lose(f, ": nobody is there" if self.down.of(other(f.sender)) else "")

    def _lose(self, f: Flight, why: str) -> None:
        self.record(
            "segment-lost", None, captions.lost(f.sender, f.segment, f.probe, why),
            segment=f.segment, sender=f.sender, packet=f.packet, again=f.again, probe=f.probe,
        )  # fmt: skip

    def duplicate(self, f: Flight) -> None:
        self.packets += 1
        self.wire.append(f._replace(packet=self.packets, doomed=False))
        what = captions.segment_text(f.segment, f.again, f.probe)
        self.record(
            "segment-sent", f.sender, f"The network makes a second copy of {what}.",
            segment=f.segment, sender=f.sender, packet=self.packets, again=f.again + 1, probe=f.probe,
        )  # fmt: skip

    def call(self, host: Host, event: Event, quiet: bool = False) -> None:
        outcome, flights = self._step(host, event)
        rule = outcome.rules[-1]
        if not quiet:
            self.record(
                "call", host, captions.called(host, event, outcome.result, rule.why), rule,
                call=captions.call_text(event), result=outcome.result,
            )  # fmt: skip
        self._leave(flights)

    def fire(self, host: Host, running: Running) -> None:
        self.now = max(self.now, running.expires)
        self.clear_timer(host, running.name)
        if running.owner == "program":
            why = captions.alarm_why(running.name)
            self.record("timer", host, captions.fired(host, running, why), timer=running.name)
            self.news.append((host, f"alarm {running.name}"))
            return
        counts = self.ends.of(host).profile.fin_wait_2_recheck is not None
        idle = self.now - self.heard.of(host) if counts else 0
        outcome, flights = self._step(host, Event(timer=running.name, idle=idle))
        rule = outcome.rules[-1]
        self.record("timer", host, captions.fired(host, running, rule.why), rule, timer=running.name)
        self._leave(flights)

    def auto(self, move_id: str) -> None:
        kind, *rest = move_id.split(":")
        if kind == "fire":
            host: Host = rest[0]  # type: ignore[assignment]
            self.fire(host, next(r for r in self.timers.of(host) if r.name == rest[1]))
        else:
            flight = next(f for f in self.wire if f.packet == int(rest[0]))
            self.deliver(flight) if kind == "deliver" else self.drop(flight)

    # -- programs
    def flush_news(self) -> None:
        """Let programs react until they have nothing more to do."""
        for _i in range(1_000):
            if not self.news:
                return
            host, news = self.news.pop(0)
            if self.down.of(host):
                continue
            e = self.ends.of(host)
            if e.orphan and not news.startswith("alarm"):
                continue
            for deed in self.react(host, news):
                self.do(host, deed)
        raise InputError(
            f"the {host} program never comes to rest", mend="A program must not answer every news with a new call"
        )

    def react(self, host: Host, news: str) -> tuple[Deed, ...]:
        """What the program of `host` wants to do about the news."""
        program = self.scenario.hosts.of(host).program
        memory, deeds = program.react(program, self.memory.of(host), news)
        self.memory = self.memory.having(host, memory)
        return deeds

    def do(self, host: Host, deed: Deed) -> None:
        """Carry out one deed of a program."""
        match deed:
            case Call(name, amount):
                if self.ends.of(host).orphan or (self.ends.of(host).state in (CLOSED, LISTEN) and name != "close"):
                    return
                self.call(host, Event(call=name, amount=amount))
            case SetAlarm(name, after):
                self.set_timer(host, name, after, "program")
            case StopAlarm(name):
                self.clear_timer(host, name)
            case Vanish():
                self.down = self.down.having(host, True)
                self.timers = self.timers.having(host, ())
                self.record(
                    "call", host,
                    f"The {host} is gone: its line or its power has failed. Nobody is told.", call="power off",
                )  # fmt: skip

    # -- the machine room
    def _step(self, host: Host, event: Event) -> tuple[Outcome, list[Flight]]:
        """Let the endpoint take the event; what it sends is on the wire when this returns, not yet recorded."""
        outcome = self.ends.of(host).step(event)
        self.ends = self.ends.having(host, outcome.endpoint)
        flights: list[Flight] = []
        for effect in outcome.effects:
            match effect:
                case Transmit(segment, again, probe):
                    flights.append(self._launch(host, segment, again, probe))
                case StartTimer(name, after):
                    self.set_timer(host, name, after, "kernel")
                case StopTimer(name):
                    self.clear_timer(host, name)
                case Tell(news):
                    self.news.append((host, news))
        return outcome, flights

    def _launch(self, host: Host, segment: Segment, again: int, probe: bool) -> Flight:
        self.packets += 1
        due, doomed = self.now + self.scenario.latency, False
        for n, fault in enumerate(self.scenario.faults):
            if fault.sender == host and set(fault.flags) <= set(segment.flags):
                self.seen[n] += 1
                if self.seen[n] == fault.nth:
                    doomed = doomed or fault.fate == "lost"
                    due += fault.late
        flight = Flight(self.packets, host, segment, self.now, due, again, probe, doomed)
        self.wire.append(flight)
        return flight

    def _leave(self, flights: list[Flight]) -> None:
        for f in flights:
            self.record(
                "segment-sent", f.sender, captions.sent(f.sender, f.segment, f.again, f.probe),
                segment=f.segment, sender=f.sender, packet=f.packet, again=f.again, probe=f.probe,
            )  # fmt: skip

    def set_timer(self, host: Host, name: str, after: int, owner: Literal["kernel", "program"]) -> None:
        rest = tuple(r for r in self.timers.of(host) if r.name != name)
        running = Running(name, self.now, self.now + after, owner)
        self.timers = self.timers.having(host, tuple(sorted((*rest, running), key=lambda r: (r.expires, r.name))))

    def clear_timer(self, host: Host, name: str) -> None:
        self.timers = self.timers.having(host, tuple(r for r in self.timers.of(host) if r.name != name))


def _fins(e: Endpoint) -> Fins:
    return e.fins if e.state != LISTEN else Fins(False, False, False)


def _telling(rules: tuple[Rule, ...]) -> Rule:
    """The rule that a caption should speak of: the last that changed the state, else the last that did something."""
    for rule in reversed(rules):
        if rule.to is not None:
            return rule
    for rule in reversed(rules):
        if rule.actions and rule.actions != ("touch",) and rule.actions != ("take-window",):
            return rule
    return rules[-1]
