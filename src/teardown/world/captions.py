"""The sentences of a trace: what happened, and who must act next.

All words about steps are made here, from the rule that was applied and the world after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from teardown.tcp.endpoint import Endpoint, Event
from teardown.tcp.segment import Segment
from teardown.tcp.states import (
    CLOSE_WAIT,
    CLOSED,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    LAST_ACK,
    LISTEN,
    TIME_WAIT,
    Fins,
)
from teardown.world.trace import Host, Owes, Pair, Running, spoken
from teardown.world.world import Flight, Standing

#: What a figure and a transcript call the program alarms and the kernel timers.
TIMER_NAMES = {
    "retransmission": "retransmission timer",
    "persist": "persist timer",
    "user": "user timeout",
    "so-linger": "SO_LINGER timer",
    "time-wait": "2MSL timer",
    "fin-wait-2": "FIN_WAIT_2 timer",
    "keepalive": "keepalive timer",
    "keep-alive": "keep-alive timeout",
    "linger": "linger timeout",
    "linger-total": "linger limit",
    "next": "next use",
    "idle-limit": "idle limit",
    "half-closed": "half-closed limit",
    "work": "work",
    "flow-limit": "limit for silence",
    "gives-up": "limit for the request",
    "behind": "wait for the client behind it",
}


def call_text(event: Event) -> str:
    """A call as C programmers write it: `close()`, `shutdown(SHUT_WR)`, `send(100)`."""
    match event.call:
        case "shutdown":
            return "shutdown(SHUT_WR)"
        case "shutdown-read":
            return "shutdown(SHUT_RD)"
        case "send":
            return f"send({event.amount})"
        case "receive":
            return "recv()"
        case "abort":
            return "close() with SO_LINGER 0"
        case _:
            return f"{event.call}()"


def segment_text(segment: Segment, again: int = 0, probe: bool = False) -> str:
    """A segment in a sentence: `FIN, ACK`, `100 bytes`, `ACK (again, no. 2)`."""
    if probe:
        text = "a probe"
    elif segment.length:
        text = f"{segment.length} bytes" + (" and FIN" if "F" in segment.flags else "")
    else:
        text = segment.label
    return f"{text} (again, no. {again})" if again else text


def sent(host: Host, segment: Segment, again: int, probe: bool) -> str:
    """A segment leaves."""
    return f"The {host} sends {segment_text(segment, again, probe)}."


def arrived(host: Host, segment: Segment, probe: bool, why: str) -> str:
    """A segment arrives, and the reason of the rule that counted."""
    what = segment_text(segment, probe=probe)
    what = what[0].upper() + what[1:]
    return f"{what} {'reach' if segment.length > 1 else 'reaches'} the {host}. {why}"


def lost(sender: Host, segment: Segment, probe: bool, why: str = "") -> str:
    """A segment is lost."""
    what = "A probe" if probe else segment_text(segment)
    verb = "are" if not probe and segment.length > 1 else "is"
    return f"{what[0].upper()}{what[1:]} from the {sender} {verb} lost{why}."


def called(host: Host, event: Event, result: str | None, why: str) -> str:
    """A program calls."""
    text = f"The {host} program calls {call_text(event)}. {why}"
    return f"{text} The call fails: {result}." if result and result.startswith("E") and result != "EOF" else text


#: What a trace writes as the call when a close() that had to wait returns.
RETURN = "close() returns"


def returned(host: Host) -> str:
    """A close() that had to wait is over."""
    return f"The {host} program's close() returns. Nobody holds the socket now; the kernel goes on alone."


def fired(host: Host, name: str, whose: str, lasted: int, why: str) -> str:
    """A timer of the kernel or of the program is over; it ran for `lasted` µs."""
    return f"The {host} {whose}'s {TIMER_NAMES.get(name, name)} ({spoken(lasted)}) is over. {why}".rstrip()


_ALARM_WHY = {
    "keep-alive": "The connection has been idle for long enough; the server will close it.",
    "linger": "Nothing more has come from the client; the server stops reading.",
    "flow-limit": "Nothing has passed on this connection for so long.",
    "gives-up": "The request has taken too long.",
    "linger-total": "The server has lingered for as long as it is allowed to.",
}


def alarm_why(name: str) -> str:
    """Why a program's own clock matters."""
    return _ALARM_WHY.get(name, "")


class Stand:
    """How a host stands, as far as a step shows it and a sentence needs it. One object for each way to stand."""

    __slots__ = ("asked", "clock", "down", "fins", "held", "host", "orphan", "scenes", "state")

    def __init__(
        self, host: Host, state: str, fins: Fins, clock: str | None, orphan: bool, down: bool, asked: str
    ) -> None:
        self.host, self.state, self.fins, self.clock, self.orphan, self.down = host, state, fins, clock, orphan, down
        self.asked = asked  # what its program owes to bytes that have come; empty: nothing
        self.held = not (orphan or down)  # a program holds the socket
        self.scenes: dict[Stand, Scene] = {}


@lru_cache(maxsize=4_096)
def stand(host: Host, e: Endpoint, down: bool) -> Stand:
    """How a host stands."""
    fins = e.fins if e.state != LISTEN else Fins(False, False, False)
    return _stand(host, e.state, fins, e.clock, e.orphan, down, _asked(host, e) if e.state == ESTABLISHED else "")


_stand = cache(Stand)


def _asked(host: Host, e: Endpoint) -> str:
    """What a program owes to the bytes that its kernel holds, or that it has read and never answered."""
    if e.unread:
        return "recv()"
    return "send() an answer" if host == "server" and e.rcv_read > 1 and e.snd_end == 1 else ""


class Scene:
    """How both hosts stand: what every step shows of that, and who owes what as long as nothing is on the wire."""

    __slots__ = ("client", "fins", "held", "idle", "limits", "server", "states")

    def __init__(self, server: Stand, client: Stand) -> None:
        self.server, self.client = server, client
        self.states, self.fins = Pair(server.state, client.state), Pair(server.fins, client.fins)
        self.held = Pair(server.held, client.held)
        self.limits = FIN_WAIT_2 in self.states  # then it matters which timers run
        self.idle = _owed(server, None, client, None)

    def owes(self, timers: Pair[tuple[Running, ...]], wire: Sequence[Flight]) -> Owes | None:
        """Who must act next."""
        for flight in wire:
            if not flight.doomed and not (self.client if flight.sender == "server" else self.server).down:
                return _deliver(flight.segment, flight.probe)
        if not self.limits:
            return self.idle
        server, client = self.server, self.client
        return _owed(
            server, _limit(timers[0]) if server.state == FIN_WAIT_2 else None,
            client, _limit(timers[1]) if client.state == FIN_WAIT_2 else None,
        )  # fmt: skip


def scene(server: Stand, client: Stand) -> Scene:
    """How both hosts stand."""
    found = server.scenes.get(client)
    if found is None:
        found = server.scenes[client] = Scene(server, client)
    return found


def owes(w: Standing) -> Owes | None:
    """Who must act next for the connection to end, and how. None when both ends are done."""
    (server, client), (no_server, no_client) = w.ends, w.down
    return scene(stand("server", server, no_server), stand("client", client, no_client)).owes(w.timers, w.wire)


@lru_cache(maxsize=256)
def _deliver(segment: Segment, probe: bool) -> Owes:
    return Owes("network", f"deliver {segment_text(segment, probe=probe)}")


def _limit(running: tuple[Running, ...]) -> str | None:
    """What limits FIN-WAIT-2: the timer of that name, keepalive, or nothing."""
    names = [r.name for r in running]
    return next((name for name in ("fin-wait-2", "keepalive") if name in names), None)


@cache
def _owed(server: Stand, server_limit: str | None, client: Stand, client_limit: str | None) -> Owes | None:
    """Who owes what when nothing is on the wire."""
    ends = ((server, server_limit, client), (client, client_limit, server))
    alive = [end for end in ends if not end[0].down and end[0].state != CLOSED]
    for e, _limit, far in alive:
        if e.clock == "retransmission":
            return Owes(f"{e.host} kernel", "repeat what is not acknowledged")
        if e.clock == "persist":
            if far.down or far.state == CLOSED:
                return Owes(f"{e.host} kernel", "probe the window, then give up")
            return Owes(f"{far.host} program", "recv()")
    for e, _limit, _far in alive:
        if e.state == CLOSE_WAIT:
            return Owes(f"{e.host} program", "close()")
    for e, limit, far in alive:
        if e.state == FIN_WAIT_2:
            if far.state == ESTABLISHED and not far.down:
                continue
            if limit == "fin-wait-2":
                return Owes(f"{e.host} kernel", "give up when the FIN_WAIT_2 timer is over")
            if limit == "keepalive":
                return Owes(f"{e.host} kernel", "probe the peer")
            if not e.orphan:
                return Owes(f"{e.host} program", "close(), or wait for ever")
            return Owes("nobody", "no timer runs and nothing is on the wire")
        if e.state in (FIN_WAIT_1, LAST_ACK):
            return Owes(f"{e.host} kernel", "repeat its FIN")
        if e.state == TIME_WAIT:
            return Owes(f"{e.host} kernel", "wait for 2 MSL")
    idle = [e for e, _limit, _far in alive if e.state == ESTABLISHED]
    for e in sorted(idle, key=lambda e: not e.asked):
        return Owes(f"{e.host} program", e.asked or "close()")
    return None
