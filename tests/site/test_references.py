"""The list of sources: what it refuses, and that the pages and it agree."""

import re
from pathlib import Path

import pytest
from markdown import Markdown

from teardown.errors import InputError
from teardown.programs import PROGRAMS
from teardown.site import references
from teardown.site.cite import makeExtension
from teardown.stacks import names, stack

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))


def cited(page: Path) -> set[str]:
    """The ids that a page cites; fails on one that the list does not have."""
    extension = makeExtension()
    md = Markdown(extensions=["attr_list", "md_in_html", "tables", "pymdownx.superfences", extension])
    md.convert(re.sub(r"\A---\n.*?\n---\n", "", page.read_text(encoding="utf-8"), flags=re.DOTALL))
    return set(extension.cited)


def test_the_list_is_sound():
    assert len(references.load()) > 100


def test_every_source_is_cited():
    used = set().union(*(cited(page) for page in PAGES))
    # The tables of timers name their sources too, as strings in the data.
    for file in (ROOT / "src" / "teardown").rglob("*"):
        if file.suffix in (".py", ".toml") and file != references.path():
            used.update(re.findall(r'"([a-z0-9][\w.-]*)(?: §[^"]*)?"', file.read_text(encoding="utf-8")))
    assert sorted(references.load().keys() - used) == []


def test_every_value_of_a_stack_and_a_program_has_a_source_in_the_list():
    known = references.load().keys()
    for name in names():
        for key, value in stack(name).values.items():
            assert value.source.split(" §")[0] in known, f"{name}.{key}"
            assert value.mark in ("measured", "read", "unverified"), f"{name}.{key}"
    for program in PROGRAMS.values():
        assert set(program.sources.values()) <= known, program.name


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "faq").glob("*.md")), ids=lambda page: page.name)
def test_no_page_links_to_a_source_on_its_own(page: Path):
    """Sources live in one list, so that one file tells which links have rotted."""
    assert re.findall(r"\]\(https?://", page.read_text(encoding="utf-8")) == []


GOOD = """[[reference]]
id = "a"
name = "A"
title = "An A"
kind = "doc"
"""


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("[[reference]]\nid = \nname = 1\n", "list.toml:2", "not TOML"),
        (GOOD + "colour = 'red'\n", "list.toml:1", "unknown field 'colour'"),
        (GOOD + GOOD, "list.toml:6", "the id 'a' is used twice"),
        (GOOD.replace('"doc"', '"rumour"'), "list.toml:1", "unknown kind 'rumour'"),
        (GOOD.replace('name = "A"\n', ""), "list.toml:1", "name is missing"),
        (GOOD.replace('id = "a"', 'id = "a b"'), "list.toml:1", "not fit for a link"),
        (GOOD + "year = '1997'\n", "list.toml:1", "year must be a int"),
        (GOOD + "checked = '2026-11-23'\n", "list.toml:1", "checked must be a date"),
        (GOOD + "author = ''\n", "list.toml:1", "author must be a str"),
        (GOOD + "url = 'javascript:alert(1)'\n", "list.toml:1", "url is no web address"),
        (GOOD.replace('"doc"', '"rfc"'), "list.toml:1", "'a' is no RFC"),
        (GOOD.replace('"doc"', '"rfc"') + "url = 'https://a.example'\n", "list.toml:1", "follows from its id"),
        (GOOD + "archive_url = 'https://example.org/'\n", "list.toml:1", "belong together"),
        (GOOD.replace('"doc"', '"measurement"'), "list.toml:1", "has a method"),
        (GOOD.replace('"doc"', '"measurement"') + "method = 'x'\n", "list.toml:1", "unknown method 'x'"),
    ],
)
def test_a_list_that_cannot_be_trusted_is_refused(tmp_path: Path, text: str, place: str, message: str):
    file = tmp_path / "list.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        references.load(file)
    assert error.value.place == place
