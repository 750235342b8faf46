"""The same built site on the hosts that there are: a plain file server, a path below others, a strict policy."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browser_watch import Visit, Watch
from playwright.sync_api import Browser, Page, expect

from teardown.site import policy, serve

LAB = "labs/buggy-client/"


class Plain(SimpleHTTPRequestHandler):
    """What `python -m http.server` is: no compression, no header of ours."""

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def plain(folder: Path) -> Iterator[str]:
    """A plain file server; gives its address with a slash at the end."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Plain, directory=str(folder))) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def played(page: Page) -> None:
    """A move from the page's own answers, and one from the live engine."""
    lab = page.locator("tcp-lab")
    page.locator("tcp-lab button[data-move]").first.click()
    expect(lab).to_have_attribute("data-step", "1")
    page.locator("tcp-lab[data-engine=live]").wait_for()
    page.locator("tcp-lab button[data-move]").first.click()
    expect(lab).to_have_attribute("data-step", "2")


@pytest.mark.parametrize("below", ["", "courses/net/tcp/"])
def test_a_plain_file_server_is_enough_at_any_path(browser: Browser, site: Path, tmp_path: Path, below: str) -> None:
    folder = site
    if below:
        (tmp_path / below).parent.mkdir(parents=True)
        (tmp_path / below).symlink_to(site, target_is_directory=True)
        folder = tmp_path
    with plain(folder) as origin, browser.new_context() as context:
        watch = Watch(origin.rstrip("/"))
        watch.over(context)
        page = context.new_page()
        page.goto(f"{origin}{below}{LAB}")
        played(page)
        watch.check()
        assert all(path.startswith(f"/{below}") for path in watch.paths())


class Strict(serve.Handler):
    """The site's own server, with a policy."""

    sent = ""

    def end_headers(self) -> None:
        """Adds the policy."""
        self.send_header("Content-Security-Policy", self.sent)
        super().end_headers()


@contextmanager
def under(sent: str, site: Path, browser: Browser) -> Iterator[tuple[Page, Watch]]:
    """A page whose host sends this policy, and its watch."""
    kind = type("Under", (Strict,), {"sent": sent})
    with serve.Server(("127.0.0.1", 0), partial(kind, directory=str(site))) as server, browser.new_context() as context:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{server.server_port}"
        watch = Watch(origin)
        watch.over(context)
        page = context.new_page()
        page.goto(f"{origin}/{LAB}")
        yield page, watch
        watch.check()
        server.shutdown()


def test_the_strict_policy_of_the_build_lets_everything_work(browser: Browser, site: Path) -> None:
    """Nobody complains: the watch would hear it."""
    with under(policy.policy(site), site, browser) as (page, _):
        played(page)
        # The theme's script and those that stand in the page have run.
        assert page.evaluate("typeof __md_get") == "function"
        page.locator("html.js").wait_for(state="attached")


def test_where_machine_code_is_forbidden_the_first_moves_and_the_story_remain(browser: Browser, site: Path) -> None:
    with under(policy.policy(site).replace(" 'wasm-unsafe-eval'", ""), site, browser) as (page, watch):
        watch.expect("wasm|WebAssembly|Content Security Policy")
        page.locator("tcp-lab[data-engine=failed]").wait_for()
        progress = page.locator('[data-region="progress"]')
        expect(progress).to_contain_text("WebAssembly")
        assert progress.locator("a[href='#walk']").count() == 1
        page.locator("tcp-lab button[data-move]").first.click()
        expect(page.locator("tcp-lab")).to_have_attribute("data-step", "1")


def test_pages_without_a_lab_ask_for_nothing_of_the_engine(visit: Visit, watch: Watch, pages: dict[str, str]) -> None:
    for kind in ("front", "figure", "text"):
        visit(pages[kind]).wait_for_timeout(1500)
    assert not [path for path in watch.paths() if "/assets/engine/" in path or "/assets/futures/" in path]
