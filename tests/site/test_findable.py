"""Pages can be found: titles, descriptions, data for search engines, wordings of errors, the sitemap."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import xml.etree.ElementTree as etree
from pathlib import Path
from typing import Any

import pytest
from markdown import Markdown
from mkdocs.commands.build import build
from mkdocs.config import load_config

from teardown.errors import InputError
from teardown.lab import file as labs
from teardown.site import finish
from teardown.site.page import link, read

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SITE = ROOT / "site"
PAGES = sorted(path for path in DOCS.rglob("*.md"))


class Relpath:
    """Stands in for the processor by which MkDocs tells an extension the page."""

    def __init__(self, file: Path) -> None:
        self.file = type("File", (), {"abs_src_path": str(file)})()

    def run(self, root: etree.Element) -> None:
        """Nothing: only the file is looked at."""


def converted(name: str, text: str | None = None, tmp_path: Path | None = None) -> str:
    """The page `name` of the docs, or `text` in its place, as HTML."""
    file = DOCS / name
    if text is not None:
        assert tmp_path is not None
        file = tmp_path / "docs" / name
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    md = Markdown(extensions=["attr_list", "def_list", "tables", "teardown.site.cite", "teardown.site.findable"])
    md.treeprocessors.register(Relpath(file), "relpath", 0)  # type: ignore[arg-type]
    body = re.sub(r"\A---\n.*?\n---\n", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    return md.convert(body)


def data(html: str) -> dict[str, Any]:
    (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html)
    assert "<" not in block
    found: dict[str, Any] = json.loads(block)
    assert found["@context"] == "https://schema.org"
    return found


# --- titles ---------------------------------------------------------------------------------------------


def test_every_page_says_what_it_is_about() -> None:
    pages = [read(path) for path in PAGES]
    assert all(pages)
    titles = [page.title for page in pages if page]
    descriptions = [page.description for page in pages if page]
    assert len(set(titles)) == len(titles)
    assert len(set(descriptions)) == len(descriptions)
    for page in pages:
        assert page is not None
        assert 5 <= len(page.title) <= 90, page.name
        assert 40 <= len(page.description) <= 160, page.name


# --- data for search engines ------------------------------------------------------------------------------


def test_a_question_is_a_question_with_its_answer() -> None:
    found = data(converted("questions/thousands-of-fin-wait-2.md"))
    assert found["@type"] == "FAQPage"
    (question,) = found["mainEntity"]
    assert question["name"] == "Thousands of connections in FIN_WAIT_2 on my web server"
    answer = question["acceptedAnswer"]["text"]
    assert answer.startswith("It is the clients' turn.")
    assert "Give the program a deadline." in answer or "give the program a deadline." in answer
    assert "tcp_fin_timeout" not in answer  # that is under “what not to change”
    assert not re.search(r"\[\d|\x02|\x03", answer)


def test_the_guide_is_a_course_and_its_chapters_are_parts_of_it() -> None:
    course = data(converted("guide/index.md"))
    assert course["@type"] == "Course"
    assert [part["url"] for part in course["hasPart"]][:2] == ["two-directions/", "closes-first/"]
    assert len(course["hasPart"]) == 9
    minutes = sum(labs.load(name).minutes for name in labs.names())
    assert course["hasCourseInstance"]["courseWorkload"] == f"PT{minutes}M"
    chapter = data(converted("guide/time-wait.md"))
    assert chapter["@type"] == "LearningResource"
    assert chapter["isPartOf"] == {"@type": "Course", "name": course["name"], "url": "../"}


def test_a_lab_says_how_long_it_takes_and_what_it_teaches(tmp_path: Path) -> None:
    lab = labs.load("buggy-client")
    text = "---\ntitle: The lab\ndescription: x\n---\n\ntext\n"
    found = data(converted("labs/buggy-client.md", text, tmp_path))
    assert (found["@type"], found["timeRequired"]) == ("LearningResource", f"PT{lab.minutes}M")
    assert found["teaches"] == list(lab.objectives)


def test_the_glossary_is_a_set_of_terms() -> None:
    found = data(converted("reference/glossary.md"))
    terms = {term["termCode"]: term for term in found["hasDefinedTerm"]}
    assert terms["fin-wait-2"]["name"] == "FIN_WAIT_2"
    assert terms["fin-wait-2"]["description"].startswith("This end's FIN is acknowledged")
    assert len(terms) == len(found["hasDefinedTerm"]) > 40


def test_nothing_in_a_title_ends_the_block(tmp_path: Path) -> None:
    text = "---\ntitle: a </script><script>alert(1)</script> b\ndescription: x\n---\n\n# a\n\ntext\n"
    html = converted("faq/x.md", text, tmp_path)
    assert html.count("<script") == 1
    assert data(html)["name"] == "a </script><script>alert(1)</script> b"


def test_a_text_outside_of_a_builder_is_left_alone() -> None:
    assert Markdown(extensions=["teardown.site.findable"]).convert("# a\n\nb") == "<h1>a</h1>\n<p>b</p>"


@pytest.mark.skipif(not (SITE / "index.html").is_file(), reason="there is no built site: run make site")
def test_every_built_page_has_its_block() -> None:
    kinds: dict[str, int] = {}
    for page in SITE.rglob("index.html"):
        kind = data(page.read_text(encoding="utf-8"))["@type"]
        kinds[kind] = kinds.get(kind, 0) + 1
    assert kinds["FAQPage"] == 25
    assert kinds["Course"] == kinds["WebSite"] == kinds["DefinedTermSet"] == 1
    assert kinds["LearningResource"] == 9 + len(labs.names())


@pytest.mark.parametrize(
    ("here", "there", "way"),
    [
        ("guide/index.md", "guide/time-wait.md", "time-wait/"),
        ("guide/time-wait.md", "guide/index.md", "../"),
        ("index.md", "guide/index.md", "guide/"),
        ("guide/time-wait.md", "reference/glossary.md#fin", "../../reference/glossary/#fin"),
        ("guide/index.md", "guide/index.md", "./"),
    ],
)
def test_ways_from_page_to_page(here: str, there: str, way: str) -> None:
    assert link(here, there) == way


# --- wordings -------------------------------------------------------------------------------------------


def test_wordings_stand_where_the_reader_looks_for_them() -> None:
    html = converted("questions/address-already-in-use.md")
    seen, rest = html.split("How to be sure")
    assert "<details" in seen.split("What you see")[1]
    assert "<code>java.net.BindException: Address already in use</code>" in seen
    assert "<details" not in rest
    assert "<details" not in converted("reference/states.md")  # its tags are names, and stand in its tables


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other numbers and words")
def test_numbers_and_words_of_errors_agree() -> None:
    """`[Errno 98]` is what Python prints on Linux; nginx and others print number and words in brackets."""
    checked = 0
    for path in PAGES:
        page = read(path)
        assert page is not None
        for text in page.tags:
            for match in re.finditer(r"\[Errno (\d+)\] (.+)|\((\d+): (.+?)\)", text):
                number, words = match[1] or match[3], match[2] or match[4]
                if number == "48":  # macOS and the BSDs
                    assert words == os.strerror(errno.EADDRINUSE)
                else:
                    assert words == os.strerror(int(number)), text
                checked += 1
    assert checked >= 9


# --- the sitemap ------------------------------------------------------------------------------------------


def built(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site of two pages, built with the project's own line for `site_url`."""
    monkeypatch.setenv("SITE_URL", url)
    (folder / "docs" / "a").mkdir(parents=True)
    for name in ("index.md", "a/b.md"):
        (folder / "docs" / name).write_text("# x\n\n[y](/)\n" if name == "index.md" else "# y\n", encoding="utf-8")
    own = re.search(r"^site_url: .+$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert own
    (folder / "mkdocs.yml").write_text(f"site_name: x\n{own[0]}\ntheme: mkdocs\nplugins: []\n", encoding="utf-8")
    config = load_config(str(folder / "mkdocs.yml"))
    build(config)
    finish.finish(folder / "site", url)
    return folder / "site"


def test_with_an_address_the_sitemap_names_every_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = built(tmp_path, "https://example.org/tcp/", monkeypatch)
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    root = etree.parse(site / "sitemap.xml").getroot()
    assert root.tag == f"{space}urlset"
    assert {e.text for e in root.iter(f"{space}loc")} == {"https://example.org/tcp/", "https://example.org/tcp/a/b/"}
    assert (site / "sitemap.xml.gz").is_file()
    assert 'src="https://example.org' not in (site / "index.html").read_text(encoding="utf-8")


def test_without_an_address_there_is_no_sitemap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = built(tmp_path, "", monkeypatch)
    assert (site / "index.html").is_file()
    assert not list(site.glob("sitemap*"))


@pytest.mark.parametrize("url", ["example.org", "ftp://example.org/", "https://example.org/a", "https:///", "https://e.org/?a/"])
def test_what_is_no_address_is_refused_in_one_line(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError):
        finish.address(url)
    monkeypatch.setenv("SITE_URL", url)
    assert finish.main(["--check"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
