"""Cards of single steps: each says both states and what happens, inside its own frame and in readable type."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from drawings import trace_of

from teardown.draw import cards
from teardown.draw.svg import width
from teardown.tcp.states import prose
from teardown.world.trace import HOSTS, Trace


def texts(svg: str) -> list[ET.Element]:
    return [e for e in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text") if e.text]


def test_a_card_says_both_states_and_what_happens(trace: Trace) -> None:
    for i, step in enumerate(trace.steps):
        said = [e.text or "" for e in texts(cards.card(trace, i, "server"))]
        assert all(prose(step.states.of(host)) in said for host in HOSTS if step.states.of(host))
        if step.segment is not None:
            assert step.segment.label.replace(" ", "") in "".join(said).replace(" ", "")
        if step.event == "call" and step.call and step.host:
            assert step.call in "".join(said)


def test_no_word_leaves_the_card(trace: Trace) -> None:
    for i in range(len(trace.steps)):
        for e in texts(cards.card(trace, i, "client")):
            size, mono = float(e.get("font-size", cards.SIZE)), e.get("font-family") == "monospace"
            wide = width(e.text or "", size, mono=mono, bold=e.get("font-weight") == "bold")
            x, anchor = float(e.get("x", 0)), e.get("text-anchor", "start")
            left = x - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
            assert left >= -1
            assert left + wide <= cards.WIDTH + 1
            assert 0 < float(e.get("y", 0)) <= cards.HEIGHT


def test_the_side_changes_with_the_host_on_the_left() -> None:
    trace = trace_of("buggy-client")
    last = len(trace.steps) - 1
    one, other = cards.card(trace, last, "server"), cards.card(trace, last, "client")
    assert re.findall(r"<title>(.*?)</title>", one) == [f"Step {last}: server CLOSED, client CLOSE_WAIT."]
    assert [e.text for e in texts(one)][:2] == [e.text for e in texts(other)][:2][::-1]
