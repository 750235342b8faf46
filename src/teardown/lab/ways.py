"""Ways to the goals of a lab: the shortest moves that reach each of them, and what those moves are called."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from teardown.lab.goals import Goal, met
from teardown.world.explore import Bounds, shortest_way
from teardown.world.moves import moves
from teardown.world.run import play
from teardown.world.world import Scenario

#: How hard a lab may be: most goals need little to go wrong, some a line that loses everything, or a stray copy.
_HARDER: Final = (Bounds(), Bounds(losses=2, duplicates=1, calls=4), Bounds(losses=8, calls=4, reorderings=0, delays=0))


def way(scenario: Scenario, goal: Goal) -> tuple[str, ...] | None:
    """The shortest way to the goal within the narrowest bounds in which there is one; None if there is none."""
    ways = (shortest_way(scenario, partial(met, goal), bounds) for bounds in _HARDER)
    return next((found for found in ways if found is not None), None)


def named(scenario: Scenario, before: Sequence[str], move: str) -> str:
    """What a move is called in the situation in which it is made: after the moves `before`."""
    world, _ = play(scenario, before)
    return next((m.text for m in moves(world) if m.id == move), move)


def told(scenario: Scenario, way: Sequence[str]) -> list[str]:
    """Every move of a way in words."""
    return [named(scenario, way[:n], move) for n, move in enumerate(way)]
