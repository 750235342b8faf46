"""Where a reader stands in a lab: the moves so far, and everything the page shows about them.

The page's first frame is made by this module at build time and every later one by the same module in the browser,
so both say the same. `board` says it in HTML; scripts only place it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from teardown.draw import ladder, words
from teardown.errors import InputError
from teardown.lab import board, copies
from teardown.lab.file import Lab, load
from teardown.lab.goals import first, reached
from teardown.lab.predictions import choices, question
from teardown.lab.variants import checked
from teardown.lab.ways import nearest, search
from teardown.tcp.endpoint import memories
from teardown.tcp.states import prose
from teardown.world.moves import IllegalMove, apply, begin, moves
from teardown.world.run import ending
from teardown.world.trace import Ending, Step, Trace, spoken
from teardown.world.world import World

VERSION = 1
#: More moves than anybody makes by hand; a longer list is somebody's mischief.
MOST_MOVES = 500

#: How far the search for a hint may grow: it answers while the reader waits.
_MOST_WORLDS = 1_500
#: From the beginning it may grow further, where every goal has a way. Later hints go on from what it has found.
_MOST_AT_FIRST = 4_500


@lru_cache(maxsize=64)
def _lab(name: str, seed: int) -> Lab:
    """The lab as that seed deals it; no other variant is read."""
    return load(name, seed)


@lru_cache(maxsize=2_000)
def _after(name: str, seed: int, played: tuple[str, ...]) -> tuple[World, tuple[Step, ...]]:
    """The world after these moves; each prefix is remembered, so that undo and one move more cost one step."""
    if not played:
        return begin(_lab(name, seed).scenario)
    if (table := _table(played[-1])) is not None:
        if len(played) > 1:
            raise IllegalMove("The system is chosen: go back to the beginning to choose another one")
        return begin(_lab(name, seed).at(table))
    if len(played) == 1 and _lab(name, seed).tables:
        raise IllegalMove("Choose first where you want to play")
    world, steps = _after(name, seed, played[:-1])
    world, more = apply(world, played[-1])
    return world, steps + more


def _table(move: str) -> str | None:
    """The table that a move chooses, if it is one that chooses."""
    return move.removeprefix("table:") if move.startswith("table:") else None


class _Accepted(NamedTuple):
    """Legal moves; how many were made before the last thing that the reader did; what is wrong with the next one."""

    moves: tuple[str, ...]
    before: int
    refused: str | None


def _accepted(lab: str, seed: int, played: Sequence[str]) -> _Accepted:
    """Of these moves, those that are legal, up to the first one that is not. A move that stands for several is spelled out."""
    if len(played) > MOST_MOVES:
        raise InputError(f"{len(played)} moves are too many", mend=f"At most {MOST_MOVES}")
    checked(seed)
    accepted: tuple[str, ...] = ()
    before = 0
    for wish in played:
        before = len(accepted)
        try:
            spelled = copies.spelled(_after(lab, seed, accepted)[0], wish)
            if len(accepted) + len(spelled) > MOST_MOVES:
                raise InputError(f"at most {MOST_MOVES} moves can be made")
            for move in spelled:
                _after(lab, seed, (*accepted, move))
                accepted = (*accepted, move)
        except InputError as error:
            return _Accepted(accepted, before, f"Move {len(accepted) + 1} of the list cannot be made. {error}")
    return _Accepted(accepted, before, None)


def situation(lab: str, played: Sequence[str], attempt: str | None = None, seed: int = 0) -> dict[str, Any]:
    """The answer to a reader who has made these moves, and tries `attempt` if that is given.

    An illegal attempt is answered with the rule and leaves everything as it was; so does an illegal move in a link:
    what is legal before it is kept.
    """
    accepted, kept, refused = _accepted(lab, seed, played)
    if attempt is not None and refused is None:
        try:
            _after(lab, seed, (*accepted, attempt))
            accepted, kept = (*accepted, attempt), len(accepted)
        except IllegalMove as error:
            refused = str(error)
    world, steps = _after(lab, seed, accepted)
    here = _lab(lab, seed)
    begun = bool(accepted) and _table(accepted[-1]) is None
    # Before the first move nothing is over, though two programs in the reader's hands would wait for ever.
    stands = ending(world) if begun else Ending("open", world.now, "")
    trace = Trace(world.scenario.json(), steps, stands)
    before = len(_after(lab, seed, accepted[:kept])[1]) if begun else 0
    last = len(_after(lab, seed, accepted[:-1])[1]) if begun else 0
    fresh = steps[before:] if before else steps[-1:]
    ended = trace.ending.kind if trace.ending.kind in ("closed", "stuck") else None
    said = refused or " ".join(s.caption for s in fresh) + f" {_states_sentence(world)}"
    choosing = bool(here.tables) and not accepted
    return {
        "version": VERSION,
        "lab": lab,
        "seed": seed,
        "moves": list(accepted),
        "refused": refused,
        "step": len(accepted),
        "t": world.now,
        "states": world.states.json(),
        "owes": None if steps[-1].owes is None else {"who": steps[-1].owes.who, "what": steps[-1].owes.what},
        "say": said,
        "ended": ended,
        "goals": {g.id: reached(g, steps) is not None for g in here.goals},
        "prediction": None if choosing else _prediction(here, seed, world, steps, last),
        "html": ({"sockets": board.sockets(here, seed)} if here.paste else {})
        | {
            "task": board.task(here, seed, steps),
            "hosts": board.hosts(world, seed),
            "status": board.status(here.crowd, world, steps, before or len(steps) - 1, trace.ending),
            "moves": board.tables(here) if choosing else board.moves(world),
            "ladder": ladder.draw(trace, ids=f"lab-{lab}").svg,
            "transcript": words.transcript(trace),
        },
    }


def _prediction(lab: Lab, seed: int, w: World, steps: Sequence[Step], before: int) -> dict[str, Any] | None:
    """What is asked here: the first question whose place is reached by the last move, and was not reached before it."""
    for p in lab.predictions:
        at = first(p.when, steps)
        if at is not None and at >= before:
            return {
                "id": p.id, "ask": p.ask, "scene": p.text, "question": question(p, w),
                "choices": choices(p, w, steps[before:] or steps, lab.paste, seed),
            }  # fmt: skip
    return None


def future(lab: str, played: Sequence[str], nth: int, seed: int = 0) -> dict[str, Any]:
    """Another future of a lab, as a picture to put beside the present one; `nth` keeps its identifiers apart."""
    accepted, _kept, refused = _accepted(lab, seed, played)
    world, steps = _after(lab, seed, accepted)
    trace = Trace(world.scenario.json(), steps, ending(world))
    # Which of the lab's systems it was cannot be seen from the picture.
    system = f"{_name_of(lab, seed, (), accepted[0])}. " if accepted and _table(accepted[0]) is not None else ""
    return {
        "version": VERSION,
        "moves": list(accepted),
        "refused": refused,
        "say": f"{system}{_states_sentence(world)} {spoken(world.now)} after the beginning.",
        "html": {"ladder": ladder.draw(trace, ids=f"lab-{lab}-future-{nth}").svg},
    }


def hint(lab: str, played: Sequence[str], goal: str, seed: int = 0) -> dict[str, Any]:
    """The next move of the shortest way to a goal from where the reader is.

    Without a way: `back` tells how many of the moves to keep so that there is one again; None at the beginning of
    a lab that was not proved.
    """
    accepted = _accepted(lab, seed, played).moves
    goals = _lab(lab, seed).goals
    wanted = next((g for g in goals if g.id == goal), None)
    if wanted is None:
        raise InputError(f"there is no goal {goal[:40]!r}", mend=f"Known: {', '.join(g.id for g in goals)}")
    _world, steps = _after(lab, seed, accepted)
    told = {"version": VERSION, "goal": goal, "reached": reached(wanted, steps) is not None}
    here, looked = _way_from(lab, seed, accepted, goal, _MOST_WORLDS if accepted else _MOST_AT_FIRST)
    if here:
        return told | {"move": here[0], "text": _name_of(lab, seed, accepted, here[0]), "left": len(here), "back": None}
    # From an earlier place there is a way if there is one from a later place: halve the moves in between. From the
    # beginning there is one: the lab's proof says so, and nobody waits for it. When the search has met its share of
    # worlds, it names the latest place that it has found.
    low, high = 0, len(accepted)
    while high - low > 1 and looked < _MOST_WORLDS:
        middle = (low + high) // 2
        found, more = _way_from(lab, seed, accepted[:middle], goal, _MOST_WORLDS - looked)
        looked += more
        low, high = (middle, high) if found else (low, middle)
    return told | {"move": None, "text": "", "left": None, "back": low if accepted else None, "looked": looked}


#: The ways found so far, by where they begin. Who follows one is on the shortest way from the next place too.
_found: dict[tuple[str, int, str, tuple[str, ...]], tuple[str, ...]] = {}
_MOST_FOUND = 500
memories.append(_found.clear)


def _way_from(lab: str, seed: int, played: tuple[str, ...], goal: str, most: int) -> tuple[tuple[str, ...], int]:
    """The shortest way, empty if there is none, and how many worlds the search has met."""
    before = _found.get((lab, seed, goal, played[:-1]), ()) if played else ()
    way, worlds = (before[1:], 0) if before[1:] and before[0] == played[-1] else _search_from(lab, seed, played, goal, most)
    if way:
        _found[lab, seed, goal, played] = way
        if len(_found) > _MOST_FOUND:
            del _found[next(iter(_found))]
    return way, worlds


@lru_cache(maxsize=256)
def _search_from(lab: str, seed: int, played: tuple[str, ...], goal: str, most: int) -> tuple[tuple[str, ...], int]:
    """The same by a search."""
    here = _lab(lab, seed)
    wanted = next(g for g in here.goals if g.id == goal)
    if here.tables and not played:
        at, answer = nearest([_after(lab, seed, (f"table:{t.id}",))[0] for t in here.tables], wanted, most)
        return (f"table:{here.tables[at].id}", *answer.moves) if answer.moves else (), answer.worlds
    world, steps = _after(lab, seed, played)
    once = bool(wanted.once) and first(wanted.once, steps) is not None
    answer = search(world, wanted, most, once=once)
    return answer.moves or (), answer.worlds


def _name_of(lab: str, seed: int, played: tuple[str, ...], move: str) -> str:
    """What a move is called where it is made."""
    if (table := _table(move)) is not None:
        return next(t.text for t in _lab(lab, seed).tables if t.id == table)
    return next((m.text for m in moves(_after(lab, seed, played)[0]) if m.id == move), move)


def _states_sentence(w: World) -> str:
    return f"Server {prose(w.ends.server.state)}, client {prose(w.ends.client.state)}."
