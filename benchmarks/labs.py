"""Our lab page beside peers that run code in a reader's browser: `python -m benchmarks labs` (`make bench-labs`).

In each run every system does the same in the same browser, from the same server, which compresses as common hosts do
(gzip, level 6), and which can be slowed down to 10 Mbit/s for all connections together and 40 ms for each request.
A script presses the first button that works. Time is counted from the start of the navigation. What this measures:

* `first`: until the first result is on the page: the answer to a move, or what a program of five lines prints;
* `live`: until the live engine has answered: ours only, for peers it is the same moment;
* bytes and requests until the first result, as the server sent them, and not what it sent later;
* `repeat`: the same page again, later: it is kept by then, and the engine of the first visit is gone;
* `next lab`: the next page of the same visit;
* `move`: from a press to the next frame, in a lab whose live engine has told a hundred steps, by a reader who takes half
  a second from one press to the next;
* `blocked`: what long tasks of the page exceed 50 ms, until the live result. Of our page only those count that end after
  the engine's worker was made; `page blocked` is all of them, the theme's too.

The peers come from their registry packages, in `benchmarks/peers/`. Where a page names another host, the same file comes
from this server. A peer that cannot be set up is named with the reason.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.pages import FLAGS, chromium_path
from benchmarks.result import ROOT, Result
from teardown.site import serve

RUNS = 3
#: ms that a reader stays: the page and its engine are kept by then (`src/web/offline.js`).
STAYS = 5_000
#: Steps of the trace, and how many moves are timed then.
STEPS, MOVES = 100, 20
PATIENCE = 90_000
PEERS = ROOT / "benchmarks" / "peers"
SQUEEZED = {".css", ".html", ".js", ".json", ".mjs", ".svg", ".wasm", ".txt"}

PROGRAM = """def double(n):
    total = n + n
    return total

print("RESULT-" + str(double(21)))
"""

#: Runs before the scripts of every page.
WATCH = """
window.blocked = [];
new PerformanceObserver((list) => {
  for (const { startTime, duration } of list.getEntries()) window.blocked.push([startTime + duration, duration - 50]);
}).observe({ type: "longtask", buffered: true });
// Of a task that goes on after `until`, what comes later is no wait for the engine any more.
window.blockedAfter = (start, until) => window.blocked.reduce((sum, [end, ms]) => sum + (end > start && end - ms - 50 < until ? ms : 0), 0);
// Peers have no moment that is told; their pages are there for the engine.
window.engineBegan = 0;
for (const kind of ["Worker", "SharedWorker"]) {
  window[kind] = class extends window[kind] {
    constructor(...given) {
      super(...given);
      if (String(given[0]).endsWith("/assets/web/worker.js")) window.engineBegan ||= performance.now();
    }
  };
}
window.marks = {};
window.mark = (name) => { window.marks[name] ??= performance.now(); };
window.until = (found) => new Promise((then) => {
  const look = () => { const it = found(); if (it) { clearInterval(timer); then(it); } };
  const timer = setInterval(look, 15);
});
"""


# --- the server ---------------------------------------------------------------------------------------------


class Line:
    """What all connections share: a number of bytes a second, or no limit; and what went over it."""

    def __init__(self) -> None:
        self.rate: float | None = None
        self.delay = 0.0
        self.clear()
        self._free = 0.0
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forgets what went over it."""
        self._pieces: list[tuple[float, int]] = []
        self._asked: list[float] = []

    def ask(self) -> None:
        """Notes a request."""
        self._asked.append(time.time())

    def asked(self, until: float) -> int:
        """The requests up to a moment, in seconds since 1970."""
        return sum(when <= until for when in self._asked)

    def sent(self, until: float) -> int:
        """The bytes up to a moment, in seconds since 1970."""
        return sum(size for when, size in self._pieces if when <= until)

    def send(self, size: int) -> None:
        """Waits until `size` bytes have gone."""
        with self._lock:
            self._pieces.append((time.time(), size))
            if self.rate is None:
                return
            now = time.monotonic()
            self._free = max(self._free, now) + size / self.rate
            wait = self._free - now
        time.sleep(wait)


@lru_cache(maxsize=2_000)
def sent_form(path: str, changed: float) -> tuple[bytes, bool]:
    """The bytes of a file as the server sends them, and whether they are gzipped."""
    content = Path(path).read_bytes()
    if Path(path).suffix not in SQUEEZED:
        return content, False
    return gzip.compress(content, 6, mtime=0), True


class Handler(serve.Handler):
    """Folders under names (`/site/…`), compressed, over one line."""

    def __init__(self, *args: Any, folders: dict[str, Path], line: Line, brotli: bool, **kwargs: Any) -> None:
        self.folders, self.line, self.brotli = folders, line, brotli
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:  # noqa: N802 (the base class names it)
        """One file."""
        self.line.ask()
        if self.line.delay:
            time.sleep(self.line.delay)
        _, top, *rest = self.path.partition("?")[0].split("/")
        path = self.folders.get(top, Path("/nonexistent")).joinpath(*rest)
        path = path / "index.html" if self.path.partition("?")[0].endswith("/") else path
        if not path.is_file():
            self.send_response(404)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        beside = path.with_name(path.name + ".br")
        if self.brotli and beside.is_file():
            body, form = beside.read_bytes(), "br"
        else:
            body, squeezed = sent_form(str(path), path.stat().st_mtime)
            form = "gzip" if squeezed else ""
        stamp = f'"{path.stat().st_mtime_ns:x}"'
        if self.headers.get("If-None-Match") == stamp:
            self.send_response(304)
            return self.end_headers()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", stamp)
        if form:
            self.send_header("Content-Encoding", form)
        self.end_headers()
        for start in range(0, len(body), 16_384):
            piece = body[start : start + 16_384]
            self.line.send(len(piece))
            self.wfile.write(piece)


@contextmanager
def serving(folders: dict[str, Path], line: Line, brotli: bool = False) -> Iterator[str]:
    """A server for the folders; gives its address without a slash at the end."""
    # Many short requests at once: threads must not wait 5 ms for each other's turn.
    sys.setswitchinterval(0.0005)
    with serve.Server(("127.0.0.1", 0), partial(Handler, folders=folders, line=line, brotli=brotli)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


# --- what is measured ---------------------------------------------------------------------------------------


class Peer(NamedTuple):
    """A page, and the script that presses its button and marks what it sees: `first`, and for ours `live`."""

    name: str
    path: str
    script: str


LIVE = """
  const element = await until(() => document.querySelector("tcp-lab[data-engine=live]"));
  const { engine } = await import("/site/assets/web/main.js");
  const moves = [document.querySelector("tcp-lab").dataset.lab === "buggy-client" ? "fire:server:keep-alive" : "wait"];
  await engine.ask({ ask: "situation", lab: element.dataset.lab, moves, attempt: null });
  mark("live");
"""
OURS = Peer(
    "ours", "/site/labs/buggy-client/",
    """async () => {
  const button = await until(() =>
    document.querySelector("tcp-lab [data-region=tools] button") && document.querySelector("tcp-lab button[data-move]"));
  button.click();
  await until(() => document.querySelector("tcp-lab[data-step='1']"));
  mark("first");
""" + LIVE + "}",
)  # fmt: skip
BARE = Peer("bare Pyodide in a worker", "/bare/", "async () => { await until(() => window.answered); mark('first'); }")
EDITOR = """async () => {{
  const button = await until(() => document.querySelector(".{kind}-editor-run-button"));
  button.click();
  await until(() => document.querySelector(".{kind}-editor-output")?.textContent.includes("RESULT-42"));
  mark("first");
}}"""
MICRO = Peer("PyScript editor, MicroPython", "/micro/", EDITOR.format(kind="mpy"))
PYSCRIPT = Peer("PyScript editor, Pyodide", "/pyscript/", EDITOR.format(kind="py"))
THEME = Peer(
    "pyodide-mkdocs-theme", "/theme/",
    """async () => {
  const button = await until(() => {
    const found = document.querySelector("button.ide-play, button[btn_kind=play]");
    return found && !found.disabled ? found : null;
  });
  const press = setInterval(() => button.click(), 500);
  button.click();
  await until(() => [...document.querySelectorAll(".terminal-output")].some((e) => e.textContent.includes("RESULT-42")));
  clearInterval(press);
  mark("first");
}""",
)  # fmt: skip

BARE_PAGE = """<!doctype html><title>bare</title><script>
const worker = new Worker("worker.js", { type: "module" });
worker.onmessage = ({ data }) => { window.answered = data; };
</script>"""
BARE_WORKER = """import { loadPyodide } from "./pyodide.mjs";
const python = await loadPyodide({ indexURL: new URL(".", import.meta.url).href });
postMessage(python.runPython("6 * 7"));"""
EDITOR_PAGE = """<!doctype html><title>editor</title>
<link rel="stylesheet" href="/peers/@pyscript/core/dist/core.css">
<script type="module" src="/peers/@pyscript/core/dist/core.js"></script>
<script type="{kind}-editor" config='{{"interpreter": "{interpreter}"}}'>
{program}</script>"""


def set_up(work: Path) -> tuple[dict[str, Path], list[Peer], dict[str, str]]:
    """The folders to serve, the peers that could be set up, and why others could not."""
    modules = PEERS / "node_modules"
    folders = {"site": ROOT / "site", "peers": modules}
    peers, missing = [OURS, BARE], {}
    bare = work / "bare"
    shutil.copytree(ROOT / "node_modules" / "pyodide", bare)
    (bare / "index.html").write_text(BARE_PAGE)
    (bare / "worker.js").write_text(BARE_WORKER)
    folders["bare"] = bare
    if not modules.is_dir():
        return folders, peers, {"PyScript": "its npm packages are not installed: tools/bootstrap.sh peers"}
    micro = "/peers/@micropython/micropython-webassembly-pyscript/micropython.mjs"
    for peer, kind, interpreter in ((MICRO, "mpy", micro), (PYSCRIPT, "py", "/peers/pyodide/pyodide.mjs")):
        folder = work / peer.path.strip("/")
        folder.mkdir()
        (folder / "index.html").write_text(EDITOR_PAGE.format(kind=kind, interpreter=interpreter, program=PROGRAM))
        folders[folder.name] = folder
        peers.append(peer)
    try:
        folders["theme"] = theme(work, modules)
        folders["cdn"] = work / "cdn"
        peers.append(THEME)
    except (OSError, subprocess.SubprocessError) as error:
        missing[THEME.name] = str(error).splitlines()[0][:200]
    missing["JupyterLite"] = (
        "its kernel fetches wheels (comm and others) that come from Pyodide's own host and from no registry package"
    )
    return folders, peers, missing


def theme(work: Path, modules: Path) -> Path:
    """One page of pyodide-mkdocs-theme, with the files that it wants from other hosts beside it."""
    python = PEERS / ".venv" / "bin" / "python"
    project = work / "theme-project"
    run = partial(subprocess.run, check=True, capture_output=True, text=True, env=os.environ | {"DISABLE_MKDOCS_2_WARNING": "true"})
    run([python, "-m", "pyodide_mkdocs_theme", "--new", project.name, "--lang", "en"], cwd=work)
    settings = (project / "mkdocs.yml").read_text(encoding="utf-8")
    settings = re.sub(r"^site_name:.*$", "site_name: peer", settings, flags=re.MULTILINE)
    settings = re.sub(r"^( +id: )null.*$", r"\1peer", settings, flags=re.MULTILINE)
    settings = re.sub(r"^site_url:.*$", 'site_url: ""', settings, flags=re.MULTILINE)
    (project / "mkdocs.yml").write_text(settings, encoding="utf-8")
    (project / "docs" / "index.md").write_text("# Lab\n\n{{ IDE('exo') }}\n")
    (project / "docs" / "exo.py").write_text(f"# --- PYODIDE:code --- #\n{PROGRAM}")
    run([python, "-m", "mkdocs", "build", "-q"], cwd=project)
    # One file is not to be had in the version that the theme names, and its neighbour has another hash.
    for path in (project / "site").rglob("*"):
        if path.suffix in (".html", ".js"):
            text = path.read_text(encoding="utf-8")
            text = text.replace("https://cdn.jsdelivr.net/", "/cdn/")
            text = text.replace("/cdn/npm/jquery@3.7.1", "/cdn/npm/jquery.js")
            text = re.sub(r"sha\d{3}-[\w+/]+=*", "", text)
            text = re.sub(r' (integrity|crossorigin)="[^"]*"', "", text)
            path.write_text(text, encoding="utf-8")
    npm, pyodide = work / "cdn" / "npm", work / "cdn" / "pyodide" / "v0.25.0"
    npm.mkdir(parents=True)
    pyodide.mkdir(parents=True)
    (pyodide / "full").symlink_to(modules / "pyodide-0.25")
    for name, package in {
        "mathjax@3": "mathjax", "lodash@4.17.20": "lodash", "jquery.terminal@2.43.1": "jquery.terminal",
        "ace-builds@1.44.0": "ace-builds",
    }.items():  # fmt: skip
        (npm / name).symlink_to(modules / package)
    shutil.copy(modules / "jquery" / "dist" / "jquery.min.js", npm / "jquery.js")
    return project / "site"


# --- the runs -----------------------------------------------------------------------------------------------


def visit(context: BrowserContext, line: Line, origin: str, peer: Peer) -> dict[str, float]:
    """One visit: ms to each mark, and kB, requests and blocked ms until the first result."""
    page = context.new_page()
    # The script that presses is there from the start: sent later, it would wait for whatever keeps the page busy.
    page.add_init_script(f"{WATCH}window.pressing = ({peer.script})();")
    line.clear()
    page.goto(origin + peer.path, wait_until="commit")
    return seen(page, line)


def seen(page: Page, line: Line) -> dict[str, float]:
    """What a page that is being pressed has marked, when it has marked all."""
    page.wait_for_function("window.pressing.then(() => true)", timeout=PATIENCE)
    marks, began = page.evaluate("[window.marks, performance.timeOrigin]")
    first = (began + marks["first"]) / 1000
    found: dict[str, float] = {"kB": line.sent(first) / 1000, "requests": line.asked(first)} | marks
    found["kB to live"] = line.sent((began + max(marks.values())) / 1000) / 1000
    done = max(marks.values())
    found["page blocked"] = page.evaluate(f"window.blockedAfter(0, {done})")
    found["blocked"] = page.evaluate(f"window.blockedAfter(window.engineBegan, {done})")
    return found


def next_lab(page: Page, line: Line, origin: str) -> dict[str, float]:
    """From a lab with a live engine on to the next one, by a link."""
    line.clear()
    page.evaluate("(address) => { location.href = address; }", f"{origin}/site/labs/clean-close/")
    page.wait_for_url("**/clean-close/", wait_until="commit")
    return seen(page, line)


def stopped(page: Page) -> float:
    """ms from the moment that a program which never ends is given up until the lab's engine answers again."""
    return float(
        page.evaluate("""async () => {
  const { engine } = await import("/site/assets/web/main.js");
  const start = performance.now();
  engine.renew();
  await engine.ask({ ask: "situation", lab: "buggy-client", moves: ["wait", "wait", "wait", "wait"], attempt: null });
  return performance.now() - start;
}""")
    )


def measure() -> Result:
    """All peers, cold and again, at full speed and over the slow line."""
    result = Result("labs", "ms; kB, requests where said")
    line = Line()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folders, peers, missing = set_up(Path(name))
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        with serving(folders, line) as origin, serving(folders, line, brotli=True) as brotli:
            for _ in range(RUNS):
                for peer in list(peers):
                    try:
                        fast(result, browser, line, origin, peer)
                    except Exception as error:  # a peer that breaks is reported, not fatal
                        if peer in (OURS, BARE):
                            raise
                        missing[peer.name] = f"its result did not come: {str(error).splitlines()[0][:160]}"
                        peers.remove(peer)
                line.rate, line.delay = 10e6 / 8, 0.04
                for peer in peers:
                    with browser.new_context() as context:
                        note(result, f"{peer.name}, slow line", visit(context, line, origin, peer))
                with browser.new_context() as context:
                    note(result, "ours, slow line, host with brotli", visit(context, line, brotli, OURS))
                line.rate, line.delay = None, 0.0
        browser.close()
    for name, why in missing.items():
        result.skip(f"{name}: {why}")
    judge(result)
    return result


def fast(result: Result, browser: Browser, line: Line, origin: str, peer: Peer) -> None:
    """One system at full speed: cold, again, and for ours the next lab, moves and a restart."""
    with browser.new_context() as context:
        note(result, f"{peer.name}, cold", visit(context, line, origin, peer))
        page = context.pages[-1]
        page.wait_for_timeout(STAYS)
        if peer is OURS:
            note(result, "ours, next lab", next_lab(page, line, origin))
            for ms in moves(page):
                result.add("ours, move", ms)
            result.add("ours, restart: live", stopped(page))
            page.wait_for_timeout(STAYS)
        page.close()
        end_shared(browser)
        note(result, f"{peer.name}, repeat", visit(context, line, origin, peer))


def end_shared(browser: Browser) -> None:
    """Ends workers that outlive their pages, as the browser does after a while."""
    session = browser.new_browser_cdp_session()
    there = partial(session.send, "Target.getTargets", {"filter": [{"type": "shared_worker"}]})
    for target in there()["targetInfos"]:
        session.send("Target.closeTarget", {"targetId": target["targetId"]})
    # A page that comes at once may still join one that is ending.
    while there()["targetInfos"]:
        time.sleep(0.1)
    time.sleep(1)
    session.detach()


def moves(page: Page) -> list[float]:
    """ms from a press to the next frame that shows its answer, when the trace has become long. The programs send, the
    network delivers."""
    return [
        float(ms)
        for ms in page.evaluate("""async ([steps, count]) => {
  const lab = document.querySelector("tcp-lab");
  const frame = () => new Promise((then) => requestAnimationFrame(() => setTimeout(then)));
  const press = async () => {
    const button = ["deliver:", "call:client:send", "call:server:send", "wait"]
      .map((kind) => lab.querySelector(`button[data-move^="${kind}"]`)).find(Boolean);
    const before = lab.dataset.step, start = performance.now();
    button.click();
    while (lab.dataset.step === before) await new Promise((then) => { setTimeout(then); });
    await frame();
    return performance.now() - start;
  };
  // From the beginning: what the visit has played may have ended the connection.
  lab.querySelector("[data-action=restart]").click();
  while (lab.dataset.step !== "0") await frame();
  while (lab.querySelectorAll("[data-region=transcript] li").length <= steps) await press();
  const took = [];
  for (let i = 0; i < count; i++) {
    await new Promise((then) => setTimeout(then, 500));
    took.push(await press());
  }
  return took;
}""", [STEPS, MOVES])
    ]


def note(result: Result, name: str, found: dict[str, float]) -> None:
    """Adds what one visit showed."""
    for what, value in found.items():
        result.add(f"{name}: {what}", value)


def judge(result: Result) -> None:
    """The rows of the budget table that this measures."""
    bare, again, slow = (result.middle(f"{BARE.name}, {how}: first") for how in ("cold", "repeat", "slow line"))
    m = result.middle
    if f"{MICRO.name}, cold: first" in result.values:
        result.budget("first move, times PyScript's MicroPython editor", m("ours, cold: first") / m(f"{MICRO.name}, cold: first"), 0.5)
    result.budget("bytes before the first answer, kB", m("ours, cold: kB"), 250)
    result.budget("live engine, times bare Pyodide", m("ours, cold: live") / bare, 0.5)
    result.budget("live engine, slow line, times bare Pyodide", m("ours, slow line: live") / slow, 0.9)
    result.budget("live engine, slow line and brotli, times bare Pyodide", m("ours, slow line, host with brotli: live") / slow, 0.9)
    result.budget("live engine, repeat visit, times bare Pyodide", m("ours, repeat: live") / again, 0.25)
    result.budget("live engine, next lab, times bare Pyodide", m("ours, next lab: live") / again, 0.25)
    slowest = sorted(result.values["ours, move"])
    result.budget("move with the live engine, 95 of 100, ms", slowest[math.ceil(0.95 * len(slowest)) - 1], 50)
    result.budget("main thread blocked, ms", m("ours, cold: blocked"), 0)
    result.budget("engine given up until it answers again, ms", m("ours, restart: live"), 1_000)


if __name__ == "__main__":
    sys.exit("run: python -m benchmarks labs")
