"""A trace as a capture file (pcapng), for Wireshark, tshark and whatever else reads captures.

It is computed, not recorded, and says so in its comment:

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
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from teardown import __version__
from teardown.errors import InputError
from teardown.formats import ip
from teardown.formats.capture import (
    APPLICATION,
    BYTE_ORDER,
    COMMENT,
    DESCRIPTION,
    ENHANCED_PACKET,
    INTERFACE,
    NAME,
    RESOLUTION,
    SECTION,
    Capture,
    Packet,
    read,
)
from teardown.formats.ip import Address
from teardown.tcp.segment import Segment
from teardown.tcp.states import prose
from teardown.world.trace import HOSTS, Host, Pair, Step, Trace, other

__all__ = ["ADDRESSES", "EPOCH", "At", "Capture", "Packet", "initial_numbers", "payload", "read", "write"]

At = Literal["wire", "server", "client"]

#: Where time 0 of a trace lies: midnight UTC, 1 January 2026; microseconds since 1970.
EPOCH: Final = 1_767_225_600_000_000
ADDRESSES: Final = Pair(Address("192.0.2.10", 443), Address("198.51.100.9", 50123))
#: How long before the story a handshake is over that the story takes for granted, µs.
BEFORE: Final = 1_000_000
#: The least that a SYN offers in its MSS option, the engine's only one: what Ethernet leaves for TCP.
MSS: Final = 1_460


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

    The comment of the file names title, hosts, ending and place. Raises InputError for a segment that does not fit into
    an IP packet.
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
    story: tuple[tuple[Host, Segment, str], ...] = (
        ("client", Segment(0, 0, "S", 0, windows["client"]), "server LISTEN, client SYN_SENT"),
        ("server", Segment(0, 1, "SA", 0, windows["server"]), "server SYN_RECEIVED, client SYN_SENT"),
        ("client", Segment(1, 1, "A", 0, windows["client"]), "server SYN_RECEIVED, client ESTABLISHED"),
    )
    start = -BEFORE - len(story) * latency
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
    head = struct.pack("<IHHq", BYTE_ORDER, 1, 0, -1)
    options = (COMMENT, about.encode()), (APPLICATION, f"teardown {__version__}".encode())
    return _block(SECTION, head + _options(*options))


def _interface(name: str, description: str) -> bytes:
    options = (NAME, name.encode()), (DESCRIPTION, description.encode()), (RESOLUTION, b"\x06")
    return _block(INTERFACE, struct.pack("<HHI", ip.RAW, 0, 0) + _options(*options))


def _packet(t: int, data: bytes, comments: tuple[str, ...]) -> bytes:
    head = struct.pack("<IIIII", 0, t >> 32, t & 0xFFFFFFFF, len(data), len(data))
    return _block(ENHANCED_PACKET, head + _padded(data) + _options(*((COMMENT, c.encode()) for c in comments)))


def _options(*options: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options) + bytes(4)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size
