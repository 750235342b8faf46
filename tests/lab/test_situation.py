"""The situation a reader is in: what is shown, what is refused, what a goal counts."""

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teardown import browser
from teardown.errors import InputError
from teardown.lab.file import names
from teardown.lab.situation import future, situation

STUCK = ["fire:server:keep-alive", "deliver:1", "deliver:2"]
GIVEN_UP = [*STUCK, "fire:server:linger-total", "fire:server:fin-wait-2"]


class _Buttons(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.moves: list[str] = []
        self.tries: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "button":
            self.moves += [m for m in [found.get("data-move")] if m]
            self.tries += [m for m in [found.get("data-try")] if m]


def test_the_first_frame_shows_states_moves_and_whose_turn_it_is() -> None:
    here = situation("buggy-client", [])
    assert here["step"] == 0
    assert here["states"] == {"server": "ESTABLISHED", "client": "ESTABLISHED"}
    assert 'data-host="server" data-state="ESTABLISHED"' in here["html"]["hosts"]
    assert "fire:server:keep-alive" in _Buttons(here["html"]["moves"]).moves
    assert here["html"]["ladder"].startswith("<svg")


def test_three_moves_lead_to_the_stuck_server() -> None:
    here = situation("buggy-client", STUCK)
    assert here["states"] == {"server": "FIN-WAIT-2", "client": "CLOSE-WAIT"}
    assert here["owes"] == {"who": "client program", "what": "close()"}
    assert here["goals"] == {"stuck": True, "timeout": False, "healthy": False}


def test_the_kernel_gives_up_and_the_client_stays() -> None:
    here = situation("buggy-client", GIVEN_UP)
    assert here["states"] == {"server": "CLOSED", "client": "CLOSE-WAIT"}
    assert here["t"] == 67_000_000
    assert here["ended"] == "stuck"
    assert here["goals"]["timeout"]


def test_the_healthy_ending_can_be_reached_from_the_stuck_server() -> None:
    here = situation("buggy-client", [*STUCK, "call:client:close", "deliver:3", "deliver:4"])
    assert here["states"] == {"server": "TIME-WAIT", "client": "CLOSED"}
    assert here["goals"]["healthy"]


@pytest.mark.parametrize(
    ("played", "attempt", "says"),
    [
        ([], "fire:server:fin-wait-2", "Only FIN_WAIT_2 can have"),
        (STUCK, "fire:server:fin-wait-2", "A program still holds the socket"),
        ([], "deliver:1", "no such segment has been sent"),
        (STUCK, "deliver:1", "already arrived or been lost"),
        ([*STUCK, "call:client:shutdown"], "call:client:send", "no more bytes will come"),
        ([*STUCK, "call:client:close"], "call:client:close", "already given up this descriptor"),
    ],
)
def test_an_illegal_move_is_answered_with_the_rule_and_loses_nothing(
    played: list[str], attempt: str, says: str
) -> None:
    before = situation("buggy-client", played)
    after = situation("buggy-client", played, attempt)
    assert says in after["refused"]
    assert after["moves"] == before["moves"]
    assert after["html"] == before["html"]


def test_a_link_with_a_wrong_move_keeps_what_is_right_before_it() -> None:
    here = situation("buggy-client", [*STUCK, "deliver:77", "wait"])
    assert here["moves"] == STUCK
    assert "Move 4" in here["refused"]


def test_the_same_moves_give_the_same_bytes_by_whatever_way() -> None:
    straight = browser.dumps(situation("buggy-client", STUCK))
    situation("buggy-client", GIVEN_UP)
    assert browser.dumps(situation("buggy-client", STUCK)) == straight


def test_requests_that_make_no_sense_are_refused_in_one_sentence() -> None:
    asks = {"ask": "situation"}
    for asked in (
        [], {}, {"ask": 3}, {"ask": "nothing"}, asks, asks | {"lab": 3}, asks | {"lab": "x"},
        asks | {"lab": "buggy-client", "moves": [1]}, asks | {"lab": "buggy-client", "moves": ["wait"] * 501},
    ):  # fmt: skip
        with pytest.raises(InputError):
            browser.answer(json.dumps(asked))
    for request in ("", "[" * 100_000):
        with pytest.raises(InputError):
            browser.answer(request)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(names()), st.lists(st.integers(0, 50), max_size=14), st.text(max_size=30))
def test_any_walk_through_a_lab_stays_in_the_lab(lab: str, choices: list[int], nonsense: str) -> None:
    here = situation(lab, [])
    for choice in choices:
        offered = _Buttons(here["html"]["moves"])
        if not offered.moves:
            assert here["ended"] == "closed", "elsewhere time can always pass"
            break
        played = here["moves"]
        here = situation(lab, [*played, offered.moves[choice % len(offered.moves)]])
        assert here["moves"][: len(played)] == played != here["moves"]
    # Walks are of every length, so each place is somebody's last.
    for attempt in _Buttons(here["html"]["moves"]).tries:
        assert situation(lab, here["moves"], attempt)["refused"]
    assert here["refused"] is None
    assert situation(lab, [nonsense])["moves"] in ([], [nonsense])
    assert "<script" not in "".join(here["html"].values())


def test_an_unanswered_request_is_the_servers_turn_until_it_is_answered() -> None:
    turns = []
    played = ["deliver:1", "deliver:2"]
    for more in ([], ["call:server:receive"], ["call:server:send", "deliver:3"]):
        played += more
        turns.append(situation("close-wait-leak", played)["owes"])
    assert turns[0] == {"who": "server program", "what": "recv()"}
    assert turns[1] == {"who": "server program", "what": "send() an answer"}
    assert turns[2]["who"] == "network"


def test_a_move_with_many_steps_is_told_by_its_first_and_its_last() -> None:
    told = situation("close-wait-leak", ["deliver:1", "deliver:2", "call:server:send", "deliver:3"])["html"]["status"]
    assert told.index("100 bytes reach the client") < told.index("…") < told.index("The client sends FIN, ACK")


def test_another_future_says_on_which_system_it_was() -> None:
    assert future("which-timer", ["table:solaris", "call:server:close"], 0)["say"].startswith("Solaris. Server FIN_WAIT_2")
    assert future("buggy-client", STUCK, 0)["say"].startswith("Server FIN_WAIT_2")


def test_an_hour_more_is_not_offered_where_both_ends_are_done() -> None:
    over = situation("buggy-client", [*STUCK, "call:client:close", "deliver:3", "deliver:4", "fire:server:time-wait"])
    assert over["ended"] == "closed"
    assert _Buttons(over["html"]["moves"]).moves == []
    assert "Both ends are done" in over["html"]["moves"]
    assert "wait" in _Buttons(situation("buggy-client", GIVEN_UP)["html"]["moves"]).moves


def test_a_question_names_what_is_to_come_and_not_what_it_leads_to() -> None:
    def asked(*played: str) -> str:
        return situation("comes-back", ["fire:server:keep-alive", *played])["prediction"]["question"]

    assert asked("call:client:send").endswith("“Deliver FIN, ACK to the client” and “Deliver 100 bytes to the server”?")
    assert asked("deliver:1", "deliver:2", "call:client:send").endswith("“Deliver 100 bytes to the server”, and what follows from it?")


# --- one move for many copies
REPEATED = ["wait", "deliver:1", "deliver:2", "drop:3", "wait"]


def test_a_segment_and_its_copies_are_lost_by_one_move() -> None:
    before = situation("vanished-client", REPEATED)
    assert "lose-all:4" in _Buttons(before["html"]["moves"]).moves
    after = situation("vanished-client", [*REPEATED, "lose-all:4"])
    again = "fire:client:retransmission"
    assert after["moves"] == [*REPEATED, "drop:4", again, "drop:5", again, "drop:6", again]
    assert after["states"] == {"server": "FIN-WAIT-2", "client": "CLOSED"}
    assert after["prediction"]["id"] == "last-clock"
    # The address holds plain moves, and whoever opens it sees the same.
    assert situation("vanished-client", after["moves"])["states"] == after["states"]
    assert situation("vanished-client", [*after["moves"], "wait"])["goals"]["both-give-up"]


@pytest.mark.parametrize(
    ("lab", "played", "wish"),
    [
        ("vanished-client", ["wait"], "lose-all:1"),  # sent for the first time
        ("vanished-client", REPEATED, "lose-all:9"),
        ("vanished-client", REPEATED, "lose-all:x"),
        ("vanished-client", REPEATED, "lose-all:" + "4" * 5_000),
        ("full-table", ["table:today"], "lose-all:1"),
    ],
)
def test_it_is_no_move_where_it_is_not_offered(lab: str, played: list[str], wish: str) -> None:
    here = situation(lab, [*played, wish])
    assert here["moves"] == played
    assert "is not a move" in here["refused"]
