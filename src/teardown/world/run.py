"""Run a scenario to its end: the reader's moves first, then whatever happens by itself."""

from __future__ import annotations

from collections.abc import Sequence

from teardown.tcp.states import CLOSED, prose
from teardown.world.doing import Doing
from teardown.world.moves import IllegalMove, apply, begin
from teardown.world.trace import Ending, Step, Trace, spoken
from teardown.world.world import Scenario, Standing, World

#: A run longer than this is a loop: two machines that answer each other for ever.
MOST_STEPS = 5_000


def play(scenario: Scenario, moves: Sequence[str] = ()) -> tuple[World, tuple[Step, ...]]:
    """The world after exactly these moves, and all steps so far. Raises IllegalMove at the first illegal one."""
    world, steps = begin(scenario)
    for n, move in enumerate(moves, 1):
        try:
            world, more = apply(world, move)
        except IllegalMove as error:
            raise IllegalMove(error.what, place=f"move {n} ({move})") from None
        steps += more
    return world, steps


def run(scenario: Scenario, moves: Sequence[str] = ()) -> Trace:
    """Play the moves, then let everything happen in its time until nothing is left to happen."""
    world, steps = play(scenario, moves)
    doing = Doing(world)
    while not doing.over and len(steps) + len(doing.steps) < MOST_STEPS and doing.now <= scenario.limit:
        if not doing.advance(named=True):
            break
        doing.settle()
    return Trace(scenario.json(), (*steps, *doing.steps), ending(doing))


def trace(scenario: Scenario, moves: Sequence[str] = ()) -> Trace:
    """The trace of exactly these moves, with nothing played on."""
    world, steps = play(scenario, moves)
    return Trace(scenario.json(), steps, ending(world))


def ending(w: Standing) -> Ending:
    """How things stand: over, stuck for ever, or still open."""
    (server, client), (no_server, no_client), now = w.ends, w.down, w.now
    left = [
        f"the {host} stays in {prose(e.state)}"
        for host, e, down in (("server", server, no_server), ("client", client, no_client))
        if e.state != CLOSED and not down
    ]
    if not left and not w.wire:
        return Ending("closed", now, f"No connection is left after {spoken(now)}.")
    if not w.wire and not any(w.timers):
        return Ending("stuck", now, f"Nothing can happen by itself any more: {' and '.join(left)}.")
    return Ending("open", now, f"Still going on after {spoken(now)}.")
