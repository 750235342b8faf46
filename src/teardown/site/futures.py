"""The answers to a lab's first moves, made at build by the engine itself: a reader's first press needs no Python.

One file a lab, `assets/futures/NAME.json`:

    {"version": 1, "first": TEXT, "after": {MOVE: {"text": DIFF, "after": {…}, "tried": {ATTEMPT: DIFF}}}, "tried": {…}}

TEXT is what `teardown.browser.answer` says to the lab without moves, byte for byte. A DIFF makes an answer from the one
that it follows: a list of texts, and of pairs of numbers (from, to, in UTF-16 units) that stand for a piece of the earlier answer.
`src/web/futures.js` reads it; `answer_in` does the same here, for the tests. The lab's page itself holds the first level
of the same tree, so that a first press waits for no file.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from teardown.browser import answer
from teardown.draw.svg import escape
from teardown.lab import file as labs
from teardown.site import engine

FOLDER = "assets/futures"

#: A level of moves is kept when the file then has no more answers and compressed bytes than these.
MOST_ANSWERS = 250
MOST_BYTES = 60_000
DEEPEST = 6

Node = dict[str, Any]


def files(root: Path, cache: Path, say: engine.Say) -> dict[str, bytes]:
    """The file of every lab, by its name below `assets/futures/`."""

    def make(work: Path) -> Path:
        every = {name: futures(name) for name in labs.names() if labs.load(name).code is None}
        (work / "futures.json").write_text(json.dumps(every), "utf-8")
        return work / "futures.json"

    sources = [*engine.sources(root), Path(__file__)]
    every = json.loads(engine.made(cache / "futures", sources, make, say).read_text("utf-8"))
    return {f"{name}.json": packed(tree) for name, tree in every.items()}


def packed(tree: Node) -> bytes:
    """The file of one lab."""
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def futures(lab: str) -> Node:
    """The answers of one lab, as many whole levels of moves as may be kept."""
    first = ask(lab, [])
    tree: Node = {"version": 1, "first": first, "after": {}}
    reached: list[tuple[list[str], Node, str]] = [([], tree, first)]
    count = 1
    for _ in range(DEEPEST):
        following = []
        for played, node, text in reached:
            node |= level(lab, played, text)
            following += [([*played, move], after, patched(text, after["text"])) for move, after in node["after"].items()]
            count += len(node["after"]) + len(node.get("tried", {}))
            if count > MOST_ANSWERS:
                break
        if count > MOST_ANSWERS or len(gzip.compress(packed(tree), 6)) > MOST_BYTES:
            for _, node, _ in reached:
                node.pop("after", None), node.pop("tried", None)
            break
        reached = following
    return tree


def in_page(lab: str) -> str:
    """The answers to the first moves, as the lab's page carries them: data that no browser runs."""
    first = ask(lab, [])
    tree = packed({"version": 1, "first": first, **level(lab, [], first)}).decode()
    # Nothing in it may end the element; both are other ways to write the same text.
    held = tree.replace("</", r"<\/").replace("<!--", r"<\u0021--")
    return f'<script type="application/json" data-futures="{escape(lab)}">{held}</script>'


def level(lab: str, played: Sequence[str], text: str) -> Node:
    """What may follow on the moves that led to the answer `text`: the answers to every move and every tempting mistake."""
    after = {move: {"text": diff(text, ask(lab, [*played, move]))} for move in offered(text, "move")}
    tried = {attempt: diff(text, ask(lab, played, attempt)) for attempt in offered(text, "try")}
    return {"after": after} | ({"tried": tried} if tried else {})


def ask(lab: str, played: Sequence[str], attempt: str | None = None) -> str:
    """The engine's answer, as the page asks for it."""
    return answer(json.dumps({"ask": "situation", "lab": lab, "moves": list(played), "attempt": attempt}))


def offered(text: str, kind: str) -> list[str]:
    """The ids of the moves (`move`) or tempting mistakes (`try`) that an answer offers."""
    return re.findall(rf'data-{kind}="([^"]+)"', json.loads(text)["html"]["moves"])


def diff(old: str, new: str) -> list[str | int]:
    """What makes `new` from `old`; see above."""
    before, after = pieces(old), pieces(new)
    starts = [0]
    for piece in before:
        starts.append(starts[-1] + units(piece))
    out: list[str | int] = []
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            out += [starts[i1], starts[i2]]
        elif j2 > j1:
            out.append("".join(after[j1:j2]))
    return out


def pieces(text: str) -> list[str]:
    """The text cut before every tag."""
    return re.findall(r"<[^<]*|[^<]+", text)


def units(text: str) -> int:
    """The length of a text as JavaScript counts."""
    return len(text.encode("utf-16-le")) // 2


def patched(old: str, change: Sequence[str | int]) -> str:
    """`diff` undone."""
    raw, steps = old.encode("utf-16-le"), iter(change)
    cut = (s.encode("utf-16-le") if isinstance(s, str) else raw[2 * s : 2 * int(next(steps))] for s in steps)
    return b"".join(cut).decode("utf-16-le")


def answer_in(tree: Node, played: Sequence[str], attempt: str | None = None) -> str | None:
    """The answer that the file holds for these moves, or None."""
    text, node = tree["first"], tree
    for move in played:
        node = node.get("after", {}).get(move)
        if node is None:
            return None
        text = patched(text, node["text"])
    if attempt is None:
        return str(text)
    change = node.get("tried", {}).get(attempt)
    return None if change is None else patched(text, change)
