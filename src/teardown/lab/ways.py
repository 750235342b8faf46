"""The way to a goal: the shortest one from where the reader is, for hints, for the key, and for the proof of a lab."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from teardown.durations import duration
from teardown.errors import InputError
from teardown.lab.goals import Goal, Sought, met
from teardown.world.explore import Bounds, search_way
from teardown.world.moves import apply, begin, moves
from teardown.world.parts import Worlds
from teardown.world.run import play
from teardown.world.trace import HOSTS
from teardown.world.world import Scenario, World

#: How much may go wrong on a way, from nothing to a line that loses everything. The first rung with a way counts:
#: most goals need little to go wrong, and a key with needless losses would teach the wrong thing.
LADDER = (
    Bounds(losses=0, duplicates=0, reorderings=0, delays=0, calls=0),
    Bounds(losses=0, duplicates=0, reorderings=0, delays=0, calls=1),
    Bounds(losses=0, duplicates=0, reorderings=0, delays=0, calls=2),
    Bounds(losses=1, duplicates=0, reorderings=0, delays=0, calls=1),
    Bounds(losses=1, duplicates=0, reorderings=0, delays=0, calls=2),
    Bounds(losses=1, duplicates=0, reorderings=1, delays=1, calls=3),
    Bounds(losses=1, duplicates=1, reorderings=1, delays=0, calls=2),
    Bounds(losses=8, duplicates=0, reorderings=0, delays=0, calls=2),
)


#: Of a way on which the clock counts: moves, and calls among them.
_LONGEST, _MOST_CALLS = 16, 2


class Way(NamedTuple):
    """`moves` to the goal, or None. `worlds`: how many the search has met. `complete`: it has left out none of them."""

    moves: tuple[str, ...] | None
    worlds: int
    complete: bool


def search(w: World, goal: Goal, most: int = 200_000, *, once: bool = False) -> Way:
    """The shortest way from a world to a goal, within the narrowest bounds in which there is one.

    `most`: how many worlds the search may meet before it gives up; one rung may meet two thirds of them.
    `once`: what must come about first for this goal has come about already.
    """
    return nearest((w,), goal, most, once=once)[1]


def nearest(worlds: Sequence[World], goal: Goal, most: int = 200_000, *, once: bool = False) -> tuple[int, Way]:
    """The same from several worlds: which of them has the shortest way, and that way."""
    if goal.timed:
        return _by_the_clock(worlds, goal, most)
    before = Sought(goal.once) if goal.once and not once else None
    lost = any(key == "lost" for key, _value in (*goal.when, *(before.when if before else ())))
    met_so_far, complete = 0, True
    #: For each world: bounds in which all has been seen, and what of them has kept a future from going on.
    seen: list[list[tuple[Bounds, frozenset[str]]]] = [[] for _ in worlds]
    for bounds in LADDER:
        best: tuple[int, tuple[str, ...]] | None = None
        for n, w in enumerate(worlds):
            if lost and not bounds.losses and not w.scenario.faults:
                continue
            if any(all(getattr(bounds, name) <= getattr(done, name) for name in cut) for done, cut in seen[n]):
                continue  # what is wider here makes no difference
            if met_so_far >= most:
                return (0, Way(None, met_so_far, False)) if best is None else (best[0], Way(best[1], met_so_far, False))
            narrowed = bounds_with(bounds, max(1, min(2 * most // 3, most - met_so_far)))
            found = search_way(w, Sought(goal.when), narrowed, once=before)
            met_so_far += found.worlds
            if found.way is not None and (best is None or len(found.way) < len(best[1])):
                best = n, found.way
            elif found.way is None and found.complete:
                seen[n].append((bounds, found.cut))
            complete = complete and (found.complete or found.way is not None)
        if best is not None:
            return best[0], Way(best[1], met_so_far, complete)
    return 0, Way(None, met_so_far, complete)


def bounds_with(bounds: Bounds, worlds: int) -> Bounds:
    """The same bounds with another limit for the size of the search."""
    return replace(bounds, worlds=worlds)


def _by_the_clock(starts: Sequence[World], goal: Goal, most: int) -> tuple[int, Way]:
    """A search in which the time of day counts: worlds are alike only at the same moment."""
    can = Sought(goal.when).can
    kinds = [Worlds(w.scenario) for w in starts]
    seen = {(n, kinds[n].known(w), w.now) for n, w in enumerate(starts)}
    queue: deque[tuple[int, World, tuple[str, ...]]] = deque((n, w, ()) for n, w in enumerate(starts))
    latest = min((duration(value) for key, value in goal.when if key == "before"), default=None)
    while queue and len(seen) < most:
        n, here, way = queue.popleft()
        called = sum(move.startswith("call:") for move in way)
        for move in moves(here):
            if move.id == "wait" or len(way) == _LONGEST or (move.kind == "call" and called == _MOST_CALLS):
                continue
            try:
                after, steps = apply(here, move)
            except InputError:
                continue
            if met(goal, here, steps):
                return n, Way((*way, move.id), len(seen), True)
            if latest is not None and after.now >= latest:
                continue
            flags = [(HOSTS.index(f.sender), f.segment.flags) for f in after.wire]
            key = (n, kinds[n].known(after), after.now)
            if key not in seen and can(after.ends, flags):
                seen.add(key)
                queue.append((n, after, (*way, move.id)))
    return 0, Way(None, len(seen), not queue)


def way(scenario: Scenario, goal: Goal) -> tuple[str, ...] | None:
    """The shortest way to the goal from a scenario's beginning; None if there is none."""
    return search(begin(scenario)[0], goal).moves


def named(scenario: Scenario, before: Sequence[str], move: str) -> str:
    """What a move is called in the situation in which it is made: after the moves `before`."""
    world, _ = play(scenario, before)
    return next((m.text for m in moves(world) if m.id == move), move)


def told(scenario: Scenario, way: Sequence[str]) -> list[str]:
    """Every move of a way in words."""
    return [named(scenario, way[:n], move) for n, move in enumerate(way)]
