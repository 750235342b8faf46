"""Capture files read: pcap and pcapng of either byte order, down to the TCP segments.

Captures come from strangers, so everything is bounded, and whatever is wrong is an `InputError` with its place.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from teardown.errors import InputError
from teardown.formats import ip
from teardown.formats.ip import Address
from teardown.tcp.segment import Segment

#: Bounds of what is read: bytes, packets, blocks of any kind, options of all blocks.
MOST_BYTES: Final = 50_000_000
MOST_PACKETS: Final = 200_000
MOST_BLOCKS: Final = 2 * MOST_PACKETS
MOST_OPTIONS: Final = 1_000_000

#: Kinds of pcapng blocks.
SECTION, INTERFACE, OLD_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 0x0A0D0D0A, 1, 2, 3, 6
BYTE_ORDER: Final = 0x1A2B3C4D
#: Codes of pcapng options. A comment may stand in every block, the others in those of sections and interfaces.
COMMENT, NAME, DESCRIPTION, APPLICATION, RESOLUTION, OFFSET = 1, 2, 3, 4, 9, 14

#: The first bytes of a pcap file: byte order, and units of its timestamps per second.
_PCAP: Final = {
    b"\xa1\xb2\xc3\xd4": (">", 1_000_000),
    b"\xd4\xc3\xb2\xa1": ("<", 1_000_000),
    b"\xa1\xb2\x3c\x4d": (">", 1_000_000_000),
    b"\x4d\x3c\xb2\xa1": ("<", 1_000_000_000),
}
_SECTION_MAGIC: Final = b"\x0a\x0d\x0d\x0a"  # the same in both orders
_SAVE: Final = "Save it as pcap or pcapng: in Wireshark with File, Save As; with tcpdump by -w FILE"
_REPAIR: Final = "Copy it once more, or keep the whole packets: editcap FILE NEW.pcapng"
_ALONE: Final = "Save the packets alone: editcap -F pcap FILE NEW.pcap"
_FEWER: Final = "Keep one connection: tshark -r FILE -Y 'tcp.port == PORT' -w NEW.pcapng"


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
            raise self.error(f"the file is larger than {MOST_BYTES // 1_000_000} MB", MOST_BYTES, _FEWER)
        if magic == _SECTION_MAGIC:
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
            INTERFACE: self.interface,
            OLD_PACKET: self.old_packet,
            SIMPLE_PACKET: self.simple_packet,
            ENHANCED_PACKET: self.enhanced_packet,
        }
        while at < len(data):
            self.need(at, 12, "a block")
            if data[at : at + 4] == _SECTION_MAGIC:
                order, interfaces = self.byte_order(at), []
            kind, size = struct.unpack_from(f"{order}II", data, at)
            if size < 12 or size % 4:
                raise self.error(f"a block cannot be {size} bytes long", at, _REPAIR)
            self.need(at, size, "a block")
            if data[at + size - 4 : at + size] != data[at + 4 : at + 8]:
                raise self.error("the two lengths of a block differ", at, _REPAIR)
            blocks += 1
            if blocks > MOST_BLOCKS:
                raise self.error(f"more than {MOST_BLOCKS} blocks", at, _ALONE)
            body = data[at + 8 : at + size - 4]
            if kind == SECTION:
                self.section(order, body, at)
            elif kind in readers:
                readers[kind](order, body, at, interfaces)
            at += size

    def byte_order(self, at: int) -> str:
        mark = self.data[at + 8 : at + 12]
        for order in "<>":
            if struct.pack(f"{order}I", BYTE_ORDER) == mark:
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
            if code == RESOLUTION and len(value) == 1:
                found = found._replace(per_second=(2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F))
            elif code == OFFSET and len(value) == 8:
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
                raise self.error(f"more than {MOST_OPTIONS} options", at, _ALONE)
            found.append((code, body[start : start + size]))
            start += size + -size % 4
        return found

    # -- both
    def add(self, interface: _Interface, ticks: int | None, frame: bytes, comment: str, at: int) -> None:
        """One packet, if it is a TCP segment. `ticks` is its time in the units of its interface."""
        self.number += 1
        if self.number > MOST_PACKETS:
            raise self.error(f"more than {MOST_PACKETS} packets", at, _FEWER)
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
    return "\n".join(value.decode("utf-8", "replace") for code, value in options if code == COMMENT)
