"""The reference pages and the history: nothing that axe objects to, nothing wider than a phone, tables by keyboard."""

from __future__ import annotations

import pytest
from browser_watch import Visit, violations

PAGES = ("reference/matrix", "reference/api", "faq/history", "questions/address-already-in-use")


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_nothing_sticks_out(visit: Visit, path: str) -> None:
    """In the dark on a phone; other pages of each kind are looked at in the light and wide."""
    page = visit(f"/{path}/", reduced_motion="reduce", color_scheme="dark", viewport={"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert violations(page) == []


def test_the_matrix_scrolls_by_keyboard_and_its_first_column_stays(visit: Visit) -> None:
    page = visit("/reference/matrix/", viewport={"width": 375, "height": 800})
    box = page.get_by_role("region", name="Closing by operating system")
    box.focus()
    header = box.get_by_role("rowheader", name="macOS")
    before = header.bounding_box()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.activeElement.scrollLeft > 0")
    after = header.bounding_box()
    assert before
    assert after
    assert abs(before["x"] - after["x"]) <= 1


def test_the_whole_matrix_is_on_paper(visit: Visit) -> None:
    page = visit("/reference/matrix/", viewport={"width": 720, "height": 1000})
    page.emulate_media(media="print")
    wide = page.locator("table.matrix").evaluate_all("tables => tables.map((t) => t.getBoundingClientRect().right)")
    assert len(wide) == 2
    assert max(wide) <= 720
