"""Predictions: a question at a turning point, asked before the reader goes on.

The right answer is never written down. It is computed from the world in which the question is asked:

* `state`: the state of a host once certain moves have been made (`after`; by itself the next thing that happens);
* `owes`: who must act next, as the trace says it;
* `ends`: what takes a host out of its state if nobody interferes any more;
* `owner`: which process of the lab's paste keeps connections in CLOSE_WAIT for ever.

A lab file gives wrong answers only, each with the belief that leads to it (`beliefs.toml`).
"""

from __future__ import annotations

import tomllib
import zlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple, get_args

from teardown.errors import InputError
from teardown.lab.goals import When, parse_id, parse_text, parse_when
from teardown.lab.paste import Row, leaks, named, pid
from teardown.lab.waits import what_ends
from teardown.tcp.states import STATES, canonical, prose
from teardown.world.captions import TIMER_NAMES
from teardown.world.moves import apply, moves, next_move
from teardown.world.trace import HOSTS, Host, Step, other
from teardown.world.world import World

Kind = Literal["state", "owes", "ends", "owner"]
ACTORS = ("network", "nobody", *(f"{host} {what}" for host in HOSTS for what in ("program", "kernel")))
_KEYS = {"id", "ask", "host", "text", "when", "after", "because", "wrong"}


class Belief(NamedTuple):
    """A misconception: what people believe, what is true, and the page that shows it."""

    id: str
    belief: str
    truth: str
    page: str


class Wrong(NamedTuple):
    """A wrong answer, the belief that leads to it, and why it is wrong here; empty: the belief's own truth."""

    value: str
    belief: Belief
    why: str


class Prediction(NamedTuple):
    """A question. `text` sets the scene, the question itself is made from `ask` (see `question`)."""

    id: str
    ask: Kind
    host: Host
    text: str
    when: When
    after: tuple[str, ...]
    because: str
    wrong: tuple[Wrong, ...]


class Truth(NamedTuple):
    """The right answer, all that would be right as well, and what the engine shows for it."""

    value: str
    also: frozenset[str]
    shown: str


@cache
def beliefs() -> dict[str, Belief]:
    """The misconceptions, by id."""
    data = tomllib.loads(files(__package__).joinpath("beliefs.toml").read_text("utf-8"))
    return {name: Belief(name, **entry) for name, entry in data.items()}


# ------------------------------------------------------------------------------------------------ reading
def parse_prediction(data: Any, place: str) -> Prediction:
    """A prediction from a TOML table."""
    if not isinstance(data, dict):
        raise InputError("a prediction must be a table", place=place, mend="Write [[predictions]]")
    for key in data:
        if key not in _KEYS:
            raise InputError(
                f"unknown key {key!r}", place=place, mend=f"A prediction has {', '.join(sorted(_KEYS))}"
            )
    host = data.get("host", "server")
    ask: Kind | None = next((kind for kind in get_args(Kind) if kind == data.get("ask")), None)
    if ask is None:
        raise InputError(f"ask cannot be {data.get('ask')!r}", place=place, mend=f"Write one of {', '.join(get_args(Kind))}")
    if host not in HOSTS:
        raise InputError(f"host cannot be {host!r}", place=place, mend="Write server or client")
    after = data.get("after", [])
    if not isinstance(after, list) or len(after) > 20 or not all(isinstance(m, str) and len(m) <= 60 for m in after):
        raise InputError("after must be a list of moves", place=place, mend='Write after = ["call:client:close", "wait"]')
    if after and ask != "state":
        raise InputError("after goes with ask = \"state\" only", place=place, mend="Leave it out")
    wrong = data.get("wrong")
    if not isinstance(wrong, list) or not 1 <= len(wrong) <= 5:
        raise InputError(
            "wrong answers are missing", place=place,
            mend='Write wrong = [{ is = "server kernel", belief = "own-turn" }], one to five of them',
        )  # fmt: skip
    read = tuple(_wrong(entry, ask, f"{place}, wrong answer {n}") for n, entry in enumerate(wrong, 1))
    if len({w.value for w in read}) < len(read):
        raise InputError("two wrong answers are the same", place=place, mend="Give each its own `is`")
    because = parse_text(data, place, "because", 500) if "because" in data else ""
    return Prediction(
        parse_id(data, place), ask, host, parse_text(data, place, most=500), parse_when(data, place),
        tuple(after), because, read,
    )  # fmt: skip


def _wrong(data: Any, ask: Kind, place: str) -> Wrong:
    if not isinstance(data, dict) or not {"is", "belief"} <= set(data) <= {"is", "belief", "why"}:
        raise InputError("a wrong answer has is, belief and, if need be, why", place=place)
    belief = beliefs().get(data["belief"]) if isinstance(data["belief"], str) else None
    if belief is None:
        raise InputError(f"unknown belief {data['belief']!r}", place=place, mend=f"Known beliefs: {', '.join(beliefs())}")
    why = parse_text(data, place, "why", 500) if "why" in data else ""
    return Wrong(_value(data["is"], ask, place), belief, why)


def _value(value: Any, ask: Kind, place: str) -> str:
    """An answer as a lab file writes it, checked against the words of its kind."""
    text = value if isinstance(value, str) else ""
    if ask == "state":
        state = canonical(text)
        if state is None:
            raise InputError(f"{value!r} is not a state", place=place, mend=f"States: {', '.join(STATES)}")
        return state
    if ask == "owes":
        if text not in ACTORS:
            raise InputError(f"{value!r} cannot owe anything", place=place, mend=f"Write one of {', '.join(ACTORS)}")
        return text
    if ask == "owner":
        return text  # held against the rows of the paste once all is read
    host, _, what = text.partition(" ")
    if text in ("nothing", "segment") or (host in HOSTS and (what == "program" or what in TIMER_NAMES)):
        return text
    raise InputError(
        f"{value!r} cannot end a wait", place=place,
        mend=f'Write nothing, segment, "server program", or a host and a timer: {", ".join(TIMER_NAMES)}',
    )  # fmt: skip


# ----------------------------------------------------------------------------------------------- answering
def question(p: Prediction, w: World) -> str:
    """The question in words, fit for the world in which it is asked."""
    match p.ask:
        case "state":
            return f"In which state will the {p.host} be when {_then(p, w)}?"
        case "owes":
            return "Who must act next?"
        case "owner":
            return "Which process owes a close()?"
        case _:
            return (
                f"If nobody does anything more, what takes the {p.host} out of {prose(w.states.of(p.host))}?"
            )


def _then(p: Prediction, w: World) -> str:
    """What is to happen: all that stands to be seen already, by name; a mere consequence would tell the answer."""
    named = {move.id: f"“{move.text}”" for move in moves(w)}
    told, here = [], w
    for move in p.after or ("wait",):
        chosen = next_move(here) if move == "wait" else move
        if chosen not in named:
            break
        told.append(named[chosen])
        here, _ = apply(here, move)
    if not told:
        return "that has happened"
    what = f"{'this has' if len(told) == 1 else 'these have'} happened: {' and '.join(told)}"
    return what if len(told) == max(1, len(p.after)) else f"{what}, and what follows from it"


def truth(p: Prediction, w: World, steps: Sequence[Step], rows: Sequence[Row] = ()) -> Truth:
    """The right answer in this world, whose trace ends with these steps. Raises InputError where `after` is not legal."""
    match p.ask:
        case "state":
            end, shown = w, ""
            for move in p.after or ("wait",):
                end, more = apply(end, move)
                shown = next((s.caption for s in reversed(more) if s.host == p.host), shown)
            state = end.states.of(p.host)
            return Truth(state, frozenset((state,)), shown)
        case "owes":
            return _debt(w, steps)
        case "owner":
            (leak,) = leaks(rows)
            shown = "Left alone, its connections stay in CLOSE_WAIT for ever. Those of the others end, or wait for somebody else."
            return Truth(leak, frozenset((leak,)), shown)
        case _:
            value, shown = what_ends(p.host, w)
            return Truth(value, frozenset((value,)), shown)


def _debt(w: World, steps: Sequence[Step]) -> Truth:
    """Who must act. Whoever has a timer running of his own could act as well, and so could the network with a segment."""
    owes = steps[-1].owes
    who = owes.who if owes else "nobody"
    also = {who, *(f"{host} {running.owner}" for host in HOSTS for running in w.timers.of(host))}
    if w.wire:
        also.add("network")
    return Truth(who, frozenset(also), f"The next act: {owes.what}." if owes else "Both ends are done.")


def label(ask: Kind, value: str, host: Host) -> str:
    """An answer in words."""
    if ask == "state":
        return prose(value)
    if value in ("nothing", "nobody"):
        return {"nothing": "Nothing. It stays as it is", "nobody": "Nobody"}[value]
    if value == "segment":
        return f"A segment from the {other(host)}"
    if value == "network":
        return "The network"
    who, _, what = value.partition(" ")
    return f"The {who}’s {TIMER_NAMES.get(what, what)}"


def choices(p: Prediction, w: World, steps: Sequence[Step], rows: Sequence[Row], seed: int) -> list[dict[str, Any]]:
    """The answers to choose from, each with its label, whether it is right, and the reason that follows it.

    Their order depends on the seed and on nothing else, so that the right one has no place of its own.
    """
    right = truth(p, w, steps, rows)
    processes = named(rows, seed)

    def said(value: str) -> str:
        if p.ask == "owner":
            return f"{processes[value]}, process {pid(processes[value], seed)}"
        return label(p.ask, value, p.host)

    offered = [
        {
            "value": wrong.value, "text": said(wrong.value), "right": False,
            "reason": wrong.why or wrong.belief.truth,
        }
        for wrong in p.wrong
        if wrong.value != right.value
    ]  # fmt: skip
    reason = " ".join(filter(None, (right.shown, p.because)))
    offered.append({"value": right.value, "text": said(right.value), "right": True, "reason": reason})
    return sorted(offered, key=lambda choice: order(p, choice["value"], seed))


def order(p: Prediction, value: str, seed: int) -> int:
    """Where an answer stands among the others: a number that the seed decides."""
    return zlib.crc32(f"{seed} {p.id} {value}".encode())
