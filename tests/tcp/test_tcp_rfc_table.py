"""RFC 9293 §3.10 written down a second time, apart from the engine's table: what each state does about each event.

One line for each state and event: what is sent, where it leads, and for a call what it returns. The `rfc9293` stack
must agree with every line. Where the RFC leaves a choice, a comment says which one the engine makes.
"""

from __future__ import annotations

import pytest

from helpers import WAYS, Two, strictly, written
from teardown.stacks import names as stack_names
from teardown.tcp.endpoint import Event
from teardown.tcp.segment import Segment
from teardown.tcp.states import STATES

#: What a call leads to: "answer, what is sent, next state". An empty state: it stays. "?": any answer of a failure.
#: Calls by sections: connect and listen §3.10.1, send §3.10.2, receive §3.10.3, shutdown (CLOSE) §3.10.4, abort §3.10.5.
CALLS = """
state         connect             listen            send          receive          shutdown              close                 abort
CLOSED        0 S SYN-SENT        0 - LISTEN        EPIPE - -     ENOTCONN - -     ENOTCONN - -          0 - -                 0 - -
LISTEN        EISCONN - -         EINVAL - -        EPIPE - -     ENOTCONN - -     ENOTCONN - -          0 - CLOSED            0 - CLOSED
SYN-SENT      EISCONN - -         EINVAL - -        10 - -        EAGAIN - -       0 - CLOSED            0 - CLOSED            0 - CLOSED
SYN-RECEIVED  EISCONN - -         EINVAL - -        10 - -        EAGAIN - -       0 FA FIN-WAIT-1       0 FA FIN-WAIT-1       0 RA CLOSED
ESTABLISHED   EISCONN - -         EINVAL - -        10 PA -       EAGAIN - -       0 FA FIN-WAIT-1       0 FA FIN-WAIT-1       0 RA CLOSED
FIN-WAIT-1    EISCONN - -         EINVAL - -        EPIPE - -     EAGAIN - -       - - -                 0 - -                 0 RA CLOSED
FIN-WAIT-2    EISCONN - -         EINVAL - -        EPIPE - -     EAGAIN - -       - - -                 0 - -                 0 RA CLOSED
CLOSE-WAIT    EISCONN - -         EINVAL - -        10 PA -       EOF - -          0 FA LAST-ACK         0 FA LAST-ACK         0 RA CLOSED
CLOSING       EISCONN - -         EINVAL - -        EPIPE - -     EOF - -          - - -                 0 - -                 0 - CLOSED
LAST-ACK      EISCONN - -         EINVAL - -        EPIPE - -     EOF - -          - - -                 0 - -                 0 - CLOSED
TIME-WAIT     EISCONN - -         EINVAL - -        EPIPE - -     EOF - -          - - -                 0 - -                 0 - CLOSED
"""

#: What an acceptable segment leads to: "what is sent, next state". The columns are those of the RFC's checks.
#: new: it acknowledges text of ours and not our FIN. fin-ack: it acknowledges our FIN. old: it acknowledges nothing new.
#: syn-ack: an answer to our SYN.
SEGMENTS = """
state         rst           syn                 old         text        fin                  fin+text
LISTEN        - -           SA SYN-RECEIVED     R -         R -         R -                  R -
SYN-RECEIVED  - LISTEN      - LISTEN            R -         R -         R -                  R -
ESTABLISHED   - CLOSED      A -                 - -         A -         A CLOSE-WAIT         A CLOSE-WAIT
FIN-WAIT-1    - CLOSED      A -                 - -         A -         A CLOSING            A CLOSING
FIN-WAIT-2    - CLOSED      A -                 - -         A -         A TIME-WAIT          A TIME-WAIT
CLOSE-WAIT    - CLOSED      A -                 - -         - -         A -                  A -
CLOSING       - CLOSED      A -                 - -         - -         A -                  A -
LAST-ACK      - CLOSED      A -                 - -         - -         A -                  A -
TIME-WAIT     - CLOSED      A -                 - -         A -         A -                  A -
"""

#: The same for what acknowledges something of ours: next state after the acknowledgement of our FIN, and of less.
ACKS = {
    "FIN-WAIT-1": "FIN-WAIT-2",
    "CLOSING": "TIME-WAIT",
    "LAST-ACK": "CLOSED",
}


def table(text: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """The cells of a table by state and column."""
    head, *rows = text.strip().splitlines()
    columns = head.split()[1:]
    cells = {}
    for row in rows:
        state, *words = row.split()
        size = len(words) // len(columns)
        assert len(words) == size * len(columns), row
        for n, column in enumerate(columns):
            cells[state, column] = tuple(words[n * size : (n + 1) * size])
    return cells


def server(state: str, stack: str = "rfc9293", **options: object) -> Two:
    """Two ends, the server in that state."""
    two = Two(stack, stack, opened=state not in ("LISTEN", "SYN-SENT", "SYN-RECEIVED", "CLOSED"), **options)
    if state != "CLOSED":
        for line in WAYS[state]:
            two.act(line)
    assert two.ends["server"].state == state
    return two


def sent(segments: list[Segment]) -> str:
    return ",".join("".join(f for f in "SFRPA" if f in s.flags) for s in segments) or "-"


@pytest.mark.parametrize(("state", "call"), table(CALLS))
def test_calls(state: str, call: str) -> None:
    answer, segments, following = table(CALLS)[state, call]
    two = server(state)
    if state == "SYN-RECEIVED" and call == "send":
        assert two.step("server", Event(call=call, amount=10)) == [] or segments == "-"
        return
    found = two.step("server", Event(call=call, amount=10))
    assert (two.result or "-", sent(found)) == (answer, segments)
    assert two.ends["server"].state == (state if following == "-" else following)


@pytest.mark.parametrize("stack", stack_names())
@pytest.mark.parametrize("state", [s for s in STATES if s != "CLOSED"])
@pytest.mark.parametrize("call", ["send", "shutdown", "close", "abort"])
def test_calls_of_every_stack_lead_where_the_rfc_says(stack: str, state: str, call: str) -> None:
    """Systems differ in clocks and answers, not in where a call leads when nothing is unread and no option is set."""
    _answer, _segments, following = table(CALLS)[state, call]
    two = server(state, stack)
    two.step("server", Event(call=call, amount=10))
    gone = "CLOSED" if following == "CLOSED" else state
    expected = gone if following == "-" else following
    # Linux keeps TIME-WAIT in a small record that ABORT does not touch.
    if (stack.startswith("linux"), state, call) == (True, "TIME-WAIT", "abort"):
        expected = "TIME-WAIT"
    assert two.ends["server"].state == expected


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("call", ["close", "abort"])
def test_a_descriptor_is_given_up_only_once(state: str, call: str) -> None:
    two = server(state)
    two.step("server", Event(call="close"))
    before = two.ends["server"].state
    assert two.step("server", Event(call=call)) == []
    assert (two.result, two.ends["server"].state) == ("EBADF", before)


@pytest.mark.parametrize("state", STATES)
def test_shutting_the_reading_side_is_nobodys_business_but_ours(state: str) -> None:
    two = server(state)
    assert two.step("server", Event(call="shutdown-read")) == []
    assert two.ends["server"].state == state
    assert two.ends["server"].rd_shut is (state != "CLOSED")


@pytest.mark.parametrize("state", STATES)
def test_unread_bytes_are_read_in_every_state(state: str) -> None:
    two = server(state)
    e = two.ends["server"]
    two.ends["server"] = e._replace(rcv_nxt=e.rcv_nxt + 10)
    assert two.step("server", Event(call="receive", amount=4)) == []
    assert (two.result, two.ends["server"].unread, two.ends["server"].state) == ("4", 6, state)


@pytest.mark.parametrize("call", ["receive", "send"])
def test_a_pending_error_is_reported_once(call: str) -> None:
    two = Two().play("server <! R 1 0 | | CLOSED ESTABLISHED")
    two.play(f"server {call} = ECONNRESET | | CLOSED ESTABLISHED")
    two.step("server", Event(call=call, amount=10))
    assert two.result != "ECONNRESET"
    assert two.ends["server"].state == "CLOSED"


def segment(kind: str, two: Two) -> Segment:
    """An acceptable segment of that kind for the server: exactly the next number, nothing new acknowledged."""
    e = two.ends["server"]
    flags, length = {
        "rst": ("R", 0), "syn": ("S", 0), "old": ("A", 0), "text": ("PA", 10), "fin": ("FA", 0), "fin+text": ("FA", 10),
    }[kind]  # fmt: skip
    return Segment(e.rcv_nxt, e.snd_una if "A" in flags else 0, flags, length)


@pytest.mark.parametrize(("state", "kind"), table(SEGMENTS))
def test_segments(state: str, kind: str) -> None:
    answer, following = table(SEGMENTS)[state, kind]
    two = server(state)
    if state == "TIME-WAIT":
        two.timers["server"]["time-wait"] = 0
    found = two.step("server", Event(segment=segment(kind, two)))
    assert sent(found) == answer
    assert two.ends["server"].state == (state if following == "-" else following)
    if state == "TIME-WAIT" and kind in ("fin", "fin+text"):
        assert two.timers["server"]["time-wait"] == two.ends["server"].profile.time_wait
    for reset in found:
        if "R" in reset.flags and "A" not in reset.flags:
            assert reset.seq == segment(kind, server(state)).ack


@pytest.mark.parametrize("state", STATES)
def test_a_reset_is_never_answered_with_a_reset(state: str) -> None:
    for flags in ("R", "RA"):
        for shift in (-1, 0, 1, 70_000):
            two = server(state)
            e = two.ends["server"]
            found = two.step("server", Event(segment=Segment(e.rcv_nxt + shift, e.snd_una, flags)))
            assert not [s for s in found if "R" in s.flags]


@pytest.mark.parametrize(("state", "following"), ACKS.items())
def test_the_acknowledgement_of_our_fin(state: str, following: str) -> None:
    two = server(state)
    e = two.ends["server"]
    assert two.step("server", Event(segment=Segment(e.rcv_nxt, e.snd_nxt, "A"))) == []
    assert two.ends["server"].state == following
    assert "retransmission" not in two.timers["server"]


@pytest.mark.parametrize("state", ["ESTABLISHED", "CLOSE-WAIT", *ACKS])
def test_the_acknowledgement_of_less_than_our_fin(state: str) -> None:
    """Text and FIN are out; the text is acknowledged: SND.UNA moves, the state stays, the clock runs on."""
    two = Two()
    two.act("server send 10")
    for line in WAYS[state]:
        # What the client does is not acknowledged by way of the wire here, so that our text stays outstanding.
        if line.startswith("server") and "<" not in line:
            two.act(line)
        elif line == "client shutdown":
            two.act("client shutdown")
        elif line == "server < FA":
            two.act("server < FA")
    e = two.ends["server"]
    assert e.state == state
    assert two.step("server", Event(segment=Segment(e.rcv_nxt, 11, "A"))) == []
    after = two.ends["server"]
    assert (after.state, after.snd_una) == (state, 11)
    assert ("retransmission" in two.timers["server"]) is after.fin_queued


@pytest.mark.parametrize("state", ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK"])
@pytest.mark.parametrize("shift", [-1, 70_000])
def test_outside_the_window(state: str, shift: int) -> None:
    """Answered with where we stand, and dropped; a reset there is not even answered."""
    two = server(state)
    e = two.ends["server"]
    for flags, length in (("A", 5), ("FA", 0), ("S", 0), ("PA", 1)):
        (ack,) = two.step("server", Event(segment=Segment(e.rcv_nxt + shift - length, e.snd_nxt, flags, length)))
        assert written(ack) == f"A {e.snd_nxt} {e.rcv_nxt}"
        assert two.ends["server"].state == state
        assert two.ends["server"].snd_una == e.snd_una
    assert two.step("server", Event(segment=Segment(e.rcv_nxt + shift, 0, "R"))) == []
    assert two.ends["server"].state == state


@pytest.mark.parametrize("state", ["ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"])
def test_in_the_window(state: str) -> None:
    two = server(state)
    e = two.ends["server"]
    for what, answered in (
        (Segment(e.rcv_nxt + 9, 0, "R"), True),  # a reset that does not name the exact number: challenge
        (Segment(e.rcv_nxt + 9, 0, "S"), True),
        (Segment(e.rcv_nxt, e.snd_nxt + 1, "A"), True),  # it acknowledges what was never sent
        (Segment(e.rcv_nxt, e.snd_una - 200_000, "A"), True),  # RFC 5961 §5
        (Segment(e.rcv_nxt, 0, "P", 10), False),  # no ACK bit
        (Segment(e.rcv_nxt, 0, "F"), False),
    ):
        found = two.step("server", Event(segment=what))
        assert [written(s) for s in found] == [f"A {e.snd_nxt} {e.rcv_nxt}"] * answered, what
        assert (two.ends["server"].state, two.ends["server"].rcv_nxt) == (state, e.rcv_nxt)


def test_syn_sent() -> None:
    """§3.10.7.3, check by check."""
    for what, answer, following in (
        (Segment(50, 1, "SA"), "A", "ESTABLISHED"),
        (Segment(50, 0, "S"), "SA", "SYN-RECEIVED"),
        (Segment(50, 1, "RA"), "-", "CLOSED"),
        (Segment(50, 0, "R"), "-", "SYN-SENT"),
        (Segment(50, 7, "RA"), "-", "SYN-SENT"),
        (Segment(50, 7, "A"), "R", "SYN-SENT"),
        (Segment(50, 7, "SA"), "R", "SYN-SENT"),
        (Segment(50, 0, "SA"), "R", "SYN-SENT"),
        (Segment(50, 1, "A"), "-", "SYN-SENT"),
        (Segment(50, 1, "PA", 5), "-", "SYN-SENT"),
        (Segment(50, 1, "FA"), "-", "SYN-SENT"),
        (Segment(50, 0, "F"), "-", "SYN-SENT"),
    ):
        two = server("SYN-SENT")
        assert (sent(two.step("server", Event(segment=what))), two.ends["server"].state) == (answer, following), what
        if following == "CLOSED":
            two.play("server receive = ECONNREFUSED")


def test_syn_received() -> None:
    for what, answer, following in (
        (Segment(1, 1, "A"), "-", "ESTABLISHED"),
        (Segment(1, 1, "PA", 5), "A", "ESTABLISHED"),
        (Segment(1, 1, "FA"), "A", "CLOSE-WAIT"),
        (Segment(1, 1, "FA", 5), "A", "CLOSE-WAIT"),
        (Segment(1, 7, "A"), "R", "SYN-RECEIVED"),
        (Segment(1, 0, "P", 5), "-", "SYN-RECEIVED"),
        (Segment(99_999, 1, "A"), "A", "SYN-RECEIVED"),
        (Segment(99_999, 1, "R"), "-", "SYN-RECEIVED"),
        (Segment(5, 1, "R"), "A", "SYN-RECEIVED"),
        (Segment(1, 0, "S"), "-", "LISTEN"),
    ):
        two = server("SYN-RECEIVED")
        assert (sent(two.step("server", Event(segment=what))), two.ends["server"].state) == (answer, following), what


def test_syn_received_after_an_active_open() -> None:
    """Both called at once: a reset means refused, and a SYN in the window is challenged."""
    for what, answer, following in (
        (Segment(1, 1, "R"), "-", "CLOSED"),
        (Segment(1, 0, "S"), "A", "SYN-RECEIVED"),
        (Segment(1, 1, "A"), "-", "ESTABLISHED"),
    ):
        two = Two(opened=False)
        for line in ("client connect", "server connect", "server < S"):
            two.act(line)
        assert (sent(two.step("server", Event(segment=what))), two.ends["server"].state) == (answer, following), what


def test_the_table_covers_every_state() -> None:
    assert {state for state, _call in table(CALLS)} == set(STATES)
    with strictly():
        for state, kind in table(SEGMENTS):
            two = server(state)
            two.step("server", Event(segment=segment(kind, two)))
