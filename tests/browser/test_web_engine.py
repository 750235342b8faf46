"""The engine's two ways of starting, and what holds whichever was taken: chance, time, later imports, a quick restart."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from browser_watch import Visit, Watch
from playwright.sync_api import BrowserContext, Page, Route

#: Keeps what the workers say, and the workers themselves.
LISTEN = """
  window.said = []; window.workers = [];
  window.Worker = class extends Worker {
    constructor(url, options) {
      super(url, options);
      if (!String(url).includes("/web/worker.js")) return;
      window.workers.push(this);
      this.addEventListener("message", ({ data }) => { window.said.push(data); });
    }
  };
"""
ASK = """async (moves) => {
  const { engine } = await import("/assets/web/main.js");
  return JSON.stringify(await engine.ask({ ask: "situation", lab: "buggy-client", moves, attempt: null }));
}"""


def listening(context: BrowserContext) -> None:
    """Keeps what workers say."""
    context.add_init_script(LISTEN)


def live(page: Page) -> list[Any]:
    """Waits for the engine, and gives what its workers said on the way."""
    page.locator("tcp-lab[data-engine=live]").wait_for()
    return page.evaluate("said.filter((data) => 'live' in data || 'refused' in data).map(({live, fast, refused}) => "
                         "refused ? 'refused' : fast ? 'fast' : 'ordinary')")


def test_the_fast_way_is_taken_and_fetches_no_library(visit: Visit, watch: Watch, pages: dict[str, str]) -> None:
    page = visit(pages["lab"], before=listening)
    assert live(page) == ["fast"]
    assert not [path for path in watch.paths() if path.endswith((".zip", ".whl", "pyodide-lock.json"))]


def damaged(route: Route) -> None:
    """An image with other bytes, whose gzip sum is right."""
    raw = bytearray(gzip.decompress(route.fetch().body()))
    raw[-5_000_000] ^= 255
    route.fulfill(body=gzip.compress(bytes(raw), 1))


def elsewhere(route: Route) -> None:
    """An image for another Pyodide."""
    raw = gzip.decompress(route.fetch().body())
    route.fulfill(body=gzip.compress(raw.replace(b'"build":"', b'"build":"x', 1), 1))


def cut(route: Route) -> None:
    """Half an image."""
    body = route.fetch().body()
    route.fulfill(body=body[: len(body) // 2])


@pytest.mark.parametrize(
    ("how", "way"),
    [
        ({"image": cut}, ["refused", "ordinary"]),
        ({"image": elsewhere}, ["refused", "ordinary"]),
        ({"image": lambda route: route.fulfill(status=404)}, ["refused", "ordinary"]),
        ({"worker": "delete self.DecompressionStream;"}, ["ordinary"]),
        ({"worker": "delete WebAssembly.compileStreaming;"}, ["fast"]),
        ({"worker": "WebAssembly.instantiateStreaming = undefined;"}, ["fast"]),
    ],
    ids=["cut image", "image of another build", "no image", "no gzip", "no streaming", "no streaming instance"],
)  # fmt: skip
def test_where_the_fast_way_is_refused_the_ordinary_one_is_taken(
    visit: Visit, watch: Watch, pages: dict[str, str], site: Path, how: dict[str, Any], way: list[str]
) -> None:
    watch.expect("404")
    worker = (site / "assets" / "web" / "worker.js").read_text(encoding="utf-8")

    def before(context: BrowserContext) -> None:
        listening(context)
        if "image" in how:
            context.route("**/assets/engine/image-*.bin", how["image"])
        else:
            script = f"{how['worker']}\n{worker}"
            context.route("**/web/worker.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))

    page = visit(pages["lab"], before=before)
    assert live(page) == way
    assert json.loads(page.evaluate(ASK, ["wait", "wait", "wait"]))["step"] == 3


def test_both_ways_give_the_same_answers(visit: Visit, watch: Watch, pages: dict[str, str]) -> None:
    watch.expect("404")
    answers = []
    for block in (False, True):

        def before(context: BrowserContext, block: bool = block) -> None:
            listening(context)
            if block:
                context.route("**/assets/engine/image-*.bin", lambda route: route.fulfill(status=404))

        page = visit(pages["lab"], before=before)
        assert live(page)[-1] == ("ordinary" if block else "fast")
        answers.append([page.evaluate(ASK, ["wait"] * n) for n in (0, 3, 5)])
    assert answers[0] == answers[1]


def test_a_script_that_names_files_of_an_older_build_asks_for_the_new_names(
    visit: Visit, watch: Watch, pages: dict[str, str], site: Path
) -> None:
    watch.expect("404")
    script = (site / "assets" / "web" / "main.js").read_text(encoding="utf-8")
    names = json.loads((site / "assets" / "engine" / "manifest.json").read_text(encoding="utf-8"))
    assert names["pyodide"] in script
    old = script.replace(names["pyodide"], "pyodide-gone/").replace(names["image"], "image-gone.bin")

    def before(context: BrowserContext) -> None:
        listening(context)
        context.route("**/web/main.js", lambda route: route.fulfill(body=old, content_type="text/javascript"))

    page = visit(pages["lab"], before=before)
    assert live(page)[-1] == "fast"
    assert "/assets/engine/manifest.json" in watch.paths()


#: Lets a test run Python in the worker: only in the copy of the worker that the test serves.
OPEN = 'if (self.py && data.run) return postMessage({ ran: self.py.runPython(data.run) });'
RUN = """(code) => new Promise((then) => {
  const worker = workers.at(-1);
  worker.addEventListener("message", function hear({ data }) {
    if ("ran" in data) { worker.removeEventListener("message", hear); then(data.ran); }
  });
  worker.postMessage({ run: code });
})"""


@pytest.fixture
def python(visit: Visit, pages: dict[str, str], site: Path) -> Callable[..., Callable[[str], Any]]:
    """`python(**context options)` opens a lab and gives a function that runs code in its worker."""
    worker = (site / "assets" / "web" / "worker.js").read_text(encoding="utf-8")
    start = "const python = await withFiles(module, EMPTY_ZIP, load"
    assert start in worker
    opened = worker.replace(start, start.replace("const python = ", "const python = self.py = "), 1)
    opened = opened.replace('"use strict";', f'"use strict"; self.addEventListener("message", ({{ data }}) => {{ {OPEN} }});', 1)
    first = "    clearTimeout(leaving);\n"
    assert first in worker
    opened = opened.replace("leaving: goes } }", "leaving: goes, run } }", 1).replace(first, f"{first}    if (run) return;\n", 1)

    def before(context: BrowserContext) -> None:
        listening(context)
        context.route("**/web/worker.js", lambda route: route.fulfill(body=opened, content_type="text/javascript"))

    def start_lab(**options: Any) -> Callable[[str], Any]:
        page = visit(pages["lab"], before=before, **options)
        assert live(page) == ["fast"]
        return lambda code: page.evaluate(RUN, code)

    return start_lab


def test_chance_and_time_are_the_readers(python: Callable[..., Callable[[str], Any]]) -> None:
    seen = []
    for zone, offset in (("Asia/Tokyo", 9 * 3600), ("America/Caracas", -4 * 3600)):
        run = python(timezone_id=zone)
        seen.append(run("import random, uuid; f'{random.random()} {uuid.uuid4()} {random.SystemRandom().random()}'"))
        assert abs(run("import time; time.time()") - run("from js import Date; Date.now() / 1000")) < 5
        assert run("time.localtime().tm_gmtoff") == offset
        assert run("-time.timezone") == offset
        assert run("time.monotonic() > 0")
    assert not set(seen[0].split()) & set(seen[1].split())


def test_what_the_image_lacks_is_fetched_when_it_is_imported(
    python: Callable[..., Callable[[str], Any]], watch: Watch
) -> None:
    run = python()
    assert not [path for path in watch.paths() if path.endswith(".zip")]
    assert run("import statistics, csv; statistics.median([3, 1, 2])") == 2
    assert run("import teardown.formats.pcapng; teardown.formats.pcapng.__name__") == "teardown.formats.pcapng"
    assert run("try:\n    import nothing_of_that_name\nexcept ImportError as error:\n    said = error.name\nsaid") == "nothing_of_that_name"
    assert len([path for path in watch.paths() if path.endswith(".zip")]) == 1


def test_the_next_worker_is_given_what_the_last_one_had(visit: Visit, watch: Watch, pages: dict[str, str]) -> None:
    page = visit(pages["lab"], before=listening)
    live(page)
    fetched = len(watch.requests)
    for restarts in (1, 2):
        page.evaluate("import('/assets/web/main.js').then(({ engine }) => engine.renew())")
        page.wait_for_function("(n) => said.filter((data) => data.live).length > n", arg=restarts)
        assert json.loads(page.evaluate(ASK, ["wait"] * 3))["step"] == 3
    again = [url for url in watch.requests[fetched:] if url.endswith((".wasm", ".bin"))]
    assert again == []


# --- the second visit -----------------------------------------------------------------------------------------


def controlled(page: Page) -> None:
    """Waits until the browser keeps pages, and comes again as a second visit."""
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    page.wait_for_function("navigator.serviceWorker.controller !== null")


KEPT = """async () => {
  const [seen, lasting] = await Promise.all(["seen", "lasting"].map((name) => caches.open(name)));
  const engine = await Promise.all((await lasting.keys()).map((request) => lasting.match(request)));
  return engine.filter(Boolean).length >= 4 && (await seen.keys()).some(({ url }) => url.endsWith(".json"));
}"""


def kept(page: Page) -> None:
    """Waits until the page and its engine are kept."""
    for _ in range(400):
        if page.evaluate(KEPT):
            return
        page.wait_for_timeout(100)
    raise AssertionError("nothing was kept")


@pytest.mark.parametrize("shares", [False, True], ids=["own engine", "shared engine"])
def test_one_visit_is_enough_to_play_without_a_network(
    visit: Visit, watch: Watch, pages: dict[str, str], shares: bool
) -> None:
    watch.expect("Failed to load|Failed to fetch|FetchEvent|ERR_")
    page = visit(pages["lab"], before=listening, keeps_pages=True, shares=shares)
    page.locator("tcp-lab[data-engine=live]").wait_for()
    kept(page)
    packed = page.evaluate("""async () => {
      const cache = await caches.open("lasting");
      const [image] = (await cache.keys()).filter(({ url }) => url.endsWith(".bin"));
      return [...new Uint8Array(await (await cache.match(image)).arrayBuffer()).subarray(0, 4)];
    }""")
    assert bytes(packed) == b"TDI1", "the image is kept as the engine reads it, out of its gzip"
    end_shared_engines(page)
    page.context.set_offline(True)
    page.reload()
    page.locator("tcp-lab[data-engine=live]").wait_for()
    if not shares:
        assert live(page) == ["fast"]
    assert json.loads(page.evaluate(ASK, ["wait"] * 3))["step"] == 3


def test_what_is_kept_is_bounded(visit: Visit, watch: Watch, pages: dict[str, str]) -> None:
    """One copy of a page, whatever its address asks for, and no engine but this build's."""
    page = visit(pages["text"] + "?h=first", keeps_pages=True)
    controlled(page)
    other = page.evaluate("""async (manifest) => {
      const { active } = await navigator.serviceWorker.ready;
      const page = location.origin + location.pathname;
      const last = `${location.origin}/`;
      active.postMessage({ keep: [manifest, page + "?h=first", page + "?h=second", last] });
      const seen = await caches.open("seen");
      for (;;) {
        const kept = (await seen.keys()).map(({ url }) => url);
        if (kept.includes(last)) return kept.filter((url) => url.includes("?") || url.includes("/assets/engine/"));
        await new Promise((then) => setTimeout(then, 20));
      }
    }""", page.evaluate("new URL('/assets/engine/manifest.json', location).href"))
    assert other == []
    watch.expect("Failed to load|Failed to fetch|FetchEvent|ERR_")
    page.context.set_offline(True)
    page.goto(page.url.replace("first", "third"))
    page.locator("h1").first.wait_for()


# --- an engine that outlives its page -------------------------------------------------------------------------


def shared_engines(page: Page) -> list[str]:
    """The shared workers of the browser that are at this site, by their target."""
    session = page.context.browser.new_browser_cdp_session()
    found = session.send("Target.getTargets", {"filter": [{"type": "shared_worker"}]})["targetInfos"]
    session.detach()
    return [target["targetId"] for target in found if page.url.partition("/labs")[0] in target["url"]]


def end_shared_engines(page: Page) -> None:
    """Ends them, as a browser does that needs the memory."""
    session = page.context.browser.new_browser_cdp_session()
    for target in shared_engines(page):
        session.send("Target.closeTarget", {"targetId": target})
    session.detach()


def ready(page: Page) -> None:
    """Waits for the engine."""
    page.locator("tcp-lab[data-engine=live]").wait_for()


def test_the_next_lab_and_another_tab_find_the_engine_alive(visit: Visit, pages: dict[str, str]) -> None:
    page = visit(pages["lab"], shares=True)
    ready(page)
    first = shared_engines(page)
    assert len(first) == 1
    page.goto(pages["lab"].replace("buggy-client", "clean-close"))
    ready(page)
    other = page.context.new_page()
    other.goto(page.url)
    ready(other)
    assert shared_engines(page) == first
    for tab in (page, other):
        assert json.loads(tab.evaluate(ASK, ["wait"] * 3))["step"] == 3
    page.close()
    assert json.loads(other.evaluate(ASK, ["wait"] * 4))["step"] == 4


def test_an_engine_that_ended_or_was_given_up_is_replaced(visit: Visit, pages: dict[str, str]) -> None:
    page = visit(pages["lab"], shares=True)
    ready(page)
    first = shared_engines(page)
    page.evaluate("import('/assets/web/main.js').then(({ engine }) => engine.renew())")
    assert json.loads(page.evaluate(ASK, ["wait"] * 3))["step"] == 3
    second = [target for target in shared_engines(page) if target not in first]
    assert len(second) == 1
    # The pages to come must not meet the one that was given up.
    page.goto(pages["lab"].replace("buggy-client", "clean-close"))
    ready(page)
    assert set(shared_engines(page)) == {*first, *second}
    end_shared_engines(page)
    page.reload()
    ready(page)
    assert json.loads(page.evaluate(ASK, ["wait"] * 3))["step"] == 3


#: Notes every shared worker that a page makes, and whether the page had a body by then.
NOTED = """
  window.made = [];
  const { SharedWorker } = window;
  if (SharedWorker) window.SharedWorker = class extends SharedWorker {
    constructor(...given) {
      super(...given); // the trial without an address fails here
      window.made.push([given[1].name, Boolean(document.body)]);
    }
  };
"""


def test_where_the_engine_has_run_before_its_worker_is_made_ahead_of_the_page(visit: Visit, pages: dict[str, str]) -> None:
    page = visit(pages["lab"], before=lambda context: context.add_init_script(NOTED), shares=True)
    ready(page)
    ((name, late),) = page.evaluate("made")
    assert late
    page.reload()
    ready(page)
    assert page.evaluate("made") == [[name, False]], "one worker, before the body"
    assert json.loads(page.evaluate(ASK, ["wait"] * 3))["step"] == 3
    assert page.evaluate("'tcpAhead' in window") is False

    # An earlier build of the engine ran here: the worker of that name is of no use.
    page.evaluate("localStorage.setItem('teardown:engine', JSON.stringify({version: 1, build: 'older'}))")
    page.reload()
    ready(page)
    assert page.evaluate("made") == [["older", False], [name, True]]
    assert json.loads(page.evaluate(ASK, ["wait"] * 3))["step"] == 3

    # What is kept is no record at all.
    page.evaluate("localStorage.setItem('teardown:engine', '[7')")
    page.reload()
    page.locator("tcp-lab button[data-move]").first.click()
    ready(page)
    assert page.evaluate("made") == [[name, True]]


def test_a_worker_made_ahead_that_did_not_come_is_made_again(visit: Visit, watch: Watch, pages: dict[str, str]) -> None:
    watch.expect("404|Failed to load")
    page = visit(pages["lab"], before=lambda context: context.add_init_script(NOTED), shares=True)
    ready(page)
    end_shared_engines(page)
    gone = [True]

    def once(route: Route) -> None:
        if gone:
            gone.clear()
            route.fulfill(status=404)
        else:
            route.continue_()

    page.context.route("**/assets/web/worker.js", once)
    page.reload()
    page.locator("tcp-lab[data-engine=live], tcp-lab[data-engine=failed]").wait_for()
    assert not gone
    if page.locator("tcp-lab[data-engine=failed]").count():
        page.locator("[data-action=retry]").click()
    ready(page)
    assert json.loads(page.evaluate(ASK, ["wait"] * 3))["step"] == 3


@pytest.mark.parametrize("fails", ["false", "true"], ids=["silent", "failing"])
def test_a_shared_worker_that_comes_to_nothing_is_no_dead_end(visit: Visit, pages: dict[str, str], fails: str) -> None:
    """A browser that is just ending a worker still lets a page join it."""
    silent = """
      const { SharedWorker } = window;
      if (SharedWorker) window.SharedWorker = class {
        constructor(address, options) {
          if (address === "https://:") new SharedWorker(address, options); // the trial, which fails
          this.port = new MessageChannel().port1;
          if (FAILS) setTimeout(() => this.onerror(new ErrorEvent("error", { cancelable: true })), 300);
        }
      };
    """.replace("FAILS", fails)
    page = visit(pages["lab"], before=lambda context: context.add_init_script(silent), shares=True)
    ready(page)
    assert json.loads(page.evaluate(ASK, ["wait"] * 3))["step"] == 3


def test_a_shared_engine_ends_some_time_after_its_last_page(visit: Visit, pages: dict[str, str]) -> None:
    page = visit(pages["lab"], shares=True)
    ready(page)
    (target,) = shared_engines(page)
    session = page.context.browser.new_browser_cdp_session()
    attached = session.send("Target.attachToTarget", {"targetId": target, "flatten": False})["sessionId"]
    command = {"id": 1, "method": "Runtime.evaluate", "params": {"expression": "self.setTimeout = (then) => then();"}}
    session.send("Target.sendMessageToTarget", {"sessionId": attached, "message": json.dumps(command)})
    other = page.context.new_page()
    other.goto(page.url)
    ready(other)
    page.close()
    assert shared_engines(other) == [target]
    other.goto(pages["text"])
    deadline = time.monotonic() + 30
    while shared_engines(other) and time.monotonic() < deadline:
        other.wait_for_timeout(50)
    assert shared_engines(other) == []


def test_a_program_of_a_learner_never_runs_in_a_shared_worker(visit: Visit, pages: dict[str, str]) -> None:
    page = visit(pages["lab"], shares=True)
    ready(page)
    said = page.evaluate("""async () => {
      const { supply } = await import("/assets/web/main.js");
      const { manifest, home } = await supply().start(false);
      const line = supply().shared(`${manifest.pyodide} ${manifest.wheel}`);
      return new Promise((then) => {
        line.onmessage = ({ data }) => data.live ? line.postMessage({ id: 1, request: "{}", alone: true }) : data.id && then(data);
        line.postMessage({ start: { manifest, home } });
      });
    }""")
    assert said["error"] == {"kind": "unsafe", "text": "a shared worker"}


def test_a_newer_build_is_offered_and_not_forced(visit: Visit, pages: dict[str, str], site: Path) -> None:
    page = visit(pages["text"], keeps_pages=True)
    controlled(page)
    other = page.context.new_page()
    other.goto(page.url)
    file = site / "service-worker.js"
    old = file.read_text(encoding="utf-8")
    try:
        file.write_text(old.replace('VERSION = "', 'VERSION = "x', 1), encoding="utf-8")
        page.evaluate("navigator.serviceWorker.getRegistration().then((found) => found.update())")
        notice = page.locator(".tcp-update")
        notice.wait_for()
        other.locator(".tcp-update").wait_for()
        with page.expect_navigation():
            notice.locator("button").click()
        other.wait_for_function("navigator.serviceWorker.getRegistration().then((found) => !found.waiting && !found.installing)")
        with other.expect_navigation():
            other.locator(".tcp-update button").click()
    finally:
        file.write_text(old, encoding="utf-8")
