"""TCP segments in IP packets, and those in the frames of a link: bytes made, and bytes read.

Only what the story of a connection needs: addresses, sequence numbers, flags, lengths, windows. Payload is counted,
never kept. `build` writes IPv4 alone; `dissect` reads IPv4 and IPv6 as captures bring them.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

from teardown.tcp.segment import Segment

TCP: Final = 6
#: Bits of the TCP header's flags (RFC 9293 §3.1), in the order in which `Segment.flags` writes the letters.
BITS: Final = {"S": 0x02, "F": 0x01, "R": 0x04, "P": 0x08, "A": 0x10}

#: Link types of capture files (tcpdump.org's registry), as far as we read them.
NULL, ETHERNET, RAW, LOOP, LINUX_SLL, IPV4, IPV6, LINUX_SLL2 = 0, 1, 101, 108, 113, 228, 229, 276
_RAW_LINKS: Final = frozenset({RAW, IPV4, IPV6, 12, 14})  # 12 and 14: what BSDs wrote for raw IP
LINKS: Final = _RAW_LINKS | {NULL, ETHERNET, LOOP, LINUX_SLL, LINUX_SLL2}

_TYPE_IPV4, _TYPE_IPV6 = 0x0800, 0x86DD
_VLAN_TAGS: Final = frozenset({0x8100, 0x88A8, 0x9100})
_MOST_TAGS: Final = 4
#: Address families of a loopback header: IPv4 is 2 everywhere, IPv6 differs from system to system.
_FAMILIES: Final = {2: _TYPE_IPV4, 10: _TYPE_IPV6, 24: _TYPE_IPV6, 28: _TYPE_IPV6, 30: _TYPE_IPV6}

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION, _MOBILITY = 0, 43, 44, 51, 60, 135
_EXTENSIONS: Final = frozenset({_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AUTHENTICATION, _DESTINATION, _MOBILITY})
_MOST_EXTENSIONS: Final = 16

_IPV4_HEAD: Final = struct.Struct("!BBHHHBBH4s4s")
_TCP_HEAD: Final = struct.Struct("!HHIIBBHHH")
_DONT_FRAGMENT: Final = 0x4000
#: The most bytes of text that fit into an IPv4 packet beside headers with four bytes of options.
MOST_TEXT: Final = 65_535 - 44


class Address(NamedTuple):
    """One end of a connection: an IP address as text, and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


class Dissected(NamedTuple):
    """A segment and its two ends. The numbers of the segment are the absolute ones of the header."""

    source: Address
    target: Address
    segment: Segment


class Skip(Exception):
    """A frame that holds no TCP segment we can read; the message says why, without numbers, so that it counts."""


# ------------------------------------------------------------------------------------------------- making
def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) & ~1]))
    if len(data) & 1:
        total += data[-1] << 8
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def build(
    source: Address, target: Address, segment: Segment, text: bytes, *, identification: int = 0, options: bytes = b""
) -> bytes:
    """The IPv4 packet that carries `segment`, whose numbers are absolute, and `text`, its `length` bytes.

    `options` are TCP options, padded to four bytes. Both checksums are right.
    """
    ends = IPv4Address(source.ip).packed, IPv4Address(target.ip).packed
    size = _TCP_HEAD.size + len(options) + len(text)
    head = _IPV4_HEAD.pack(
        0x45, 0, _IPV4_HEAD.size + size, identification & 0xFFFF, _DONT_FRAGMENT, 64, TCP, 0, *ends
    )
    head = head[:10] + checksum(head).to_bytes(2) + head[12:]
    bits = sum(BITS[letter] for letter in segment.flags)
    words = (_TCP_HEAD.size + len(options)) // 4
    fields = source.port, target.port, segment.seq, segment.ack, words << 4, bits, segment.window
    tcp = _TCP_HEAD.pack(*fields, 0, 0) + options + text
    pseudo = b"".join(ends) + struct.pack("!HH", TCP, size)
    tcp = tcp[:16] + checksum(pseudo + tcp).to_bytes(2) + tcp[18:]
    return head + tcp


# ------------------------------------------------------------------------------------------------ reading
def dissect(link: int, frame: bytes) -> Dissected:
    """The TCP segment in a frame of that link type. Raises Skip for everything else, however broken.

    Lengths come from the IP header, so a frame that was cut after the TCP header is read in full.
    """
    try:
        kind, at = _network(link, frame)
        if kind == _TYPE_IPV4:
            return _ipv4(frame, at)
        if kind == _TYPE_IPV6:
            return _ipv6(frame, at)
    except (struct.error, IndexError):
        raise Skip("cut before the end of its headers") from None
    raise Skip("not IP")


def _network(link: int, frame: bytes) -> tuple[int, int]:
    """The Ethertype of what the frame carries, and where that begins."""
    if link == ETHERNET:
        kind, at = _number(frame, 12), 14
    elif link == LINUX_SLL:
        kind, at = _number(frame, 14), 16
    elif link == LINUX_SLL2:
        kind, at = _number(frame, 0), 20
    elif link in _RAW_LINKS:
        return {4: _TYPE_IPV4, 6: _TYPE_IPV6}.get(frame[0] >> 4, 0), 0
    elif link in (NULL, LOOP):
        # The family is in the byte order of the machine that captured; all families in use fit into one byte.
        (family,) = struct.unpack_from("!I", frame)
        if family & 0xFFFF == 0:
            (family,) = struct.unpack_from("<I", frame)
        return _FAMILIES.get(family, 0), 4
    else:
        raise Skip(f"on a link of type {link}, which we do not read")
    for _ in range(_MOST_TAGS):
        if kind not in _VLAN_TAGS:
            break
        kind, at = _number(frame, at + 2), at + 4
    return kind, at


def _number(frame: bytes, at: int) -> int:
    """Two bytes as a number."""
    return frame[at] << 8 | frame[at + 1]


def _ipv4(frame: bytes, at: int) -> Dissected:
    first, _, total, _, fragment, _, protocol, _, source, target = _IPV4_HEAD.unpack_from(frame, at)
    head = (first & 15) * 4
    total = total or len(frame) - at  # 0: the network card was to cut the packet, and fill this in
    if first >> 4 != 4 or head < _IPV4_HEAD.size or total < head:
        raise Skip("with a damaged IP header")
    if protocol != TCP:
        raise Skip("not TCP")
    if fragment & 0x3FFF:
        raise Skip("a fragment of an IP packet")
    return _tcp(frame, at + head, total - head, source, target)


def _ipv6(frame: bytes, at: int) -> Dissected:
    first, size, kind, source, target = struct.unpack_from("!IHBx16s16s", frame, at)
    if first >> 28 != 6:
        raise Skip("with a damaged IP header")
    end = at + 40 + size if size else len(frame)
    at += 40
    for _ in range(_MOST_EXTENSIONS):
        if kind not in _EXTENSIONS:
            break
        if kind == _FRAGMENT:
            if _number(frame, at + 2) & 0xFFF9:
                raise Skip("a fragment of an IP packet")
            step = 8
        elif kind == _AUTHENTICATION:
            step = (frame[at + 1] + 2) * 4
        else:
            step = (frame[at + 1] + 1) * 8
        kind, at = frame[at], at + step
    if kind != TCP:
        raise Skip("not TCP")
    return _tcp(frame, at, end - at, source, target)


def _tcp(frame: bytes, at: int, size: int, source: bytes, target: bytes) -> Dissected:
    """The segment at `at`, of `size` bytes with its header."""
    sport, dport, seq, ack, words, bits, window, _, _ = _TCP_HEAD.unpack_from(frame, at)
    length = size - (words >> 4) * 4
    if words >> 4 < 5 or length < 0:
        raise Skip("with a damaged TCP header")
    segment = Segment(seq, ack, _letters(bits & 0x1F), length, window)
    return Dissected(_address(source, sport), _address(target, dport), segment)


@lru_cache(maxsize=32)
def _letters(bits: int) -> str:
    return "".join(letter for letter, bit in BITS.items() if bits & bit)


@lru_cache(maxsize=10_000)
def _address(raw: bytes, port: int) -> Address:
    return Address(str(IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw)), port)
