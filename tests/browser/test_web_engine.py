"""The engine's two ways of starting, and what holds whichever was taken: chance, time, later imports, a quick restart."""

from __future__ import annotations

import gzip
import json
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
    assert "self.onmessage = async ({ data: {" in worker
    opened = worker.replace(start, start.replace("const python = ", "const python = self.py = "), 1)
    opened = opened.replace('"use strict";', f'"use strict"; self.addEventListener("message", ({{ data }}) => {{ {OPEN} }});', 1)
    opened = opened.replace("async ({ data: {", "async ({ data: { run, ", 1)
    opened = opened.replace(") => {\n    if (asked)", ") => {\n    if (run) return;\n    if (asked)", 1)

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


def test_a_second_visit_asks_for_no_byte_of_the_engine_and_works_without_a_network(
    visit: Visit, watch: Watch, pages: dict[str, str]
) -> None:
    watch.expect("Failed to load|Failed to fetch|FetchEvent|ERR_")
    page = visit(pages["lab"], before=listening, keeps_pages=True)
    live(page)
    controlled(page)
    live(page)
    page.wait_for_function("caches.open('lasting').then((cache) => cache.keys()).then((keys) => keys.length >= 4)")
    page.context.set_offline(True)
    page.reload()
    assert live(page) == ["fast"]
    assert json.loads(page.evaluate(ASK, ["wait"] * 3))["step"] == 3


def test_a_newer_build_is_offered_and_not_forced(visit: Visit, pages: dict[str, str], site: Path) -> None:
    page = visit(pages["text"], keeps_pages=True)
    controlled(page)
    file = site / "service-worker.js"
    old = file.read_text(encoding="utf-8")
    try:
        file.write_text(old.replace('VERSION = "', 'VERSION = "x', 1), encoding="utf-8")
        page.evaluate("navigator.serviceWorker.getRegistration().then((found) => found.update())")
        notice = page.locator(".tcp-update")
        notice.wait_for()
        with page.expect_navigation():
            notice.locator("button").click()
    finally:
        file.write_text(old, encoding="utf-8")
