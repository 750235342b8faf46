"""What pages cost in a browser: bytes for a reader who only reads, time until a lab's engine answers.

Chromium fetches the built site from this machine. The floor for the engine is Pyodide as it comes: its own files,
its own standard library, nothing but `loadPyodide` in a worker.
"""

from __future__ import annotations

import gzip
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.result import ROOT, Result
from teardown.site import serve

RUNS = 5
PATIENCE = 60_000
SETTLE = 3_000
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

#: Pages by kind, and the folders that belong to the theme alone.
PAGES = {"front": "/", "figures": "/faq/", "lab": "/labs/buggy-client/"}
THEME = ("assets/stylesheets/", "assets/javascripts/", "assets/images/", "search/")

BARE_PAGE = """<!doctype html><title>bare</title><script>
const worker = new Worker("worker.js", { type: "module" });
worker.onmessage = ({ data }) => { window.answered = performance.now(); window.answer = data; };
</script>"""
BARE_WORKER = """import { loadPyodide } from "./pyodide.mjs";
const python = await loadPyodide({ indexURL: new URL(".", import.meta.url).href });
postMessage(python.runPython("6 * 7"));"""

#: Runs before the page's own scripts: what long tasks take beyond 50 ms, and when the engine was first live.
WATCH = """
window.blocked = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.blocked += Math.max(0, entry.duration - 50);
}).observe({ type: "longtask", buffered: true });
"""


def measure_bytes() -> Result:
    """Compressed bytes that a page asks for while nobody presses anything."""
    result = Result("page-bytes", "kB")
    with chromium() as browser, serving(ROOT / "site") as origin:
        for kind, path in PAGES.items():
            asked = requests(browser, origin + path)
            size = {name: compressed(ROOT / "site" / name) / 1000 for name in asked}
            html = asked[0]
            drawn = size[html] - text_alone(ROOT / "site" / html) / 1000
            ours = sum(kb for name, kb in size.items() if name != html and not name.startswith(THEME))
            fonts = sum(kb for name, kb in size.items() if name.endswith(".woff2"))
            result.add(f"{kind}: the theme's page", sum(size.values()) - ours - drawn)
            result.add(f"{kind}: fonts", fonts)
            result.add(f"{kind}: scripts and style sheets", ours - fonts)
            result.add(f"{kind}: figures and labs in the page", drawn)
            if kind != "lab":
                result.budget(f"{kind}: what we add to the theme's page", ours + drawn, 120)
                result.budget(f"{kind}: scripts and figures of ours", ours - fonts + drawn, 60)
                engine = [name for name in asked if name.startswith("assets/engine/")]
                result.budget(f"{kind}: files of Pyodide", len(engine), 0)
    return result


def measure_start() -> Result:
    """Milliseconds from the start of the navigation to the engine's first answer, cold."""
    result = Result("engine-start", "ms")
    with chromium() as browser, tempfile.TemporaryDirectory() as work, serving(ROOT / "site") as origin:
        shutil.copytree(ROOT / "node_modules" / "pyodide", work, dirs_exist_ok=True)
        (Path(work) / "index.html").write_text(BARE_PAGE)
        (Path(work) / "worker.js").write_text(BARE_WORKER)
        with serving(Path(work)) as bare:
            for _ in range(RUNS):
                with cold(browser) as page:
                    page.goto(bare)
                    page.wait_for_function("window.answered", timeout=PATIENCE)
                    result.add("bare Pyodide", page.evaluate("window.answered"))
                with cold(browser) as page:
                    page.goto(origin + PAGES["lab"])
                    page.wait_for_selector("tcp-lab[data-engine=live]", timeout=PATIENCE)
                    result.add("lab", page.evaluate("performance.now()"))
                    result.add("lab: main thread blocked", page.evaluate("window.blocked"))
    ratio = result.middle("lab") / result.middle("bare Pyodide")
    result.budget("lab, times bare Pyodide", ratio, 0.5)
    result.budget("main thread blocked, ms", result.middle("lab: main thread blocked"), 0)
    return result


def chromium_path() -> str | None:
    """Where the browser of this machine is."""
    return next((found for name in CHROMIUM if (found := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A server for `folder`; gives its address without a slash at the end."""
    with serve.bind(folder, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def cold(browser: Browser) -> Iterator[Page]:
    """A page without cache, cookies or history."""
    with browser.new_context() as context:
        page = context.new_page()
        page.add_init_script(WATCH)
        yield page


def requests(browser: Browser, address: str) -> list[str]:
    """The files that a page asks for until it is at rest, the page itself first, as paths below the site."""
    found: dict[str, None] = {}
    with cold(browser) as page:
        page.on("request", lambda request: found.setdefault(file_of(request.url)))
        page.goto(address, wait_until="networkidle")
        # On a busy machine scripts that other scripts ask for come after the first quiet moment.
        page.wait_for_timeout(SETTLE)
        page.wait_for_load_state("networkidle")
    return list(found)


def file_of(address: str) -> str:
    """The file below the site that an address names."""
    path = unquote(urlsplit(address).path).lstrip("/")
    return path + "index.html" if path == "" or path.endswith("/") else path


def text_alone(page: Path) -> int:
    """Compressed bytes of a page without its figures and labs."""
    text = page.read_text(encoding="utf-8")
    return len(gzip.compress(re.sub(r"<tcp-(\w+).*?</tcp-\1>", "", text, flags=re.DOTALL).encode(), 6))


def compressed(file: Path) -> int:
    """Bytes of the file as a server would send it: fonts and archives as they are, the rest gzipped."""
    raw = file.read_bytes()
    return len(raw) if file.suffix in {".woff2", ".png", ".whl", ".zip"} else len(gzip.compress(raw, 6))
