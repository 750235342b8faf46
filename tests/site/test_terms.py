"""Glossary links: first use, any form, one definition; never in headings, links, code or figures."""

from __future__ import annotations

import re
import tomllib
import xml.etree.ElementTree as etree
from pathlib import Path

import pytest
from markdown import Markdown

from teardown.site import terms

ROOT = Path(__file__).parents[2]
GLOSSARY = (ROOT / "docs" / terms.GLOSSARY).read_text(encoding="utf-8")
SITE = ROOT / "site"
EXTENSIONS = ["attr_list", "def_list", "tables", "pymdownx.superfences", "pymdownx.inlinehilite", "teardown.site.terms"]


class Relpath:
    """Stands in for the processor by which MkDocs tells an extension the page."""

    def __init__(self, file: Path) -> None:
        self.file = type("File", (), {"abs_src_path": str(file)})()

    def run(self, root: etree.Element) -> None:
        """Nothing: only the file is looked at."""


@pytest.fixture
def convert(tmp_path: Path):
    def convert(text: str, name: str = "guide/x.md") -> str:
        file = tmp_path / "docs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"---\ntitle: x\n---\n\n{text}", encoding="utf-8")
        md = Markdown(extensions=EXTENSIONS)
        md.treeprocessors.register(Relpath(file), "relpath", 0)  # type: ignore[arg-type]
        return md.convert(text)

    return convert


def linked(html: str) -> list[tuple[str, str]]:
    return [(a, re.sub("<.*?>", "", t)) for a, t in re.findall(r'<a class="term" href="[^"#]*#([^"]+)">(.*?)</a>', html)]


def test_every_entry_has_its_forms_and_every_form_its_entry() -> None:
    entries = re.findall(r"^\*\*.+\*\* \{ #([\w-]+) \}$", GLOSSARY, re.MULTILINE)
    data = tomllib.loads((ROOT / "src/teardown/site/glossary.toml").read_text(encoding="utf-8"))["terms"]
    assert list(data) == entries
    words = [form for forms in data.values() for form in forms]
    assert len(set(words)) == len(words)
    assert all(data.values())


def test_only_the_first_use_is_linked(convert) -> None:
    html = convert("The peer waits. The peer and peers wait.\n\nAnd peers again.")
    assert linked(html) == [("peer", "peer")]
    assert 'href="../reference/glossary.md#peer"' in html
    assert re.sub("<a.*?>|</a>", "", html) == "<p>The peer waits. The peer and peers wait.</p>\n<p>And peers again.</p>"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Orphans end.", [("orphan", "Orphans")]),
        ("Two FINs cross.", [("fin", "FINs")]),
        ("A bare ACK is an ACK.", [("bare-ack", "bare ACK"), ("ack", "ACK")]),
        ("FIN_WAIT_2 has a FIN.", [("fin-wait-2", "FIN_WAIT_2"), ("fin", "FIN")]),
        ("Call `close()` or `close(3)`.", [("close", "close()")]),
        ("A **reset** in bold, and *orphans*.", [("reset", "reset"), ("orphan", "orphans")]),
        ("Its half-closed end, of a half-life.", [("half-close", "half-closed")]),
        ("A finish, finally; prefix FINX and xFIN; a re-reset.", []),
        ("keep-alive is not SO_KEEPALIVE", [("keep-alive", "keep-alive"), ("so-keepalive", "SO_KEEPALIVE")]),
    ],
)
def test_forms(convert, text: str, found: list[tuple[str, str]]) -> None:
    assert linked(convert(text)) == found


@pytest.mark.parametrize(
    "text",
    [
        "# A reset in a heading",
        "[a reset in a link](x.md)",
        "[in **a reset** too](x.md)",
        "    a reset in a block of code",
        "```text\na reset in a fence\n```",
        "`reset` in code",
        "| a reset |\n|---|\n| x |",
    ],
)
def test_no_link_where_none_may_be(convert, text: str) -> None:
    assert linked(convert(text)) == []


def test_text_in_cells_and_lists_counts_in_the_order_of_the_page(convert) -> None:
    html = convert("- a reset\n- a reset and an orphan\n\n| x |\n|---|\n| a FIN, an orphan |")
    assert linked(html) == [("reset", "reset"), ("orphan", "orphan"), ("fin", "FIN")]


def test_pages_that_are_left_out_and_ways_from_other_folders(convert) -> None:
    assert linked(convert("a reset", "contributing.md")) == []
    assert linked(convert("a reset", terms.GLOSSARY)) == []
    assert 'href="reference/glossary.md#reset"' in convert("a reset", "index.md")
    assert 'href="glossary.md#reset"' in convert("a reset", "reference/x.md")


def test_a_long_page_is_walked_in_time_that_its_length_explains(convert) -> None:
    html = convert("\n\n".join("word " * 200 + "reset" for _ in range(300)))
    assert len(linked(html)) == 1


@pytest.mark.skipif(not (SITE / "index.html").is_file(), reason="there is no built site: run make site")
def test_no_built_page_links_a_term_twice_or_inside_another_link() -> None:
    pages = 0
    for page in SITE.rglob("index.html"):
        html = page.read_text(encoding="utf-8")
        targets = re.findall(r'<a class="term" href="[^"]*#([^"]+)"', html)
        assert len(set(targets)) == len(targets), page
        assert not re.search(r'<(h[1-6]|a|svg|pre)\b(?:(?!</\1>).)*<a class="term"', html, re.DOTALL), page
        pages += bool(targets)
    assert pages > 40
