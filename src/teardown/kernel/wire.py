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
from teardown.world.doing import DELAY
from teardown.world.trace import HOSTS, Host, other

Fate = Literal["passed", "dropped", "held", "doubled"]
_FLAG_BITS: Final = ((0x02, "S"), (0x01, "F"), (0x04, "R"), (0x08, "P"), (0x10, "A"))


@dataclass(slots=True)
class Packet:
    """One packet that a host sent. Times are seconds of the monotonic clock.

    `fate` is what the wire decided when it read the packet; a held packet that was let go has `delivered` set.
    `number` counts the packets of its sender from 1; the tail of an earlier connection has 0.
    """

    sender: Host
    segment: Segment
    sent: float
    raw: bytes
    fate: Fate = "passed"
    delivered: float | None = None
    copies: int = 1
    number: int = 0


def parse(raw: bytes) -> tuple[int, int, Segment] | None:
    """Source port, destination port and segment (with absolute numbers) of an IPv4 packet, or None if not TCP."""
    if len(raw) < 40 or raw[0] >> 4 != 4 or raw[9] != socket.IPPROTO_TCP:
        return None
    head = (raw[0] & 15) * 4
    total = int.from_bytes(raw[2:4])
    sport, dport, seq, ack, offset, bits, window = struct.unpack_from("!HHIIBBH", raw, head)
    flags = "".join(letter for bit, letter in _FLAG_BITS if bits & bit)
    return sport, dport, Segment(seq, ack, flags, total - head - (offset >> 4) * 4, window)


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def build(source: tuple[str, int], target: tuple[str, int], segment: Segment) -> bytes:
    """An IPv4 packet with this segment (absolute numbers) and right checksums, its text all zeros."""
    bits = 0x50 << 8 | sum(bit for bit, letter in _FLAG_BITS if letter in segment.flags)
    ends = socket.inet_aton(source[0]) + socket.inet_aton(target[0])
    length = 20 + segment.length
    head = [source[1], target[1], segment.seq & 0xFFFFFFFF, segment.ack & 0xFFFFFFFF, bits, segment.window]
    text = bytes(segment.length)
    tcp = struct.pack("!HHIIHHHH", *head, 0, 0)
    false_head = ends + struct.pack("!HH", socket.IPPROTO_TCP, length)
    tcp = struct.pack("!HHIIHHHH", *head, _checksum(false_head + tcp + text + bytes(len(text) % 2)), 0)
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 0, 0x4000, 64, socket.IPPROTO_TCP, 0) + ends
    return ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:] + tcp + text


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
        self._due = time.monotonic()
        self.latency = latency
        self.log: list[Packet] = []
        #: Addresses and ports of the connection under study; packets of others pass unlogged.
        self.ends: dict[Host, tuple[str, int]] = {}
        self._reset()

    def _reset(self) -> None:
        self.holding: dict[Host, bool] = dict.fromkeys(HOSTS, False)
        self.held: dict[Host, deque[Packet]] = {host: deque() for host in HOSTS}
        self.to_drop: dict[Host, int] = dict.fromkeys(HOSTS, 0)
        self.to_double: dict[Host, int] = dict.fromkeys(HOSTS, 0)
        self.cut: dict[Host, bool] = dict.fromkeys(HOSTS, False)
        self.lose: dict[Host, set[int]] = {host: set() for host in HOSTS}  # by their number, from 1
        self.late: dict[Host, dict[int, float]] = {host: {} for host in HOSTS}
        self.sent: dict[Host, int] = dict.fromkeys(HOSTS, 0)
        self.after_calls: dict[Host, dict[int, int]] = {host: {} for host in HOSTS}
        self.to_delay: dict[Host, int] = dict.fromkeys(HOSTS, 0)
        self.arrived: dict[Host, int] = dict.fromkeys(HOSTS, 0)
        self.made: dict[Host, int] = dict.fromkeys(HOSTS, 0)  # calls, see `called`
        now = time.monotonic()
        #: When each host last got a segment or made a call, in seconds of the monotonic clock.
        self.touched: dict[Host, float] = dict.fromkeys(HOSTS, now)
        #: The longest time (s) for which nobody looked although it was time to: how late anything here can be.
        self.late_by = 0.0
        self._due = now
        self._flight: list[tuple[float, int, Packet]] = []
        self._waiting: list[Packet] = []
        self._number = 0

    def start(self, ends: Mapping[Host, tuple[str, int]]) -> None:
        """Forget everything; the next connection studied is the one between these ends."""
        self._isn.clear()
        self.ends = dict(ends)
        self.expects: dict[Host, int] = dict.fromkeys(HOSTS, 1)  # the highest number each has acknowledged
        self.reached: dict[Host, int] = dict.fromkeys(HOSTS, 1)  # the end of what each has sent
        self.window: dict[Host, int] = dict.fromkeys(HOSTS, 0)  # what each has last offered to take
        self.forget()

    def forget(self) -> None:
        """Forget what was carried and what was ordered, but not where the connection's numbers begin."""
        self._reset()
        self.log.clear()

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

    def forge(self, to: Host, flags: str, ahead: int | str, answers: int, length: int) -> None:
        """Hand `to` a segment that its peer never sent.

        Its sequence number lies `ahead` of what `to` has acknowledged (`window`: one past the window that it
        has offered), its acknowledgement `answers` beyond the end of what `to` has sent.
        """
        sender = other(to)
        seq = self.expects[to] + (self.window[to] if isinstance(ahead, str) else ahead)
        ack = self.reached[to] + answers + self._isn[to] if "A" in flags else 0
        segment = Segment(seq + self._isn[sender], ack, flags, length, self.window[sender])
        os.write(self._tuns[to], build(self.ends[sender], self.ends[to], segment))
        self._after()

    def called(self, host: Host) -> None:
        """Say that `host` has made one more call: what had to wait for it is let go."""
        self.made[host] += 1
        self.touched[host] = time.monotonic()
        waiting, self._waiting = self._waiting, []
        for packet in waiting:
            self._arrive(packet)

    # Moving packets.

    def _arrive(self, packet: Packet) -> None:
        """Deliver what has come across, unless its receiver has a call to make first."""
        if self.made[other(packet.sender)] < self.after_calls[packet.sender].get(packet.number, 0):
            self._waiting.append(packet)
        else:
            self._deliver(packet)

    def _deliver(self, packet: Packet) -> None:
        fd = self._tuns[other(packet.sender)]
        for _ in range(packet.copies):
            os.write(fd, packet.raw)
            packet.delivered = time.monotonic()
            self.arrived[other(packet.sender)] += 1
            self.touched[other(packet.sender)] = packet.delivered
            self._after()

    def _relative(self, sender: Host, segment: Segment) -> Segment:
        if "S" in segment.flags:
            self._isn[sender] = segment.seq
        if segment.seq == 0 and "R" in segment.flags:  # the RST of §3.5.2 that answers a segment without ACK
            self._isn.setdefault(sender, 0)
            return segment._replace(ack=_signed(segment.ack - self._isn.get(other(sender), segment.ack)))
        own, far = self._isn.get(sender, segment.seq), self._isn.get(other(sender), segment.ack)
        ack = _signed(segment.ack - far) if "A" in segment.flags else 0
        return segment._replace(seq=_signed(segment.seq - own), ack=ack)

    def _take(self, sender: Host, raw: bytes) -> None:
        parsed = parse(raw)
        if parsed is None:
            return
        sport, dport, segment = parsed
        packet = Packet(sender, segment, time.monotonic(), raw)
        if (self.ends[sender][1], self.ends[other(sender)][1]) != (sport, dport):
            self._deliver(packet)  # the tail of an earlier connection
            return
        packet.segment = segment = self._relative(sender, segment)
        self.reached[sender] = max(self.reached[sender], segment.end)
        if "A" in segment.flags and "R" not in segment.flags:
            self.expects[sender] = max(self.expects[sender], segment.ack)
            self.window[sender] = segment.window
        self.log.append(packet)
        self.sent[sender] += 1
        number = packet.number = self.sent[sender]
        if self.cut[sender] or number in self.lose[sender] or self.to_drop[sender]:
            packet.fate = "dropped"
            self.to_drop[sender] = max(0, self.to_drop[sender] - (not self.cut[sender]))
            return
        if self.to_double[sender]:
            packet.fate, packet.copies = "doubled", 2
            self.to_double[sender] -= 1
        if self.holding[sender]:
            packet.fate = "held"
            self.held[sender].append(packet)
            return
        delay = self.latency + self.late[sender].get(number, 0.0)
        if self.to_delay[sender]:
            self.to_delay[sender] -= 1
            delay += DELAY / 1e6
        if delay:
            self._number += 1
            heapq.heappush(self._flight, (packet.sent + delay, self._number, packet))
        else:
            self._arrive(packet)

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
                self._arrive(packet)

    def _look(self) -> None:
        """Write down how late this look is."""
        now = time.monotonic()
        self.late_by, self._due = max(self.late_by, now - self._due), now

    def settle(self) -> None:
        """Carry packets until neither host has anything more to say at this moment."""
        self._look()
        self._land()
        while self._read_all():
            self._look()
            self._land()
        self._look()

    def step(self, limit: float) -> None:
        """Sleep until a packet comes, one is due, or `limit` (monotonic seconds); then settle."""
        until = min(limit, self._flight[0][0]) if self._flight else limit
        self._look()
        self._due = max(self._due, until)
        self._poll.poll(max(0.0, (until - time.monotonic()) * 1000))
        self.settle()

    @property
    def busy(self) -> bool:
        """True while a packet is on its way (held ones are not)."""
        return bool(self._flight)
