"""The matrix: what it says of a runtime is what the runtime does; of a run, what the run shows; of a stack, its data."""

from __future__ import annotations

import json
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import closing
import pytest

from teardown.errors import InputError
from teardown.site import matrix
from teardown.stacks import stack

RECORDED = Path(__file__).parents[1] / "kernel" / "recorded"
SYSTEMS, RUNTIMES = matrix.table("systems"), matrix.table("runtimes")


# --- runtimes ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Future[closing.Seen]]:
    """Every probe whose language is here, side by side: they sleep most of the time."""
    here = [runtime for runtime in closing.PROBES if not closing.missing(runtime)]
    pool = ThreadPoolExecutor(len(here))
    return {runtime: pool.submit(closing.watch, runtime, tmp_path_factory.mktemp(runtime)) for runtime in here}


def claimed() -> dict[str, dict[str, str]]:
    return {raw["id"]: raw["measured"] for raw in matrix._raw()["runtimes"]["rows"] if "measured" in raw}


def test_every_measured_runtime_has_a_probe() -> None:
    assert set(claimed()) == set(closing.PROBES)
    assert all(set(seen) == set(closing.Seen._fields) for seen in claimed().values())


@pytest.mark.kernel
@pytest.mark.parametrize("runtime", closing.PROBES)
def test_a_runtime_closes_as_the_matrix_says(runtime: str, watched: dict[str, Future[closing.Seen]]) -> None:
    if tool := closing.missing(runtime):
        pytest.skip(f"there is no {tool} here")
    assert watched[runtime].result()._asdict() == claimed()[runtime]


def test_the_calls_of_the_matrix_are_those_of_the_probes() -> None:
    """`setSoLinger(true, 0)` stands in the probe as it stands on the page."""
    for raw in matrix._raw()["runtimes"]["rows"]:
        for case in ("abort", "half"):
            if call := raw.get("calls", {}).get(case):
                text = (closing.FOLDER / closing.PROBES[raw["id"]][0]).read_text(encoding="utf-8")
                name = call.rpartition(".")[2].split("(")[0].split(" ")[0]
                assert name in text, call


# --- systems ----------------------------------------------------------------------------------------------


def recorded(run: str) -> Any:
    return json.loads((RECORDED / f"{run}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("cell", [cell for cell in SYSTEMS.cells() if cell.run], ids=lambda cell: cell.run)
def test_a_cell_shows_in_its_recorded_run(cell: matrix.Cell) -> None:
    run = recorded(cell.run)
    flags = {segment["flags"] for segment in run["segments"]["server"]}
    assert cell.mark == "measured"
    if cell.short == "RST":
        assert any("R" in f for f in flags)
    else:
        began = next(s["t"] for s in run["states"]["server"] if s["state"] == "FIN-WAIT-1")
        ended = next(s["t"] for s in run["states"]["server"] if s["state"] == "CLOSED")
        assert cell.short == f"{round((ended - began) / 1_000_000)} s"
        assert sum("F" in s["flags"] for s in run["segments"]["server"]) == 10  # “ten FINs”
    if cell.run == "f":
        assert not any("F" in f for f in flags)
        assert "FIN-WAIT-1" not in {s["state"] for s in run["states"]["server"]}


@pytest.mark.parametrize(("run", "case"), [("a1-60s", "close"), ("h3", "time-wait")])
def test_the_waits_of_linux_are_those_of_the_kernel(run: str, case: str) -> None:
    states = recorded(run)["states"]["server"]
    state = {"close": "FIN-WAIT-2", "time-wait": "TIME-WAIT"}[case]
    began = next(s["t"] for s in states if s["state"] == state)
    ended = next(s["t"] for s in states if s["t"] > began and s["state"] == "CLOSED")
    linux = next(row for row in SYSTEMS.rows if row.id == "linux")
    said = float(linux.cells[case].short.removesuffix(" s"))
    assert said <= (ended - began) / 1_000_000 <= said * 1.13 + 0.1


def test_nothing_is_measured_but_linux() -> None:
    for row in SYSTEMS.rows:
        marks = {cell.mark for cell in row.cells.values()}
        assert ("measured" in marks) == (row.id == "linux"), row.id


def test_what_only_the_rfc_says_is_not_said_of_a_system() -> None:
    """HP-UX inherits the RFC's values where its own are not known. That is no knowledge of HP-UX."""
    assert stack("hpux-11").values["unread_close_resets"].inherited == "rfc9293"
    hpux = next(row for row in SYSTEMS.rows if row.id == "hpux-11")
    assert hpux.cells["unread"] is matrix.UNKNOWN


def test_the_gap_of_4_4bsd_is_in_the_matrix() -> None:
    bsd = next(row for row in SYSTEMS.rows if row.id == "bsd-4.4")
    assert [bsd.cells[case].short for case in ("close", "then", "unread")] == ["675 s", "never ends", "FIN"]


# --- the page ---------------------------------------------------------------------------------------------


def test_unknown_is_said_and_counted() -> None:
    counted = matrix.count()
    assert sum(counted.values()) == len(list(SYSTEMS.cells())) + len(list(RUNTIMES.cells()))
    assert all(counted[mark] for mark in matrix.MARKS)
    for half in (SYSTEMS, RUNTIMES):
        page = matrix.html(half.name)
        unknown = sum(cell.mark == "unknown" for cell in half.cells())
        partly = [c for c in half.columns if any(row.cells[c.id].mark == "unknown" for row in half.rows)]
        assert page.count("and so unknown:") == len(partly)
        assert page.count('<td class="unknown">unknown</td>') == unknown


def test_cells_have_headers_and_tables_have_names() -> None:
    page = matrix.html("systems")
    assert page.count("<table") == page.count('role="region"') == 1 + len(SYSTEMS.columns)
    known = sum(cell.mark != "unknown" for cell in SYSTEMS.cells())
    assert page.count('<th scope="row">') == len(SYSTEMS.rows) + known


@pytest.mark.parametrize(
    ("cell", "word"),
    [
        (matrix.Cell("x", "x", "guessed", ()), "unknown mark"),
        (matrix.Cell("x", "x", "read", ("nobody §1",)), "no source"),
    ],
)
def test_a_cell_without_a_source_or_a_mark_is_refused(cell: matrix.Cell, word: str) -> None:
    with pytest.raises(InputError, match=word):
        matrix._check(cell, "here")
