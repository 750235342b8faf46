"""Forged segments on the real kernel: recorded, and played again."""

from pathlib import Path

import pytest

from teardown.kernel.forgery import FORGERIES, ROADS, forgeries, play_forgeries, read
from teardown.kernel.wire import build, parse
from teardown.tcp.segment import Segment

KEPT = read(Path(__file__).parent / "recorded" / "forged" / "all.json")


def test_a_forged_packet_is_well_formed() -> None:
    segment = Segment(7, 9, "FPA", 5, 100)
    raw = build(("198.18.0.1", 80), ("198.19.0.1", 40001), segment)
    assert parse(raw) == (80, 40001, segment)
    head, tcp = raw[:20], raw[20:] + b"\0"
    false_head = raw[12:20] + bytes([0, 6]) + (len(raw) - 20).to_bytes(2)
    for covered in (head, false_head + tcp):
        total = sum(int.from_bytes(covered[i : i + 2]) for i in range(0, len(covered), 2))
        assert (total & 0xFFFF) + (total >> 16) == 0xFFFF  # RFC 1071


def test_every_forgery_is_recorded() -> None:
    assert list(KEPT) == [one.id for one in forgeries()]
    assert len(KEPT) == len(ROADS) * len(FORGERIES) == 540


@pytest.mark.parametrize("road", ROADS)
def test_each_road_leads_to_its_state(road: str) -> None:
    """A bare segment that says nothing new leaves the server where the road has brought it."""
    state = road.split(",")[0]
    assert KEPT[f"{road}: A -20 ack -1"]["server"].split(" → ")[-1] in (state, "CLOSED")
    assert state in KEPT[f"{road}: no flags +0"]["server"]


def test_linux_believes_only_the_exact_reset_and_challenges_the_rest() -> None:
    for road in ("ESTABLISHED", "FIN-WAIT-1, held", "FIN-WAIT-2, held", "CLOSE-WAIT", "CLOSING", "LAST-ACK"):
        assert KEPT[f"{road}: R +0"]["server"].endswith("→ CLOSED")
        for ahead in ("+1", "+1000", "window"):  # one past the window counts as inside
            assert not KEPT[f"{road}: R {ahead}"]["server"].endswith("→ CLOSED")
            assert KEPT[f"{road}: R {ahead}"]["server sends"].split(" | ")[-1].startswith("A ")


def test_the_small_record_of_an_orphan_believes_every_reset_in_its_window() -> None:
    for ahead in ("+0", "+1", "+1000", "window"):
        assert KEPT[f"FIN-WAIT-2, orphan: R {ahead}"]["server"].endswith("→ CLOSED")


@pytest.mark.parametrize("road", ["CLOSE-WAIT", "CLOSING", "LAST-ACK"])
def test_after_the_fin_a_reset_numbered_before_it_counts(road: str) -> None:
    assert KEPT[f"{road}: R -1"]["server"].endswith("→ CLOSED")


@pytest.mark.kernel
def test_this_kernel_answers_as_recorded(real: None) -> None:
    now = play_forgeries()
    assert {name: seen for name, seen in now.items() if seen != KEPT[name]} == {}
