"""Every lab, played: by its own shortest way, and by a wrong one with a hint and a way back. The engine gives the moves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_watch import Watch, violations
from playwright.sync_api import Browser, Page, expect

from teardown.lab.file import Lab, load, names
from teardown.lab.situation import hint, situation

PLAYED = [name for name in names() if load(name).code is None]


@pytest.fixture(scope="module")
def page(browser: Browser, origin: str) -> Iterator[Page]:
    """One page for all labs: the engine starts afresh with each, its files are there."""
    watch = Watch(origin)
    context = browser.new_context(viewport={"width": 1280, "height": 800}, base_url=origin, reduced_motion="reduce")
    context.set_default_timeout(40_000)
    watch.over(context)
    yield context.new_page()
    context.close()
    watch.check()


def key(lab: Lab, goal: str) -> list[str]:
    """The shortest way to a goal, move for move, as the hints give it."""
    played: list[str] = []
    while not situation(lab.name, played)["goals"][goal]:
        move = hint(lab.name, played, goal)["move"]
        assert move is not None
        played.append(move)
    return played


def offered(name: str, played: list[str]) -> list[str]:
    """The moves that the lab offers there."""
    return re.findall(r'data-move="([^"]+)"', situation(name, played)["html"]["moves"])


def misses(lab: Lab, way: list[str], n: int, move: str) -> bool:
    """Whether this move instead of the nth of the way leads elsewhere, and not to the goal."""
    if move == way[n] or (move == "wait" and n + 1 < len(way)):
        return False
    return not situation(lab.name, [*way[:n], move])["goals"][lab.goals[0].id]


def make(page: Page, move: str) -> None:
    """Makes a move by keyboard, waits for its answer, and looks where the reader then is."""
    made = int(page.locator("tcp-lab").get_attribute("data-step") or 0)
    page.locator(f'tcp-lab [data-region="moves"]:not([inert]) [data-move="{move}"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator("tcp-lab")).to_have_attribute("data-step", str(made + 1))
    assert page.evaluate(WHERE) == {"focus": True, "told": True, "picture": True}, move


#: After a move, and the frame that shows it: is the focus still among the moves, and are the story's end and what it tells in the window?
WHERE = """async () => {
  await new Promise((then) => requestAnimationFrame(() => setTimeout(then)));
  const seen = (part) => { const { top, bottom } = part.getBoundingClientRect(); return top >= 0 && bottom <= innerHeight + 1; };
  const ladder = document.querySelector("tcp-lab [data-region=ladder]");
  return {
    focus: document.activeElement.closest("[data-region=moves]") !== null,
    told: seen(document.querySelector("tcp-lab .lab-said")),
    picture: ladder.getBoundingClientRect().bottom <= innerHeight + 1 && ladder.scrollTop + ladder.clientHeight >= ladder.scrollHeight - 2,
  };
}"""


def answer(page: Page) -> int:
    """Answers the open question, wrongly first: a reason follows each answer. How many were asked."""
    asked = page.locator("tcp-lab [data-prediction]")
    if asked.count() == 0:
        return 0
    lab, moves = page.evaluate(
        "() => [document.querySelector('tcp-lab').dataset.lab, decodeURIComponent(location.hash.slice(7))]"
    )
    choices = situation(lab, [m for m in moves.split(",") if m])["prediction"]["choices"]
    for right in (False, True):
        choice = next(c for c in choices if c["right"] is right)
        asked.locator(f'[data-choice="{choice["value"]}"]').click()
        expect(asked.locator(".lab-reason")).to_contain_text(choice["reason"])
    return 1


@pytest.mark.parametrize("name", PLAYED)
def test_a_lab_is_played_by_its_own_key_and_by_a_wrong_way_with_hint_and_recovery(page: Page, name: str) -> None:
    lab = load(name)
    page.goto("about:blank")
    page.goto(f"/labs/{name}/")
    page.evaluate("localStorage.clear()")
    page.reload()
    page.locator("tcp-lab [data-action=hint]").wait_for()

    # the shortest way, with the questions on it
    way, goal = key(lab, lab.goals[0].id), page.locator(f'tcp-lab [data-goal="{lab.goals[0].id}"]')
    for move in way:
        answer(page)
        make(page, move)
    answer(page)
    expect(goal).to_have_attribute("data-reached", "yes")
    expect(page.locator("tcp-lab [data-region=news]")).to_contain_text(re.compile(rf"\d of {len(lab.goals)} goals reached. Next:"))

    # a wrong turn, as late as there is one: the old future stays, and the way leads back to the goal
    at, wrong = next((n, m) for n in reversed(range(len(way))) for m in offered(name, way[:n]) if misses(lab, way, n, m))
    for made in reversed(range(at, len(way))):
        page.locator("[data-action=undo]").click()
        expect(page.locator("tcp-lab")).to_have_attribute("data-step", str(made))
    make(page, wrong)
    future = page.locator("tcp-lab [data-region=futures] .lab-future")
    expect(future).to_have_count(1)
    expect(future.locator("svg.ladder")).to_be_visible()
    expect(goal).to_have_attribute("data-reached", "before")
    message = page.locator('tcp-lab [data-region="message"]')
    page.locator("[data-action=hint]").click()
    expect(message.locator("p")).not_to_be_empty()
    future.locator("a[data-take]").click()
    expect(page.locator("tcp-lab")).to_have_attribute("data-step", str(len(way)))
    expect(goal).to_have_attribute("data-reached", "yes")

    # every other goal, by its own shortest way, as a link opens it
    for other in lab.goals[1:]:
        page.evaluate("(way) => { location.hash = `moves=${way}` }", ",".join(key(lab, other.id)))
        expect(page.locator(f'tcp-lab [data-goal="{other.id}"]')).to_have_attribute("data-reached", "yes")

    # everything that is now on the page can be used by everybody
    for scheme, check in (("light", None), ("dark", "color-contrast")):  # everything; then only what a scheme changes
        page.emulate_media(color_scheme=scheme)
        assert violations(page, check=check) == [], scheme
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size({"width": 1280, "height": 800})


def test_without_a_script_every_lab_is_finished_to_read(browser: Browser, origin: str) -> None:
    context = browser.new_context(viewport={"width": 320, "height": 800}, base_url=origin, java_script_enabled=False)
    page = context.new_page()
    for name in names():
        lab = load(name)
        page.goto(f"/labs/{name}/")
        article = page.locator("article")
        told = article.inner_text()
        assert all(part.strip() in told for part in lab.closing.split("\n\n")), name
        assert all(goal.text in told for goal in lab.goals), name
        picture = "tcp-lab svg.ladder" if lab.code is None else ".code-text"
        assert article.locator(picture).first.is_visible(), name
        if lab.code is None:
            assert article.locator("tcp-lab button[data-move]").count() >= 1, name
            assert article.locator("[data-walk] svg.ladder").is_visible(), name
            assert article.locator(".walkthrough > li").count() >= 4, name
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, name
    context.close()


def test_a_variant_is_its_own_lab_and_work_travels_as_a_file(page: Page, tmp_path: Path) -> None:
    page.goto("about:blank")
    page.goto("/labs/buggy-client/")
    page.evaluate("localStorage.clear()")
    page.goto("about:blank")
    page.goto("/labs/buggy-client/#seed=7")
    panel = page.locator("tcp-lab [data-region=work]")
    expect(panel.locator("#lab-seed")).to_have_value("7")
    expect(page.locator("tcp-lab[data-engine=live]")).to_have_count(1)
    first = page.locator("tcp-lab [data-move]").first.get_attribute("data-move") or ""
    make(page, first)
    assert "seed=7&moves=" in page.url
    panel.locator("summary").click()
    with page.expect_download() as download:
        panel.get_by_role("button", name="Save all my work").click()
    saved = tmp_path / "work.json"
    download.value.save_as(saved)
    assert json.loads(saved.read_text())["work"]["lab:buggy-client.7"]["moves"] == [first]

    message = page.locator('tcp-lab [data-region="message"]')
    bad = tmp_path / "bad.json"
    for text, says in (
        ("{", "not JSON"), ('{"kind": "shopping"}', "not work of these labs"),
        ('{"kind": "teardown-work", "version": 99, "work": {}}', "version 99"),
        ('{"kind": "teardown-work", "version": 1, "work": {"<img src=x>": 1}}', "<img src=x>"),
    ):  # fmt: skip
        bad.write_text(text)
        panel.locator("#lab-file").set_input_files(bad)
        expect(message).to_contain_text(says)
    assert message.locator("img").count() == 0
    assert page.evaluate("localStorage.getItem('teardown:before-import')") is not None

    page.evaluate("localStorage.clear()")
    panel.locator("#lab-file").set_input_files(saved)
    expect(message).to_contain_text("loaded")
    expect(page.locator("tcp-lab")).to_have_attribute("data-step", "1")
    message.get_by_role("button").click()
    expect(page.locator("tcp-lab")).to_have_attribute("data-step", "0")
