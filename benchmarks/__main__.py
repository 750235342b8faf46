"""`make bench`: runs every measurement, prints it and writes it to `benchmarks/results/`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from benchmarks import book, build, engine, figures, hints, labs, pages, pkt, pyodide, runaway
from benchmarks.result import ROOT, Result


def drawing() -> Result:
    """What `benchmarks.figures` measures, against its own limits."""
    seen: dict[str, Any] = figures.measure()
    ladder, sizes = seen["ladder"], seen["gzip_bytes"]
    result = Result("figures", "ms")
    result.add(f"ladder of {ladder['steps']} steps", ladder["ms"])
    result.add("whole figure of as many", seen["figure"]["ms"])
    result.budget(f"ladder of {ladder['steps']} steps, ms", ladder["ms"], ladder["most_ms"])
    result.budget("largest figure on the site, bytes compressed", sizes["largest"], sizes["most"])
    return result


def scripts() -> Result:
    """What `benchmarks.pkt` measures, as time per script, so that less is better everywhere."""
    seen: dict[str, Any] = pkt.measure()
    result = Result("packetdrill", "ms a script")
    for what, rate in seen["per_second"].items():
        result.add(what, 1_000 / rate)
    result.budget("read and played, ms a script", result.middle("read and played"), 1_000 / seen["least"])
    return result


MEASUREMENTS: dict[str, Callable[[], Result]] = {
    "figures": drawing,
    "figure-player": figures.measure_player,
    "engine": engine.measure,
    "packetdrill": scripts,
    "pyodide": pyodide.measure,
    "site-build": build.measure,
    "page-bytes": pages.measure_bytes,
    "engine-start": pages.measure_start,
    "labs": labs.measure,
    "hints": hints.measure,
    "runaway": runaway.measure,
    "book": book.measure_book,
    "offline-copy": book.measure_offline,
    "classroom": book.measure_classroom,
}


def main(wanted: list[str]) -> int:
    """Runs the measurements named, or all. A budget that is not met is said, and is no failure."""
    unknown = [name for name in wanted if name not in MEASUREMENTS]
    if unknown:
        print(f"error: no measurement {unknown[0]!r}. Known: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    for name in wanted or MEASUREMENTS:
        result = MEASUREMENTS[name]()
        result.write(ROOT / "benchmarks" / "results")
        print("\n".join(result.lines()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
