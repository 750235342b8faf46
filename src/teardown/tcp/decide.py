"""The rows of the table, made ready to be asked: for each state and event one small tree of guards.

A tree asks the guards of the first row in turn; where one does not hold, the rows that it rules out are gone, and so
on. Each guard is asked at most once, and the row found is the first of the table whose guards all hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from teardown.tcp.actions import Action, resolve
from teardown.tcp.guards import GUARDS, Guard
from teardown.tcp.table import Rule, index


class Leaf(NamedTuple):
    """A row, with its actions as functions."""

    rule: Rule
    actions: tuple[Action, ...]


class Split(NamedTuple):
    """A guard, and where to go on if it holds and if it does not. None: no row."""

    test: Guard
    yes: Split | Leaf | None
    no: Split | Leaf | None


Tree = Split | Leaf | None


def trees(rules: tuple[Rule, ...]) -> dict[tuple[str, str], Tree]:
    """One tree for each state and event that has rows. Raises KeyError for a guard or action that does not exist."""
    leaves = {rule: Leaf(rule, tuple(resolve(name) for name in rule.actions)) for rule in rules}
    return {
        key: _grow([(frozenset(rule.guards), rule.guards, leaves[rule]) for rule in rows])
        for key, rows in index(rules).items()
    }


def _grow(rows: Sequence[tuple[frozenset[str], tuple[str, ...], Leaf]]) -> Tree:
    """`rows`: the guards still to ask, as a set and in order, and where they lead."""
    if not rows:
        return None
    _asked, guards, leaf = rows[0]
    if not guards:
        return leaf
    name = guards[0].removeprefix("!")
    yes, no = (
        _grow([
            (asked - {answer}, tuple(g for g in order if g != answer), to)
            for asked, order, to in rows
            if opposite not in asked
        ])
        for answer, opposite in ((name, f"!{name}"), (f"!{name}", name))
    )  # fmt: skip
    return Split(GUARDS[name], yes, no)
