"""Captures: what is written says what the trace says, to us and to tshark; what is read may be anything."""

from __future__ import annotations

import io
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from teardown.cli import main
from teardown.errors import InputError
from teardown.formats import capture as reader
from teardown.formats import ip, pcapng
from teardown.formats.ip import Address
from teardown.formats.pcapng import ADDRESSES, EPOCH, Capture, Packet, read, write
from teardown.tcp.segment import Segment
from teardown.tcp.states import prose
from teardown.world.moves import apply, begin, moves
from teardown.world.run import run
from teardown.world.scenario import load, names, varied
from teardown.world.trace import HOSTS, Host, Pair, Step, Trace, other
from teardown.world.world import Scenario

HANDSHAKE = ("S", "SA", "A")


@cache
def story(name: str) -> Trace:
    """The run of a built-in scenario."""
    return run(load(name))


def sent(trace: Trace) -> list[Step]:
    """The steps in which a segment leaves."""
    return [s for s in trace.steps if s.event == "segment-sent"]


def sender_of(packet: Packet) -> Host:
    """Whose packet it is, by its address."""
    return "server" if packet.source == ADDRESSES.server else "client"


def relative(packet: Packet, firsts: Pair[int]) -> Segment:
    """The segment with relative numbers, which may be one below zero in a probe."""
    sender = sender_of(packet)

    def near(number: int, first: int) -> int:
        return (number - first + (1 << 31) & 0xFFFFFFFF) - (1 << 31)

    seg = packet.segment
    ack = near(seg.ack, firsts.of(other(sender))) if "A" in seg.flags else seg.ack
    return seg._replace(seq=near(seg.seq, firsts.of(sender)), ack=ack)


def said(trace: Trace) -> list[tuple[Host, Segment]]:
    """What a complete capture of the trace holds, in the order of sending; handshake apart."""
    found = []
    for step in sent(trace):
        assert step.segment is not None
        assert step.sender is not None
        ack = step.segment.ack if "A" in step.segment.flags else 0
        found.append((step.sender, step.segment._replace(ack=ack)))
    return found


def heard(capture: Capture, seed: int = 0) -> list[tuple[Host, Segment]]:
    """What a capture holds, with relative numbers."""
    firsts = pcapng.initial_numbers(seed)
    return [(sender_of(p), relative(p, firsts)) for p in capture.packets]


# ------------------------------------------------------------------------------------------------- writing
@pytest.mark.parametrize("name", names())
def test_reading_gives_back_what_was_written(name: str) -> None:
    trace = story(name)
    capture = read(write(trace))
    assert heard(capture)[3:] == said(trace)
    assert not capture.skipped
    assert tuple(p.segment.flags for p in capture.packets[:3]) == HANDSHAKE
    assert [p.number for p in capture.packets] == list(range(1, len(capture.packets) + 1))


def played(scenario: Scenario, choices: list[int]) -> Trace:
    """The run after some moves of a reader who chooses at random."""
    world, _ = begin(scenario)
    made = []
    for choice in choices:
        legal = moves(world)
        move = legal[choice % len(legal)].id
        world, _ = apply(world, move)
        made.append(move)
    return run(scenario, made)


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(names()),
    choices=st.lists(st.integers(0, 50), max_size=25),
    hand=st.booleans(),
    start=st.sampled_from(["established", "closed"]),
    seed=st.integers(0, (1 << 32) - 1),
)
def test_every_story_survives_the_round_trip(
    name: str, choices: list[int], hand: bool, start: str, seed: int
) -> None:
    scenario = replace(load(name), begin=start, seed=seed)
    if hand:
        scenario = varied(scenario, programs={"server": "hand", "client": "hand"})
    trace = played(scenario, choices)
    capture = read(write(trace))
    added = 0 if start == "closed" else 3
    assert sorted(heard(capture, seed)[added:], key=str) == sorted(said(trace), key=str)
    assert [p.t for p in capture.packets] == sorted(p.t for p in capture.packets)
    for at in HOSTS:
        read(write(trace, at=at))


def test_same_trace_same_bytes_and_another_seed_other_numbers() -> None:
    scenario = load("normal-close")
    assert write(run(scenario)) == write(run(scenario))
    assert write(run(scenario)) != write(run(replace(scenario, seed=1)))
    assert pcapng.initial_numbers(0) != pcapng.initial_numbers(1)
    assert len(set(pcapng.initial_numbers(0))) == 2


def test_packets_stand_in_the_middle_of_the_wire() -> None:
    trace = story("lost-fin")
    times = [p.t - EPOCH for p in read(write(trace)).packets[3:]]
    assert times == [s.t + 10_000 for s in sent(trace)]
    first = read(write(trace)).packets[0]
    assert first.t < EPOCH - 1_000_000


def test_at_a_host_stands_what_a_capture_there_sees() -> None:
    trace = story("lost-fin")  # the server's first FIN is lost
    at_server, at_client = (read(write(trace, at=host)).packets[3:] for host in HOSTS)
    assert [(sender_of(p), p.segment.flags) for p in at_server][:2] == [("server", "FA"), ("server", "FA")]
    assert [(sender_of(p), p.segment.flags) for p in at_client][:2] == [("server", "FA"), ("client", "A")]
    assert len(at_client) == len(at_server) - 1
    assert at_server[0].t - EPOCH == next(s.t for s in trace.steps if s.segment)
    assert at_client[0].t - EPOCH == next(s.t for s in trace.steps if s.event == "segment-arrived")


def test_a_copy_that_the_network_makes_is_not_seen_where_the_segment_leaves() -> None:
    scenario = load("normal-close")
    trace = run(scenario, ["fire:server:keep-alive", "duplicate:1", "duplicate:1"])
    fins = {
        at: [p for p in read(write(trace, at=at)).packets if sender_of(p) == "server" and "F" in p.segment.flags]
        for at in ("wire", "server", "client")
    }
    assert {at: len(found) for at, found in fins.items()} == {"wire": 3, "server": 1, "client": 3}


def test_comments_hold_both_states_and_the_caption() -> None:
    trace = story("buggy-client")
    left, arrived = (next(s for s in trace.steps if s.event == e) for e in ("segment-sent", "segment-arrived"))
    expected = [
        f"server {prose(s.states.server)}, client {prose(s.states.client)}: {s.caption}" for s in (left, arrived)
    ]
    capture = read(write(trace))
    assert capture.packets[3].comment == "\n".join(expected)
    assert "FIN_WAIT_1" in expected[0]
    assert "CLOSE_WAIT" in expected[1]
    assert all("Before the story begins" in p.comment for p in capture.packets[:3])
    assert "Computed, not recorded" in capture.comment
    assert trace.ending.text in capture.comment


def test_a_real_handshake_is_not_added_again() -> None:
    trace = run(replace(load("normal-close"), begin="closed"))
    capture = read(write(trace))
    assert [p.segment.flags for p in capture.packets].count("S") == 1
    assert not any("Before the story" in p.comment for p in capture.packets)
    assert capture.packets[0].t > EPOCH


def test_the_same_bytes_are_sent_again_in_other_pieces() -> None:
    whole = pcapng.payload("server", 1, 3_000)
    assert len(whole) == 3_000
    assert all(pcapng.payload("server", n, 77) == whole[n - 1 : n + 76] for n in range(1, 200))
    assert whole.decode("ascii").splitlines()[1].strip() == "server says line 2"
    assert pcapng.payload("server", 0, 1)  # a probe may name the number before the first byte


def test_a_segment_that_no_packet_holds_is_bad_input() -> None:
    scenario = varied(
        load("upload-then-silence"), values=[("client", "mss", "90000"), ("client", "upload_bytes", "65500")]
    )
    with pytest.raises(InputError, match="does not fit into an IP packet"):
        write(run(scenario))


def test_checksum_is_the_one_of_the_internet() -> None:
    assert ip.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D  # RFC 1071 §3
    assert ip.checksum(b"") == 0xFFFF
    assert ip.checksum(b"\x12") == ip.checksum(b"\x12\x00")


# -------------------------------------------------------------------------------------------------- tshark
COMMENT, CHAT, NOTE, WARNING = (n << 20 for n in (1, 2, 4, 6))
#: All that tshark may remark above a note, because it is the story.
STORY = {
    "Connection reset (RST)",
    "TCP Zero Window segment",
    "TCP window specified by the receiver is now completely full",
}
FIELDS = (
    "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.seq", "tcp.ack", "tcp.len", "tcp.window_size",
    "tcp.checksum.status", "ip.checksum.status", "tcp.completeness", "tcp.stream",
    "_ws.expert.severity", "_ws.expert.message",
    "frame.protocols", "tcp.analysis.retransmission", "tcp.options.mss_val",
)  # fmt: skip


def tshark(capture: bytes, file: Path) -> list[dict[str, list[str]]]:
    """What tshark makes of each packet, both passes, checksums verified."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed: run tools/bootstrap.sh test")
    file.write_bytes(capture)
    checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    shown = ["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|", *(x for f in FIELDS for x in ("-e", f))]
    done = subprocess.run(
        ["tshark", "-n", "-2", *checks, "-r", str(file), *shown],
        capture_output=True, text=True, timeout=60, env=os.environ | {"LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [{f: [v for v in value.split("|") if v] for f, value in zip(FIELDS, row, strict=True)} for row in rows]


def remarks(rows: list[dict[str, list[str]]]) -> set[tuple[int, str]]:
    """The expert items that are no packet comments, with severity."""
    return {
        (int(severity), message)
        for row in rows
        for severity, message in zip(row["_ws.expert.severity"], row["_ws.expert.message"], strict=True)
        if int(severity) != COMMENT
    }


@pytest.fixture(scope="module")
def dissected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, list[str]]]]:
    """What tshark says about every scenario. It takes seconds to start, so all go into one file, each with its port."""
    data, ports = b"", {}
    with pytest.MonkeyPatch.context() as patch:
        for n, name in enumerate(names()):
            client = Address("198.51.100.9", 50_000 + n)
            patch.setattr(pcapng, "ADDRESSES", ADDRESSES._replace(client=client))
            capture, start = write(story(name)), 0
            for _ in range(2 if data else 0):  # the section and the interface stand there already
                start += int.from_bytes(capture[start + 4 : start + 8], "little")
            data += capture[start:]
            ports[str(client.port)] = name
    found: dict[str, list[dict[str, list[str]]]] = {name: [] for name in names()}
    for row in tshark(data, tmp_path_factory.mktemp("tshark") / "all.pcapng"):
        port = row["tcp.srcport"][0] if row["tcp.dstport"] == ["443"] else row["tcp.dstport"][0]
        found[ports[port]].append(row)
    return found


@pytest.mark.parametrize("name", names())
def test_tshark_reads_it_without_a_warning_of_its_own(
    name: str, dissected: dict[str, list[dict[str, list[str]]]]
) -> None:
    trace, rows = story(name), dissected[name]
    expected = [
        ("client", Segment(0, 0, "S")), ("server", Segment(0, 1, "SA")), ("client", Segment(1, 1, "A")), *said(trace),
    ]  # fmt: skip
    assert len(rows) == len(expected)
    complete = 0
    for row, (sender, segment) in zip(rows, expected, strict=True):
        assert (row["tcp.srcport"] == ["443"]) == (sender == "server")
        letters = "".join(letter for letter, bit in ip.BITS.items() if int(row["tcp.flags"][0], 16) & bit)
        assert letters == segment.flags
        numbers = tuple(int(row[f][0]) for f in ("tcp.seq", "tcp.ack", "tcp.len"))
        assert numbers == (segment.seq, segment.ack, segment.length)
        assert row["tcp.window_size"] == [str(segment.window)] or "S" in segment.flags
        assert row["tcp.checksum.status"] == row["ip.checksum.status"] == ["1"]
        assert row["tcp.stream"] == rows[0]["tcp.stream"]
        assert row["frame.protocols"][0].split(":")[:3] == ["raw", "ip", "tcp"]
        kinds = {1: segment.flags == "S", 2: segment.flags == "SA", 8: segment.length, 16: "F" in segment.flags}
        kinds |= {4: segment.flags.endswith("A") and "S" not in segment.flags, 32: "R" in segment.flags}
        complete |= sum(bit for bit, there in kinds.items() if there)
    assert rows[0]["tcp.options.mss_val"] == ["1460"]
    assert {row["tcp.completeness"][0] for row in rows} == {str(complete)}
    again = [bool(s.again) for s in sent(trace)]
    assert [bool(row["tcp.analysis.retransmission"]) for row in rows[3:]] == again
    assert {message for severity, message in remarks(rows) if severity >= WARNING} <= STORY
    assert not [m for _, m in remarks(rows) if "captured" in m or "hecksum" in m or "alformed" in m]


def test_tshark_follows_numbers_over_the_edge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcapng, "initial_numbers", lambda seed: Pair(0xFFFFFFFF, 0xFFFFFE00))
    trace = story("lingering-saves-answer")
    rows = tshark(write(trace), tmp_path / "a.pcapng")
    assert [int(row["tcp.seq"][0]) for row in rows[3:]] == [segment.seq for _, segment in said(trace)]
    assert not [m for severity, m in remarks(rows) if severity >= WARNING]


def test_tshark_finds_no_gap_whatever_the_network_does(tmp_path: Path) -> None:
    scenario = varied(load("normal-close"), programs={"server": "hand", "client": "hand"})
    made = [
        "call:client:send", "drop:1", "call:client:send", "duplicate:2", "deliver:2", "call:server:send",
        "call:server:close",
    ]  # fmt: skip
    rows = tshark(write(run(scenario, made)), tmp_path / "a.pcapng")
    assert len(rows) > 8
    assert {m for severity, m in remarks(rows) if severity >= WARNING} <= STORY


# ------------------------------------------------------------------------------------------------- reading
HERE, THERE = Address("192.0.2.1", 40000), Address("203.0.113.7", 80)
SEGMENT = Segment(4_000_000_000, 17, "PA", 5, 512)
PLAIN = ip.build(HERE, THERE, SEGMENT, b"hello")
V6 = Address("2001:db8::1", 40000), Address("2001:db8::2", 80)


def ipv6(kind: int, body: bytes) -> bytes:
    """An IPv6 packet between the two documentation addresses."""
    ends = bytes.fromhex("20010db8000000000000000000000001" "20010db8000000000000000000000002")
    return struct.pack("!IHBB", 6 << 28, len(body), kind, 64) + ends + body


PLAIN6 = ipv6(6, PLAIN[20:])
MACS = bytes.fromhex("00005e005301" "00005e005302")

#: Link type and frame, each around the same segment.
FRAMES: dict[str, tuple[int, bytes]] = {
    "Ethernet": (1, MACS + b"\x08\x00" + PLAIN),
    "Ethernet with padding": (1, MACS + b"\x08\x00" + PLAIN + bytes(20)),
    "Ethernet with a VLAN tag": (1, MACS + b"\x81\x00\x00\x07\x08\x00" + PLAIN),
    "Ethernet with two VLAN tags": (1, MACS + b"\x88\xa8\x00\x07\x81\x00\x00\x08\x08\x00" + PLAIN),
    "raw IP": (101, PLAIN),
    "raw IPv4": (228, PLAIN),
    "raw IP of a BSD": (12, PLAIN),
    "Linux cooked": (113, bytes(14) + b"\x08\x00" + PLAIN),
    "Linux cooked 2": (276, b"\x08\x00" + bytes(18) + PLAIN),
    "loopback, little-endian": (0, b"\x02\0\0\0" + PLAIN),
    "loopback, big-endian": (0, b"\0\0\0\x02" + PLAIN),
    "loopback of OpenBSD": (108, b"\0\0\0\x02" + PLAIN),
    "length left to the network card": (101, PLAIN[:2] + bytes(2) + PLAIN[4:]),
    "cut after the TCP header": (101, PLAIN[:40]),
    "Ethernet, IPv6": (1, MACS + b"\x86\xdd" + PLAIN6),
    "raw IPv6": (229, PLAIN6),
    "loopback of macOS, IPv6": (0, b"\x1e\0\0\0" + PLAIN6),
    "IPv6 with a header before TCP": (101, ipv6(0, b"\x06" + bytes(7) + PLAIN[20:])),
    "IPv6 with two headers before TCP": (101, ipv6(0, b"\x3c" + bytes(7) + b"\x06" + bytes(7) + PLAIN[20:])),
    "IPv6, whole, with a fragment header": (101, ipv6(44, b"\x06" + bytes(7) + PLAIN[20:])),
    "IPv6 with an authentication header": (101, ipv6(51, b"\x06\x04" + bytes(22) + PLAIN[20:])),
}

#: Why a frame is left out.
LEFT_OUT: dict[str, tuple[int, bytes, str]] = {
    "ARP": (1, MACS + b"\x08\x06" + bytes(28), "not IP"),
    "UDP": (101, PLAIN[:9] + b"\x11" + PLAIN[10:], "not TCP"),
    "UDP over IPv6": (101, ipv6(17, bytes(8)), "not TCP"),
    "later fragment": (101, PLAIN[:6] + b"\x00\x10" + PLAIN[8:], "a fragment of an IP packet"),
    "first fragment": (101, PLAIN[:6] + b"\x20\x00" + PLAIN[8:], "a fragment of an IP packet"),
    "IPv6 fragment": (101, ipv6(44, b"\x06\0\x00\x09" + bytes(4) + PLAIN[20:]), "a fragment of an IP packet"),
    "short header": (101, b"\x44" + PLAIN[1:], "with a damaged IP header"),
    "version 5": (1, MACS + b"\x08\x00\x55" + PLAIN[1:], "with a damaged IP header"),
    "TCP header of 16 bytes": (101, PLAIN[:32] + b"\x40" + PLAIN[33:], "with a damaged TCP header"),
    "TCP header beyond the packet": (101, PLAIN[:32] + b"\xf0" + PLAIN[33:], "with a damaged TCP header"),
    "cut in the TCP header": (101, PLAIN[:39], "cut before the end of its headers"),
    "nothing": (101, b"", "cut before the end of its headers"),
    "Wi-Fi": (105, PLAIN, "on a link of type 105, which we do not read"),
    "too many VLAN tags": (1, MACS + b"\x81\x00\0\0" * 9 + b"\x08\x00" + PLAIN, "not IP"),
    "too many IPv6 headers": (101, ipv6(0, b"\0" * 8 * 40), "not TCP"),
}


def pcap(link: int, *frames: bytes, order: str = "<", magic: int = 0xA1B2C3D4, t: tuple[int, int] = (9, 5)) -> bytes:
    """A pcap file."""
    head = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    return head + b"".join(struct.pack(f"{order}IIII", *t, len(f), len(f)) + f for f in frames)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block."""
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    """A section header block."""
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(link: int, *options: tuple[int, bytes], order: str = "<", longest: int = 0) -> bytes:
    """An interface description block."""
    coded = b"".join(struct.pack(f"{order}HH", c, len(v)) + v + bytes(-len(v) % 4) for c, v in options)
    return block(1, struct.pack(f"{order}HHI", link, 0, longest) + coded, order)


def packet(ticks: int, frame: bytes, which: int = 0, order: str = "<") -> bytes:
    """An enhanced packet block."""
    head = struct.pack(f"{order}IIIII", which, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(6, head + frame, order)


@pytest.mark.parametrize("kind", FRAMES)
def test_every_link_and_header_is_read(kind: str) -> None:
    link, frame = FRAMES[kind]
    (found,) = read(pcap(link, frame)).packets
    source, target = V6 if "IPv6" in kind else (HERE, THERE)
    length = 0 if "cut" in kind and "IPv6" in kind else SEGMENT.length
    assert found == Packet(1, 9_000_005, source, target, SEGMENT._replace(length=length))


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_what_is_left_out_is_counted_and_says_why(kind: str) -> None:
    link, frame, why = LEFT_OUT[kind]
    capture = read(pcap(link, frame, frame))
    assert capture == Capture((), {why: 2})


def test_addresses_print_as_people_write_them() -> None:
    assert str(HERE) == "192.0.2.1:40000"
    assert str(V6[1]) == "[2001:db8::2]:80"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("magic", "t"), [(0xA1B2C3D4, (9, 5)), (0xA1B23C4D, (9, 5_999))])
def test_pcap_of_both_orders_and_units(order: str, magic: int, t: tuple[int, int]) -> None:
    capture = read(pcap(101, PLAIN, PLAIN, order=order, magic=magic, t=t))
    assert [p.t for p in capture.packets] == [9_000_005] * 2
    assert capture.packets[0].segment == SEGMENT


@pytest.mark.parametrize("order", "<>")
def test_interfaces_have_their_own_link_and_clock(order: str) -> None:
    data = section(order)
    data += interface(1, (9, b"\x09"), order=order)
    data += interface(101, (2, b"tun0"), order=order)
    data += interface(101, (9, b"\x8a"), (14, struct.pack(f"{order}q", 100)), order=order)
    data += block(5, bytes(20), order)  # statistics
    data += packet(7_000_000_999, FRAMES["Ethernet"][1], 0, order)
    data += packet(8_000_000, PLAIN, 1, order)
    data += packet(3 * 1024, PLAIN, 2, order)
    assert [p.t for p in read(data).packets] == [7_000_000, 8_000_000, 103_000_000]


def test_a_second_section_begins_anew_in_its_own_order() -> None:
    data = section("<") + interface(101) + packet(1, PLAIN)
    data += section(">") + interface(1, order=">") + packet(2, FRAMES["Ethernet"][1], order=">")
    assert [(p.number, p.t) for p in read(data).packets] == [(1, 1), (2, 2)]


def test_old_and_simple_packets_are_read() -> None:
    old = struct.pack("<HHIIII", 0, 7, 0, 55, len(PLAIN), len(PLAIN)) + PLAIN
    simple = struct.pack("<I", 1_500) + PLAIN[:40]
    capture = read(section() + interface(101, longest=40) + block(2, old) + block(3, simple))
    assert [(p.t, p.segment) for p in capture.packets] == [(55, SEGMENT), (55, SEGMENT)]


def test_finest_and_coarsest_clocks_do_no_harm() -> None:
    for unit in (b"\x00", b"\x7f", b"\xff"):
        assert read(section() + interface(101, (9, unit)) + packet((1 << 64) - 1, PLAIN)).packets


WHOLE = write(story("buggy-client"))
BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "byte 0: the file is empty"),
    "text": (b"12:00 IP 192.0.2.1.80 > ", "byte 0: this is neither pcap nor pcapng"),
    "compressed": (b"\x1f\x8b\x08", "byte 0: the file is compressed"),
    "pcap, cut in the header": (pcap(1)[:20], "byte 0: the file ends in the middle of the header"),
    "pcap, cut in a packet": (pcap(101, PLAIN)[:-1], "byte 24: the file ends in the middle of a packet: 1 bytes"),
    "pcap, cut between": (pcap(101, PLAIN) + b"\0", "the middle of the header of a packet"),
    "pcapng, cut": (WHOLE[:-4], "the middle of a block: 4 bytes are missing"),
    "no byte order": (b"\x0a\x0d\x0d\x0a" + bytes(24), "byte 8: a section without a byte order"),
    "short section": (block(0x0A0D0D0A, struct.pack("<II", 0x1A2B3C4D, 1)), "section's header is too short"),
    "new version": (block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 2, 0, -1)), "byte 12: version 2.0"),
    "block of 8": (section() + struct.pack("<III", 6, 8, 8), "byte 28: a block cannot be 8 bytes"),
    "block of 15": (section() + struct.pack("<II", 6, 15) + bytes(10), "cannot be 15 bytes"),
    "lengths differ": (section() + struct.pack("<III", 6, 12, 16), "two lengths of a block differ"),
    "no interface": (section() + packet(0, PLAIN), "interface 0, which is not described"),
    "simple, no interface": (section() + block(3, bytes(8)), "interface 0, which is not described"),
    "short interface": (section() + block(1, bytes(4)), "description of an interface is too short"),
    "short packet": (section() + interface(1) + block(6, bytes(16)), "a packet's block is too short"),
    "short simple packet": (section() + interface(1) + block(3, b""), "a packet's block is too short"),
    "packet too long": (
        section() + interface(1) + block(6, struct.pack("<IIIII", 0, 0, 0, 99, 99)), "a packet of 99 bytes in a block"
    ),
    "option too long": (
        section() + block(1, struct.pack("<HHI", 1, 0, 0) + struct.pack("<HH", 2, 9)), "an option runs over the end"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_broken_names_its_place_and_the_mend(kind: str) -> None:
    data, says = BROKEN[kind]
    with pytest.raises(InputError) as caught:
        read(data, name="a.pcap")
    assert says in str(caught.value)
    assert caught.value.place.startswith("a.pcap, byte ")
    assert caught.value.mend


@pytest.mark.parametrize("data", [WHOLE, pcap(101, PLAIN, PLAIN)], ids=["pcapng", "pcap"])
def test_every_beginning_of_a_file_is_read_or_refused(data: bytes) -> None:
    whole = read(data).packets
    for size in range(len(data)):
        try:
            found = read(data[:size]).packets
        except InputError:
            continue
        assert found == whole[: len(found)]


def test_bounds_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="larger than 50 MB"):
        read(bytes(reader.MOST_BYTES + 1))
    with pytest.raises(InputError, match="more than 400000 blocks"):
        read(section() + block(5, b"") * (reader.MOST_BLOCKS + 1))
    monkeypatch.setattr(reader, "MOST_PACKETS", 3)
    with pytest.raises(InputError, match="more than 3 packets"):
        read(pcap(101, *[b""] * 4))
    monkeypatch.setattr(reader, "MOST_OPTIONS", 3)
    with pytest.raises(InputError, match="more than 3 options"):
        read(section() + interface(1, *[(2, b"")] * 4))


def harmless(data: bytes) -> None:
    """Read, or refused in the one way there is."""
    try:
        capture = read(data)
    except InputError:
        return
    assert all(isinstance(p.t, int) and 0 <= p.segment.length <= len(data) + 65_535 for p in capture.packets)


@st.composite
def damaged(draw: Callable) -> bytes:  # type: ignore[type-arg]
    """A good file with some bytes changed, put in or taken out."""
    data = bytearray(draw(st.sampled_from([WHOLE, pcap(1, *(frame for _, frame in FRAMES.values())), ALL_LINKS])))
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.integers(0, 2)):
            case 0:
                data[at] = draw(st.integers(0, 255))
            case 1:
                data[at : at + 4] = draw(st.sampled_from([b"\xff\xff\xff\xff", bytes(4), b"\x00\x00\x00\x80"]))
            case _:
                del data[at : at + draw(st.integers(1, 9))]
        if not data:
            break
    return bytes(data)


ALL_LINKS = section() + b"".join(
    interface(link) + packet(n, frame, n) for n, (link, frame) in enumerate(FRAMES.values())
)


@settings(max_examples=400, deadline=None)
@given(damaged())
def test_damage_does_no_harm(data: bytes) -> None:
    harmless(data)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"", pcap(1), pcap(276), section(), section(">") + interface(1, order=">")]),
    st.binary(max_size=300),
)
@example(b"", b"\x0a\x0d\x0d\x0a")
def test_noise_does_no_harm(beginning: bytes, noise: bytes) -> None:
    harmless(beginning + noise)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(ip.LINKS)), st.binary(max_size=120))
def test_noise_in_a_frame_is_skipped_or_read(link: int, frame: bytes) -> None:
    capture = read(pcap(link, frame))
    assert len(capture.packets) + sum(capture.skipped.values()) == 1


# ------------------------------------------------------------------------------------------ the command line
def test_pcap_writes_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.pcapng"
    file.write_text("something older")
    assert main(["pcap", "normal-close", "-o", str(file)]) == 0
    assert capsys.readouterr() == ("", "")
    assert file.read_bytes() == write(story("normal-close"))


def test_pcap_takes_the_options_of_run(tmp_path: Path) -> None:
    file, made = tmp_path / "a.pcapng", tmp_path / "moves"
    made.write_text("fire:server:keep-alive\ndrop:1\n", "utf-8")
    options = ["--stack-server", "bsd-4.4", "--program-client", "closes-on-eof", "--set", "client.rto=2s"]
    assert main(["pcap", "buggy-client", "-o", str(file), *options, "--moves", str(made), "--at", "client"]) == 0
    capture = read(file.read_bytes())
    assert "on bsd-4.4" in capture.comment
    assert "at the client" in capture.comment
    assert sum("F" in p.segment.flags for p in capture.packets if sender_of(p) == "server") == 1


def test_pcap_writes_to_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["pcap", "normal-close", "-o", "-"]) == 0
    assert out.buffer.getvalue() == write(story("normal-close"))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["-o", "."], "cannot write it: Is a directory"),
        (["-o", "no/such/folder/a.pcapng"], "cannot write it: No such file or directory"),
        (["-o", "a\0b"], "cannot write it"),
        (["-o", ""], "cannot write it"),
        ([], "required: -o"),
        (["-o", "-", "--at", "moon"], "invalid choice: 'moon'"),
        (["-o", "-", "--moves", "/no/such/file"], "No such file"),
    ],
)
def test_pcap_says_no_in_one_line(argv: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pcap", "buggy-client", *argv]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert err.startswith("teardown: ")
    assert err.count("\n") == 1
