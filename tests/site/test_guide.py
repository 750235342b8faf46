"""The guide: short chapters that open with a question and a figure, and end with a lab that exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "guide"
CHAPTERS = sorted(page for page in FOLDER.glob("*.md") if page.name not in ("index.md", "today.md"))
LABS = sorted((ROOT / "labs").glob("*.toml"))
FENCE = re.compile(r"^[ ]*```(\w*)[^\n]*\n(.*?)^[ ]*```", re.DOTALL | re.MULTILINE)

each = pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.stem)
every = pytest.mark.parametrize(
    "page",
    [*sorted(FOLDER.glob("*.md")), *(ROOT / "docs" / "reference" / f"{name}.md" for name in ("glossary", "states"))],
    ids=lambda page: page.stem,
)


def body(page: Path) -> str:
    """The page without its front matter."""
    return re.sub(r"\A---\n.*?\n---\n", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def prose(page: Path) -> str:
    """What is left without code, citations and link targets."""
    text = re.sub(r"\[@[^\]]*\]", "", FENCE.sub("", body(page)))
    return re.sub(r"\]\([^)]*\)|\*|\{ #[\w-]+ \}", "", text)


def test_eight_chapters() -> None:
    assert len(CHAPTERS) == 8
    index = (FOLDER / "index.md").read_text(encoding="utf-8")
    assert all(f"]({page.name})" in index for page in CHAPTERS)


@each
def test_opens_with_a_question_and_a_figure_and_ends_with_a_lab(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.match(r"\A---\ntitle: (.+\?)\ndescription: .{40,170}\n(?:search:\n  boost: \S+\n)?---\n\n# \1\n", text)
    assert 200 <= len(prose(page).split()) <= 450
    assert re.search("^```(?:teardown|lanes)\n", text.split("\n## ")[0], re.MULTILINE), "opens with a figure"
    assert "```teardown" in text
    lab = re.search(r"\n\*\*Play it:\*\* \[[^\]]+\]\(\.\./labs/([\w-]+)\.md\), [a-z]+ minutes\.\n.+\n\Z", text)
    assert lab, "the last lines name the lab"
    assert (ROOT / "labs" / f"{lab[1]}.toml").is_file()


@every
def test_sentences_are_short_and_stand_alone(page: Path) -> None:
    lines = [line for line in prose(page).splitlines() if line.strip() and not line.startswith(("|", "#"))]
    counts = [len(s.split()) for line in lines for s in re.split(r"(?<=[.?!:])\s+", line)]
    assert sum(count > 25 for count in counts) <= 0.02 * len(counts)


@every
def test_sources_only_through_the_list(page: Path) -> None:
    assert re.findall(r"\]\(https?://", body(page)) == []


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.stem)
def test_every_lab_is_told_on_the_page_of_labs(lab: Path) -> None:
    assert f"]({lab.stem}.md)" in (ROOT / "docs" / "labs" / "index.md").read_text(encoding="utf-8")


def test_each_term_of_the_glossary_has_one_definition_and_an_anchor() -> None:
    page = body(ROOT / "docs" / "reference" / "glossary.md")
    terms = re.findall(r"^\*\*(.+?)\*\* \{ #([\w-]+) \}\n: (.+)\n", page, re.MULTILINE)
    assert len(terms) >= 35
    assert len({anchor for _, anchor, _ in terms}) == len({term for term, _, _ in terms}) == len(terms)
    assert len(re.findall(r"^: ", page, re.MULTILINE)) == len(terms)
    for term, _, definition in terms:
        assert len(re.sub(r"\[@[^\]]*\]|\]\([^)]*\)", "", definition).split()) <= 45, term
