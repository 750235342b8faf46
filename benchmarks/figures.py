"""What a figure costs: time to draw a ladder of 200 steps, and bytes of every shipped figure.

`python -m benchmarks.figures` prints one JSON document. Times are medians, in milliseconds of this process.
"""

from __future__ import annotations

import gzip
import json
import statistics
import time
from collections.abc import Callable

from benchmarks import pages
from benchmarks.result import ROOT, Result
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
MOST_STEP_MS = 4
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


#: Sets the step, presses the button for the next one (that also asks for the layout, to scroll), and counts the
#: animation frames that the figure asks for while nothing moves.
STEPPING = """async () => {
  const player = document.querySelector("tcp-player");
  const median = (act) => {
    const times = [];
    for (let n = 0; n < 200; n++) {
      const start = performance.now();
      act(n);
      times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b)[100];
  };
  const press = (action) => player.querySelector(`[data-action=${action}]`).click();
  const step = median((n) => { player.step = n % (player.last + 1); });
  const pressed = median(() => press(player.step < player.last ? "next" : "first"));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  let asked = 0;
  const own = window.requestAnimationFrame;
  window.requestAnimationFrame = (paint) => { asked++; return own(paint); };
  await new Promise((resolve) => setTimeout(resolve, 3000));
  return { step, pressed, asked };
}"""


def measure_player() -> Result:
    """What a step costs in Chromium, and what a figure at rest asks for."""
    result = Result("figure-player", "ms")
    with pages.chromium() as browser, pages.serving(ROOT / "site") as origin, pages.cold(browser) as page:
        page.goto(origin + pages.PAGES["figures"])
        page.wait_for_selector("tcp-player .tcp-controls")
        seen = page.evaluate(STEPPING)
    result.add("a step", seen["step"])
    result.add("a step by its button, with layout and scroll", seen["pressed"])
    result.budget("a step, ms of script", seen["step"], MOST_STEP_MS)
    result.budget("animation frames asked for in 3 s at rest", seen["asked"], 0)
    return result


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
