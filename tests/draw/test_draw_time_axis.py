"""The time axis: one mapping with an exact inverse, honest about long waits."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teardown.draw.layout import measure_of
from teardown.draw.time_axis import FLOOR, TORN, Measure, Stop, break_height, choose, lay, true_scale
from teardown.world.trace import Trace, spoken

SECOND = 1_000_000
times = st.lists(st.integers(0, 8 * 86_400 * SECOND), min_size=1, max_size=40).map(sorted)
rooms = st.floats(0, 60)
stops = times.flatmap(
    lambda ts: st.tuples(
        *(
            st.builds(Stop, st.just(t), rooms, rooms, rooms, st.sampled_from([0.0, 0.0, TORN, 40.0]))
            for t in ts
        )
    ).map(list)
)


@given(stops, st.integers(0, 8 * 86_400 * SECOND))
def test_the_inverse_is_exact(line: list[Stop], t: int) -> None:
    axis = lay(line, 50)
    assert axis.t(axis.y(t)) == t
    for stop, y in zip(line, axis.ys, strict=True):
        assert axis.t(axis.y(stop.t)) == stop.t
        assert axis.t(y) == stop.t  # every step of an instant


@given(stops, st.lists(st.integers(0, 8 * 86_400 * SECOND), min_size=2, max_size=20).map(sorted))
def test_time_never_runs_upwards(line: list[Stop], samples: list[int]) -> None:
    axis = lay(line, 0)
    heights = [axis.y(t) for t in samples]
    assert heights == sorted(heights)
    assert list(axis.ys) == sorted(axis.ys)


@given(stops)
def test_every_step_gets_the_room_it_asked_for(line: list[Stop]) -> None:
    axis = lay(line, 0)
    for k in range(len(line) - 1):
        here, there = line[k], line[k + 1]
        gap = axis.ys[k + 1] - axis.ys[k]
        assert gap >= here.below + here.after + there.above - 1e-6
        if there.t > here.t:
            assert gap >= FLOOR - 1e-6


@given(stops)
def test_a_break_is_torn_below_the_labels_and_above_the_next_step(line: list[Stop]) -> None:
    axis = lay(line, 0)
    starts = {(a.t, b.t): (a, b) for a, b in pairwise(line) if b.t > a.t}
    for gap in axis.breaks:
        here, there = starts[gap.t0, gap.t1]
        assert gap.torn is not None
        half = max(TORN, here.torn) / 2
        assert gap.torn - half >= gap.y0 + here.below + here.after
        assert gap.torn + half <= gap.y1 - there.above


def test_a_longer_wait_looks_longer() -> None:
    waits = [5 * SECOND, 60 * SECOND, 675 * SECOND, 7_200 * SECOND, 86_400 * SECOND]
    heights = [lay([Stop(0), Stop(wait)], 0).gaps[0] for wait in waits]
    assert [gap.y1 - gap.y0 for gap in heights] == [break_height(wait) for wait in waits]
    assert break_height(60 * SECOND) == pytest.approx(69, abs=0.2)
    assert break_height(7_200 * SECOND) == pytest.approx(98, abs=0.2)


def test_inside_a_cluster_the_scale_is_constant() -> None:
    axis = lay([Stop(t * 1000) for t in (0, 40, 100, 180)], 0)
    assert axis.ys == (0, 48, 120, 216)


def test_a_slow_network_is_drawn_at_a_smaller_scale() -> None:
    axis = lay([Stop(t * 1000) for t in (0, 300, 600, 900)], 0)
    assert axis.ys[1] == pytest.approx(56)
    assert not axis.breaks


def test_times_are_rebased_after_a_break() -> None:
    axis = lay([Stop(t) for t in (0, 40_000, 7_200_000_000, 7_200_040_000, 7_200_080_000)], 0)
    assert [axis.label(t) for t in (0, 40_000)] == ["0 s", "40 ms"]
    assert axis.label(7_200_000_000) == "2 h"
    assert axis.label(7_200_040_000) == "2 h + 40 ms"
    assert axis.short(7_200_080_000) == "+ 80 ms"


def test_every_gap_above_the_threshold_says_its_length(trace: Trace) -> None:
    moments = [step.t for step in trace.steps]
    measure = measure_of(trace)
    axis = lay([Stop(t) for t in moments], 0, measure)
    long = [b - a for a, b in pairwise(moments) if b - a > measure.threshold]
    assert [gap.words for gap in axis.breaks] == [spoken(wait) for wait in long]
    assert measure.threshold <= 10 * max(choose(moments).threshold, 200_000)


def test_the_true_scale_is_linear() -> None:
    assert true_scale(0, (0, 100), 10, 110) == 10
    assert true_scale(25, (0, 100), 10, 110) == 35
    assert true_scale(5, (5, 5), 10, 110) == 10


def test_time_cannot_go_backwards() -> None:
    with pytest.raises(ValueError, match="order"):
        lay([Stop(10), Stop(5)], 0)
    with pytest.raises(ValueError, match="at least one"):
        lay([], 0)


def test_a_measure_can_be_shared() -> None:
    measure = Measure(0.5, 1_000_000)
    assert lay([Stop(0), Stop(900_000)], 0, measure).ys == (0, 450)
