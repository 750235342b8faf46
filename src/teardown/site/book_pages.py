"""A page of the built site as a chapter of the book.

What a page may hold is listed here, construct by construct. Whatever is not listed ends the build with page and
line: a book that silently drops half a page is worse than no book.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString

from teardown.draw import cards, words
from teardown.draw.story import first_closer
from teardown.errors import InputError
from teardown.lab import file as labs
from teardown.site import book_figures, references, worksheets
from teardown.site.built import Page
from teardown.world.run import run
from teardown.world.scenario import load
from teardown.world.trace import Trace

#: Elements that paper shows as they are.
_PLAIN: Final = frozenset(
    """a abbr b blockquote br caption cite code col colgroup dd del div dl dt em figcaption figure h2 h3 h4 h5 h6 hr i
    img ins kbd li mark ol p pre q s samp section small span strong sub sup table tbody td tfoot th thead time tr u ul
    var wbr""".split()
)
#: Boxes whose class says what they are: the ones that the print sheet knows. Any other class on one of these elements
#: means a construct of which nobody has thought what it should be on paper.
_BOXES: Final = frozenset({"div", "section", "aside", "figure", "details"})
_KNOWN_BOXES: Final = frozenset(
    """admonition note tip warning danger info example question abstract success failure bug quote important
    highlight peers table-box tcp-figure tcp-endings doors sources lab-intro lab-after""".split()
)
#: What only a screen needs: anchors for scripts, downloads, buttons that copy, words for a voice that paper says too.
_SCREEN_ONLY: Final = (
    "a.headerlink", "div.tcp-anchors", "p.tcp-links", "p.takeaway", "p.lab-noscript", "noscript", "span.tcp-spoken",
    "span.seen", ".screen", "script", "link", "nav.md-path", ".md-source-file", "button.md-clipboard", "a.md-content__button",
)  # fmt: skip
#: A script may hold drawings as text: it is no place to look for them.
_SVG: Final = re.compile(r"<svg\b.*?</svg>|<script\b.*?</script>", re.DOTALL)
#: How print.css sets the words beside a ladder: characters a line, mm a line, and units of a ladder in one mm.
_CHARACTERS: Final = 54
_LINE: Final = 3.82
_UNITS: Final = 360 / 68
#: Lines of code that are longer are set in smaller type.
_LONG_LINE: Final = 94
#: A table of so many rows is kept on one page.
_SHORT_TABLE: Final = 6
_DRAWING: Final = re.compile(r'<img class="drawing"[^>]*>')
#: The end of a link to a step of a run.
_STEP: Final = re.compile(r"([a-z0-9-]+)/(\d+)$")


@dataclass
class Counts:
    """What went in and came out, for the checks."""

    notes: int = 0
    figures: int = 0
    links: int = 0
    left_out: list[str] = field(default_factory=list)  # links to files that only the site has


def page_of(target: str) -> str:
    """Behind a link: the number of the page that it leads to."""
    return f' <span class="at page" data-to="{html.escape(target)}"></span>'


class Chapters:
    """Turns pages into chapters. One object makes one book: it knows all pages, and which runs were shown in frames."""

    def __init__(self, pages: Sequence[Page], docs: Path, shown: Collection[str] | None = None) -> None:
        """`shown` are the addresses of the chapters; links to others lose their target. Default: all pages."""
        self.pages = {page.address: page for page in pages}
        self.shown = set(self.pages if shown is None else shown)
        self.docs = docs
        self.sources = references.load()
        self.number = _numbers(pages)
        # scenario -> the page whose figure tells it in words and cards: the first that draws it
        self.told = _first_told([page for page in pages if page.address in self.shown])
        self.opened: dict[str, frozenset[str]] = {}  # a box that opens -> the rows of its tables, not to be printed again
        self.mapped: dict[str, str] = {}  # scenario -> the figure that holds its map of states
        self.answers: list[tuple[str, str, str]] = []  # lab's page, title, HTML
        self.counts = Counts()

    def chapter(self, page: Page) -> Chapter:
        """One page as HTML: headings one level down, identifiers with the page's name before them."""
        return _Page(self, page).chapter()


@dataclass
class Chapter:
    """A chapter: its title, its sections for the contents, and its HTML without the title."""

    page: Page
    title: str
    anchors: list[str]  # identifiers that lead to the title
    sections: list[tuple[str, str]]  # identifier, text
    body: str


def _first_told(pages: Sequence[Page]) -> dict[str, str]:
    """Scenario -> the page that shows its ladder first."""
    told: dict[str, str] = {}
    for page in pages:
        for name, figure in re.findall(r'<tcp-player data-scenario="([^"]+)"(.*?)</tcp-player>', page.article, re.DOTALL):
            if 'class="tcp-ladder' in figure:
                told.setdefault(name, page.slug)
    return told


def _numbers(pages: Sequence[Page]) -> dict[str, int]:
    """The number of each source in the full list, which is the page that has them all."""
    kinds = references.KINDS
    whole = [r.id for kind in kinds for r in references.load().values() if r.kind == kind]
    return {name: n for n, name in enumerate(whole, 1)}


class _Page:
    def __init__(self, book: Chapters, page: Page) -> None:
        self.book, self.page = book, page
        self.drawings: list[str] = []
        self.finished: set[int] = set()  # drawings that are fit for paper already
        self.soup = BeautifulSoup(_SVG.sub(self._keep, page.article), "html.parser")
        article = self.soup.article
        if article is None:
            raise InputError("this page has no <article>", place=page.source)
        self.article: Tag = article
        self.figure_ids: dict[str, str] = {}  # scenario -> identifier of its first figure on this page

    def _keep(self, found: re.Match[str]) -> str:
        lines = "\n" * found[0].count("\n")  # as many as before, so that the lines of what follows stay right
        if found[0].startswith("<script"):
            return lines
        self.drawings.append(found[0])
        return f'<i data-drawing="{len(self.drawings) - 1}"></i>{lines}'

    # --- the order of work ------------------------------------------------------------------------------------

    def chapter(self) -> Chapter:
        for selector in _SCREEN_ONLY:
            for element in self.article.select(selector):
                element.decompose()
        for selector, make in _CONSTRUCTS.items():
            for element in self.article.select(selector):
                if not element.decomposed:
                    try:
                        make(self, element)
                    except InputError as error:
                        raise error.at(self._place(element)) from None
        heading = self.article.h1
        title = " ".join(heading.get_text().split()) if heading else self.page.source
        anchors = [heading.get("id")] if heading and heading.get("id") else []
        if heading:
            heading.decompose()
        self._check()
        self._links()
        self._identifiers()
        self._counts()
        sections = self._headings()
        body = self.article.decode_contents()
        body = re.sub(r'<i data-drawing="(\d+)"></i>', lambda m: self._drawing(int(m[1])), body)
        return Chapter(self.page, title, [f"{self.page.slug}--{anchor}" for anchor in anchors], sections, body)

    def _drawing(self, number: int) -> str:
        svg = self.drawings[number]
        return svg if number in self.finished else book_figures.whole(svg)

    def _check(self) -> None:
        """Nothing may be left that paper does not know."""
        for element in self.article.find_all(True):
            if element.has_attr("data-drawing"):
                try:
                    book_figures.checked(self.drawings[int(str(element["data-drawing"]))])
                except InputError as error:
                    raise error.at(self._place(element)) from None
                continue
            classes = list(element.get("class") or ())
            if element.name not in _PLAIN:
                self._unknown(element, f"<{element.name}>")
            if element.has_attr("hidden"):
                self._unknown(element, f"a hidden <{element.name}>")
            ours = any(c in _KNOWN_BOXES or c.startswith(("book-", "sheet-")) for c in classes)
            if element.name in _BOXES and classes and not ours:
                self._unknown(element, f'<{element.name} class="{" ".join(classes)}">')

    def _unknown(self, element: Tag, what: str) -> None:
        raise InputError(
            f"the book does not know {what}", place=self._place(element),
            mend="Say in src/teardown/site/book_pages.py what it is on paper.",
        )  # fmt: skip

    def _place(self, element: Tag) -> str:
        """Where it stands: the line of the Markdown file if it can be told, else of the built page."""
        built = f"site/{self.page.file}:{self.page.line + (element.sourceline or 1) - 1}"
        try:
            lines = (self.book.docs / self.page.source).read_text(encoding="utf-8").splitlines()
        except OSError:
            return built
        words_ = " ".join(element.get_text(" ", strip=True).split()[:5])
        for clue in (f"<{element.name}", *(element.get("class") or []), words_, words_[:15]):
            found = [n for n, line in enumerate(lines, 1) if clue and clue in line]
            if len(found) == 1:
                return f"docs/{self.page.source}:{found[0]} ({built})"
        return f"docs/{self.page.source} ({built})"

    # --- links, identifiers, headings --------------------------------------------------------------------------

    def _links(self) -> None:
        for link in self.article.find_all("a"):
            address = link.get("href")
            if address is None:
                if not link.get("id"):
                    link.unwrap()
                continue
            if link.select_one("[data-drawing]"):
                self._unknown(link, "a link around a drawing")
            target = str(address) if link.has_attr("data-made") else self._target(str(address), link)
            if target is None:  # a file that only the site has: its name stays, the link goes
                self.book.counts.left_out.append(str(address))
                link.unwrap()
                continue
            keep = {"href": target} | ({"id": link["id"]} if link.get("id") else {})
            keep["class"] = self._kind(link, target)
            link.attrs = keep
            self.book.counts.links += 1
            outer = self._flatten(link)
            if where := self._where(str(keep["class"]), target):
                outer.insert_after(*self.new(where))

    def _kind(self, link: Tag, target: str) -> str:
        """The classes of a link: what is printed after it depends on them."""
        if not target.startswith("#"):
            return "ext"
        if "term" in (link.get("class") or ()):  # the glossary is at the end, and is named there
            return "xref term"
        if _STEP.search(target) and not link.has_attr("data-made"):
            return "xref step"
        return "xref plain" if link.find_parent(class_="fn") else "xref"

    def _where(self, kind: str, target: str) -> str:
        """What is printed after a link: a step, the number of a source, or a page."""
        if kind == "xref step" and (step := _STEP.search(target)):
            return f' <span class="at">(step\N{NO-BREAK SPACE}{step[2]})</span>'
        if kind == "xref":
            source = target.rpartition("--source-")[2]
            number = self.book.number.get(source) if "--source-" in target else None
            return f' <span class="at">[{number}]</span>' if number else page_of(target)
        return ""

    def _flatten(self, link: Tag) -> Tag:
        """WeasyPrint loses the link's place in the tags when the link holds other elements: they go around it.

        Returns the outermost of them.
        """
        outer = link
        inner = [child for child in link.children if not (isinstance(child, NavigableString) and not child.strip())]
        if len(inner) == 1 and isinstance(inner[0], Tag) and inner[0].name == "code":
            code = inner[0]
            code.unwrap()
            outer = link.wrap(self.soup.new_tag("code"))
        for child in link.find_all(True):
            child.unwrap()
        link.string = " ".join(link.get_text().split()) or str(link["href"])
        return outer

    def _target(self, address: str, link: Tag) -> str | None:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https", "mailto"):
            return address
        if parts.scheme or parts.netloc:
            raise InputError(f"a book cannot link to {address!r}", place=self._place(link))
        path = posixpath.normpath(posixpath.join("/", self.page.address, unquote(parts.path)))[1:]
        path = "" if path in (".", "") else path
        if not parts.path:
            path = self.page.address.rstrip("/")
        page = self.book.pages.get(f"{path}/" if path else "")
        if page is None:
            if path.startswith("assets/") or "." in path.rsplit("/", 1)[-1]:
                return None
            raise InputError(
                f"this link leads to {address!r}, which is no page of the book", place=self._place(link),
                mend="Add that page to the navigation.",
            )  # fmt: skip
        if page.address not in self.book.shown:
            return None
        fragment = unquote(parts.fragment)
        if (step := _STEP.fullmatch(fragment)) and step[1] in self.book.told:  # told at the first figure of that run
            return f"#{self.book.told[step[1]]}--{fragment}"
        # The sheet of a lab has sections of its own.
        if not parts.fragment or re.search("<tcp-(lab|code)", page.article):
            return f"#{page.slug}"
        return f"#{page.slug}--{fragment}"

    def _identifiers(self) -> None:
        for element in self.article.find_all(id=True):
            if not str(element["id"]).startswith(f"{self.page.slug}--"):
                element["id"] = f"{self.page.slug}--{element['id']}"
        for element in self.article.find_all(True):
            for name in [n for n in element.attrs if n.startswith(("aria-", "data-")) or n in ("role", "tabindex")]:
                if name not in ("data-drawing", "data-to"):
                    del element[name]

    def _counts(self) -> None:
        """Lists that do not begin at 1 (a printer reads that from the style only), and lists of several blocks."""
        for table in self.article.find_all("table"):
            classes = list(table.get("class") or ())
            if len(table.find_all("tr")) <= _SHORT_TABLE and "pair" not in classes and "rules" not in classes:
                table["class"] = " ".join([*classes, "short"])
        for listing in self.article.select("ol[start]"):
            listing["style"] = f"counter-reset:list-item {int(str(listing['start'])) - 1}"

        # A tagged PDF has no place for a marker beside several blocks: there it is written out.
        for listing in self.article.find_all(["ol", "ul"]):
            if listing.find_parent("table") or {"frames", "asked"} & set(listing.get("class") or ()):
                continue
            for number, item in enumerate(listing.find_all("li", recursive=False), int(str(listing.get("start") or 1))):
                first = next((child for child in item.children if isinstance(child, Tag)), None)
                if first is not None and first.name == "p":
                    mark = self.soup.new_tag("b")
                    mark.string = f"{number}. " if listing.name == "ol" else "• "
                    first.insert(0, mark)
                    item["class"] = "own-mark"

    def _headings(self) -> list[tuple[str, str]]:
        sections = []
        before = 2  # the chapter's title
        for heading in self.article.find_all(re.compile(r"^h[2-5]$")):
            before = min(int(heading.name[1]) + 1, before + 1)  # no level is skipped, whatever a page does
            heading.name = f"h{before}"
        for n, heading in enumerate(self.article.find_all("h3"), 1):
            if not heading.get("id"):
                heading["id"] = f"{self.page.slug}--section-{n}"
            if heading.find_parent(class_="sheet-lab") is None:
                sections.append((str(heading["id"]), " ".join(heading.get_text().split())))
        return sections

    # --- constructs --------------------------------------------------------------------------------------------

    def new(self, markup: str) -> list[Tag | NavigableString]:
        """Elements from markup; finished drawings in it are kept aside, for they are long."""
        fragment = BeautifulSoup(_DRAWING.sub(self._keep_finished, markup), "html.parser")
        return [child.extract() for child in list(fragment.children)]  # type: ignore[misc]

    def _keep_finished(self, found: re.Match[str]) -> str:
        self.finished.add(len(self.drawings))
        self.drawings.append(found[0])
        return f'<i data-drawing="{len(self.drawings) - 1}"></i>'

    def replace(self, element: Tag, markup: str) -> None:
        """Puts markup in the place of an element."""
        for child in self.new(markup):
            element.insert_before(child)
        element.decompose()

    def player(self, element: Tag) -> None:
        """A figure: caption, ladder beside its transcript, the map, and frames where this run is first shown."""
        player = element if element.name == "tcp-player" else element.find("tcp-player")
        if not isinstance(player, Tag) or player.figure is None:
            raise InputError("this figure has no <figure>")
        name, figure = str(player["data-scenario"]), player.figure
        trace = run(load(name))
        anchor = str(figure["id"])
        caption = figure.figcaption.decode_contents() if figure.figcaption else ""
        out = [f"<figcaption>{caption}</figcaption>"]
        first = name not in self.figure_ids and self.book.told.get(name) == self.page.slug
        self.figure_ids.setdefault(name, anchor)
        if (ladder := figure.select_one(".tcp-ladder i[data-drawing]")) is not None:
            heads = [float(y) for y in str(player["data-y"]).split(",")]
            svg = self.drawings[int(str(ladder["data-drawing"]))]
            if first:
                out.append(_ladder(svg, heads, trace, name))
                out.append(_cards(trace, f"{anchor}-frames"))
            else:
                pieces = book_figures.columns(svg, heads)
                kind = "book-again book-columns" if len(pieces) > 1 else "book-again book-whole"
                out.append(f'<div class="{kind}">{"".join(pieces)}</div>')
                out.append(
                    f'<p class="again">The {first_closer(trace)} is on the left. This run step by step, in words and in '
                    f'cards: <a href="#{self.book.told[name]}--{name}/0" data-made="">the first figure of it</a>.</p>'
                )
        elif figure.select_one(".transcript"):
            out.append(words.transcript(trace))
        if (states_map := figure.select_one(".tcp-states i[data-drawing]")) is not None and name not in self.book.mapped:
            self.book.mapped[name] = anchor
            drawn = book_figures.whole(self.drawings[int(str(states_map["data-drawing"]))])
            regions = figure.select_one("ul.regions")
            out.append(_pair("The states", "What can happen in each", [(drawn, regions.decode() if regions else "")], "book-map"))
        if (table := figure.select_one("details.wanted table")) is not None:
            out.append(table.decode())
        self.book.counts.figures += 1
        self.replace(element, f'<figure class="tcp-figure" id="{anchor}" data-counted="">{"".join(out)}</figure>')

    def other_figure(self, figure: Tag) -> None:
        """A figure that is no player: it stays as it is. A drawing higher than a page stands in two columns."""
        if figure.has_attr("data-counted"):
            return
        self.book.counts.figures += 1
        for drawing in figure.select(":scope > i[data-drawing]"):
            pieces = book_figures.columns(self.drawings[int(str(drawing["data-drawing"]))], ())
            if len(pieces) > 1:
                self.replace(drawing, f'<div class="book-again">{"".join(pieces)}</div>')

    def citation(self, sup: Tag) -> None:
        """A citation becomes a footnote: the sources' short names, the place in each, and their numbers in the list."""
        parts = []
        for link in sup.find_all("a"):
            source = self.book.sources[str(link["href"]).removeprefix("#source-")]
            tail = link.next_sibling
            locator = str(tail).strip().strip(",]").strip() if isinstance(tail, NavigableString) else ""
            number = self.book.number[source.id]
            place = f", {html.escape(locator)}" if locator else ""
            parts.append(f'{html.escape(source.name)}{place} [<a href="{self._list()}#source-{source.id}">{number}</a>]')
        self._note(sup, f'{"; ".join(parts)}.')

    def _note(self, call: Tag, text: str) -> None:
        """A footnote in the place of its call, never apart from the word before it.

        A call that stands as a word itself ("Heard in: [7].") is printed as one.
        """
        self.book.counts.notes += 1
        before = call.previous_sibling
        written = str(before) if isinstance(before, NavigableString) else ""
        if before is None or written[-1:].isspace():
            self.replace(call, f'<span class="fn said">{text}</span>')
        elif isinstance(before, NavigableString):
            word = written.split()[-1]
            kept = self.soup.new_tag("span", attrs={"class": "keep"})
            before.replace_with(NavigableString(written.removesuffix(word)), kept)
            kept.append(NavigableString(word))
            kept.extend(self.new(f'<span class="fn">{text}</span>'))
            call.decompose()
        else:
            self.replace(call, f'<span class="fn">{text}</span>')

    def _list(self) -> str:
        up = "../" * self.page.address.count("/")
        return f"{up}reference/references/"

    def sources(self, section: Tag) -> None:
        """A page's own list of sources goes: its footnotes say the same. The list of all sources stays."""
        if section.get("aria-labelledby") == "sources":
            section.decompose()
            return
        for link in section.select("a.backlink"):
            link.decompose()

    def note(self, call: Tag) -> None:
        """Markdown's own footnotes."""
        link = call.a
        body = self.article.find(id=str(link["href"]).removeprefix("#")) if link else None
        if not isinstance(body, Tag):
            raise InputError("this footnote has no text")
        for back in body.select("a.footnote-backref"):
            back.decompose()
        inner = " ".join(p.decode_contents() for p in body.find_all("p")) or body.decode_contents()
        self._note(call, inner.strip())

    def notes(self, box: Tag) -> None:
        """The list of Markdown's footnotes: each stands at its call by now."""
        box.decompose()

    def tabs(self, box: Tag) -> None:
        """Tabs become boxes below each other, each with its label."""
        names = [label.get_text(" ", strip=True) for label in box.select(".tabbed-labels > label")]
        blocks = box.select(".tabbed-content > .tabbed-block")
        if len(names) != len(blocks):
            raise InputError(f"{len(names)} labels for {len(blocks)} tabs")
        out = []
        for name, block in zip(names, blocks, strict=True):
            first = block.find(True, recursive=False)  # a file's name belongs to the label if nothing stands before it
            file = first.select_one(".filename") if first and "highlight" in (first.get("class") or ()) else None
            label = f"{html.escape(name)}" + (f": <code>{html.escape(file.get_text())}</code>" if file else "")
            if file:
                file.decompose()
            out.append(f'<div class="book-tab"><p class="book-label">{label}</p>{block.decode_contents()}</div>')
        self.replace(box, "".join(out))

    def details(self, box: Tag) -> None:
        """What opens on a screen is open on paper."""
        for inner in reversed(box.find_all("details")):
            self.details(inner)
        summary = box.find("summary")
        title = summary.decode_contents() if isinstance(summary, Tag) else ""
        if isinstance(summary, Tag):
            summary.decompose()
        content = box.decode_contents()
        rows = frozenset(re.findall(r"<tr>.*?</tr>", content, re.DOTALL))
        place = next((name for name, held in self.book.opened.items() if rows <= held), None)
        if rows and place is not None:
            self.replace(box, f'<p class="again"><a href="#{place}" data-made="">{title}</a></p>')
            return
        name = f"open-{len(self.book.opened)}"
        self.book.opened[f"{self.page.slug}--{name}"] = rows
        self.replace(box, f'<div class="book-open" id="{name}"><p class="book-label">{title}</p>{content}</div>')

    def code(self, box: Tag) -> None:
        """Code without the anchors of its lines; the name of its file stays with it."""
        for link in box.select("pre a"):
            link.unwrap()
        if (name := box.select_one("span.filename")) is not None:
            name.name = "p"
        if (pre := box.pre) is not None and max(map(len, pre.get_text().splitlines()), default=0) > _LONG_LINE:
            pre["class"] = "long"
        for call in box.select(".c, .c1"):
            if found := re.fullmatch(r"\s*(?:#|//)?\s*\((\d+)\)!?", call.get_text()):
                call.string = f" ({found[1]})"

    def doors(self, box: Tag) -> None:
        """The front page's ways in."""
        items = []
        for link in box.find_all("a", recursive=False):
            strong = link.strong.extract() if link.strong else None
            title = strong.get_text() if strong else link.get_text()
            rest = link.decode_contents().strip() if strong else ""
            items.append(f'<li><a href="{link["href"]}">{html.escape(title)}</a>. {rest}</li>')
        self.replace(box, f"<ul>{''.join(items)}</ul>")

    def tool(self, box: Tag) -> None:
        """A workbench: its drawing, and where it works."""
        drawing = box.select_one("i[data-drawing]")
        shown = book_figures.whole(self.drawings[int(str(drawing["data-drawing"]))]) if drawing else ""
        script = "".join(pre.decode() for pre in box.select("pre"))
        said = "Here the site has a workbench, which runs in the browser. The offline copy has it too."
        self.replace(box, f'<div class="book-tool">{shown}{script}<p class="again">{said}</p></div>')

    def unwrapped(self, element: Tag) -> None:
        """A box that only the screen needs."""
        element.unwrap()

    def lab(self, element: Tag) -> None:
        """A lab becomes its worksheet; hints and answers move to the appendix."""
        name = str(element["data-lab"])
        lab = labs.load(name)
        self.book.answers.append((self.page.slug, lab.title, worksheets.answers(lab, f"answers-{name}--")))
        see = self.article.select(".lab-after .lab-see a")
        read_on = "; ".join(link.decode() for link in see)
        for box in self.article.select(".lab-intro, .lab-after"):
            box.decompose()
        sheet = worksheets.student(lab)
        more = f'<p class="again">Read on: {read_on}.</p>' if read_on else ""
        lead = f'<p class="lead">{html.escape(lab.summary)}</p>'
        self.replace(element, f'<div class="sheet-lab">{lead}{sheet}{more}</div>'.replace("<h4", "<h2").replace("</h4>", "</h2>"))


def _cards(trace: Trace, anchor: str) -> str:
    """Every step of a run as a card with its number and time."""
    clock, left = words.clock_of(trace), first_closer(trace)
    made = "".join(
        f"<li><p><b>{i}</b> · {html.escape(clock.label(step.t))}</p>{book_figures.whole(cards.card(trace, i, left))}</li>"
        for i, step in enumerate(trace.steps)
    )
    title = f"Step by step: the {left} on the left. An open arrow leaves, a full one arrives."
    return f'<p class="frames-title" id="{anchor}">{title}</p><ol class="frames">{made}</ol>'


def _ladder(svg: str, heads: Sequence[float], trace: Trace, name: str) -> str:
    said = re.sub(r' ?<span class="both">.*?</span>', "", words.transcript(trace), flags=re.DOTALL)  # the cards show it
    items = re.findall(r"<li\b[^>]*>(.*?)</li>", said, re.DOTALL)
    needs = [_UNITS * (1.3 + _LINE * -(-len(re.sub("<[^>]+>", "", item)) // _CHARACTERS)) for item in items]
    rows = []
    for piece, steps in book_figures.rows(svg, heads, needs):
        said = "".join(
            f'<li id="{name}/{i}">{items[i]}</li>' for i in steps
        )
        rows.append((piece, f'<ol class="transcript" start="{steps.start}">{said}</ol>'))
    return _pair("The picture", "The same in words", rows, "book-ladder")


def _pair(left: str, right: str, rows: Sequence[tuple[str, str]], kind: str) -> str:
    body = "".join(f'<tr><td class="drawn">{a}</td><td>{b}</td></tr>' for a, b in rows)
    return (
        f'<table class="pair {kind}"><thead><tr><th scope="col">{left}</th><th scope="col">{right}</th></tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


#: What needs more than a style, in the order of work: selector -> what becomes of it.
_CONSTRUCTS: Final[Mapping[str, Callable[[_Page, Tag], None]]] = {
    "tcp-lab, tcp-code": _Page.lab,
    "div.bench": _Page.tool,
    "div.tcp-embed": _Page.player,
    "tcp-player": _Page.player,
    "tcp-population": _Page.unwrapped,
    "figure": _Page.other_figure,
    "section.sources": _Page.sources,
    "sup.cite": _Page.citation,
    "sup[id^='fnref']": _Page.note,
    "div.footnote": _Page.notes,
    "div.tabbed-set": _Page.tabs,
    "details": _Page.details,
    "div.highlight": _Page.code,
    "div.doors": _Page.doors,
    "div.table-box": _Page.unwrapped,
}
