"""Figures on every page and on paper: accessible, complete in print, and light."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

from browser_watch import Visit, Watch, violations
from playwright.sync_api import Page, expect

FIGURE = re.compile(r'<tcp-player[^>]* data-scenario="([^"]+)".*?</tcp-player>', re.DOTALL)
MOST_BYTES = 60_000
STEP_MS = 4


def scenarios(site: Path) -> Iterator[tuple[str, str]]:
    """Every scenario that a page shows, with the first page that shows it."""
    seen = set()
    for file in sorted(site.rglob("index.html")):
        for name in FIGURE.findall(file.read_text(encoding="utf-8")):
            if name not in seen:
                seen.add(name)
                yield name, "/" + file.parent.relative_to(site).as_posix() + "/"


def ready(page: Page) -> Page:
    """Waits until the players are at work."""
    page.locator("tcp-player .tcp-controls, tcp-player svg").first.wait_for()
    return page


def kinds(html: str) -> set[tuple[str, str, str]]:
    """What the figures of a page are made of: tag, class and role of every element. Looks and names hang on these."""
    found = set()
    for figure in FIGURE.finditer(html):
        for tag, attributes in re.findall(r"<([a-z][a-z-]*)((?:\s[^>]*)?)>", figure[0]):
            role = (re.search(r'\brole="([^"]*)"', attributes) or ["", ""])[1]
            names = (re.search(r'\bclass="([^"]*)"', attributes) or ["", ""])[1].split() or [""]
            found |= {(tag, name, role) for name in names}
    return found


def pages_of_all_kinds(site: Path) -> list[str]:
    """A few pages whose figures together have every kind of element that any figure has."""
    made_of = {file: kinds(file.read_text(encoding="utf-8")) for file in sorted(site.rglob("index.html"))}
    left = set().union(*made_of.values())
    chosen = []
    while left:
        best = max(made_of, key=lambda file: len(made_of[file] & left))
        chosen.append("/" + best.parent.relative_to(site).as_posix() + "/")
        left -= made_of[best]
    return chosen


def test_axe_finds_nothing_on_any_kind_of_figure(visit: Visit, site: Path) -> None:
    page = visit("/", reduced_motion="reduce")
    for path in pages_of_all_kinds(site):
        page.goto(path)
        ready(page)
        for scheme, width in (("light", 1280), ("dark", 320)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 800})
            # the rest of each page is `test_web_pages`' business
            assert violations(page, only="tcp-player") == [], (path, scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_every_figure_has_its_own_names_and_refers_to_what_is_there(site: Path) -> None:
    """What axe finds on one page and not on the next of its kind: names that are twice or nowhere on it."""
    for file in site.rglob("index.html"):
        html = file.read_text(encoding="utf-8")
        if "<tcp-player" not in html:
            continue
        ids = re.findall(r'\sid="([^"]*)"', html)
        assert len(ids) == len(set(ids)), file
        for figure in FIGURE.finditer(html):
            pointed = re.findall(r'\s(?:aria-labelledby|aria-describedby|aria-controls|for)="([^"]*)"', figure[0])
            pointed += re.findall(r'<use[^>]* href="#([^"]*)"', figure[0])
            assert {name for names in pointed for name in names.split()} <= set(ids), file
            for svg in re.findall(r"<svg([^>]*)>(.{0,200})", figure[0], re.DOTALL):
                assert 'role="img"' not in svg[0] or svg[1].startswith("<title"), (file, svg)


def test_no_figure_sticks_out_of_a_narrow_page(visit: Visit, site: Path) -> None:
    page = visit("/", viewport={"width": 320, "height": 800}, java_script_enabled=False)  # controls are the same on all
    for path in dict.fromkeys(path for _, path in scenarios(site)):
        page.goto(path)  # whole: without scripts, a page is read before its style sheets have come
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_paper_has_a_frame_for_every_step_and_the_last_is_the_finished_picture(
    visit: Visit, pages: dict[str, str]
) -> None:
    page = ready(visit(pages["figure"]))
    player = page.locator("tcp-player").first
    steps = player.locator(".transcript > [data-step]").count()
    player.locator("[data-action=first]").click()
    page.emulate_media(media="print")
    frames = player.locator(".tcp-frames > li")
    expect(frames).to_have_count(steps)
    assert frames.first.is_visible()
    assert frames.last.locator("rect").count() == 0
    assert frames.first.locator("rect").count() == 1
    drawing = player.locator("svg.ladder > g").first.get_attribute("id")
    assert set(frames.locator("use").evaluate_all("uses => uses.map((u) => u.getAttribute('href'))")) == {
        f"#{drawing}"
    }
    page.evaluate("document.querySelector('article').replaceChildren(document.querySelector('tcp-player'))")
    printed = page.pdf(format="A4")
    sheets = len(re.findall(rb"/Type\s*/Page\b", printed))
    rows = -(-frames.count() // 4)
    assert 2 <= sheets <= 2 + rows


def test_the_figure_page_ships_few_bytes_of_ours(
    visit: Visit, watch: Watch, site: Path, pages: dict[str, str]
) -> None:
    page = ready(visit(pages["figure"]))
    page.wait_for_load_state("networkidle")
    html = (site / pages["figure"].strip("/") / "index.html").read_text(encoding="utf-8")
    figure = next(match[0] for match in FIGURE.finditer(html))
    ours = {path for path in watch.paths() if "/assets/web/" in path}
    assert any(path.endswith("main.js") for path in ours)
    total = len(gzip.compress(figure.encode(), 6))
    total += sum(len(gzip.compress((site / path.lstrip("/")).read_bytes(), 6)) for path in ours)
    assert total <= MOST_BYTES


def test_a_step_costs_little_script(visit: Visit, pages: dict[str, str]) -> None:
    page = ready(visit(pages["figure"], reduced_motion="reduce"))
    page.locator("tcp-player .tcp-controls").first.wait_for()
    times = page.evaluate(
        """() => {
          const player = document.querySelector('tcp-player'), times = [];
          for (let n = 0; n < 60; n++) {
            const start = performance.now();
            player.step = n % (player.last + 1);
            times.push(performance.now() - start);
          }
          return times.sort((a, b) => a - b);
        }"""
    )
    assert times[len(times) // 2] < STEP_MS
