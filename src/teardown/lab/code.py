"""Labs that ask for a program: the checks that it must pass, and how one is run and judged.

A check is a situation (a scenario in which one host is the learner's) and what must come true in it. `run` runs a
program and answers with its journal; `judge` plays a journal and looks at the trace. The two need not happen in the
same place: in the browser the first happens in a worker that is thrown away, the second in the lab's own engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from teardown.durations import duration
from teardown.errors import InputError
from teardown.lab.confine import MOST_SOURCE, Faulty, Program
from teardown.lab.goals import Goal, condition, reached
from teardown.lab.loop import (
    SHUT_RD,
    SHUT_RDWR,
    SHUT_WR,
    Journal,
    Learner,
    Loop,
    Plays,
    Recorded,
    Spinning,
    Stopped,
    Wish,
    calls_of,
)
from teardown.tcp.states import prose
from teardown.world import scenario as scenarios
from teardown.world.trace import HOSTS, Ending, Host, Step, Trace, other, spoken
from teardown.world.world import Scenario

_KEYS = {"seat", "class", "starter", "solution", "checks"}
_CHECK_KEYS = {"id", "name", "why", "fails", "scenario", "requests", "until", "must"}
_GIVEN: Final = {"SHUT_RD": SHUT_RD, "SHUT_WR": SHUT_WR, "SHUT_RDWR": SHUT_RDWR}
MOST_CHECKS: Final = 20


class Check(NamedTuple):
    """One situation, and what must come true in it. `why`: what to learn from it if it does not."""

    id: str
    name: str
    why: str
    fails: bool  # the starter does not pass it
    scenario: Scenario
    wishes: tuple[Wish, ...]
    until: int
    must: tuple[tuple[str, Any], ...]


class Task(NamedTuple):
    """What a lab asks for: a class for one host, a program to start from, and its checks.

    `solution` is None where it has been left out, as in what a page carries.
    """

    seat: Host
    wanted: str
    starter: str
    solution: str | None
    checks: tuple[Check, ...]

    def check(self, name: str) -> Check:
        """The check of that id. Raises InputError."""
        for check in self.checks:
            if check.id == name:
                return check
        raise InputError(
            f"there is no check {name[:40]!r}", mend=f"Checks: {', '.join(c.id for c in self.checks)}"
        )


class Played(NamedTuple):
    """What a program did in one situation. `error`: why it stopped, for the learner; None if it did not."""

    journal: Journal
    error: str | None
    output: str


class Verdict(NamedTuple):
    """Whether a check is passed, what was seen if it is not, and the trace."""

    passed: bool
    seen: str
    trace: Trace


# ------------------------------------------------------------------------------------------------ running
def run(task: Task, check: Check, source: str) -> Played:
    """Run a program in the situation of a check. Never raises for what the program does."""
    try:
        program = Program(source, task.wanted, dict(_GIVEN))
    except Faulty as fault:
        return Played((), str(fault), "")
    try:
        loop = _loop(task, check, _Guarded(program))
    except Faulty as fault:
        return Played((), str(fault), program.output.shown)
    try:
        loop.run()
    except (Faulty, Spinning) as fault:
        return Played(loop.journal, str(fault), program.output.shown)
    return Played(loop.journal, None, program.output.shown)


class _Guarded:
    """A learner's object whose every callback is bounded."""

    def __init__(self, program: Program) -> None:
        self._program, self._learner = program, Learner(program.instance())

    def called(self, callback: str, loop: Loop, *given: Any) -> None:
        with self._program.running():
            self._learner.called(callback, loop, *given)


def _loop(task: Task, check: Check, player: Plays) -> Loop:
    return Loop(check.scenario, task.seat, player, check.wishes, check.until)


def judge(task: Task, check: Check, journal: Journal, *, crashed: bool = False) -> Verdict:
    """Play a journal and see whether everything comes true that must. `crashed`: the program stopped after it."""
    loop = _loop(task, check, Recorded(journal, crashed=crashed))
    stopped = False
    try:
        loop.run()
    except (Stopped, Spinning):
        stopped = True
    trace = loop.trace()
    faults = [said for key, value in check.must if (said := _CONDITIONS[key](trace, task.seat, value))]
    if stopped or crashed:
        return Verdict(False, "Your program stopped.", trace)
    return Verdict(not faults, " ".join(faults), trace)


def graded(task: Task, source: str) -> list[tuple[Check, Verdict, Played]]:
    """A program run and judged in every situation of its task."""
    out = []
    for check in task.checks:
        played = run(task, check, source)
        out.append((check, judge(task, check, played.journal, crashed=played.error is not None), played))
    return out


def proof(task: Task) -> list[str]:
    """What speaks against a task: nothing if its solution passes all checks and its starter just those it should."""
    if task.solution is None:
        return ["there is no solution to prove that it can be solved"]
    faults = [
        f"the solution does not pass {check.id}: {played.error or verdict.seen}"
        for check, verdict, played in graded(task, task.solution)
        if not verdict.passed
    ]
    faults += [
        f"the starter {'passes' if verdict.passed else 'does not pass'} {check.id}, which says fails = {str(check.fails).lower()}"
        for check, verdict, _played in graded(task, task.starter)
        if verdict.passed is check.fails
    ]
    return faults


#: A longer picture shows nothing more: whoever sends every second for minutes does the same again and again.
_MOST_DRAWN = 120


def drawn(trace: Trace) -> tuple[Trace, str]:
    """What a page shows of a trace: all of it, or its beginning and a sentence that says so."""
    if len(trace.steps) <= _MOST_DRAWN:
        return trace, ""
    steps = trace.steps[:_MOST_DRAWN]
    said = f"It goes on like this until {spoken(trace.steps[-1].t)}: {len(trace.steps):,} steps in all, and {_MOST_DRAWN} are shown."
    return Trace(trace.scenario, steps, Ending("open", steps[-1].t, "")), said


# --------------------------------------------------------------------------------------------- conditions
# Each answers with what was seen, or nothing where all is well.
def _closes(trace: Trace, host: Host, by: int) -> str:
    closed = next((s for s in trace.steps if not s.held.of(host)), None)
    if closed is not None and closed.t <= by:
        return ""
    last = [s for s in trace.steps if s.t <= by][-1]
    return f"After {spoken(by)} your program still holds its socket. {_states(last)}"


def _keeps(trace: Trace, host: Host, until: int) -> str:
    closed = next((s for s in trace.steps if not s.held.of(host)), None)
    if closed is None or closed.t >= until:
        return ""
    return f"Your program gave its socket back after {spoken(closed.t)}, and it was still wanted."


def _reads(trace: Trace, host: Host, least: int) -> str:
    got = _bytes_read(trace, host)
    return "" if got >= least else f"Your program has read {got:,} bytes, and {least:,} were sent to it."


def _reads_at_most(trace: Trace, host: Host, most: int) -> str:
    got = _bytes_read(trace, host)
    return "" if got <= most else f"Your program has read {got:,} bytes. {most:,} would have been plenty."


def _peer_reads(trace: Trace, host: Host, least: int) -> str:
    got = _bytes_read(trace, other(host))
    return "" if got >= least else f"The {other(host)} has read {got:,} of the {least:,} bytes that it was to get."


def _no_reset(trace: Trace, host: Host, wanted: bool) -> str:
    sent = next((s for s in trace.steps if s.event == "segment-sent" and s.sender == host and "R" in _flags(s)), None)
    return "" if sent is None else f"After {spoken(sent.t)} your end sends a reset. {_states(sent)}"


def _ends(trace: Trace, host: Host, kind: str) -> str:
    return "" if trace.ending.kind == kind else trace.ending.text


def _reaches(trace: Trace, host: Host, when: tuple[tuple[str, str], ...]) -> str:
    if reached(Goal("reaches", "", when), trace.steps) is not None:
        return ""
    wanted = " and ".join(f"{key} {prose(value)}" for key, value in when)
    return f"It never comes to this: {wanted}. {_states(trace.steps[-1])}"


def _flags(step: Step) -> str:
    return step.segment.flags if step.segment is not None else ""


def _states(step: Step) -> str:
    return f"The server is in {prose(step.states.server)}, the client in {prose(step.states.client)}."


def _bytes_read(trace: Trace, host: Host) -> int:
    results = [s.result or "" for s in calls_of(trace.steps, host) if s.call == "recv()"]
    return sum(int(r) for r in results if r.isdecimal())


_CONDITIONS: Final[dict[str, Callable[[Trace, Host, Any], str]]] = {
    "closes": _closes, "keeps": _keeps, "reads": _reads, "reads_at_most": _reads_at_most, "peer_reads": _peer_reads,
    "no_reset": _no_reset, "ends": _ends, "reaches": _reaches,
}  # fmt: skip


# ------------------------------------------------------------------------------------------------ reading
def parse_task(data: Any, base: dict[str, Any], place: str) -> Task:
    """The `[code]` table of a lab file. `base`: the lab's scenario, as data, that each check changes."""
    place = f"{place}, [code]"
    if not isinstance(data, dict):
        raise InputError("code must be a table", place=place, mend="Write [code]")
    _only(data, _KEYS, place)
    seat, wanted = data.get("seat"), data.get("class")
    if seat not in HOSTS:
        raise InputError(f"seat cannot be {seat!r}", place=place, mend="Write server or client")
    if not isinstance(wanted, str) or not wanted.isidentifier():
        raise InputError(f"class cannot be {wanted!r}", place=place, mend='Write class = "Client"')
    checks = data.get("checks", [])
    if not isinstance(checks, list) or not 0 < len(checks) <= MOST_CHECKS:
        raise InputError("checks are missing", place=place, mend=f"Write [[code.checks]], at most {MOST_CHECKS}")
    task = Task(
        seat, wanted, _program(data, "starter", place),
        _program(data, "solution", place) if "solution" in data else None,
        tuple(_check(c, seat, base, f"{place}, check {n}") for n, c in enumerate(checks, 1)),
    )  # fmt: skip
    if len({c.id for c in task.checks}) < len(task.checks):
        raise InputError("two checks have the same id", place=place, mend="Give each check its own id")
    return task


def _check(data: Any, seat: Host, base: dict[str, Any], place: str) -> Check:
    if not isinstance(data, dict):
        raise InputError("a check must be a table", place=place, mend="Write [[code.checks]]")
    _only(data, _CHECK_KEYS, place)
    name = data.get("id")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9-]{1,40}", name):
        raise InputError(f"id cannot be {name!r}", place=place, mend="Use lower-case letters, digits, hyphens")
    fails = data.get("fails", False)
    if not isinstance(fails, bool):
        raise InputError(f"fails cannot be {fails!r}", place=place, mend="Write true or false")
    must = data.get("must")
    if not isinstance(must, dict) or not must:
        raise InputError("must is missing", place=place, mend='Write must = { closes = "6s" }')
    requests = data.get("requests", [])
    if not isinstance(requests, list) or len(requests) > 50:
        raise InputError("requests must be a list", place=place, mend='Write requests = ["0s 200"]')
    changed = data.get("scenario", {})
    if not isinstance(changed, dict):
        raise InputError("scenario must be a table", place=place, mend='Write scenario = { base = "normal-close" }')
    return Check(
        name, _text(data, "name", place), _text(data, "why", place), fails,
        scenarios.parse(name, _merged(base, changed, seat), f"{place}, scenario"),
        tuple(_wish(r, place) for r in requests), duration(data.get("until", "10min"), f"{place}.until"),
        tuple((key, _value(key, value, f"{place}, must.{key}")) for key, value in must.items()),
    )  # fmt: skip


def _merged(base: dict[str, Any], changed: dict[str, Any], seat: Host) -> dict[str, Any]:
    """The lab's scenario with a check's changes. A host that gets another program loses the old one's settings."""
    merged = {**base, **changed}
    for host in HOSTS:
        old, new = base.get(host, {}), changed.get(host, {})
        if isinstance(old, dict) and isinstance(new, dict) and new:
            merged[host] = {**({k: v for k, v in old.items() if k != "set"} if "program" in new else old), **new}
    own = merged.get(seat, {})
    merged[seat] = {**(own if isinstance(own, dict) else {}), "program": "hand"}
    return merged


def _wish(text: Any, place: str) -> Wish:
    at, _, size = text.partition(" ") if isinstance(text, str) else ("", "", "")
    if not size.isdecimal() or not 0 < int(size[:8]) <= 1_000_000 or len(size) > 7:
        raise InputError(f"a request cannot be {text!r}", place=place, mend='Write when and how many bytes: "20s 200"')
    return Wish(0 if at in ("0", "0s") else duration(at, place), int(size))


def _value(key: str, value: Any, place: str) -> Any:
    if key not in _CONDITIONS:
        raise InputError(f"unknown condition {key!r}", place=place, mend=f"Known: {', '.join(_CONDITIONS)}")
    if key in ("closes", "keeps"):
        return duration(value, place)
    if key == "reaches":
        if not isinstance(value, dict) or not value:
            raise InputError(f"{key} must be a table", place=place, mend='Write { server = "TIME-WAIT" }')
        return tuple((k, condition(k, v, place)) for k, v in value.items())
    if key == "ends":
        if value not in ("closed", "stuck", "open"):
            raise InputError(f"ends cannot be {value!r}", place=place, mend="Write closed, stuck or open")
        return value
    if key == "no_reset":
        if value is not True:
            raise InputError(f"no_reset cannot be {value!r}", place=place, mend="Write true, or leave it out")
        return value
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 1_000_000_000:
        raise InputError(f"{key} cannot be {value!r}", place=place, mend="Write a number of bytes")
    return value


def _program(data: dict[str, Any], key: str, place: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{key} is missing or not a text", place=place, mend=f"Write {key} = '''…'''")
    if len(value) > MOST_SOURCE:
        raise InputError(f"{key} is too long", place=place, mend=f"At most {MOST_SOURCE} characters")
    return value.strip("\n") + "\n"


def _text(data: dict[str, Any], key: str, place: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value.strip() or len(value) > 500 or "\n" in value.strip():
        raise InputError(f"{key} must be one line of text", place=place, mend=f'Write {key} = "…"')
    return value.strip()


def _only(data: dict[str, Any], known: Sequence[str] | set[str], place: str) -> None:
    for key in data:
        if key not in known:
            raise InputError(f"unknown key {key!r}", place=place, mend=f"Known keys: {', '.join(sorted(known))}")
