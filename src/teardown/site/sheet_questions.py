"""A lab's predictions on paper: each question with its choices and room for the reason; the answers for the teacher.

On the screen a question comes when the reader reaches its place. On paper its place is the end of a shortest way
there, and the way is told, so that the question has one answer. Where the reader chooses a table first, it is asked
at every table from which its place can be reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from string import ascii_lowercase
from typing import Any, Final, NamedTuple

from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.lab import ways
from teardown.lab.file import Lab
from teardown.lab.goals import Goal, first
from teardown.lab.predictions import Prediction, choices, order, question
from teardown.lab.variants import Table
from teardown.tcp.states import prose
from teardown.world.moves import apply, begin
from teardown.world.world import Scenario, World

#: How many worlds the search for a question's place may meet.
_MOST_WORLDS: Final = 60_000
_BLANK: Final = "\N{NO-BREAK SPACE}"
#: Lines to write a reason on.
_LINES: Final = 2


class Asked(NamedTuple):
    """A question in one setting: the moves to its place, by id and in words, and the answers as `choices` gives them."""

    table: Table | None
    way: tuple[str, ...]
    until: tuple[str, ...]
    world: World
    question: str
    choices: tuple[dict[str, Any], ...]


@lru_cache(maxsize=256)
def _way(scenario: Scenario, p: Prediction) -> tuple[str, ...] | None:
    """The shortest way to the place of a question; () where it is asked at once, None where it never is."""
    world, steps = begin(scenario)
    if first(p.when, steps) is not None:
        return ()
    return ways.search(world, Goal(p.id, p.text, p.when, ()), _MOST_WORLDS).moves


def asked(lab: Lab, p: Prediction, seed: int) -> list[Asked]:
    """The question of a lab as the seed deals it, in each setting in which it is asked. Raises InputError where that is none."""
    found = []
    for n, scenario in enumerate(lab.scenarios):
        way = _way(scenario, p)
        if way is None:
            continue
        world, steps = begin(scenario)
        for move in way:
            world, steps = apply(world, move)
        table = lab.tables[n] if lab.tables else None
        told = tuple(ways.told(scenario, way))
        offered = tuple(choices(p, world, steps, lab.paste, seed))
        found.append(Asked(table, way, told, world, question(p, world), offered))
    if not found:
        raise InputError(
            f"no moves reach the place of the question {p.id}", place=f"labs/{lab.name}.toml",
            mend=f"Try teardown check {lab.name}",
        )  # fmt: skip
    return found


def _letters(p: Prediction, places: list[Asked], seed: int) -> dict[str, tuple[str, str]]:
    """All answers that are offered anywhere: value -> letter and words. Their order depends on the seed alone."""
    texts = {choice["value"]: choice["text"] for place in places for choice in place.choices}
    ordered = sorted(texts, key=lambda value: order(p, value, seed))
    return {value: (letter, texts[value]) for letter, value in zip(ascii_lowercase, ordered, strict=False)}


def _scene(n: int, p: Prediction, places: list[Asked], *, fill: bool) -> str:
    """The number, the scene, the moves so far, and the question. `fill`: with the states of both ends."""
    here = places[0]
    at = f", at “{here.table.text}”" if here.table else ""
    moves = "; ".join(text.rstrip(".") for text in here.until)
    so_far = f"So far{at}: {moves or 'no move'}."
    states = here.world.states
    where = f" The server is in {prose(states.server)}, the client in {prose(states.client)}." if fill else ""
    return (
        f"<p><b>{n}.</b> {escape(p.text)}</p><p>{escape(so_far + where)}</p><p><b>{escape(here.question)}</b></p>"
    )


def _list(items: Iterable[str], kind: str = "choices") -> str:
    return f'<ul class="{kind}">{"".join(f"<li>{item}</li>" for item in items)}</ul>'


def asking(lab: Lab, seed: int) -> str:
    """The questions for the student: a list in which each is kept together."""
    items = []
    for n, p in enumerate(lab.predictions, 1):
        places = asked(lab, p, seed)
        letters = _letters(p, places, seed).values()
        offered = _list((f"<b>{letter}</b>{_BLANK}{_BLANK}{escape(text)}" for letter, text in letters), "choices sheet-two")
        if lab.tables:
            rows = [(place.table.text if place.table else "", _BLANK, _BLANK) for place in places]
            room = _by_table(rows, "fill")
        else:
            room = f'<p>I expect <span class="blank">{_BLANK * 8}</span>, because</p>{ruled(_LINES)}'
        items.append(f"{_scene(n, p, places, fill=True)}{offered}{room}")
    return _list(items, "asked tables" if lab.tables else "asked")


def answering(lab: Lab, seed: int) -> str:
    """The answers for the teacher: what the engine says, and the reason for and against each choice."""
    items = []
    for n, p in enumerate(lab.predictions, 1):
        places = asked(lab, p, seed)
        letters = _letters(p, places, seed)
        right = [next(choice for choice in place.choices if choice["right"]) for place in places]
        if lab.tables:
            table = _by_table(
                [
                    (place.table.text if place.table else "", f"{letters[it['value']][0]}: {it['text']}", it["reason"])
                    for place, it in zip(places, right, strict=True)
                ]
            )
        else:
            (it,) = right
            table = f"<p><b>{letters[it['value']][0]}: {escape(it['text'])}.</b> {escape(it['reason'])}</p>"
        against = {c["value"]: c["reason"] for place in places for c in place.choices if not c["right"]}
        wrong = _list(
            f"<b>{letters[value][0]}</b>{_BLANK}{_BLANK}{escape(text)}{': not always. ' if _right_somewhere(value, right) else ': no. '}"
            f"{escape(against[value])}"
            for value, (_letter, text) in letters.items()
            if value in against
        )  # fmt: skip
        items.append(f"{_scene(n, p, places, fill=False)}{table}{wrong}")
    return _list(items, "asked")


def _right_somewhere(value: str, right: list[dict[str, Any]]) -> bool:
    return any(value == it["value"] for it in right)


def _by_table(rows: list[tuple[str, str, str]], kind: str = "") -> str:
    """One row for each setting: its name, the letter, the reason."""
    heads = '<th scope="col">Where</th><th scope="col">Answer</th><th scope="col" class="wide">Because</th>'
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="{kind}">{escape(answer)}</td><td class="{kind}">{escape(why)}</td></tr>'
        for name, answer, why in rows
    )
    return f'<table class="sheet"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'


def ruled(lines: int) -> str:
    """Lines to write on."""
    return f'<div class="sheet-ruled">{f"<p>{_BLANK}</p>" * lines}</div>'
