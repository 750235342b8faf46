"""A sample of the mutation testing of the table; `python -m benchmarks.mutation` does all of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.mutation import mutants, score

from teardown.tcp.endpoint import use
from teardown.tcp.table import RULES


@pytest.mark.slow
def test_a_wrong_row_turns_a_test_red() -> None:
    """Every twelfth mutant: at least 95 % of the rows are missed when they go, and when they lead elsewhere."""
    result = score(every=12, offset=5)
    assert result["rows_killed_percent"] >= 95, result["survivors"]
    counted = [result["by_kind"][kind] for kind in ("dropped", "next state", "guard")]
    assert sum(c["killed"] for c in counted) >= 0.97 * sum(c["mutants"] for c in counted), result["survivors"]


def test_every_row_is_mutated_in_every_way() -> None:
    made = list(mutants())
    assert {m.row for m in made if m.kind == "dropped"} == {rule.id for rule in RULES}
    assert {m.row for m in made if m.kind == "next state"} == {rule.id for rule in RULES}
    assert sum(m.kind == "guard" for m in made) == sum(len(rule.guards) for rule in RULES)
    assert all(m.rules != RULES for m in made)


def test_a_mutant_leaves_no_trace() -> None:
    use(next(mutants()).rules)
    use(RULES)
    from teardown.world.bare import bare

    assert bare().states == 27
