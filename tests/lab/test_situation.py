"""The situation a reader is in: what is shown, what is refused, what a goal counts."""

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teardown import browser
from teardown.errors import InputError
from teardown.lab.file import names
from teardown.lab.situation import situation

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
    played: list[str] = []
    for choice in choices:
        here = situation(lab, played)
        offered = _Buttons(here["html"]["moves"])
        assert offered.moves, "time can always pass"
        played.append(offered.moves[choice % len(offered.moves)])
    here = situation(lab, played)
    # Walks are of every length, so each place is somebody's last.
    for attempt in _Buttons(here["html"]["moves"]).tries:
        assert situation(lab, here["moves"], attempt)["refused"]
    assert here["moves"] == played
    assert here["refused"] is None
    assert situation(lab, [nonsense])["moves"] in ([], [nonsense])
    assert "<script" not in "".join(here["html"].values())
