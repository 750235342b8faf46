"""Mutation testing of the transition table: does a wrong table turn a test red?

Every row is broken in several ways, one at a time: it is dropped, it leads to another state, it loses its stop, each
of its guards is turned round. A mutant is killed when one of the checks that take the row fails. The checks are those
of the test suite: the packetdrill scripts, the ladders, the bare graph, the durations that are measured from runs,
the invariants of the search, and the rule that each event finds one row.

    python -m benchmarks.mutation            the whole table, as JSON
    python -m benchmarks.mutation --every 7  each seventh mutant, which is what the test suite does
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "tcp"), str(ROOT / "tests" / "world"), str(ROOT / "src")]

from helpers import CALLS, WAYS, reach, strictly  # noqa: E402
from teardown.formats.packetdrill import header  # noqa: E402
from teardown.formats.packetdrill_run import run_script  # noqa: E402
from teardown.stacks import names as stack_names  # noqa: E402
from teardown.tcp.endpoint import Event, use, watching  # noqa: E402
from teardown.tcp.states import CLOSED, ESTABLISHED, STATES, TIME_WAIT  # noqa: E402
from teardown.tcp.table import RULES, Rule  # noqa: E402
from teardown.world.bare import bare  # noqa: E402
from teardown.world.explore import Bounds, explore  # noqa: E402
from teardown.world.scenario import load, names  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "mutation.json"


class Mutant(NamedTuple):
    """A table with one row changed."""

    row: str
    kind: str
    what: str
    rules: tuple[Rule, ...]


def mutants() -> Iterator[Mutant]:
    """Every row dropped, led elsewhere, without its stop, and with each guard turned round."""
    for n, rule in enumerate(RULES):

        def changed(kind: str, what: str, *instead: Rule, n: int = n, rule: Rule = rule) -> Mutant:
            return Mutant(rule.id, kind, what, (*RULES[:n], *instead, *RULES[n + 1 :]))

        yield changed("dropped", f"{rule.id} is gone")
        for to in _elsewhere(rule):
            yield changed("next state", f"{rule.id} leads to {to or 'where it was'}", rule._replace(to=to))
        if rule.event.startswith("segment") and rule.event != "segment fin":  # after the last check nothing follows
            yield changed("stop", f"{rule.id} {'goes on' if rule.stop else 'stops'}", rule._replace(stop=not rule.stop))
        for i, guard in enumerate(rule.guards):
            turned = guard.removeprefix("!") if guard.startswith("!") else f"!{guard}"
            guards = (*rule.guards[:i], turned, *rule.guards[i + 1 :])
            yield changed("guard", f"{rule.id} asks for {turned}", rule._replace(guards=guards))


def _elsewhere(rule: Rule) -> tuple[str | None, ...]:
    """Where a row might lead by mistake: nowhere, if it leads somewhere; else to the three likeliest wrong states."""
    wrong: list[str | None] = [CLOSED, TIME_WAIT, ESTABLISHED]
    if rule.to is not None:
        wrong.insert(0, None)
    # To lead from the only state of a row back to it is to stay there.
    same = {rule.to} | ({rule.states[0]} if len(rule.states) == 1 else set())
    return tuple(to for to in wrong if to not in same)[:3]


# ------------------------------------------------------------------------------------------------ the checks
@dataclass
class Check:
    """Something that must hold for the real table; it raises, or answers False, when it does not."""

    name: str
    holds: Callable[[], Any]
    rows: set[str] = field(default_factory=set)
    seconds: float = 0.0

    def red(self) -> bool:
        """Whether it fails with the table that is in use."""
        try:
            return self.holds() is False
        except Exception:
            return True


def _script(text: str, name: str, stack: str) -> bool:
    return str(run_script(text, name, stack)).startswith("ok ")


def _module_tests(module: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The test functions of a module, one for each set of parameters, for tests that need nothing else."""
    import pytest

    for name, function in vars(importlib.import_module(module)).items():
        if not name.startswith("test_"):
            continue
        cases: list[dict[str, Any]] = [{}]
        for mark in getattr(function, "pytestmark", []):
            if mark.name == "parametrize":
                keys = [k.strip() for k in mark.args[0].split(",")] if isinstance(mark.args[0], str) else mark.args[0]
                values = [v if len(keys) > 1 else (v,) for v in mark.args[1]]
                cases = [{**case, **dict(zip(keys, v, strict=True))} for case in cases for v in values]
        for case in cases:
            if set(signature(function).parameters) == set(case):
                yield f"{name}{list(case.values()) or ''}", partial(function, **case)
    assert pytest


def _one_row(stack: str, state: str) -> None:
    """Each event finds one row, for the simplest endpoint of the state."""
    from test_tcp_table import events

    with strictly():
        for e in reach(stack, state)[:1]:
            for event in events(e):
                e.step(event)


def _calls(stack: str) -> tuple[object, ...]:
    """What every call answers in every state, and where it leads."""
    found = []
    for state in STATES:
        for e in reach(stack, state):
            for call in CALLS:
                outcome = e.step(Event(call=call, amount=10))
                found.append((state, call, outcome.endpoint.state, outcome.result))
    return tuple(found)


def _sound(name: str) -> bool:
    return all(f.holds or f.id == "stuck-together" for f in explore(load(name), Bounds(worlds=400)).invariants)


def checks() -> list[Check]:
    """Everything that may notice a wrong row; each knows the rows that it takes, and the quick ones come first."""
    found = []
    for path in sorted((ROOT / "tests" / "pkt").glob("*.pkt")):
        text = path.read_text(encoding="utf-8")
        stacks = header(text)[0] or tuple(stack_names())
        found += [Check(f"{path.name} {s}", partial(_script, text, path.name, s)) for s in stacks]
    for module in ("test_tcp_rfc_table", "test_tcp_ladders", "test_tcp_edges", "test_world_durations"):
        found += [Check(f"{module}: {name}", test) for name, test in _module_tests(module)]
    found.append(Check("bare graph", lambda: bare().json()["states"] == 27 and bare().transitions == 38))
    found += [Check(f"invariants of {name}", partial(_sound, name)) for name in names()]
    found += [Check(f"one row: {s} {state}", partial(_one_row, s, state)) for s in stack_names() for state in WAYS]
    use(RULES)
    kept = []
    for check in found:
        with watching() as rows:
            start = time.process_time()
            if check.red():
                raise SystemExit(f"{check.name} fails without any mutation")
            check.seconds = time.process_time() - start
        check.rows = set(rows)
        kept.append(check)
    return sorted(kept, key=lambda c: c.seconds)


# ------------------------------------------------------------------------------------------------ the score
def survivors(chosen: list[Mutant], having: list[Check]) -> Iterator[tuple[Mutant, str | None]]:
    """Each mutant, and the first check that it turns red; None: it survives."""
    by_row: dict[str, list[Check]] = {
        rule.id: [check for check in having if rule.id in check.rows] for rule in RULES
    }
    try:
        for mutant in chosen:
            use(mutant.rules)
            yield mutant, next((check.name for check in by_row[mutant.row] if check.red()), None)
    finally:
        use(RULES)


def score(every: int = 1, offset: int = 0) -> dict[str, Any]:
    """The result as plain data. A row counts as killed when its loss and each wrong next state are noticed."""
    start = time.process_time()
    having = checks()
    chosen = list(mutants())[offset::every]
    total: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    by: Counter[str] = Counter()
    alive, blind = [], set()
    for mutant, check in survivors(chosen, having):
        total[mutant.kind] += 1
        killed[mutant.kind] += check is not None
        if check is None:
            alive.append(mutant.what)
            if mutant.kind in ("dropped", "next state"):
                blind.add(mutant.row)
        else:
            by[check.split(":")[0].split(" ")[0].rsplit(".", 1)[-1]] += 1
    rows = {mutant.row for mutant in chosen}
    return {
        "version": 1,
        "rows": len(rows),
        "rows_killed": len(rows - blind),
        "rows_killed_percent": round(100 * len(rows - blind) / len(rows), 1),
        "mutants": sum(total.values()),
        "killed": sum(killed.values()),
        "by_kind": {kind: {"mutants": total[kind], "killed": killed[kind]} for kind in total},
        "first_noticed_by": dict(by.most_common()),
        "checks": len(having),
        "survivors": alive,
        "seconds": round(time.process_time() - start, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only each Nth mutant")
    parser.add_argument("--write", action="store_true", help=f"also write {RESULT.relative_to(ROOT)}")
    args = parser.parse_args()
    result = score(args.every)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    print(text)
    if args.write:
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
