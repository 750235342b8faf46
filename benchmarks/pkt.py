"""How fast packetdrill scripts are read and played: `python -m benchmarks.pkt` prints JSON.

Processor time of this process, so that other work on the machine counts less. Every run begins with the engine's
and the reader's memories emptied: a script that is played for the first time is what users wait for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from teardown.formats import packetdrill
from teardown.formats.packetdrill import header, parse
from teardown.formats.packetdrill_run import run_script
from teardown.stacks import names
from teardown.tcp import endpoint

SCRIPTS = Path(__file__).parents[1] / "tests" / "pkt"
LEAST = 1_500  # scripts a second, read and played
RUNS = 7


def measure() -> dict[str, object]:
    """Scripts per second: the median of several runs over all of ours, each on the first stack that it names."""
    texts = [(path.name, path.read_text(encoding="utf-8")) for path in sorted(SCRIPTS.glob("*.pkt"))]
    cases = [(name, text, (header(text)[0] or names())[0]) for name, text in texts]
    lines = sum(text.count("\n") for _name, text, _stack in cases)

    def play() -> None:
        for name, text, stack in cases:
            assert run_script(text, name, stack).kind == "ok"

    def read() -> None:
        for name, text, _stack in cases:
            parse(text, name)

    cold = _rate(play, len(cases), forget=True)
    return {
        "version": 1,
        "scripts": len(cases),
        "lines_per_script": round(lines / len(cases), 1),
        "per_second": {
            "read and played": cold,
            "read": _rate(read, len(cases), forget=True),
            "read and played again": _rate(play, len(cases), forget=False),
        },
        "least": LEAST,
        "met": cold >= LEAST,
    }


def _rate(work: Callable[[], None], count: int, *, forget: bool) -> float:
    work()
    seconds = []
    for _ in range(RUNS):
        if forget:
            packetdrill._read.cache_clear()
            endpoint._step.cache_clear()
        begun = time.process_time()
        work()
        seconds.append(time.process_time() - begun)
    return round(count / sorted(seconds)[RUNS // 2], 1)


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
