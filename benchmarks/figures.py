"""What a figure costs: time to draw a ladder of 200 steps, and bytes of every shipped figure.

`python -m benchmarks.figures` prints one JSON document. Times are medians, in milliseconds of this process.
"""

from __future__ import annotations

import gzip
import json
import statistics
import time
from collections.abc import Callable

from teardown.draw import ladder
from teardown.draw.figure import figure
from teardown.site import state_graph
from teardown.tcp.segment import Segment
from teardown.tcp.states import ESTABLISHED, Fins
from teardown.world.run import run
from teardown.world.scenario import load, names
from teardown.world.trace import Ending, Pair, Step, Trace, other

STEPS = 200
MOST_MS = 50
MOST_BYTES = 60_000
REPEATS = 15


def long_trace(steps: int = STEPS) -> Trace:
    """Requests and answers, with a pause after every twenty segments."""
    states = Pair(ESTABLISHED, ESTABLISHED)
    fins = Pair(Fins(False, False, False), Fins(False, False, False))
    made = [Step(0, 0, "start", None, "The connection is open.", states, Pair((), ()), fins, None)]
    t = 0
    while len(made) < steps:
        packet = len(made) // 2
        sender = "client" if packet % 2 else "server"
        segment = Segment(1, 1, "PA", 100) if packet % 2 else Segment(1, 1, "A")
        for event, host, wait in (("segment-sent", sender, 1), ("segment-arrived", other(sender), 20)):  # type: ignore[arg-type]
            t += wait * 1_000 if packet % 20 else 30_000_000
            made.append(
                Step(
                    len(made),
                    t,
                    event,
                    host,
                    "A segment.",
                    states,
                    Pair((), ()),
                    fins,
                    None,  # type: ignore[arg-type]
                    segment=segment,
                    sender=sender,
                    packet=packet,
                )  # type: ignore[arg-type]
            )
    return Trace({"name": "long", "latency": 20_000}, tuple(made[:steps]), Ending("open", t, ""))


def median_ms(work: Callable[[], object]) -> float:
    """The median processor time of `work`."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1_000)
    return round(statistics.median(times), 2)


def measure() -> dict[str, object]:
    """All numbers, each with the budget it stands against."""
    trace = long_trace()
    plan = state_graph.plan()
    sizes = {name: len(gzip.compress(figure(run(load(name)), name, plan=plan).encode(), 9)) for name in names()}
    return {
        "version": 1,
        "ladder": {
            "steps": len(trace.steps),
            "ms": median_ms(lambda: ladder.draw(trace)),
            "most_ms": MOST_MS,
        },
        "figure": {"ms": median_ms(lambda: figure(trace, "long", plan=plan))},
        "gzip_bytes": {"most": MOST_BYTES, "largest": max(sizes.values()), "figures": sizes},
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
