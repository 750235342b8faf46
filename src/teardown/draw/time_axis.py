"""Where virtual time stands on paper: linear while things happen, logarithmic while nothing does.

A connection lives for 0.1 s and then waits for two hours. Drawn to scale, the living part would be a hairline; drawn
like most pictures do, the waiting would be a lie. So:

* Events that follow closely form a cluster. Inside it time runs linearly, at one scale for the whole figure, but two
  events never come closer than their labels need.
* A gap above the threshold becomes a *break*. Its height grows with the logarithm of its length: a longer wait looks
  longer, and two hours do not need a hundred pages. The break says its length in words.
* After a break times are *re-based*: "2 h + 40 ms".
* Several steps of one instant stand below each other. The instant is thick: its `y` runs from the first to the last.
* Beside all this stands a strip at true scale: the honest picture, in which everything but the waiting vanishes.

The mapping is one object with an exact inverse: for every whole microsecond `axis.t(axis.y(t)) == t`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import log10
from typing import Final, NamedTuple

from teardown.world.trace import spoken

SCALE: Final = 1.2  # units per millisecond, at most
FLOOR: Final = 34.0  # units between two events at different times, at least
TYPICAL: Final = 56.0  # units that a usual gap may take: slow networks are drawn at a smaller scale
SLOWEST: Final = 1_000_000  # µs: no network is so slow that a longer gap is usual
THRESHOLD: Final = 200_000  # µs: no gap below this becomes a break
TIMES_USUAL: Final = 10  # ... nor a gap below this many usual gaps
TALLEST: Final = 150.0  # ... except one that would take more paper than this
TORN: Final = 22.0  # height of the torn strip that marks a break
REBASED_FROM: Final = 10_000_000  # µs: from here on a time after a break is written in two parts


class Stop(NamedTuple):
    """One step on the axis: when, and how much room its labels need.

    `above` and `below` its mark; `after` more units that it needs before the next step, in which nothing of the
    step's own band stands (a timer's label, the missing FIN): a long gap has that room anyway. `torn`: a break
    follows, however short, with at least that much room for its words.
    """

    t: int
    above: float = 0.0
    below: float = 0.0
    after: float = 0.0
    torn: float = 0.0


class Gap(NamedTuple):
    """The stretch between two stops at different times.

    `y0`, `y1`: marks of the two stops. For a break, `torn` is the middle of the torn strip.
    """

    t0: int
    t1: int
    y0: float
    y1: float
    torn: float | None

    @property
    def words(self) -> str:
        """The waited time in words: `60 s`."""
        return spoken(self.t1 - self.t0)


def break_height(us: int) -> float:
    """The height of a break of `us` microseconds: 44 units for one second, 14 more for each power of ten."""
    return 44 + 14 * log10(us / 1_000_000)


class TimeAxis:
    """Maps virtual time (µs) to units of height and back. Build it with `lay`."""

    def __init__(self, stops: Sequence[Stop], ys: Sequence[float], gaps: Sequence[Gap], scale: float) -> None:
        self.stops = tuple(stops)
        self.ys = tuple(ys)
        self.gaps = tuple(gaps)
        self.scale = scale
        #: The gaps that are drawn as breaks.
        self.breaks = tuple(gap for gap in gaps if gap.torn is not None)
        self._after_breaks = [gap.t1 for gap in self.breaks]
        moments = sorted({stop.t for stop in stops})
        self._times = moments
        first: dict[int, float] = {}
        last: dict[int, float] = {}
        for stop, y in zip(stops, ys, strict=True):
            first.setdefault(stop.t, y)
            last[stop.t] = y
        self._first = [first[t] for t in moments]
        self._last = [last[t] for t in moments]

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last time on the axis."""
        return self._times[0], self._times[-1]

    def y(self, t: float) -> float:
        """The height of time `t`: of the first step, if it is an instant with several. Ends are extended linearly."""
        times = self._times
        at = bisect_left(times, t)
        if at < len(times) and times[at] == t:
            return self._first[at]
        if at == 0:
            return self._first[0] - (times[0] - t) / 1000 * self.scale
        if at == len(times):
            return self._last[-1] + (t - times[-1]) / 1000 * self.scale
        y0, y1 = self._last[at - 1], self._first[at]
        return y0 + (y1 - y0) * ((t - times[at - 1]) / (times[at] - times[at - 1]))

    def t(self, y: float) -> int:
        """The time at height `y`, in whole microseconds: the inverse of `y`. A thick instant is one time."""
        at = bisect_right(self._first, y) - 1
        if at < 0:
            return round(self._times[0] - (self._first[0] - y) * 1000 / self.scale)
        if y <= self._last[at]:
            return self._times[at]
        if at == len(self._times) - 1:
            return round(self._times[-1] + (y - self._last[-1]) * 1000 / self.scale)
        y0, y1 = self._last[at], self._first[at + 1]
        t0, t1 = self._times[at], self._times[at + 1]
        return t0 + round((y - y0) / (y1 - y0) * (t1 - t0))

    def label(self, t: int) -> str:
        """`t` in words, re-based after a break: `40 ms`, `2 h + 40 ms`."""
        base = self._base(t)
        if not base:
            return spoken(t) if t else "0 s"
        return spoken(base) if t == base else f"{spoken(base)} + {spoken(t - base)}"

    def short(self, t: int) -> str:
        """`label` without the part that the first event after the break has already said: `+ 40 ms`."""
        base = self._base(t)
        return f"+ {spoken(t - base)}" if base and t > base else self.label(t)

    def opens_cluster(self, t: int) -> bool:
        """Whether `t` is the first moment after a break."""
        at = bisect_left(self._after_breaks, t)
        return at < len(self._after_breaks) and self._after_breaks[at] == t

    def _base(self, t: int) -> int:
        """The time that the label of `t` starts from: the first moment of its cluster, 0 for early ones."""
        at = bisect_right(self._after_breaks, t)
        base = self._after_breaks[at - 1] if at else 0
        return base if base >= REBASED_FROM else 0


class Measure(NamedTuple):
    """What one figure, or several that are to be compared, agree on.

    `scale`: units per millisecond inside a cluster. `threshold`: gaps above this (µs) are breaks.
    """

    scale: float
    threshold: float

    def breaks_after(self, times: Sequence[int]) -> frozenset[int]:
        """The indices of those times that are followed by a break."""
        return frozenset(i for i, wait in enumerate(_waits(times)) if wait > self.threshold)


def choose(times: Sequence[int], usual: int | None = None) -> Measure:
    """The scale and the threshold that suit these times (µs, in order).

    `usual` is a gap that is drawn in full, such as the network's latency. Without it the lower quartile of the gaps
    is taken: in a short trace half of them may be long waits.
    """
    waits = sorted(wait for wait in _waits(times) if wait) or [1_000]
    usual = min(usual or waits[len(waits) // 4], SLOWEST)
    scale = min(SCALE, TYPICAL / (usual / 1000))
    threshold = max(THRESHOLD, TIMES_USUAL * usual)
    return Measure(scale, min(threshold, TALLEST / scale * 1000))


def _waits(times: Sequence[int]) -> list[int]:
    return [b - a for a, b in pairwise(times)]


def lay(stops: Iterable[Stop], top: float = 0.0, measure: Measure | None = None) -> TimeAxis:
    """Places stops (in order of time) from height `top` down."""
    stops = list(stops)
    if not stops:
        raise ValueError("an axis needs at least one stop")
    waits = _waits([stop.t for stop in stops])
    if min(waits, default=0) < 0:
        raise ValueError("stops must be in order of time")
    measure = measure or choose([stop.t for stop in stops])
    scale, threshold = measure

    y = top + stops[0].above
    ys = [y]
    gaps = []
    for here, there, wait in zip(stops, stops[1:], waits, strict=False):
        bands = here.below + there.above
        if not wait:
            y += bands + here.after
        elif wait > threshold or here.torn:
            strip = max(TORN, here.torn)
            body = max(break_height(wait), here.after + strip + 8, here.torn and here.torn + 24, FLOOR - bands)
            torn = y + here.below + max(body / 2, here.after + 4 + strip / 2)
            gaps.append(Gap(here.t, there.t, y, y + here.below + body + there.above, torn))
            y = gaps[-1].y1
        else:
            gaps.append(Gap(here.t, there.t, y, y + max(FLOOR, wait / 1000 * scale, bands + here.after), None))
            y = gaps[-1].y1
        ys.append(y)
    return TimeAxis(stops, ys, gaps, scale)


def true_scale(t: int, span: tuple[int, int], y0: float, y1: float) -> float:
    """Where `t` stands on the strip at true scale that runs from `y0` to `y1` over `span`."""
    start, end = span
    return y0 if end == start else y0 + (y1 - y0) * (t - start) / (end - start)
