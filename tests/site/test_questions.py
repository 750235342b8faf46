"""The pages for operators: the same bones on each, no advice that cannot work, nothing left out of the index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from teardown.world.scenario import names

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "questions"
PAGES = sorted(page for page in FOLDER.glob("*.md") if page.name != "index.md")
ALL = [*PAGES, FOLDER / "index.md", DOCS / "debunked" / "index.md"]
HEADINGS = ["What you see", "How to be sure", "What to change", "What not to change"]
FENCE = re.compile(r"^[ ]*```(\w*)[^\n]*\n(.*?)^[ ]*```", re.DOTALL | re.MULTILINE)

each = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
every = pytest.mark.parametrize("page", ALL, ids=lambda page: f"{page.parent.name}-{page.stem}")


def body(page: Path) -> str:
    """The page without its front matter."""
    return re.sub(r"\A---\n.*?\n---\n", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def prose(page: Path) -> str:
    """What is left without code, citations and link targets."""
    text = re.sub(r"\[@[^\]]*\]", "", FENCE.sub("", body(page)))
    return re.sub(r"\]\([^)]*\)|\*", "", text)


def sections(page: Path) -> dict[str, str]:
    """The text below each heading of the second level."""
    parts = re.split(r"^## (.+)\n", body(page), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_all_twenty_five_are_there():
    assert len(PAGES) == 25


@each
def test_bones(page: Path):
    text = page.read_text(encoding="utf-8")
    assert re.match(r"\A---\ntitle: .+\ndescription: .{40,160}\n(tags:\n(  - .+\n)+)?---\n\n# ", text)
    title = re.search(r"^title: (.+)$", text, re.MULTILINE)[1]  # type: ignore[index]
    heading = re.search(r"^# (.+)$", text, re.MULTILINE)[1]  # type: ignore[index]
    assert (title[1:-1] if title[0] == '"' else title) == heading
    assert list(sections(page)) == HEADINGS
    # The first line says whose turn it is.
    assert re.search(r"^# .+\n\n\*\*[^*\n]*\bturn\b[^*\n]*\*\*\n", body(page), re.MULTILINE)
    assert FENCE.search(sections(page)["What you see"])
    shown = [language for language, _ in FENCE.findall(sections(page)["How to be sure"])]
    assert {"sh", "powershell"} & set(shown), "a command"
    assert "text" in shown, "what it prints"
    assert re.search(r"\[@[\w.-]+", text)


@each
def test_an_operator_has_the_time_to_read_it(page: Path):
    words = len(re.sub(r"[|#*-]", " ", prose(page)).split())
    assert 120 <= words <= 350, words


@every
def test_sentences_are_short(page: Path):
    lines = [line for line in prose(page).splitlines() if line.strip() and not line.startswith(("|", "#"))]
    counts = [len(s.split()) for line in lines for s in re.split(r"(?<=[.?!:])\s+", line)]
    assert sum(count > 25 for count in counts) <= 0.02 * len(counts)


@each
def test_figures_and_links(page: Path):
    for language, source in FENCE.findall(body(page)):
        if language == "teardown":
            assert tomllib.loads(source)["scenario"] in names()
    index = (FOLDER / "index.md").read_text(encoding="utf-8")
    by_state, by_software = index.split("## By software")
    assert f"]({page.name})" in by_state
    assert f"]({page.name})" in by_software or page.name in (
        "cannot-assign-requested-address.md",
        "address-already-in-use.md",
        "so-linger-zero.md",
    )


@every
def test_sources_only_through_the_list(page: Path):
    assert re.findall(r"\]\(https?://", body(page)) == []


@each
def test_the_limit_for_orphans_is_never_the_cure(page: Path):
    """`tcp_fin_timeout` covers orphans in FIN_WAIT_2; no page names it among the things to change."""
    assert "tcp_fin_timeout" not in sections(page)["What to change"]


@each
def test_addresses_are_those_for_documentation(page: Path):
    found = set(re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", body(page)))
    fine = re.compile(r"192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|127\.0\.0\.1")
    assert [address for address in found if not fine.match(address)] == []
