"""Values in prose come from the data that the figures come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown import Markdown

from teardown.errors import InputError
from teardown.site.values import in_words, value
from teardown.stacks import stack

DOCS = Path(__file__).parents[2] / "docs"
USED = [(page, words) for page in sorted(DOCS.rglob("*.md")) for words in re.findall(r"\[=([^\[\]]+)\]", page.read_text())]


@pytest.mark.parametrize(
    ("us", "words"),
    [
        (60_000_000, "60 seconds"), (1_000_000, "1 second"), (120_000_000, "120 seconds"), (240_000_000, "4 minutes"),
        (675_000_000, "675 seconds"), (7_200_000_000, "2 hours"), (200_000, "200 milliseconds"), (60_040_000, "60.04 seconds"),
    ],
)  # fmt: skip
def test_words(us: int, words: str) -> None:
    assert in_words(us) == words


def test_a_value_of_each_kind() -> None:
    assert value("linux time_wait") == in_words(stack("linux").profile.time_wait)
    assert value("rfc9293 fin_wait_2") == "no limit"
    assert value("nginx keepalive_timeout") == "75 seconds"
    assert value("one-request client TIME_WAIT") == value("one-request client TIME-WAIT") == "60 seconds"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("linux", "cannot read"),
        ("plan9 time_wait", "cannot read"),
        ("linux colour", "no timer 'colour'"),
        ("linux small_records", "no timer"),
        ("nginx answer_bytes", "no limit"),
        ("one-request client CLOSING", "never enters"),
        ("buggy-client client CLOSE_WAIT", "never leaves"),
        ("one-request router TIME_WAIT", "cannot read"),
    ],
)
def test_what_is_not_there_is_an_error(words: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        value(words)


def test_in_a_page() -> None:
    md = Markdown(extensions=["teardown.site.values", "teardown.site.cite", "tables"])
    assert md.convert("Linux waits [=linux time_wait].") == "<p>Linux waits 60\N{NO-BREAK SPACE}seconds.</p>"
    assert "[=linux time_wait]" in md.convert("`[=linux time_wait]`")
    with pytest.raises(InputError, match="cannot read the value"):
        md.convert("[=nobody knows]")


def test_the_pages_use_them() -> None:
    assert len(USED) >= 10


@pytest.mark.parametrize(("page", "words"), USED, ids=lambda x: x.stem if isinstance(x, Path) else x)
def test_every_value_of_a_page_is_known(page: Path, words: str) -> None:
    assert re.fullmatch(r"\d[\d.]* [a-z]+|no limit", value(words))
