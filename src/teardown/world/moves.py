"""Moves: the choices that are open now, and what each of them does to the world.

A move is named by its id, which stays the same in every run: `deliver:3`, `drop:3`, `duplicate:3` (a segment by its
number), `delay:3` (it arrives a second later), `call:client:close`, `call:server:send:100`,
`fire:server:fin-wait-2`, `wait`.
An illegal move raises `IllegalMove` with the rule that forbids it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from teardown.errors import InputError
from teardown.programs import SetAlarm
from teardown.tcp.endpoint import Endpoint, Event, memories
from teardown.tcp.states import prose
from teardown.world import captions
from teardown.world.doing import DELAY, Doing
from teardown.world.trace import HOSTS, Host, Pair, Running, Step, other, spoken
from teardown.world.world import SEATS, Flight, Scenario, World, first_flight

_SEND = 100  # bytes that a reader's send() hands over
#: The states in which somebody may hope for a FIN_WAIT_2 timer.
_HOPED_FOR = ("FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "TIME-WAIT")


class Move(NamedTuple):
    """One choice: `kind` is deliver, drop, duplicate, delay, call, fire or wait; `text` says it in a sentence."""

    id: str
    kind: Literal["deliver", "drop", "duplicate", "delay", "call", "fire", "wait"]
    host: Host | None
    text: str


class IllegalMove(InputError):
    """A move that the rules forbid now. The message says which rule, in words."""


# ------------------------------------------------------------------------------------------- the beginning
@lru_cache(maxsize=256)
def begin(scenario: Scenario) -> tuple[World, tuple[Step, ...]]:
    """The world before the first move, and the steps that lead to it (the programs' first reactions)."""
    server, client = scenario.hosts
    if scenario.begin == "established":
        ends = Pair(
            Endpoint.established(server.profile, passive=True, peer_window=client.profile.buffer),
            Endpoint.established(client.profile, passive=False, peer_window=server.profile.buffer),
        )
    else:
        closed = Pair(*(Endpoint(setup.profile, rcv_buf=setup.profile.buffer) for setup in scenario.hosts))
        ends = closed.having("server", closed.server.step(Event(call="listen")).endpoint)
    # Opening has measured the round trip; where it has not happened yet, it will come out the same.
    srtt = 2 * scenario.latency
    ends = Pair(*(e._replace(srtt=srtt, **setup.options) for e, setup in zip(ends, scenario.hosts, strict=True)))
    seen = (0,) * len(scenario.faults)
    world = World(scenario, 0, ends, Pair((), ()), Pair((), ()), (), 0, seen, Pair(False, False), Pair(0, 0), 0)
    doing = Doing(world)
    for host in HOSTS:
        keepalive = ends.of(host).keepalive
        if keepalive is not None and scenario.begin == "established":
            doing.set_timers(HOSTS.index(host), {"keepalive"}, (("keepalive", keepalive[0], "kernel"),))
    if scenario.begin == "closed":
        doing.record("start", None, "The server listens. There is no connection yet.")
        doing.call("client", "connect")
        return doing.world(), tuple(doing.steps)
    # Programs set their alarms before anything is seen to happen, and act on what they find after it.
    memory, deeds = zip(*(setup.program.react(setup.program, (), "start") for setup in scenario.hosts), strict=True)
    doing.remember(memory)
    for host, wanted in zip(HOSTS, deeds, strict=True):
        doing.deeds(host, tuple(d for d in wanted if isinstance(d, SetAlarm)))
    doing.record("start", None, "The connection is open and idle.")
    for host, wanted in zip(HOSTS, deeds, strict=True):
        doing.deeds(host, tuple(d for d in wanted if not isinstance(d, SetAlarm)))
    return doing.world(), tuple(doing.steps)


memories.append(begin.cache_clear)


# ------------------------------------------------------------------------------------------ what is legal
def moves(w: World) -> tuple[Move, ...]:
    """Every legal move, in a fixed order: the network's, the programs', the clocks', time itself."""
    legal: list[Move] = []
    seats = w.scenario.seats or SEATS
    if "network" in seats:
        for f in w.wire:
            what = captions.segment_text(f.segment, f.again, f.probe)
            where = f"to the {other(f.sender)}"
            if too_early(w, f) is None:
                legal.append(_delivery(f))
            legal += [
                Move(f"drop:{f.packet}", "drop", None, f"Lose {what} on its way {where}"),
                Move(f"duplicate:{f.packet}", "duplicate", None, f"Duplicate {what} on its way {where}"),
                Move(f"delay:{f.packet}", "delay", None, f"Delay {what} on its way {where} by {spoken(DELAY)}"),
            ]
    for host in HOSTS:
        legal += [_call_move(host, call) for call in open_calls(w, host)]
    if "clock" in seats:
        legal += [_fire_move(w, host, running) for host, running in due_timers(w)]
        legal.append(Move("wait", "wait", None, _wait_text(w)))
    return tuple(legal)


def tempting(w: World) -> tuple[Move, ...]:
    """What a learner may want to try now and the rules forbid: late segments, calls that fail, a timer that is none."""
    legal = {m.id for m in moves(w)}
    out: list[Move] = []
    if "network" in (w.scenario.seats or SEATS):
        out += [_delivery(f) for f in w.wire]
    for host in HOSTS:
        if _by_hand(w, host):
            out += [_call_move(host, call) for call in _calls(w, host)]
    seats = w.scenario.seats or ("clock",)
    if "clock" in seats:
        for host in HOSTS:
            if w.ends.of(host).state in _HOPED_FOR and not w.down.of(host):
                out.append(Move(f"fire:{host}:fin-wait-2", "fire", host, f"Let the {host}'s FIN_WAIT_2 timer fire"))
    return tuple(m for m in dict.fromkeys(out) if m.id not in legal)


def apply(w: World, move: str | Move) -> tuple[World, tuple[Step, ...]]:
    """The next world and the steps that the move causes. Raises IllegalMove or, for no move at all, InputError."""
    move_id = move if isinstance(move, str) else move.id
    parts = move_id.split(":")
    doing = Doing(w, move_id)
    match parts:
        case ["wait"]:
            if not doing.advance():
                doing.pass_an_hour()
        case ["deliver" | "drop" | "duplicate" | "delay" as kind, number] if number.isdecimal() and len(number) < 9:
            flight = w.flight(int(number))
            if flight is None:
                sent = 0 < int(number) <= w.packets
                why = "it has already arrived or been lost" if sent else "no such segment has been sent"
                raise IllegalMove(f"Segment {number} is not on the wire: {why}")
            first = too_early(w, flight)
            if kind == "deliver" and first is not None:
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
                source = rule.rfc.removeprefix("none: ") if rule.rfc.startswith("none: ") else f"RFC 9293 §{rule.rfc}"
                raise IllegalMove(
                    f"{captions.call_text(event)} fails with {outcome.result}: the {host} is in "
                    f"{prose(w.ends.of(host).state)}. {rule.why} ({source})"
                )
            doing.call(host, name, event.amount)
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
                mend="Moves look like deliver:3, drop:3, duplicate:3, delay:3, call:client:close, fire:server:fin-wait-2, wait",
            )
    doing.settle()
    return doing.world(), tuple(doing.steps)


def _is_call(name: str, amount: list[str]) -> bool:
    if name not in ("send", "receive", "shutdown", "shutdown-read", "close", "abort"):
        return False
    return not amount or (name in ("send", "receive") and len(amount) == 1 and amount[0].isdecimal()
                          and 0 < int(amount[0][:9]) <= 1_000_000 and len(amount[0]) < 8)  # fmt: skip


def next_move(w: World) -> str | None:
    """What happens next if nobody interferes: the segment or timer that is due first. None: nothing, ever."""
    flight, timer = first_flight(w.now, w.wire), w.next_timer()
    if flight is not None and (timer is None or max(flight.due, w.now) <= timer[1].expires):
        lost = flight.doomed or w.down.of(other(flight.sender))
        return f"{'drop' if lost else 'deliver'}:{flight.packet}"
    return None if timer is None else f"fire:{timer[0]}:{timer[1].name}"


def too_early(w: World, flight: Flight) -> tuple[Host, Running] | None:
    """The timer that must fire before this segment can arrive, if there is one."""
    first = w.next_timer()
    return first if first is not None and first[1].expires < max(flight.due, w.now) else None


def due_timers(w: World) -> list[tuple[Host, Running]]:
    """The timers that may fire next: all that expire at the earliest moment."""
    first = w.next_timer()
    if first is None:
        return []
    return [(h, r) for h in HOSTS for r in w.timers.of(h) if r.expires == first[1].expires]


def _by_hand(w: World, host: Host) -> bool:
    seats = w.scenario.seats
    return w.scenario.hosts.of(host).program.name == "hand" and not w.down.of(host) and (not seats or host in seats)


def open_calls(w: World, host: Host) -> list[Event]:
    """The calls that the program of that host can make now, if it is the reader's hand, without breaking a rule."""
    if not _by_hand(w, host):
        return []
    e = w.ends.of(host)
    return [call for call in _calls(w, host) if not _fails(result := e.step(call).result) or result == e.error]


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


def _delivery(f: Flight) -> Move:
    what, to = captions.segment_text(f.segment, f.again, f.probe), other(f.sender)
    return Move(f"deliver:{f.packet}", "deliver", to, f"Deliver {what} to the {to}")


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
