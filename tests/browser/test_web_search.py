"""The site's search: every spelling of a state, every wording of an error, typed as people type them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browser_watch import ROOT, Visit
from playwright.sync_api import Page, expect

from teardown.site.page import read
from teardown.tcp.states import NAMES, STATES, prose

#: Asks the theme's own worker, which is what the search box does, without waiting for the box.
ASK = """async (queries) => {
  const index = await (await fetch("search/search_index.json")).json();
  const worker = new Worker(document.querySelector("#__config").textContent.match(/[^"]*workers.search[^"]*/)[0]);
  const next = () => new Promise((done) => { worker.onmessage = (event) => done(event.data); });
  worker.postMessage({type: 0, data: {...index, options: {suggest: false}}});
  await next();
  const found = {};
  for (const query of queries) {
    worker.postMessage({type: 2, data: query});
    found[query] = (await next()).data.items.map((item) => item[0].location.split("#")[0]);
  }
  worker.terminate();
  return found;
}"""


def spellings(state: str) -> set[str]:
    """Every name that some tool has for a state's endpoint, and the names without their joints."""
    n = NAMES[state]
    names = {state, prose(state), n.netstat, n.ss, n.bsd, n.windows, n.powershell, *n.also} - {"", "NONE"}
    return names | {name.replace("_", "").replace("-", "") for name in (state, n.netstat)}


@pytest.fixture
def front(visit: Visit) -> Page:
    page = visit("/")
    page.wait_for_load_state("networkidle")
    return page


def test_every_spelling_of_a_state_is_found(front: Page) -> None:
    queries = sorted({name for state in STATES for name in spellings(state)})
    found: dict[str, list[str]] = front.evaluate(ASK, queries)
    missed = [query for query in queries if "reference/states/" not in found[query]]
    assert not missed
    for ours in ({"FIN_WAIT_2", "FIN-WAIT-2", "FIN_WAIT2", "FinWait2", "FINWAIT2"}, {"CLOSE_WAIT", "CLOSEWAIT", "CloseWait"}):
        pages = {query: set(found[query]) for query in ours}
        assert len({frozenset(p) for p in pages.values()}) == 1, "each spelling finds the same pages"
    assert {"faq/", "guide/fin-wait-2/"} <= set(found["FIN_WAIT2"][:4])
    assert "guide/other-side/" in found["CLOSEWAIT"][:5]
    assert "guide/time-wait/" in found["TIME-WAIT"][:2]


def test_a_pasted_error_finds_the_page_that_explains_it(front: Page) -> None:
    wanted: dict[str, set[str]] = {}
    for path in sorted((ROOT / "docs" / "questions").glob("*.md")):
        page = read(path)
        assert page is not None
        for text in page.tags:
            wanted.setdefault(text, set()).add(f"questions/{Path(page.name).stem}/")
    found: dict[str, list[str]] = front.evaluate(ASK, list(wanted))
    assert len(wanted) > 40
    assert not {text: found[text][:3] for text, pages in wanted.items() if not pages & set(found[text][:3])}


@pytest.mark.parametrize("query", ["FIN_WAIT2", "FIN-WAIT-2", "FinWait2"])
def test_typing_into_the_box(front: Page, query: str) -> None:
    box: Any = front.get_by_role("textbox", name="Search")
    box.click()
    # The worker has read its index when the theme says so.
    expect(front.locator(".md-search-result__meta")).to_have_text("Type to start searching")
    box.press_sequentially(query, delay=5)
    links = front.locator(".md-search-result__list > li a.md-search-result__link:visible")
    expect(links.first).to_be_visible()
    first = [links.nth(n).get_attribute("href") or "" for n in range(4)]
    assert any("/faq/" in href for href in first)
