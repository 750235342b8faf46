"""Labs with a program: played to the end and wrongly, runaways survived, nothing reached, nothing lost."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from browser_watch import Visit, Watch, violations
from playwright.sync_api import Page, Route, expect

from teardown.lab import file as labs
from teardown.lab.code import Task

LAB = "tcp-code"


def task(name: str = "fix-the-client") -> Task:
    found = labs.load(name).code
    assert found is not None
    return found


def opened(visit: Visit, name: str = "fix-the-client", **options: Any) -> Page:
    page = visit(f"/labs/{name}/", **options)
    page.locator(f"{LAB}[data-ready]").wait_for()
    return page


def write(page: Page, source: str) -> None:
    """Puts a program into the editor, as a reader would: by keyboard."""
    page.locator(".cm-content").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(source)


def text(page: Page) -> str:
    """The program, as paper would have it."""
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    return page.locator(".code-text code").text_content() or ""


def run(page: Page) -> dict[str, str]:
    """Runs the tests and waits for the end."""
    page.locator("[data-action=run]").click()
    expect(page.locator(LAB)).not_to_have_attribute("data-running", "")
    return results(page)


def results(page: Page) -> dict[str, str]:
    found: dict[str, str] = page.eval_on_selector_all(
        "[data-check]", "nodes => Object.fromEntries(nodes.map((n) => [n.dataset.check, n.dataset.result]))"
    )
    return found


def message(page: Page) -> str:
    return page.locator("[data-region=message]").inner_text()


def client(body: str) -> str:
    return "class Client:\n    def on_open(self, sock):\n        " + body.replace("\n", "\n        ") + "\n"


# --- played -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fix-the-client", "lingering-close"])
def test_played_to_the_end_after_a_wrong_try(visit: Visit, name: str) -> None:
    page, here = opened(visit, name), task(name)
    assert run(page) == {c.id: "failed" if c.fails else "passed" for c in here.checks}
    first = next(c for c in here.checks if c.fails)
    failed = page.locator(f"[data-check={first.id}]")
    expect(failed).to_contain_text(first.why)
    expect(failed.locator("svg.ladder")).to_be_visible()
    expect(page.locator("details[open] svg.ladder")).to_have_count(1)
    page.locator(".lab-hints summary").first.click()
    expect(page.locator(".lab-hints p").first).to_be_visible()
    assert here.solution is not None
    assert "solution" not in page.content()
    write(page, here.solution)
    assert set(run(page).values()) == {"passed"}
    assert f"All {len(here.checks)} tests pass" in message(page)


def test_a_mistake_is_shown_with_its_line_and_the_line_is_marked(visit: Visit) -> None:
    page = opened(visit)
    write(page, "class Client:\n    def on_request(self, sock, request):\n        sock.sned(request)\n")
    assert run(page)["two-pages"] == "failed"
    trouble = page.locator("[data-check=two-pages] .code-trouble")
    expect(trouble).to_contain_text("Line 3, in on_request")
    expect(trouble).to_contain_text("AttributeError")
    expect(page.locator(".cm-marked")).to_have_text(re.compile("sned"))
    expect(page.locator("[data-check=reset]")).to_contain_text("in the same way as above")
    write(page, "class Client:\n    def x(:\n")
    assert set(run(page).values()) == {"none"}
    assert "no test was tried" in message(page)
    assert "Line 2" in message(page)


def test_what_it_prints_is_text(visit: Visit) -> None:
    page = opened(visit)
    write(page, client("print('<img src=x onerror=alert(1)>')"))
    run(page)
    expect(page.locator("[data-check=two-pages] .code-output")).to_have_text("<img src=x onerror=alert(1)>")
    assert page.locator("tcp-code img").count() == 0


# --- runaways ---------------------------------------------------------------------------------------------

RUNAWAYS = {
    "endless loop": (client("while True: pass"), "turned 200,000 times"),
    "endless loop inside Python": (client("sum(range(10 ** 12))"), "did not come back"),
    "loop that catches everything": (
        client("def again():\n    try:\n        while True: pass\n    finally:\n        again()\nagain()"), "",
    ),
    "memory": (client("kept = []\nwhile True: kept.append(bytearray(10 ** 7))"), "MemoryError"),
    "memory at once": (client("bytearray(10 ** 9)"), "MemoryError"),
    "deep recursion": (client("def f(): f()\nf()"), "RecursionError"),
    "deep recursion inside Python": (client("x = []\nfor i in range(10 ** 5): x = [x]\nrepr(x)"), "RecursionError|broke"),
    "huge output": (client("while True: print('x' * 10_000)"), "printed more than"),
}  # fmt: skip


def test_all_runaways_are_survived_with_nothing_lost(visit: Visit, watch: Watch) -> None:
    watch.expect(".")  # what Pyodide says when the stack runs over
    page = opened(visit)
    for source, says in RUNAWAYS.values():
        write(page, source)
        assert run(page)["two-pages"] == "failed"
        # On a busy machine patience may run out before Python's own limit is reached.
        expect(page.locator("[data-check=two-pages]")).to_contain_text(re.compile(f"{says}|did not come back"))
        assert text(page).rstrip() == source.rstrip()
    kept = json.loads(page.evaluate("localStorage.getItem('teardown:code:fix-the-client')"))
    assert kept["text"].rstrip() == source.rstrip()
    write(page, task().solution or "")
    assert set(run(page).values()) == {"passed"}


def test_a_run_can_be_stopped(visit: Visit) -> None:
    page = opened(visit)
    write(page, client("sum(range(10 ** 12))"))
    page.locator("[data-action=run]").click()
    page.locator("[data-action=stop]").click()
    expect(page.locator("[data-region=message]")).to_contain_text("Stopped")
    write(page, task().solution or "")
    assert set(run(page).values()) == {"passed"}


# --- what a program may reach -----------------------------------------------------------------------------

#: A way around the list of modules: whatever Python itself holds. The worker must have nothing to give even then.
ESCAPE = """
class Client:
    def on_open(self, sock):
        import collections
        system = collections._sys
        found = [name for name in system.modules if name.partition(".")[0] in ("js", "pyodide_js", "_pyodide_core", "pyodide")]
        print(found)
        print([type(finder).__name__ for finder in system.meta_path])
        for name in ("js", "pyodide_js", "pyodide.code"):
            try:
                system.modules["importlib"].import_module(name)
                print("reached", name)
            except ImportError:
                pass
        net = system.modules["importlib"].import_module("teardown.tcp.endpoint")
        net.Endpoint.step = None  # spoils this Python's engine
"""


def test_a_program_finds_no_way_out_and_spoils_nothing(visit: Visit, watch: Watch) -> None:
    page = opened(visit)
    for spoilt in ("[]", "'no JSON'", "'{}'", """'{"journal": [], "error": 1, "output": "<b>"}'"""):
        write(page, client(f"import collections\ncollections._sys.modules['json'].dumps = lambda *a, **k: {spoilt}"))
        assert "passed" not in run(page).values()
        assert "broke the Python" in message(page)
    write(page, ESCAPE)
    run(page)
    printed = page.locator("[data-check=two-pages] .code-output").inner_text()
    assert printed.startswith("[]")
    assert "JsFinder" not in printed
    assert "reached" not in printed
    write(page, task().solution or "")
    assert set(run(page).values()) == {"passed"}


def test_the_worker_keeps_nothing_that_reaches_out(visit: Visit) -> None:
    """Looks from inside, by a worker that is told to run a program and then shows what is left of its world."""
    page = opened(visit)
    left = page.evaluate("""async () => {
      const { supply } = await import(new URL("/assets/web/main.js", location.href).href);
      const { start } = supply();
      const source = await (await fetch("/assets/web/worker.js")).text();
      // The same script, with one more line: after each answer it shows what its global scope still has.
      const line = "page.postMessage({ id, answer: answer(request) });";
      if (!source.includes(line)) throw new Error("the worker answers in another way now");
      const shows = source.replace(line, `
        answer(request);
        const seen = [];
        for (let s = self; s && s !== Object.prototype; s = Object.getPrototypeOf(s)) seen.push(...Object.getOwnPropertyNames(s));
        let made = "nothing";
        try { made = (() => {}).constructor("return 1")(); } catch {}
        try { made = (async () => {}).constructor("return 1")(); } catch {}
        say({ seen, made, typed: typeof Function });`);
      const own = new Worker(URL.createObjectURL(new Blob([shows], { type: "text/javascript" })));
      const how = await start(false);
      return new Promise((resolve, reject) => {
        own.onmessage = ({ data }) => (data.seen || data.error || data.failed) && resolve(data);
        own.onerror = reject;
        own.postMessage({ start: { ...how, kept: {} } });
        const request = JSON.stringify({ ask: "code-run", lab: "fix-the-client", check: "reset", source: "class Client: pass" });
        own.postMessage({ id: 1, request, alone: true });
      });
    }""")
    assert left["made"] == "nothing", left
    powers = {
        "fetch", "XMLHttpRequest", "WebSocket", "WebTransport", "EventSource", "importScripts", "eval", "postMessage", "indexedDB",
        "caches", "BroadcastChannel", "Worker", "SharedWorker", "navigator", "location", "close", "open", "Notification",
        "FileReader", "FileSystemHandle", "ServiceWorkerRegistration", "MessageChannel", "addEventListener", "onmessage",
    }  # fmt: skip
    assert powers & set(left["seen"]) == set()


# --- the editor -------------------------------------------------------------------------------------------


def test_tab_leaves_the_editor_unless_it_is_asked_to_indent(visit: Visit) -> None:
    page = opened(visit)
    content = page.locator(".cm-content")
    write(page, "x = 1")
    inside = "document.activeElement.shadowRoot?.activeElement?.classList.contains('cm-content') ?? false"
    assert page.evaluate(inside)
    page.keyboard.press("Tab")
    assert not page.evaluate(inside)
    assert text(page) == "x = 1"
    content.focus()
    page.keyboard.press("ControlOrMeta+BracketRight")
    assert text(page) == "    x = 1"
    page.keyboard.press("ControlOrMeta+BracketLeft")
    assert text(page) == "x = 1"
    tabs = page.locator("[data-action=tabs]")
    tabs.click()
    expect(tabs).to_have_attribute("aria-pressed", "true")
    content.focus()
    page.keyboard.press("Tab")
    assert text(page).startswith("    ")
    page.keyboard.press("Escape")
    expect(tabs).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Tab")
    assert not page.evaluate(inside)
    assert page.locator(".cm-content").get_attribute("aria-label") == "Your program"


def test_by_keyboard_alone(visit: Visit) -> None:
    page = opened(visit)
    page.locator(".cm-content").focus()
    page.keyboard.press("ControlOrMeta+Enter")
    expect(page.locator("[data-region=message]")).to_contain_text("of 8 tests pass")
    page.locator("[data-check=idle-close] summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-check=idle-close] details")).not_to_have_attribute("open", "")


def test_work_survives_a_reload_and_can_be_put_back(visit: Visit) -> None:
    page = opened(visit)
    run(page)
    passed = {name for name, result in results(page).items() if result == "passed"}
    page.reload()
    page.locator(f"{LAB}[data-ready]").wait_for()
    assert {name for name, result in results(page).items() if result == "passed"} == passed
    write(page, "mine = 1")
    page.reload()
    page.locator(f"{LAB}[data-ready]").wait_for()
    assert text(page) == "mine = 1"
    page.locator("[data-action=restart]").click()
    assert text(page) == task().starter
    page.locator(".cm-content").focus()
    page.keyboard.press("ControlOrMeta+z")
    assert text(page) == "mine = 1"


#: A file that cannot be taken over, and what the page says. What was there is kept in every case.
UNFIT = (
    ("x" * 1_000_001, "too large"),
    ("{", "not JSON"),
    ('{"kind": "shopping"}', "not work of these labs"),
    ('{"kind": "teardown-work", "version": 99, "work": {}}', "version 99"),
    ('{"kind": "teardown-work", "version": 1, "work": {"<img src=x>": 1}}', "<img src=x>"),
    ('{"kind": "teardown-work", "version": 1, "work": {"lab:x": ' + "[" * 9 + "]" * 9 + "}}", "lab:x"),
    ('{"kind": "teardown-work", "version": 1, "work": {"lab:x": {"version": 1, "moves": ["full"]}}}', "no room"),
)


def test_a_variant_has_its_own_tests_and_a_program_travels_as_a_file(visit: Visit, tmp_path: Path) -> None:
    page = opened(visit)
    other = labs.load("fix-the-client", 2).code
    assert other is not None
    write(page, task().solution or "")
    panel, said = page.locator("[data-region=work]"), page.locator("[data-region=message]")
    panel.locator("summary").click()
    panel.locator("#lab-seed").fill("2")
    panel.get_by_role("button", name="Show").click()
    changed = [c for c in other.checks if c.name != task().check(c.id).name]
    assert changed
    for check in changed:
        expect(page.locator(f"[data-check={check.id}] h3")).to_contain_text(check.name)
    assert page.url.endswith("#seed=2")
    assert set(run(page).values()) == {"passed"}

    with page.expect_download() as download:
        panel.get_by_role("button", name="Save all my work").click()
    saved = tmp_path / "work.json"
    download.value.save_as(saved)
    kept = json.loads(saved.read_text())["work"]
    assert kept["code:fix-the-client"] | {"passed": []} == {
        "version": 1, "text": task().solution, "done": True, "seed": 2, "passed": [],
    }  # fmt: skip
    assert kept["seed:fix-the-client"]["seed"] == 2

    bad = tmp_path / "bad.json"
    page.evaluate("""() => {
      const set = Storage.prototype.setItem;
      Storage.prototype.setItem = function (key, text) {
        if (key === 'teardown:lab:x' && text.includes('full')) throw new DOMException('', 'QuotaExceededError');
        return set.call(this, key, text);
      };
    }""")
    for body, says in UNFIT:
        bad.write_text(body)
        panel.locator("#lab-file").set_input_files(bad)
        expect(said).to_contain_text(says)
        assert page.evaluate("localStorage.getItem('teardown:lab:x')") is None
        assert json.loads(page.evaluate("localStorage.getItem('teardown:code:fix-the-client')"))["text"] == task().solution
    assert said.locator("img").count() == 0
    assert json.loads(page.evaluate("localStorage.getItem('teardown:before-import')"))["work"] == kept

    page.evaluate("localStorage.clear()")
    write(page, "mine = 1")
    panel.locator("#lab-file").set_input_files(saved)
    expect(said).to_contain_text("loaded")
    assert text(page) == task().solution
    assert set(results(page).values()) == {"passed"}
    said.get_by_role("button").click()
    expect(said).to_contain_text("is back")
    panel.locator("#lab-seed").fill("0")
    panel.get_by_role("button", name="Show").click()
    for check in changed:
        expect(page.locator(f"[data-check={check.id}] h3")).to_contain_text(task().check(check.id).name)


def test_without_script_and_on_paper_the_program_is_whole(visit: Visit) -> None:
    page = visit("/labs/fix-the-client/", java_script_enabled=False)
    assert (page.locator(".code-text").text_content() or "") == task().starter
    for check in task().checks:
        expect(page.locator(f"[data-check={check.id}]")).to_contain_text(check.name)
    page = opened(visit)
    lines = [f"line_{n} = {n}" for n in range(1, 81)]
    write(page, "\n".join(lines))
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    shown = page.locator(".code-text")
    expect(shown).to_be_visible()
    assert shown.inner_text().split("\n")[:80] == lines
    expect(page.locator(".cm-content")).to_be_hidden()


def test_without_the_editor_a_text_field_does(visit: Visit, watch: Watch) -> None:
    watch.expect("ERR_FAILED|Failed to load")

    def without(context: Any) -> None:
        def refuse(route: Route) -> None:
            route.abort()

        context.route("**/assets/editor/**", refuse)

    page = opened(visit, before=without)
    page.locator("textarea").fill(task().solution or "")
    assert set(run(page).values()) == {"passed"}


def test_nothing_is_fetched_for_those_who_only_read(visit: Visit, watch: Watch) -> None:
    opened(visit)
    assert any("/assets/editor/" in path for path in watch.paths())
    assert not any("/assets/engine/" in path for path in watch.paths())
    visit("/labs/")
    assert sum("/assets/editor/" in path for path in watch.paths()) == 1


#: No inline script or style, nothing from text but WebAssembly, nothing from elsewhere.
STRICT = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"
)


def test_under_a_strict_policy_the_editor_has_its_looks_and_programs_run(visit: Visit, watch: Watch) -> None:
    watch.expect("Content Security Policy|__md_get")  # the theme's own inline scripts

    def strictly(context: Any) -> None:
        def answer(route: Route) -> None:
            response = route.fetch()
            route.fulfill(response=response, headers={**response.headers, "content-security-policy": STRICT})

        context.route("**/*", answer)

    page = opened(visit, before=strictly)
    edges = page.locator(".cm-editor").evaluate("(e) => getComputedStyle(e).borderTopStyle")
    assert edges == "solid"  # the editor's own style sheet is there
    assert page.locator(".cm-line").first.evaluate("(e) => getComputedStyle(e.querySelector('span')).fontWeight") == "600"
    write(page, task().solution or "")
    assert set(run(page).values()) == {"passed"}
    page.context.unroute_all(behavior="ignoreErrors")  # what is still on its way must not fail the next test


def test_axe_finds_nothing_and_nothing_sticks_out(visit: Visit) -> None:
    page = opened(visit, reduced_motion="reduce")
    run(page)
    for scheme, width in (("light", 1280), ("dark", 375), ("light", 320)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
