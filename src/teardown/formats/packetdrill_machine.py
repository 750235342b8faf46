"""The machine that a packetdrill script drives: sockets, one clock, and endpoints of the engine behind them.

Theory of operation.

* A descriptor names a `Socket`. A socket holds an `Endpoint`, its running timers, and what its program has set.
  A socket in LISTEN hands each SYN to a copy of its endpoint: the child, which `accept` gives a descriptor.
* `under_test` is the connection that packets of the script belong to: the socket last bound, listening or
  connecting, then the child of its first SYN. Packets for a connection that is over go to the listener, if one is
  still open, else to the closed endpoint, which answers by the rows of CLOSED.
* The clock is virtual and moves only in `until`. Nothing here judges; `packetdrill_run` compares.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final, NamedTuple

from teardown.formats.packetdrill import WRAP, Packet, notation
from teardown.stacks import stack as stack_named
from teardown.tcp.effects import Event, StartTimer, StopTimer, Transmit
from teardown.tcp.endpoint import Endpoint, Outcome
from teardown.tcp.profile import MS, SECOND, Profile
from teardown.tcp.segment import Segment
from teardown.tcp.states import (
    CLOSED,
    LISTEN,
    SYN_RECEIVED,
    SYN_SENT,
    SYNCHRONIZED,
    TIME_WAIT,
)

MAX_SEGMENTS: Final = 50_000  # a script that makes the machine send more is stopped
MAX_TIMERS: Final = 50_000
MAX_HOLES: Final = 400
_LEAST_MSS: Final = 48  # Linux takes no smaller one
_MOST_WINDOW: Final = 1 << 24
_TIMESTAMPS: Final = 12  # bytes that the timestamp option takes from each segment

#: System-wide settings -> the knob of the profile, and what one unit of the setting is.
KNOBS: Final[dict[str, tuple[str, int]]] = {
    "net.ipv4.tcp_fin_timeout": ("fin_wait_2", SECOND),
    "net.ipv4.tcp_orphan_retries": ("orphan_retries", 1),
    "net.ipv4.tcp_retries2": ("retries", 1),
    "net.ipv4.tcp_syn_retries": ("syn_retries", 1),
    "net.ipv4.tcp_rto_max_ms": ("rto_max", MS),
    "net.ipv4.tcp_keepalive_time": ("keepalive_idle", SECOND),
    "net.ipv4.tcp_keepalive_intvl": ("keepalive_interval", SECOND),
    "net.ipv4.tcp_keepalive_probes": ("keepalive_count", 1),
    "net.inet.tcp.insecure_rst": ("insecure_rst", 0),
    "net.inet.tcp.insecure_syn": ("insecure_syn", 0),
    "net.inet.tcp.finwait2_timeout": ("fin_wait_2", MS),
    "net.inet.tcp.keepidle": ("keepalive_idle", MS),
    "net.inet.tcp.keepintvl": ("keepalive_interval", MS),
    "net.inet.tcp.keepcnt": ("keepalive_count", 1),
    "net.inet.tcp.rexmit_initial": ("syn_rto", MS),
}


class Sent(NamedTuple):
    """A segment that left the machine. `lazy`: an acknowledgement that a system may delay or leave out."""

    at: int
    segment: Segment
    socket: Socket
    lazy: bool


class Happened(NamedTuple):
    """One event at a socket, and what its endpoint made of it. `at` in µs; `timers` run afterwards."""

    at: int
    socket: Socket
    event: Event
    outcome: Outcome
    timers: tuple[tuple[str, int], ...]


class TooMuch(Exception):
    """The script makes the machine work without end."""


class Socket:
    """A socket: an endpoint, its timers (name -> µs when it fires) and its place among the others."""

    __slots__ = (
        "accepted", "connecting", "endpoint", "fd", "heard", "learned", "listener", "queue", "scale", "set", "timed",
        "timers",
    )  # fmt: skip

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.timers: dict[str, int] = {}
        self.fd: int | None = None
        self.listener: Socket | None = None
        self.queue: list[Socket] = []  # children that wait for accept()
        self.accepted = True
        self.connecting = False  # connect() was told EINPROGRESS, and nobody has asked since
        self.set: dict[str, int] = {}
        self.learned: dict[str, Any] = {}  # knobs of the profile that the peer's SYN has set
        self.heard = 0  # µs: when the last segment arrived
        self.scale: int | None = None  # the peer's window scale, if both sides use it
        self.timed: list[tuple[int, int]] = []  # what is on its way for the first time: where it ends, when it left


@cache
def _derived(name: str, changes: tuple[tuple[str, Any], ...]) -> Profile:
    """A stack's profile with changes: one object for each set of changes, because profiles are compared by identity."""
    base = stack_named(name).profile
    return base.having(**dict(changes)) if changes else base


class Machine:
    """The host under test, of one stack, at virtual time `now` (µs)."""

    def __init__(self, stack: str) -> None:
        self.stack = stack
        self.changes: dict[str, Any] = {}
        self.now = 0
        self.sockets: list[Socket] = []
        self.fds: dict[int, Socket] = {}
        self.under_test: Socket | None = None
        self.sent: list[Sent] = []
        self.segments = self.fired = 0
        #: Everything that has happened to sockets, where somebody wants to look at it afterwards.
        self.log: list[Happened] | None = None

    # -- sockets
    def open(self, fd: int) -> Socket:
        """socket(): a new descriptor."""
        socket = Socket(Endpoint(_derived(self.stack, tuple(sorted(self.changes.items())))))
        socket.fd = fd
        self.fds[fd] = socket
        self.sockets.append(socket)
        current = self.under_test
        if current is None or (current.endpoint.state == CLOSED and current.fd is None):
            self.under_test = socket
        return socket

    def call(self, socket: Socket, name: str, amount: int = 0) -> str:
        """A call of the engine on a socket; its result as the engine spells it."""
        if name == "close" and socket.endpoint.state == LISTEN:
            self._unlisten(socket)
        outcome = self._step(socket, Event(call=name, amount=amount))
        return outcome.result or "0"

    def close(self, fd: int) -> Socket:
        """close(): the descriptor goes, the connection may stay."""
        socket = self.fds.pop(fd)
        socket.fd = None
        self.call(socket, "close")
        return socket

    def accept(self, listener: Socket, fd: int) -> Socket | None:
        """accept(): the oldest child that waits; None: there is none."""
        if not listener.queue:
            return None
        child = listener.queue.pop(0)
        child.fd = fd
        self.fds[fd] = child
        return child

    def _unlisten(self, listener: Socket) -> None:
        """The listener goes: handshakes are forgotten, connections that nobody has accepted are reset."""
        for child in list(self.sockets):
            if child.listener is not listener:
                continue
            child.listener = None
            e = child.endpoint
            child.endpoint = e._replace(passive=False)
            if e.state == SYN_RECEIVED:
                child.endpoint, child.timers = e._replace(state=CLOSED, orphan=True, passive=False), {}
            elif child in listener.queue:
                self._step(child, Event(call="abort"))
        listener.queue.clear()

    def change(self, socket: Socket, **fields: Any) -> None:
        """Set fields of a socket's endpoint: what socket options do."""
        socket.endpoint = socket.endpoint._replace(**fields)

    def keep_alive(self, socket: Socket) -> None:
        """(Re)start or stop a socket's keepalive as its options say."""
        options, p = socket.set, socket.endpoint.profile
        if not options.get("SO_KEEPALIVE"):
            self.change(socket, keepalive=None)
            socket.timers.pop("keepalive", None)
            return
        times = (
            options.get("TCP_KEEPIDLE", p.keepalive_idle),
            options.get("TCP_KEEPINTVL", p.keepalive_interval),
            options.get("TCP_KEEPCNT", p.keepalive_count),
        )
        self.change(socket, keepalive=times)
        if socket.endpoint.state in SYNCHRONIZED and socket.endpoint.state != TIME_WAIT:
            socket.timers["keepalive"] = self.now + times[0]

    # -- settings of the whole system
    def switch(self, key: str, value: int) -> bool:
        """A system-wide setting; False: it is none that this machine knows."""
        known = KNOBS.get(key)
        if known is not None:
            name, unit = known
            self.changes[name] = min(value * unit, 1 << 50) if unit else bool(value)
            if name == "rto_max":
                self.changes["persist_max"] = self.changes[name]
        elif key == "net.ipv4.tcp_rfc1337":
            self.changes["rst_in_time_wait"] = "ignored" if value else "closes-if-exact"
        elif key == "net.inet.tcp.drop_synfin":
            self.changes.pop("syn_fin", None)
            if value:
                self.changes["syn_fin"] = "dropped"
        else:
            return False
        for socket in self.sockets:
            self._profile(socket)
        return True

    def _profile(self, socket: Socket) -> None:
        changes = self.changes | socket.learned
        self.change(socket, profile=_derived(self.stack, tuple(sorted(changes.items()))))

    # -- packets
    def deliver(self, packet: Packet) -> None:
        """A packet of the script arrives."""
        socket = self.under_test
        if socket is None:
            socket = self.under_test = Socket(
                Endpoint(_derived(self.stack, tuple(sorted(self.changes.items()))))
            )
            self.sockets.append(socket)
        if socket.endpoint.state == CLOSED:
            listener = socket.listener or self._listener()
            if listener is not None:
                socket = listener
        e = socket.endpoint
        seq, ack = packet.seq or 0, packet.ack or 0
        window = 65_535 if packet.window is None else packet.window
        if e.rcv_nxt:  # numbers wrap around: take the one that is nearest
            seq, ack = _near(seq, e.rcv_nxt), _near(ack, e.snd_una)
            if socket.scale is not None and "S" not in packet.flags:
                window = min(window << socket.scale, _MOST_WINDOW)
        segment = Segment(seq, ack, packet.flags, packet.length, window)
        if e.state == LISTEN:
            self._knock(socket, segment, packet)
            return
        if e.state == SYN_SENT and "S" in packet.flags:
            self._sized(socket, packet)
        socket.heard = self.now
        self._step(socket, Event(segment=segment))
        if e.state == TIME_WAIT and socket.endpoint.state == SYN_RECEIVED:
            self._reborn(socket, packet)

    def _listener(self) -> Socket | None:
        return next((s for s in self.fds.values() if s.endpoint.state == LISTEN), None)

    def _knock(self, listener: Socket, segment: Segment, packet: Packet) -> None:
        """A segment for a listener: a SYN makes a child, anything else is answered by the rows of LISTEN."""
        if segment.flags not in ("S", "SF"):
            self._step(listener, Event(segment=segment))
            return
        child = Socket(listener.endpoint)
        child.listener, child.accepted, child.set = listener, False, dict(listener.set)
        self._sized(child, packet)
        self.sockets.append(child)
        self._step(child, Event(segment=segment))
        if child.endpoint.state == LISTEN:
            self.sockets.remove(child)
        else:
            self.under_test = child

    def _reborn(self, socket: Socket, packet: Packet) -> None:
        """TIME-WAIT gave way to a new connection: the old descriptor keeps an empty socket."""
        if socket.fd is not None:
            old = Socket(Endpoint(socket.endpoint.profile, end="normal"))
            old.fd, self.fds[socket.fd] = socket.fd, old
            self.sockets.append(old)
            socket.fd = None
        socket.listener, socket.accepted = self._listener(), False
        socket.timed = [(socket.endpoint.snd_nxt, self.now)]
        self._sized(socket, packet)

    def _sized(self, socket: Socket, packet: Packet) -> None:
        """Take the peer's segment size and window scale from its SYN; without SACK there is no tail-loss probe."""
        socket.scale = packet.scale
        mss = max(_LEAST_MSS, min(packet.mss or 536, 1_460)) - (_TIMESTAMPS if packet.timestamps else 0)
        socket.learned = {"mss": mss} if packet.sack else {"mss": mss, "tail_loss_probe": False}
        self._profile(socket)

    def _step(self, socket: Socket, event: Event) -> Outcome:
        before = socket.endpoint
        outcome = self._timing(socket, event.segment).step(event)
        if before.srtt != outcome.endpoint.srtt and before.snd_una == outcome.endpoint.snd_una:
            outcome = before.step(event)  # the segment was not taken, so it measures nothing
        after = socket.endpoint = outcome.endpoint
        taken = event.segment is not None and after.rcv_nxt > before.rcv_nxt and not after.peer_fin
        lazy = (taken and before.state != SYN_SENT) or event.call == "receive"
        for effect in outcome.effects:
            kind = type(effect)
            if kind is Transmit:
                segment = effect.segment  # type: ignore[union-attr]
                plain = segment.flags == "A" and not segment.length
                self.sent.append(Sent(self.now, segment, socket, lazy and plain))
                self.segments += 1
                if segment.span and not effect.again and not effect.probe:  # type: ignore[union-attr]
                    socket.timed.append((segment.end, self.now))
            elif kind is StartTimer:
                socket.timers[effect.name] = self.now + max(1, effect.after)  # type: ignore[union-attr]
            elif kind is StopTimer:
                socket.timers.pop(effect.name, None)  # type: ignore[union-attr]
        if self.log is not None:
            self.log.append(Happened(self.now, socket, event, outcome, tuple(socket.timers.items())))
        if self.segments > MAX_SEGMENTS:
            raise TooMuch(f"the machine has sent more than {MAX_SEGMENTS:,} segments")
        if len(after.ooo) > MAX_HOLES:
            raise TooMuch(f"the receiver keeps more than {MAX_HOLES} pieces that came too early")
        if after.state != before.state:
            self._moved(socket, before.state, after.state)
        return outcome

    def _timing(self, socket: Socket, segment: Segment | None) -> Endpoint:
        """The endpoint, with the round trip as an acknowledgement measures it (RFC 6298; Karn: nothing sent twice)."""
        e = socket.endpoint
        if segment is None or "A" not in segment.flags or not e.snd_una < segment.ack <= e.snd_nxt:
            return e
        arrived = [at for end, at in socket.timed if end <= segment.ack]
        socket.timed = [(end, at) for end, at in socket.timed if end > segment.ack]
        if not arrived or e.resends or e.probed_tail:
            return e
        trip = self.now - arrived[0]
        return e._replace(srtt=e.srtt + (trip - e.srtt) // 8 if e.srtt else trip)

    def _moved(self, socket: Socket, before: str, after: str) -> None:
        if before in (SYN_RECEIVED, SYN_SENT) and after in SYNCHRONIZED:
            if not socket.accepted and socket.listener is not None:
                socket.accepted = True
                socket.listener.queue.append(socket)
            if socket.set.get("SO_KEEPALIVE"):
                self.keep_alive(socket)
        elif after == LISTEN and socket.listener is not None:
            # the handshake failed: the listener is what is left of it
            self.under_test = socket.listener
            self.sockets.remove(socket)
        elif after == TIME_WAIT:
            # systems keep only what they last advertised, and without window scaling that has 16 bits
            self.change(socket, rcv_buf=min(socket.endpoint.rcv_buf, 65_535))
        elif after == CLOSED:
            socket.timers.clear()
            socket.timed.clear()
            if socket.fd is None and socket is not self.under_test and socket in self.sockets:
                self.sockets.remove(socket)

    # -- time
    def next_timer(self) -> tuple[int, Socket, str] | None:
        """The timer that fires first."""
        first: tuple[int, Socket, str] | None = None
        for socket in self.sockets:
            for name, at in socket.timers.items():
                if first is None or at < first[0]:
                    first = (at, socket, name)
        return first

    def tick(self, limit: int) -> bool:
        """Fire the next timer if it is due by `limit`; else move the clock there and say no."""
        first = self.next_timer()
        if first is None or first[0] > limit:
            self.now = max(self.now, limit)
            return False
        self.fired += 1
        if self.fired > MAX_TIMERS:
            raise TooMuch(f"more than {MAX_TIMERS:,} timers have fired")
        at, socket, name = first
        self.now = max(self.now, at)
        del socket.timers[name]
        counts = socket.endpoint.profile.fin_wait_2_recheck is not None
        self._step(socket, Event(timer=name, idle=self.now - socket.heard if counts else 0))
        return True

    def until(self, limit: int) -> None:
        """Let time pass up to `limit`."""
        while self.tick(limit):
            pass

    def count(self, state: str) -> int:
        """How many sockets are in a state. A closed one counts while a program holds it."""
        return sum(s.endpoint.state == state and (state != CLOSED or s.fd is not None) for s in self.sockets)


def _near(number: int, known: int) -> int:
    """The number equal to `number` modulo 2^32 that lies nearest to `known`."""
    return known + (number - known + WRAP // 2) % WRAP - WRAP // 2


def shown(segment: Segment) -> str:
    """A segment in the language of the scripts."""
    return notation(segment.flags, segment.seq, segment.length, segment.ack)
