"""The close, path by path, between two endpoints. What each line of a ladder says of both ends is checked.

The names read like a check-list; the paths are those of RFC 9293 §3.6 and §3.10, and of the measured systems.
"""

from __future__ import annotations

import pytest

from helpers import Two, ladder
from teardown.stacks import names as stack_names

SECOND = 1_000_000

#: The server closes, the client has acknowledged: where most stories begin.
HALF_CLOSED = (
    "server shutdown | FA 1 1 | FIN-WAIT-1 ESTABLISHED",
    "client < FA | A 1 2 | FIN-WAIT-1 CLOSE-WAIT",
    "server < A | | FIN-WAIT-2 CLOSE-WAIT",
)
CLOSED_BY_SERVER = (
    *HALF_CLOSED,
    "client shutdown | FA 1 2 | FIN-WAIT-2 LAST-ACK",
    "server < FA | A 2 2 | TIME-WAIT LAST-ACK",
    "client < A | | TIME-WAIT CLOSED",
)
CROSSED = (
    "server shutdown | FA 1 1 | FIN-WAIT-1 ESTABLISHED",
    "client shutdown | FA 1 1 | FIN-WAIT-1 FIN-WAIT-1",
)


# ------------------------------------------------------------------------------------------ the orderly ways
@pytest.mark.parametrize("name", stack_names())
def test_normal_close(name: str) -> None:
    two = ladder(*CLOSED_BY_SERVER, "server ! time-wait | | CLOSED CLOSED", server=name, client=name)
    assert not two.wire["server"]
    assert not two.wire["client"]
    assert not two.timers["server"]
    assert not two.timers["client"]


@pytest.mark.parametrize("name", stack_names())
def test_client_closes_first(name: str) -> None:
    ladder(
        "client shutdown | FA 1 1 | ESTABLISHED FIN-WAIT-1",
        "server < FA | A 1 2 | CLOSE-WAIT FIN-WAIT-1",
        "client < A | | CLOSE-WAIT FIN-WAIT-2",
        "server shutdown | FA 1 2 | LAST-ACK FIN-WAIT-2",
        "client < FA | A 2 2 | LAST-ACK TIME-WAIT",
        "server < A | | CLOSED TIME-WAIT",
        "client ! time-wait | | CLOSED CLOSED",
        server=name,
        client=name,
    )


def test_simultaneous_close_figure_13() -> None:
    ladder(
        *CROSSED,
        "client < FA | A 2 2 | FIN-WAIT-1 CLOSING",
        "server < FA | A 2 2 | CLOSING CLOSING",
        "client < A | | CLOSING TIME-WAIT",
        "server < A | | TIME-WAIT TIME-WAIT",
        "server ! time-wait | | CLOSED TIME-WAIT",
        "client ! time-wait | | CLOSED CLOSED",
    )


def test_simultaneous_close_repeats_the_fin_on_freebsd() -> None:
    ladder(
        *CROSSED,
        "client < FA | FA 1 2 | FIN-WAIT-1 CLOSING",
        "server < FA | FA 1 2 | CLOSING CLOSING",
        server="freebsd",
        client="freebsd",
    )


def test_a_fin_that_still_waits_for_room_is_not_repeated() -> None:
    """FreeBSD again, but its FIN stands behind bytes that the shut window keeps back: only the ACK goes out."""
    two = Two("freebsd", "freebsd", client_buffer=100, client_rcv_buf=100, client_rcv_adv=100)
    two.play(
        "server send 110 | PA 1 1 100",
        "server shutdown | | FIN-WAIT-1 ESTABLISHED",
        "client < PA | A 1 101",
        "server < A | | FIN-WAIT-1 ESTABLISHED",
        "client shutdown | FA 1 101 | FIN-WAIT-1 FIN-WAIT-1",
        "server < FA | A 101 2 | CLOSING FIN-WAIT-1",
        "client < A | | CLOSING FIN-WAIT-2",
        "client receive = 100 | A 2 101",
        "server < A | FA 101 2 10 | CLOSING FIN-WAIT-2",
        "client < FA | A 2 112 | CLOSING TIME-WAIT",
        "server < A | | TIME-WAIT TIME-WAIT",
    )


def test_close_raced_by_the_peers_fin_and_ack_in_one() -> None:
    """The client's bare ACK is lost; its FIN brings the acknowledgement: FIN-WAIT-1 to TIME-WAIT in one step."""
    ladder(
        "server shutdown | FA 1 1 | FIN-WAIT-1 ESTABLISHED",
        "client < FA | A 1 2 | FIN-WAIT-1 CLOSE-WAIT",
        "server x A",
        "client shutdown | FA 1 2 | FIN-WAIT-1 LAST-ACK",
        "server < FA | A 2 2 | TIME-WAIT LAST-ACK",
        "client < A | | TIME-WAIT CLOSED",
    )


def test_fin_overtaken_by_the_ack_of_ours() -> None:
    """The client's FIN, sent before it knew of ours, arrives after its ACK of our FIN."""
    ladder(
        *CROSSED,
        "client < FA | A 2 2 | FIN-WAIT-1 CLOSING",
        "server <2 A | | FIN-WAIT-2 CLOSING",
        "server < FA 1 1 | A 2 2 | TIME-WAIT CLOSING",
        "client < A | | TIME-WAIT TIME-WAIT",
    )


def test_half_close_moves_data_the_other_way() -> None:
    two = ladder(
        *HALF_CLOSED,
        "client send 100 | PA 1 2 100 | FIN-WAIT-2 CLOSE-WAIT",
        "server < PA | A 2 101 | FIN-WAIT-2 CLOSE-WAIT",
        "client < A | | FIN-WAIT-2 CLOSE-WAIT",
        "server receive = 100",
        "client shutdown | FA 101 2 | FIN-WAIT-2 LAST-ACK",
        "server < FA | A 2 102 | TIME-WAIT LAST-ACK",
        "client < A | | TIME-WAIT CLOSED",
        "server receive = EOF",
    )
    assert two.news["server"].count("readable") == 1


def test_fin_follows_the_last_byte() -> None:
    ladder(
        "server send 2000 | PA 1 1 1460, PA 1461 1 540 | ESTABLISHED ESTABLISHED",
        "server shutdown | FA 2001 1 | FIN-WAIT-1 ESTABLISHED",
        "client < PA | A 1 1461",
        "client < PA | A 1 2001",
        "client < FA | A 1 2002 | FIN-WAIT-1 CLOSE-WAIT",
        "server < A 1 1461 | | FIN-WAIT-1 CLOSE-WAIT",
        "server < A 1 2001 | | FIN-WAIT-1 CLOSE-WAIT",
        "server < A 1 2002 | | FIN-WAIT-2 CLOSE-WAIT",
    )


def test_fin_rides_on_data_that_waited_for_the_window() -> None:
    two = Two(client_buffer=200, client_rcv_buf=200, client_rcv_adv=200)
    two.play(
        "server send 300 | PA 1 1 200 | ESTABLISHED ESTABLISHED",
        "server shutdown | | FIN-WAIT-1 ESTABLISHED",
        "client < PA | A 1 201 | FIN-WAIT-1 ESTABLISHED",
        "server < A | | FIN-WAIT-1 ESTABLISHED",
    )
    assert "persist" in two.timers["server"]
    two.play(
        "client receive = 200 | A 1 201 | FIN-WAIT-1 ESTABLISHED",
        "server < A | FA 201 1 100 | FIN-WAIT-1 ESTABLISHED",
        "client < FA | A 1 302 | FIN-WAIT-1 CLOSE-WAIT",
    )
    assert "persist" not in two.timers["server"]


def test_second_shutdown_sends_no_second_fin() -> None:
    ladder(
        *HALF_CLOSED,
        "server shutdown | | FIN-WAIT-2 CLOSE-WAIT",
        "client shutdown | FA 1 2 | FIN-WAIT-2 LAST-ACK",
        "client shutdown | | FIN-WAIT-2 LAST-ACK",
    )


def test_send_after_shutdown_is_refused_and_after_the_peers_fin_is_not() -> None:
    ladder(
        *HALF_CLOSED,
        "server send 10 = EPIPE | | FIN-WAIT-2 CLOSE-WAIT",
        "client send 10 = 10 | PA 1 2 10 | FIN-WAIT-2 CLOSE-WAIT",
    )


# ------------------------------------------------------------------------------------------ loss and repeats
def test_lost_fin_is_repeated() -> None:
    ladder(
        "server shutdown | FA 1 1 | FIN-WAIT-1 ESTABLISHED",
        "client x FA",
        "server ! retransmission | FA 1 1 | FIN-WAIT-1 ESTABLISHED",
        "client < FA | A 1 2 | FIN-WAIT-1 CLOSE-WAIT",
        "server < A | | FIN-WAIT-2 CLOSE-WAIT",
    )


def test_lost_ack_of_the_fin_draws_the_fin_again_and_the_ack_again() -> None:
    ladder(
        "server shutdown | FA 1 1 | FIN-WAIT-1 ESTABLISHED",
        "client < FA | A 1 2 | FIN-WAIT-1 CLOSE-WAIT",
        "server x A",
        "server ! retransmission | FA 1 1 | FIN-WAIT-1 CLOSE-WAIT",
        "client < FA | A 1 2 | FIN-WAIT-1 CLOSE-WAIT",
        "server < A | | FIN-WAIT-2 CLOSE-WAIT",
    )


@pytest.mark.parametrize("name", stack_names())
def test_lost_last_ack_restarts_time_wait(name: str) -> None:
    two = Two(name, name).play(*CLOSED_BY_SERVER[:-1], "client x A")
    two.timers["server"]["time-wait"] = 0
    two.play(
        "client ! retransmission | FA 1 2 | TIME-WAIT LAST-ACK",
        "server < FA | A 2 2 | TIME-WAIT LAST-ACK",
        "client < A | | TIME-WAIT CLOSED",
    )
    assert two.timers["server"]["time-wait"] == two.ends["server"].profile.time_wait


def test_repeated_fin_in_close_wait_and_last_ack_is_only_acknowledged() -> None:
    ladder(
        "server shutdown | FA 1 1",
        "client <+ FA | A 1 2 | FIN-WAIT-1 CLOSE-WAIT",
        "client <+ FA | A 1 2 | FIN-WAIT-1 CLOSE-WAIT",
        "client shutdown | FA 1 2 | FIN-WAIT-1 LAST-ACK",
        "client < FA | A 2 2 | FIN-WAIT-1 LAST-ACK",
    )


def test_repeated_fin_in_closing_is_only_acknowledged() -> None:
    ladder(
        *CROSSED,
        "client <+ FA | A 2 2 | FIN-WAIT-1 CLOSING",
        "client < FA | A 2 2 | FIN-WAIT-1 CLOSING",
    )


def test_lost_acks_of_a_simultaneous_close_come_again() -> None:
    ladder(
        *CROSSED,
        "client < FA | A 2 2 | FIN-WAIT-1 CLOSING",
        "server < FA | A 2 2 | CLOSING CLOSING",
        "client x A",
        "server x A",
        "server ! retransmission | FA 1 2 | CLOSING CLOSING",
        "client < FA | A 2 2 | CLOSING CLOSING",  # its number is old, so its acknowledgement is not looked at
        "server < A | | TIME-WAIT CLOSING",
        "client ! retransmission | FA 1 2 | TIME-WAIT CLOSING",
        "server < FA | A 2 2 | TIME-WAIT CLOSING",
        "client < A | | TIME-WAIT TIME-WAIT",
    )


def test_ack_not_of_our_fin_in_last_ack_changes_nothing() -> None:
    ladder(
        "client send 10 | PA 1 1 10",
        "server shutdown | FA 1 1",
        "client < FA | A 11 2 | FIN-WAIT-1 CLOSE-WAIT",
        "client shutdown | FA 11 2 | FIN-WAIT-1 LAST-ACK",
        "server < PA 1 1 10 | A 2 11 | FIN-WAIT-1 LAST-ACK",
        "client < A 2 11 | | FIN-WAIT-1 LAST-ACK",
        "server < A 11 2 | | FIN-WAIT-2 LAST-ACK",
        "server < FA 11 2 | A 2 12 | TIME-WAIT LAST-ACK",
        "client < A | | TIME-WAIT CLOSED",
    )


def test_bare_ack_ahead_of_the_fin_counts_and_is_not_answered() -> None:
    """SEG.SEQ = RCV.NXT+1 and no length: in the window; SND.UNA moves, nothing goes out (tcp.md's subtle case)."""
    two = Two().play(
        *CROSSED,
        "client < FA | A 2 2 | FIN-WAIT-1 CLOSING",
        "server <2 A | | FIN-WAIT-2 CLOSING",
    )
    assert two.ends["server"].snd_una == 2
    assert two.ends["server"].rcv_nxt == 1


def test_fin_that_overtakes_data_waits_for_it() -> None:
    two = Two().play(
        "client send 10 | PA 1 1 10",
        "client shutdown | FA 11 1 | ESTABLISHED FIN-WAIT-1",
        "server <2 FA 11 1 | A 1 1 | ESTABLISHED FIN-WAIT-1",
    )
    assert not two.ends["server"].peer_fin
    two.play("server < PA 1 1 10 | A 1 12 | CLOSE-WAIT FIN-WAIT-1", "server receive = 10", "server receive = EOF")
    assert two.news["server"] == ["readable", "eof"]


def test_data_that_overtakes_data_is_put_in_order() -> None:
    two = Two().play(
        "client send 3000 | PA 1 1 1460, PA 1461 1 1460, PA 2921 1 80",
        "server <2 PA 1461 | A 1 1",
        "server <2 PA 2921 | A 1 1",
        "server < PA 1 | A 1 3001",
        "server receive = 3000",
    )
    assert two.news["server"] == ["readable"]


def test_data_and_fin_lost_together_come_again_together() -> None:
    ladder(
        "client send 10 | PA 1 1 10",
        "client shutdown | FA 11 1",
        "server x PA",
        "server x FA",
        "client ! retransmission | FA 1 1 10 | ESTABLISHED FIN-WAIT-1",
        "server < FA | A 1 12 | CLOSE-WAIT FIN-WAIT-1",
        "client < A | | CLOSE-WAIT FIN-WAIT-2",
    )


def test_repeat_of_the_last_byte_with_its_fin_leaves_nothing_unread() -> None:
    """A byte and the FIN come again after both were read: close() must send a FIN, not a reset (tcp.md)."""
    ladder(
        "client send 1 | PA 1 1 1",
        "server < PA | A 1 2",
        "server receive = 1",
        "client < A",
        "client shutdown | FA 2 1",
        "server < FA | A 1 3 | CLOSE-WAIT FIN-WAIT-1",
        "server <! FA 1 1 1 | A 1 3 | CLOSE-WAIT FIN-WAIT-1",
        "server close = 0 | FA 1 3 | LAST-ACK FIN-WAIT-1",
    )


def test_retransmission_doubles_and_is_forgotten_after_an_ack() -> None:
    two = Two().play("server send 10 | PA 1 1 10", "client x PA")
    waits = [two.timers["server"]["retransmission"]]
    for _again in range(3):
        two.play("server ! retransmission | PA 1 1 10", "client x PA")
        waits.append(two.timers["server"]["retransmission"])
    assert waits == [1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]
    two.play("server ! retransmission | PA 1 1 10", "client < PA | A 1 11", "server < A", "server send 1 | PA 11 1 1")
    assert two.timers["server"]["retransmission"] == 1 * SECOND


def test_the_fin_is_repeated_until_the_user_timeout() -> None:
    two = Two().play("server shutdown | FA 1 1", "client x FA", "server ! retransmission | FA 1 1", "client x FA")
    assert two.timers["server"]["user"] == 300 * SECOND
    two.play("server ! user | | CLOSED ESTABLISHED", "server receive = ETIMEDOUT")
    assert two.timers["server"] == {}


# ------------------------------------------------------------------------------------------ resets
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), "CLOSED ESTABLISHED"),
        (("server shutdown | FA 1 1",), "CLOSED ESTABLISHED"),
        (HALF_CLOSED, "CLOSED CLOSE-WAIT"),
        (("client shutdown | FA 1 1", "server < FA | A 1 2"), "CLOSED FIN-WAIT-1"),
        ((*CROSSED, "server < FA | A 2 2"), "CLOSED FIN-WAIT-1"),
        (("client shutdown | FA 1 1", "server < FA | A 1 2", "server shutdown | FA 1 2"), "CLOSED FIN-WAIT-1"),
        (CLOSED_BY_SERVER, "CLOSED CLOSED"),
    ],
    ids=["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"],
)
def test_reset_at_exactly_the_next_number_ends_every_state(before: tuple[str, ...], after: str) -> None:
    two = Two().play(*before)
    e = two.ends["server"]
    two.play(
        f"server <! R {e.rcv_nxt + 70_000} 0 | | {two.states}",  # outside the window: silence
        f"server <! R {e.rcv_nxt + 5} 0 | A {e.snd_nxt} {e.rcv_nxt} | {two.states}",  # inside: a challenge
        f"server <! R {e.rcv_nxt} 0 | | {after}",
    )
    assert two.timers["server"] == {}


def test_reset_anywhere_in_the_window_ends_an_old_system() -> None:
    ladder("server <! R 500 0 | | CLOSED ESTABLISHED", "server receive = ECONNRESET", server="bsd-4.4")


def test_abort_tells_the_peer() -> None:
    two = ladder(
        "server abort | RA 1 1 | CLOSED ESTABLISHED",
        "client < RA | | CLOSED CLOSED",
        "client receive = ECONNRESET",
        "server abort = EBADF",
    )
    assert two.news["client"] == ["error"]


def test_abort_in_close_wait_resets_the_half_closed_peer() -> None:
    ladder(*HALF_CLOSED, "client abort | RA 1 2 | FIN-WAIT-2 CLOSED", "server < RA | | CLOSED CLOSED")


def test_abort_sends_nothing_where_the_rfc_wants_silence() -> None:
    ladder(*CLOSED_BY_SERVER, "server abort | | CLOSED CLOSED")
    ladder(*CROSSED, "server < FA | A 2 2", "server abort | | CLOSED FIN-WAIT-1")
    ladder(*HALF_CLOSED, "client shutdown | FA 1 2", "client abort | | FIN-WAIT-2 CLOSED")


def test_linger_zero_turns_close_into_a_reset() -> None:
    ladder("server close | RA 1 1 | CLOSED ESTABLISHED", "client < RA | | CLOSED CLOSED", linger=0)


def test_close_with_unread_bytes_resets() -> None:
    ladder(
        "client send 10 | PA 1 1 10",
        "server < PA | A 1 11",
        "server close | RA 1 11 | CLOSED ESTABLISHED",
        "client < A",
        "client < RA | | CLOSED CLOSED",
        "client receive = ECONNRESET",
    )


def test_shutdown_with_unread_bytes_sends_a_fin() -> None:
    ladder(
        "client send 10 | PA 1 1 10",
        "server < PA | A 1 11",
        "server shutdown | FA 1 11 | FIN-WAIT-1 ESTABLISHED",
        "server receive = 10",
    )


def test_late_data_for_nobody_is_reset() -> None:
    ladder(
        "server close | FA 1 1 | FIN-WAIT-1 ESTABLISHED",
        "client send 10 | PA 1 1 10",
        "server < PA | R 1 0 | CLOSED ESTABLISHED",
        "client < FA | A 11 2 | CLOSED CLOSE-WAIT",
    )


def test_late_data_for_a_half_closed_program_is_read() -> None:
    ladder(
        *HALF_CLOSED,
        "client send 10 | PA 1 2 10",
        "server < PA | A 2 11 | FIN-WAIT-2 CLOSE-WAIT",
        "server receive = 10",
        "server close | | FIN-WAIT-2 CLOSE-WAIT",
        "client < A",
        "client send 10 | PA 11 2 10",
        "server < PA | R 2 0 | CLOSED CLOSE-WAIT",
        "client < R | | CLOSED CLOSED",
    )


def test_closed_answers_everything_but_a_reset() -> None:
    two = Two().play("server abort | RA 1 1 | CLOSED ESTABLISHED", "client x RA")
    two.play(
        "server <! A 7 9 | R 9 0",
        "server <! FA 7 9 | R 9 0",
        "server <! SA 7 9 | R 9 0",
        "server <! S 7 0 | RA 0 8",
        "server <! F 7 0 10 | RA 0 18",
        "server <! R 7 0",
        "server <! RA 7 9",
    )


def test_late_fin_after_the_server_gave_up_is_reset() -> None:
    ladder(
        "server close | FA 1 1 | FIN-WAIT-1 ESTABLISHED",
        "client < FA | A 1 2 | FIN-WAIT-1 CLOSE-WAIT",
        "server < A | | FIN-WAIT-2 CLOSE-WAIT",
        "server ! fin-wait-2 | | CLOSED CLOSE-WAIT",
        "client close | FA 1 2 | CLOSED LAST-ACK",
        "server < FA | R 2 0 | CLOSED LAST-ACK",
        "client < R | | CLOSED CLOSED",
        server="linux",
        client="linux",
    )


# ------------------------------------------------------------------------------------------ TIME-WAIT
@pytest.mark.parametrize(
    ("name", "state"),
    [("rfc9293", "CLOSED"), ("linux", "CLOSED"), ("freebsd", "TIME-WAIT"), ("bsd-4.4", "CLOSED")],
)
def test_time_wait_assassination(name: str, state: str) -> None:
    ladder(*CLOSED_BY_SERVER, f"server <! R 2 0 | | {state} CLOSED", server=name, client=name)


@pytest.mark.parametrize("name", ["linux", "freebsd"])
def test_time_wait_gives_way_to_a_later_syn(name: str) -> None:
    two = ladder(*CLOSED_BY_SERVER, server=name, client=name)
    two.play("server <! S 500 0 | SA 64002 501 | SYN-RECEIVED CLOSED")
    assert "time-wait" not in two.timers["server"]


def test_time_wait_by_the_letter_challenges_every_syn() -> None:
    ladder(*CLOSED_BY_SERVER, "server <! S 500 0 | A 2 2 | TIME-WAIT CLOSED")


def test_time_wait_challenges_an_old_syn() -> None:
    ladder(*CLOSED_BY_SERVER, "server <! S 1 0 | A 2 2 | TIME-WAIT CLOSED")


def test_time_wait_drops_what_has_no_ack_unless_it_is_a_fin_on_linux() -> None:
    ladder(*CLOSED_BY_SERVER, "server <! F 2 0 | | TIME-WAIT CLOSED")
    ladder(*CLOSED_BY_SERVER, "server <! F 2 0 | A 2 2 | TIME-WAIT CLOSED", server="linux", client="linux")


# ------------------------------------------------------------------------------------------ challenges
@pytest.mark.parametrize("before", [(), HALF_CLOSED], ids=["ESTABLISHED", "FIN-WAIT-2"])
def test_syn_in_the_window_is_challenged(before: tuple[str, ...]) -> None:
    two = Two().play(*before)
    e = two.ends["server"]
    two.play(f"server <! S {e.rcv_nxt} 0 | A {e.snd_nxt} {e.rcv_nxt} | {two.states}")


def test_syn_in_the_window_resets_an_old_system() -> None:
    sent = Two("bsd-4.4").act("server <! SA 5 1")
    assert ["R" in s.flags for s in sent] == [True]


def test_ack_of_something_never_sent_is_answered_and_dropped() -> None:
    two = ladder("server <! PA 1 100 10 | A 1 1 | ESTABLISHED ESTABLISHED")
    assert two.ends["server"].unread == 0


def test_segment_below_the_window_is_answered_and_dropped() -> None:
    ladder("server <! PA 0 1 1 | A 1 1", "server <! A 70000 1 | A 1 1", "server <! PA 70000 1 5 | A 1 1")


def test_segment_without_ack_is_dropped() -> None:
    two = ladder("server <! P 1 0 10 | | ESTABLISHED ESTABLISHED")
    assert two.ends["server"].unread == 0


# ------------------------------------------------------------------------------------------ the shut window
def shut() -> Two:
    """The client's window is full, and the server has ten bytes more."""
    return Two(client_buffer=100, client_rcv_buf=100, client_rcv_adv=100).play(
        "server send 110 | PA 1 1 100",
        "client < PA | A 1 101",
        "server < A | | ESTABLISHED ESTABLISHED",
    )


def test_persist_probes_while_the_window_is_shut() -> None:
    two = shut()
    assert set(two.timers["server"]) >= {"persist"}
    assert "retransmission" not in two.timers["server"]
    wait = two.timers["server"]["persist"]
    two.play("server ! persist | A 101 1 1", "client < A | A 1 101 | ESTABLISHED ESTABLISHED", "server < A")
    assert two.timers["server"]["persist"] > wait


def test_window_update_ends_persist() -> None:
    two = shut().play(
        "client receive = 100 | A 1 101",
        "server < A | PA 101 1 10 | ESTABLISHED ESTABLISHED",
    )
    assert "persist" not in two.timers["server"]
    assert "retransmission" in two.timers["server"]


def test_lost_window_update_is_found_by_a_probe() -> None:
    shut().play(
        "client receive = 100 | A 1 101",
        "server x A",
        "server ! persist | A 101 1 1",
        "client < A | A 1 102",
        "server < A | PA 102 1 9 | ESTABLISHED ESTABLISHED",
        "client < PA | A 1 111",
    )


def test_fin_waits_behind_a_shut_window() -> None:
    shut().play(
        "server shutdown | | FIN-WAIT-1 ESTABLISHED",
        "client receive = 100 | A 1 101",
        "server < A | FA 101 1 10 | FIN-WAIT-1 ESTABLISHED",
        "client < FA | A 1 112 | FIN-WAIT-1 CLOSE-WAIT",
    )


def test_what_is_sent_while_a_shut_window_is_probed_stands_where_the_peer_expects_it() -> None:
    """A refused probe must not push SND.NXT: an ACK or a reset beyond the shut window would be dropped."""
    shut().play(
        "server ! persist | A 101 1 1",
        "client < A | A 1 101",
        "server < A",
        "client send 10 | PA 1 101 10",
        "server < PA | A 101 11",
        "client < A 101 11 | | ESTABLISHED ESTABLISHED",
        "server abort | RA 101 11 | CLOSED ESTABLISHED",
        "client < RA | | CLOSED CLOSED",
    )


def test_a_fin_behind_a_shut_window_is_the_probe_itself() -> None:
    """Nothing but the FIN is left to send: a probe of one byte would be a byte that does not exist."""
    two = Two(client_buffer=100, client_rcv_buf=100, client_rcv_adv=100).play(
        "server send 100 | PA 1 1 100",
        "client < PA | A 1 101",
        "server shutdown | | FIN-WAIT-1 ESTABLISHED",
        "server < A | | FIN-WAIT-1 ESTABLISHED",
        "server ! persist | FA 101 1 | FIN-WAIT-1 ESTABLISHED",
        "client < FA | A 1 101 | FIN-WAIT-1 ESTABLISHED",  # refused: the window is shut
        "server < A | | FIN-WAIT-1 ESTABLISHED",
        "client receive = 100 | A 1 101",
        "server x A",
        "server ! persist | FA 101 1 | FIN-WAIT-1 ESTABLISHED",
        "client < FA | A 1 102 | FIN-WAIT-1 CLOSE-WAIT",
        "server < A | | FIN-WAIT-2 CLOSE-WAIT",
        "client receive = EOF",
    )
    assert "persist" not in two.timers["server"]


# ------------------------------------------------------------------------------------------ FIN-WAIT-2, by system
def orphaned(name: str, **options: object) -> Two:
    """close() and the acknowledgement of the FIN: the server is in FIN-WAIT-2 and nobody holds it."""
    return Two(name, name, **options).play(
        "server close | FA 1 1 | FIN-WAIT-1 ESTABLISHED",
        "client < FA | A 1 2 | FIN-WAIT-1 CLOSE-WAIT",
        "server < A | | FIN-WAIT-2 CLOSE-WAIT",
    )


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("rfc9293", None), ("freebsd", 60), ("linux", 60), ("linux-2.2", 180), ("solaris", 675), ("illumos", 60),
        ("windows-2003", 120), ("hpux-11", None),
    ],
)  # fmt: skip
def test_the_clock_of_an_orphan(name: str, seconds: int | None) -> None:
    timers = orphaned(name).timers["server"]
    assert timers.get("fin-wait-2") == (None if seconds is None else seconds * SECOND)
    assert ("keepalive" in timers) is (name == "hpux-11")


@pytest.mark.parametrize("name", stack_names())
def test_the_clock_of_a_program_that_half_closed(name: str) -> None:
    timers = Two(name, name).play(*HALF_CLOSED).timers["server"]
    assert timers.get("fin-wait-2") == (120 * SECOND if name == "windows-2003" else None)


@pytest.mark.parametrize(
    ("seconds", "total"),
    [(0, 735), (1, 1_000), (30, 30_000), (60, 60_000), (61, 2_000), (70, 20_000), (90, 60_000), (120, 120_000)],
)
def test_linux_doubles_what_exceeds_a_minute_and_has_a_floor(seconds: int, total: int) -> None:
    """2 × (value − 60) above 60 s, at least 3.5 RTO below (measured; RTO 210 ms here)."""
    running = orphaned("linux", fin_wait_2=seconds * SECOND).timers["server"]["fin-wait-2"]
    slack = 250_000 if seconds in (0, 61) else 1_000
    assert abs(running - total * 1_000) <= slack


def test_the_orphans_fin_wait_2_ends_with_the_fin() -> None:
    two = orphaned("linux").play("client close | FA 1 2", "server < FA | A 2 2 | TIME-WAIT LAST-ACK")
    assert set(two.timers["server"]) == {"time-wait"}


def test_the_gap_of_4_4_bsd_shutdown_then_close_starts_no_clock() -> None:
    two = Two("bsd-4.4", "bsd-4.4").play(*HALF_CLOSED, "server close | | FIN-WAIT-2 CLOSE-WAIT")
    assert two.timers["server"] == {}
    repaired = Two("bsd-fixed", "bsd-fixed").play(*HALF_CLOSED, "server close | | FIN-WAIT-2 CLOSE-WAIT")
    assert "fin-wait-2" in repaired.timers["server"]


def test_hpux_asks_a_living_peer_for_ever_and_a_dead_one_until_it_gives_up() -> None:
    two = orphaned("hpux-11")
    for _question in range(3):
        two.play("server ! keepalive | A 1 1 | FIN-WAIT-2 CLOSE-WAIT", "client < A | A 1 2", "server < A")
    count = two.ends["server"].profile.keepalive_count
    for _question in range(count):
        two.play("server ! keepalive | A 1 1 | FIN-WAIT-2 CLOSE-WAIT", "client x A")
    two.play("server ! keepalive | RA 2 1 | CLOSED CLOSE-WAIT")


def test_keepalive_finds_a_peer_that_has_forgotten() -> None:
    """The client's probe draws a reset from a server that has given up: keepalive cures CLOSE-WAIT in the kernel."""
    two = orphaned("linux", client_keepalive=(2 * SECOND, SECOND, 3))
    two.timers["client"]["keepalive"] = 2 * SECOND
    two.play(
        "server ! fin-wait-2 | | CLOSED CLOSE-WAIT",
        "client ! keepalive | A 0 2 | CLOSED CLOSE-WAIT",
        "server < A | R 2 0 | CLOSED CLOSE-WAIT",
        "client < R | | CLOSED CLOSED",
    )
    assert two.ends["client"].error == "EPIPE"


# ------------------------------------------------------------------------------------------ opening, as far as it goes
def test_opening_and_closing_at_once() -> None:
    ladder(
        "server listen | | LISTEN CLOSED",
        "client connect | S 0 0 | LISTEN SYN-SENT",
        "server < S | SA 0 1 | SYN-RECEIVED SYN-SENT",
        "client < SA | A 1 1 | SYN-RECEIVED ESTABLISHED",
        "client shutdown | FA 1 1 | SYN-RECEIVED FIN-WAIT-1",
        "server < A | | ESTABLISHED FIN-WAIT-1",
        "server < FA | A 1 2 | CLOSE-WAIT FIN-WAIT-1",
        opened=False,
    )


def test_fin_overtakes_the_last_ack_of_the_handshake() -> None:
    ladder(
        "server listen",
        "client connect | S 0 0",
        "server < S | SA 0 1",
        "client < SA | A 1 1 | SYN-RECEIVED ESTABLISHED",
        "client shutdown | FA 1 1 | SYN-RECEIVED FIN-WAIT-1",
        "server <2 FA | A 1 2 | CLOSE-WAIT FIN-WAIT-1",
        opened=False,
    )


def test_close_in_syn_received_sends_a_fin() -> None:
    ladder(
        "server listen",
        "client connect | S 0 0",
        "server < S | SA 0 1 | SYN-RECEIVED SYN-SENT",
        "server shutdown | FA 1 1 | FIN-WAIT-1 SYN-SENT",
        "client < SA | A 1 1 | FIN-WAIT-1 ESTABLISHED",
        "client < FA | A 1 2 | FIN-WAIT-1 CLOSE-WAIT",
        "server < A 1 1 | | FIN-WAIT-1 CLOSE-WAIT",
        "server < A 1 2 | | FIN-WAIT-2 CLOSE-WAIT",
        opened=False,
    )


def test_close_before_the_answer_sends_nothing() -> None:
    two = ladder("client connect | S 0 0 | CLOSED SYN-SENT", "client shutdown | | CLOSED CLOSED", opened=False)
    assert two.timers["client"] == {}


def test_connection_refused() -> None:
    two = ladder(
        "client connect | S 0 0 | CLOSED SYN-SENT",
        "server < S | RA 0 1 | CLOSED SYN-SENT",
        "client < RA | | CLOSED CLOSED",
        "client receive = ECONNREFUSED",
        opened=False,
    )
    assert two.news["client"] == ["error"]


def test_simultaneous_open() -> None:
    ladder(
        "client connect | S 0 0 | CLOSED SYN-SENT",
        "server connect | S 0 0 | SYN-SENT SYN-SENT",
        "client < S | SA 0 1 | SYN-SENT SYN-RECEIVED",
        "server < S | SA 0 1 | SYN-RECEIVED SYN-RECEIVED",
        # Each SYN+ACK repeats a SYN that is counted already, so by the letter it is only answered.
        "client < SA | A 1 1 | SYN-RECEIVED SYN-RECEIVED",
        "server < SA | A 1 1 | SYN-RECEIVED SYN-RECEIVED",
        "client < A | | SYN-RECEIVED ESTABLISHED",
        "server < A | | ESTABLISHED ESTABLISHED",
        opened=False,
    )


def test_lost_syn_and_lost_answer_are_repeated() -> None:
    ladder(
        "server listen",
        "client connect | S 0 0",
        "server x S",
        "client ! retransmission | S 0 0",
        "server < S | SA 0 1",
        "client x SA",
        "server ! retransmission | SA 0 1 | SYN-RECEIVED SYN-SENT",
        "client < SA | A 1 1 | SYN-RECEIVED ESTABLISHED",
        "server < A | | ESTABLISHED ESTABLISHED",
        opened=False,
    )


def test_reset_during_the_handshake_sends_a_listener_back_to_listen() -> None:
    ladder(
        "server listen",
        "client connect | S 0 0",
        "server < S | SA 0 1 | SYN-RECEIVED SYN-SENT",
        "server <! R 1 0 | | LISTEN SYN-SENT",
        opened=False,
    )
