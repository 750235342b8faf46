"""How long a hint takes: every goal of every lab and variant, from the places to which wandering leads."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator

from benchmarks.result import Result
from teardown.lab import situation as bench
from teardown.lab.file import load, names
from teardown.tcp.endpoint import memories

WALKS, LONGEST, EVERY = 1, 12, 4
MOST_MS = 300


def places(lab: str, seed: int, walks: int = WALKS) -> Iterator[list[str]]:
    """The beginning, and places on random walks through a lab; the same each time."""
    yield []
    for walk in range(walks):
        chance, played = random.Random(f"{lab} {seed} {walk}"), list[str]()
        for made in range(1, LONGEST + 1):
            offered = re.findall(r'data-move="([^"]+)"', bench.situation(lab, played, seed=seed)["html"]["moves"])
            if not offered:  # both ends are done
                break
            played.append(chance.choice(offered))
            if made % EVERY == 0:
                yield list(played)


def forget() -> None:
    """As after a start: nothing is known of any lab."""
    for clear in memories:
        clear()
    bench._search_from.cache_clear()


def measure() -> Result:
    """ms of processor time for a hint that nothing was found out for before, and for the next goal's at the same place."""
    result = Result("hints", "ms of processor time each")
    worst: tuple[float, str] = (0.0, "")
    for name in names():
        lab = load(name)
        for seed, here in enumerate(lab.variants if lab.code is None else ()):
            for played in places(name, seed):
                reached = bench.situation(name, played, seed=seed)["goals"]
                forget()
                for n, goal in enumerate(g.id for g in here.goals if not reached[g.id]):
                    begun = time.process_time()
                    bench.hint(name, played, goal, seed)
                    took = 1_000 * (time.process_time() - begun)
                    result.add("afresh" if n == 0 else "another goal at the same place", took)
                    worst = max(worst, (took, f"{name} {seed} {goal} after {' '.join(played) or 'nothing'}"))
    result.notes["the slowest"] = worst[1]
    result.budget("the slowest hint, ms", worst[0], MOST_MS)
    return result
