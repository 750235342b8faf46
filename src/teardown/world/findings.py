"""What the search through all futures has found: as values, as JSON, and in words for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from teardown.world.trace import Owes, Pair
from teardown.world.world import Scenario

VERSION = 1


@dataclass(frozen=True)
class Bounds:
    """How much may go wrong in one future, and how large the search may grow.

    `reorderings` counts deliveries of a segment that is not the oldest of its direction; `delays` counts timers
    that fire while a segment is still on the wire that was due before, or, where nobody plays the clock, segments that
    the network holds up; `calls` is per program of the reader's hand.
    """

    losses: int = 1
    duplicates: int = 0
    reorderings: int = 1
    delays: int = 1
    calls: int = 3
    worlds: int = 50_000

    def json(self) -> dict[str, int]:
        """As a JSON object."""
        return {
            "losses": self.losses, "duplicates": self.duplicates, "reorderings": self.reorderings,
            "delays": self.delays, "calls": self.calls, "worlds": self.worlds,
        }  # fmt: skip


class Finding(NamedTuple):
    """An invariant, and the shortest way to a world that breaks it, if there is one."""

    id: str
    text: str
    witness: tuple[str, ...] | None  # None: it holds
    where: str = ""  # the broken world in words

    @property
    def holds(self) -> bool:
        """No world within the bounds breaks it."""
        return self.witness is None


class Standstill(NamedTuple):
    """Worlds that look alike and in which nothing happens by itself any more, though somebody is not CLOSED.

    `way_out`: calls that a program of the reader's hand may still make; without any, the worlds are stuck for ever.
    """

    states: Pair[str]
    text: str
    owes: Owes | None
    way_out: tuple[str, ...]
    witness: tuple[str, ...]
    worlds: int


class Loop(NamedTuple):
    """Worlds that follow each other for ever: there is always something to happen, and never an end."""

    text: str
    witness: tuple[str, ...]  # the way in
    period: tuple[str, ...]  # one way round, for a reader: the move ids hold for the first time round only
    worlds: int


class Exploration(NamedTuple):
    """Everything that the search has found."""

    scenario: Scenario
    bounds: Bounds
    states: int
    transitions: int
    terminals: int
    cut: tuple[str, ...]  # bounds that kept a move from being made
    complete: bool  # False: the search stopped at `bounds.worlds`
    invariants: tuple[Finding, ...]
    stuck: tuple[Standstill, ...]
    loops: tuple[Loop, ...]
    goal: tuple[str, ...] | None  # the shortest way to the goal; None: there is none, or no goal was given
    sought: bool  # a goal was given

    @property
    def sound(self) -> bool:
        """Every invariant holds."""
        return all(f.holds for f in self.invariants)

    def json(self) -> dict[str, Any]:
        """As plain data, for `--json`."""
        return {
            "version": VERSION,
            "scenario": self.scenario.json(),
            "bounds": self.bounds.json(),
            "states": self.states,
            "transitions": self.transitions,
            "terminals": self.terminals,
            "complete": self.complete,
            "cut": list(self.cut),
            "invariants": [
                {
                    "id": f.id, "text": f.text, "holds": f.holds, "where": f.where,
                    "witness": None if f.witness is None else list(f.witness),
                }
                for f in self.invariants
            ],
            "stuck": [
                {
                    "states": s.states.json(), "text": s.text, "worlds": s.worlds, "witness": list(s.witness),
                    "owes": None if s.owes is None else {"who": s.owes.who, "what": s.owes.what},
                    "way_out": list(s.way_out),
                }
                for s in self.stuck
            ],
            "loops": [
                {"text": o.text, "worlds": o.worlds, "witness": list(o.witness), "period": list(o.period)}
                for o in self.loops
            ],
            "goal": {"reached": self.goal is not None, "moves": list(self.goal or ())} if self.sought else None,
        }  # fmt: skip


def report(e: Exploration, *, describe: Callable[[Sequence[str]], Sequence[str]] | None = None) -> str:
    """The findings for a terminal. `describe` turns a witness into lines of text; without it the ids are printed."""
    b = e.bounds
    lines = [
        f"{e.scenario.title}",
        f"{e.states:,} worlds, {e.transitions:,} transitions, {e.terminals:,} ends",
        f"within {_count(b.losses, 'loss', 'losses')}, {_count(b.duplicates, 'duplicate')}, "
        f"{_count(b.reorderings, 'reordering')}, {_count(b.delays, 'delay')}, {_count(b.calls, 'call')} per program",
    ]
    if not e.complete:
        lines.append(f"The search stopped at {b.worlds:,} worlds: what is said below holds for these only.")
    if e.cut:
        lines.append(f"Moves left out by the bounds: {', '.join(e.cut)}.")

    def way(moves: Sequence[str]) -> list[str]:
        if describe is not None:
            return [f"        {line}" for line in describe(moves)]
        return [f"        {' '.join(moves) or 'from the start'}"]

    lines += ["", "Invariants"]
    for f in e.invariants:
        lines.append(f"  {'holds' if f.holds else 'FAILS'}  {f.text}")
        if f.witness is not None:
            lines += [f"        {f.where}", *way(f.witness)]
    for heading, wanted in (("Stuck worlds", False), ("Worlds that wait for a call", True)):
        stuck = [s for s in e.stuck if bool(s.way_out) is wanted]
        if stuck or not wanted:
            lines += ["", heading]
        for s in stuck:
            lines += [f"  {s.text[0].upper()}{s.text[1:]} ({_count(s.worlds, 'world')})", *way(s.witness)]
        if not stuck and not wanted:
            lines.append("  none")
    lines += ["", "Loops"]
    for o in e.loops:
        lines += [f"  {o.text[0].upper()}{o.text[1:]} ({_count(o.worlds, 'world')})", *way(o.witness)]
    if not e.loops:
        lines.append("  none")
    if e.sought:
        lines += ["", "Goal"]
        if e.goal is None:
            lines.append("  cannot be reached within these bounds")
        else:
            lines += [f"  in {_count(len(e.goal), 'move')}", *way(e.goal)]
    return "\n".join(lines)


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"
