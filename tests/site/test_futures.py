"""The answers made at build are the engine's own, byte for byte; and they are small."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from teardown.errors import InputError
from teardown.lab import file as labs
from teardown.site import bundle, futures

ROOT = Path(__file__).parents[2]
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


def test_one_script_and_one_style_sheet_hold_every_source() -> None:
    made, web = bundle.web(ROOT, b'{"wheel": "a.whl", "hashes": {"a.whl": "no page needs it"}}'), ROOT / "src" / "web"
    assert b"a.whl" in made["main.js"]
    assert b"no page needs it" not in made["main.js"]
    assert set(made) == {"main.js", "all.css", "worker.js"}
    asked = set(re.findall(r"""["'`](\.[\w./-]+\.js)["'`]""", made["main.js"].decode()))
    assert asked == {"./worker.js", "../editor/editor.js", "../../service-worker.js"}
    named = set(re.findall(r'@import "./([\w-]+\.css)"', (web / "all.css").read_text(encoding="utf-8")))
    assert named == {path.name for path in web.glob("*.css")} - {"all.css"}
    for path in web.glob("*.js"):
        for element in re.findall(r"<(tcp-\w+)>", path.read_text(encoding="utf-8")):
            assert element.encode() in made["main.js"], path.name


def test_a_source_with_a_fault_is_named(tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    (tmp_path / "wrong.js").write_text("let = ;")
    with pytest.raises(InputError, match=r"wrong\.js"):
        bundle.bundle(tmp_path, "wrong.js")


@pytest.mark.parametrize("lab", PLAYED)
def test_the_page_of_a_lab_holds_the_answers_to_every_first_press(lab: str) -> None:
    held = re.fullmatch(r'<script type="application/json" data-futures="([\w-]+)">(.*)</script>', futures.in_page(lab), re.DOTALL)
    assert held is not None
    assert held[1] == lab
    assert "</" not in held[2]
    assert "<!--" not in held[2]
    tree = json.loads(held[2])
    first = futures.ask(lab, [])
    assert futures.answer_in(tree, []) == first
    for move in futures.offered(first, "move"):
        assert futures.answer_in(tree, [move]) == futures.ask(lab, [move])
    for attempt in futures.offered(first, "try"):
        assert futures.answer_in(tree, [], attempt) == futures.ask(lab, [], attempt)
