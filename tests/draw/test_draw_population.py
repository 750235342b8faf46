"""The figure of a table that fills: counted connection by connection, and the same in the script."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teardown.draw.population import Question, Stay, draw, entries, full_after, level
from teardown.site.tables import population_stays

ROOT = Path(__file__).parents[2]
HOLDS = st.one_of(st.none(), st.integers(1_000_000, 900_000_000))
QUESTIONS = st.builds(Question, st.integers(1, 200), st.integers(0, 100), st.integers(100, 50_000))


def test_the_stays_come_out_of_runs() -> None:
    limited, long, never = population_stays()
    assert (limited.buggy, long.buggy, never.buggy) == (67_000_000, 690_040_000, None)
    assert limited.healthy == 65_040_000


@pytest.mark.parametrize("t", [1, 30, 66, 500, 2_000])
def test_little_s_law_counts_what_a_census_counts(t: int) -> None:
    """Let one connection after another arrive and leave, and count who is there."""
    q = Question(rate=10, buggy=30, size=10**6)
    for stay in population_stays():
        present = 0
        for n in range(q.rate * t):
            age = t - n / q.rate
            hold = stay.buggy if n % 10 < 3 else stay.healthy
            present += hold is None or age < hold / 1e6
        assert entries(stay, q, t) == pytest.approx(present, abs=10)


@given(HOLDS, HOLDS, QUESTIONS)
def test_the_table_is_full_exactly_when_it_is_said_to_be(healthy: int | None, buggy: int | None, q: Question) -> None:
    stay = Stay("x", "X", healthy, buggy)
    full, top = full_after(stay, q), level(stay, q)
    if full is None:
        assert top is not None
        assert top <= q.size
    else:
        assert entries(stay, q, full) == pytest.approx(q.size, rel=1e-3, abs=1e-3)
        assert top is None or top > q.size


def test_the_script_counts_as_the_drawing_does(tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node, "node is missing: make test installs it"
    cases = [
        (stay._asdict(), Question(rate, buggy, size)._asdict())
        for stay in (*population_stays(), Stay("x", "X", None, 5_000_000))
        for rate, buggy, size in ((10, 30, 4_000), (1, 0, 100), (500, 100, 1_000), (3, 5, 900_000))
    ]
    for name in ("population.js", "dom.js", "strings.js"):
        shutil.copy(ROOT / "src" / "web" / name, tmp_path / name)
    (tmp_path / "package.json").write_text('{"type": "module"}', "utf-8")
    (tmp_path / "ask.js").write_text(
        "globalThis.HTMLElement = class {};\n"
        'const { entries, fullAfter } = await import("./population.js");\n'
        f"const cases = {json.dumps(cases)};\n"
        "console.log(JSON.stringify(cases.map(([s, q]) => [entries(s, q, 100), fullAfter(s, q)])));\n",
        "utf-8",
    )
    done = subprocess.run([node, "ask.js"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    for (stay, q), (at_100, full) in zip(cases, json.loads(done.stdout), strict=True):
        assert at_100 == pytest.approx(entries(Stay(**stay), Question(**q), 100))
        ours = full_after(Stay(**stay), Question(**q))
        assert (ours is None) == (full is None)
        assert ours is None or full == pytest.approx(ours, rel=1e-3)


def test_the_figure_is_finished_without_a_script() -> None:
    html = draw(population_stays())
    assert html.count("<polyline") == 3
    assert "the table is full after" in html
    assert "levels off at" in html
    assert html == draw(population_stays()), "the same picture is the same bytes"
