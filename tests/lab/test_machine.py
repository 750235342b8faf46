"""A machine of the reader's own: what it breaks is found, and nobody else's machine changes."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from teardown.browser import answer
from teardown.draw import state_map
from teardown.draw.map_plan import Plan, from_json, to_json
from teardown.errors import InputError
from teardown.lab.machine import difference, read_edits, rerun, rules_of
from teardown.site import state_graph
from teardown.stacks import names as stack_names
from teardown.tcp.states import STATES
from teardown.tcp.table import RULES
from teardown.world.run import run
from teardown.world.scenario import load, names


def the_row(state: str, event: str, to: str) -> str:
    """The id of the standard's row for that event."""
    return next(r.id for r in RULES if state in r.states and r.event == event and r.to == to)


FIN = the_row("ESTABLISHED", "segment fin", "CLOSE-WAIT")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return state_graph.plan()


def of(*edits: dict[str, str]) -> Any:
    return read_edits(list(edits))


@pytest.mark.parametrize("name", names())
def test_the_unchanged_machine_does_as_before(name: str) -> None:
    outcome = rerun(name, ())
    assert (outcome["same"], outcome["step"], outcome["broke"]) == (True, None, [])


def test_a_row_that_leads_elsewhere_is_found_at_its_first_step() -> None:
    outcome = rerun("normal-close", of({"row": FIN, "to": "CLOSED"}))
    before = run(load("normal-close"))
    arrival = next(s.i for s in before.steps if s.states.client == "CLOSE-WAIT")
    assert outcome["step"] == arrival
    assert "CLOSE_WAIT" in outcome["was"]
    assert "client CLOSED" in outcome["now"]


def test_a_dropped_row_stops_the_machine_and_says_where() -> None:
    outcome = rerun("normal-close", of({"row": FIN, "to": ""}))
    assert "no rule for “segment fin” in state ESTABLISHED" in outcome["now"]
    assert outcome["ended"][1] == outcome["now"]


def test_a_fin_that_is_not_taken_breaks_an_invariant() -> None:
    broke = rerun("buggy-client", of({"row": FIN, "to": "stay"}))["broke"]
    assert any("one side is ESTABLISHED exactly when the other is" in text for text, _step in broke)


def test_a_timer_that_never_comes_leaves_the_server_waiting() -> None:
    outcome = rerun("buggy-client", of({"stack": "linux", "name": "fin_wait_2", "value": "never"}))
    assert "the server stays in FIN_WAIT_2" in outcome["ended"][1]
    elsewhere = rerun("lingering-bsd", of({"stack": "linux", "name": "fin_wait_2", "value": "never"}))
    assert elsewhere["same"]


def test_a_habit_of_a_system_can_be_switched() -> None:
    outcome = rerun("reset-eats-answer", of({"stack": "linux", "name": "unread_close_resets", "value": "false"}))
    assert not outcome["same"]
    assert "close()" in outcome["now"]


def test_nobody_elses_machine_changes() -> None:
    before = run(load("normal-close")).dumps()
    rerun("normal-close", of({"row": FIN, "to": "LISTEN"}))
    assert run(load("normal-close")).dumps() == before
    assert rerun("normal-close", ())["same"]


def test_the_last_edit_of_a_row_counts_and_ladders_stand_side_by_side() -> None:
    edits = of({"row": FIN, "to": "CLOSED"}, {"row": FIN, "to": "CLOSE-WAIT"})
    assert rules_of(edits) == RULES
    html = rerun("normal-close", of({"row": FIN, "to": "CLOSED"}), draw=True)["html"]
    assert html["was"].startswith("<svg")
    assert html["was"] != html["now"]


def test_difference_sees_a_run_that_only_goes_on() -> None:
    whole = run(load("normal-close"))
    assert difference(whole, whole) is None
    assert difference(whole, whole._replace(steps=whole.steps[:5])) == 5


# --- the map ----------------------------------------------------------------------------------------------


def test_the_standard_machine_has_the_sites_own_map(plan: Plan) -> None:
    again = from_json(json.loads(json.dumps(to_json(plan))))
    assert state_map.draw_edited(again, RULES, "map") == state_map.draw(plan, "map")


def test_changed_arrows_are_marked_and_those_that_are_gone_are_faint(plan: Plan) -> None:
    svg = state_map.draw_edited(plan, rules_of(of({"row": FIN, "to": "SYN-SENT"})), "m")
    assert 'id="m-ESTABLISHED-SYN-SENT"' in svg  # an arrow that the standard does not have
    assert svg.count(" edited") >= 1
    assert '<g class="edge gone" data-from="ESTABLISHED" data-to="CLOSE-WAIT">' in svg
    assert 'id="m-ESTABLISHED-CLOSE-WAIT"' not in svg


# --- hostile input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "edits",
    [
        None, {}, ["x"], [{"row": "no-row", "to": "CLOSED"}], [{"row": FIN, "to": "NOWHERE"}], [{"row": FIN}],
        [{"row": FIN, "to": 1}], [{"stack": "nobody", "name": "rto", "value": "1s"}],
        [{"stack": "linux", "name": "no_such", "value": "1"}], [{"stack": "linux", "name": "rto", "value": "soon"}],
        [{"stack": "linux", "name": "table", "value": "1"}], [{"row": FIN, "to": "CLOSED"}] * 41,
        [{"row": FIN, "to": "<img src=x>"}], [{"stack": "linux", "name": "mss", "value": "9" * 80}],
    ],
)  # fmt: skip
def test_edits_from_a_stranger_are_refused(edits: Any) -> None:
    with pytest.raises(InputError):
        read_edits(edits)


@pytest.mark.parametrize("plan_", [None, {}, {"size": [1]}, {"size": [1, 2], "places": [], "routes": 1, "words": ""}])
def test_a_plan_that_is_none_is_refused(plan_: Any) -> None:
    with pytest.raises(InputError):
        answer(json.dumps({"ask": "machine-map", "edits": [], "plan": plan_}))


def test_any_machine_comes_to_an_end(plan: Plan) -> None:
    """Machines at random: each scenario ends, within bounds, with an answer and a map."""
    chance = random.Random(2)
    for _round in range(25):
        edits = of(*(
            {"row": chance.choice(RULES).id, "to": chance.choice([*STATES, "stay", ""])} for _i in range(chance.randint(1, 4))
        ))  # fmt: skip
        state_map.draw_edited(plan, rules_of(edits), "m")
        for name in chance.sample(names(), 2):
            outcome = rerun(name, edits)
            assert outcome["same"] or outcome["now"]
    for stack in stack_names():
        assert read_edits([{"stack": stack, "name": "time_wait", "value": "1ms"}])
