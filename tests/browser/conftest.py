"""One built site, one server, one Chromium for all browser tests; a fresh context and a watch for each test."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_watch import ROOT, Visit, Watch
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from teardown.site import serve

SOURCES = ("docs", "labs", "src", "mkdocs.yml")
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

# The engine takes seconds to start where several things run at once.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


# --- the site -------------------------------------------------------------------------------------------


def fresh(site: Path) -> bool:
    """Whether `site` was built after the last change of any source."""
    front = site / "index.html"
    if not front.is_file():
        return False
    paths = (path for name in SOURCES for path in (ROOT / name, *(ROOT / name).rglob("*")))
    newest = max(path.stat().st_mtime for path in paths if path.is_file() and "__pycache__" not in path.parts)
    return newest <= front.stat().st_mtime


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site: `site/` when it is up to date (`make test` sees to that), else one built for this run."""
    if given := os.environ.get("TEARDOWN_SITE"):
        return Path(given)
    if fresh(ROOT / "site"):
        return ROOT / "site"
    folder = tmp_path_factory.mktemp("site")
    path = {
        "PATH": f"{os.environ['PATH']}{os.pathsep}{Path(sys.executable).parent}",
        "NO_MKDOCS_2_WARNING": "1",
    }
    for command in (["teardown.site.prepare"], ["mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]):
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=os.environ | path, check=True)
    return folder


@pytest.fixture(scope="session")
def origin(site: Path) -> Iterator[str]:
    """The address of a server for the built site, without a slash at the end."""
    with serve.bind(site, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[str, str]:
    """The path of one page of each kind: `front`, `figure` and `lab` (both of the buggy client), `text`."""
    found = {"front": "/"}
    marks = {
        "figure": '<tcp-player[^>]* data-scenario="buggy-client"',
        "lab": '<tcp-lab[^>]* data-lab="buggy-client"',
    }
    for file in sorted(site.rglob("index.html")):
        html = file.read_text(encoding="utf-8")
        path = "/" + file.parent.relative_to(site).as_posix().removeprefix(".") + "/"
        path = path.replace("//", "/")
        for kind, mark in marks.items():
            if path != "/" and re.search(mark, html):
                found.setdefault(kind, path)
        if path != "/" and "<tcp-" not in html:
            found.setdefault("text", path)
    return found


# --- the browser ----------------------------------------------------------------------------------------


def chromium() -> str:
    """The path of a Chromium: what `CHROMIUM` names, else the machine's own."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip("there is no Chromium here: tools/bootstrap.sh test installs one, or set CHROMIUM")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run. Nothing is ever downloaded."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def watch(origin: str) -> Iterator[Watch]:
    """What this test's pages say and ask for, checked when the test is over."""
    watch = Watch(origin)
    yield watch
    watch.check()


@pytest.fixture
def visit(browser: Browser, origin: str, watch: Watch) -> Iterator[Visit]:
    """`visit(path, before=…, **context options) -> Page`: opens a page in a fresh context.

    `before(context)` runs first: routes, scripts, permissions. With `keeps_pages=True` the service worker is let in,
    with `shares=True` the engine may be a worker that several pages share.
    """
    contexts: list[BrowserContext] = []

    def visit(path: str, before: Callable[[BrowserContext], object] | None = None, **options: Any) -> Page:
        options = {"viewport": {"width": 1280, "height": 900}, "base_url": origin} | options
        keeps, shares = options.pop("keeps_pages", False), options.pop("shares", False)
        context = browser.new_context(**options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        watch.over(context)
        if not keeps:
            # What a page asks for is seen and answered by tests only where nobody stands between.
            context.add_init_script("delete Navigator.prototype.serviceWorker")
        if not shares:
            context.add_init_script("delete globalThis.SharedWorker")
        if before:
            before(context)
        page = context.new_page()
        page.goto(path)
        return page

    yield visit
    for context in contexts:
        with contextlib.suppress(Error):  # the test may have closed it
            context.close()
