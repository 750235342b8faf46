"""Is a lab right? Every goal reachable, every question with one answer: proved by the engine, within stated bounds."""

from __future__ import annotations

from typing import NamedTuple

from teardown.errors import InputError
from teardown.lab.file import Lab
from teardown.lab.goals import Goal, Sought
from teardown.lab.predictions import Prediction, label, truth
from teardown.lab.ways import LADDER, bounds_with, search, told
from teardown.world.explore import Bounds, Turning, turning_points
from teardown.world.moves import begin
from teardown.world.world import Scenario

#: How far the search for places goes at which a question is asked.
BOUNDS = Bounds(losses=1, duplicates=1, reorderings=1, delays=1, calls=2, worlds=2_000)
#: And, with less that goes wrong, how deep.
DEEPER = (LADDER[1], LADDER[-1])
MOST_WORLDS = 60_000


class Solved(NamedTuple):
    """A goal, and the shortest way to it in one setting: `table` is empty in a lab without a choice."""

    goal: str
    variant: int
    table: str
    moves: tuple[str, ...]


class Answered(NamedTuple):
    """A question, its right answers in one setting by situation, and in how many situations it is asked."""

    prediction: str
    variant: int
    table: str
    answers: tuple[str, ...]
    places: int
    complete: bool


class Report(NamedTuple):
    """What came out. The lab is right when there are no faults."""

    faults: tuple[str, ...]
    solved: tuple[Solved, ...]
    answered: tuple[Answered, ...]


def check(lab: Lab, *, variants: bool = True) -> Report:
    """Hold a lab against the engine, in every variant and at every table; `variants=False`: as the file tells it."""
    faults: list[str] = []
    solved: list[Solved] = []
    answered: list[Answered] = []
    tables = [t.id for t in lab.tables] or [""]
    for n, here in enumerate(lab.variants if variants else (lab,)):
        where = f" in variant {n}" if n else ""
        settings = list(zip(tables, here.scenarios, strict=True))
        for goal in here.goals:
            found = [s for table, scenario in settings if (s := _solve(goal, n, table, scenario))]
            solved += found
            if not found:
                faults.append(f"no moves reach the goal {goal.id}{where}")
        for p in here.predictions:
            places = 0
            for table, scenario in settings:
                at = f"{where} at the table {table}" if table else where
                fault, answer = _ask(p, here, n, table, scenario, at)
                faults += fault
                if answer is not None:
                    places += answer.places
                    answered.append(answer)
            if not places and not faults:
                faults.append(f"the prediction {p.id} is never asked{where}: no moves reach its `when`")
    return Report(tuple(faults), tuple(solved), tuple(answered))


def _solve(goal: Goal, variant: int, table: str, scenario: Scenario) -> Solved | None:
    found = search(begin(scenario)[0], goal, MOST_WORLDS).moves
    return None if found is None else Solved(goal.id, variant, table, found)


def _ask(
    p: Prediction, lab: Lab, variant: int, table: str, scenario: Scenario, at: str
) -> tuple[list[str], Answered | None]:
    """Hold a question against every situation in which it is asked for the first time."""
    points, complete = [], True
    for bounds in (BOUNDS, *(bounds_with(rung, BOUNDS.worlds // 2) for rung in DEEPER)):
        found, all_of_them = turning_points(scenario, Sought(p.when), bounds)
        points += found
        complete = complete and all_of_them
    answers: dict[str, Turning] = {}
    for point in points:
        try:
            right = truth(p, point.world, point.steps, lab.paste)
        except InputError as error:
            return [f"the prediction {p.id} cannot be answered{at} {_way(point)}: {error.what}"], None
        answers.setdefault(right.value, point)
        wrong = [w.value for w in p.wrong if w.value != right.value]
        if not wrong:
            return [f"the prediction {p.id} has no wrong answer left{at} {_way(point)}"], None
        for value in wrong:
            if value in right.also:
                said = label(p.ask, value, p.host)
                return [f"the prediction {p.id} has two right answers{at} {_way(point)}: “{said}” could act as well"], None
    if len(answers) > 1 and p.because:
        told = "; ".join(f"“{label(p.ask, value, p.host)}” {_way(point)}" for value, point in answers.items())
        return [f"the prediction {p.id} gives one reason and has two answers{at}: {told}"], None
    return [], Answered(p.id, variant, table, tuple(answers), len(points), complete)


def _way(point: Turning) -> str:
    return f"after {' '.join(point.way)}" if point.way else "at the beginning"


def key(lab: Lab, report: Report) -> str:
    """The key for a teacher: the moves to each goal in words, and the answer to each question."""
    lines = [lab.title, ""]
    for s in report.solved:
        here = lab.variants[s.variant]
        setting = " ".join(filter(None, (f"(variant {s.variant})" if s.variant else "", f"at {s.table}" if s.table else "")))
        lines.append(f"{next(g.text for g in here.goals if g.id == s.goal)} {setting}".rstrip())
        for n, (move, text) in enumerate(zip(s.moves, told(here.at(s.table or None), s.moves), strict=True), 1):
            lines.append(f"  {n:2}. {text}  [{move}]")
        lines.append("")
    for a in report.answered:
        if a.places:
            p = next(p for p in lab.variants[a.variant].predictions if p.id == a.prediction)
            setting = "".join((f" (variant {a.variant})" if a.variant else "", f" at {a.table}" if a.table else ""))
            said = " or ".join(label(p.ask, value, p.host) for value in a.answers)
            lines.append(f"Prediction {p.id}{setting}: {said}")
    return "\n".join(lines).rstrip()
