"""The state diagram: made from the table, one layout, places that leave room."""

from __future__ import annotations

import itertools
from xml.etree import ElementTree

from conftest import CASES, trace_of

from teardown.draw import state_map, words
from teardown.draw.svg import Box
from teardown.tcp.states import CLOSED, FIN_WAIT_2, STATES
from teardown.tcp.table import RULES
from teardown.world.trace import HOSTS

SVG = "{http://www.w3.org/2000/svg}"


def groups(cls: str, svg: str | None = None) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(svg or state_map.draw())
    return [g for g in root.iter(f"{SVG}g") if cls in (g.get("class") or "").split()]


def test_every_state_and_arrow_comes_from_the_table() -> None:
    assert {g.get("data-state") for g in groups("node")} == set(STATES)
    table = {(state, rule.to) for rule in RULES for state in rule.states if rule.to not in (None, state)}
    drawn = [(g.get("data-from"), g.get("data-to")) for g in groups("edge") if g.get("data-from")]
    assert set(drawn) == table
    assert len(drawn) == len(table)


def test_no_route_leads_where_the_table_does_not() -> None:
    table = {(edge.start, edge.end) for edge in state_map.edges()}
    assert set(state_map.ROUTES) <= table
    assert set(state_map._WORDS_AT) <= table


def test_arrows_are_marked_by_kind_of_cause() -> None:
    causes = {(g.get("data-from"), g.get("data-to")): g.get("data-cause") for g in groups("edge")}
    assert causes["ESTABLISHED", "FIN-WAIT-1"] == "call"
    assert causes["FIN-WAIT-2", "TIME-WAIT"] == "segment"
    assert causes["FIN-WAIT-2", "CLOSED"] == "timer"
    assert causes["TIME-WAIT", "CLOSED"] == "timer"


def test_every_title_tells_what_the_table_says() -> None:
    for g in groups("edge"):
        if g.get("data-from"):
            title = g.findtext(f"{SVG}title") or ""
            assert title.startswith(f"{g.get('data-from')} to {g.get('data-to')}".replace("-", "_"))
            assert len(title) > 40
    waiting = next(g for g in groups("node") if g.get("data-state") == FIN_WAIT_2)
    assert waiting.findtext(f"{SVG}title") == "FIN_WAIT_2: its FIN is acknowledged; waits for the peer's FIN"


def test_every_event_that_moves_a_connection_has_words() -> None:
    for rule in RULES:
        if rule.to is not None:
            assert not words.phrase(rule).startswith(("segment ", "call ", "timer ")), rule
    labels = {(edge.start, edge.end): edge.label for edge in state_map.edges()}
    assert labels["TIME-WAIT", "CLOSED"] == "2 MSL"
    assert labels["FIN-WAIT-1", "FIN-WAIT-2"] == "ACK"


def test_boxes_do_not_touch_and_arrows_keep_clear_of_them() -> None:
    w, h = state_map.NODE
    boxes = {s: Box(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for s, (x, y) in state_map.PLACES.items()}
    for a, b in itertools.combinations(boxes.values(), 2):
        assert not a.meets(b)
    for edge in state_map.edges():
        points = state_map.route(edge)
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            for state, box in boxes.items():
                if state not in (edge.start, edge.end):
                    assert not box.crossed_by(x0, y0, x1, y1), (edge.start, edge.end, state)


def test_a_trace_marks_its_arrows_and_places_its_tokens() -> None:
    for name in CASES:
        trace = trace_of(name)
        svg = state_map.draw("m", trace)
        marked = {(g.get("data-from"), g.get("data-to")) for g in groups("on-path", svg)}
        assert marked <= state_map._taken(trace)
        for host in HOSTS:
            token = next(g for g in groups("token", svg) if g.get("data-host") == host)
            x, y = state_map.PLACES[trace.steps[-1].states.of(host)]
            assert token.get("transform") == f"translate({x:g} {y:g})"


def test_the_region_of_interest_names_every_way_out() -> None:
    for state in STATES:
        ways = {rule.to for rule in RULES if state in rule.states and rule.to not in (None, state)}
        assert {to for _, to in words.ways_out(state)} == ways
    text = words.region(FIN_WAIT_2)
    assert text.startswith("From FIN_WAIT_2: ")
    assert "a FIN arrives, TIME_WAIT" in text
    assert "a reset, an abort or giving up, CLOSED" in text
    assert CLOSED in text
