"""How fast the engine runs and searches, side by side with simpy, `transitions` and plain searches.

Processor time in one process. `afresh` empties the engine's memories before every run: that is what a new scenario
costs. `again` keeps them: that is undo, replay and a lab.

The search is compared with two plain ones. One is breadth first over the very worlds that ours carries (two TCPs, two
programs, timers, a wire), written with the public moves. The other carries almost nothing, two counters and two
short queues: it shows what all that the worlds carry costs. Spin, a model checker that compiles its model to C, is
timed on `close.pml`, which describes the same close with less in each state.

A step costs more than two timeouts of simpy. Its 21 fields alone cost half a timeout, timers and flights another
third; the rest is spread over some 250 bytecodes with no hot spot. What helped: one object for each situation of a
host, invisible deeds joined with visible ones, what both hosts show kept by identity. What won too little to pay for
its looks: the whole loop in one function with local names (7 %), steps made from a half that is prepared (nothing).
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from benchmarks.result import ROOT, Result
from teardown.lab import file as labs
from teardown.tcp.endpoint import forget
from teardown.world.bare import bare
from teardown.world.canonical import canonical
from teardown.world.explore import Bounds, explore
from teardown.world.moves import apply, begin, moves
from teardown.world.run import run
from teardown.world.scenario import load
from teardown.world.world import Scenario

RUNS = 5
LOSSY = ("lost-fin", "lost-last-ack", "lingering-saves-answer", "reset-eats-answer")
TIMEOUTS = 50_000
TRIGGERS = 10_000
WORLDS = 20_000
PLAIN_WORLDS = 2_000


def measure() -> Result:
    """µs for one event, one trigger, one world; the bare graph whole."""
    result = Result("engine", "µs each")
    idle, lossy = [load("buggy-client")], [load(name) for name in LOSSY]
    lab = labs.load("buggy-client").scenario
    assert explore(lab, Bounds(worlds=WORLDS)).states >= WORLDS, "the search ends before the bound"
    for _ in range(RUNS):
        result.add("simpy timeout", _each(_simpy, TIMEOUTS))
        result.add("transitions trigger", _each(_transitions, TRIGGERS))
        for name, scenarios in (("buggy-client", idle), ("lossy transfer and close", lossy)):
            steps = sum(len(run(s).steps) for s in scenarios)
            forget()
            result.add(f"{name}, one step afresh", _each(lambda s=scenarios: [run(x) for x in s], steps))
            result.add(f"{name}, one step again", _each(lambda s=scenarios: [[run(x) for x in s] for _ in range(20)], 20 * steps))
        forget()
        result.add("one world of the search", _each(lambda: explore(lab, Bounds(worlds=WORLDS)), WORLDS))
        result.add("one world of a plain search over the same", _each(lambda: _plain(lab, PLAIN_WORLDS), PLAIN_WORLDS))
        seen = _naive(WORLDS)
        result.add("one state of a plain search over counters", _each(lambda: _naive(WORLDS), seen))
        forget()
        result.add("the bare teardown graph", _each(bare, 1))
    if shutil.which("spin") and shutil.which("cc"):
        for value in _spin():
            result.add("one state of spin", value)
        result.ratio("a world of the search, in states of spin", "one world of the search", "one state of spin")
    else:
        result.skip("spin: it or a C compiler is missing; run tools/bootstrap.sh bench")
    result.ratio(
        "a world of the search, in states of a plain search over counters",
        "one world of the search", "one state of a plain search over counters",
    )  # fmt: skip
    result.ratio("a step afresh, in simpy timeouts", "lossy transfer and close, one step afresh", "simpy timeout")
    step = result.middle("lossy transfer and close, one step again")
    result.budget("a step, in simpy timeouts", step / result.middle("simpy timeout"), 2.0)
    result.budget("a step, in transitions triggers", step / result.middle("transitions trigger"), 0.2)
    result.budget(
        "a world of the search, in worlds of a plain one",
        result.middle("one world of the search") / result.middle("one world of a plain search over the same"), 1.0,
    )  # fmt: skip
    result.budget("the bare graph, µs", result.middle("the bare teardown graph"), 10_000)
    return result


def _each(work: Callable[[], object], count: int) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1e6 / count


def _simpy() -> None:
    import simpy

    env = simpy.Environment()

    def waiter():
        for _ in range(TIMEOUTS):
            yield env.timeout(1)

    env.process(waiter())
    env.run()


def _transitions() -> None:
    from transitions import Machine

    class Connection:
        pass

    connection = Connection()
    Machine(connection, states=["a", "b"], transitions=[["go", "a", "b"], ["go", "b", "a"]], initial="a")
    for _ in range(TRIGGERS):
        connection.go()  # type: ignore[attr-defined]


def _spin() -> list[float]:
    """µs of processor time for each state that spin stores, without its reductions; as many runs as of the rest."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(ROOT / "benchmarks" / "close.pml", Path(folder) / "close.pml")
        for command in ("spin -a close.pml", "cc -O2 -DSAFETY -DNOREDUCE -w -o pan pan.c"):
            subprocess.run(command.split(), cwd=folder, check=True, capture_output=True, timeout=120)
        found = []
        for _ in range(RUNS):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(
                ["./pan", "-m100000", "-w22", "-E", "-n"], cwd=folder, check=True, capture_output=True, text=True,
                timeout=300,
            )  # fmt: skip
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            stored = re.search(r"(\d+) states, stored", done.stdout)
            assert stored is not None, done.stdout
            assert "errors: 0" in done.stdout, done.stdout
            found.append((after.ru_utime - before.ru_utime) * 1e6 / int(stored[1]))
        return found


def _plain(scenario: Scenario, most: int) -> int:
    """Breadth first over the engine's own worlds, with its public moves."""
    start = canonical(begin(scenario)[0])
    seen, queue = {start}, deque([start])
    while queue and len(seen) < most:
        world = queue.popleft()
        for move in moves(world):
            if move.kind == "delay":  # for ever longer: the search makes none where the clock is played
                continue
            after = canonical(apply(world, move)[0])
            if after not in seen:
                seen.add(after)
                queue.append(after)
    return len(seen)


def _naive(most: int) -> int:
    """Two counters on each side and a lossy channel each way: a search with nothing but tuples."""
    start = (0, 0, (), ())
    seen, queue = {start}, deque([start])
    while queue and len(seen) < most:
        a, b, there, back = queue.popleft()
        after = []
        if a < 60 and len(there) < 3:
            after.append((a + 1, b, (*there, a), back))
        if there:
            after += [(a, b, there[1:], back), (a, max(b, there[0]), there[1:], (*back, there[0]) if len(back) < 3 else back)]
        if back:
            after += [(a, b, there, back[1:]), (max(a, back[0]), b, there, back[1:])]
        for state in after:
            if state not in seen:
                seen.add(state)
                queue.append(state)
    return len(seen)
