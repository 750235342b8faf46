"""The lab: usable before the engine is up, nothing lost when anything breaks, and the whole story by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from browser_watch import Visit, Watch
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

LAB = 'tcp-lab[data-lab="buggy-client"]'
KEY = "teardown:lab:buggy-client"

#: Keeps the engine's workers where a test can reach them.
WORKERS = """
  window.workers = [];
  window.Worker = class extends Worker {
    constructor(url, options) {
      super(url, options);
      if (String(url).includes("/web/")) window.workers.push(this);
    }
  };
"""


def live(page: Page) -> Page:
    """Waits for the engine."""
    page.locator(f"{LAB}[data-engine=live]").wait_for()
    return page


@pytest.fixture
def lab(visit: Visit, pages: dict[str, str]) -> Page:
    """The lab of the buggy client, with the engine up."""
    return live(visit(pages["lab"]))


def step(page: Page) -> int:
    """How many moves have been made."""
    return int(page.locator(LAB).get_attribute("data-step") or 0)


def states(page: Page) -> tuple[str | None, str | None]:
    """The states of server and client, as the page shows them."""
    here = page.locator(f'{LAB} [data-region="hosts"]')
    return (
        here.locator('[data-host="server"][data-state]').first.get_attribute("data-state"),
        here.locator('[data-host="client"][data-state]').first.get_attribute("data-state"),
    )


def button(page: Page, pattern: str) -> Locator:
    """The first legal move whose id or sentence matches."""
    buttons = page.locator(f"{LAB} button[data-move]")
    labels = buttons.evaluate_all("nodes => nodes.map((n) => `${n.dataset.move} ${n.textContent}`)")
    for i, label in enumerate(labels):
        if re.search(pattern, re.sub(r"\s+", " ", label), re.IGNORECASE):
            return buttons.nth(i)
    raise AssertionError(f"no move like {pattern!r} among {labels}")


def move(page: Page, pattern: str) -> None:
    """Makes a move and waits for its answer."""
    before = step(page)
    button(page, pattern).click()
    expect(page.locator(LAB)).to_have_attribute("data-step", str(before + 1))


def moves_in_address(page: Page) -> list[str]:
    """The moves that the address holds."""
    _, _, words = page.url.partition("#moves=")
    return [unquote(word) for word in words.split(",") if word]


def kept(page: Page) -> dict[str, object]:
    """The work that the browser keeps."""
    return json.loads(page.evaluate(f"localStorage.getItem({KEY!r})") or "null")


class Gate:
    """Holds back the requests whose address matches, until it is opened."""

    def __init__(self, pattern: str = "/assets/(engine|futures)/") -> None:
        self.pattern = pattern
        self.held: list[Route] = []
        self.is_open = False

    def __call__(self, context: BrowserContext) -> None:
        context.route(re.compile(self.pattern), self.take)

    def take(self, route: Route) -> None:
        if self.is_open:
            route.continue_()
        else:
            self.held.append(route)

    def open(self) -> None:
        self.is_open = True
        for route in self.held:
            route.continue_()


# --- before the engine ----------------------------------------------------------------------------------


def test_without_script_the_first_frame_its_moves_and_the_text_are_there(
    visit: Visit, pages: dict[str, str]
) -> None:
    page = visit(pages["lab"], java_script_enabled=False)
    expect(page.locator(f'{LAB} [data-region="ladder"] svg')).to_be_visible()
    assert page.locator(f"{LAB} button[data-move]").count() >= 1
    assert states(page) == ("ESTABLISHED", "ESTABLISHED")
    expect(page.locator("h1")).to_be_visible()


def test_the_page_answers_the_first_move_and_more_wait_for_the_engine(
    visit: Visit, pages: dict[str, str]
) -> None:
    gate = Gate()
    page = visit(pages["lab"], before=gate)
    expect(page.locator(f"{LAB} progress")).to_be_visible()
    assert page.locator(LAB).get_attribute("data-engine") == "starting"
    chosen = []
    for _ in range(2):
        chosen.append(button(page, ".").get_attribute("data-move"))
        button(page, ".").click()
        expect(page.locator(LAB)).to_have_attribute("data-step", "1")
    expect(page.locator(f'{LAB} [data-region="message"]')).to_contain_text("still starting")
    assert moves_in_address(page) == chosen[:1]
    gate.open()
    expect(page.locator(LAB)).to_have_attribute("data-step", "2")
    assert moves_in_address(page) == chosen
    expect(page.locator(f'{LAB} [data-region="message"]')).to_be_empty()
    expect(page.locator(f"{LAB} progress")).to_have_count(0)


def test_the_first_moves_need_no_python(visit: Visit, watch: Watch, pages: dict[str, str]) -> None:
    gate = Gate("/assets/engine/")
    page = visit(pages["lab"], before=gate)
    move(page, ".")
    move(page, ".")
    assert states(page) != ("ESTABLISHED", "ESTABLISHED")
    page.locator(f"{LAB} [data-action=undo]").click()
    expect(page.locator(LAB)).to_have_attribute("data-step", "1")
    page.locator(f"{LAB} button[data-try]").first.click()
    expect(page.locator(f'{LAB} [data-region="message"]')).to_contain_text(re.compile(r"\w+"))
    expect(page.locator(f'{LAB} [data-region="message"]')).not_to_contain_text("still starting")
    assert page.locator(LAB).get_attribute("data-engine") == "starting"
    before = states(page)
    gate.open()
    live(page)
    assert (step(page), states(page)) == (1, before)
    for made in range(2, 5):
        move(page, ".")
        assert step(page) == made


def test_a_future_and_the_live_engine_say_the_same(lab: Page) -> None:
    """Each in its own way: the page's from the build, the worker's from Python."""
    asked = """async (moves) => {
      const { foreseen } = await import("/assets/web/main.js");
      const { engine } = await import("/assets/web/main.js");
      const request = { ask: "situation", lab: "buggy-client", moves, attempt: null };
      return { health: engine.health, future: await foreseen(request), live: JSON.stringify(await engine.ask(request)) };
    }"""
    first = lab.locator(f"{LAB} button[data-move]").evaluate_all("all => all.map((b) => b.dataset.move)")
    for moves in ([], *([move] for move in first)):
        said = lab.evaluate(asked, moves)
        assert said["health"] == "live"
        assert said["future"] == said["live"]


def test_the_engine_waits_for_the_reader(visit: Visit, watch: Watch, pages: dict[str, str]) -> None:
    """A lab that is never on screen starts nothing; turning to it does."""
    page = visit(pages["lab"], viewport={"width": 600, "height": 30})
    page.wait_for_timeout(1500)
    assert not [path for path in watch.paths() if "pyodide" in path]
    page.locator(f"{LAB} button[data-move]").first.dispatch_event("pointerover")
    live(page)


def test_the_bar_shows_bytes(visit: Visit, pages: dict[str, str]) -> None:
    page = visit(
        pages["lab"],
        before=lambda context: context.add_init_script("""
      window.seen = [];
      new MutationObserver(() => {
        const text = document.querySelector('[data-region="progress"] p')?.textContent;
        if (text && text !== window.seen.at(-1)) window.seen.push(text);
      }).observe(document, {subtree: true, childList: true, characterData: true});
    """),
    )
    live(page)
    seen = page.evaluate("window.seen")
    fetched = [float(m[1]) for text in seen if (m := re.search(r"([\d.]+) of [\d.]+ MB", text))]
    assert fetched == sorted(fetched)
    assert len(fetched) >= 2
    assert "Starting Python" in seen


# --- the whole story --------------------------------------------------------------------------------------


def to_the_stuck_server(page: Page) -> None:
    """From the open connection to a server in FIN_WAIT_2 whose peer does not close."""
    for _ in range(30):
        if states(page) == ("FIN-WAIT-2", "CLOSE-WAIT"):
            return
        if states(page)[0] == "ESTABLISHED":
            move(page, "fire:server")
        else:
            move(page, "deliver")
    raise AssertionError(f"never came to the stuck server: {states(page)}")


def test_from_the_open_connection_to_the_stuck_server_and_on_to_the_timeout(lab: Page) -> None:
    to_the_stuck_server(lab)
    expect(lab.locator(f"{LAB} [data-owes]").first).to_contain_text("client")
    for _ in range(5):
        move(lab, "fire:server")
        if states(lab)[0] == "CLOSED":
            break
    assert states(lab) == ("CLOSED", "CLOSE-WAIT")
    assert len(moves_in_address(lab)) == step(lab)


def test_undo_redo_and_restart(lab: Page) -> None:
    to_the_stuck_server(lab)
    here, far = moves_in_address(lab), states(lab)
    lab.locator(f"{LAB} [data-action=undo]").click()
    expect(lab.locator(LAB)).to_have_attribute("data-step", str(len(here) - 1))
    assert moves_in_address(lab) == here[:-1]
    lab.locator(f"{LAB} [data-action=redo]").click()
    expect(lab.locator(LAB)).to_have_attribute("data-step", str(len(here)))
    assert (moves_in_address(lab), states(lab)) == (here, far)
    lab.locator(f"{LAB} [data-action=restart]").click()
    expect(lab.locator(LAB)).to_have_attribute("data-step", "0")
    assert states(lab) == ("ESTABLISHED", "ESTABLISHED")
    for made in range(1, len(here) + 1):
        lab.locator(f"{LAB} [data-action=redo]").click()
        expect(lab.locator(LAB)).to_have_attribute("data-step", str(made))
    assert (moves_in_address(lab), states(lab)) == (here, far)


def test_the_way_there_does_not_show(lab: Page) -> None:
    picture = f"() => document.querySelector('{LAB} [data-region=ladder]').innerHTML"
    to_the_stuck_server(lab)
    made, before = step(lab), lab.evaluate(picture)
    for action, after in (("undo", made - 1), ("redo", made)):
        lab.locator(f"{LAB} [data-action={action}]").click()
        expect(lab.locator(LAB)).to_have_attribute("data-step", str(after))
    assert lab.evaluate(picture) == before


# --- nothing lost -----------------------------------------------------------------------------------------


def test_work_survives_a_reload(lab: Page) -> None:
    to_the_stuck_server(lab)
    lab.locator(f"{LAB} [data-action=undo]").click()
    expect(lab.locator(f"{LAB} [data-action=redo]")).to_have_attribute("aria-disabled", "false")
    work, there = kept(lab), states(lab)
    lab.evaluate("history.replaceState(null, '', location.pathname)")
    lab.reload()
    live(lab)
    expect(lab.locator(LAB)).to_have_attribute("data-step", str(len(work["moves"])))
    assert states(lab) == there
    assert moves_in_address(lab) == work["moves"]
    lab.locator(f"{LAB} [data-action=redo]").click()
    expect(lab.locator(LAB)).to_have_attribute("data-step", str(len(work["moves"]) + 1))


def test_a_link_opens_the_same_situation_and_spares_saved_work(lab: Page, pages: dict[str, str]) -> None:
    to_the_stuck_server(lab)
    link, there = lab.url, states(lab)
    shared = moves_in_address(lab)
    lab.locator(f"{LAB} [data-action=restart]").click()
    expect(lab.locator(LAB)).to_have_attribute("data-step", "0")
    move(lab, ".")
    own = kept(lab)
    lab.goto("about:blank")
    lab.goto(link)
    expect(lab.locator(LAB)).to_have_attribute("data-step", str(len(shared)))
    assert states(lab) == there
    assert kept(lab) == own
    lab.locator(f"{LAB} [data-action=mine]").click()
    expect(lab.locator(LAB)).to_have_attribute("data-step", str(len(own["moves"])))
    lab.goto("about:blank")
    lab.goto(link)
    expect(lab.locator(LAB)).to_have_attribute("data-step", str(len(shared)))
    move(lab, ".")
    assert kept(lab)["moves"] == moves_in_address(lab)


def test_an_address_changed_by_hand_is_followed(lab: Page) -> None:
    to_the_stuck_server(lab)
    moves = moves_in_address(lab)
    lab.evaluate("(moves) => { location.hash = `#moves=${moves.join(',')}` }", moves[:2])
    expect(lab.locator(LAB)).to_have_attribute("data-step", "2")


def test_an_address_that_makes_no_sense_is_answered_in_words(visit: Visit, pages: dict[str, str]) -> None:
    page = live(visit(f"{pages['lab']}#moves=rubbish"))
    message = page.locator(f'{LAB} [data-region="message"]')
    expect(message.locator("p")).not_to_be_empty()
    for words in ("deliver:999", "a,b,,c", "<img src=x onerror=alert(1)>"):
        said = message.text_content()
        page.evaluate("(words) => { location.hash = `#moves=${words}` }", words)
        expect(message).not_to_have_text(said or "")
        expect(message.locator("p")).not_to_be_empty()
    page.evaluate("location.hash = '#moves=%E0%A4%A'")  # no text at all: as if there were no address
    assert states(page) == ("ESTABLISHED", "ESTABLISHED")
    assert page.locator(f"{LAB} img").count() == 0
    move(page, ".")
    assert len(moves_in_address(page)) == 1


def test_an_illegal_move_gets_the_rule_and_changes_nothing(lab: Page) -> None:
    move(lab, ".")
    before, made, work = states(lab), moves_in_address(lab), kept(lab)
    tempting = lab.locator(f"{LAB} button[data-try]").first
    tempting.focus()
    lab.keyboard.press("Enter")
    message = lab.locator(f'{LAB} [data-region="message"]')
    expect(message).to_contain_text(re.compile(r"\w+"))
    assert (states(lab), moves_in_address(lab), kept(lab)) == (before, made, work)
    assert lab.evaluate("document.activeElement.matches('[data-try]')")
    move(lab, ".")
    expect(message).to_be_empty()


def test_without_storage_the_lab_works(visit: Visit, watch: Watch, pages: dict[str, str]) -> None:
    watch.expect("not allowed")  # the theme's own scripts complain
    page = visit(
        pages["lab"],
        before=lambda context: context.add_init_script("""
      const no = () => { throw new DOMException('not allowed', 'SecurityError'); };
      Storage.prototype.getItem = no; Storage.prototype.setItem = no;
    """),
    )
    live(page)
    move(page, ".")
    made = moves_in_address(page)
    page.reload()
    expect(page.locator(LAB)).to_have_attribute("data-step", "1")
    assert moves_in_address(page) == made


def test_a_worker_that_breaks_is_replaced_and_the_move_answered(visit: Visit, pages: dict[str, str]) -> None:
    page = live(visit(pages["lab"], before=lambda context: context.add_init_script(WORKERS)))
    move(page, ".")
    page.evaluate("workers.at(-1).dispatchEvent(new ErrorEvent('error', {cancelable: true}))")
    assert page.locator(LAB).get_attribute("data-engine") == "starting"
    before = step(page)
    button(page, ".").click()
    expect(page.locator(LAB)).to_have_attribute("data-step", str(before + 1))
    assert page.evaluate("workers.length") == 2


# --- failures ---------------------------------------------------------------------------------------------


def breaks(pattern: str | re.Pattern[str], answer: Callable[[Route], object]) -> Callable[[BrowserContext], object]:
    """Lets requests that match `pattern` be answered by `answer`."""
    return lambda context: context.route(pattern, answer)


#: The line at the foot of a page, as it is where the book was made.
OFFERS_THE_BOOK = """document.addEventListener("DOMContentLoaded", () => {
  if (!document.querySelector(".takeaway a[href$='fin-wait-2.pdf']")) {
    const line = '<p class="takeaway"><a href="../../fin-wait-2.pdf">The book</a></p>';
    document.querySelector("article").insertAdjacentHTML("beforeend", line);
  }
})"""


@pytest.mark.parametrize(
    ("pattern", "answer", "says"),
    [
        ("**/engine/**/*.wasm", lambda route: route.abort(), "online"),
        ("**/engine/**/*.wasm", lambda route: route.fulfill(body="junk"), "pyodide.asm.wasm arrived damaged"),
        ("**/engine/**/pyodide.asm.js", lambda route: route.fulfill(status=503), "online"),
    ],
)  # fmt: skip
def test_a_failed_start_says_what_and_shows_ways_out(
    visit: Visit,
    watch: Watch,
    pages: dict[str, str],
    pattern: str,
    answer: Callable[[Route], object],
    says: str,
) -> None:
    watch.expect(".")

    def before(context: BrowserContext) -> None:
        breaks(pattern, answer)(context)
        context.add_init_script(OFFERS_THE_BOOK)

    page = visit(pages["lab"], before=before)
    progress = page.locator(f'{LAB} [data-region="progress"]')
    expect(page.locator(f"{LAB}[data-engine=failed]")).to_have_count(1)
    expect(progress).to_contain_text(says)
    assert progress.locator("a[href]").count() == 2
    assert progress.locator("a[href$='fin-wait-2.pdf']").count() == 1
    assert progress.locator("[data-action=retry]").count() == 1


def test_a_failed_start_can_be_tried_again_and_keeps_the_moves(
    visit: Visit, watch: Watch, pages: dict[str, str]
) -> None:
    watch.expect("404")
    pattern = re.compile("/assets/engine/|/futures/")
    page = visit(pages["lab"], before=breaks(pattern, lambda route: route.fulfill(status=404)))
    progress = page.locator(f'{LAB} [data-region="progress"]')
    expect(progress).to_contain_text("does not have manifest.json")
    move(page, ".")  # which the page itself answers
    button(page, ".").click()
    expect(progress).to_contain_text("Your moves are kept")
    page.context.unroute(pattern)
    progress.locator("[data-action=retry]").click()
    expect(page.locator(LAB)).to_have_attribute("data-step", "2")


# --- keyboard and voice -----------------------------------------------------------------------------------


def test_the_focus_stays_in_the_moves_and_each_move_is_spoken(lab: Page) -> None:
    button(lab, ".").focus()
    for made in (1, 2, 3):
        lab.keyboard.press("Enter")
        expect(lab.locator(LAB)).to_have_attribute("data-step", str(made))
        assert lab.evaluate("document.activeElement.closest('[data-region=moves]') !== null")
        expect(lab.locator(f"{LAB} > .tcp-spoken")).to_have_text(re.compile(r"\w+.*\.$"))


def test_the_link_is_copied_or_offered(visit: Visit, pages: dict[str, str]) -> None:
    page = live(visit(pages["lab"], permissions=["clipboard-read", "clipboard-write"]))
    move(page, ".")
    message = page.locator(f'{LAB} [data-region="message"]')
    page.locator(f"{LAB} [data-action=copy]").click()
    expect(message).to_contain_text("copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")  # as on plain HTTP
    page.locator(f"{LAB} [data-action=copy]").click()
    expect(message.locator("input")).to_have_value(page.url)
