"""Citations in pages: `[@rfc9293 §3.6; @m15]` becomes numbered links to the page's own list of sources.

A Python-Markdown extension, named `teardown.site.cite` in the site's configuration. It works alike in MkDocs
and in Zensical, because it needs neither hooks nor plugins. What a page may write:

- `[@id]`, `[@id §3.6]`, `[@id §3.6; @other]`: cite. The locator is shown beside the number and in the list.
- `[@*]` as a paragraph of its own: the whole list of sources, by kind. Then no list is appended.
- `[unverified]` and `[our reading]`: a small mark behind a claim that no primary source confirms, or that we
  read out of a source which does not say it in so many words. Words in brackets, so that paper and speech have
  them too.

An unknown id ends the build, with the page's file and line where the builder lets us know them.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as etree
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

from teardown.errors import InputError
from teardown.site import references
from teardown.site.page import file_of
from teardown.site.references import KINDS, Reference

EVERYTHING: Final = "*"
MARKS: Final = {"unverified": "unverified", "our reading": "reading"}

_CITE: Final = r"\[(@[^\[\]]+)\](?!\()"
_MARK: Final = r"\[(" + "|".join(MARKS) + r")\](?![(\[:])"
_ITEM: Final = re.compile(rf"@({references.ID.pattern})(?:\s+(\S.*))?", re.IGNORECASE | re.DOTALL)
_HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")


class Item(NamedTuple):
    """One source in one citation: `@rfc9293 §3.6`."""

    id: str
    locator: str | None


@cache
def _sources(file: str) -> Mapping[str, Reference]:
    return references.load(Path(file) if file else None)


def parse(body: str) -> tuple[Item, ...]:
    """What stands between the brackets, `@a §1; @b`, as items; raises `InputError` when it cannot be read."""
    items = []
    for part in body.split(";"):
        match = _ITEM.fullmatch(part.strip())
        if match is None:
            raise InputError(
                f"cannot read the citation [{body}]", mend="Write [@id], [@id §1] or [@id §1; @other]."
            )
        items.append(Item(match[1], " ".join(match[2].split()) if match[2] else None))
    return tuple(items)


class CiteExtension(Extension):
    """`cited` holds the ids that the last converted page cites, in order of first use."""

    def __init__(self, **kwargs: Any) -> None:
        self.config = {"file": ["", "another list of sources than the project's own"]}
        super().__init__(**kwargs)
        self.cited: list[str] = []

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (Python-Markdown's name)
        """Inline patterns before links (160); the list after all inline text (20), before the contents (5)."""
        md.registerExtension(self)
        md.inlinePatterns.register(_Cite(md, self), "teardown-cite", 175)
        md.inlinePatterns.register(_Mark(_MARK, md), "teardown-mark", 174)
        md.treeprocessors.register(_Sources(md, self), "teardown-sources", 15)

    def reset(self) -> None:
        """Forget the page before."""
        self.cited = []

    @property
    def sources(self) -> Mapping[str, Reference]:
        """All sources by id."""
        return _sources(self.getConfig("file"))


def makeExtension(**kwargs: Any) -> CiteExtension:  # noqa: N802 (Python-Markdown's name)
    """What Python-Markdown calls for `teardown.site.cite` in a configuration."""
    return CiteExtension(**kwargs)


class _Cite(InlineProcessor):
    """Finds citations and checks them; the numbers come later, when the order of the page is known."""

    def __init__(self, md: Markdown, extension: CiteExtension) -> None:
        super().__init__(_CITE, md)
        self.extension = extension

    def handleMatch(  # type: ignore[override]  # noqa: N802
        self, m: re.Match[str], data: str
    ) -> tuple[etree.Element, int, int]:
        body = m[1]
        element = etree.Element("sup", {"class": "cite", "data-cite": body})
        if body != f"@{EVERYTHING}":
            try:
                for item in parse(body):
                    if item.id not in self.extension.sources:
                        raise InputError(
                            f"no source has the id {item.id!r}",
                            mend=f"Add it to {references.path().name}, or mend the citation [{body}].",
                        )
            except InputError as error:
                raise fatal(self.md, error, body) from error
        return element, m.start(0), m.end(0)


class _Mark(InlineProcessor):
    """`[unverified]`: words that stay readable without any style sheet."""

    def handleMatch(  # type: ignore[override]  # noqa: N802
        self, m: re.Match[str], data: str
    ) -> tuple[etree.Element, int, int]:
        element = etree.Element("span", {"class": f"mark {MARKS[m[1]]}"})
        element.text = AtomicString(f"({m[1]})")
        return element, m.start(0), m.end(0)


class _Sources(Treeprocessor):
    """Numbers the citations in the order of the page and appends the list of what it cites."""

    def __init__(self, md: Markdown, extension: CiteExtension) -> None:
        super().__init__(md)
        self.extension = extension

    def run(self, root: etree.Element) -> None:
        everything = self._take_marker(root)
        calls = [(element, parse(element.attrib.pop("data-cite"))) for element in _calls(self.md, root)]
        cited = self.extension.cited = list(dict.fromkeys(item.id for _, items in calls for item in items))
        sources = self.extension.sources
        whole = [r.id for kind in KINDS for r in sources.values() if r.kind == kind]
        shown = cited if everything is None else whole
        numbers = {id_: n for n, id_ in enumerate(shown, 1)}

        uses: dict[str, list[tuple[str, str | None]]] = {}
        for element, items in calls:
            for n, item in enumerate(items):
                places = uses.setdefault(item.id, [])
                anchor = f"cite-{item.id}-{len(places) + 1}"
                places.append((anchor, item.locator))
                _call(
                    element,
                    sources[item.id],
                    numbers[item.id],
                    item.locator,
                    anchor,
                    last=n == len(items) - 1,
                )
        if everything is not None:
            _print_all(everything, sources, numbers, uses)
        elif cited:
            _print_cited(root, [sources[id_] for id_ in cited], uses)

    def _take_marker(self, root: etree.Element) -> etree.Element | None:
        """The paragraph `[@*]`, emptied, if the page has one."""
        for parent in root.iter():
            for child in parent:
                if child.get("data-cite") == f"@{EVERYTHING}":
                    if parent.tag != "p" or len(parent) != 1 or (parent.text or child.tail or "").strip():
                        error = InputError("[@*] must be a paragraph of its own")
                        raise fatal(self.md, error, f"@{EVERYTHING}")
                    parent.clear()
                    return parent
        return None


def _calls(md: Markdown, element: etree.Element, inside: str = "") -> Iterator[etree.Element]:
    """Every citation below `element` in the order of the page. A link or a heading may not hold one."""
    for child in element:
        if "data-cite" in child.attrib:
            if inside:
                raise fatal(
                    md,
                    InputError(f"a citation cannot stand in a {inside}", mend="Move it into the text below."),
                    child.attrib["data-cite"],
                )
            yield child
        else:
            kind = "link" if child.tag == "a" else "heading" if child.tag in _HEADINGS else inside
            yield from _calls(md, child, kind)


def _sub(parent: etree.Element, tag: str, text: str = "", **attributes: str) -> etree.Element:
    """A child whose text no later pattern touches."""
    child = etree.SubElement(parent, tag, {k.rstrip("_").replace("_", "-"): v for k, v in attributes.items()})
    if text:
        child.text = AtomicString(text)
    return child


def _say(parent: etree.Element, text: str) -> None:
    """Append plain text behind whatever `parent` already holds."""
    if len(parent):
        parent[-1].tail = AtomicString((parent[-1].tail or "") + text)
    else:
        parent.text = AtomicString((parent.text or "") + text)


def _call(
    sup: etree.Element, source: Reference, number: int, locator: str | None, anchor: str, *, last: bool
) -> None:
    """One number in the text: `[3 §3.6]`, named for those who hear the page."""
    if not len(sup):
        _say(sup, "[")
    _sub(
        sup,
        "a",
        str(number),
        id=anchor,
        href=f"#source-{source.id}",
        role="doc-biblioref",
        aria_label=f"source {number}, {source.name}",
    )
    _say(sup, (f" {locator}" if locator else "") + ("]" if last else ", "))


def _print_cited(
    root: etree.Element, cited: list[Reference], uses: Mapping[str, list[tuple[str, str | None]]]
) -> None:
    # data-search-exclude: the site's search would otherwise find every page for the words of every title.
    section = _sub(
        root,
        "section",
        class_="sources",
        role="doc-bibliography",
        aria_labelledby="sources",
        data_search_exclude="",
    )
    _sub(section, "h2", "Sources", id="sources")
    listing = _sub(section, "ol")
    for source in cited:
        _entry(listing, source, uses.get(source.id, []))


def _print_all(
    paragraph: etree.Element,
    sources: Mapping[str, Reference],
    numbers: Mapping[str, int],
    uses: Mapping[str, list[tuple[str, str | None]]],
) -> None:
    paragraph.tag = "section"
    paragraph.attrib.update({"class": "sources", "role": "doc-bibliography", "aria-label": "All sources"})
    for kind, heading in KINDS.items():
        group = [source for source in sources.values() if source.kind == kind]
        if group:
            _sub(paragraph, "h2", heading, id=f"kind-{kind}")
            listing = _sub(paragraph, "ol", start=str(numbers[group[0].id]))
            for source in group:
                _entry(listing, source, uses.get(source.id, []))


def _entry(listing: etree.Element, source: Reference, places: list[tuple[str, str | None]]) -> None:
    """A full citation: name, title with its link, author, year, place inside, dates, ways back."""
    li = _sub(listing, "li", id=f"source-{source.id}")
    _sub(li, "strong", source.name)
    _say(li, ": ")
    if source.url:
        attributes = {"href": source.url}
        if source.archive_url:  # Robust Links: the original, with its snapshot at hand
            attributes |= {
                "data-originalurl": source.url,
                "data-versionurl": source.archive_url,
                "data-versiondate": str(source.archive_date),
            }
        link = etree.SubElement(_sub(li, "cite"), "a", attributes)
        link.text = AtomicString(source.title)
    else:
        _sub(li, "cite", source.title)
    by = ", ".join(str(part) for part in (source.author, source.year) if part)
    parts = [part.rstrip(".") for part in (by, source.where, source.method) if part]
    ended = "" if source.title.endswith("?") else "."
    _say(li, ended + "".join(f" {part}." for part in parts))
    if source.url:  # in words for paper; screens hide it, the title is the link
        _say(li, " ")
        _sub(li, "span", f"<{source.url}>", class_="url", aria_hidden="true")
    if source.archive_url:
        _say(li, " ")
        link = _sub(li, "a", f"Archived {source.archive_date}", href=source.archive_url)
        _say(li, ".")
    if source.checked:
        _say(li, " ")
        _sub(li, "span", f"Checked {source.checked}.", class_="checked")
    for n, (anchor, locator) in enumerate(places, 1):
        _say(li, " ")
        label = f"back to citation {n} of {source.name}"
        _sub(
            li, "a", f"↑\N{NO-BREAK SPACE}{locator or n}", class_="backlink", href=f"#{anchor}", role="doc-backlink",
            aria_label=label + (f", {locator}" if locator else ""),
        )  # fmt: skip


def fatal(md: Markdown, error: InputError, body: str) -> InputError:
    """`error` with the place of the citation, in the form on which the running builder stops with one line."""
    error = error.at(_place(md, body))
    if "mkdocs.exceptions" not in sys.modules:
        return error
    from mkdocs.exceptions import BuildError  # MkDocs shows a traceback for anything else

    class PageError(InputError, BuildError):
        """`InputError`, and in the eyes of MkDocs a failed build."""

        def __init__(self) -> None:
            InputError.__init__(self, error.what, place=error.place, mend=error.mend)
            BuildError.__init__(self, str(error))

    return PageError()


def _place(md: Markdown, body: str) -> str:
    """FILE:LINE of the citation, as far as known. Neither builder tells an extension which page it reads."""
    place = file_of(md)
    if place is None:
        return ""
    name = place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place
    try:
        lines = place.read_text(encoding="utf-8-sig").splitlines()
    except OSError:
        return str(name)
    first = f"[{body}".splitlines()[0]  # a citation may run over the end of a line
    return next((f"{name}:{n}" for n, line in enumerate(lines, 1) if first in line), str(name))
