"""How the pages are written: short plain sentences, known words, sources, links that lead somewhere.

The first half plants faults in small pages and asks whether each measure finds them; the second half measures ours.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import prose
import pytest
from prose import Page

FILES = sorted(prose.DOCS.rglob("*.md"))
PAGES = [Page.read(path) for path in FILES]
SITE = prose.ROOT / "site"
QUESTIONS = sorted(path.stem for path in (prose.DOCS / "questions").glob("*.md") if path.stem != "index")

each = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def page(*lines: str) -> Page:
    """A small page."""
    return Page("seeded.md", "\n".join(["---", "title: A page", "---", "", "# A page", "", *lines]))


# --- the measures find what is planted ----------------------------------------------------------------------


def test_what_is_prose_and_what_is_not() -> None:
    seen = page(
        "A [link](other.md#x) to `code` and **bold**.[@rfc9293 §3.6]",
        "- An item [our reading].",
        "| Cell one | `code` |",
        "|---|---|",
        "```sh",
        "this is not prose.",
        "```",
        "**term** { #term }",
        ": What it is.",
    )
    assert [(line.kind, line.text) for line in seen.lines] == [
        ("heading", "A page"),
        ("heading", "A page"),
        ("paragraph", "A link to \ufffc and bold."),
        ("item", "An item ."),
        ("cell", "Cell one"),
        ("cell", "\ufffc"),
        ("heading", "term"),
        ("item", "What it is."),
    ]
    assert next(s.words for s in seen.sentences) == ["A", "link", "to", "\ufffc", "and", "bold"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two? Three!", 3),
        ("He said “stop.” Then he left.", 2),
        ("The timer runs (or not). It ends.", 2),
        ("RFC 9293 is of Aug. 2022, see §3.6.1 of it.", 1),
        ("Robert S. Thau wrote it.", 1),
        ("It waits 2.5 seconds, e.g. on Linux.", 1),
    ],
)
def test_sentences(text: str, sentences: int) -> None:
    assert len(list(prose.split(text))) == sentences


def test_a_long_sentence_is_found_with_its_line() -> None:
    assert prose.long_sentences(page("Short.", " ".join(["word"] * 26) + ".")) == ["seeded.md:8: 26 words"]
    assert prose.long_sentences(page(" ".join(["word"] * 25) + ".")) == []


def test_two_sentences_in_a_line_and_half_a_sentence_are_found() -> None:
    assert len(prose.shared_lines(page("One. Two."))) == 1
    assert len(prose.shared_lines(page("This line breaks in", "the middle."))) == 1
    assert prose.shared_lines(page("One.", "Two, with a colon:", "- An item. It may go on.")) == []


@pytest.mark.parametrize("phrase", ["It is important to close.", "You simply close.", "Note that it closes."])
def test_phrases_without_content_are_found(phrase: str) -> None:
    assert len(prose.empty_phrases(page(phrase))) == 1
    assert prose.empty_phrases(page("The server closes.")) == []


@pytest.mark.parametrize(
    ("sentence", "is_passive"),
    [
        ("The FIN was sent by the server.", True),
        ("The segment is not always acknowledged.", True),
        ("The row has been forgotten.", True),
        ("The server sent the FIN.", False),
        ("The server is in FIN_WAIT_2.", False),
        ("It is a half-closed socket.", False),
    ],
)
def test_the_passive_is_found(sentence: str, is_passive: bool) -> None:
    assert bool(prose.passive(page(sentence))) is is_passive


def test_misspelt_words_are_found_and_names_of_things_are_not() -> None:
    assert prose.unknown_words(page("The sevrer closes teh socket."), frozenset()) == [
        "seeded.md:7: 'sevrer'",
        "seeded.md:7: 'teh'",
    ]
    fine = "The server's FIN_WAIT_2, SO_LINGER, HttpClient, close(), 1.2b7 and e.mail aren't wrong."
    assert prose.unknown_words(page(fine), frozenset()) == []
    assert prose.unknown_words(page("A netstat."), frozenset({"netstat"})) == []


#: As the CMU Pronouncing Dictionary has them. Over all words of our pages that it knows, the rule agrees in 98.5 %.
SYLLABLES = {
    "close": 1, "closes": 2, "closed": 1, "are": 1, "the": 1, "waited": 2, "table": 2, "while": 1, "area": 3,
    "acknowledge": 3, "connection": 3, "quiet": 2, "reset": 2, "files": 1, "idle": 2, "use": 1, "retransmission": 4,
}  # fmt: skip


@pytest.mark.parametrize(("word", "count"), SYLLABLES.items())
def test_syllables(word: str, count: int) -> None:
    assert prose.syllables(word) == count


def test_the_grade_tells_plain_from_bureaucratic() -> None:
    plain = page("The server closes.", "The client does not look.", "So the server waits.")
    heavy = page(
        "Notwithstanding the aforementioned considerations, implementations demonstrating noncompliant termination "
        "behaviour necessitate supplementary administrative intervention."
    )
    assert prose.grade(plain) < 3
    assert prose.grade(heavy) > 20


def test_links_that_lead_nowhere_and_clicks_are_found(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "index.html").write_text(
        '<nav><a href="b.html">menu</a></nav><article><a href="a/">a</a> <a href="a/#gone">b</a> '
        '<a href="gone.html">c</a> <a href="https://example.net/">far</a> <a href="../above.html">d</a></article>'
    )
    (tmp_path / "a" / "index.html").write_text('<article id="here"><a href="../b.html#x/1">b</a></article>')
    (tmp_path / "b.html").write_text('<article><a id="x/1"></a></article>')
    pages = prose.built(tmp_path)
    assert prose.broken_links(tmp_path, pages) == [
        "index.html: no ../above.html",
        "index.html: no #gone in a/index.html",
        "index.html: no gone.html",
    ]
    assert prose.clicks(pages) == {"index.html": 0, "a/index.html": 1, "b.html": 2}


# --- our pages ------------------------------------------------------------------------------------------------


@each
def test_sentences_are_short(page: Page) -> None:
    assert prose.long_sentences(page) == []


@each
def test_one_sentence_a_line(page: Page) -> None:
    assert prose.shared_lines(page) == []


@each
def test_nothing_empty_is_said(page: Page) -> None:
    assert prose.empty_phrases(page) == []


@each
def test_plain_enough_for_a_reader_of_twelve(page: Page) -> None:
    assert prose.grade(page) <= prose.HIGHEST_GRADE


@each
def test_mostly_active(page: Page) -> None:
    few = len(page.sentences) < 12  # of so few, one passive sentence is already a large share
    assert prose.passive_share(page) <= (0.5 if few else prose.MOST_PASSIVE), prose.passive(page)


@each
def test_words_are_known(page: Page) -> None:
    """Misspelt? Mend it. A word of the trade or a name? Add it to terms.txt."""
    assert prose.unknown_words(page) == []


def test_our_own_list_has_only_words_that_are_needed() -> None:
    lines = prose.TERMS.read_text(encoding="utf-8").split("\n")
    assert lines == [*sorted(set(lines[:-1]), key=lambda word: (word.lower(), word)), ""]
    used = {word for page in PAGES for _, word in prose.words(page)}
    used |= {word.removesuffix("'s") for word in used}
    used |= {word[:1].lower() + word[1:] for word in used}
    needless = prose.terms() - used
    needless |= {word for word in prose.terms() if prose.known(word, frozenset())}
    assert needless == set()


@cache
def site() -> dict[str, prose.Built]:
    if not (SITE / "index.html").is_file():
        pytest.skip("the site is not built: run make site")
    return dict(prose.built(SITE))


def test_every_link_of_the_built_site_leads_somewhere() -> None:
    assert prose.broken_links(SITE, site()) == []


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_near_the_front_page(name: str) -> None:
    """Through links in the text alone: the menu and the search come on top."""
    assert prose.clicks(site())[f"questions/{name}/index.html"] <= 2


def test_no_page_is_an_island() -> None:
    lonely = {page for page in site() if prose.clicks(site()).get(page, 9) > 3}
    assert lonely <= {"contributing/index.html"}
