"""The map of the RFCs: what each section governs, which rules of the table apply it, and where pages explain it.

Nothing here is kept by hand but the words for a section (`rfcs.toml`). Rules and values name their section
themselves, and pages cite it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.site.page import link, read
from teardown.site.references import rfc_address
from teardown.stacks import names, stack
from teardown.tcp.table import RULES

DOCS: Final = Path(__file__).parents[3] / "docs"
HERE: Final = "reference/rfcs.md"
_LEFT_OUT: Final = frozenset({"contributing.md", "reference/glossary.md", "reference/references.md"})
_CITED: Final = re.compile(r"@(rfc\d+)(?:\s+§([\d.]+\d|\d+))?")
_SAID: Final = re.compile(r"RFC (\d+)(?: §([\d.]+\d|\d+))?")


class Section(NamedTuple):
    """One section of one standard: ids of the rules that apply it, stacks' values that rest on it, pages that cite it."""

    rfc: str
    number: str  # empty: the standard as a whole
    about: str
    rules: tuple[str, ...]
    values: int
    pages: tuple[str, ...]


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    data = tomllib.loads(Path(__file__).with_name("rfcs.toml").read_text(encoding="utf-8"))
    return {rfc: words for rfc, words in data.items() if rfc != "version"}


def of_rule(text: str) -> Iterator[tuple[str, str]]:
    """The sections in a rule's field: `3.10.7.4, RFC 5961 §5` -> rfc9293 3.10.7.4, rfc5961 5; `none: …` has none."""
    if text[0].isdigit():
        number = re.match(r"[\d.]+\d", text)
        assert number
        yield "rfc9293", number[0]
    for rfc, section in _SAID.findall(text):
        yield f"rfc{rfc}", section


def sections(docs: Path = DOCS) -> tuple[Section, ...]:
    """Every section that is named anywhere, in the order of `rfcs.toml`. Raises InputError for one without words."""
    rules: dict[tuple[str, str], list[str]] = {}
    for rule in RULES:
        for key in of_rule(rule.rfc):
            rules.setdefault(key, []).append(rule.id)
    values: dict[tuple[str, str], int] = {}
    for name in names():
        for value in stack(name).values.values():
            if value.inherited is None and (match := _CITED.match(f"@{value.source}")):
                values[match[1], match[2] or ""] = values.get((match[1], match[2] or ""), 0) + 1
    pages: dict[tuple[str, str], list[str]] = {}
    for path in sorted(docs.rglob("*.md")):
        name = path.relative_to(docs).as_posix()
        if name in _LEFT_OUT:
            continue
        for rfc, section in _CITED.findall(path.read_text(encoding="utf-8")):
            if name not in pages.setdefault((rfc, section), []):
                pages[rfc, section].append(name)
    known = {(rfc, number): about for rfc, words in _words().items() for number, about in words.items()}
    for rfc, number in sorted({*rules, *values, *pages} - set(known)):
        where = (pages.get((rfc, number)) or ["the transition table or stacks.toml"])[0]
        raise InputError(
            f"{rfc} §{number} has no words in rfcs.toml", place=where, mend=f'Add "{number}" = "…" under [{rfc}]'
        )
    return tuple(
        Section(rfc, number, about, tuple(rules.get(key, ())), values.get(key, 0), tuple(pages.get(key, ())))
        for key, about in known.items()
        for rfc, number in (key,)
    )


def html() -> str:
    """One table for each standard."""
    out = []
    every = sections()
    for rfc in _words():
        name = f"RFC {rfc.removeprefix('rfc')}"
        rows = "".join(_row(s) for s in every if s.rfc == rfc)
        out.append(
            f'<h2 id="{rfc}">{name}</h2><div class="table-box" role="region" aria-label="Sections of {name}" tabindex="0">'
            '<table><thead><tr><th scope="col">Section</th><th scope="col">What it governs</th><th scope="col">Rules</th>'
            f'<th scope="col">Cited on</th></tr></thead><tbody>{rows}</tbody></table></div>'
        )
    return "".join(out)


def _row(s: Section) -> str:
    head = f'<a href="{rfc_address(s.rfc, s.number)}">{f"§{s.number}" if s.number else "all of it"}</a>'
    uses = []
    if s.rules:
        many = "rule" if len(s.rules) == 1 else "rules"
        uses.append(f'<a href="{link(HERE, f"reference/transitions.md#{s.rules[0]}")}">{len(s.rules)} {many}</a>')
    if s.values:
        many = "value" if s.values == 1 else "values"
        uses.append(f'<a href="{link(HERE, "reference/timers.md")}">{s.values} {many}</a>')
    pages = ", ".join(f'<a href="{link(HERE, name)}">{escape(_title(name))}</a>' for name in s.pages)
    return f'<tr><th scope="row">{head}</th><td>{escape(s.about)}</td><td>{"<br>".join(uses) or "–"}</td><td>{pages or "–"}</td></tr>'


def _title(name: str) -> str:
    page = read(DOCS / name)
    return page.title if page else name
