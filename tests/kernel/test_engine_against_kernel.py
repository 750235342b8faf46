"""The engine's linux stack against the real kernel: recorded plays anywhere, random walks where there is a rig."""

import itertools
import json
import os
from pathlib import Path

import pytest

from teardown.cli import main
from teardown.kernel.against import differences, engine, walks_apart
from teardown.kernel.forgery import ROADS, forgeries, read
from teardown.kernel.observe import digest
from teardown.kernel.record import recorded
from teardown.kernel.scenarios import Scenario, scenario, scenarios
from teardown.kernel.walk import walk

HERE = Path(__file__).parent / "recorded"
#: `TEARDOWN_WALKS=5000` plays more.
WALKS = int(os.environ.get("TEARDOWN_WALKS", "200"))


@pytest.mark.parametrize("name", [one.id for one in scenarios()])
def test_the_engine_does_what_the_kernel_did(name: str) -> None:
    assert [str(d) for d in differences(scenario(name), recorded(name, HERE))] == []


@pytest.mark.parametrize("road", ROADS)
def test_the_engine_answers_strays_as_the_kernel_did(road: str) -> None:
    kept = read(HERE / "forged" / "all.json")
    mine = [one for one in forgeries() if one.id.startswith(f"{road}: ")]
    apart = {
        one.id: (kept[one.id], digest(engine(one))) for one in mine if digest(engine(one)) != kept[one.id]
    }
    assert apart == {}


def _apart(found: list[tuple[Scenario, list[object]]]) -> dict[str, list[str]]:
    return {one.id: [*map(str, one.moves), *map(str, what)] for one, what in found if what}


@pytest.mark.kernel
def test_random_walks_end_the_same(real: None) -> None:
    assert _apart(list(walks_apart(range(WALKS)))) == {}  # type: ignore[arg-type]


@pytest.mark.kernel
def test_the_command_plays_walks(real: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel", "--walks", "3", "--seed", "7", "--forged"]) == 0
    assert capsys.readouterr().out == "3 walks agreed, 0 did not\n"
    assert main(["kernel", "--walks", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"version": 1, "walks": 2, "apart": []}


@pytest.mark.kernel
def test_random_walks_with_forged_segments_end_the_same(real: None) -> None:
    assert _apart(list(walks_apart(range(WALKS), forged=True))) == {}  # type: ignore[arg-type]


@pytest.mark.kernel
def test_random_walks_that_wait_end_the_same(real: None) -> None:
    seeds = (s for s in itertools.count() if any("wait" in move for move in walk(s, waits=True)))
    assert _apart(list(walks_apart(itertools.islice(seeds, 5), waits=True))) == {}  # type: ignore[arg-type]
