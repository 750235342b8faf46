"""Every kind of page: no accessibility violation, no sideways scroll, nothing from elsewhere, no byte too many."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser_watch import Visit, Watch, violations
from playwright.sync_api import Page, Route

KINDS = ("front", "text", "figure", "lab")


def ready(page: Page, kind: str) -> Page:
    """Waits until the page's scripts have done what they do at once."""
    if kind == "figure":
        page.locator("tcp-player .tcp-controls").first.wait_for()
    if kind == "lab":
        page.locator('tcp-lab [data-region="tools"]').wait_for()
    page.wait_for_function("'document$' in window")  # the theme's script, which comes last
    return page


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_and_nothing_sticks_out(visit: Visit, pages: dict[str, str], kind: str) -> None:
    page = ready(visit(pages[kind], reduced_motion="reduce"), kind)  # no fading from scheme to scheme
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1280, 375, 320):
            page.set_viewport_size({"width": width, "height": 800})
            page.wait_for_timeout(100)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"wider than {width} px"
            if (
                width != 375
            ):  # what axe looks for changes with the layout, and that is the phone's at 375 and 320
                assert violations(page) == [], f"{scheme}, {width} px"


@pytest.mark.parametrize("kind", ["front", "text", "figure"])
def test_a_reader_fetches_one_script_and_no_engine(
    visit: Visit, watch: Watch, pages: dict[str, str], kind: str
) -> None:
    page = ready(visit(pages[kind]), kind)
    page.wait_for_load_state("networkidle")
    heavy = [
        path
        for path in watch.paths()
        if any(word in path for word in ("/engine/", "pyodide", "/futures/", "/editor/", "web/worker"))
    ]
    assert heavy == []
    assert sorted(Path(path).name for path in watch.paths() if "/web/" in path) == ["all.css", "main.js"]


def test_controls_are_large_enough_to_touch(visit: Visit, pages: dict[str, str]) -> None:
    page = ready(visit(pages["figure"], viewport={"width": 320, "height": 800}), "figure")
    sizes = page.locator("tcp-player .tcp-controls :is(button, select, input)").evaluate_all(
        "nodes => nodes.map((node) => [node.getBoundingClientRect().width, node.getBoundingClientRect().height])"
    )
    assert len(sizes) >= 7
    assert min(min(size) for size in sizes) >= 44


def test_the_printed_figure_is_finished_and_without_controls(visit: Visit, pages: dict[str, str]) -> None:
    page = ready(visit(pages["figure"]), "figure")
    page.locator("tcp-player [data-action=first]").first.click()
    page.emulate_media(media="print")
    assert not page.locator("tcp-player .tcp-controls").first.is_visible()
    assert not page.locator("tcp-player .veil").first.is_visible()
    assert page.locator("tcp-player svg.ladder").first.is_visible()


# --- our script first, the theme's last ----------------------------------------------------------------------


def theme(page: Page) -> bool:
    """Whether the theme's script has come: it offers the switch for colours only then."""
    return bool(page.evaluate("'clipboard$' in window || 'document$' in window"))


def test_the_theme_waits_for_the_lab_and_comes_when_it_is_wanted(visit: Visit, pages: dict[str, str]) -> None:
    def never(route: Route) -> None:
        """An engine that does not come."""

    for wanted in (lambda page: page.locator(".md-header").hover(), lambda page: page.keyboard.press("s")):
        page = visit(pages["lab"], before=lambda context: context.route(re.compile("/assets/engine/"), never))
        page.locator("tcp-lab [data-region=tools] button").first.wait_for()
        assert not theme(page)
        wanted(page)
        page.wait_for_function("'document$' in window")


def test_the_theme_comes_when_the_engine_is_there(visit: Visit, pages: dict[str, str]) -> None:
    page = visit(pages["lab"])
    page.locator("tcp-lab[data-engine=live]").wait_for()
    page.wait_for_function("'document$' in window")


@pytest.mark.parametrize("script", ["", "let class;"], ids=["lost on the way", "not understood"])
def test_where_our_script_is_lost_the_page_says_so_and_the_theme_works(
    visit: Visit, watch: Watch, pages: dict[str, str], script: str
) -> None:
    watch.expect("404|Unexpected")

    def answer(route: Route) -> None:
        route.fulfill(body=script, content_type="text/javascript", status=200 if script else 404)

    page = visit(pages["lab"], before=lambda context: context.route("**/web/main.js", answer))
    page.get_by_role("alert").filter(has_text="too old").wait_for()
    page.wait_for_function("'document$' in window")


@pytest.mark.parametrize("kind", ["text", "lab"])
def test_before_the_theme_is_there_a_page_has_the_scheme_that_it_will_have(
    visit: Visit, watch: Watch, pages: dict[str, str], kind: str
) -> None:
    """Otherwise a dark room lights up until the theme's script has come."""
    watch.expect("ERR_FAILED|Failed to load")
    never = lambda context: context.route("**/javascripts/bundle*.js", lambda route: route.abort())  # noqa: E731
    scheme = "document.body.dataset.mdColorScheme"
    page = visit(pages[kind], before=never, color_scheme="dark")
    assert page.evaluate(scheme) == "slate"
    assert page.evaluate("document.body.dataset.mdColorPrimary") == "custom"
    assert visit(pages[kind], before=never, color_scheme="light").evaluate(scheme) == "default"
    # What a reader chose counts for more.
    page.context.unroute("**/javascripts/bundle*.js")
    page.reload()
    ready(page, kind)
    page.locator("[data-md-component=palette] label:visible").click()
    assert page.evaluate(scheme) == "default"
    page.context.route("**/javascripts/bundle*.js", lambda route: route.abort())
    page.reload()
    assert page.evaluate(scheme) == "default"
