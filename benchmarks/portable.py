"""The work that is timed in CPython and in Pyodide alike: no peers, no files but ours, the standard library only.

    python -m benchmarks.portable PKT-FOLDER    prints JSON: µs for each kind of work, the quickest of several runs
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from teardown.formats.packetdrill import header
from teardown.formats.packetdrill_run import run_script
from teardown.lab import file as labs
from teardown.stacks import names
from teardown.tcp.endpoint import forget
from teardown.world.explore import Bounds, explore
from teardown.world.run import run
from teardown.world.scenario import load

LOSSY = ("lost-fin", "lost-last-ack", "lingering-saves-answer", "reset-eats-answer")
RUNS = 7
WORLDS = 3_000


def measure(scripts: Path) -> dict[str, float]:
    """µs: a step afresh and again, a world of the search, a packetdrill script."""
    lossy = [load(name) for name in LOSSY]
    steps = sum(len(run(s).steps) for s in lossy)
    lab = labs.load("buggy-client").scenario
    cases = [(path.name, path.read_text("utf-8")) for path in sorted(scripts.glob("*.pkt"))]
    played = [(name, text, (header(text)[0] or names())[0]) for name, text in cases]

    def afresh() -> None:
        forget()
        for scenario in lossy:
            run(scenario)

    def again() -> None:
        for _ in range(10):
            for scenario in lossy:
                run(scenario)

    def search() -> None:
        forget()
        explore(lab, Bounds(worlds=WORLDS))

    def play() -> None:
        forget()
        for name, text, stack in played:
            run_script(text, name, stack)

    return {
        "one step afresh": _quickest(afresh) / steps,
        "one step again": _quickest(again) / (10 * steps),
        "one world of the search": _quickest(search) / WORLDS,
        "one packetdrill script": _quickest(play) / len(played),
    }


def _quickest(work: Callable[[], None]) -> float:
    work()
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times) * 1e6


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
