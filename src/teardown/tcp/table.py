"""The transition table: RFC 9293 §3.10 for everything that touches opening, moving data and closing.

Theory of operation.

* The table is the machine. `endpoint.py` only applies it; whatever decides where a connection goes stands here,
  in a row, with the section that says so and one sentence why. The state diagram, the reference page, the
  captions and half of the tests are made from these rows.
* A row says: in these states, on this event, if all these guards hold, do these actions in order and go to that
  state (None: stay). A guard that begins with "!" must not hold. For one state and event the guards of the rows
  exclude each other: exactly one row matches (a test tries).
* An arriving segment is looked at in the order of checks of §3.10.7.4: sequence, rst, syn, ack, text, fin. Before
  them come two that only some systems have: "flags", if these are odd, and "record", in FIN-WAIT-2 when no program
  holds the socket. Each check is an event of its own ("segment ack"). A row with `stop` ends the walk; otherwise
  the next check follows, in the state that the last one led to. A check is left out when the segment has nothing
  to check (no RST bit, no text).
* Calls are the socket calls of an application: `shutdown` is the RFC's CLOSE (I have nothing more to send),
  `close` is CLOSE plus giving up the descriptor, so that nobody can read any more (MAY-1), `abort` is ABORT.
* Timers are events too. Where the RFC has no timer, the row belongs to the systems that add one.
"""

from typing import Final, Literal, NamedTuple

from teardown.tcp.states import (
    CLOSE_WAIT,
    CLOSED,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    LAST_ACK,
    LISTEN,
    STATES,
    SYN_RECEIVED,
    SYN_SENT,
    SYNCHRONIZED,
    TIME_WAIT,
)


class Rule(NamedTuple):
    """One row of the transition table."""

    id: str
    states: tuple[str, ...]
    event: str
    guards: tuple[str, ...]
    actions: tuple[str, ...]
    to: str | None
    rfc: str
    why: str
    stop: bool

    @property
    def cause(self) -> Literal["call", "segment", "timer"]:
        """The kind of cause: what the state diagram colours its edges by."""
        return self.event.split()[0]  # type: ignore[return-value]


RULES: tuple[Rule, ...] = ()


def _rows() -> list[Rule]:
    rows: list[Rule] = []
    counts: dict[str, int] = {}

    def row(
        states: str | tuple[str, ...],
        event: str,
        guards: str = "",
        actions: str = "",
        to: str | None = None,
        rfc: str = "",
        why: str = "",
        stop: bool = False,
    ) -> None:
        states = (states,) if isinstance(states, str) else states
        slug = event.replace(" ", "-")
        counts[slug] = counts.get(slug, 0) + 1
        name = f"{slug}-{counts[slug]}"
        rows.append(Rule(name, states, event, tuple(guards.split()), tuple(actions.split()), to, rfc, why, stop))

    # ---------------------------------------------------------------------------------------- user calls
    opening = (SYN_SENT, SYN_RECEIVED)
    sending = (ESTABLISHED, CLOSE_WAIT)
    after_fin = (FIN_WAIT_1, FIN_WAIT_2, CLOSING, LAST_ACK, TIME_WAIT)

    row(CLOSED, "call connect", "", "begin-active send-syn", SYN_SENT, "3.10.1",
        "An active open sends a SYN and waits for the answer.")
    row(tuple(s for s in STATES if s != CLOSED), "call connect", "", "error-EISCONN", None, "3.10.1",
        "This socket is already in use by a connection.")
    row(CLOSED, "call listen", "", "begin-passive", LISTEN, "3.10.1",
        "A passive open waits for anyone to connect.")
    row(tuple(s for s in STATES if s != CLOSED), "call listen", "", "error-EINVAL", None, "3.10.1",
        "This socket is already in use by a connection.")

    row(opening, "call send", "!orphan", "queue-data", None, "3.10.2",
        "The bytes wait until the connection is established.")
    row(sending, "call send", "!orphan", "queue-data", None, "3.10.2",
        "Nothing has been said about an end in this direction, so the bytes go out.")
    row(after_fin, "call send", "!orphan", "error-EPIPE", None, "3.10.2",
        "This side has already said, with its FIN, that no more bytes will come.")
    row(CLOSED, "call send", "!orphan error-pending", "error-take", None, "3.10.2",
        "The connection is gone, and this call is the first to report why.")
    row((CLOSED, LISTEN), "call send", "!orphan !error-pending", "error-EPIPE", None, "3.10.2",
        "There is no connection to send on.")

    row(STATES, "call receive", "!orphan unread", "read", None, "3.10.3",
        "The program takes the bytes out of the receive buffer.")
    row(STATES, "call receive", "!orphan !unread error-pending !hides-error", "error-take", None, "3.10.3",
        "The connection is gone, and this call is the first to report why.")
    row(STATES, "call receive", "!orphan !unread error-pending hides-error", "read-end", None, "none: Linux",
        "The peer's FIN was here before the error: on this system the program still sees a plain end of file.")
    row(STATES, "call receive", "!orphan !unread !error-pending at-end", "read-end", None, "3.10.3",
        "Everything up to the peer's FIN has been read: the program sees end of file.")
    row((CLOSED, LISTEN), "call receive", "!orphan !unread !error-pending !at-end", "error-ENOTCONN", None, "3.10.3",
        "There is no connection to read from.")
    row(tuple(s for s in STATES if s not in (CLOSED, LISTEN)), "call receive",
        "!orphan !unread !error-pending !at-end", "error-EAGAIN", None, "3.10.3",
        "Nothing has arrived yet, so the call would wait.")

    row((CLOSED, LISTEN), "call shutdown", "!orphan", "error-ENOTCONN", None, "3.10.4",
        "There is no connection to end.")
    row(SYN_SENT, "call shutdown", "!orphan", "forget", CLOSED, "3.10.4",
        "Nothing has been agreed yet, so nothing is sent.")
    row((SYN_RECEIVED, ESTABLISHED), "call shutdown", "!orphan", "queue-fin", FIN_WAIT_1, "3.10.4",
        "This means: I have nothing more to send. The FIN follows the last byte.")
    row(CLOSE_WAIT, "call shutdown", "!orphan", "queue-fin", LAST_ACK, "3.10.4",
        "The peer has ended its direction; now this side ends its own.")
    row((FIN_WAIT_1, FIN_WAIT_2, CLOSING, LAST_ACK), "call shutdown", "!orphan", "", None, "3.10.4",
        "The FIN has already been sent; a second one does not exist.")
    row(TIME_WAIT, "call shutdown", "!orphan !apart", "", None, "3.10.4",
        "The FIN has already been sent; a second one does not exist.")
    row(TIME_WAIT, "call shutdown", "!orphan apart", "error-ENOTCONN", None, "none: Linux",
        "A small record waits in TIME-WAIT; the program's own socket is no longer connected.")

    row(CLOSED, "call shutdown-read", "!orphan", "error-ENOTCONN", None, "none: POSIX",
        "There is no connection to end.")
    row(tuple(s for s in STATES if s not in (CLOSED, TIME_WAIT)), "call shutdown-read", "!orphan", "stop-reading", None,
        "3.6.1", "Only this host learns of it: nothing is sent, the peer may go on sending.")
    row(TIME_WAIT, "call shutdown-read", "!orphan !apart", "stop-reading", None, "3.6.1",
        "Only this host learns of it, and nothing more can come.")
    row(TIME_WAIT, "call shutdown-read", "!orphan apart", "error-ENOTCONN", None, "none: Linux",
        "A small record waits in TIME-WAIT; the program's own socket is no longer connected.")

    for call in ("send", "receive", "shutdown", "shutdown-read"):
        row(STATES, f"call {call}", "orphan", "error-EBADF", None, "none: POSIX",
            "The program has already given up this descriptor.")

    row(LISTEN, "call close", "!orphan", "orphan forget", CLOSED, "3.10.4",
        "Nobody was connected, so nothing is sent.")
    row(SYN_SENT, "call close", "!orphan", "orphan forget", CLOSED, "3.10.4",
        "Nothing has been agreed yet, so nothing is sent.")
    row(CLOSED, "call close", "!orphan", "orphan", None, "3.10.4",
        "The connection is already gone; the program gives back the descriptor.")
    held = (SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT)
    row((*held, CLOSING, LAST_ACK), "call close", "!orphan unread resets-unread", "orphan reset end-aborted",
        CLOSED, "3.6.1, RFC 2525 §2.17",
        "Bytes that nobody will ever read are lost, and a reset is the only honest way to say so.")
    row(held, "call close", "!orphan !unread-reset linger-zero", "orphan reset end-aborted", CLOSED, "3.10.5",
        "SO_LINGER with time 0 turns close() into an abort.")
    row((CLOSING, LAST_ACK), "call close", "!orphan !unread-reset linger-zero", "orphan end-aborted", CLOSED, "3.10.5",
        "SO_LINGER with time 0 turns close() into an abort. In this state that needs no reset.")
    row((SYN_RECEIVED, ESTABLISHED), "call close", "!orphan !unread-reset !linger-zero !linger-waits",
        "orphan queue-fin", FIN_WAIT_1, "3.10.4",
        "The program ends its direction and gives up the descriptor: nobody will read any more.")
    row(CLOSE_WAIT, "call close", "!orphan !unread-reset !linger-zero !linger-waits", "orphan queue-fin", LAST_ACK,
        "3.10.4", "The peer had ended its direction; now this side ends its own.")
    row((CLOSING, LAST_ACK), "call close", "!orphan !unread-reset !linger-zero !linger-waits", "orphan", None, "3.10.4",
        "Both FINs are out. The kernel finishes without the program.")
    row(FIN_WAIT_1, "call close", "!orphan !unread-reset !linger-zero !linger-waits", "orphan", None, "3.10.4",
        "The FIN is already out. The descriptor goes, the connection stays with the kernel.")
    row((SYN_RECEIVED, ESTABLISHED), "call close", "!orphan !unread-reset linger-waits", "queue-fin wait-close",
        FIN_WAIT_1, "none: POSIX SO_LINGER",
        "The FIN goes out, and SO_LINGER makes close() wait until it is acknowledged or the time is over.")
    row(CLOSE_WAIT, "call close", "!orphan !unread-reset linger-waits", "queue-fin wait-close", LAST_ACK,
        "none: POSIX SO_LINGER",
        "The FIN goes out, and SO_LINGER makes close() wait until it is acknowledged or the time is over.")
    row((FIN_WAIT_1, CLOSING, LAST_ACK), "call close", "!orphan !unread-reset linger-waits", "wait-close", None,
        "none: POSIX SO_LINGER",
        "The FIN is already out, and SO_LINGER makes close() wait until it is acknowledged or the time is over.")
    row(TIME_WAIT, "call close", "!orphan !linger-zero", "orphan", None, "3.10.4",
        "Both FINs are acknowledged. The kernel finishes without the program.")
    row(TIME_WAIT, "call close", "!orphan linger-zero !apart", "orphan end-aborted", CLOSED, "3.10.5",
        "SO_LINGER with time 0 turns close() into an abort, and that ends TIME-WAIT too.")
    row(TIME_WAIT, "call close", "!orphan linger-zero apart", "orphan", None, "none: Linux",
        "The program's own socket is already closed. The small record waits on, whatever SO_LINGER says.")
    row(FIN_WAIT_2, "call close", "!orphan !unread-reset !linger-zero linger2-negative", "orphan reset end-aborted",
        CLOSED, "none: TCP_LINGER2",
        "A negative TCP_LINGER2 means: do not wait for the peer's FIN at all.")
    row(FIN_WAIT_2, "call close",
        "!orphan !unread-reset !linger-zero !linger2-negative limits-late-close !leaves-record",
        "orphan start-fin-wait-2", None, "none: an addition of this system",
        "Nobody holds the socket now, so this system starts its own clock.")
    row(FIN_WAIT_2, "call close",
        "!orphan !unread-reset !linger-zero !linger2-negative limits-late-close leaves-record",
        "orphan stop-keepalive start-fin-wait-2", None, "none: Linux",
        "Nobody holds the socket now, so this system keeps a small record of it and starts its own clock.")
    row(FIN_WAIT_2, "call close", "!orphan !unread-reset !linger-zero !linger2-negative !limits-late-close",
        "orphan probe-if-detached", None, "3.10.4",
        "The descriptor goes, the connection stays: in the RFC, and in this system, no FIN_WAIT_2 timer starts here.")
    row(STATES, "call close", "orphan", "error-EBADF", None, "3.10.4",
        "The program has already given up this descriptor.")

    row((SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT), "call abort", "!orphan",
        "orphan reset end-aborted", CLOSED, "3.10.5",
        "ABORT throws everything away and tells the peer with a reset.")
    row((LISTEN, SYN_SENT, CLOSING, LAST_ACK), "call abort", "!orphan", "orphan end-aborted", CLOSED, "3.10.5",
        "ABORT in this state just forgets the connection: no reset is sent.")
    row(TIME_WAIT, "call abort", "!orphan !apart", "orphan end-aborted", CLOSED, "3.10.5",
        "ABORT in this state just forgets the connection: no reset is sent.")
    row(TIME_WAIT, "call abort", "!orphan apart", "orphan", None, "none: Linux",
        "The program's own socket is already closed. The small record in TIME-WAIT waits on.")
    row(CLOSED, "call abort", "!orphan", "orphan", None, "3.10.5",
        "There is no connection left to abort.")
    row(STATES, "call abort", "orphan", "error-EBADF", None, "3.10.5",
        "The program has already given up this descriptor.")

    # ----------------------------------------------------------- before all checks: what some systems never look at
    row(tuple(s for s in STATES if s != TIME_WAIT), "segment flags", "drops-syn-fin", "", None,
        "none: Linux, and a switch of FreeBSD",
        "SYN and FIN together make no sense, and this system does not answer them here.", stop=True)
    row(TIME_WAIT, "segment flags", "drops-syn-fin !gives-way-first", "", None, "none: a switch of FreeBSD",
        "SYN and FIN together make no sense, and this system does not answer them.", stop=True)
    row(TIME_WAIT, "segment flags", "drops-syn-fin gives-way-first", "forget", CLOSED, "none: Linux",
        "This system gives up TIME-WAIT for the SYN, and only then drops it because of the FIN.", stop=True)
    row(tuple(s for s in STATES if s != TIME_WAIT), "segment flags", "!drops-syn-fin !drops-mute", "", None, "3.10.7",
        "Odd flags are no reason to look away.")
    row(tuple(s for s in SYNCHRONIZED if s != TIME_WAIT), "segment flags", "!drops-syn-fin drops-mute", "", None,
        "none: Linux", "It has no ACK, no RST and no SYN: this system looks no further.", stop=True)
    row(TIME_WAIT, "segment flags", "!drops-syn-fin drops-ackless", "", None, "none: FreeBSD",
        "In TIME-WAIT this system looks only at what acknowledges something.", stop=True)
    row(TIME_WAIT, "segment flags", "!drops-syn-fin !drops-ackless", "", None, "3.10.7",
        "Odd flags are no reason to look away.")

    # ------------------------------------------------------------------- segments: no connection (§3.10.7.1)
    row(CLOSED, "segment rst", "", "", None, "3.10.7.1",
        "A reset for a connection that is already gone changes nothing.", stop=True)
    row(CLOSED, "segment ack", "has-ack", "reset-at-ack", None, "3.10.7.1",
        "There is no such connection here any more, and a reset says so.", stop=True)
    row(CLOSED, "segment ack", "!has-ack", "reset-with-ack", None, "3.10.7.1",
        "There is no such connection here, and a reset says so.", stop=True)

    # ------------------------------------------------------------------------------ LISTEN (§3.10.7.2)
    row(LISTEN, "segment rst", "", "", None, "3.10.7.2", "Nothing could have been reset.", stop=True)
    row(LISTEN, "segment ack", "has-ack", "reset-at-ack", None, "3.10.7.2",
        "Nothing has been sent that could be acknowledged.", stop=True)
    row(LISTEN, "segment ack", "!has-ack", "", None, "3.10.7.2", "No acknowledgement to look at.")
    row(LISTEN, "segment syn", "", "begin-from-syn send-syn-ack", SYN_RECEIVED, "3.10.7.2",
        "Somebody asks for a connection; the answer acknowledges and asks back.", stop=True)
    row(LISTEN, "segment text", "", "", None, "3.10.7.2", "Text without a SYN is dropped.", stop=True)
    row(LISTEN, "segment fin", "", "", None, "3.10.7.4",
        "Without a connection there is no sequence number to judge a FIN by.", stop=True)

    # ---------------------------------------------------------------------------- SYN-SENT (§3.10.7.3)
    row(SYN_SENT, "segment ack", "has-ack !ack-of-syn rst", "", None, "3.10.7.3",
        "The reset answers something that was never sent.", stop=True)
    row(SYN_SENT, "segment ack", "has-ack !ack-of-syn !rst", "reset-at-ack", None, "3.10.7.3",
        "It acknowledges something that was never sent: an old connection's segment.", stop=True)
    row(SYN_SENT, "segment ack", "has-ack ack-of-syn", "", None, "3.10.7.3", "The SYN is acknowledged.")
    row(SYN_SENT, "segment ack", "!has-ack", "", None, "3.10.7.3", "No acknowledgement to look at.")
    row(SYN_SENT, "segment rst", "has-ack", "end-refused", CLOSED, "3.10.7.3",
        "The peer answers our SYN with a reset: connection refused.", stop=True)
    row(SYN_SENT, "segment rst", "!has-ack", "", None, "3.10.7.3",
        "A reset that acknowledges nothing could come from anyone.", stop=True)
    row(SYN_SENT, "segment syn", "has-ack", "learn-syn take-ack ack", ESTABLISHED, "3.10.7.3",
        "The peer has answered: the connection is open.")
    row(SYN_SENT, "segment syn", "!has-ack", "learn-syn keep-text send-syn-ack", SYN_RECEIVED, "3.10.7.3",
        "Both ends called at once: answer and wait for the confirmation.", stop=True)
    row(SYN_SENT, "segment text", "", "", None, "3.10.7.3", "Text before a SYN is dropped.", stop=True)
    row(SYN_SENT, "segment fin", "", "", None, "3.10.7.4",
        "Without the peer's SYN there is no sequence number to judge a FIN by.", stop=True)

    # ------------------------------------ FIN-WAIT-2 without a program: on Linux a small record with checks of its own
    row(FIN_WAIT_2, "segment record", "!small-record", "", None, "3.10.7.4", "This system still has the whole socket.")
    row(FIN_WAIT_2, "segment record", "small-record !near-record", "ack", None, "none: Linux",
        "It lies outside the window. The small record answers even a reset from there.", stop=True)
    row(FIN_WAIT_2, "segment record", "small-record near-record rst", "end-reset", CLOSED, "none: Linux",
        "The small record believes every reset in its window.", stop=True)
    row(FIN_WAIT_2, "segment record", "small-record near-record !rst syn-from-here", "reset-at-ack end-aborted", CLOSED,
        "none: Linux", "A SYN in the window: the small record is given up with a reset.", stop=True)
    row(FIN_WAIT_2, "segment record", "small-record near-record !rst !syn-from-here !brings-new", "", None, "none: Linux",
        "It brings nothing new, and the small record does not look at what it acknowledges.", stop=True)
    row(FIN_WAIT_2, "segment record", "small-record near-record !rst !syn-from-here brings-new fin-exactly-next",
        "take-fin ack stop-fin-wait-2 start-time-wait", TIME_WAIT, "3.10.7.4",
        "The FIN that everybody waited for: both directions are done, only 2 MSL remain.", stop=True)
    row(FIN_WAIT_2, "segment record", "small-record near-record !rst !syn-from-here brings-new !fin-exactly-next",
        "reset-at-ack end-aborted", CLOSED, "3.6.1 (SHLD-3)",
        "Nobody is left to read these bytes, so the peer is told with a reset that they are lost.", stop=True)

    # ------------------------------------------------------------- first check: sequence number (§3.10.7.4)
    known = (SYN_RECEIVED, *SYNCHRONIZED)
    row(TIME_WAIT, "segment sequence", "syn-reopens", "begin-from-syn send-syn-ack", SYN_RECEIVED,
        "3.6.1 (MAY-2)",
        "A SYN beyond everything seen before cannot be an old one: it may open a new connection.", stop=True)
    row(known, "segment sequence", "!syn-reopens acceptable", "touch", None, "3.10.7.4",
        "It lies in the window.")
    row(known, "segment sequence", "!syn-reopens !acceptable rst-before-fin", "", None,
        "none: Linux",
        "Some systems reset with the number before their own FIN; this system takes that as exact.")
    row(known, "segment sequence", "!syn-reopens !acceptable rst !rst-before-fin", "", None,
        "3.10.7.4", "A reset from outside the window is not believed and not answered.", stop=True)
    row(known, "segment sequence", "!syn-reopens !acceptable !rst zero-window-probe !fin-needs-no-room", "cut-text ack",
        None, "3.10.7.4", "The window is shut: the byte is refused, its acknowledgement still counts.")
    row(known, "segment sequence", "!syn-reopens !acceptable !rst zero-window-probe fin-needs-no-room", "touch", None,
        "none: Linux", "A FIN takes no room in the buffer, so this system accepts it although the window is shut.")
    row(tuple(s for s in known if s not in (SYN_RECEIVED, TIME_WAIT, CLOSING)), "segment sequence",
        "!syn-reopens !acceptable !rst !zero-window-probe", "touch ack", None, "3.10.7.4",
        "It lies outside the window, usually a repeat: say again what is expected, and drop it.", stop=True)
    row(SYN_RECEIVED, "segment sequence", "!syn-reopens !acceptable !rst !zero-window-probe !repeats-syn", "ack", None,
        "3.10.7.4", "It lies outside the window, usually a repeat: say again what is expected.", stop=True)
    row(SYN_RECEIVED, "segment sequence", "!syn-reopens !acceptable !rst !zero-window-probe repeats-syn",
        "send-syn-ack-again", None, "none: FreeBSD, Linux",
        "The peer repeats its SYN, so our answer was lost: this system gives the whole answer again.", stop=True)
    row(CLOSING, "segment sequence", "!syn-reopens !acceptable !rst !zero-window-probe !repeats-fin", "ack", None,
        "3.10.7.4", "It lies outside the window, usually a repeat: say again what is expected.", stop=True)
    row(CLOSING, "segment sequence", "!syn-reopens !acceptable !rst !zero-window-probe repeats-fin", "send-fin-again",
        None, "none: FreeBSD", "This system answers with its own FIN once more.", stop=True)
    row(TIME_WAIT, "segment sequence", "!syn-reopens !acceptable !rst !zero-window-probe restarts-2msl",
        "ack start-time-wait", None, "3.10.7.4",
        "The peer repeats itself, so our last ACK was lost: send it again and wait 2 MSL from now.", stop=True)
    row(TIME_WAIT, "segment sequence", "!syn-reopens !acceptable !rst !zero-window-probe !restarts-2msl", "ack", None,
        "3.10.7.4", "An old segment: say again what is expected, and drop it.", stop=True)

    # ----------------------------------------------------------------------------------- second check: RST
    row(SYN_RECEIVED, "segment rst", "rst-believed passive", "back-to-listen", LISTEN, "3.10.7.4",
        "The peer gave up before the connection stood: go back to listening.", stop=True)
    row(SYN_RECEIVED, "segment rst", "rst-believed !passive", "end-refused", CLOSED, "3.10.7.4",
        "The peer refuses the connection.", stop=True)
    row((ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT), "segment rst", "rst-believed", "end-reset", CLOSED,
        "3.10.7.4", "The peer has thrown the connection away.", stop=True)
    row((CLOSING, LAST_ACK), "segment rst", "rst-believed", "end-reset", CLOSED, "3.10.7.4",
        "The peer no longer knows the connection; nothing is left to wait for.", stop=True)
    row(TIME_WAIT, "segment rst", "rst-ends-time-wait", "forget", CLOSED, "3.10.7.4",
        "By the RFC's text a reset ends TIME-WAIT early: RFC 1337 calls it assassination.", stop=True)
    row(TIME_WAIT, "segment rst", "!rst-ends-time-wait rst-challenged", "ack", None, "3.10.7.4, RFC 5961",
        "A reset that does not name the exact number is answered with a challenge.", stop=True)
    row(TIME_WAIT, "segment rst", "!rst-ends-time-wait !rst-challenged", "", None, "RFC 1337",
        "This system ignores resets in TIME-WAIT, so that old segments cannot end it.", stop=True)
    row(tuple(s for s in known if s != TIME_WAIT), "segment rst", "!rst-believed", "ack", None,
        "3.10.7.4, RFC 5961",
        "A reset that does not name the exact number is answered with a challenge, not believed.", stop=True)

    # ------------------------------------------------------------------------------------ fourth check: SYN
    row(SYN_RECEIVED, "segment syn", "passive", "back-to-listen", LISTEN, "3.10.7.4",
        "A new SYN during the handshake: start again from LISTEN.", stop=True)
    row(SYN_RECEIVED, "segment syn", "!passive", "ack", None, "3.10.7.4, RFC 5961",
        "A SYN inside the window is answered with a challenge.", stop=True)
    row(SYNCHRONIZED, "segment syn", "challenges", "ack", None, "3.10.7.4, RFC 5961",
        "A SYN inside a living connection is answered with a challenge, not believed.", stop=True)
    row(SYNCHRONIZED, "segment syn", "!challenges syn-in-window", "reset end-reset", CLOSED, "RFC 793 §3.9",
        "Before RFC 5961 a SYN inside the window was an error that reset the connection.", stop=True)
    row(SYNCHRONIZED, "segment syn", "!challenges !syn-in-window", "ack", None, "RFC 793 §3.9",
        "Only what follows the SYN lies in the window: say what is expected, and drop it.", stop=True)

    # ------------------------------------------------------------------------------------- fifth check: ACK
    row(tuple(s for s in known if s != TIME_WAIT), "segment ack", "!has-ack", "", None, "3.10.7.4",
        "Without an ACK bit a segment says nothing here: drop it.", stop=True)
    row(TIME_WAIT, "segment ack", "!has-ack answers-ackless", "ack", None, "none: Linux",
        "This system answers a FIN even when it acknowledges nothing.", stop=True)
    row(TIME_WAIT, "segment ack", "!has-ack !answers-ackless", "", None, "3.10.7.4",
        "Without an ACK bit a segment says nothing here: drop it.", stop=True)
    row(SYN_RECEIVED, "segment ack", "has-ack ack-new", "take-ack take-kept-text", ESTABLISHED, "3.10.7.4",
        "Our SYN is acknowledged: the connection is open.")
    row(SYN_RECEIVED, "segment ack", "has-ack !ack-new", "reset-at-ack", None, "3.10.7.4",
        "It acknowledges something that was never sent.", stop=True)
    whole = tuple(s for s in SYNCHRONIZED if s != TIME_WAIT)
    for states, strict in ((whole, ""), (TIME_WAIT, " !any-ack-will-do")):
        row(states, "segment ack", f"has-ack ack-future{strict}", "ack", None, "3.10.7.4",
            "It acknowledges bytes that were never sent: say what is expected, and drop it.", stop=True)
        row(states, "segment ack", f"has-ack ack-ancient{strict}", "ack", None, "3.10.7.4, RFC 5961 §5",
            "It acknowledges something too long ago to be honest: challenge it, and drop it.", stop=True)
    row((ESTABLISHED, CLOSE_WAIT), "segment ack", "has-ack ack-new", "take-ack", None, "3.10.7.4",
        "The peer's TCP has the bytes up to there.")
    row(FIN_WAIT_1, "segment ack", "has-ack ack-new ack-of-fin skips-fin-wait-2 !close-waits",
        "take-ack reset-at-ack end-aborted", CLOSED, "none: TCP_LINGER2",
        "A negative TCP_LINGER2 means: do not wait for the peer's FIN at all.", stop=True)
    row(FIN_WAIT_1, "segment ack", "has-ack ack-new ack-of-fin skips-fin-wait-2 close-waits",
        "take-ack return-close reset end-aborted", CLOSED, "none: TCP_LINGER2",
        "close() returns, and a negative TCP_LINGER2 means: do not wait for the peer's FIN at all.", stop=True)
    row(FIN_WAIT_1, "segment ack", "has-ack ack-new ack-of-fin !skips-fin-wait-2 limits-fin-wait-2 enters-record",
        "take-ack stop-keepalive start-fin-wait-2", FIN_WAIT_2, "3.10.7.4; the clock is an addition of this system",
        "The peer has our FIN. Its own may come at any time or never, so this system starts a clock.", stop=True)
    row(FIN_WAIT_1, "segment ack", "has-ack ack-new ack-of-fin !skips-fin-wait-2 limits-fin-wait-2 !enters-record",
        "take-ack return-close start-fin-wait-2", FIN_WAIT_2, "3.10.7.4; the clock is an addition of this system",
        "The peer has our FIN. Its own may come at any time or never, so this system starts a clock.")
    row(FIN_WAIT_1, "segment ack", "has-ack ack-new ack-of-fin !skips-fin-wait-2 !limits-fin-wait-2",
        "take-ack return-close probe-if-detached", FIN_WAIT_2, "3.10.7.4",
        "The peer has our FIN. Its own may come at any time or never, and no FIN_WAIT_2 timer starts.")
    row(FIN_WAIT_1, "segment ack", "has-ack ack-new !ack-of-fin", "take-ack", None, "3.10.7.4",
        "Some bytes are acknowledged, our FIN is not yet.")
    row(CLOSING, "segment ack", "has-ack ack-new ack-of-fin", "take-ack return-close stop-keepalive start-time-wait",
        TIME_WAIT, "3.10.7.4", "Both FINs are acknowledged now; only old segments could still hurt.", stop=True)
    row(CLOSING, "segment ack", "has-ack ack-new !ack-of-fin", "take-ack", None, "3.10.7.4",
        "It does not acknowledge our FIN.", stop=True)
    row(LAST_ACK, "segment ack", "has-ack ack-new ack-of-fin", "take-ack end-normal", CLOSED, "3.10.7.4",
        "Our FIN was the last thing outstanding, and it has arrived: done.", stop=True)
    row(LAST_ACK, "segment ack", "has-ack ack-new !ack-of-fin", "take-ack", None, "3.10.7.4",
        "Some bytes are acknowledged, our FIN is not yet.")
    row(tuple(s for s in SYNCHRONIZED if s != TIME_WAIT), "segment ack", "has-ack ack-old !ack-ancient", "take-window",
        None, "3.10.7.4", "It acknowledges nothing new.")
    row(TIME_WAIT, "segment ack", "has-ack any-ack-will-do says-nothing-new", "start-time-wait", None, "none: Linux",
        "A bare acknowledgement is not answered, whatever it acknowledges. 2 MSL begin again.", stop=True)
    row(TIME_WAIT, "segment ack", "has-ack any-ack-will-do !says-nothing-new", "ack start-time-wait", None, "none: Linux",
        "Whatever it is, it can only be a repeat of the peer's end: acknowledge it and wait 2 MSL from now.", stop=True)
    row(TIME_WAIT, "segment ack", "has-ack !any-ack-will-do ack-old !ack-ancient says-nothing-new", "", None, "3.10.7.4",
        "A bare acknowledgement that says nothing new: two ends that answer such things would never stop.", stop=True)
    row(TIME_WAIT, "segment ack", "has-ack !any-ack-will-do ack-old !ack-ancient !says-nothing-new",
        "ack start-time-wait", None, "3.10.7.4",
        "Whatever it is, it can only be a repeat of the peer's end: acknowledge it and wait 2 MSL from now.", stop=True)

    # ------------------------------------------------------------------------------------ seventh check: text
    row((ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2), "segment text", "!nobody-reads", "take-text ack", None, "3.10.7.4",
        "The bytes are put in order for the program and acknowledged.")
    row((ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2), "segment text", "nobody-reads !new-text", "ack", None, "3.10.7.4",
        "Old bytes again, and perhaps a new FIN after them: say what is expected, and go on.")
    row((ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2), "segment text", "nobody-reads new-text",
        "reset-at-ack end-aborted tell-reset", CLOSED, "3.6.1 (SHLD-3)",
        "Nobody is left to read these bytes, so the peer is told with a reset that they are lost.", stop=True)
    row((CLOSE_WAIT, CLOSING, LAST_ACK), "segment text", "new-text", "", None, "3.10.7.4",
        "The peer had said that it was done; text after its FIN is ignored.")
    row((CLOSE_WAIT, CLOSING, LAST_ACK), "segment text", "!new-text", "ack", None, "none: Linux",
        "Old bytes again: say what is expected.")

    # -------------------------------------------------------------------------------------- eighth check: FIN
    row((SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2), "segment fin", "fin-old", "ack", None, "none: Linux",
        "A FIN that ends what is long over: say what is expected.")
    row((SYN_RECEIVED, ESTABLISHED), "segment fin", "!fin-old fin-in-order", "take-fin ack", CLOSE_WAIT, "3.10.7.4",
        "The peer has nothing more to send. This side may go on sending until its own program closes.")
    row(FIN_WAIT_1, "segment fin", "!fin-old fin-in-order !repeats-fin", "take-fin ack", CLOSING, "3.10.7.4",
        "The two FINs have crossed: the peer's is here, ours is not acknowledged yet.")
    row(FIN_WAIT_1, "segment fin", "!fin-old fin-in-order repeats-fin", "take-fin send-fin-again", CLOSING, "3.10.7.4",
        "The two FINs have crossed; this system repeats its own together with the acknowledgement.")
    row(FIN_WAIT_2, "segment fin", "!fin-old fin-in-order",
        "take-fin ack stop-fin-wait-2 stop-keepalive start-time-wait", TIME_WAIT, "3.10.7.4",
        "The FIN that everybody waited for: both directions are done, only 2 MSL remain.")
    row((SYN_RECEIVED, ESTABLISHED), "segment fin", "!fin-old !fin-in-order", "keep-fin ack", None, "3.10.7.4",
        "Bytes before this FIN are still missing: keep it, and say what is expected.")
    row((FIN_WAIT_1, FIN_WAIT_2), "segment fin", "!fin-old !fin-in-order !refuses-early-fin", "keep-fin ack", None,
        "3.10.7.4", "Bytes before this FIN are still missing: keep it, and say what is expected.")
    row((FIN_WAIT_1, FIN_WAIT_2), "segment fin", "!fin-old !fin-in-order refuses-early-fin",
        "reset-at-ack end-aborted tell-reset", CLOSED, "none: Linux",
        "Bytes before this FIN are missing, and nobody would read them: this system resets at once.", stop=True)
    row((CLOSE_WAIT, CLOSING, LAST_ACK), "segment fin", "", "ack", None, "3.10.7.4",
        "The peer's FIN is already counted.")

    # -------------------------------------------------------------------------------------- timers (§3.10.8)
    waiting = (SYN_SENT, SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1, CLOSE_WAIT, CLOSING, LAST_ACK)
    row(waiting, "timer retransmission", "!gives-up", "resend", None, "3.10.8",
        "No acknowledgement in time: send the first unacknowledged segment again and wait longer.")
    row(waiting, "timer retransmission", "gives-up", "end-timeout", CLOSED, "3.8.3",
        "Nothing has answered for long enough: give up. Nothing is sent, nobody would hear it.")
    row(waiting, "timer persist", "!probe-gives-up", "probe-window", None, "3.8.6.1",
        "The peer's window is shut: ask with one byte whether it has opened.")
    row(waiting, "timer persist", "probe-gives-up", "end-timeout", CLOSED, "3.8.6.1",
        "The window has stayed shut too long for a connection that no program holds.")
    row(tuple(s for s in STATES if s not in (CLOSED, LISTEN)), "timer user", "", "end-timeout", CLOSED, "3.10.8",
        "The user timeout is over: flush everything, tell the program.")
    row((FIN_WAIT_1, CLOSING, LAST_ACK), "timer so-linger", "", "return-close", None, "none: POSIX SO_LINGER",
        "close() has waited long enough and returns. The kernel goes on without the program.")
    row(TIME_WAIT, "timer time-wait", "", "forget", CLOSED, "3.10.8",
        "2 MSL have passed: no segment of this connection can be alive.")
    row(FIN_WAIT_2, "timer fin-wait-2", "idle-too-short", "recheck-fin-wait-2", None, "none: 4.4BSD",
        "The peer was heard within the limit, so this system looks again a little later.")
    row(FIN_WAIT_2, "timer fin-wait-2", "!idle-too-short", "end-given-up", CLOSED, "none: an addition of this system",
        "The peer's FIN has not come, and this system will not wait for ever. Nothing is sent.")
    open_ends = (ESTABLISHED, CLOSE_WAIT, FIN_WAIT_1, FIN_WAIT_2, CLOSING, LAST_ACK)
    row((SYN_RECEIVED, *open_ends), "timer keepalive", "outstanding", "wait-alive", None, "3.8.4 (MUST-26)",
        "Something is sent and not acknowledged yet: repeating that asks enough.")
    row(open_ends, "timer keepalive", "!outstanding !asks-here", "wait-alive", None, "none: 4.4BSD",
        "This side has sent its FIN, and then this system no longer asks.")
    row(open_ends, "timer keepalive", "!outstanding asks-here !keepalive-exhausted",
        "probe-alive", None, "3.8.4",
        "A long silence: ask with an old sequence number whether the peer is still there.")
    row(open_ends, "timer keepalive", "!outstanding asks-here keepalive-exhausted",
        "reset end-timeout", CLOSED, "3.8.4",
        "Several questions without an answer: the peer is taken for dead.")
    return rows


RULES = tuple(_rows())

#: The checks of an arriving segment, in order, by the state in which it arrives.
CHECKS: Final[dict[str, tuple[str, ...]]] = {
    CLOSED: ("flags", "rst", "ack"),
    LISTEN: ("flags", "rst", "ack", "syn", "text", "fin"),
    SYN_SENT: ("flags", "ack", "rst", "syn", "text", "fin"),
} | dict.fromkeys((SYN_RECEIVED, *SYNCHRONIZED), ("flags", "sequence", "rst", "syn", "ack", "text", "fin"))
CHECKS[FIN_WAIT_2] = ("flags", "record", *CHECKS[FIN_WAIT_2][1:])

CALLS: Final = ("connect", "listen", "send", "receive", "shutdown", "shutdown-read", "close", "abort")
TIMERS: Final = ("retransmission", "persist", "user", "so-linger", "time-wait", "fin-wait-2", "keepalive")


def index(rules: tuple[Rule, ...] = RULES) -> dict[tuple[str, str], tuple[Rule, ...]]:
    """The rows by (state, event), in table order."""
    by: dict[tuple[str, str], tuple[Rule, ...]] = {}
    for rule in rules:
        for state in rule.states:
            by[state, rule.event] = (*by.get((state, rule.event), ()), rule)
    return by
