"""Alternative endings side by side: one axis, every fate, nothing covered."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from drawings import trace_of

from teardown.draw import endings
from teardown.draw.svg import Box, width
from teardown.errors import InputError

SVG = "{http://www.w3.org/2000/svg}"
CASES = [
    ("the client closes", "normal-close"),
    ("the client never closes, Linux", "buggy-client"),
    ("the client never closes, 4.4BSD", "buggy-client-1997"),
]


def made() -> list[endings.Ending]:
    return [endings.ending(title, trace_of(name)) for title, name in CASES]


def test_the_fates_come_from_the_runs() -> None:
    closes, gives_up, never = made()
    assert closes.held == pytest.approx(60_040_000)
    assert gives_up.held == pytest.approx(62_000_000)
    assert never.held is None
    assert never.stuck
    assert all(case.steps[0].t == 0 for case in made())


def test_what_happens_at_the_same_time_stands_at_the_same_height() -> None:
    root = ElementTree.fromstring(endings.draw(made()))
    entered = [n for n in root.iter(f"{SVG}text") if n.text == "FIN_WAIT_2" and "state" in n.get("class", "")]
    assert len(entered) == 3
    assert len({n.get("y") for n in entered}) == 1


def test_no_text_covers_another() -> None:
    root = ElementTree.fromstring(endings.draw(made()))
    boxes = []
    for node in root.iter(f"{SVG}text"):
        text, x, y = node.text or "", float(node.get("x", "")), float(node.get("y", ""))
        wide = width(text, 13, mono=node.get("font-family") is not None, bold=node.get("font-weight") is not None)
        x0 = x - wide / 2 if node.get("text-anchor") == "middle" else x
        boxes.append((Box(x0, y - 10, x0 + wide, y + 3), text))
    for k, (box, text) in enumerate(boxes):
        assert box.x1 <= endings.WIDTH
        for other, more in boxes[k + 1 :]:
            assert not box.meets(other, 0.2), (text, more)


def test_the_caption_says_the_result_in_words() -> None:
    html = endings.figure([(title, trace_of(name)) for title, name in CASES])
    assert "the client never closes, Linux: <b>62 s</b>" in html
    assert "the client never closes, 4.4BSD: <b>for ever</b>" in html
    assert re.search(r"<svg[^>]*><title", html)


def test_a_case_without_a_fin_is_refused() -> None:
    with pytest.raises(InputError, match="sends no FIN"):
        endings.ending("reset", trace_of("linger-zero"))
    with pytest.raises(InputError, match="at most 3"):
        endings.draw(made() * 2)
