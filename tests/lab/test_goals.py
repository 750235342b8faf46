"""Goals: what each condition asks of a trace."""

import pytest

from teardown.errors import InputError
from teardown.lab.goals import parse_goal, reached
from teardown.world.run import run
from teardown.world.scenario import load


def first(scenario: str, **when: str) -> int | None:
    """The first step of the scenario's run at which the conditions hold together."""
    goal = parse_goal({"id": "x", "text": "x", "when": when}, "test")
    return reached(goal, run(load(scenario)).steps)


def test_a_segment_that_arrives_and_the_state_that_it_meets() -> None:
    steps = run(load("normal-close")).steps
    arrived = first("normal-close", arrived="F from client", was="FIN-WAIT-2", server="TIME-WAIT")
    assert arrived is not None
    assert (steps[arrived - 1].states.server, steps[arrived].states.server) == ("FIN-WAIT-2", "TIME-WAIT")
    assert first("normal-close", arrived="F from client", was="FIN-WAIT-1") is None


def test_lost_and_arrived_are_two_things() -> None:
    lost = first("lost-last-ack", lost="A from server", client="LAST-ACK")
    assert lost is not None
    repeated = first("lost-last-ack", arrived="A from server", was="LAST-ACK", client="CLOSED")
    assert repeated is not None
    assert repeated > lost
    assert first("normal-close", lost="A from server") is None


def test_was_is_about_the_end_that_the_step_happens_to() -> None:
    assert first("normal-close", was="LAST-ACK", client="CLOSED") is not None
    assert first("normal-close", was="ESTABLISHED", server="ESTABLISHED", client="CLOSE-WAIT") is None


@pytest.mark.parametrize("when", [{"arrived": "F from nowhere"}, {"arrived": "X from client"}, {"was": "SHUT"}])
def test_a_condition_that_cannot_be_is_refused(when: dict[str, str]) -> None:
    with pytest.raises(InputError):
        parse_goal({"id": "x", "text": "x", "when": when}, "test")
