"""The map of the RFCs is complete: every rule, every value and every citation has its section."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from teardown.errors import InputError
from teardown.site import rfcmap
from teardown.tcp.table import RULES

SECTIONS = {(s.rfc, s.number): s for s in rfcmap.sections()}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3.10.7.4, RFC 5961 §5", [("rfc9293", "3.10.7.4"), ("rfc5961", "5")]),
        ("3.6.1 (SHLD-3)", [("rfc9293", "3.6.1")]),
        ("3.6.1, RFC 2525 §2.17", [("rfc9293", "3.6.1"), ("rfc2525", "2.17")]),
        ("RFC 1337", [("rfc1337", "")]),
        ("none: Linux", []),
    ],
)
def test_a_rules_field_is_read(text: str, found: list[tuple[str, str]]) -> None:
    assert list(rfcmap.of_rule(text)) == found


def test_every_rule_is_on_the_map_or_says_that_no_rfc_asks_for_it() -> None:
    mapped = {rule for section in SECTIONS.values() for rule in section.rules}
    assert {rule.id for rule in RULES} - mapped == {rule.id for rule in RULES if rule.rfc.startswith("none")}


def test_pages_that_cite_a_section_are_named() -> None:
    assert "guide/fin-wait-2.md" in {page for (rfc, _), s in SECTIONS.items() if rfc == "rfc9293" for page in s.pages}
    assert SECTIONS["rfc9112", "9.6"].pages
    assert SECTIONS["rfc9293", "3.4.2"].values


def test_a_section_without_words_fails_with_its_page(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("So it is.[@rfc9112 §99.1]", encoding="utf-8")
    with pytest.raises(InputError, match=r"x\.md: rfc9112 §99\.1 has no words"):
        rfcmap.sections(tmp_path)


def test_the_page_leads_to_rules_and_pages() -> None:
    page = rfcmap.html()
    assert page.count('<th scope="row">') == len(SECTIONS)
    targets = set(re.findall(r'href="\.\./transitions/#([^"]+)"', page))
    assert targets
    assert targets <= {rule.id for rule in RULES}
    assert 'href="https://datatracker.ietf.org/doc/html/rfc9293#section-3.10.7.4"' in page
