"""The eleven states of RFC 9293 §3.3.2 and every other name that tools give them.

The canonical spelling in code and JSON is the RFC's (`FIN-WAIT-2`); prose and figures write `FIN_WAIT_2`.
"""

from typing import Final, NamedTuple

CLOSED: Final = "CLOSED"
LISTEN: Final = "LISTEN"
SYN_SENT: Final = "SYN-SENT"
SYN_RECEIVED: Final = "SYN-RECEIVED"
ESTABLISHED: Final = "ESTABLISHED"
FIN_WAIT_1: Final = "FIN-WAIT-1"
FIN_WAIT_2: Final = "FIN-WAIT-2"
CLOSE_WAIT: Final = "CLOSE-WAIT"
CLOSING: Final = "CLOSING"
LAST_ACK: Final = "LAST-ACK"
TIME_WAIT: Final = "TIME-WAIT"

STATES: Final = (
    CLOSED, LISTEN, SYN_SENT, SYN_RECEIVED, ESTABLISHED, FIN_WAIT_1,
    FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT,
)  # fmt: skip

#: States in which a connection exists and both sides have agreed on sequence numbers.
SYNCHRONIZED: Final = (
    ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT,
)  # fmt: skip

#: What each state waits for, in one line (RFC 9293 §3.3.2, own words).
MEANING: Final = {
    CLOSED: "there is no connection",
    LISTEN: "waits for anyone to ask for a connection",
    SYN_SENT: "has asked for a connection and waits for the answer",
    SYN_RECEIVED: "has answered a request and waits for the last confirmation",
    ESTABLISHED: "open: data may flow both ways",
    FIN_WAIT_1: "has sent its FIN and waits for the acknowledgement",
    FIN_WAIT_2: "its FIN is acknowledged; waits for the peer's FIN",
    CLOSE_WAIT: "has the peer's FIN; waits for its own program to close",
    CLOSING: "both FINs crossed; waits for the acknowledgement of its own",
    LAST_ACK: "both FINs are sent; waits for the acknowledgement of its own",
    TIME_WAIT: "both FINs are acknowledged; waits for old segments to die",
}


class Fins(NamedTuple):
    """The FIN checklist: which of the three boxes of a close are ticked."""

    sent: bool
    acked: bool
    received: bool


def prose(state: str) -> str:
    """The spelling of `state` for prose and figures: `FIN-WAIT-2` -> `FIN_WAIT_2`."""
    return state.replace("-", "_")


# Other spellings, after `_key`: what Linux, BSD, Windows, Solaris and conntrack tools print.
_ALIASES: Final = {
    "ESTAB": ESTABLISHED, "UNCONN": CLOSED, "CLOSE": CLOSED, "NONE": CLOSED,
    "LISTENING": LISTEN, "SYNRECV": SYN_RECEIVED, "SYNRCVD": SYN_RECEIVED, "SYNSENT2": SYN_SENT,
    "NEWSYNRECV": SYN_RECEIVED, "TIMEDWAIT": TIME_WAIT, "CLOSEDWAIT": CLOSE_WAIT, "WAITCLOSE": CLOSE_WAIT,
}  # fmt: skip


def _key(name: str) -> str:
    return name.upper().replace("-", "").replace("_", "").replace(" ", "")


_BY_KEY: Final = {_key(s): s for s in STATES} | _ALIASES


def canonical(name: str) -> str | None:
    """The RFC's name for a tool's spelling (`FIN_WAIT2`, `FinWait2`, `ESTAB`, …), or None.

    conntrack's `FIN_WAIT` has no counterpart: it names a middlebox's view, not an endpoint's.
    """
    return _BY_KEY.get(_key(name))
