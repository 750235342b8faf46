"""The history: what the figure draws is what the list says, in order, with sources; blame changed twice."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import pytest

from teardown.draw import timeline as drawing
from teardown.draw.svg import escape
from teardown.site import history, references
from teardown.stacks import stack

SVG = "{http://www.w3.org/2000/svg}"


def figure(html: str) -> ElementTree.Element:
    (svg,) = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    return ElementTree.fromstring(svg)


def test_events_are_dated_sorted_and_sourced() -> None:
    events = history.events()
    assert len(events) >= 20
    assert [e.year for e in events] == sorted(e.year for e in events)
    assert {e.kind for e in events} == set(drawing.KINDS)
    known = references.load()
    for event in events:
        assert event.sources
        assert all(source.split(" ")[0] in known for source in event.sources)
        year, month, day = event.when
        assert 1981 <= year <= 2026
        assert 0 <= month <= 12
        assert 0 <= day <= 31
        assert not (day and not month)


@pytest.mark.parametrize(
    ("when", "text"), [((1997, 1, 28), "28 Jan 1997"), ((1995, 6, 0), "Jun 1995"), ((2012, 0, 0), "2012")]
)
def test_a_date_is_as_exact_as_it_is_known(when: tuple[int, int, int], text: str) -> None:
    assert history.Happening(when, "page", "", "", (), "").date == text


def test_a_commit_has_the_date_that_its_source_has() -> None:
    """Commits of the references list carry their year; a slip in the data file shows here."""
    known = references.load()
    for event in history.events():
        for source in event.sources:
            reference = known[source.split(" ")[0]]
            if reference.kind == "commit" and reference.year:
                assert abs(reference.year - event.when[0]) <= 1, event.title


def test_the_page_changed_its_mind_twice() -> None:
    views = [event for event in history.events() if event.blame]
    assert [event.date for event in views] == ["28 Jan 1997", "30 Jan 1997", "7 Sep 1997"]
    assert len({event.blame for event in views}) == 3


def test_the_list_is_the_twin_of_the_figure() -> None:
    html = history.timeline()
    texts = " ".join(node.text or "" for node in figure(html).iter(f"{SVG}text"))
    items = re.findall(r"<li>(.*?)</li>", html)
    assert len(items) == len(history.events())
    for event, item in zip(history.events(), items, strict=True):
        assert event.date in texts
        assert all(word in texts for word in event.title.split())
        assert escape(event.title) in item
        assert 'href="../../reference/references/#source-' in item


def test_events_keep_their_order_and_their_distance_in_the_figure() -> None:
    root = figure(history.timeline())
    dates = [n for n in root.iter(f"{SVG}text") if n.get("text-anchor") == "end"]
    assert [n.text for n in dates] == [e.date for e in history.events()]
    ys = [float(n.get("y", "0")) for n in dates]
    assert ys == sorted(ys)
    assert min(b - a for a, b in itertools.pairwise(ys)) >= drawing.PITCH
    assert all(float(n.get("x", "0")) < drawing.WIDTH for n in root.iter(f"{SVG}text"))


def test_where_years_pass_the_line_is_broken_and_says_how_many() -> None:
    root = figure(history.timeline())
    said = [n.text for n in root.iter(f"{SVG}text") if (n.text or "").endswith(("pass", "passes"))]
    years = [e.year for e in history.events()]
    gaps = [round(b - a) for a, b in itertools.pairwise(years) if b - a >= 1.5]
    assert said == [f"{gap} years pass" for gap in gaps]


def test_the_number_is_bsds_own() -> None:
    bsd = stack("bsd-4.4").profile
    assert bsd.fin_wait_2_recheck is not None
    assert bsd.fin_wait_2 is not None
    total = (bsd.fin_wait_2 + bsd.fin_wait_2_recheck) // 1_000_000
    rows = {bar.name: bar for bar, _ in history.spread()}
    assert rows["4.4BSD, 1995"].first + rows["4.4BSD, 1995"].more == total == 675
    assert rows["Solaris to 10"].first == total
    assert {bar.first + bar.more for bar in rows.values()} <= {600, total}
    assert history.number().count("675 s") >= 3
