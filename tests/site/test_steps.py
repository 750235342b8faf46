"""Links from prose into figures: they lead where they say, or the build stops."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown import Markdown

from teardown.errors import InputError
from teardown.site import steps
from teardown.tcp.states import STATES, prose
from teardown.world.run import run
from teardown.world.scenario import load

DOCS = Path(__file__).parents[2] / "docs"
LINK = re.compile(r"\[([^\[\]]+)\]\(#([a-z0-9-]+)/(\d+)\)")
LINKS = [
    (page.relative_to(DOCS).as_posix(), *match)
    for page in sorted(DOCS.rglob("*.md"))
    for match in LINK.findall(page.read_text(encoding="utf-8"))
]


def convert(text: str, figures: dict[str, int]) -> str:
    md = Markdown(extensions=[steps.makeExtension()])
    md.teardown_figures = figures  # type: ignore[attr-defined]  # as the figure's fence leaves it
    return md.convert(text)


def test_a_link_to_a_step_leads_to_its_figure() -> None:
    html = convert("See [the *FIN*](#elsewhere) and [the first FIN](#buggy-client/3).", {"buggy-client": 1})
    assert '<a class="tcp-step" href="#buggy-client/3">the first FIN</a>' in html
    assert '<a href="#elsewhere">' in html
    assert 'id="buggy-client/3"' in steps.anchors("buggy-client", 4)
    assert 'id="buggy-client/4"' not in steps.anchors("buggy-client", 4)


@pytest.mark.parametrize(
    ("link", "says"),
    [("[x](#buggy-client/99)", "has no step 99"), ("[x](#normal-close/1)", "no figure of 'normal-close'")],
)
def test_a_link_to_nothing_stops_the_build(link: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        convert(link, {"buggy-client": 1})


def test_there_are_links_to_check() -> None:
    assert len(LINKS) > 30


@pytest.mark.parametrize(("page", "text", "scenario", "step"), LINKS, ids=lambda value: str(value)[:30])
def test_words_of_a_link_agree_with_its_step(page: str, text: str, scenario: str, step: str) -> None:
    """A link that names a state, a call, a loss or a segment must show just that."""
    shown = run(load(scenario)).steps[int(step)]
    for state in STATES:
        if prose(state) in text:
            assert state in shown.states, page
    if re.search(r"\b(lost|gets lost)\b", text):
        assert shown.event == "segment-lost", page
    if re.search(r"\bclose\(\)|shuts down|calls", text):
        assert shown.event == "call", page
    if re.search(r"\b(arrives?|reach|has come)\b", text):
        assert shown.event == "segment-arrived", page
    if re.search(r"\b(repeats?|sends?|sent again)\b", text):
        assert shown.event == "segment-sent", page
    if re.search(r"\b(gives up|run out|for a minute)\b", text):
        assert shown.event == "timer", page
