"""The named conditions that rows of the transition table may ask for.

Each takes the endpoint (or the draft of one) and the arriving segment, if there is one, and answers yes or no.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from teardown.tcp.states import (
    CLOSE_WAIT,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    LAST_ACK,
    LISTEN,
    SYN_SENT,
    TIME_WAIT,
)

if TYPE_CHECKING:
    pass

Guard = Callable[[Any, Any], bool]
GUARDS: Final[dict[str, Guard]] = {}


def guard(name: str) -> Callable[[Guard], Guard]:
    """Register a condition under the name that rows use."""

    def register(function: Guard) -> Guard:
        GUARDS[name] = function
        return function

    return register


# ------------------------------------------------------------------------------------------ the socket
@guard("orphan")
def _(e: Any, s: Any) -> bool:
    """The program has given up the descriptor."""
    return e.orphan or e.closing


@guard("close-waits")
def _(e: Any, s: Any) -> bool:
    """close() has been called with SO_LINGER and has not returned yet."""
    return e.closing


@guard("passive")
def _(e: Any, s: Any) -> bool:
    """This endpoint was opened by LISTEN."""
    return e.passive


@guard("unread")
def _(e: Any, s: Any) -> bool:
    """Bytes lie in the receive buffer that the program has not read."""
    return e.unread > 0


@guard("at-end")
def _(e: Any, s: Any) -> bool:
    """Reading has reached the peer's FIN, this side stopped reading, or the connection is over and the error told."""
    return e.peer_fin or e.rd_shut or e.end is not None


@guard("error-pending")
def _(e: Any, s: Any) -> bool:
    """An error waits for the next call to report it."""
    return e.error is not None


@guard("idle-too-short")
def _(e: Any, s: Any) -> bool:
    """A system that counts idle time, and the peer has been heard within the limit (4.4BSD tcp_timers())."""
    p = e.profile
    return p.fin_wait_2_recheck is not None and e.idle <= p.fin_wait_2


@guard("resets-unread")
def _(e: Any, s: Any) -> bool:
    """This system answers unread data at close() with a reset (SHLD-3)."""
    return e.profile.unread_close_resets


@guard("unread-reset")
def _(e: Any, s: Any) -> bool:
    """Unread bytes, on a system that resets because of them."""
    return e.unread > 0 and e.profile.unread_close_resets


@guard("linger-zero")
def _(e: Any, s: Any) -> bool:
    """SO_LINGER is on with time 0."""
    return e.linger == 0


@guard("linger-waits")
def _(e: Any, s: Any) -> bool:
    """SO_LINGER is on with a time: close() may take that long."""
    return e.linger is not None and e.linger > 0


@guard("hides-error")
def _(e: Any, s: Any) -> bool:
    """The peer's FIN has been read up to, on a system where that counts more than a later error."""
    return e.profile.eof_before_error and e.peer_fin


@guard("apart")
def _(e: Any, s: Any) -> bool:
    """This system keeps TIME-WAIT in a small record; the program's own socket is already closed."""
    return e.profile.small_records


@guard("linger2-negative")
def _(e: Any, s: Any) -> bool:
    """TCP_LINGER2 is negative."""
    return e.linger2 is not None and e.linger2 < 0


@guard("skips-fin-wait-2")
def _(e: Any, s: Any) -> bool:
    """Nobody holds the socket and TCP_LINGER2 is negative."""
    return (e.orphan or e.closing) and e.linger2 is not None and e.linger2 < 0


@guard("nobody-reads")
def _(e: Any, s: Any) -> bool:
    """The descriptor is given up, or both directions were shut down by the program."""
    return e.orphan or e.closing or (e.rd_shut and e.fin_queued)


def rto(e: Any) -> int:
    """The retransmission timeout before any back-off, in µs: RFC 6298 §2 with one measurement of the round trip.

    RTTVAR is then half of SRTT, so 4·RTTVAR is twice SRTT.
    """
    p = e.profile
    asked = e.srtt + max(p.rto, 2 * e.srtt) if p.rto_above_rtt else max(p.rto, 3 * e.srtt)
    return asked if p.rto_rounding == 1 else round(asked * p.rto_rounding)


def _wanted(e: Any) -> int | None:
    """The limit that is set for a socket without a program, by the system or by TCP_LINGER2."""
    p = e.profile
    if e.linger2 is not None and p.linger2_max is not None:
        return min(e.linger2, p.linger2_max)
    return p.fin_wait_2


def fin_wait_2_limit(e: Any) -> int | None:
    """How long this system waits in FIN-WAIT-2 from now, in µs; None: for ever."""
    p = e.profile
    if not e.orphan and not e.closing:
        return p.fin_wait_2_held
    limit = _wanted(e)
    if limit is None:
        return None
    floor = int(p.fin_wait_2_floor_rtos * rto(e))
    if p.fin_wait_2_split is not None and limit > p.fin_wait_2_split:
        excess = limit - p.fin_wait_2_split
        return excess + max(excess, floor)
    return max(limit, floor)


@guard("limits-fin-wait-2")
def _(e: Any, s: Any) -> bool:
    """This system starts a clock on entering FIN-WAIT-2, given who holds the socket."""
    return fin_wait_2_limit(e) is not None


@guard("limits-late-close")
def _(e: Any, s: Any) -> bool:
    """This system starts a clock when close() finds the connection already in FIN-WAIT-2."""
    return e.profile.fin_wait_2_late_close and e.profile.fin_wait_2_held is None and (
        e.profile.fin_wait_2 is not None or (e.linger2 is not None and e.profile.linger2_max is not None)
    )  # fmt: skip


@guard("leaves-record")
def _(e: Any, s: Any) -> bool:
    """Without a program this system keeps FIN-WAIT-2 in a small record. Above the split it keeps the whole socket."""
    p, limit = e.profile, _wanted(e)
    return p.small_records and limit is not None and (p.fin_wait_2_split is None or limit <= p.fin_wait_2_split)


@guard("small-record")
def _(e: Any, s: Any) -> bool:
    """All that is left of the connection is a small record in FIN-WAIT-2."""
    return e.state == FIN_WAIT_2 and e.orphan and e.limited and GUARDS["leaves-record"](e, s)


@guard("enters-record")
def _(e: Any, s: Any) -> bool:
    """The program is gone, and nothing in the segment but its acknowledgement counts: a small record will do."""
    return e.orphan and GUARDS["leaves-record"](e, s) and "F" not in s.flags and s.seq + s.length <= e.rcv_nxt


@guard("near-record")
def _(e: Any, s: Any) -> bool:
    """The segment touches the window of the small record, or is a bare one at either of its edges."""
    edge = e.rcv_nxt + e.window
    return s.seq == e.rcv_nxt or (s.end > e.rcv_nxt and s.seq < edge) or (s.seq == edge and s.span == 0)


@guard("syn-from-here")
def _(e: Any, s: Any) -> bool:
    """A SYN that is not older than RCV.NXT."""
    return "S" in s.flags and s.seq >= e.rcv_nxt


@guard("brings-new")
def _(e: Any, s: Any) -> bool:
    """It has the ACK bit and takes up a sequence number that is new."""
    return "A" in s.flags and s.span > 0 and s.end > e.rcv_nxt


@guard("fin-exactly-next")
def _(e: Any, s: Any) -> bool:
    """All that is new about it is the FIN, and nothing before that is missing."""
    return "F" in s.flags and s.end == e.rcv_nxt + 1


# ------------------------------------------------------------------------------------- sequence numbers
#: Where Linux judges a segment as tcp_sequence() does; SYN-RECEIVED and TIME-WAIT live in small records of its own.
_WHOLE = frozenset({ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK})


@guard("acceptable")
def _(e: Any, s: Any) -> bool:
    """SEG.SEQ .. SEG.SEQ+SEG.LEN-1 touches the receive window (RFC 9293 §3.4, table 6), or, on Linux, an edge of it."""
    window = e.window
    if e.profile.sequence_edges_count and e.state in _WHOLE:
        return s.seq <= e.rcv_nxt + window and (e.rcv_nxt <= s.end if window else e.rcv_nxt == s.end)
    if s.span == 0:
        return s.seq == e.rcv_nxt if window == 0 else e.rcv_nxt <= s.seq < e.rcv_nxt + window
    if window == 0:
        return False
    return e.rcv_nxt <= s.seq < e.rcv_nxt + window or e.rcv_nxt <= s.end - 1 < e.rcv_nxt + window


@guard("zero-window-probe")
def _(e: Any, s: Any) -> bool:
    """The receive window is shut and the segment begins exactly where it would have to."""
    return e.window == 0 and s.seq == e.rcv_nxt and "S" not in s.flags


@guard("fin-needs-no-room")
def _(e: Any, s: Any) -> bool:
    """A FIN without text, on a system that takes it even when its window is shut."""
    return e.profile.fin_in_shut_window and "F" in s.flags and not s.length


@guard("rst")
def _(e: Any, s: Any) -> bool:
    """The RST bit is set."""
    return "R" in s.flags


@guard("rst-before-fin")
def _(e: Any, s: Any) -> bool:
    """A reset numbered just before the peer's FIN, on a system that believes it."""
    return (
        e.profile.rst_before_fin_accepted
        and "R" in s.flags
        and s.seq == e.rcv_nxt - 1
        and e.state in (CLOSE_WAIT, CLOSING, LAST_ACK)
    )


@guard("rst-believed")
def _(e: Any, s: Any) -> bool:
    """SEG.SEQ is exactly RCV.NXT; or the system predates RFC 5961 and takes any reset in the window."""
    p = e.profile
    return s.seq == e.rcv_nxt or not p.challenge_acks or p.insecure_rst or GUARDS["rst-before-fin"](e, s)


@guard("rst-ends-time-wait")
def _(e: Any, s: Any) -> bool:
    """This system lets this reset end TIME-WAIT."""
    p, how = e.profile, e.profile.rst_in_time_wait
    return how != "ignored" and (
        s.seq == e.rcv_nxt or (how == "closes" and (p.insecure_rst or not p.challenge_acks))
    )  # fmt: skip


@guard("rst-challenged")
def _(e: Any, s: Any) -> bool:
    """This system answers an inexact reset in TIME-WAIT with a challenge ACK."""
    return e.profile.rst_in_time_wait == "closes" and e.profile.challenge_acks


@guard("challenges")
def _(e: Any, s: Any) -> bool:
    """This system answers a SYN with a challenge ACK (RFC 5961)."""
    return e.profile.challenge_acks and not e.profile.insecure_syn


@guard("syn-reopens")
def _(e: Any, s: Any) -> bool:
    """In TIME-WAIT: a SYN beyond RCV.NXT, where somebody listens, on a system that opens a new connection for it."""
    return (
        e.state == TIME_WAIT
        and e.passive
        and e.profile.reopens_time_wait
        and "S" in s.flags
        and "A" not in s.flags
        and "R" not in s.flags
        and s.seq > e.rcv_nxt
    )


@guard("syn-in-window")
def _(e: Any, s: Any) -> bool:
    """The SYN itself, not only what follows it, lies in the window."""
    return e.rcv_nxt <= s.seq < e.rcv_nxt + e.window


@guard("drops-syn-fin")
def _(e: Any, s: Any) -> bool:
    """SYN and FIN together, where this system drops them: LISTEN or everywhere, TIME-WAIT if they would reopen."""
    how = e.profile.syn_fin
    if how == "as-syn" or "S" not in s.flags or "F" not in s.flags:
        return False
    if e.state == TIME_WAIT:
        return GUARDS["syn-reopens"](e, s)
    return how == "dropped" or e.state == LISTEN


@guard("gives-way-first")
def _(e: Any, s: Any) -> bool:
    """This system ends TIME-WAIT before it looks for the FIN beside a SYN."""
    return e.profile.syn_fin == "opens-nothing"


@guard("drops-ackless")
def _(e: Any, s: Any) -> bool:
    """Neither ACK nor RST nor a SYN that opens a new connection, on a system that drops such things in TIME-WAIT."""
    return e.profile.time_wait_wants_ack and not set("AR") & set(s.flags) and not GUARDS["syn-reopens"](e, s)


@guard("drops-mute")
def _(e: Any, s: Any) -> bool:
    """Neither ACK, RST nor SYN, on a system that looks no further then. Its small record of FIN-WAIT-2 does."""
    return (
        e.profile.mute_dropped_first
        and not {"A", "R", "S"} & set(s.flags)
        and e.state in _WHOLE
        and not GUARDS["small-record"](e, s)
    )


@guard("restarts-2msl")
def _(e: Any, s: Any) -> bool:
    """It repeats the peer's FIN; or, on Linux, it acknowledges anything."""
    return "F" in s.flags or (e.profile.small_records and "A" in s.flags)


@guard("repeats-syn")
def _(e: Any, s: Any) -> bool:
    """The peer's SYN once more, on a system that repeats its SYN and ACK for it."""
    return e.profile.syn_ack_again and "S" in s.flags and "A" not in s.flags and s.seq == e.irs


@guard("repeats-fin")
def _(e: Any, s: Any) -> bool:
    """This system repeats its FIN when the peer's FIN crosses it. A FIN that still waits for room was never sent."""
    return e.profile.fin_again_in_closing and "F" in s.flags and e.fins.sent


# ---------------------------------------------------------------------------------- acknowledgements
@guard("has-ack")
def _(e: Any, s: Any) -> bool:
    """The ACK bit is set."""
    return "A" in s.flags


@guard("ack-of-syn")
def _(e: Any, s: Any) -> bool:
    """ISS < SEG.ACK =< SND.NXT: it acknowledges our SYN."""
    return e.iss < s.ack <= e.snd_nxt


def _sent_up_to(e: Any) -> int:
    """SND.NXT; or one more while a shut window is probed with what comes next, which SND.NXT does not count."""
    return e.snd_nxt + (e.clock == "persist" and e.profile.window_probe == "byte")


@guard("ack-new")
def _(e: Any, s: Any) -> bool:
    """SND.UNA < SEG.ACK =< SND.NXT."""
    return e.snd_una < s.ack <= _sent_up_to(e)


@guard("ack-old")
def _(e: Any, s: Any) -> bool:
    """SEG.ACK =< SND.UNA."""
    return s.ack <= e.snd_una


@guard("ack-ancient")
def _(e: Any, s: Any) -> bool:
    """SEG.ACK lies more than a whole window in the past, on a system that follows RFC 5961 §5.

    Linux also takes none from before the first byte acknowledged. It counts its SYN there if it connected.
    """
    p, window = e.profile, max(e.snd_wnd, 65_535)
    if p.ancient_by_acked:
        window = min(window, e.snd_una - e.iss - e.passive)
    return p.challenge_acks and s.ack < e.snd_una - window


@guard("ack-future")
def _(e: Any, s: Any) -> bool:
    """SEG.ACK > SND.NXT: it acknowledges what was never sent."""
    return s.ack > _sent_up_to(e)


@guard("ack-of-fin")
def _(e: Any, s: Any) -> bool:
    """It acknowledges our FIN."""
    return e.fin_queued and s.ack == e.snd_end + 1 <= _sent_up_to(e)


@guard("says-nothing-new")
def _(e: Any, s: Any) -> bool:
    """A bare acknowledgement exactly where one is expected."""
    return s.span == 0 and s.seq == e.rcv_nxt


@guard("answers-ackless")
def _(e: Any, s: Any) -> bool:
    """A FIN or text without ACK, on a system that answers it in TIME-WAIT."""
    return e.profile.bare_fin_in_time_wait_acked and s.span > 0


@guard("any-ack-will-do")
def _(e: Any, s: Any) -> bool:
    """In TIME-WAIT this system does not look at what is acknowledged."""
    return e.profile.small_records


# ------------------------------------------------------------------------------------- text and FIN
@guard("new-text")
def _(e: Any, s: Any) -> bool:
    """Some of the text has not been seen before."""
    return s.seq + s.length > e.rcv_nxt


@guard("fin-in-order")
def _(e: Any, s: Any) -> bool:
    """Nothing before the FIN is missing."""
    if e.ooo_fin is not None:
        return e.ooo_fin == e.rcv_nxt
    return s.seq + s.length <= e.rcv_nxt


@guard("fin-old")
def _(e: Any, s: Any) -> bool:
    """The FIN's own number is below RCV.NXT: whatever it ended is long over."""
    return "F" in s.flags and s.seq + s.length < e.rcv_nxt and e.ooo_fin != e.rcv_nxt


@guard("refuses-early-fin")
def _(e: Any, s: Any) -> bool:
    """Bytes are missing before the FIN that nobody would read, on a system that does not wait for them."""
    return e.profile.small_records and GUARDS["nobody-reads"](e, s)


# ---------------------------------------------------------------------------------------- giving up
@guard("gives-up")
def _(e: Any, s: Any) -> bool:
    """Enough has been tried: by count, by time, or by Linux's rule that turns a count into a time."""
    p = e.profile
    waited = e.waited + (e.wait if e.resends else 0)
    if e.user_timeout is not None and waited >= e.user_timeout and e.resends:
        return True
    if e.state == SYN_SENT:
        return e.resends >= p.syn_retries
    retries = p.orphan_retries if e.orphan else p.retries
    if p.give_up == "count":
        return e.resends >= retries
    if p.give_up == "linux":
        # retransmits_timed_out(): the time that `retries` doublings of the smallest RTO would take
        limit, rto = 0, p.give_up_rto
        for _i in range(retries + 1):
            limit += rto
            rto = min(rto * 2, p.rto_max)
        return e.resends > 0 and waited >= limit
    return False  # "time": the user timeout decides


@guard("probe-gives-up")
def _(e: Any, s: Any) -> bool:
    """No program holds the socket and probing has reached the longest interval, or nobody answers."""
    p = e.profile
    if e.orphan and p.give_up == "linux":
        return e.unanswered >= p.orphan_retries or rto(e) << e.backoff >= p.rto_max
    return e.unanswered >= (p.orphan_retries if e.orphan else p.retries)


@guard("outstanding")
def _(e: Any, s: Any) -> bool:
    """Something has been sent and is not acknowledged."""
    return e.outstanding > 0


@guard("asks-here")
def _(e: Any, s: Any) -> bool:
    """This system sends keepalive probes in this state."""
    return e.profile.keepalive_in_fin_wait_2 or e.state in (ESTABLISHED, CLOSE_WAIT)


@guard("keepalive-exhausted")
def _(e: Any, s: Any) -> bool:
    """As many probes as this socket allows have gone unanswered."""
    count = e.keepalive[2] if e.keepalive else e.profile.keepalive_count
    return e.unanswered >= count
