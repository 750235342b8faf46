"""States change only along the edges that RFC 9293 draws (figure 5) and the few that systems add.

The edges are written down here apart from the table. Every stack is tried with every event, from endpoints of every
kind: held and given up, with options set, with bytes unread, with a shut window, with an error that nobody has seen.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from test_tcp_table import events

from helpers import CALLS, reach
from teardown.stacks import names as stack_names
from teardown.tcp.endpoint import Endpoint, Event, Transmit
from teardown.tcp.segment import Segment
from teardown.tcp.states import STATES, SYNCHRONIZED
from teardown.tcp.table import TIMERS

CALL_EDGES = {
    "connect": {"CLOSED": {"SYN-SENT"}},
    "listen": {"CLOSED": {"LISTEN"}},
    "send": {},
    "receive": {},
    "shutdown-read": {},
    "shutdown": {
        "SYN-SENT": {"CLOSED"}, "SYN-RECEIVED": {"FIN-WAIT-1"}, "ESTABLISHED": {"FIN-WAIT-1"}, "CLOSE-WAIT": {"LAST-ACK"},
    },
    "close": {
        "LISTEN": {"CLOSED"}, "SYN-SENT": {"CLOSED"},
        "SYN-RECEIVED": {"FIN-WAIT-1", "CLOSED"}, "ESTABLISHED": {"FIN-WAIT-1", "CLOSED"},
        "CLOSE-WAIT": {"LAST-ACK", "CLOSED"},
        # a reset, because of SO_LINGER 0, unread bytes or a negative TCP_LINGER2
        "FIN-WAIT-1": {"CLOSED"}, "FIN-WAIT-2": {"CLOSED"}, "CLOSING": {"CLOSED"}, "LAST-ACK": {"CLOSED"},
        "TIME-WAIT": {"CLOSED"},
    },
    "abort": {state: {"CLOSED"} for state in STATES if state != "CLOSED"},
}  # fmt: skip

TIMER_EDGES = {
    "retransmission": {"CLOSED"},  # given up
    "persist": {"CLOSED"},
    "user": {"CLOSED"},
    "keepalive": {"CLOSED"},
    "time-wait": {"CLOSED"},
    "fin-wait-2": {"CLOSED"},
    "so-linger": set(),
}


def lawful(e: Endpoint, s: Segment, following: str) -> bool:
    """May this segment lead an endpoint from where it is to that state?"""
    fin, syn, ack = "F" in s.flags, "S" in s.flags, "A" in s.flags
    ours = ack and e.fin_queued and s.ack == e.snd_end + 1
    match e.state, following:
        case "LISTEN", "SYN-RECEIVED":
            return syn and not ack
        case "SYN-SENT", "SYN-RECEIVED":
            return syn and not ack
        case "SYN-SENT", "ESTABLISHED":
            return syn and ack and s.ack == e.snd_nxt
        case "SYN-SENT", "CLOSE-WAIT":
            return syn and ack and fin and s.ack == e.snd_nxt
        case "SYN-RECEIVED", "ESTABLISHED":
            return ack and s.ack == e.snd_nxt
        case "SYN-RECEIVED", "CLOSE-WAIT":
            return ack and s.ack == e.snd_nxt and fin
        case "SYN-RECEIVED", "LISTEN":
            return e.passive and ("R" in s.flags or syn)
        case "ESTABLISHED", "CLOSE-WAIT":
            return fin
        case "FIN-WAIT-1", "FIN-WAIT-2":
            return ours
        case "FIN-WAIT-1", "CLOSING":
            return fin and not ours
        case ("FIN-WAIT-1", "TIME-WAIT") | ("FIN-WAIT-2", "TIME-WAIT"):
            return fin
        case "CLOSING", "TIME-WAIT":
            return ours
        case "TIME-WAIT", "SYN-RECEIVED":
            return syn and not ack
        case _, "CLOSED":
            return closes(e, s, ours)
        case _:
            return False


def closes(e: Endpoint, s: Segment, ours: bool) -> bool:
    """May this segment end the connection at once?"""
    p, nobody = e.profile, e.orphan or e.closing or (e.rd_shut and e.fin_queued)
    if "R" in s.flags:
        return e.state != "LISTEN"
    if e.state == "LAST-ACK" and ours:
        return True
    if "S" in s.flags and (
        e.state not in SYNCHRONIZED or not p.challenge_acks or p.small_records or p.insecure_syn
    ):
        return True
    if e.state == "FIN-WAIT-1" and ours and e.linger2 is not None and e.linger2 < 0:
        return True
    return nobody and e.state in ("ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2") and (s.length > 0 or "F" in s.flags)


def variants(stack: str, state: str) -> Iterator[Endpoint]:
    """Endpoints of that state, of every kind."""
    for e in reach(stack, state):
        yield e
        yield e._replace(rd_shut=True)
        yield e._replace(linger=0, keepalive=(2_000_000, 1_000_000, 2))
        if not e.orphan:
            yield e._replace(linger=1_000_000)
            yield e._replace(linger=1_000_000, linger2=-1).step(Event(call="close")).endpoint
            yield e._replace(linger2=-1)
        if state in ("CLOSED", *SYNCHRONIZED):
            yield e._replace(error="ECONNRESET")
        if state == "CLOSED":
            yield e._replace(error="ETIMEDOUT", peer_fin=True, rcv_nxt=e.rcv_nxt + 1)
        if state in SYNCHRONIZED:
            yield e._replace(rcv_buf=0, rcv_adv=0)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("stack", stack_names())
def test_states_change_only_along_the_edges(stack: str, state: str) -> None:
    for e in variants(stack, state):
        before = e.state
        for call in CALLS:
            outcome = e.step(Event(call=call, amount=10))
            after = outcome.endpoint.state
            assert after == before or after in CALL_EDGES[call].get(before, set()), (call, before, after, e)
            if (outcome.result or "").startswith("E") and outcome.result != "EOF":
                assert after == before, (call, outcome.result, after)
        for timer in TIMERS:
            if may_run(e, timer):
                after = e.step(Event(timer=timer)).endpoint.state
                assert after == before or after in TIMER_EDGES[timer], (timer, before, after, e)
        for segment in arrivals(e):
            after = e.step(Event(segment=segment)).endpoint.state
            assert after == before or lawful(e, segment, after), (segment, before, after, e)
    for e in reach(stack, state):
        for event in events(e):
            if event.segment is not None:
                after = e.step(event).endpoint.state
                assert after == e.state or lawful(e, event.segment, after), (event.segment, e.state, after, e)


def arrivals(e: Endpoint) -> Iterator[Segment]:
    """A few segments of each kind: old, next and early, with old and new acknowledgements."""
    for flags, length in (("A", 0), ("A", 10), ("FA", 0), ("FA", 10), ("SA", 0), ("S", 0), ("RA", 0), ("F", 0)):
        for seq in (e.rcv_nxt - length - 1, e.rcv_nxt - length, e.rcv_nxt, e.rcv_nxt + 3):
            for ack in (e.snd_una, e.snd_nxt) if "A" in flags else (0,):
                yield Segment(seq, ack, flags, length, 1_000)


def may_run(e: Endpoint, timer: str) -> bool:
    """Whether that timer can be running there."""
    match timer:
        case "retransmission":
            return e.outstanding > 0 and e.clock == "retransmission"
        case "persist":
            return e.clock == "persist"
        case "time-wait":
            return e.state == "TIME-WAIT"
        case "fin-wait-2":
            return e.state == "FIN-WAIT-2" and e.limited
        case "so-linger":
            return e.closing
        case "keepalive":
            return e.keepalive is not None and e.state in ("ESTABLISHED", "CLOSE-WAIT", "FIN-WAIT-1", "CLOSING", "LAST-ACK")
        case _:
            return e.state not in ("CLOSED", "LISTEN")


@pytest.mark.parametrize("stack", stack_names())
def test_what_ends_a_connection_leaves_no_timer_and_what_resets_it_ends_it(stack: str) -> None:
    """An endpoint that answers a segment with a reset keeps nothing, unless it never had a connection."""
    for state in SYNCHRONIZED:
        for e in variants(stack, state):
            for segment in arrivals(e):
                outcome = e.step(Event(segment=segment))
                sent = [effect.segment.flags for effect in outcome.effects if isinstance(effect, Transmit)]
                if any("R" in flags for flags in sent):
                    assert outcome.endpoint.state == "CLOSED", (segment, e)
                if outcome.endpoint.state == "CLOSED":
                    assert outcome.endpoint.clock is None
