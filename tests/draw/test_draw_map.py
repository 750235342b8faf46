"""The state diagram: made from the table, one layout, places that leave room."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import pytest
from drawings import CASES, trace_of

from teardown.draw import state_map, words
from teardown.draw.svg import num
from teardown.errors import InputError
from teardown.site import state_graph
from teardown.tcp.states import CLOSED, FIN_WAIT_2, STATES
from teardown.tcp.table import RULES
from teardown.world.trace import HOSTS

PLAN = state_graph.plan()
SVG = "{http://www.w3.org/2000/svg}"


def groups(cls: str, svg: str | None = None) -> list[ElementTree.Element]:
    root = ElementTree.fromstring(svg or state_map.draw(PLAN))
    return [g for g in root.iter(f"{SVG}g") if cls in (g.get("class") or "").split()]


def test_every_state_and_arrow_comes_from_the_table() -> None:
    assert {g.get("data-state") for g in groups("node")} == set(STATES)
    table = {(state, rule.to) for rule in RULES for state in rule.states if rule.to not in (None, state)}
    drawn = [(g.get("data-from"), g.get("data-to")) for g in groups("edge") if g.get("data-from")]
    assert set(drawn) == table
    assert len(drawn) == len(table)


def test_graphviz_is_asked_about_every_state_and_arrow_of_the_table_by_its_id() -> None:
    table = {(state, rule.to) for rule in RULES for state in rule.states if rule.to not in (None, state)}
    assert set(PLAN.places) == set(STATES)
    assert set(PLAN.routes) == table
    source = state_graph.dot().source + state_graph.neato(state_graph._places()).source
    for state in STATES:
        assert re.search(rf'class="?node[^]]* id="?{state}"?[ \]]', source), state
    for start, end in table:
        assert re.search(rf'class="edge (segment|call|timer|abort)"[^]]* id="{start}-{end}"', source), (start, end)


def test_the_left_column_closes_first_and_the_right_one_second() -> None:
    x = {state: place[0] for state, place in PLAN.places.items()}
    y = {state: place[1] for state, place in PLAN.places.items()}
    assert x["FIN-WAIT-1"] == x["FIN-WAIT-2"] < x["CLOSING"] == x["TIME-WAIT"] == x[CLOSED] < x["LAST-ACK"]
    assert x["CLOSE-WAIT"] == x["LAST-ACK"]
    assert y["ESTABLISHED"] < y["FIN-WAIT-1"] == y["CLOSE-WAIT"] < y["FIN-WAIT-2"] == y["LAST-ACK"] < y["TIME-WAIT"]
    assert abs(x["FIN-WAIT-1"] + x["LAST-ACK"] - state_map.WIDTH) < 0.1


def test_the_same_table_gives_the_same_map() -> None:
    again = state_graph.plan.__wrapped__()
    assert state_map.draw(again) == state_map.draw(PLAN)


def test_without_graphviz_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match=r"no program dot here. Run tools/bootstrap\.sh site"):
        state_graph.plan.__wrapped__()


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
    boxes = {state: PLAN.box(state) for state in STATES}
    for a, b in itertools.combinations(boxes.values(), 2):
        assert not a.meets(b)
    for (start, end), route in PLAN.routes.items():
        for (x0, y0), (x1, y1) in itertools.pairwise(route.points()):
            assert 1 < x0 < state_map.WIDTH - 1
            for state, box in boxes.items():
                if state not in (start, end):
                    assert not box.crossed_by(x0, y0, x1, y1), (start, end, state)


def test_words_stand_on_nothing() -> None:
    labelled = {(e.start, e.end): e.label for e in state_map.edges() if e.labelled}
    assert {way: words.text for way, words in PLAN.words.items()} == labelled
    for a, b in itertools.combinations(PLAN.words.values(), 2):
        assert not a.box.meets(b.box), (a, b)
    for word in PLAN.words.values():
        assert not any(word.box.meets(PLAN.box(state)) for state in STATES), word
        for way, route in PLAN.routes.items():
            for (x0, y0), (x1, y1) in itertools.pairwise(route.points()):
                assert not word.box.crossed_by(x0, y0, x1, y1), (word, way)


def test_an_arrow_begins_and_ends_at_its_boxes() -> None:
    for (start, end), route in PLAN.routes.items():
        for state, (x, y) in ((start, route.pieces[0].start), (end, route.tip)):
            x0, y0, x1, y1 = PLAN.box(state)
            assert x0 - 1.5 <= x <= x1 + 1.5, (start, end)
            assert y0 - 1.5 <= y <= y1 + 1.5, (start, end)
            assert min(abs(x - x0), abs(x - x1), abs(y - y0), abs(y - y1)) < 1.5, (start, end)


def test_a_trace_marks_its_arrows_and_places_its_tokens() -> None:
    for name in CASES:
        trace = trace_of(name)
        svg = state_map.draw(PLAN, "m", trace)
        marked = {(g.get("data-from"), g.get("data-to")) for g in groups("on-path", svg)}
        assert marked <= state_map._taken(trace)
        for host in HOSTS:
            token = next(g for g in groups("token", svg) if g.get("data-host") == host)
            x, y = PLAN.places[trace.steps[-1].states.of(host)]
            assert token.get("transform") == f"translate({num(x)} {num(y)})"


def test_the_region_of_interest_names_every_way_out() -> None:
    for state in STATES:
        ways = {rule.to for rule in RULES if state in rule.states and rule.to not in (None, state)}
        assert {to for _, to in words.ways_out(state)} == ways
    text = words.region(FIN_WAIT_2)
    assert text.startswith("From FIN_WAIT_2: ")
    assert "a FIN arrives, TIME_WAIT" in text
    assert "a reset, an abort or giving up, CLOSED" in text
    assert CLOSED in text
