"""The book: the whole site as one PDF. `python -m teardown.site.book`, after the site is built.

Cover, contents, every page of the navigation as a chapter, the labs as worksheets with their answers in an appendix,
sources, and an index of states and timers. Made from the built pages, so the site and the book cannot differ.
"""

from __future__ import annotations

import argparse
import html
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from teardown.errors import InputError
from teardown.site import book_figures, book_index, press, takeaway
from teardown.site.book_pages import Chapter, Chapters, Counts, page_of
from teardown.site.built import configuration, pages
from teardown.site.edition import day, edition
from teardown.world.run import run
from teardown.world.scenario import load

#: The run on the cover.
_COVER: Final = "buggy-client"
#: Parts of whose chapters the contents name no sections.
_TITLES_ONLY: Final = frozenset({"Questions"})
#: Parts whose names only a site has.
_PARTS: Final = {"Home": "At a glance"}
#: More sections than these are a list, not a help.
_MOST_SECTIONS: Final = 12
#: Said on the cover, where the title stands already.
_ABOUT: Final = (
    "Why one side of a connection may wait for ever, and what ends the wait. "
    "Each case as a picture, in words and step by step, with a worksheet for each lab."
)
_ANSWERS: Final = "Answers"
_INDEX: Final = "Index of states and timers"


class Book(NamedTuple):
    """A book before it is printed: its HTML, and what the checks compare with the PDF."""

    html: str
    counts: Counts
    entries: book_index.Index


def compose(root: Path, site: Path, *, answers: bool = True, only: Sequence[str] = ()) -> Book:
    """The HTML of the book from the built site. Raises InputError for whatever has no form on paper.

    `only` are beginnings of addresses (`faq/`): a part of the book, to look at. Links that leave it are plain text.
    """
    listed = pages(root, site)
    shown = [page for page in listed if not only or page.address.startswith(tuple(only))]
    maker = Chapters(listed, root / "docs", [page.address for page in shown])
    chapters = [maker.chapter(page) for page in shown]
    index = book_index.Index()
    body, contents = [], []
    part = group = ""
    sheet = False
    for chapter in chapters:
        page = chapter.page
        opening = page.part != part
        before, sheet = sheet, 'class="sheet-lab"' in chapter.body
        apart = sheet or before  # a worksheet begins on a page of its own; other chapters follow each other
        if opening:
            part, group = page.part, ""
            contents.append(f'<li class="toc-part"><a href="#part-{page.slug}">{html.escape(_PARTS.get(part, part))}</a></li>')
        if page.group and page.group != group:
            group = page.group
            contents.append(f'<li class="toc-group">{html.escape(group)}</li>')
        contents.append(f'<li class="toc-chapter"><a href="#{page.slug}">{html.escape(chapter.title)}</a></li>')
        if page.part not in _TITLES_ONLY and len(chapter.sections) <= _MOST_SECTIONS:
            contents += [f'<li class="toc-section"><a href="#{i}">{html.escape(t)}</a></li>' for i, t in chapter.sections]
        said = _about_labs(answers) if opening and page.part == "Labs" else ""
        body.append(_chapter(chapter, said + index.marked(chapter), opening=opening, running=not opening and not apart))
    if answers and maker.answers:
        contents.append(f'<li class="toc-part"><a href="#answers">{_ANSWERS}</a></li>')
        body.append(_answers(maker.answers))
    contents.append(f'<li class="toc-part"><a href="#index">{_INDEX}</a></li>')
    name = str(configuration(root).get("site_name"))
    about = str(configuration(root).get("site_description"))
    document = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(name)}: how TCP connections end</title>'
        f'<meta name="author" content="The FIN_WAIT_2 project"><meta name="description" content="{html.escape(about)}">'
        '<meta name="keywords" content="TCP, FIN_WAIT_2, CLOSE_WAIT, TIME_WAIT, teardown">'
        f'<meta name="dcterms.created" content="{day()}"><meta name="dcterms.modified" content="{day()}"></head><body>'
        f"{_cover(name, answers)}"
        f'<section id="toc"><h1>Contents</h1><ul>{"".join(contents)}</ul></section>'
        f"{''.join(body)}"
        f'<section class="chapter" id="index"><h1 class="part-title">{_INDEX}</h1></section></body></html>'
    )
    return Book(document, maker.counts, index)


def _chapter(chapter: Chapter, text: str, *, opening: bool, running: bool) -> str:
    page = chapter.page
    kind = "chapter running" if running else "chapter"
    part = html.escape(_PARTS.get(page.part, page.part))
    head = f'<h1 class="part-title" id="part-{page.slug}">{part}</h1>' if opening else ""
    anchors = "".join(f'<span id="{anchor}"></span>' for anchor in chapter.anchors)
    title = f'<h2 class="chapter-title" id="{page.slug}">{anchors}{html.escape(chapter.title)}</h2>'
    lab = " lab" if 'class="sheet-lab"' in text else ""
    return f'<section class="{kind}{lab}">{head}{title}{text}</section>'


def _about_labs(answers: bool) -> str:
    """What only a reader of the book must know about the labs."""
    key = "the answers are left out"
    if answers:
        key = f'<a class="xref" href="#answers">the answers</a>{page_of("#answers")} stand at the end'
    return (
        f'<p class="again">In this book each lab is a worksheet, and {key}. '
        "To play it, open the same page of the site or of its offline copy.</p>"
    )


def _answers(found: Sequence[tuple[str, str, str]]) -> str:
    out = [f'<h1 class="part-title" id="answers">{_ANSWERS}</h1>']
    for slug, title, text in found:
        text = text.replace("<h4", "<h3").replace("</h4>", "</h3>")
        out.append(
            f'<section class="sheet-answers"><h2 class="chapter-title" id="answers-{slug}">{html.escape(title)}</h2>'
            f'<p class="again">The sheet: <a class="xref" href="#{slug}">{html.escape(title)}</a>{page_of("#" + slug)}.</p>{text}</section>'
        )
    return f'<section class="chapter">{"".join(out)}</section>'


def _cover(name: str, answers: bool) -> str:
    from teardown.draw import ladder, state_map
    from teardown.draw.story import first_closer
    from teardown.site.state_graph import plan

    trace = run(load(_COVER))
    picture = book_figures.whole(ladder.draw(trace, ids="cover", left=first_closer(trace)).svg)
    states = book_figures.whole(state_map.draw(plan(), "cover-map", trace))
    students = "" if answers else " For students: without the answers."
    return (
        f'<section id="cover"><p class="cover-name">{html.escape(name)}</p><p class="cover-title">How TCP connections end</p>'
        f'<p class="cover-about">{_ABOUT}</p><div class="cover-picture">{picture}{states}</div>'
        f'<p class="cover-edition">{edition()}.{students}<br>The FIN_WAIT_2 project. Text CC BY 4.0, code MIT. '
        "Typefaces: Source Serif 4 and IBM Plex Mono, SIL Open Font License.</p></section>"
    )


class Printed(NamedTuple):
    """A finished book."""

    content: bytes
    pages: int


def printed(book: Book, site: Path, cache: Path, paper: str = "a4") -> Printed:
    """The PDF. The index needs the numbers of the pages, so it is laid out last, in the place that was kept for it."""
    with press.strict("the book"):
        body = press.lay_out(book.html, site, cache, paper)
        numbers = {name: n for n, page in enumerate(body.pages, 1) for name in page.anchors}
        first = numbers["index"]
        last = press.lay_out(
            book.entries.html(_INDEX, numbers), site, cache, paper, f"@page:first{{counter-reset:page {first}}}"
        )
        whole = body.copy([*body.pages[: first - 1], *last.pages])
        content = press.print_pages(whole)
    return Printed(content, len(whole.pages))


def main(argv: list[str] | None = None) -> int:
    """Prints the book of the built site. Returns 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m teardown.site.book", description=__doc__)
    parser.add_argument("--paper", choices=press.PAPERS, default="a4")
    parser.add_argument("--student", action="store_true", help="without the answers to the labs")
    parser.add_argument("--only", action="append", default=[], metavar="PLACE", help="a part of it: faq/ (with --output)")
    parser.add_argument("--site", type=Path, default=Path("site"))
    parser.add_argument("--output", type=Path, help="default: a name below the site that says paper and edition")
    parser.add_argument("--html", type=Path, help="write the HTML too, to look at")
    options = parser.parse_args(argv)
    if options.only and not options.output:
        parser.error("--only goes with --output")
    begun = time.monotonic()
    try:
        book = compose(Path.cwd(), options.site, answers=not options.student, only=options.only)
        if options.html:
            options.html.write_text(book.html, encoding="utf-8")
        made = printed(book, options.site, Path("build/book"), options.paper)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    name = "fin-wait-2" + ("" if options.paper == "a4" else f"-{options.paper}") + ("-student" if options.student else "")
    file = options.output or options.site / f"{name}.pdf"
    if options.output:
        file.write_bytes(made.content)
    else:
        takeaway.keep(options.site, {file.name: made.content})
    took = time.monotonic() - begun
    print(f"==> {file} ({made.pages} pages, {len(made.content) / 1e6:.1f} MB, {took:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
