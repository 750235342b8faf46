"""Citations: Markdown goes in, the page comes out, and a bad citation ends the build."""

import subprocess
import sys
import xml.etree.ElementTree as etree
from pathlib import Path

import pytest
from markdown import Markdown

from teardown.errors import InputError
from teardown.site.cite import makeExtension, parse

SOURCES = """
[methods]
bench = "On a bench."

[[reference]]
id = "rfc9293"
name = "RFC 9293"
title = "Transmission <Control> & Protocol"
author = "W. Eddy (ed.)"
year = 2022
kind = "rfc"
checked = 2026-11-23

[[reference]]
id = "linux-tcp.h"
name = "Linux tcp.h"
title = "include/net/tcp_h_[x](y).h"
kind = "source"
url = "https://example.org/tcp.h?a=1&b=2"
archive_url = "https://archive.example/1"
archive_date = 2026-01-02

[[reference]]
id = "m15"
name = "Measurement M15"
title = "Is it lost?"
kind = "measurement"
method = "bench"
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    file = tmp_path / "references.toml"
    file.write_text(SOURCES, encoding="utf-8")
    return file


@pytest.fixture
def page(sources: Path):
    """Convert Markdown to a parsed page."""

    def convert(text: str) -> etree.Element:
        extension = makeExtension(file=str(sources))
        md = Markdown(extensions=["tables", "toc", "md_in_html", extension])
        return etree.fromstring(f"<body>{md.convert(text)}</body>")

    return convert


def text(element: etree.Element) -> str:
    return "".join(element.itertext())


def by_id(root: etree.Element, id_: str) -> etree.Element:
    found = [e for e in root.iter() if e.get("id") == id_]
    assert len(found) == 1, f"{len(found)} elements with the id {id_}"
    return found[0]


def test_a_citation_is_a_named_link_with_its_locator(page):
    body = page("A fact.[@rfc9293 §3.6; @m15]")
    sup = body.find(".//sup")
    assert text(sup) == "[1 §3.6, 2]"
    first = sup.find("a")
    assert first.get("href") == "#source-rfc9293"
    assert first.get("aria-label") == "source 1, RFC 9293"
    assert first.get("role") == "doc-biblioref"


def test_numbers_follow_the_page_even_into_tables(page):
    body = page("One.[@m15]\n\n| a |\n|---|\n| b[@rfc9293] |\n\nThree.[@m15][@linux-tcp.h]")
    assert [text(sup) for sup in body.iter("sup")] == ["[1]", "[2]", "[1]", "[3]"]
    assert [li.get("id") for li in body.iter("li")] == ["source-m15", "source-rfc9293", "source-linux-tcp.h"]


def test_every_link_between_text_and_list_leads_somewhere_and_back(page):
    body = page("One.[@m15 p. 1] Two.[@m15; @rfc9293 §3.6]")
    for link in body.iter("a"):
        if link.get("href").startswith("#"):
            by_id(body, link.get("href")[1:])
    backlinks = [a for a in by_id(body, "source-m15").iter("a") if a.get("role") == "doc-backlink"]
    assert [a.get("href") for a in backlinks] == ["#cite-m15-1", "#cite-m15-2"]
    assert backlinks[0].get("aria-label") == "back to citation 1 of Measurement M15, p. 1"


def test_the_list_cites_in_full_and_escapes_what_it_cites(page):
    body = page("One.[@rfc9293; @linux-tcp.h; @m15]")
    rfc = text(by_id(body, "source-rfc9293"))
    assert rfc.startswith("RFC 9293: Transmission <Control> & Protocol. W. Eddy (ed.), 2022.")
    assert "<https://datatracker.ietf.org/doc/html/rfc9293>" in rfc
    assert "Checked 2026-11-23." in rfc
    linux = by_id(body, "source-linux-tcp.h")
    assert "include/net/tcp_h_[x](y).h" in text(linux), "no Markdown in a title is obeyed"
    assert [a.get("href") for a in linux.iter("a")][:2] == [
        "https://example.org/tcp.h?a=1&b=2",
        "https://archive.example/1",
    ]
    assert linux.find("cite/a").get("data-versiondate") == "2026-01-02"
    assert text(by_id(body, "source-m15")).startswith("Measurement M15: Is it lost? On a bench.")


def test_the_list_is_the_last_section_and_in_the_contents(sources):
    md = Markdown(extensions=["toc", makeExtension(file=str(sources))])
    html = md.convert("# Page\n\nOne.[@m15]\n\n## Part\n\nTwo.")
    assert html.rstrip().endswith("</section>")
    assert md.toc_tokens[0]["children"][-1]["id"] == "sources"


def test_a_page_without_citations_has_no_list(page):
    assert page("Nothing to cite.").find(".//section") is None


def test_a_page_is_converted_afresh_each_time(sources):
    extension = makeExtension(file=str(sources))
    md = Markdown(extensions=[extension])
    md.convert("One.[@m15]")
    assert md.reset().convert("Two.[@rfc9293]").count("<li") == 1
    assert extension.cited == ["rfc9293"]


def test_code_is_left_alone(page):
    body = page("`[@nothing]` and\n\n    [@nobody]\n")
    assert body.find(".//sup") is None


def test_the_whole_list_by_kind(page):
    body = page("# Sources\n\n[@*]\n\nSee.[@m15]")
    assert [text(h) for h in body.iter("h2")] == ["Standards", "Measured for this site", "Source code"]
    assert [ol.get("start") for ol in body.iter("ol")] == ["1", "2", "3"]
    assert text(body.find(".//sup")) == "[2]"
    assert len(list(body.iter("section"))) == 1


def test_marks_are_words_in_brackets(page):
    body = page("Perhaps [unverified]. So it seems [our reading]. A [unverified](https://example.org) link.")
    marks = [(span.get("class"), text(span)) for span in body.iter("span") if span.get("class") != "url"]
    assert marks == [("mark unverified", "(unverified)"), ("mark reading", "(our reading)")]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("One.[@nobody]", "no source has the id 'nobody'"),
        ("One.[@m15, @rfc9293]", "cannot read the citation"),
        ("One.[@m15; rfc9293]", "cannot read the citation"),
        ("## Head[@m15]", "a citation cannot stand in a heading"),
        ("[text [@m15]](https://example.org)", "a citation cannot stand in a link"),
        ("All: [@*]", "must be a paragraph of its own"),
    ],
)
def test_a_bad_citation_is_an_error(page, source, message):
    with pytest.raises(InputError, match=message):
        page(source)


def test_parse_keeps_the_locator_in_one_line():
    assert parse("@rfc9293 §3.6\n and §3.7;@m15") == (("rfc9293", "§3.6 and §3.7"), ("m15", None))


def test_an_unknown_source_ends_a_strict_build_with_file_and_line(tmp_path: Path, sources: Path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(
        "---\ntitle: T\n---\n\n# T\n\nOne.[@nobody §1]\n", encoding="utf-8"
    )
    (tmp_path / "mkdocs.yml").write_text(
        f"site_name: T\nmarkdown_extensions:\n  - teardown.site.cite:\n      file: {sources}\n",
        encoding="utf-8",
    )
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path / "out")],
        cwd=tmp_path, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert run.returncode == 1
    assert "docs/index.md:7: no source has the id 'nobody'." in run.stderr
    assert "Traceback" not in run.stderr
