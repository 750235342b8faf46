"""Glossary links: the first use of each term on a page leads to its one definition.

A Python-Markdown extension, named `teardown.site.terms` in the site's configuration. `glossary.toml` says which words
are forms of which term; the definitions stand in `docs/reference/glossary.md`. No link is set inside a heading, a
link, a block of code or a figure. Inline code counts if it is a form as a whole: `close()`.
"""

from __future__ import annotations

import html
import posixpath
import re
import tomllib
import xml.etree.ElementTree as etree
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from markdown.util import HTML_PLACEHOLDER_RE

from teardown.site.page import page_of

GLOSSARY: Final = "reference/glossary.md"

#: Where a link would be wrong, or where a page is not written for readers of the subject.
_CLOSED: Final = frozenset("a button code dt figure h1 h2 h3 h4 h5 h6 label pre script style summary sup svg th".split())
_CLASSES: Final = frozenset({"sources", "admonition-title", "footnote"})
_LEFT_OUT: Final = frozenset({GLOSSARY, "contributing.md", "reference/references.md"})


@cache
def forms() -> Mapping[str, str]:
    """Every form of every term, with the anchor of its definition. Forms in code keep their backticks."""
    data = tomllib.loads(Path(__file__).with_name("glossary.toml").read_text(encoding="utf-8"))
    return {form: anchor for anchor, words in data["terms"].items() for form in words}


@cache
def _pattern() -> re.Pattern[str]:
    """Any form as whole words, the longest first; at the head of a sentence its first letter may be large."""
    words = sorted((form for form in forms() if form[0] != "`"), key=lambda form: (-len(form), form))
    parts = [f"[{w[0].upper()}{w[0]}]{re.escape(w[1:])}" if w[0].islower() else re.escape(w) for w in words]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?![\w-])")


def _anchor(text: str) -> str | None:
    return forms().get(text) or forms().get(text[:1].lower() + text[1:])


class TermsExtension(Extension):
    """Works on the finished text, after citations (15) and attributes (8), before links are made relative (0)."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (Python-Markdown's name)
        """Register the one step."""
        md.treeprocessors.register(_Terms(md), "teardown-terms", 7)


def makeExtension(**kwargs: Any) -> TermsExtension:  # noqa: N802 (Python-Markdown's name)
    """What Python-Markdown calls for `teardown.site.terms` in a configuration."""
    return TermsExtension(**kwargs)


class _Terms(Treeprocessor):
    """Links the first use of each term of one page."""

    def run(self, root: etree.Element) -> None:
        page = page_of(self.md)
        if page is None or page.name in _LEFT_OUT:
            return
        self.way = posixpath.relpath(GLOSSARY, posixpath.dirname(page.name) or ".")
        self.done: set[str] = set()
        self._walk(root)

    def _walk(self, element: etree.Element) -> None:
        """All text of `element` in the order of the page: its own, then each child and what follows it."""
        self._link(element, None)
        for child in list(element):
            last = child
            if child.tag == "code" and len(child) == 0:
                last = self._code(element, child)
            elif child.tag not in _CLOSED and not _CLASSES & set(child.get("class", "").split()):
                self._walk(child)
            self._link(element, last)

    def _link(self, parent: etree.Element, after: etree.Element | None) -> None:
        """Links in the text behind the child `after`, or before all children."""
        text = (parent.text if after is None else after.tail) or ""
        place = 0 if after is None else list(parent).index(after) + 1
        while match := self._first(text):
            anchor = _anchor(match[0])
            assert anchor is not None
            self.done.add(anchor)
            before, text = text[: match.start()], text[match.end() :]
            if after is None:
                parent.text = before
            else:
                after.tail = before
            after = self._make(anchor)
            after.text = match[0]
            after.tail = text
            parent.insert(place, after)
            place += 1

    def _first(self, text: str) -> re.Match[str] | None:
        return next((m for m in _pattern().finditer(text) if _anchor(m[0]) not in self.done), None)

    def _code(self, parent: etree.Element, code: etree.Element) -> etree.Element:
        """Wraps inline code that is a form as a whole; returns what now stands in its place."""
        anchor = forms().get(f"`{self._plain(code.text or '')}`")
        if anchor is None or anchor in self.done:
            return code
        self.done.add(anchor)
        link = self._make(anchor)
        link.tail, code.tail = code.tail, None
        parent.insert(list(parent).index(code), link)
        parent.remove(code)
        link.append(code)
        return link

    def _plain(self, text: str) -> str:
        """The text of inline code, which the highlighter has put away as finished HTML."""
        put_away = HTML_PLACEHOLDER_RE.fullmatch(text)
        return html.unescape(str(self.md.htmlStash.rawHtmlBlocks[int(put_away[1])])) if put_away else text

    def _make(self, anchor: str) -> etree.Element:
        return etree.Element("a", {"class": "term", "href": f"{self.way}#{anchor}"})
