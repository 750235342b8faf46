"""What one operating system adds to, or leaves out of, the RFC: the knobs of an endpoint.

A profile is plain numbers and switches. Which system has which values, and from which source, stands in
`teardown.stacks`. Times are microseconds; None means that the system never starts that timer.
"""

from dataclasses import dataclass, replace
from typing import Any

MS = 1_000
SECOND = 1_000_000


@dataclass(frozen=True, eq=False)
class Profile:
    """The behaviour of one TCP implementation. Compared by identity: make one, share it."""

    name: str = "rfc9293"

    # -- TIME-WAIT (RFC 9293 §3.6.1: 2 MSL, MSL 2 minutes) ---------------------------------------------
    time_wait: int = 240 * SECOND
    rst_in_time_wait: str = "closes"  # "closes" | "closes-if-exact" | "ignored" (RFC 1337)
    reopens_time_wait: bool = True  # MAY-2: a SYN beyond RCV.NXT opens a new connection
    bare_fin_in_time_wait_acked: bool = False  # Linux answers a FIN that carries no ACK
    time_wait_wants_ack: bool = False  # FreeBSD drops what carries no ACK before it looks further

    # -- FIN-WAIT-2: no timer in the RFC ---------------------------------------------------------------
    fin_wait_2: int | None = None  # after close(): nobody can read any more
    fin_wait_2_late_close: bool = True  # does close() in FIN-WAIT-2 (after shutdown) start it too?
    fin_wait_2_held: int | None = None  # while a program still holds the socket
    fin_wait_2_split: int | None = None  # Linux: above this, what exceeds it is waited for twice
    fin_wait_2_floor_rtos: float = 0.0  # Linux: never shorter than this many RTOs
    fin_wait_2_recheck: int | None = None  # BSD: not idle for that long yet? then look again after this
    linger2_max: int | None = None  # Linux: TCP_LINGER2 is clamped to this; None: no such option
    detached_keepalive: int | None = None  # HP-UX: probe detached sockets after this much silence

    # -- what is looked at -----------------------------------------------------------------------------
    sequence_edges_count: bool = False  # Linux: what ends at RCV.NXT or begins at RCV.NXT+RCV.WND is looked at
    mute_dropped_first: bool = False  # Linux: without ACK, RST and SYN a segment is not even judged by its number
    ancient_by_acked: bool = False  # Linux: an ACK below the first byte that was acknowledged is too old
    small_records: bool = False  # Linux: TIME-WAIT, and FIN-WAIT-2 without a program, live in small records
    eof_before_error: bool = False  # Linux: after the peer's FIN a read is end of file, whatever happens later

    # -- resets ------------------------------------------------------------------------------------------
    challenge_acks: bool = True  # RFC 5961: only a RST at exactly RCV.NXT closes
    rst_before_fin_accepted: bool = False  # Linux: RST at RCV.NXT-1 counts once the peer's FIN is in
    unread_close_resets: bool = True  # SHLD-3: close() with unread data sends RST
    reset_flushes: bool = True  # §3.10.7.4: queues are flushed; Linux lets the program read what is there
    reset_after_eof: str = "ECONNRESET"  # what a program sees when reset in CLOSE-WAIT
    insecure_rst: bool = False  # FreeBSD's switch: the rule of RFC 793 for RST alone
    insecure_syn: bool = False  # FreeBSD's switch: the rule of RFC 793 for SYN alone

    # -- opening -----------------------------------------------------------------------------------------
    syn_fin: str = "as-syn"  # SYN and FIN together: "as-syn" | "opens-nothing" (Linux) | "dropped"
    syn_ack_again: bool = False  # a repeated SYN draws the SYN+ACK again, not just an ACK

    # -- repeats -----------------------------------------------------------------------------------------
    rto: int = 1 * SECOND  # the smallest retransmission timeout
    rto_above_rtt: bool = False  # Linux: that much is added to the round trip time
    rto_rounding: float = 1.0  # a retransmission timer lasts so many times what was asked for
    syn_rto: int = 1 * SECOND
    rto_max: int = 60 * SECOND
    persist_min: int = 0  # the first wait before a shut window is asked, at least
    persist_max: int = 60 * SECOND  # and the longest (RFC 9293 §3.8.6.1 leaves it open)
    tail_loss_probe: bool = False  # Linux: one early resend that does not count as a retry
    give_up: str = "time"  # "time": user timeout; "count": number of retries; "linux": see endpoint
    give_up_rto: int = 200 * MS  # Linux: the unit in which give-up times are counted
    retries: int = 15  # while a program holds the socket
    orphan_retries: int = 15  # when none does
    syn_retries: int = 6
    user_timeout: int | None = 300 * SECOND  # RFC 9293 §3.9.1: five minutes
    window_probe: str = "byte"  # what asks a shut window: "byte" of new data, or "empty" old segment
    fin_in_shut_window: bool = False  # Linux takes a bare FIN although its own window is shut
    fin_again_in_closing: bool = False  # FreeBSD repeats its FIN when the peer's crosses it

    # -- keepalive ---------------------------------------------------------------------------------------
    keepalive_idle: int = 7_200 * SECOND  # MUST-28
    keepalive_interval: int = 75 * SECOND
    keepalive_count: int = 8
    keepalive_in_fin_wait_2: bool = True  # 4.4BSD stops probing after CLOSE-WAIT

    # -- sizes ---------------------------------------------------------------------------------------------
    mss: int = 1_460
    buffer: int = 65_535  # receive buffer: the largest window ever advertised

    # -- a machine of one's own: what `decide.trees` makes of other rows; None: the standard's table
    table: Any = None

    def having(self, **values: Any) -> "Profile":
        """The same profile with some values replaced."""
        return replace(self, **values)
