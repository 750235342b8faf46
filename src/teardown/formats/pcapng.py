"""Capture files: a trace written as pcapng, and pcap or pcapng read.

What is written is computed, not recorded, and says so in the file's comment:

* The capture stands in the middle of the wire (`at="wire"`), so each segment is in it once, also one that is lost:
  losses and delays happen behind that point. At a host it holds what a capture there would: what the host sends, and
  of what it is sent only what arrives; tools then note the gaps.
* Raw IP packets without a link layer, which the engine does not have. Addresses are those for documentation.
* A connection that is open when the story begins gets its handshake in front, at negative time, with a comment that
  says so: without it no tool knows the first sequence numbers.
* Each packet carries comments: the states of both hosts and the caption when it leaves, and again when it arrives.

Same trace, same bytes: time 0 of a trace is the first second of 2026.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

from teardown import __version__
from teardown.errors import InputError
from teardown.formats import ip
from teardown.formats.ip import Address
from teardown.tcp.segment import Segment
from teardown.tcp.states import prose
from teardown.world.trace import HOSTS, Host, Pair, Step, Trace, other

At = Literal["wire", "server", "client"]

#: Where time 0 of a trace lies: midnight UTC, 1 January 2026; microseconds since 1970.
EPOCH: Final = 1_767_225_600_000_000
ADDRESSES: Final = Pair(Address("192.0.2.10", 443), Address("198.51.100.9", 50123))
#: How long before the story a handshake is over that the story takes for granted, µs.
BEFORE: Final = 1_000_000
#: The least that a SYN offers in its MSS option, the engine's only one: what Ethernet leaves for TCP.
MSS: Final = 1_460

#: Bounds of what is read: bytes, packets, blocks of any kind, options of all blocks.
MOST_BYTES: Final = 50_000_000
MOST_PACKETS: Final = 200_000
MOST_BLOCKS: Final = 2 * MOST_PACKETS
MOST_OPTIONS: Final = 1_000_000

_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE, _ENHANCED = 0x0A0D0D0A, 1, 2, 3, 6
_BYTE_ORDER: Final = 0x1A2B3C4D
_COMMENT, _NAME, _DESCRIPTION, _APPLICATION, _RESOLUTION, _OFFSET = 1, 2, 3, 4, 9, 14
#: The first bytes of a pcap file: byte order, and units of its timestamps per second.
_PCAP: Final = {
    b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000),
}
_SAVE: Final = "Save it as pcap or pcapng: in Wireshark with File, Save As; with tcpdump by -w FILE"
_REPAIR: Final = "Copy it once more, or keep the whole packets: editcap FILE NEW.pcapng"


class Packet(NamedTuple):
    """A segment in a capture. `number` counts all packets of the file from 1, as tools show it; `t` is µs since 1970.

    The sequence numbers of `segment` are absolute and its window is as it stands in the header, not scaled.
    """

    number: int
    t: int
    source: Address
    target: Address
    segment: Segment
    comment: str = ""


class Capture(NamedTuple):
    """What was read. `skipped` says why packets were left out, and how many: `{"not TCP": 12}`."""

    packets: tuple[Packet, ...]
    skipped: Mapping[str, int]
    comment: str = ""


# ================================================================================================ writing
class _Shot(NamedTuple):
    """One packet of the capture: `t` is µs of the trace's time, `order` decides between packets of one moment."""

    t: int
    order: int
    sender: Host
    segment: Segment
    identification: int
    comments: tuple[str, ...]


class _Flight(NamedTuple):
    """A segment from leaving to arriving or being lost. `copy` names the flight that the network doubled."""

    left: Step
    fate: Step | None
    copy: int | None


def write(trace: Trace, *, at: At = "wire") -> bytes:
    """The trace as a pcapng file with right checksums. `at` says where the capture stands.

    The comment of the file names title, hosts, ending and place. Raises InputError for a segment that no IP packet holds.
    """
    where = "in the middle of the wire" if at == "wire" else f"at the {at}"
    seed = trace.scenario.get("seed", 0)
    firsts = initial_numbers(seed if isinstance(seed, int) else 0)
    longest = Pair(*(_longest(trace, host) for host in HOSTS))
    blocks = [_section(_about(trace, where)), _interface(at, f"The capture stands {where}")]
    for shot in sorted([*_handshake(trace, at), *_story(trace, at)], key=lambda s: s[:2]):
        blocks.append(_packet(EPOCH + shot.t, _bytes(shot, firsts, longest), shot.comments))
    return b"".join(blocks)


def initial_numbers(seed: int) -> Pair[int]:
    """Both hosts' initial sequence numbers (RFC 9293 §3.4.1) in captures of a scenario with this seed."""
    made = (hashlib.sha256(f"teardown {seed} {host}".encode()).digest() for host in HOSTS)
    return Pair(*(int.from_bytes(digest[:4]) for digest in made))


def payload(host: Host, first: int, length: int) -> bytes:
    """What `host` says from its relative sequence number `first` on: the same bytes each time they are sent.

    Lines of 32 bytes that count themselves.
    """
    start = max(first - 1, 0)
    lines = range(start // 32, (start + length) // 32 + 1)
    text = "".join(f"{host} says line {n + 1}".ljust(31)[:31] + "\n" for n in lines).encode()
    return text[start % 32 :][:length]


def _about(trace: Trace, where: str) -> str:
    """The comment of the file."""
    about = [str(trace.scenario.get("title", "A TCP connection"))]
    programs, stacks = trace.scenario.get("programs", {}), trace.scenario.get("stacks", {})
    about += [f"{host}: {programs[host]} on {stacks[host]}" for host in HOSTS if host in programs and host in stacks]
    behind = ". Segments are lost or delayed behind that point, and copied before it" if where.startswith("in") else ""
    return "\n".join([*about, trace.ending.text, f"Computed, not recorded. The capture stands {where}{behind}."])


def _flights(trace: Trace) -> Iterator[_Flight]:
    fates = {s.packet: s for s in trace.steps if s.event in ("segment-arrived", "segment-lost")}
    before: Step | None = None
    copies = False
    for step in trace.steps:
        # A move that doubles a segment begins with the copy; later steps of the same move are its consequences.
        doubles = step.move is not None and step.move.startswith("duplicate:") and step.event == "segment-sent"
        copies = doubles and (before is None or before.move != step.move or copies)
        if step.event == "segment-sent":
            original = int(step.move.split(":")[1]) if copies and step.move else None
            yield _Flight(step, fates.get(step.packet), original)
        before = step


def _story(trace: Trace, at: At) -> Iterator[_Shot]:
    """The segments of the trace that pass the place of the capture."""
    half = _latency(trace) // 2
    for left, fate, copy in _flights(trace):
        assert left.segment is not None
        assert left.sender is not None
        comments = tuple(
            f"server {prose(s.states.server)}, client {prose(s.states.client)}: {s.caption}" for s in (left, fate) if s
        )
        sent = _Shot(left.t, left.i, left.sender, left.segment, (copy or left.packet or 0) + 3, comments)
        if at == "wire":
            # A copy may be made shortly before it arrives.
            yield sent._replace(t=left.t + half if fate is None else min(left.t + half, fate.t))
        elif left.sender == at and copy is None:
            yield sent
        elif left.sender != at and fate is not None and fate.event == "segment-arrived":
            yield sent._replace(t=fate.t, order=fate.i)


def _handshake(trace: Trace, at: At) -> Iterator[_Shot]:
    """The handshake of a connection that the trace finds open, over `BEFORE` the first step."""
    if trace.scenario.get("begin") == "closed":
        return
    latency = _latency(trace)
    windows = {host: _window(trace, host) for host in HOSTS}
    story = (
        ("client", Segment(0, 0, "S", 0, windows["client"]), "server LISTEN, client SYN_SENT"),
        ("server", Segment(0, 1, "SA", 0, windows["server"]), "server SYN_RECEIVED, client SYN_SENT"),
        ("client", Segment(1, 1, "A", 0, windows["client"]), "server SYN_RECEIVED, client ESTABLISHED"),
    )
    start = -BEFORE - len(story) * latency
    sender: Host
    for n, (sender, segment, states) in enumerate(story):
        t = start + n * latency
        if at != sender:
            t += latency // 2 if at == "wire" else latency
        said = f"{states}: Before the story begins: the handshake, added so that tools know the first numbers."
        yield _Shot(t, n - len(story), sender, segment, n + 1, (said,))


def _latency(trace: Trace) -> int:
    latency = trace.scenario.get("latency", 0)
    return latency if isinstance(latency, int) else 0


def _window(trace: Trace, host: Host) -> int:
    """The window of the host while it has received nothing: its first one, and the bytes that were then unread."""
    sent = (s.segment for s in trace.steps if s.event == "segment-sent" and s.sender == host and s.segment is not None)
    first = next((segment for segment in sent if segment.flags.endswith("A") and "R" not in segment.flags), None)
    return 65_535 if first is None else min(first.window + first.ack - 1, 65_535)


def _longest(trace: Trace, host: Host) -> int:
    """The most bytes of text that the host sends in one segment, and at least `MSS`."""
    return max([MSS, *(s.segment.length for s in trace.steps if s.segment is not None and s.sender == host)])


def _bytes(shot: _Shot, firsts: Pair[int], longest: Pair[int]) -> bytes:
    """The IP packet, with absolute numbers."""
    sender, segment = shot.sender, shot.segment
    if segment.length > ip.MOST_TEXT:
        raise InputError(
            f"a segment of {segment.length} bytes does not fit into an IP packet",
            mend=f"Set {sender}.mss to {ip.MOST_TEXT} at most",
        )
    absolute = segment._replace(
        seq=(segment.seq + firsts.of(sender)) & 0xFFFFFFFF,
        ack=(segment.ack + firsts.of(other(sender))) & 0xFFFFFFFF if "A" in segment.flags else 0,
        window=min(segment.window, 65_535),  # no more fits, for there is no window scaling
    )
    return ip.build(
        ADDRESSES.of(sender),
        ADDRESSES.of(other(sender)),
        absolute,
        payload(sender, segment.seq, segment.length),
        identification=shot.identification,
        # What the other side sends is never longer than what this side offers to take.
        options=struct.pack("!BBH", 2, 4, longest.of(other(sender))) if "S" in segment.flags else b"",
    )


def _section(about: str) -> bytes:
    head = struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1)
    return _block(_SECTION, head + _options((_COMMENT, about.encode()), (_APPLICATION, f"teardown {__version__}".encode())))


def _interface(name: str, description: str) -> bytes:
    options = (_NAME, name.encode()), (_DESCRIPTION, description.encode()), (_RESOLUTION, b"\x06")
    return _block(_INTERFACE, struct.pack("<HHI", ip.RAW, 0, 0) + _options(*options))


def _packet(t: int, data: bytes, comments: tuple[str, ...]) -> bytes:
    head = struct.pack("<IIIII", 0, t >> 32, t & 0xFFFFFFFF, len(data), len(data))
    return _block(_ENHANCED, head + _padded(data) + _options(*((_COMMENT, c.encode()) for c in comments)))


def _options(*options: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options) + bytes(4)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size


# ================================================================================================ reading
class _Interface(NamedTuple):
    """What packets of one interface need: link type, timestamp units per second, µs to add, longest packet."""

    link: int
    per_second: int = 1_000_000
    offset: int = 0
    longest: int = 0  # 0: no bound


def read(data: bytes, *, name: str = "") -> Capture:
    """The TCP segments in a pcap or pcapng file, in the order of the file. `name` names it in errors.

    Raises InputError, with the place, for what is no capture, broken off or damaged, and for more than `MOST_BYTES`
    or `MOST_PACKETS`. A packet that is not TCP or damaged in itself is counted in `skipped`.
    """
    return _Reader(data, name).capture()


class _Reader:
    """One pass over the bytes of a file."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name = data, name
        self.packets: list[Packet] = []
        self.skipped: dict[str, int] = {}
        self.comment = ""
        self.number = 0  # packets so far, of every kind
        self.last = 0  # time of the packet before
        self.options_read = 0

    def capture(self) -> Capture:
        magic = bytes(self.data[:4])
        if len(self.data) > MOST_BYTES:
            raise self.error(
                f"the file is larger than {MOST_BYTES // 1_000_000} MB", MOST_BYTES,
                "Keep one connection: tshark -r FILE -Y 'tcp.port == PORT' -w NEW.pcapng",
            )  # fmt: skip
        if magic == b"\x0a\x0d\x0d\x0a":
            self.pcapng()
        elif magic in _PCAP:
            self.pcap(*_PCAP[magic])
        elif magic[:2] == b"\x1f\x8b":
            raise self.error("the file is compressed", 0, "Unpack it first: gunzip FILE")
        else:
            raise self.error("this is neither pcap nor pcapng" if magic else "the file is empty", 0, _SAVE)
        return Capture(tuple(self.packets), self.skipped, self.comment)

    # -- pcap
    def pcap(self, order: str, per_second: int) -> None:
        data, record = self.data, struct.Struct(f"{order}IIII")
        self.need(0, 24, "the header of the file")
        (link,) = struct.unpack_from(f"{order}I", data, 20)
        interface = _Interface(link & 0xFFFF, per_second)
        at = 24
        while at < len(data):
            self.need(at, record.size, "the header of a packet")
            seconds, fraction, size, _ = record.unpack_from(data, at)
            self.need(at, record.size + size, "a packet")
            at += record.size
            self.add(interface, seconds * per_second + fraction, data[at : at + size], "", at - record.size)
            at += size

    # -- pcapng
    def pcapng(self) -> None:
        data, at, blocks, order = self.data, 0, 0, "<"
        interfaces: list[_Interface] = []
        readers: dict[int, Callable[[str, bytes, int, list[_Interface]], None]] = {
            _INTERFACE: self.interface,
            _OLD_PACKET: self.old_packet,
            _SIMPLE: self.simple_packet,
            _ENHANCED: self.enhanced_packet,
        }
        while at < len(data):
            self.need(at, 12, "a block")
            if data[at : at + 4] == b"\x0a\x0d\x0d\x0a":
                order, interfaces = self.byte_order(at), []
            kind, size = struct.unpack_from(f"{order}II", data, at)
            if size < 12 or size % 4:
                raise self.error(f"a block cannot be {size} bytes long", at, _REPAIR)
            self.need(at, size, "a block")
            if data[at + size - 4 : at + size] != data[at + 4 : at + 8]:
                raise self.error("the two lengths of a block differ", at, _REPAIR)
            blocks += 1
            if blocks > MOST_BLOCKS:
                raise self.error(f"more than {MOST_BLOCKS} blocks", at, "Save the packets alone: editcap FILE NEW.pcapng")
            body = data[at + 8 : at + size - 4]
            if kind == _SECTION:
                self.section(order, body, at)
            elif kind in readers:
                readers[kind](order, body, at, interfaces)
            at += size

    def byte_order(self, at: int) -> str:
        mark = self.data[at + 8 : at + 12]
        for order in "<>":
            if struct.pack(f"{order}I", _BYTE_ORDER) == mark:
                return order
        raise self.error("a section without a byte order", at + 8, _REPAIR)

    def section(self, order: str, body: bytes, at: int) -> None:
        if len(body) < 16:
            raise self.error("a section's header is too short", at, _REPAIR)
        major, minor = struct.unpack_from(f"{order}HH", body, 4)
        if major != 1:
            raise self.error(f"version {major}.{minor} of pcapng is not known here", at + 12, _SAVE)
        comment = _comments(self.options(order, body, 16, at))
        self.comment = "\n".join(filter(None, (self.comment, comment)))

    def interface(self, order: str, body: bytes, at: int, interfaces: list[_Interface]) -> None:
        if len(body) < 8:
            raise self.error("the description of an interface is too short", at, _REPAIR)
        link, _, longest = struct.unpack_from(f"{order}HHI", body)
        found = _Interface(link, longest=longest)
        for code, value in self.options(order, body, 8, at):
            if code == _RESOLUTION and len(value) == 1:
                found = found._replace(per_second=(2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F))
            elif code == _OFFSET and len(value) == 8:
                found = found._replace(offset=struct.unpack(f"{order}q", value)[0] * 1_000_000)
        interfaces.append(found)

    def enhanced_packet(self, order: str, body: bytes, at: int, interfaces: list[_Interface]) -> None:
        self.timed(f"{order}IIII", order, body, at, interfaces)

    def old_packet(self, order: str, body: bytes, at: int, interfaces: list[_Interface]) -> None:
        # Obsolete since 2009, and still in archives: the number of the interface, and one of drops.
        self.timed(f"{order}HxxIII", order, body, at, interfaces)

    def timed(self, head: str, order: str, body: bytes, at: int, interfaces: list[_Interface]) -> None:
        if len(body) < 20:
            raise self.error("a packet's block is too short", at, _REPAIR)
        which, high, low, size = struct.unpack_from(head, body)
        interface = self.of(interfaces, which, at)
        if size > len(body) - 20:
            raise self.error(f"a packet of {size} bytes in a block of {len(body) + 12}", at, _REPAIR)
        comment = _comments(self.options(order, body, 20 + size + -size % 4, at))
        self.add(interface, high << 32 | low, body[20 : 20 + size], comment, at)

    def simple_packet(self, order: str, body: bytes, at: int, interfaces: list[_Interface]) -> None:
        """A packet without a time: it gets the time of the one before."""
        if len(body) < 4:
            raise self.error("a packet's block is too short", at, _REPAIR)
        interface = self.of(interfaces, 0, at)
        (size,) = struct.unpack_from(f"{order}I", body)
        size = min(size, interface.longest or size, len(body) - 4)
        self.add(interface, None, body[4 : 4 + size], "", at)

    def of(self, interfaces: list[_Interface], which: int, at: int) -> _Interface:
        if which >= len(interfaces):
            raise self.error(f"a packet of interface {which}, which is not described", at, _REPAIR)
        return interfaces[which]

    def options(self, order: str, body: bytes, start: int, at: int) -> list[tuple[int, bytes]]:
        """The options of the block at `at`, which begin `start` bytes into its body."""
        found = []
        while start + 4 <= len(body):
            code, size = struct.unpack_from(f"{order}HH", body, start)
            if code == 0:
                break
            start += 4
            if start + size > len(body):
                raise self.error("an option runs over the end of its block", at + 8 + start - 4, _REPAIR)
            self.options_read += 1
            if self.options_read > MOST_OPTIONS:
                raise self.error(f"more than {MOST_OPTIONS} options", at, "Save it without: editcap -F pcap FILE NEW.pcap")
            found.append((code, body[start : start + size]))
            start += size + -size % 4
        return found

    # -- both
    def add(self, interface: _Interface, ticks: int | None, frame: bytes, comment: str, at: int) -> None:
        """One packet, if it is a TCP segment. `ticks` is its time in the units of its interface."""
        self.number += 1
        if self.number > MOST_PACKETS:
            raise self.error(
                f"more than {MOST_PACKETS} packets", at,
                "Keep one connection: tshark -r FILE -Y 'tcp.port == PORT' -w NEW.pcapng",
            )  # fmt: skip
        if ticks is not None:
            self.last = ticks * 1_000_000 // interface.per_second + interface.offset
        try:
            source, target, segment = ip.dissect(interface.link, frame)
        except ip.Skip as why:
            self.skipped[str(why)] = self.skipped.get(str(why), 0) + 1
            return
        self.packets.append(Packet(self.number, self.last, source, target, segment, comment))

    def need(self, at: int, size: int, what: str) -> None:
        """`size` bytes from `at` on must be there."""
        missing = at + size - len(self.data)
        if missing > 0:
            raise self.error(f"the file ends in the middle of {what}: {missing} bytes are missing", at, _REPAIR)

    def error(self, what: str, at: int, mend: str) -> InputError:
        place = f"byte {at}"
        return InputError(what, place=f"{self.name}, {place}" if self.name else place, mend=mend)


def _comments(options: list[tuple[int, bytes]]) -> str:
    return "\n".join(value.decode("utf-8", "replace") for code, value in options if code == _COMMENT)
