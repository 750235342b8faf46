"""The wire between the two namespaces: reads every packet, decides its fate, writes it to the other side.

The kernel handles a packet inside the `write` that delivers it and queues its answer inside the same call, so
after `settle()` nothing is under way except what the wire itself holds or delays. That makes a play as good as
deterministic, without any waiting.
"""

from __future__ import annotations

import heapq
import os
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from teardown.tcp.segment import Segment
from teardown.world.trace import HOSTS, Host, other

Fate = Literal["passed", "dropped", "held", "doubled"]
_FLAG_BITS: Final = ((0x02, "S"), (0x01, "F"), (0x04, "R"), (0x08, "P"), (0x10, "A"))


@dataclass(slots=True)
class Packet:
    """One packet that a host sent. Times are seconds of the monotonic clock.

    `fate` is what the wire decided when it read the packet; a held packet that was let go has `delivered` set.
    """

    sender: Host
    segment: Segment
    sent: float
    raw: bytes
    fate: Fate = "passed"
    delivered: float | None = None
    copies: int = 1


def parse(raw: bytes) -> tuple[int, int, Segment] | None:
    """Source port, destination port and segment (with absolute numbers) of an IPv4 packet, or None if not TCP."""
    if len(raw) < 40 or raw[0] >> 4 != 4 or raw[9] != socket.IPPROTO_TCP:
        return None
    head = (raw[0] & 15) * 4
    total = int.from_bytes(raw[2:4])
    sport, dport, seq, ack, offset, bits, window = struct.unpack_from("!HHIIBBH", raw, head)
    flags = "".join(letter for bit, letter in _FLAG_BITS if bits & bit)
    return sport, dport, Segment(seq, ack, flags, total - head - (offset >> 4) * 4, window)


def _signed(number: int) -> int:
    """A 32-bit difference as a number around zero: keepalive probes lie one *below* the start."""
    number &= 0xFFFFFFFF
    return number - (1 << 32) if number >> 31 else number


class Wire:
    """Carries packets between two TUN descriptors and keeps a log of them.

    `latency` is seconds each way. `on_delivery` is called after each packet that was handed to a host.
    """

    def __init__(
        self, tuns: Mapping[Host, int], on_delivery: Callable[[], None], latency: float = 0.0
    ) -> None:
        self._tuns = dict(tuns)
        self._owner: dict[int, Host] = {fd: host for host, fd in tuns.items()}
        self._isn: dict[Host, int] = {}
        self._poll = select.poll()
        for fd in self._owner:
            os.set_blocking(fd, False)
            self._poll.register(fd, select.POLLIN)
        self._after = on_delivery
        self.latency = latency
        self.log: list[Packet] = []
        self.port = 0  # the client's port of the connection under study; others pass unlogged
        self._reset()

    def _reset(self) -> None:
        self.holding: dict[Host, bool] = dict.fromkeys(HOSTS, False)
        self.held: dict[Host, deque[Packet]] = {host: deque() for host in HOSTS}
        self.to_drop: dict[Host, int] = dict.fromkeys(HOSTS, 0)
        self.to_double: dict[Host, int] = dict.fromkeys(HOSTS, 0)
        self.cut: dict[Host, bool] = dict.fromkeys(HOSTS, False)
        self._flight: list[tuple[float, int, Packet]] = []
        self._number = 0

    def start(self, port: int) -> None:
        """Forget everything; the next connection studied is the one from this port of the client."""
        self._reset()
        self._isn.clear()
        self.log.clear()
        self.port = port

    # What the network can be told to do.

    def hold(self, sender: Host) -> None:
        """Keep what `sender` sends from now on."""
        self.holding[sender] = True

    def release(self, sender: Host, *, backwards: bool = False, drop: int = 0) -> None:
        """Let go of everything held from `sender`, in order or last first, and hold no more.

        The oldest `drop` packets are lost instead.
        """
        self.holding[sender] = False
        kept = self.held[sender]
        for _ in range(min(drop, len(kept))):
            kept.popleft().fate = "dropped"
        if backwards:
            kept.reverse()
        while kept:
            self._deliver(kept.popleft())

    # Moving packets.

    def _deliver(self, packet: Packet) -> None:
        fd = self._tuns[other(packet.sender)]
        for _ in range(packet.copies):
            os.write(fd, packet.raw)
            packet.delivered = time.monotonic()
            self._after()

    def _relative(self, sender: Host, segment: Segment) -> Segment:
        if "S" in segment.flags:
            self._isn[sender] = segment.seq
        own, far = self._isn.get(sender, segment.seq), self._isn.get(other(sender), segment.ack)
        ack = _signed(segment.ack - far) if "A" in segment.flags else 0
        return segment._replace(seq=_signed(segment.seq - own), ack=ack)

    def _take(self, sender: Host, raw: bytes) -> None:
        parsed = parse(raw)
        if parsed is None:
            return
        sport, dport, segment = parsed
        packet = Packet(sender, segment, time.monotonic(), raw)
        if self.port != (sport if sender == "client" else dport):
            self._deliver(packet)  # the tail of an earlier connection
            return
        packet.segment = self._relative(sender, segment)
        self.log.append(packet)
        if self.cut[sender] or self.to_drop[sender]:
            packet.fate = "dropped"
            self.to_drop[sender] = max(0, self.to_drop[sender] - (not self.cut[sender]))
            return
        if self.to_double[sender]:
            packet.fate, packet.copies = "doubled", 2
            self.to_double[sender] -= 1
        if self.holding[sender]:
            packet.fate = "held"
            self.held[sender].append(packet)
        elif self.latency:
            self._number += 1
            heapq.heappush(self._flight, (packet.sent + self.latency, self._number, packet))
        else:
            self._deliver(packet)

    def _read_all(self) -> bool:
        """Take every packet that waits in either device; true if there was one."""
        any_at_all = False
        for fd, sender in self._owner.items():
            while True:
                try:
                    raw = os.read(fd, 65_536)
                except BlockingIOError:
                    break
                any_at_all = True
                self._take(sender, raw)
        return any_at_all

    def _land(self) -> None:
        now = time.monotonic()
        while self._flight and self._flight[0][0] <= now:
            packet = heapq.heappop(self._flight)[2]
            if self.cut[packet.sender]:
                packet.fate = "dropped"
            else:
                self._deliver(packet)

    def settle(self) -> None:
        """Carry packets until neither host has anything more to say at this moment."""
        self._land()
        while self._read_all():
            self._land()

    def step(self, limit: float) -> None:
        """Sleep until a packet comes, one is due, or `limit` (monotonic seconds); then settle."""
        until = min(limit, self._flight[0][0]) if self._flight else limit
        self._poll.poll(max(0.0, (until - time.monotonic()) * 1000))
        self.settle()

    @property
    def busy(self) -> bool:
        """True while a packet is on its way (held ones are not)."""
        return bool(self._flight)
