"""One endpoint: the TCB of RFC 9293 §3.3.1 as an immutable value, and the step that the table makes it take.

`endpoint.step(event)` returns the next endpoint and the effects: segments to send, timers to start and stop, news
for the program. It reads no clock and no random source; the same endpoint and event give the same answer for ever.

Sequence numbers are relative to the ISN of the side that sends them: its SYN is 0, its first byte 1.
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from teardown.tcp.profile import Profile
from teardown.tcp.segment import Segment
from teardown.tcp.states import CLOSED, ESTABLISHED, Fins
from teardown.tcp.table import CHECKS, RULES, Rule, index


class Event(NamedTuple):
    """What can happen to an endpoint: exactly one of a call, an arriving segment, a timer that fires."""

    call: str | None = None
    amount: int = 0  # bytes, for send and receive
    segment: Segment | None = None
    timer: str | None = None
    idle: int = 0  # with a timer: µs since the last segment arrived


class Transmit(NamedTuple):
    """Effect: put this segment on the wire. `again`: how often these bytes were sent before."""

    segment: Segment
    again: int = 0
    probe: bool = False


class StartTimer(NamedTuple):
    """Effect: (re)start the timer `name`; it fires `after` microseconds from now."""

    name: str
    after: int


class StopTimer(NamedTuple):
    """Effect: the timer `name` no longer runs."""

    name: str


class Tell(NamedTuple):
    """Effect: news for the program: connected, readable, eof, error, acked."""

    news: str


Effect = Transmit | StartTimer | StopTimer | Tell


class Outcome(NamedTuple):
    """What a step led to. `result` is what a call returns: a count of bytes, "0", "EOF" or an errno name."""

    endpoint: Endpoint
    effects: tuple[Effect, ...]
    rules: tuple[Rule, ...]
    result: str | None


class Endpoint(NamedTuple):
    """One TCP's view of one connection."""

    profile: Profile
    state: str = CLOSED
    passive: bool = False

    # send side (SND.*); `snd_end` is the number after the last byte that the program has handed over
    iss: int = 0
    snd_una: int = 0
    snd_nxt: int = 0
    snd_wnd: int = 0
    snd_wl1: int = 0
    snd_wl2: int = 0
    snd_end: int = 1
    fin_queued: bool = False

    # receive side (RCV.*); `rcv_read` is the next byte that the program will read
    irs: int = 0
    rcv_nxt: int = 0
    rcv_read: int = 0
    rcv_buf: int = 65_535
    rcv_adv: int = 0  # the window last advertised, for the update when it opens
    peer_fin: bool = False
    ooo: tuple[tuple[int, int], ...] = ()  # text that came too early: [start, end) pairs
    ooo_fin: int | None = None  # a FIN that came too early: its sequence number

    # the socket
    orphan: bool = False  # close() was called: no program can read or write any more
    rd_shut: bool = False
    linger: int | None = None  # SO_LINGER in µs; None: off
    linger2: int | None = None  # TCP_LINGER2 in µs; negative: do not wait in FIN-WAIT-2
    keepalive: tuple[int, int, int] | None = None  # idle µs, interval µs, count; None: off
    user_timeout: int | None = None  # TCP_USER_TIMEOUT in µs
    error: str | None = None  # the errno that the next call will report
    limited: bool = False  # the FIN-WAIT-2 clock has been started
    end: str | None = None  # normal | reset | refused | timeout | aborted | given-up

    # repeating
    clock: str | None = None  # "retransmission" or "persist": never both
    backoff: int = 0
    probed_tail: bool = False
    resends: int = 0
    waited: int = 0  # µs of retransmission timers fired since the first resend
    wait: int = 0  # µs, the retransmission or persist timer that runs
    unanswered: int = 0  # keepalive or window probes without an answer

    @classmethod
    def established(cls, profile: Profile, *, passive: bool, peer_window: int) -> Endpoint:
        """An endpoint just after the handshake, with nothing sent or received yet."""
        return cls(
            profile, ESTABLISHED, passive,
            snd_una=1, snd_nxt=1, snd_wnd=peer_window, rcv_nxt=1, rcv_read=1,
            rcv_buf=profile.buffer, rcv_adv=profile.buffer, user_timeout=None,
        )  # fmt: skip

    @property
    def unread(self) -> int:
        """Bytes in the receive buffer that the program has not read."""
        return self.rcv_nxt - self.peer_fin - self.rcv_read

    @property
    def window(self) -> int:
        """RCV.WND: what this side is willing to take, in bytes."""
        return max(0, self.rcv_buf - self.unread) if not self.orphan else self.rcv_buf

    @property
    def fins(self) -> Fins:
        """The FIN checklist. A FIN counts as sent once it has been on the wire."""
        sent = self.fin_queued and self.snd_nxt > self.snd_end
        return Fins(sent, sent and self.snd_una > self.snd_end, self.peer_fin)

    @property
    def outstanding(self) -> int:
        """Sequence numbers sent and not acknowledged."""
        return self.snd_nxt - self.snd_una

    def step(self, event: Event) -> Outcome:
        """Apply the table to one event. Raises `MissingRule` for an event without a row."""
        return _step(self, event)


class MissingRule(LookupError):
    """No row of the table covers this event in this state: a fault of the table, not of the reader."""


_TABLE = index(RULES)
_FIELDS = Endpoint._fields
_freeze = attrgetter(*_FIELDS)


class Draft:
    """A mutable copy of an endpoint while one event is applied, with the effects collected on the way."""

    __slots__ = (*_FIELDS, "effects", "result", "ack_due", "fired", "amount", "idle")

    def __init__(self, endpoint: Endpoint) -> None:
        for name, value in zip(_FIELDS, endpoint):
            setattr(self, name, value)
        self.effects: list[Effect] = []
        self.result: str | None = None
        self.ack_due = False
        self.fired: str | None = None
        self.amount = self.idle = 0

    # the same derived values as the endpoint's, so that guards can ask either
    unread = Endpoint.unread
    window = Endpoint.window
    fins = Endpoint.fins
    outstanding = Endpoint.outstanding

    def start(self, name: str, after: int) -> None:
        """Start a timer, `after` microseconds from now."""
        self.effects.append(StartTimer(name, after))

    def stop(self, name: str) -> None:
        """Stop a timer, whether or not it runs."""
        self.effects.append(StopTimer(name))

    def tell(self, news: str) -> None:
        """Leave news for the program."""
        self.effects.append(Tell(news))


def match(draft: Draft, event: str, segment: Segment | None) -> Rule:
    """The one row for `event` in the draft's state."""
    from teardown.tcp.guards import holds

    for rule in _TABLE.get((draft.state, event), ()):
        if holds(rule, draft, segment):
            return rule
    raise MissingRule(f"no rule for “{event}” in state {draft.state}")


@lru_cache(maxsize=100_000)
def _step(endpoint: Endpoint, event: Event) -> Outcome:
    # Pure, so remembering answers is safe; exploring all futures asks the same question thousands of times.
    from teardown.tcp.actions import act, output

    draft = Draft(endpoint)
    taken: list[Rule] = []

    def take(name: str, segment: Segment | None) -> tuple[Rule, Segment | None]:
        rule = match(draft, name, segment)
        taken.append(rule)
        for action in rule.actions:
            segment = act(action, draft, segment)
        if rule.to is not None:
            draft.state = rule.to
        return rule, segment

    segment = event.segment
    if segment is not None:
        for check in CHECKS[endpoint.state]:
            if _applies(check, draft, segment):
                rule, segment = take(f"segment {check}", segment)
                if rule.stop or segment is None:
                    break
    elif event.call is not None:
        draft.amount = event.amount
        take(f"call {event.call}", None)
    else:
        draft.fired, draft.idle = event.timer, event.idle
        take(f"timer {event.timer}", None)
    output(draft, arrived=segment is not None)
    if draft.state == CLOSED and endpoint.state != CLOSED:
        for name in ("retransmission", "persist", "user", "time-wait", "fin-wait-2", "keepalive"):
            draft.stop(name)
        draft.clock = None
    return Outcome(Endpoint(*_freeze(draft)), tuple(draft.effects), tuple(taken), draft.result)


def _applies(check: str, draft: Draft, segment: Segment) -> bool:
    flags = segment.flags
    if check == "rst":
        return "R" in flags
    if check == "syn":
        return "S" in flags
    if check == "text":
        return segment.length > 0
    if check == "fin":
        return "F" in flags or (draft.ooo_fin is not None and draft.ooo_fin == draft.rcv_nxt)
    return True
