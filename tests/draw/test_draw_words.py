"""The trace in words, and the figure around it: complete without a script, and safe."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import pytest
import stories
from drawings import drawn, trace_of

from teardown.draw import ladder, words
from teardown.draw.figure import identifier, self_contained
from teardown.draw.story import first_closer
from teardown.errors import InputError
from teardown.tcp.states import prose
from teardown.world.trace import HOSTS, Trace


class Page(HTMLParser):
    """Collects what a browser without scripts would have."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str, cls: str = "") -> list[dict[str, str | None]]:
        return [a for t, a in self.tags if t == tag and (not cls or cls in (a.get("class") or "").split())]


def test_the_transcript_says_every_step(trace: Trace) -> None:
    html = words.transcript(trace)
    page = Page(html)
    items = page.all("li")
    assert [item["data-step"] for item in items] == [str(i) for i in range(len(trace.steps))]
    for item, step in zip(items, trace.steps, strict=True):
        assert item["data-server"] == step.states.server
        assert item["data-client"] == step.states.client
        assert item["data-chapter"]
    plain = "".join(page.text)
    for step in trace.steps:
        assert step.caption.rstrip(".") in plain


def test_a_step_is_said_in_one_breath() -> None:
    trace = stories.orphan_timer()
    assert (
        words.spoken_step(trace, 5)
        == "Step 5 of 6, 15 s + 80 ms. The ACK arrives. Server FIN_WAIT_2, client CLOSE_WAIT."
    )


def test_the_line_of_a_step_is_its_item_in_the_transcript(trace: Trace) -> None:
    items = re.findall(r"<li[^>]*>(.*?)</li>", words.transcript(trace))
    for i, item in enumerate(items):
        plain = "".join(Page(item).text)
        assert plain == words.line(trace, i)


def test_the_table_has_headers_and_a_row_for_every_step(trace: Trace) -> None:
    page = Page(words.table(trace))
    assert [a.get("scope") for a in page.all("th")].count("col") == 6
    assert [a.get("scope") for a in page.all("th")].count("row") == len(trace.steps)
    assert len(page.all("caption")) == 1


def test_phases_follow_each_other() -> None:
    trace = trace_of("normal-close")
    chapters = list(dict.fromkeys(words.chapter(step) for step in trace.steps))
    assert chapters[0] == "open"
    assert chapters[-1] == "closed"
    assert "first FIN" in chapters


def test_the_summary_names_every_state(trace: Trace) -> None:
    text = words.summary(trace)
    for step in trace.steps:
        assert prose(step.states.server) in text
        assert prose(step.states.client) in text


# --- the figure -------------------------------------------------------------------------------------------------


def test_a_figure_is_complete_without_a_script(case: str) -> None:
    trace = trace_of(case)
    page = Page(drawn(trace, case))
    assert len(page.all("svg", "ladder")) == 1
    assert len(page.all("svg", "states")) == 1
    assert len(page.all("ol", "transcript")) == 1
    assert len(page.all("table", "events")) == 1
    assert len(page.all("figcaption")) == 1
    assert not page.all("script")
    assert not page.all("button")
    player = page.all("tcp-player")[0]
    heights = [float(y) for y in (player["data-y"] or "").split(",")]
    assert len(heights) == len(trace.steps)
    assert heights == sorted(heights)


def test_paper_gets_one_frame_for_every_step(case: str) -> None:
    trace = trace_of(case)
    html = drawn(trace, case)
    frames = html.split('class="tcp-frames"')[1].split("</ol>")[0]
    assert frames.count("<use") == len(trace.steps)
    assert frames.count("<rect") == len(trace.steps) - 1, "the last frame is the finished picture"
    target = re.search(r'href="#([^"]+)"', frames)
    assert target is not None
    assert html.count(f'id="{target[1]}"') == 1


def test_a_book_gets_drawings_without_references() -> None:
    html = self_contained(drawn(trace_of("buggy-client"), "buggy-client"))
    assert "<use" not in html
    assert html.count(">FIN, ACK</text>") == 1 + len(trace_of("buggy-client").steps)


def test_no_identifier_stands_twice_on_a_page() -> None:
    html = (
        drawn(trace_of("buggy-client"), "buggy-client")
        + drawn(trace_of("buggy-client"), "buggy-client", nth=2)
        + drawn(trace_of("normal-close"), "normal-close")
        + drawn(trace_of("normal-close"), "buggy-client")
    )
    ids = Counter(re.findall(r'\bid="([^"]+)"', html))
    assert not [name for name, count in ids.items() if count > 1]
    for reference in re.findall(r'(?:aria-labelledby|href)="#?([^"]+)"', html):
        assert all(part in ids for part in reference.split())


def test_identifiers_come_from_the_content() -> None:
    assert identifier(trace_of("buggy-client"), "x") == identifier(trace_of("buggy-client"), "x")
    assert identifier(trace_of("buggy-client"), "x") != identifier(trace_of("normal-close"), "x")
    assert re.fullmatch(r"fig-a-b-[0-9a-f]{6}", identifier(trace_of("buggy-client"), "a b"))


def test_a_figure_shows_what_is_asked_for() -> None:
    page = Page(drawn(trace_of("buggy-client"), "b", ["states"]))
    assert not page.all("svg", "ladder")
    assert page.all("svg", "states")
    with pytest.raises(InputError, match="cannot show 'film'"):
        drawn(trace_of("buggy-client"), "b", ["film"])


def test_nothing_strange_becomes_markup() -> None:
    evil = "<img src=x onerror=alert(1)>\"'&"
    trace = stories.half_close(evil).arrive("FIN-WAIT-2", "110").end("open")
    step = trace.steps[1]._replace(caption=evil, call=evil)
    trace = trace._replace(steps=(trace.steps[0], step, *trace.steps[2:]))
    html = drawn(trace, evil, title=evil, note=evil, links=[(evil, evil)])
    assert "<img" not in html
    Page(html)


def test_downloads_are_links() -> None:
    html = drawn(trace_of("buggy-client"), "b", links=[("trace as JSON", "b.json")])
    assert '<a href="b.json" download>trace as JSON</a>' in html


def test_the_finished_picture_is_the_ladder_itself(case: str) -> None:
    trace = trace_of(case)
    html = drawn(trace, case)
    picture = ladder.draw(trace, ids=f"{identifier(trace, case)}-ladder", left=first_closer(trace)).svg
    assert picture in html


def test_who_closes_first_stands_on_the_left() -> None:
    for case in ("buggy-client", "one-request"):
        trace = trace_of(case)
        html = drawn(trace, case, ["ladder"])
        x = {host: float(re.findall(rf'x="([\d.]+)"[^>]*>{host}</text>', html)[0]) for host in HOSTS}
        other_host = {"server": "client", "client": "server"}
        first = first_closer(trace)
        assert x[first] < x[other_host[first]]
    assert first_closer(trace_of("one-request")) == "client"
