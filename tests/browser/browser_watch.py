"""What the browser tests share: where the project is, and the watch over what pages say and ask for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

ROOT = Path(__file__).parents[2]

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

#: `visit(path, before=…, **context options)` opens a page in a fresh context.
Visit = Callable[..., Page]


class Watch:
    """What the pages of one test said and asked for.

    It fails a test whose pages report an error on the console, throw one, or ask any other origin for anything.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.expected: list[str] = []

    def over(self, context: BrowserContext) -> None:
        """Listens to everything in `context`, workers included."""
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("console", lambda message: self.hear(message.type, message.text))

    def hear(self, kind: str, text: str) -> None:
        """Notes an error on the console."""
        if kind == "error":
            self.complaints.append(text)

    def expect(self, pattern: str) -> None:
        """Complaints that match `pattern` are part of the test."""
        self.expected.append(pattern)

    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [url.removeprefix(self.origin) for url in self.requests if url.startswith(self.origin)]

    def check(self) -> None:
        """Raises AssertionError for an unexpected complaint or a request to another origin."""
        own = (self.origin + "/", "data:", "blob:", "about:")
        assert [url for url in self.requests if not url.startswith(own)] == [], "another origin was asked"
        unexpected = [c for c in self.complaints if not any(re.search(p, c) for p in self.expected)]
        assert unexpected == [], "the page complained"


def violations(page: Page, only: str | None = None, check: str | None = None) -> list[str]:
    """What axe finds wrong, one line per element: in the whole page or in what `only` selects, by all its checks or one.

    What the theme's script has just added is mended when the page is at rest, 500 ms later at most: a page that is
    not sound is asked once more.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    where = {"include": [[only]]} if only else {}
    how = {"resultTypes": ["violations"]} | ({"runOnly": [check]} if check else {})
    lines: list[str] = []
    for wait in (0, 1_000):
        page.wait_for_timeout(wait)
        found: dict[str, Any] = page.evaluate("([where, how]) => axe.run(where.include ? where : document, how)", [where, how])
        lines = [f"{v['id']}: {n['html'][:160]}" for v in found["violations"] for n in v["nodes"]]
        if not lines:
            break
    return lines
