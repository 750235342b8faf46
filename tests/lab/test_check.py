"""What a lab's proof finds: goals that no moves reach, questions with two answers. The build holds ours against it."""

from __future__ import annotations

import pytest
from new_lab import changed

from teardown.errors import InputError
from teardown.lab.check import check
from teardown.lab.file import load
from teardown.lab.goals import reached
from teardown.lab.situation import future, hint, situation
from teardown.lab.variants import places

WHOSE_TURN = 'timers = "none of the client\'s kernel" }\nbecause'


def test_a_goal_that_no_moves_reach_is_a_fault() -> None:
    lab = changed(('when = { server = "TIME-WAIT", client = "CLOSED" }', 'when = { server = "SYN-SENT" }'))
    assert check(lab).faults[0] == "no moves reach the goal over"


def test_a_wrong_answer_that_could_be_right_is_a_fault_and_its_place_is_named() -> None:
    (fault, *_rest) = check(changed(('"client kernel", belief', '"server program", belief'))).faults
    assert "whose-turn has two right answers" in fault
    assert "after fire:server:keep-alive deliver:1 deliver:2" in fault
    assert "“The server’s program” could act as well" in fault


def test_a_question_that_is_never_asked_is_a_fault() -> None:
    (fault, *_rest) = check(changed((WHOSE_TURN, 'was = "SYN-SENT" }\nbecause'))).faults
    assert "is never asked" in fault


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('ask = "owes"\ntext', 'ask = "why"\ntext', "ask cannot be 'why'"),
        ('"client kernel", belief', '"postman", belief', "'postman' cannot owe anything"),
        ('belief = "kernel-closes"', 'belief = "none"', "unknown belief 'none'"),
        ('seats = ["network", "client", "clock"]', 'seats = ["network", "clock"]', "nobody plays the client"),
        ('seats = ["network", "client", "clock"]', 'seats = ["network", "server", "client"]', "a program sits in it"),
        ("server = { set = { tcp_fin_timeout", "minutes = { set = { tcp_fin_timeout", "unknown key 'minutes'"),
        ('hints = ["Only one call is missing."]', 'hints = "one"', "hints must be a list"),
        ("Bring the server into FIN_WAIT_2.", "Bring the {sever} there.", "nothing deals 'sever'"),
        ("Bring the server into FIN_WAIT_2.", "Wait for {server no_such_value}.", "nothing deals 'server no_such_value'"),
        ("[[variants]]", "[deal]\nloss = 3\n\n[[variants]]", "loss cannot be '3'"),
        ("[[variants]]", '[deal]\nLoss = "x"\n\n[[variants]]', "cannot be called 'Loss'"),
        ("server = { set = { tcp_fin", "title = { set = { tcp_fin", "unknown key 'title'"),
        ('hints = ["Only one', 'once = { weather = "fine" }\nhints = ["Only one', "unknown condition 'weather'"),
        ('hints = ["Only one', 'once = { after = "3s" }\nhints = ["Only one', "once goes without"),
    ],
)
def test_mistakes_are_said_with_their_line(old: str, new: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        changed((old, new))
    assert says in str(caught.value)
    assert str(caught.value).startswith("a-lab.toml:")


def test_where_the_goal_is_lost_the_hint_says_how_far_to_go_back() -> None:
    moves = ["fire:server:keep-alive", "deliver:1", "call:client:abort", "deliver:2"]
    found = hint("buggy-client", moves, "healthy")
    assert found["move"] is None
    assert found["back"] == 2
    assert hint("buggy-client", moves[:2], "healthy")["move"] is not None


def test_how_far_to_go_back_is_found_without_a_search_from_the_beginning() -> None:
    """The lab's proof has made that search: a hint answers while the reader waits."""
    found = hint("clean-close", ["call:server:close", "deliver:1", "deliver:2", "call:client:send"], "read-on")
    assert (found["move"], found["back"]) == (None, 0)
    assert found["looked"] < 1_600


def test_the_same_seed_is_the_same_lab_and_another_one_is_another() -> None:
    one, again, other = (situation("buggy-client", [], seed=seed) for seed in (7, 7, 8))
    assert one == again
    assert one["html"]["hosts"] != other["html"]["hosts"]
    waits = {situation("buggy-client", [], seed=seed)["html"]["moves"] for seed in range(30)}
    assert len(waits) > 1, "which variant it is depends on the seed"
    for seed in (-1, 10**9, "7", True):
        with pytest.raises(InputError):
            situation("buggy-client", [], seed=seed)  # type: ignore[arg-type]


def test_a_table_is_chosen_first_and_once() -> None:
    start = situation("which-timer", [])
    assert start["html"]["moves"].count('data-move="table:') == len(load("which-timer").tables)
    assert situation("which-timer", ["call:server:close"])["refused"]
    chosen = situation("which-timer", ["table:hpux-11", "call:server:close"])
    assert "HP" in chosen["html"]["hosts"]
    assert situation("which-timer", ["table:linux", "table:hpux-11"])["refused"]
    assert situation("which-timer", ["table:cp-m"])["refused"]


def test_a_prediction_is_asked_once_at_its_turning_point_and_its_answer_is_the_engine_s() -> None:
    at = ["fire:server:keep-alive", "deliver:1", "deliver:2"]
    assert situation("buggy-client", at[:2])["prediction"] is None
    asked = situation("buggy-client", at)["prediction"]
    right = [c for c in asked["choices"] if c["right"]]
    assert [c["value"] for c in right] == [situation("buggy-client", at)["owes"]["who"]]
    assert all(c["reason"] for c in asked["choices"])
    assert situation("buggy-client", [*at, "wait"])["prediction"]["id"] != asked["id"]


def test_a_future_is_the_same_picture_under_other_names() -> None:
    at = ["fire:server:keep-alive", "deliver:1"]
    here, there = situation("buggy-client", at)["html"]["ladder"], future("buggy-client", at, 3)["html"]["ladder"]
    assert there == here.replace("lab-buggy-client", "lab-buggy-client-future-3")


def test_the_culprit_of_the_paste_is_computed_and_moves_with_the_seed() -> None:
    labels = set()
    for seed in range(8):
        asked = situation("close-wait-leak", [], seed=seed)
        (right,) = [c for c in asked["prediction"]["choices"] if c["right"]]
        assert right["value"] == "leak"
        name = right["text"].split(",")[0]
        assert asked["html"]["sockets"].count(f"/{name} ") >= 3
        labels.add(name)
        # The list is of the culprit's machine, and does not tell by an address which row the lab plays.
        ends = places(seed)
        forgetful = "server" if "let the client's FIN arrive" in asked["html"]["task"].replace("&#39;", "'") else "client"
        mine = {row.split()[3].rpartition(":")[0] for row in asked["html"]["sockets"].splitlines()[1:]}
        assert mine == {ends.of(forgetful).rpartition(":")[0]}
        assert ends.client not in asked["html"]["sockets"]
    assert len(labels) > 2
    assert reached(load("close-wait-leak").goals[0], ()) is None


def test_what_ends_time_wait_is_asked_where_nothing_but_the_repeated_fin_was_on_the_wire() -> None:
    """With the first acknowledgement still under way, a second one would meet no connection and draw a reset."""
    open_end = ["fire:server:keep-alive", "deliver:1", "deliver:2", "deliver:3"]
    asked = situation("lost-last-ack", [*open_end, "drop:4", "fire:client:retransmission", "deliver:5"])["prediction"]
    assert [c["text"] for c in asked["choices"] if c["right"]] == ["The server’s 2MSL timer"]
    assert situation("lost-last-ack", [*open_end, "fire:client:retransmission", "deliver:5"])["prediction"] is None
