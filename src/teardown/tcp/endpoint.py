"""One endpoint: the TCB of RFC 9293 §3.3.1 as an immutable value, and the step that the table makes it take.

`endpoint.step(event)` returns the next endpoint and the effects: segments to send, timers to start and stop, news
for the program. It reads no clock and no random source; the same endpoint and event give the same answer for ever.

Sequence numbers are relative to the ISN of the side that sends them: its SYN is 0, its first byte 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from teardown.tcp.actions import ACTIONS, output
from teardown.tcp.decide import Split, trees
from teardown.tcp.effects import Effect, Event, StartTimer, StopTimer, Tell, Transmit
from teardown.tcp.profile import Profile
from teardown.tcp.segment import Segment
from teardown.tcp.states import CLOSED, ESTABLISHED, Fins
from teardown.tcp.table import CHECKS, RULES, TIMERS, Rule

__all__ = [
    "Draft", "Effect", "Endpoint", "Event", "MissingRule", "Outcome", "StartTimer", "StopTimer", "Tell", "Transmit",
    "forget", "memories", "use", "watching",
]  # fmt: skip


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
    orphan: bool = False  # close() has returned: no program can read or write any more
    closing: bool = False  # close() was called and waits, as SO_LINGER tells it to
    rd_shut: bool = False
    linger: int | None = None  # SO_LINGER in µs; None: off
    linger2: int | None = None  # TCP_LINGER2 in µs; negative: do not wait in FIN-WAIT-2
    keepalive: tuple[int, int, int] | None = None  # idle µs, interval µs, count; None: off
    user_timeout: int | None = None  # TCP_USER_TIMEOUT in µs
    error: str | None = None  # the errno that the next call will report
    limited: bool = False  # the FIN-WAIT-2 clock has been started
    end: str | None = None  # normal | reset | refused | timeout | aborted | given-up

    # repeating
    srtt: int = 0  # µs, the round trip as measured; 0: never
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
        # Linux counts the peer's FIN too, so that the right edge stays where it is.
        fin = self.peer_fin and self.profile.sequence_edges_count
        return max(0, self.rcv_buf - self.unread - fin) if not self.orphan else self.rcv_buf - fin

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


_FIELDS = Endpoint._fields


class Draft:
    """A mutable copy of an endpoint while one event is applied, with the effects collected on the way.

    The attributes of the instance are the endpoint's fields, in order; everything else has a slot.
    """

    state: str
    clock: str | None
    rcv_nxt: int
    ooo_fin: int | None
    orphan: bool
    limited: bool

    __slots__ = ("__dict__", "ack_due", "amount", "effects", "fired", "idle", "result")

    def __init__(self, endpoint: Endpoint) -> None:
        self.__dict__ = dict(zip(_FIELDS, endpoint, strict=True))
        self.effects: list[Effect] = []
        self.result: str | None = None
        self.ack_due = False
        self.fired: str | None = None
        self.amount = self.idle = 0

    if TYPE_CHECKING:

        def __getattr__(self, field: str) -> Any: ...

    def freeze(self) -> Endpoint:
        """The endpoint after the event. Raises TypeError if an action has made up a field."""
        return Endpoint._make(self.__dict__.values())

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


#: For each state the checks of an arriving segment, with the events that they are.
_CHECKS = {state: tuple((check, f"segment {check}") for check in checks) for state, checks in CHECKS.items()}
_TIMERS = tuple(StopTimer(name) for name in TIMERS)
_trees = trees(RULES)


#: Whoever remembers what endpoints have answered is told here how to forget it.
memories: list[Callable[[], None]] = []


def forget() -> None:
    """Forget all answers, here and wherever they are remembered: tests change the table or watch which rows are taken."""
    _step.cache_clear()
    for forgets in memories:
        forgets()


def use(rules: tuple[Rule, ...]) -> None:
    """Let all endpoints obey these rows from now on: how tests find out what a wrong table would break."""
    global _trees
    _trees = trees(rules)
    forget()


@contextmanager
def watching() -> Iterator[set[str]]:
    """The ids of all rows that endpoints take meanwhile. Answers remembered from before are forgotten first."""
    global _seen
    forget()
    before, _seen = _seen, set()
    try:
        yield _seen
    finally:
        _seen = before


_seen: set[str] | None = None


def _take(draft: Draft, event: str, segment: Segment | None, taken: list[Rule]) -> Segment | None:
    """Find the one row for `event` in the draft's state and carry it out; None: there is nothing more to check."""
    tree = (draft.profile.table or _trees).get((draft.state, event))
    while type(tree) is Split:
        tree = tree.yes if tree.test(draft, segment) else tree.no
    if tree is None:
        raise MissingRule(f"no rule for “{event}” in state {draft.state}")
    rule, actions = tree  # type: ignore[misc]
    taken.append(rule)
    for action in actions:
        segment = action(draft, segment) or segment
    if rule.to is not None:
        draft.state = rule.to
    return None if rule.stop else segment


@lru_cache(maxsize=1 << 15)
def _step(endpoint: Endpoint, event: Event) -> Outcome:
    # Pure, so remembering answers is safe; exploring all futures asks the same question thousands of times.
    draft = Draft(endpoint)
    taken: list[Rule] = []
    segment = event.segment
    if segment is not None:
        for check, name in _CHECKS[endpoint.state]:
            if _applies(check, draft, segment):
                segment = _take(draft, name, segment, taken)
                if segment is None:
                    break
    elif event.call is not None:
        draft.amount = event.amount
        _take(draft, f"call {event.call}", None, taken)
    else:
        draft.fired, draft.idle = event.timer, event.idle
        _take(draft, f"timer {event.timer}", None, taken)
    if _seen is not None:
        _seen.update(rule.id for rule in taken)
    output(draft)
    if draft.state == CLOSED and endpoint.state != CLOSED:
        ACTIONS["return-close"](draft, None)
        draft.effects += _TIMERS
        draft.clock = None
    return Outcome(draft.freeze(), tuple(draft.effects), tuple(taken), draft.result)


def _applies(check: str, draft: Draft, segment: Segment) -> bool:
    flags = segment.flags
    if check == "flags":
        return "A" not in flags or ("S" in flags and "F" in flags)
    if check == "record":
        return draft.orphan and draft.limited
    if check == "rst":
        return "R" in flags
    if check == "syn":
        return "S" in flags
    if check == "text":
        return segment.length > 0
    if check == "fin":
        return "F" in flags or (draft.ooo_fin is not None and draft.ooo_fin == draft.rcv_nxt)
    return True
