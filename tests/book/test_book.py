"""The book: nothing of the pages is lost on the way to paper, and the PDF is one that a screen reader can use.

The whole site is composed, which reads every page. Printed is a part of it, because printing all of it takes minutes:
`TEARDOWN_BOOK=whole` prints everything.
"""

from __future__ import annotations

import collections
import html
import io
import itertools
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import page as validator
import pikepdf
import pytest
from fontTools.ttLib import TTFont
from weasyprint.formatting_structure import boxes

from teardown.errors import InputError
from teardown.site import book, built, press, worksheets
from teardown.site.book_pages import Chapters
from teardown.site.built import Page

ROOT = Path(__file__).parents[2]
SITE = ROOT / "site"
#: One chapter of each kind: figures, tabs, a worksheet, a glossary, the sources.
PART = ("faq/lingering", "guide/today", "labs/buggy-client", "reference/glossary", "reference/references")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def whole() -> book.Book:
    """The HTML of the whole book, without the answers, whose ways take the engine a while to find."""
    if not (SITE / "index.html").is_file():
        pytest.skip("there is no built site: run make site")
    return book.compose(ROOT, SITE, answers=False)


@pytest.fixture(scope="module")
def part(whole: book.Book, tmp_path_factory: pytest.TempPathFactory) -> tuple[book.Book, Path]:
    """The HTML that is printed, and the PDF. Any log record of WeasyPrint would have ended the run."""
    only = () if os.environ.get("TEARDOWN_BOOK") == "whole" else PART
    made = book.compose(ROOT, SITE, only=only)
    file = tmp_path_factory.mktemp("book") / "book.pdf"
    file.write_bytes(book.printed(made, SITE, ROOT / "build" / "book").content)
    return made, file


@pytest.fixture(scope="module")
def pdf(part: tuple[book.Book, Path]) -> pikepdf.Pdf:
    return pikepdf.open(part[1])


# --- from the pages to the book's HTML ----------------------------------------------------------------------


def test_every_page_is_a_chapter(whole: book.Book) -> None:
    listed = built.pages(ROOT, SITE)
    chapters = re.findall(r'<h2 class="chapter-title" id="([^"]+)"', whole.html)
    assert chapters == [one.slug for one in listed]
    assert len(chapters) > 50


def test_no_footnote_and_no_figure_is_lost(whole: book.Book) -> None:
    articles = "".join(one.article for one in built.pages(ROOT, SITE))
    cited = len(re.findall(r'<sup class="cite"', articles)) + len(re.findall(r'<sup id="fnref', articles))
    assert cited == whole.counts.notes == len(re.findall(r'<span class="fn( said)?">', whole.html))
    figures = len(re.findall(r"<figure\b", articles))
    assert figures == whole.counts.figures == len(re.findall(r"<figure\b", whole.html))


def test_a_note_stays_with_the_word_before_it(whole: book.Book) -> None:
    notes = re.findall(r'(.{200})<span class="fn">', whole.html, re.DOTALL)
    loose = [before[-60:] for before in notes if re.search(r"[^>]$", before) and not re.search(r'class="keep">[^<]+$', before)]
    assert len(notes) > 300
    assert not loose


def test_every_link_inside_the_book_leads_somewhere(whole: book.Book) -> None:
    names = set(re.findall(r'\sid="([^"]+)"', whole.html))
    wanted = set(re.findall(r'href="#([^"]+)"', whole.html))
    # The answers are not in this book; everything else must be.
    assert not {name for name in wanted - names if not name.startswith("answers")}
    assert not re.search(r'href="(?!#|https?://|mailto:)', whole.html)


def test_no_identifier_stands_twice(whole: book.Book) -> None:
    names = collections.Counter(re.findall(r'\sid="([^"]+)"', whole.html))
    assert not [name for name, n in names.items() if n > 1]


def test_only_links_to_files_beside_the_pages_are_left_out(whole: book.Book) -> None:
    assert all(re.search(r"\.(py|txt|toml|json|svg|pcapng|zip)$", name) for name in whole.counts.left_out)


def test_our_typefaces_have_every_letter(whole: book.Book) -> None:
    """A letter that they lack would come from whatever this machine has."""
    press.fonts(ROOT / "build" / "book" / "fonts")
    files = (ROOT / "build" / "book" / "fonts").glob("*-400-normal.ttf")
    known = set[int]().union(*(TTFont(file).getBestCmap() for file in files))
    assert not {one for one in html.unescape(re.sub(r"<[^>]+>", "", whole.html)) if one > " " and ord(one) not in known}


def test_headings_never_skip_a_level(whole: book.Book) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", whole.html)]
    assert not [(a, b) for a, b in itertools.pairwise(levels) if b > a + 1]


def test_every_run_is_shown_once_in_frames(whole: book.Book) -> None:
    """The site's print frames: as many as its player has steps, at the first figure of each run."""
    articles = "".join(one.article for one in built.pages(ROOT, SITE))
    steps = {
        name: heights.count(",") + 1
        for name, heights in re.findall(r'<tcp-player data-scenario="([^"]+)" data-y="([^"]+)"', articles)
    }
    lists = re.findall(r'<ol class="frames">(.*?)</ol>', whole.html, re.DOTALL)
    assert sorted(frames.count("<li>") for frames in lists) == sorted(steps.values())


class Words(HTMLParser):
    """Every word of a page's text, without drawings and what a script needs."""

    def __init__(self) -> None:
        super().__init__()
        self.words: collections.Counter[str] = collections.Counter()

    def handle_data(self, data: str) -> None:
        self.words.update(re.findall(r"\w{4,}", data))


def words(markup: str) -> collections.Counter[str]:
    reader = Words()
    reader.feed(re.sub(r"<svg\b.*?</svg>|<(script|noscript|title)\b.*?</\1>", "", markup, flags=re.DOTALL))
    return reader.words


def test_paragraphs_lists_and_tables_keep_their_words(whole: book.Book) -> None:
    """What MkDocs wrote as plain text, outside of figures, labs and lists of sources, is all in the book."""
    there = words(whole.html)
    lost = collections.Counter[str]()
    for one in built.pages(ROOT, SITE):
        text = re.sub(
            r"<(figure|tcp-lab|tcp-code|tcp-machine|tcp-pkt|section|details|nav)\b.*?</\1>|<div class=\"lab-.*"
            r"|<p class=\"takeaway.*?</p>|<span class='seen'>.*?</span>"
            r"|<a class=\"headerlink.*?</a>|<p class=\"lab-noscript.*?</p>|<div class=\"code-.*",
            "", one.article, flags=re.DOTALL,
        )  # fmt: skip
        lost.update({word: n for word, n in words(text).items() if word not in there})
    assert not lost


# --- what the book does not know ----------------------------------------------------------------------------


def chapter_of(markup: str, tmp_path: Path, source: str = "") -> Any:
    """The chapter of a page with this article; its Markdown file holds `source`."""
    (tmp_path / "x.md").write_text(source or markup, encoding="utf-8")
    one = Page("x/", "x.md", "Part", "", "x/index.html", f"<article><h1>X</h1>\n{markup}</article>", 40)
    return Chapters([one], tmp_path).chapter(one)


@pytest.mark.parametrize(
    ("markup", "what"),
    [
        ("<p>a</p>\n<tcp-new>b</tcp-new>", "<tcp-new>"),
        ('<p>a</p>\n<div class="carousel"><p>b</p></div>', '<div class="carousel">'),
        ("<p>a</p>\n<button>b</button>", "<button>"),
        ("<p>a</p>\n<video></video>", "<video>"),
        ("<p>a</p>\n<p hidden>b</p>", "a hidden <p>"),
        ("<p>a</p>\n<form><p>b</p></form>", "<form>"),
        ('<p>a</p>\n<div class="grid cards"><p>b</p></div>', '<div class="grid cards">'),
        ('<p>a</p>\n<math><mi>b</mi></math>', "<math>"),
    ],
)
def test_an_unknown_construct_fails_with_page_and_line(markup: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        chapter_of(markup, tmp_path)
    assert what in str(caught.value)
    assert str(caught.value).startswith("docs/x.md:2 (site/x/index.html:42)")


def test_a_drawing_that_no_printer_shows_fails(tmp_path: Path) -> None:
    svg = '<svg viewBox="0 0 10 10"><title>t</title><rect fill="var(--ink)" width="9" height="9"/></svg>'
    with pytest.raises(InputError, match=r"CSS variable.*plain attributes"):
        chapter_of(f"<figure>{svg}</figure>", tmp_path)


def test_a_link_to_a_page_outside_fails(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no page of the book"):
        chapter_of('<p><a href="../nowhere/">b</a></p>', tmp_path)


def test_a_script_that_holds_a_drawing_is_no_drawing(tmp_path: Path) -> None:
    svg = '<svg viewBox="0 0 10 10"><title>t</title><rect width="9" height="9"/></svg>'
    made = chapter_of(f'<script type="application/json">"<svg>"</script><p>before</p><figure>{svg}</figure>', tmp_path)
    assert "<p>before</p>" in made.body
    assert made.body.count("<img") == 1


def test_what_only_a_screen_shows_is_left_out(tmp_path: Path) -> None:
    made = chapter_of('<p>both <span class="screen">button</span></p><div class="screen"><p>list</p></div>', tmp_path)
    assert "both" in made.body
    assert "button" not in made.body
    assert "list" not in made.body


@pytest.mark.parametrize("blank", [" ", "\N{NO-BREAK SPACE}"])
def test_no_line_ends_after_its_first_word_when_more_would_fit(blank: str) -> None:
    """A fault of WeasyPrint 70 that comes at a few widths only: where the blank before an element does not fit."""
    text = f'the kernel removes it, on Linux after 60{blank}<b style="white-space:nowrap">seconds</b>'
    boxed = "".join(f'<div style="width:{tenths / 10}mm">{text}</div>' for tenths in range(400, 800))
    page = f'<!doctype html><html lang="en"><head><title>t</title></head><body>{boxed}</body></html>'
    found = []

    def walk(box: Any) -> None:
        if isinstance(box, boxes.LineBox):
            found.append("".join(part.text for part in box.descendants() if isinstance(part, boxes.TextBox)).strip())
        else:
            for child in getattr(box, "children", ()):
                walk(child)

    for one in press.lay_out(page, ROOT / "site", ROOT / "build" / "book", "a4").pages:
        walk(one._page_box)
    begun = [line for line in found if line.startswith("the")]
    assert len(begun) == 400
    assert all(line.startswith("the kernel removes") for line in begun)


def test_the_press_ends_on_what_weasyprint_would_only_log(tmp_path: Path) -> None:
    page = '<!doctype html><html lang="en"><head><title>t</title></head><body><p><a href="#none">x</a></p></body></html>'
    with pytest.raises(InputError, match="the press complains"), press.strict("a page"):
        press.print_pages(press.lay_out(page, tmp_path, ROOT / "build" / "book", "a4"))


def test_the_press_takes_no_file_from_outside(tmp_path: Path) -> None:
    page = '<!doctype html><html lang="en"><head><title>t</title></head><body><img alt="x" src="file:///etc/passwd"></body></html>'
    with pytest.raises(InputError, match="the press complains"), press.strict("a page"):
        press.lay_out(page, tmp_path, ROOT / "build" / "book", "a4")


# --- the PDF ------------------------------------------------------------------------------------------------


def test_no_rule_of_pdf_ua_fails(part: tuple[book.Book, Path]) -> None:
    report = validator.validate_pdf(str(part[1]), profile="ua1")
    assert report.is_compliant, str(report)


def links(pdf: pikepdf.Pdf) -> collections.Counter[str]:
    """The targets of all links: names of places in the book with a `#`, addresses of others."""
    found = collections.Counter[str]()
    for one in pdf.pages:
        for link in one.get("/Annots", []):
            if "/Dest" in link:
                found[f"#{link.Dest}"] += 1
            elif str(link.A.S) == "/GoTo":
                found[f"#{link.A.D}"] += 1
            else:
                found[str(link.A.URI)] += 1
    return found


def test_links_are_those_of_the_html(part: tuple[book.Book, Path], pdf: pikepdf.Pdf) -> None:
    wanted = collections.Counter(re.findall(r'<a\b[^>]* href="([^"]+)"', part[0].html))
    found = links(pdf)
    assert len(wanted) > 100
    # A link that runs over two lines is two rectangles; the index, which is made last, adds its own.
    assert not {target for target, n in wanted.items() if found[target.replace("&amp;", "&")] < n}
    assert {t for t in found if not t.startswith("#")} == {t.replace("&amp;", "&") for t in wanted if t[0] != "#"}


def test_no_link_leads_to_this_machine(part: tuple[book.Book, Path], pdf: pikepdf.Pdf) -> None:
    assert not [target for target in links(pdf) if target.startswith(("file:", "/")) or str(ROOT) in target]
    assert str(ROOT).encode() not in part[1].read_bytes()


def test_all_fonts_are_embedded_and_ours(pdf: pikepdf.Pdf) -> None:
    names = set()
    for font in pdf.objects:
        if isinstance(font, pikepdf.Dictionary) and font.get("/Type") == "/FontDescriptor":
            assert {"/FontFile2", "/FontFile3"} & set(font.keys())
            names.add(str(font.FontName).split("+")[-1])
    assert names
    assert all(name.replace("-", "").lower().startswith(("sourceserif4", "ibmplexmono")) for name in names), names


def test_figures_are_vectors(pdf: pikepdf.Pdf) -> None:
    assert not [
        one for one in pdf.objects if isinstance(one, pikepdf.Stream) and one.get("/Subtype") == "/Image"
    ]


def test_every_footnote_is_printed(part: tuple[book.Book, Path]) -> None:
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not here")
    text = subprocess.run(["pdftotext", "-layout", part[1], "-"], capture_output=True, text=True, check=True).stdout
    printed = re.sub(r"[\s-]", "", text)
    notes = re.findall(r'<span class="fn(?: said)?">(.*?)</span>', part[0].html)
    wanted = collections.Counter(re.sub(r"[\s-]", "", html.unescape(re.sub(r"<[^>]+>", "", note))) for note in notes)
    assert wanted.total() >= 50
    assert not {note: n for note, n in wanted.items() if printed.count(note) < n}


def test_the_outline_has_three_levels(pdf: pikepdf.Pdf) -> None:
    with pdf.open_outline() as outline:
        first = [item for item in outline.root if item.title == "The FAQ"]
        assert first
        # The only chapter of the FAQ in the part; in the whole book one of several.
        named = [item for item in first[0].children if item.title == "Why the lingering close functionality is necessary with HTTP"]
        assert len(named) == 1
        assert len(named[0].children) > 2


def test_the_same_pages_make_the_same_bytes_on_letter_too() -> None:
    """Laid out and printed twice, on the other paper: chapters with figures, notes and links, and the index."""
    made = book.compose(ROOT, SITE, only=("guide/time-wait", "reference/glossary"), answers=False)
    once, again = (book.printed(made, SITE, ROOT / "build" / "book", "letter").content for _ in range(2))
    assert once == again
    with pikepdf.open(io.BytesIO(once)) as pdf:
        assert {tuple(map(round, one.mediabox[2:])) for one in pdf.pages} == {(612, 792)}


# --- worksheets ---------------------------------------------------------------------------------------------


def test_a_worksheet_has_the_seed_on_each_page_and_answers_for_teachers_only(tmp_path: Path) -> None:
    lab, seed = worksheets.labs.load("close-wait-leak"), 7
    texts = {}
    for edition in ("student", "teacher"):
        with press.strict(edition):
            made = press.lay_out(
                worksheets.document(lab, edition, "2026-11-27", seed), SITE, ROOT / "build" / "book", "a4",
                worksheets.feet(lab, edition, "2026-11-27", seed),
            )  # fmt: skip
            file = tmp_path / f"{edition}.pdf"
            file.write_bytes(press.print_pages(made))
        assert validator.validate_pdf(str(file), profile="ua1").is_compliant
        if shutil.which("pdftotext"):
            text = subprocess.run(["pdftotext", file, "-"], capture_output=True, text=True, check=True).stdout
            assert all(f"seed {seed}" in one for one in text.split("\f")[:-1])
            texts[edition] = text
    if texts:
        assert "Answers:" in texts["teacher"]
        assert "Answers:" not in texts["student"]
        assert lab.notice[0][:40] not in " ".join(texts["student"].split())


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "teardown.site.book", "--site", str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "make site" in done.stderr
