"""The player: keys, play, links, motion, and a figure that is whole without any script."""

from __future__ import annotations

import re

import pytest
from browser_watch import Visit
from playwright.sync_api import Page, expect

PLAYER = 'tcp-player[data-scenario="buggy-client"]'
SLIDER = f"{PLAYER} input[type=range]"

#: Everything that shows which step it is.
PICTURE = f"""() => {{
  const player = document.querySelector('{PLAYER}');
  return [...player.querySelectorAll('svg.ladder, svg.states, .transcript')].map((part) => part.outerHTML).join('');
}}"""


#: Nothing moves in the figure.
STILL = f"() => document.querySelector('{PLAYER}').getAnimations({{subtree: true}}).length === 0"


@pytest.fixture
def figure(visit: Visit, pages: dict[str, str]) -> Page:
    """The page with the buggy client's figure, the player at work."""
    page = visit(pages["figure"])
    page.locator(SLIDER).first.wait_for()
    return page


def last(page: Page) -> int:
    """The number of the figure's last step."""
    return page.locator(f"{PLAYER} .transcript > [data-step]").count() - 1


def at(page: Page, step: int) -> None:
    """Expects the figure to stand at `step`, everywhere it shows."""
    expect(page.locator(PLAYER)).to_have_attribute("data-step", str(step))
    expect(page.locator(SLIDER)).to_have_value(str(step))
    current = page.locator(f"{PLAYER} [aria-current=step]")
    expect(current).to_have_count(1)
    expect(current).to_have_attribute("data-step", str(step))


def said(page: Page, step: int) -> str:
    """The sentence that goes with `step`: its place, then its line of the transcript."""
    line = page.locator(f'{PLAYER} .transcript > [data-step="{step}"]').text_content() or ""
    return f"Step {step} of {last(page)}, {re.sub(r'\s+', ' ', line).strip()}"


def test_it_loads_still_on_the_finished_picture(figure: Page) -> None:
    at(figure, last(figure))


def test_keys_walk_through_the_steps_and_the_slider_speaks_the_transcript(figure: Page) -> None:
    slider = figure.locator(SLIDER)
    slider.focus()
    figure.keyboard.press("Home")
    at(figure, 0)
    for step in range(1, last(figure) + 1):
        figure.keyboard.press("ArrowRight")
        at(figure, step)
        assert slider.get_attribute("aria-valuetext") == said(figure, step)
    figure.keyboard.press("ArrowUp")
    at(figure, last(figure) - 1)
    figure.keyboard.press("End")
    at(figure, last(figure))
    # Whoever listens to the slider does not hear it twice.
    assert figure.locator(f"{PLAYER} [role=status]").text_content() == ""
    figure.keyboard.press("Tab")
    assert not slider.evaluate("node => node === document.activeElement")


def test_page_keys_go_by_phase(figure: Page) -> None:
    chapters = figure.locator(f"{PLAYER} .transcript > [data-step]").evaluate_all(
        "items => items.map((item) => item.dataset.chapter)"
    )
    starts = [i for i, chapter in enumerate(chapters) if i == 0 or chapter != chapters[i - 1]]
    assert len(starts) > 1
    figure.locator(SLIDER).focus()
    figure.keyboard.press("Home")
    for start in starts[1:]:
        figure.keyboard.press("PageDown")
        at(figure, start)
    for start in reversed(starts[:-1]):
        figure.keyboard.press("PageUp")
        at(figure, start)


def test_buttons_step_and_the_status_speaks_once(figure: Page) -> None:
    press = {
        name: figure.locator(f"{PLAYER} [data-action={name}]") for name in ("first", "back", "next", "last")
    }
    press["first"].click()
    at(figure, 0)
    press["next"].click()
    at(figure, 1)
    expect(figure.locator(f"{PLAYER} [role=status]")).to_have_text(said(figure, 1))
    press["back"].click()
    at(figure, 0)
    press["back"].dispatch_event("click")
    at(figure, 0)
    press["last"].click()
    at(figure, last(figure))


def test_a_step_in_flight_is_completed_by_the_next_key(figure: Page) -> None:
    figure.locator(SLIDER).focus()
    figure.keyboard.press("Home")
    for _ in range(3):
        figure.keyboard.press("ArrowRight")
    at(figure, 3)
    figure.keyboard.press("End")
    assert figure.evaluate(STILL)


def test_forward_and_back_is_the_same_picture(figure: Page) -> None:
    figure.locator(SLIDER).focus()
    figure.keyboard.press("Home")
    pictures = [figure.evaluate(PICTURE)]
    for key, steps in (
        ("ArrowRight", range(1, last(figure) + 1)),
        ("ArrowLeft", range(last(figure) - 1, -1, -1)),
    ):
        for step in steps:
            figure.keyboard.press(key)
            figure.wait_for_function(STILL)
            picture = figure.evaluate(PICTURE)
            if key == "ArrowRight":
                assert picture not in pictures
                pictures.append(picture)
            else:
                assert picture == pictures[step]


def test_play_starts_at_the_first_step_and_stops(figure: Page) -> None:
    play = figure.locator(f"{PLAYER} [data-action=play]")
    expect(play).to_have_accessible_name("Play")
    figure.locator(f"{PLAYER} select").select_option("2")
    figure.evaluate(
        """(player) => {
          const seen = (window.steps = []), element = document.querySelector(player);
          new MutationObserver(() => seen.push(element.dataset.step)).observe(element, { attributeFilter: ["data-step"] });
        }""",
        PLAYER,
    )
    play.click()
    expect(play).to_have_accessible_name("Pause")
    figure.wait_for_function("window.steps.length > 1")
    assert figure.evaluate("window.steps.slice(0, 2)") == ["0", "1"]
    figure.keyboard.press("Escape")
    expect(play).to_have_accessible_name("Play")
    stood = figure.locator(PLAYER).get_attribute("data-step")
    figure.wait_for_timeout(1_500)
    assert figure.locator(PLAYER).get_attribute("data-step") == stood


def test_the_address_holds_the_step(visit: Visit, pages: dict[str, str]) -> None:
    page = visit(f"{pages['figure']}#buggy-client/3")
    at(page, 3)
    expect(page.locator(PLAYER)).to_be_in_viewport()
    before = page.evaluate("history.length")
    page.locator(f"{PLAYER} [data-action=next]").click()
    assert page.url.endswith("#buggy-client/4")
    assert page.evaluate("history.length") == before
    page.evaluate("location.hash = '#buggy-client/1'")
    at(page, 1)


def test_prose_drives_the_figure(figure: Page) -> None:
    figure.evaluate(
        """() => document.querySelector('article, main').insertAdjacentHTML(
             'beforeend', '<p><a id="prose" href="#buggy-client/2">the second step</a></p>')"""
    )
    figure.locator("#prose").click()
    at(figure, 2)
    expect(figure.locator(PLAYER)).to_be_in_viewport()
    assert figure.url.endswith("#buggy-client/2")


def test_the_tokens_and_the_arrow_follow_the_transcript(figure: Page) -> None:
    figure.locator(SLIDER).focus()
    figure.keyboard.press("Home")
    for step in range(last(figure) + 1):
        item = figure.locator(f'{PLAYER} .transcript > [data-step="{step}"]')
        figure.wait_for_function(STILL)
        for host in ("server", "client"):
            state = item.get_attribute(f"data-{host}")
            node = figure.locator(f'{PLAYER} svg.states .node[data-state="{state}"]')
            place = f"translate({node.get_attribute('data-x')} {node.get_attribute('data-y')})"
            expect(figure.locator(f'{PLAYER} .token[data-host="{host}"]')).to_have_attribute(
                "transform", place
            )
        figure.keyboard.press("ArrowRight")


def test_an_arrow_of_this_trace_leads_to_its_step_and_others_say_so(figure: Page) -> None:
    figure.locator(f"{PLAYER} [data-action=first]").click()
    figure.locator(f"{PLAYER} svg.states .edge.on-path").first.dispatch_event("click")
    step = int(figure.locator(PLAYER).get_attribute("data-step") or 0)
    assert step > 0
    figure.locator(f"{PLAYER} svg.states .edge:not(.on-path)").first.dispatch_event("click")
    expect(figure.locator(f"{PLAYER} [role=status]")).to_have_text("This case never takes that arrow.")
    at(figure, step)


def test_nothing_runs_at_rest(figure: Page) -> None:
    figure.locator(f"{PLAYER} [data-action=first]").click()
    figure.locator(f"{PLAYER} [data-action=next]").click()
    figure.wait_for_function("'document$' in window")  # the theme begins with some of its own
    figure.wait_for_function(STILL)
    asked = figure.evaluate(
        """() => new Promise((resolve) => {
          let asked = 0;
          const own = window.requestAnimationFrame;
          window.requestAnimationFrame = (f) => { asked++; return own(f); };
          setTimeout(() => { window.requestAnimationFrame = own; resolve(asked); }, 3000);
        })"""
    )
    assert asked == 0
    assert figure.evaluate(STILL)


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_less_motion_cuts(visit: Visit, pages: dict[str, str], motion: str) -> None:
    counted = """window.flights = 0;
      const own = Element.prototype.animate;
      Element.prototype.animate = function (...how) { window.flights++; return own.apply(this, how); };"""
    page = visit(pages["figure"], reduced_motion=motion, before=lambda context: context.add_init_script(counted))
    page.locator(f"{PLAYER} [data-action=first]").click()
    page.locator(f"{PLAYER} [data-action=play]").click()
    page.wait_for_function(f"document.querySelector('{PLAYER}').dataset.step > 0")
    assert (page.evaluate("window.flights") == 0) == (motion == "reduce")
    if motion == "reduce":
        assert page.evaluate(STILL)


def test_two_players_on_a_page_keep_their_own_step_and_come_back(figure: Page) -> None:
    figure.evaluate(
        f"""() => {{
          const copy = document.querySelector('{PLAYER}').cloneNode(true);
          copy.dataset.scenario = 'copy';
          document.querySelector('{PLAYER}').after(copy);
        }}"""
    )
    figure.locator("tcp-player[data-scenario=copy] [data-action=first]").click()
    at(figure, last(figure))
    expect(figure.locator("tcp-player[data-scenario=copy] .tcp-controls")).to_have_count(1)
    figure.evaluate(
        f"""() => {{
          const player = document.querySelector('{PLAYER}');
          const home = player.parentNode;
          player.remove();
          home.append(player);
        }}"""
    )
    expect(figure.locator(f"{PLAYER} .tcp-controls")).to_have_count(1)
    figure.locator(f"{PLAYER} [data-action=first]").click()
    at(figure, 0)


def test_without_script_the_figure_is_finished(visit: Visit, pages: dict[str, str]) -> None:
    page = visit(pages["figure"], java_script_enabled=False)
    player = page.locator(PLAYER)
    expect(player.locator("svg.ladder")).to_be_visible()
    assert player.locator(".transcript > [data-step]").count() > 5
    expect(player.locator(".transcript > [data-step]").last).to_be_visible()
    expect(player.locator(".tcp-controls")).to_have_count(0)
    assert float(player.locator(".veil").get_attribute("height") or 0) == 0
