"""What stands in a sentence for a pattern: the frame of our small Python-Markdown extensions.

Each of them finds a pattern and puts finished HTML there. A match that makes no sense ends the build with one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor

from teardown.errors import InputError
from teardown.site.cite import fatal

#: Gives the HTML for one match. Raises InputError.
Html = Callable[[Markdown, re.Match[str]], str]


class Inline(Extension):
    """Registers one pattern under `name`. Python-Markdown's own links have the priority 160, our citations 175."""

    def __init__(self, name: str, pattern: str, priority: int, html: Html, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._given = name, pattern, priority, html

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (Python-Markdown's name)
        """Register the pattern."""
        name, pattern, priority, html = self._given
        md.inlinePatterns.register(_Inline(pattern, md, html), name, priority)


class _Inline(InlineProcessor):
    """One match."""

    def __init__(self, pattern: str, md: Markdown, html: Html) -> None:
        super().__init__(pattern, md)
        self._html = html

    def handleMatch(  # type: ignore[override]  # noqa: N802
        self, m: re.Match[str], data: str
    ) -> tuple[str, int, int]:
        try:
            html = self._html(self.md, m)
        except InputError as error:
            raise fatal(self.md, error, m[0]) from error
        return self.md.htmlStash.store(html), m.start(0), m.end(0)
