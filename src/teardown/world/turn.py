"""What one host does about one thing that happens to it, until it rests: its TCP, then its program, its TCP again.

A turn is a pure function of the host and what happens, so it is remembered: runs that pass through the same
situations, undo, and the search through all futures ask for the same turns again and again.
Time, the wire and the trace are not its business; `doing` plays a turn into a world.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from teardown.errors import InputError
from teardown.programs import Call, Deed, Memory, Program, SetAlarm, StopAlarm, Vanish
from teardown.tcp.endpoint import Endpoint, Event, Outcome, StartTimer, StopTimer, Tell, Transmit
from teardown.tcp.segment import Segment
from teardown.tcp.states import CLOSED, LISTEN, Fins
from teardown.tcp.table import Rule
from teardown.world import captions
from teardown.world.trace import EventKind, Host

Owner = Literal["kernel", "program"]

_NO_FINS = Fins(False, False, False)
_MOST_NEWS = 1_000


class Arrival(NamedTuple):
    """A segment arrives."""

    segment: Segment
    probe: bool = False


class Expiry(NamedTuple):
    """A timer is over that ran for `lasted` µs; `idle`: µs since a segment arrived, where a system counts that."""

    name: str
    owner: Owner
    lasted: int
    idle: int = 0


class SocketCall(NamedTuple):
    """The program calls."""

    name: str
    amount: int = 0


class Deeds(NamedTuple):
    """The program does these things of its own accord."""

    deeds: tuple[Deed, ...]


Happening = Arrival | Expiry | SocketCall | Deeds


class Beat(NamedTuple):
    """One event at the host and its immediate consequences.

    `timers` are (name, µs from now or None to stop it, owner). `kind` is None when the trace shows nothing of it.
    """

    kind: EventKind | None
    endpoint: Endpoint
    fins: Fins
    timers: tuple[tuple[str, int | None, Owner], ...]
    sent: tuple[tuple[Transmit, str], ...] = ()  # with the caption of each
    caption: str = ""
    rule: str = ""
    rfc: str = ""
    call: str | None = None
    result: str | None = None
    timer: str | None = None
    gone: bool = False


class Turn(NamedTuple):
    """Everything that a host does before it rests."""

    memory: Memory
    beats: tuple[Beat, ...]


@lru_cache(maxsize=1 << 14)
def turn(program: Program, host: Host, endpoint: Endpoint, memory: Memory, happening: Happening) -> Turn:
    """What the host does about `happening`. Raises InputError for a program that never comes to rest."""
    taking = _Taking(program, host, endpoint, memory)
    match happening:
        case Arrival():
            taking.arrive(happening)
        case Expiry():
            taking.expire(happening)
        case SocketCall(name, amount):
            taking.call(Event(call=name, amount=amount))
        case Deeds(deeds):
            for deed in deeds:
                taking.do(deed)
    taking.flush()
    return Turn(taking.memory, tuple(taking.beats))


class _Taking:
    """A host while it takes its turn."""

    def __init__(self, program: Program, host: Host, endpoint: Endpoint, memory: Memory) -> None:
        self.program, self.host, self.end, self.memory = program, host, endpoint, memory
        self.beats: list[Beat] = []
        self.news: deque[str] = deque()
        self.gone = False

    # -- what can happen
    def arrive(self, arrival: Arrival) -> None:
        segment, probe = arrival
        outcome = self.end.step(Event(segment=segment))
        rule = _telling(outcome.rules)
        caption = captions.arrived(self.host, segment, probe, rule.why)
        self._beat("segment-arrived", outcome, (), caption=caption, rule=rule.id, rfc=rule.rfc)

    def expire(self, expiry: Expiry) -> None:
        over = (expiry.name, None, expiry.owner)
        if expiry.owner == "program":
            caption = captions.fired(self.host, expiry.name, "program", expiry.lasted, captions.alarm_why(expiry.name))
            self._alarm(over, "timer", caption)
            self.news.append(f"alarm {expiry.name}")
            return
        outcome = self.end.step(Event(timer=expiry.name, idle=expiry.idle))
        rule = outcome.rules[-1]
        caption = captions.fired(self.host, expiry.name, "kernel", expiry.lasted, rule.why)
        self._beat("timer", outcome, (over,), caption=caption, rule=rule.id, rfc=rule.rfc, timer=expiry.name)

    def call(self, event: Event) -> None:
        outcome = self.end.step(event)
        rule, result = outcome.rules[-1], outcome.result
        self._beat(
            "call", outcome, (), caption=captions.called(self.host, event, result, rule.why),
            rule=rule.id, rfc=rule.rfc, call=captions.call_text(event), result=result,
        )  # fmt: skip

    # -- the program
    def flush(self) -> None:
        """Let the program react until it has nothing more to do."""
        for _i in range(_MOST_NEWS):
            if not self.news or self.gone:
                return
            news = self.news.popleft()
            if not self.end.orphan or news.startswith("alarm"):
                self.memory, deeds = self.program.react(self.program, self.memory, news)
                for deed in deeds:
                    self.do(deed)
        raise InputError(
            f"the {self.host} program never comes to rest",
            mend="A program must not answer every news with a new call",
        )

    def do(self, deed: Deed) -> None:
        """Carry out one deed of the program."""
        match deed:
            case Call(name, amount):
                if not self.end.orphan and (self.end.state not in (CLOSED, LISTEN) or name == "close"):
                    self.call(Event(call=name, amount=amount))
            case SetAlarm(name, after):
                self._alarm((name, after, "program"))
            case StopAlarm(name):
                self._alarm((name, None, "program"))
            case Vanish():
                self.gone = True
                caption = f"The {self.host} is gone: its line or its power has failed. Nobody is told."
                self.beats.append(
                    Beat("call", self.end, _fins(self.end), (), caption=caption, call="power off", gone=True)
                )

    # -- the machine room
    def _alarm(self, change: tuple[str, int | None, Owner], kind: EventKind | None = None, caption: str = "") -> None:
        fired = change[0] if kind else None
        self.beats.append(Beat(kind, self.end, _fins(self.end), (change,), (), caption, timer=fired))

    def _beat(
        self, kind: EventKind, outcome: Outcome, before: Iterable[tuple[str, int | None, Owner]], *, caption: str,
        rule: str, rfc: str, call: str | None = None, result: str | None = None, timer: str | None = None,
    ) -> None:  # fmt: skip
        """Take over what the TCP has done."""
        self.end = outcome.endpoint
        # The last word on each timer is the one that counts.
        timers = {name: (name, after, owner) for name, after, owner in before}
        sent = []
        for effect in outcome.effects:
            match effect:
                case Transmit(segment, again, probe):
                    sent.append((effect, captions.sent(self.host, segment, again, probe)))
                case StartTimer(name, after):
                    timers[name] = (name, after, "kernel")
                case StopTimer(name):
                    timers[name] = (name, None, "kernel")
                case Tell(news):
                    self.news.append(news)
        self.beats.append(
            Beat(
                kind, self.end, _fins(self.end), tuple(timers.values()), tuple(sent), caption, rule, rfc, call,
                result, timer,
            )  # fmt: skip
        )


def _fins(e: Endpoint) -> Fins:
    return e.fins if e.state != LISTEN else _NO_FINS


def _telling(rules: tuple[Rule, ...]) -> Rule:
    """The rule that a caption should speak of: the last that changed the state, else the last that did something."""
    for rule in reversed(rules):
        if rule.to is not None:
            return rule
    for rule in reversed(rules):
        if rule.actions and rule.actions != ("touch",) and rule.actions != ("take-window",):
            return rule
    return rules[-1]
