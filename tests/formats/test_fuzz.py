"""A short run of `benchmarks.fuzz`, the same files every time; `python -m benchmarks.fuzz --minutes 10` makes others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.fuzz import fuzz


@pytest.mark.parametrize("seed", range(4))
def test_broken_files_are_refused_with_one_line_or_played(seed: int) -> None:
    counts, found = fuzz(seed=seed, count=700)
    assert [(one.reader, one.what, one.text[:200]) for one in found] == []
    assert sum(counts.values()) >= 700
    # All that can become of a file has become of some.
    assert {"lab played", "lab refused", "pkt ok", "pkt not ok", "pkt refused", "pkt skip"} <= set(counts)
