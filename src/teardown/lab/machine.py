"""A machine of the reader's own: rows of the transition table changed or dropped, values of a system changed.

Nothing that others use is touched. A machine is a profile with a table of its own (`Profile.table`), so endpoints that
run it and endpoints that do not live side by side, and what is remembered of one is never taken for the other.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from teardown.draw import ladder, state_map
from teardown.draw.map_plan import from_json
from teardown.errors import InputError
from teardown.stacks import names as stack_names
from teardown.stacks import override, stack
from teardown.tcp.decide import trees
from teardown.tcp.endpoint import MissingRule
from teardown.tcp.states import STATES, prose
from teardown.tcp.table import RULES, Rule
from teardown.world.doing import Doing
from teardown.world.invariants import INVARIANTS, broken
from teardown.world.moves import begin
from teardown.world.run import ending
from teardown.world.run import run as run_standard
from teardown.world.scenario import load
from teardown.world.trace import HOSTS, Ending, Step, Trace, spoken
from teardown.world.world import Scenario

MOST_EDITS: Final = 40
#: A broken machine may answer itself for ever.
MOST_STEPS: Final = 1_500
_AFTER: Final = 25  # steps that are drawn after the first difference
_STAY: Final = "stay"


class Edit(NamedTuple):
    """One change. Of a row: where it leads (a state, "stay", or "" to drop it). Of a value: its system and text."""

    row: str = ""
    to: str = ""
    stack: str = ""
    name: str = ""
    value: str = ""


def read_edits(data: Any) -> tuple[Edit, ...]:
    """Edits from plain data that anybody may have written. Raises InputError."""
    if not isinstance(data, list) or len(data) > MOST_EDITS:
        raise InputError("edits must be a list", mend=f"At most {MOST_EDITS} edits")
    edits = tuple(_edit(one) for one in data)
    for one in edits:  # a value that makes no sense is found here, not in the middle of a run
        if one.stack:
            override(stack(one.stack).profile, one.name, one.value, f"{one.stack}.{one.name}")
    return edits


def _edit(data: Any) -> Edit:
    if not isinstance(data, dict) or not all(isinstance(v, str) and len(v) <= 60 for v in data.values()):
        raise InputError("an edit is a table of short texts")
    if set(data) == {"row", "to"}:
        if data["row"] not in _BY_ID:
            raise InputError(f"there is no row {data['row']!r}")
        if data["to"] not in (*STATES, _STAY, ""):
            raise InputError(f"a row cannot lead to {data['to']!r}", mend=f"States: {', '.join(STATES)}")
        return Edit(row=data["row"], to=data["to"])
    if set(data) == {"stack", "name", "value"} and data["stack"] in stack_names():
        return Edit(stack=data["stack"], name=data["name"], value=data["value"])
    raise InputError("an edit has row and to, or stack, name and value")


_BY_ID: Final = {rule.id: rule for rule in RULES}


# ------------------------------------------------------------------------------------------------ machines
@lru_cache(maxsize=16)
def rules_of(edits: tuple[Edit, ...]) -> tuple[Rule, ...]:
    """The rows of the edited table; a row that several edits change obeys the last."""
    last = {edit.row: edit.to for edit in edits if edit.row}
    out = []
    for rule in RULES:
        to = last.get(rule.id, ...)
        if to == "":
            continue
        out.append(rule if to is ... else rule._replace(to=None if to == _STAY else str(to)))
    return tuple(out)


@lru_cache(maxsize=16)
def _table(edits: tuple[Edit, ...]) -> Any:
    return trees(rules_of(edits)) if any(edit.row for edit in edits) else None


def _with(scenario: Scenario, edits: tuple[Edit, ...]) -> Scenario:
    """The scenario with the edited machine on both hosts."""
    hosts = scenario.hosts
    for host in HOSTS:
        setup = hosts.of(host)
        profile = setup.profile
        for edit in edits:
            if edit.stack == profile.name:
                profile = override(profile, edit.name, edit.value)
        hosts = hosts.having(host, replace(setup, profile=profile.having(table=_table(edits))))
    return replace(scenario, hosts=hosts)


class Played(NamedTuple):
    """A run of an edited machine. `fault`: why it could not go on. `broke`: invariants, each with its first step."""

    trace: Trace
    fault: str
    broke: tuple[tuple[str, int], ...]


def play(scenario: Scenario) -> Played:
    """Run a scenario whose machine may be broken in any way: every world is checked, and whatever fails is told."""
    broke: dict[str, int] = {}
    try:
        world, steps = begin(scenario)
    except (MissingRule, InputError) as error:
        return Played(Trace(scenario.json(), (), Ending("open", 0, "")), str(error), ())
    doing, lost = Doing(world), False
    fault = ""
    try:
        while not doing.over and len(steps) + len(doing.steps) < MOST_STEPS and doing.now <= scenario.limit:
            seen = len(doing.steps)
            if not doing.advance(named=True):
                break
            lost = lost or any(s.event == "segment-lost" for s in doing.steps[seen:])
            for name in broken(doing.world(), lost=lost):
                broke.setdefault(name, len(steps) + len(doing.steps) - 1)
    except (MissingRule, InputError) as error:
        fault = str(error)
    except Exception as error:  # rows that the table never had can lead the actions anywhere
        fault = f"the machine cannot go on: {type(error).__name__}"
    else:
        if len(steps) + len(doing.steps) >= MOST_STEPS:
            fault = f"it has not come to an end after {MOST_STEPS} steps"
    trace = Trace(scenario.json(), (*steps, *doing.steps), ending(doing))
    return Played(trace, fault, tuple(sorted(broke.items(), key=lambda pair: pair[1])))


def difference(was: Trace, now: Trace) -> int | None:
    """The first step that is not the same in two runs; None if all are."""
    for n, (a, b) in enumerate(zip(was.steps, now.steps, strict=False)):
        if _seen(a) != _seen(b):
            return n
    return None if len(was.steps) == len(now.steps) else min(len(was.steps), len(now.steps))


def _seen(s: Step) -> tuple[object, ...]:
    """What can be seen of a step: not which row it was, nor how it is told."""
    return (
        s.t, s.event, s.host, s.states, s.timers, s.fins, s.segment, s.sender, s.again, s.probe, s.call, s.result, s.timer,
        s.held,
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------- for the page
def rerun(name: str, edits: tuple[Edit, ...], *, draw: bool = False) -> dict[str, Any]:
    """What an edited machine makes of a scenario: the same, or where it first differs and what it breaks."""
    scenario = load(name)
    was, now = run_standard(scenario), play(_with(scenario, edits))
    at = difference(was, now.trace)
    if at is None and now.fault:  # it stops where nothing was to come
        at = len(now.trace.steps)
    out: dict[str, Any] = {
        "name": name,
        "title": scenario.title,
        "same": at is None and not now.fault,
        "step": at,
        "was": "" if at is None else _told(was, at),
        "now": "" if at is None else now.fault if now.fault and at >= len(now.trace.steps) else _told(now.trace, at),
        "ended": [was.ending.text, now.fault or now.trace.ending.text],
        "broke": [[INVARIANTS[which], step] for which, step in now.broke],
    }
    if draw and now.trace.steps:
        upto = None if at is None else at + _AFTER
        ladders = ladder.draw_together([_cut(was, upto), _cut(now.trace, upto)], ids=f"machine-{name}")
        out["html"] = {"was": ladders[0].svg, "now": ladders[1].svg}
    return out


def _told(trace: Trace, at: int) -> str:
    if at >= len(trace.steps):
        return "Nothing more happens."
    s = trace.steps[at]
    return f"{spoken(s.t)}: {s.caption} Server {prose(s.states.server)}, client {prose(s.states.client)}."


def _cut(trace: Trace, upto: int | None) -> Trace:
    if upto is None or len(trace.steps) <= upto + 1:
        return trace
    steps = trace.steps[: upto + 1]
    return Trace(trace.scenario, steps, Ending("open", steps[-1].t, ""))


def drawn(edits: tuple[Edit, ...], plan: Any) -> dict[str, Any]:
    """The state diagram of an edited machine, on the page's own plan."""
    return {"html": {"states": state_map.draw_edited(from_json(plan), rules_of(edits), "machine")}}
