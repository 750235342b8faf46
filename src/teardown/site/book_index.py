"""The index of states and timers: where the book says something about each of them, by page."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from itertools import groupby
from typing import Final

from teardown.draw.words import timer_name
from teardown.site.book_pages import Chapter
from teardown.tcp.states import MEANING, STATES, prose
from teardown.world.captions import TIMER_NAMES

#: A section must name a state so often to be worth turning to, a timer once; a heading that names it always counts.
_OFTEN: Final = 2
#: Chapters that say nothing about a term: sheets to fill in, and lists.
_LEFT_OUT: Final = ("labs/", "bench/", "reference/references", "reference/rfcs", "reference/json", "reference/api")
_HEADING: Final = re.compile(r'<h3\b[^>]*? id="([^"]+)"[^>]*>.*?</h3>', re.DOTALL)
_TAGS: Final = re.compile(r"<table class=\"pair.*?</table>|<ol class=\"frames.*?</ol>|<[^>]+>", re.DOTALL)

#: What may carry an identifier in the place of a word in it.
_BLOCK: Final = re.compile(r"<(?:p|li|td|th|dt|dd|pre|figcaption|caption)\b[^>]*>")


class Index:
    """Collects the places of every term while the chapters pass by; then prints them with the numbers of their pages."""

    def __init__(self) -> None:
        self.terms = _terms()
        #: term -> places: (identifier, whether the place is about the term)
        self.places: dict[str, list[tuple[str, bool]]] = {term: [] for term in self.terms}
        self._states = {prose(state) for state in STATES}
        self._seen = 0

    def marked(self, chapter: Chapter) -> str:
        """The chapter's HTML with marks where a section first speaks of a term."""
        if chapter.page.address.startswith(_LEFT_OUT):
            return chapter.body
        head = f'<h2 id="{chapter.page.slug}">{html.escape(chapter.title)}</h2>'
        out, body = [], chapter.body
        starts = [0, *(m.start() for m in re.finditer(r"<h3\b", body)), len(body)]
        for n in range(len(starts) - 1):
            piece = body[starts[n] : starts[n + 1]]
            found = None if n == 0 else _HEADING.match(piece)
            heading, anchor = (found[0], found[1]) if found else (head, chapter.page.slug)
            out.append(self._section(piece, heading, anchor, chapter))
        return "".join(out)

    def _section(self, piece: str, heading: str, anchor: str, chapter: Chapter) -> str:
        text = html.unescape(_TAGS.sub(" ", piece))
        title = html.unescape(_TAGS.sub(" ", heading))
        definition = chapter.page.address.startswith("reference/glossary")
        for term, pattern in self.terms.items():
            about = bool(pattern.search(title))
            often = _OFTEN if term in self._states else 1
            if not about and not definition and len(pattern.findall(text)) < often:
                continue
            place = self._first(piece, pattern)
            if place is None and not about:
                continue
            if definition:
                if (found := re.search(rf"<strong>{pattern.pattern}", piece)) is None:
                    continue
                place, about = found.start(), True
            elif about or place is None:  # the heading itself is the place
                self.places[term].append((anchor, True))
                continue
            piece, name = self._named(piece, place, anchor)
            self.places[term].append((name, about))
        return piece

    def _named(self, piece: str, place: int, anchor: str) -> tuple[str, str]:
        """The piece, and the identifier of the block around `place`, which gets one if it has none.

        No mark stands in the line itself: WeasyPrint then breaks lines at words where there is room for more.
        """
        blocks = list(_BLOCK.finditer(piece, 0, place))
        if not blocks:
            return piece, anchor
        block = blocks[-1]
        if found := re.search(r'\sid="([^"]+)"', block[0]):
            return piece, found[1]
        self._seen += 1
        at = block.end() - 1
        return f'{piece[:at]} id="ix-{self._seen}"{piece[at:]}', f"ix-{self._seen}"

    @staticmethod
    def _first(piece: str, pattern: re.Pattern[str]) -> int | None:
        """Where the text (not a tag, not a drawing) first has the term."""
        at = 0
        for tag in _TAGS.finditer(piece):
            if found := pattern.search(piece, at, tag.start()):
                return found.start()
            at = tag.end()
        found = pattern.search(piece, at)
        return found.start() if found else None

    def html(self, title: str, pages: Mapping[str, int]) -> str:
        """The index as a document of its own. `pages` has the page of every identifier."""
        states = self._states
        blocks = []
        for heading, wanted in (("States", True), ("Timers and waits", False)):
            entries = []
            for term, places in self.places.items():
                if (term in states) is wanted and places:
                    entries.append(f"<li><b>{html.escape(term)}</b>{_about(term)} {_numbers(places, pages)}</li>")
            blocks.append(f'<h2>{heading}</h2><ul class="index">{"".join(entries)}</ul>')
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title></head><body>'
            f'<section class="chapter" id="index"><h1 class="part-title">{html.escape(title)}</h1>'
            "<p>A bold number is a section about it; the others speak of it.</p>"
            f'{"".join(blocks)}</section></body></html>'
        )


def _about(term: str) -> str:
    meaning = {prose(state): text for state, text in MEANING.items()}.get(term)
    return f" <i>({html.escape(meaning)})</i>" if meaning else ""


def _numbers(places: list[tuple[str, bool]], pages: Mapping[str, int]) -> str:
    """`12, 14, 20`, each page once; bold if one of its places is about the term."""
    known = sorted((pages[name], not about, name) for name, about in places if name in pages)
    out = []
    for number, group in groupby(known, key=lambda place: place[0]):
        _, other, name = next(group)
        link = f'<a href="#{name}">{number}</a>'
        out.append(link if other else f"<b>{link}</b>")
    return ", ".join(out)


def _terms() -> dict[str, re.Pattern[str]]:
    """Every state, then every timer of the engine and every setting of a system that bounds a wait, with a pattern."""
    out = {}
    for state in STATES:
        name = prose(state)
        out[name] = re.compile(rf"(?<![\w-]){re.escape(name).replace('_', '[_-]')}(?![\w-]*\w)")
    timers = {timer_name(name) for name in TIMER_NAMES if name not in ("next", "work", "idle-limit", "half-closed")}
    settings = {"tcp_fin_timeout", "TCP_LINGER2", "TCP_USER_TIMEOUT", "SO_KEEPALIVE", "KeepAliveTimeout", "tcp_orphan_retries"}
    for name in sorted(timers | settings, key=str.lower):
        out[name] = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", 0 if name in settings else re.IGNORECASE)
    return out
