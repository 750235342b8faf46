"""The answers made at build are the engine's own, byte for byte; and they are small."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest

from teardown.lab import file as labs
from teardown.site import futures, hints

PLAYED = tuple(name for name in labs.names() if labs.load(name).code is None)


def walk(node: futures.Node, played: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str | None]]:
    """Every list of moves in the tree, and every attempt."""
    yield played, None
    for attempt in node.get("tried", {}):
        yield played, attempt
    for move, after in node.get("after", {}).items():
        yield from walk(after, (*played, move))


@pytest.mark.parametrize("lab", PLAYED)
def test_a_future_is_what_the_engine_says(lab: str) -> None:
    tree = futures.futures(lab)
    seen = list(walk(tree))
    moves = futures.offered(tree["first"], "move")
    assert {played[0] for played, _ in seen if played} == set(moves)
    for played, attempt in seen:
        assert futures.answer_in(tree, played, attempt) == futures.ask(lab, played, attempt)
    assert len(seen) <= futures.MOST_ANSWERS + 1
    assert len(gzip.compress(futures.packed(tree), 6)) <= futures.MOST_BYTES


def test_what_is_not_foreseen_is_not_made_up() -> None:
    tree = {"first": "one", "after": {"a": {"text": [0, 2, "x"]}}}
    assert futures.answer_in(tree, ["a"]) == "onx"
    assert futures.answer_in(tree, ["b"]) is None
    assert futures.answer_in(tree, ["a", "a"]) is None
    assert futures.answer_in(tree, ["a"], "try") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [("", "<a>"), ("<a><b>", ""), ("<a>1<b>", "<a>2<b>"), ("<a>𝄞<b>é", "<c><a>𝄞<b>é☑"), ("<a><a>", "<a><a><a>")],
)
def test_a_difference_makes_the_new_text(old: str, new: str) -> None:
    assert futures.patched(old, futures.diff(old, new)) == new


def test_a_lab_page_asks_early_for_every_script_it_will_need() -> None:
    scripts = hints.modules("lab.js")
    assert scripts[0] == "lab.js"
    assert {"engine.js", "futures.js", "supply.js", "strings.js", "dom.js"} < set(scripts)
    assert "worker.js" not in scripts
