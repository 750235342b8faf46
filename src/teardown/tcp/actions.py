"""The named actions that rows of the transition table may order, and what goes out after them.

Each takes the draft of an endpoint and the arriving segment, if there is one. Most change the draft; a few answer
with the segment as the later checks shall see it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from teardown.tcp.effects import Transmit
from teardown.tcp.guards import fin_wait_2_limit, rto
from teardown.tcp.segment import Segment
from teardown.tcp.states import (
    CLOSE_WAIT,
    CLOSED,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    LAST_ACK,
    LISTEN,
    SYN_RECEIVED,
    SYN_SENT,
    TIME_WAIT,
)

Action = Callable[[Any, Any], Any]
ACTIONS: Final[dict[str, Action]] = {}

#: How far beyond the old numbers a connection that reuses TIME-WAIT begins.
_NEXT_ISS = 64_000


def action(name: str) -> Callable[[Action], Action]:
    """Register an action under the name that rows use."""

    def register(function: Action) -> Action:
        ACTIONS[name] = function
        return function

    return register


def resolve(name: str) -> Action:
    """The action of that name; `error-EPIPE` makes a call return EPIPE. Raises KeyError for an unknown one."""
    if name in ACTIONS or not name.startswith("error-E"):
        return ACTIONS[name]
    errno = name.removeprefix("error-")

    def fail(d: Any, s: Any) -> Any:
        d.result = errno

    return fail


def _transmit(d: Any, segment: Segment, *, again: int = 0, probe: bool = False) -> None:
    d.effects.append(Transmit(segment, again, probe))
    if "A" in segment.flags:
        d.ack_due = False
        d.rcv_adv = segment.window


# ----------------------------------------------------------------------------------------------- opening
@action("begin-active")
def _(d: Any, s: Any) -> Any:
    """Take an ISN; nothing is known of the peer yet."""
    d.passive, d.snd_una, d.snd_nxt, d.snd_end = False, d.iss, d.iss, d.iss + 1
    d.orphan, d.end, d.error = False, None, None


@action("begin-passive")
def _(d: Any, s: Any) -> Any:
    """Wait for anyone."""
    d.passive, d.snd_una, d.snd_nxt, d.snd_end = True, d.iss, d.iss, d.iss + 1
    d.orphan, d.end, d.error = False, None, None
    d.result = "0"


@action("begin-from-syn")
def _(d: Any, s: Any) -> Any:
    """Start a connection from the peer's SYN, in LISTEN or out of TIME-WAIT (with a larger ISN, MAY-2)."""
    if d.state == TIME_WAIT:
        d.iss = d.snd_nxt + _NEXT_ISS
        d.stop("time-wait")
    d.passive, d.orphan, d.rd_shut, d.fin_queued, d.peer_fin = True, False, False, False, False
    d.ooo, d.ooo_fin, d.end, d.error, d.limited = (), None, None, None, False
    d.snd_una, d.snd_nxt, d.snd_end = d.iss, d.iss, d.iss + 1
    ACTIONS["learn-syn"](d, s)


@action("learn-syn")
def _(d: Any, s: Any) -> Any:
    """Take the peer's ISN and window from its SYN. Later checks see what comes after the SYN: text begins there."""
    d.irs, d.rcv_nxt, d.rcv_read = s.seq, s.seq + 1, s.seq + 1
    d.snd_wnd, d.snd_wl1, d.snd_wl2 = s.window, s.seq, s.ack
    return s._replace(seq=s.seq + 1, flags=s.flags.replace("S", ""))


@action("keep-text")
def _(d: Any, s: Any) -> Any:
    """Text that came with a SYN waits until the connection is open (§3.10.7.3)."""
    if s.length:
        d.ooo = ((s.seq, s.seq + s.length),)


@action("send-syn")
def _(d: Any, s: Any) -> Any:
    """SYN at ISS."""
    _transmit(d, Segment(d.iss, 0, "S", 0, d.window))
    d.snd_nxt = d.iss + 1
    d.result = "0"
    _run(d, "retransmission", d.profile.syn_rto)


@action("send-syn-ack")
def _(d: Any, s: Any) -> Any:
    """SYN and ACK at ISS."""
    _transmit(d, Segment(d.iss, d.rcv_nxt, "SA", 0, d.window))
    d.snd_nxt = d.iss + 1
    _run(d, "retransmission", d.profile.syn_rto)


@action("send-syn-ack-again")
def _(d: Any, s: Any) -> Any:
    """The same SYN and ACK once more; the clock runs on."""
    _transmit(d, Segment(d.iss, d.rcv_nxt, "SA", 0, d.window), again=1)


@action("back-to-listen")
def _(d: Any, s: Any) -> Any:
    """Forget this handshake and wait for the next."""
    _halt(d)
    d.stop("keepalive")
    d.snd_una, d.snd_nxt, d.snd_end, d.irs, d.rcv_nxt, d.rcv_read = d.iss, d.iss, d.iss + 1, 0, 0, 0


# ------------------------------------------------------------------------------------------------- calls
@action("queue-data")
def _(d: Any, s: Any) -> Any:
    """The program hands over so many bytes."""
    d.snd_end += d.amount
    d.result = str(d.amount)


@action("queue-fin")
def _(d: Any, s: Any) -> Any:
    """The FIN follows the last byte."""
    d.fin_queued = True
    d.result = "0"


@action("orphan")
def _(d: Any, s: Any) -> Any:
    """The program gives up the descriptor."""
    d.orphan = True
    d.error = None
    d.result = "0"


@action("wait-close")
def _(d: Any, s: Any) -> Any:
    """close() does not return yet: it waits for the ACK of the FIN, for as long as SO_LINGER says."""
    d.closing, d.result = True, None
    d.start("so-linger", d.linger)


@action("return-close")
def _(d: Any, s: Any) -> Any:
    """If a close() waits, it returns now, and the connection is the kernel's alone."""
    if d.closing:
        d.closing, d.orphan, d.error = False, True, None
        d.stop("so-linger")
        d.tell("returned")


@action("read")
def _(d: Any, s: Any) -> Any:
    """The program takes bytes; a window that was nearly shut is announced again once it has really opened."""
    count = min(d.amount or d.unread, d.unread)
    d.rcv_read += count
    d.result = str(count)
    step = min(d.profile.mss, d.rcv_buf // 2)
    if d.rcv_adv < step and d.window >= d.rcv_adv + step and d.state in (ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2):
        d.ack_due = True


@action("read-end")
def _(d: Any, s: Any) -> Any:
    """End of file."""
    d.result = "EOF"


@action("stop-reading")
def _(d: Any, s: Any) -> Any:
    """SHUT_RD: a matter of this host alone."""
    d.rd_shut = True
    d.result = "0"


@action("error-take")
def _(d: Any, s: Any) -> Any:
    """The call reports the pending error and clears it."""
    d.result, d.error = d.error, None


# ----------------------------------------------------------------------------------------------- answers
@action("ack")
def _(d: Any, s: Any) -> Any:
    """An acknowledgement is owed; it rides on data or a FIN if one goes out now."""
    d.ack_due = True


@action("reset")
def _(d: Any, s: Any) -> Any:
    """RST at SND.NXT, with the ACK that makes it easy to believe."""
    _transmit(d, Segment(d.snd_nxt, d.rcv_nxt, "RA", 0, 0))


@action("reset-at-ack")
def _(d: Any, s: Any) -> Any:
    """RST numbered by what the segment acknowledges (§3.5.2, first group)."""
    if "A" not in s.flags:
        return ACTIONS["reset-with-ack"](d, s)
    _transmit(d, Segment(s.ack, 0, "R", 0, 0))
    return None


@action("reset-with-ack")
def _(d: Any, s: Any) -> Any:
    """RST at 0 that acknowledges the whole segment (§3.5.2, first group)."""
    _transmit(d, Segment(0, s.end, "RA", 0, 0))


@action("send-fin-again")
def _(d: Any, s: Any) -> Any:
    """Our FIN once more, with the new acknowledgement."""
    _transmit(d, Segment(d.snd_end, d.rcv_nxt, "FA", 0, d.window), again=1)


# ------------------------------------------------------------------------------------- arriving segments
@action("touch")
def _(d: Any, s: Any) -> Any:
    """A sign of life: silence is counted from now."""
    d.unanswered = 0
    if d.keepalive is not None:
        d.start("keepalive", d.keepalive[0])
    elif d.limited and d.profile.detached_keepalive is not None and d.state == FIN_WAIT_2:
        d.start("keepalive", d.profile.detached_keepalive)


@action("cut-text")
def _(d: Any, s: Any) -> Any:
    """The window is shut: neither text nor FIN is taken, the rest of the segment counts."""
    d.unanswered = 0
    return s._replace(length=0, flags=s.flags.replace("F", ""))


@action("take-ack")
def _(d: Any, s: Any) -> Any:
    """SND.UNA moves up; a fresh start for every back-off."""
    opening = d.state in (SYN_RECEIVED, SYN_SENT)
    d.snd_una = s.ack
    d.snd_nxt = max(d.snd_nxt, s.ack)
    d.backoff = d.resends = d.waited = d.unanswered = 0
    d.probed_tail = False
    ACTIONS["take-window"](d, s)
    if d.outstanding:
        _run(d, "retransmission", rto(d))
    else:
        _halt(d)
    if opening and d.keepalive is not None:
        d.start("keepalive", d.keepalive[0])
    d.tell("connected" if opening else "acked")


@action("take-window")
def _(d: Any, s: Any) -> Any:
    """SND.WND, unless the segment is older than the one that set it (§3.10.7.4)."""
    if s.ack >= d.snd_una and (d.snd_wl1 < s.seq or (d.snd_wl1 == s.seq and d.snd_wl2 <= s.ack)):
        d.snd_wnd, d.snd_wl1, d.snd_wl2 = s.window, s.seq, s.ack
    d.unanswered = 0


@action("take-text")
def _(d: Any, s: Any) -> Any:
    """Put the text in its place; hand over what is in order, keep what came early."""
    edge = d.rcv_nxt + d.window
    _place(d, sorted([*d.ooo, (max(s.seq, d.rcv_nxt), min(s.seq + s.length, edge))]))


@action("take-kept-text")
def _(d: Any, s: Any) -> Any:
    """The connection is open now: hand over the text that came with the SYN."""
    if d.ooo:
        _place(d, list(d.ooo))
        d.ack_due = True


def _place(d: Any, spans: list[tuple[int, int]]) -> None:
    before = d.rcv_nxt
    early: list[tuple[int, int]] = []
    for start, end in spans:
        if start <= d.rcv_nxt:
            d.rcv_nxt = max(d.rcv_nxt, end)
        elif early and start <= early[-1][1]:
            early[-1] = (early[-1][0], max(early[-1][1], end))
        elif start < end:
            early.append((start, end))
    d.ooo = tuple(early)
    if d.rcv_nxt > before:
        d.tell("readable")


@action("take-fin")
def _(d: Any, s: Any) -> Any:
    """The peer's direction is over: the FIN takes one number."""
    d.peer_fin, d.ooo_fin, d.ooo = True, None, ()
    d.rcv_nxt += 1
    d.tell("eof")


@action("keep-fin")
def _(d: Any, s: Any) -> Any:
    """A FIN that came before some bytes: its place is kept."""
    d.ooo_fin = s.seq + s.length


# ------------------------------------------------------------------------------------------------- timers
@action("start-time-wait")
def _(d: Any, s: Any) -> Any:
    """2 MSL from now, and every other timer is off (§3.10.7.4)."""
    _halt(d)
    ACTIONS["stop-keepalive"](d, s)
    d.start("time-wait", d.profile.time_wait)


@action("start-fin-wait-2")
def _(d: Any, s: Any) -> Any:
    """This system's own limit on waiting for the peer's FIN."""
    orphan, d.orphan = d.orphan, d.orphan or d.profile.fin_wait_2_held is None
    limit = fin_wait_2_limit(d)
    d.orphan = orphan
    if limit is not None:
        d.limited = True
        d.start("fin-wait-2", limit)


@action("recheck-fin-wait-2")
def _(d: Any, s: Any) -> Any:
    """BSD looks again after one keepalive interval."""
    d.start("fin-wait-2", d.profile.fin_wait_2_recheck)


@action("probe-if-detached")
def _(d: Any, s: Any) -> Any:
    """HP-UX sets no limit but asks, after a silence, whether the peer is still there."""
    if d.orphan and d.profile.detached_keepalive is not None:
        d.limited = True
        d.start("keepalive", d.profile.detached_keepalive)


@action("stop-fin-wait-2")
def _(d: Any, s: Any) -> Any:
    """The FIN has come."""
    if d.limited:
        d.limited = False
        d.stop("fin-wait-2")


@action("stop-keepalive")
def _(d: Any, s: Any) -> Any:
    """Nothing is left to keep alive."""
    if d.keepalive is not None or d.profile.detached_keepalive is not None:
        d.stop("keepalive")
        d.keepalive = None


@action("resend")
def _(d: Any, s: Any) -> Any:
    """The first unacknowledged segment again, and twice the patience."""
    p = d.profile
    if p.tail_loss_probe and not d.probed_tail and d.state not in (SYN_SENT, SYN_RECEIVED):
        # Linux sends one early probe of the tail. It does not count as a timeout.
        d.probed_tail = True
        _transmit(d, _first(d), again=1)
        _run(d, "retransmission", rto(d))
        return
    if d.resends:
        d.waited += d.wait
    d.resends += 1
    d.backoff += 1
    _transmit(d, _first(d), again=d.resends + d.probed_tail)
    base = p.syn_rto if d.state in (SYN_SENT, SYN_RECEIVED) else rto(d)
    after = min(base << d.backoff, p.rto_max)
    if d.user_timeout is not None and p.give_up == "linux":
        # tcp_clamp_rto_to_user_timeout(): the last wait ends exactly with the limit
        after = min(after, max(d.user_timeout - d.waited, 4_000))
    _run(d, "retransmission", after)


@action("probe-window")
def _(d: Any, s: Any) -> Any:
    """Ask a shut window whether it has opened: with an old number, or with what comes next, a byte or the FIN.

    SND.NXT does not count what may be refused: everything else must still be sent where the peer expects it.
    """
    if d.profile.window_probe == "empty":
        probe = Segment(d.snd_una - 1, d.rcv_nxt, "A", 0, d.window)
    elif d.snd_una < d.snd_end:
        probe = Segment(d.snd_una, d.rcv_nxt, "A", 1, d.window)
    else:
        probe = Segment(d.snd_una, d.rcv_nxt, "FA", 0, d.window)
    _transmit(d, probe, probe=True)
    d.unanswered += 1
    d.backoff += 1
    _run_persist(d)


@action("wait-alive")
def _(d: Any, s: Any) -> Any:
    """No question now; look again after one more silence."""
    d.start("keepalive", d.keepalive[0] if d.keepalive else d.profile.detached_keepalive)


@action("probe-alive")
def _(d: Any, s: Any) -> Any:
    """An old sequence number that any living peer must answer."""
    _transmit(d, Segment(d.snd_nxt - 1, d.rcv_nxt, "A", 0, d.window), probe=True)
    d.unanswered += 1
    d.start("keepalive", d.keepalive[1] if d.keepalive else d.profile.keepalive_interval)


# ------------------------------------------------------------------------------------------------ endings
@action("forget")
def _(d: Any, s: Any) -> Any:
    """The connection is over and nobody is told anything new."""
    d.end = d.end or "normal"
    d.result = "0" if d.fired is None and s is None else d.result


@action("end-normal")
def _(d: Any, s: Any) -> Any:
    """Both directions ended in order."""
    d.end = "normal"
    d.tell("closed")


@action("end-aborted")
def _(d: Any, s: Any) -> Any:
    """This side threw the connection away."""
    d.end = "aborted"
    _flush(d)


@action("tell-reset")
def _(d: Any, s: Any) -> Any:
    """A program that still holds the socket learns of the end with its next call."""
    if not d.orphan and not d.closing:
        d.error = "ECONNRESET"
        d.tell("error")


@action("end-given-up")
def _(d: Any, s: Any) -> Any:
    """The system stopped waiting for the peer's FIN."""
    d.end = "given-up"


@action("end-reset")
def _(d: Any, s: Any) -> Any:
    """The peer threw the connection away: the next call learns of it."""
    d.end = "reset"
    _fail(d, d.profile.reset_after_eof if d.state == CLOSE_WAIT else "ECONNRESET")


@action("end-refused")
def _(d: Any, s: Any) -> Any:
    """The peer does not want a connection."""
    d.end = "refused"
    _fail(d, "ECONNREFUSED")


@action("end-timeout")
def _(d: Any, s: Any) -> Any:
    """Nothing answered for too long."""
    d.end = "timeout"
    _fail(d, "ETIMEDOUT")


def _fail(d: Any, errno: str) -> None:
    if d.profile.reset_flushes:
        _flush(d)
    if not d.orphan:
        d.error = errno
        d.tell("error")


def _flush(d: Any) -> None:
    d.rcv_read = d.rcv_nxt - d.peer_fin
    d.ooo, d.ooo_fin = (), None


# ----------------------------------------------------------------------------------------- what goes out
def _run(d: Any, clock: str, after: int) -> None:
    """Retransmission and persist are one clock with two meanings: they never run together."""
    if d.clock not in (None, clock):
        d.stop(d.clock)
    if d.clock is None and d.profile.give_up == "time" and d.profile.user_timeout is not None:
        d.start("user", d.profile.user_timeout)
    d.clock, d.wait = clock, after
    d.start(clock, after)


def _halt(d: Any) -> None:
    if d.clock is not None:
        d.stop(d.clock)
        if d.profile.give_up == "time" and d.profile.user_timeout is not None:
            d.stop("user")
    d.clock, d.backoff, d.resends, d.waited, d.probed_tail = None, 0, 0, 0, False


def _first(d: Any) -> Segment:
    """The first unacknowledged segment, built again from the numbers."""
    if d.snd_una == d.iss:
        if d.state == SYN_SENT:
            return Segment(d.iss, 0, "S", 0, d.window)
        return Segment(d.iss, d.rcv_nxt, "SA", 0, d.window)
    length = min(d.profile.mss, d.snd_end - d.snd_una, d.snd_nxt - d.snd_una)
    fin = d.fin_queued and d.snd_una + length == d.snd_end and d.snd_nxt > d.snd_end
    return Segment(d.snd_una, d.rcv_nxt, _flags(length, fin), length, d.window)


def _flags(length: int, fin: bool) -> str:
    return ("F" if fin else "") + ("P" if length and not fin else "") + "A"


_MAY_SEND = (ESTABLISHED, CLOSE_WAIT, FIN_WAIT_1, CLOSING, LAST_ACK)


def _run_persist(d: Any) -> None:
    """Wait before asking a shut window, longer each time."""
    p = d.profile
    _run(d, "persist", min(max(rto(d) << d.backoff, p.persist_min), p.persist_max))


def output(d: Any) -> None:
    """After the rows: send what the window allows, the FIN after the last byte, and the ACK that is owed."""
    if d.state in (CLOSED, LISTEN, SYN_SENT):
        d.ack_due = False
        return
    if d.state in _MAY_SEND:
        edge = d.snd_una + d.snd_wnd
        if d.clock == "persist" and edge > d.snd_una:
            d.snd_nxt = d.snd_una  # the window has opened: begin where the peer wants us to
            _halt(d)
        sent = False
        while d.snd_nxt < min(edge, d.snd_end + d.fin_queued):
            length = min(d.profile.mss, d.snd_end - d.snd_nxt, edge - d.snd_nxt)
            fin = d.fin_queued and d.snd_nxt + length == d.snd_end and d.snd_nxt + length < edge
            if length <= 0 and not fin:
                break
            _transmit(d, Segment(d.snd_nxt, d.rcv_nxt, _flags(length, fin), length, d.window))
            d.snd_nxt += length + fin
            sent = True
        waiting = d.snd_nxt < d.snd_end + d.fin_queued
        if d.outstanding and d.clock is None:
            _run(d, "retransmission", rto(d))
        elif waiting and not d.outstanding and d.clock is None:
            _run_persist(d)
        elif sent and d.keepalive is not None:
            d.start("keepalive", d.keepalive[0])
    if d.ack_due:
        _transmit(d, Segment(d.snd_nxt, d.rcv_nxt, "A", 0, d.window))
