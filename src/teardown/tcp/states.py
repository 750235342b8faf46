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


class Names(NamedTuple):
    """What tools call one state; an empty text where a tool has no name for it.

    `conntrack` stands apart: its names describe what a machine on the path has seen, not where an endpoint is.
    The numbers are those of Linux (`/proc/net/tcp`, hexadecimal), of BSD's kernels and of Windows.
    """

    netstat: str  # Linux net-tools, lsof, psutil
    ss: str
    bsd: str  # netstat of the BSDs, macOS and Solaris
    windows: str  # netstat
    powershell: str  # Get-NetTCPConnection, .NET
    conntrack: str
    linux_number: int
    bsd_number: int
    windows_number: int
    also: tuple[str, ...] = ()  # rarer spellings and common slips


#: State names across tools: the page of names and `canonical` both read this table.
NAMES: Final = {
    CLOSED: Names("CLOSE", "UNCONN", "CLOSED", "CLOSED", "Closed", "CLOSE, NONE", 7, 0, 1, ("NONE",)),
    LISTEN: Names("LISTEN", "LISTEN", "LISTEN", "LISTENING", "Listen", "", 10, 1, 2),
    SYN_SENT: Names("SYN_SENT", "SYN-SENT", "SYN_SENT", "SYN_SENT", "SynSent", "SYN_SENT, SYN_SENT2", 2, 2, 3,
                    ("SYN_SENT2",)),
    SYN_RECEIVED: Names("SYN_RECV", "SYN-RECV", "SYN_RCVD", "SYN_RECEIVED", "SynReceived", "SYN_RECV", 3, 3, 4,
                        ("NEW_SYN_RECV",)),
    ESTABLISHED: Names("ESTABLISHED", "ESTAB", "ESTABLISHED", "ESTABLISHED", "Established", "ESTABLISHED", 1, 4, 5),
    FIN_WAIT_1: Names("FIN_WAIT1", "FIN-WAIT-1", "FIN_WAIT_1", "FIN_WAIT_1", "FinWait1", "FIN_WAIT", 4, 6, 6),
    FIN_WAIT_2: Names("FIN_WAIT2", "FIN-WAIT-2", "FIN_WAIT_2", "FIN_WAIT_2", "FinWait2", "CLOSE_WAIT", 5, 9, 7),
    CLOSE_WAIT: Names("CLOSE_WAIT", "CLOSE-WAIT", "CLOSE_WAIT", "CLOSE_WAIT", "CloseWait", "CLOSE_WAIT", 8, 5, 8,
                      ("CLOSED_WAIT", "WAIT_CLOSE")),
    CLOSING: Names("CLOSING", "CLOSING", "CLOSING", "CLOSING", "Closing", "", 11, 7, 9),
    LAST_ACK: Names("LAST_ACK", "LAST-ACK", "LAST_ACK", "LAST_ACK", "LastAck", "LAST_ACK", 9, 8, 10),
    TIME_WAIT: Names("TIME_WAIT", "TIME-WAIT", "TIME_WAIT", "TIME_WAIT", "TimeWait", "TIME_WAIT", 6, 10, 11,
                     ("TIMED_WAIT",)),
}  # fmt: skip


def _key(name: str) -> str:
    return name.upper().replace("-", "").replace("_", "").replace(" ", "")


def _spellings(state: str) -> tuple[str, ...]:
    """Every name of an endpoint's state, by whatever tool; conntrack's are left out, for they name something else."""
    names = NAMES[state]
    return state, names.netstat, names.ss, names.bsd, names.windows, names.powershell, *names.also


_BY_KEY: Final = {_key(name): state for state in STATES for name in _spellings(state) if name}


def canonical(name: str) -> str | None:
    """The RFC's name for a tool's spelling (`FIN_WAIT2`, `FinWait2`, `ESTAB`, …), or None.

    conntrack's `FIN_WAIT` has no counterpart: it names a middlebox's view, not an endpoint's.
    """
    return _BY_KEY.get(_key(name))
