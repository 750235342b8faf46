"""What one host does about one thing that happens to it, until it rests: its TCP, then its program, its TCP again.

A turn is a pure function of the host and what happens, so it is remembered: runs that pass through the same
situations, undo, and the search through all futures ask for the same turns again and again.
Time, the wire and the trace are not its business; `doing` plays a turn into a world.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from teardown.errors import InputError
from teardown.programs import Call, Deed, Forget, Memory, Program, SetAlarm, StopAlarm, Vanish
from teardown.tcp.endpoint import Endpoint, Event, Outcome, StartTimer, StopTimer, Tell, Transmit, memories
from teardown.tcp.segment import Segment
from teardown.tcp.states import CLOSED, LISTEN
from teardown.tcp.table import Rule
from teardown.world import captions
from teardown.world.trace import EventKind, Host

Owner = Literal["kernel", "program"]
Start = tuple[str, int, Owner]  # a timer that starts: its name, µs from now, whose it is

_MOST_NEWS = 1_000


class Beat(NamedTuple):
    """One event at the host and its immediate consequences.

    `touched` are the timers that stop or start again, `starts` those that then run: (name, µs from now, owner).
    `kind` is None when the trace shows nothing of it.
    """

    kind: EventKind | None
    stand: captions.Stand
    touched: frozenset[str] = frozenset()
    starts: tuple[Start, ...] = ()
    sent: tuple[tuple[Segment, int, bool, str], ...] = ()  # segment, again, probe, and the caption
    caption: str = ""
    rule: str = ""
    rfc: str = ""
    call: str | None = None
    result: str | None = None
    timer: str | None = None
    gone: bool = False
    forgets: bool = False  # the kernel's timers end with the connection


class Turn(NamedTuple):
    """Everything that a host does before it rests, and how it stands then."""

    after: Actor
    beats: tuple[Beat, ...]


_ACTORS, _TURNS = 1 << 14, 1 << 10  # how many are remembered: situations, and turns of one situation


class Actor:
    """A host as it stands when its turn comes: what it runs, how its TCP is, what its program remembers.

    There is one object for each such situation (see `actor`), and it keeps the turns that it has taken: so a run
    walks from situation to situation, and what has happened before costs one look-up of what happens.
    All turns raise InputError for a program that never comes to rest.
    """

    __slots__ = ("endpoint", "host", "memory", "program", "stand", "turns")

    def __init__(self, host: Host, program: Program, endpoint: Endpoint, memory: Memory) -> None:
        self.host, self.program, self.endpoint, self.memory = host, program, endpoint, memory
        self.stand = captions.stand(host, endpoint, False)
        self.turns: dict[tuple[Any, ...], Turn] = {}

    def arrival(self, segment: Segment, probe: bool) -> Turn:
        """A segment arrives."""
        turn = self.turns.get((segment, probe))
        if turn is None:
            taking = _Taking(self)
            taking.arrive(segment, probe)
            turn = self._taken((segment, probe), taking)
        return turn

    def expiry(self, name: str, owner: Owner, lasted: int, idle: int) -> Turn:
        """A timer is over that ran for `lasted` µs; `idle`: µs since a segment arrived, where a system counts that."""
        turn = self.turns.get((name, owner, lasted, idle))
        if turn is None:
            taking = _Taking(self)
            taking.expire(name, owner, lasted, idle)
            turn = self._taken((name, owner, lasted, idle), taking)
        return turn

    def deeds(self, deeds: tuple[Deed, ...], forced: bool) -> Turn:
        """The program acts. `forced`: its calls are made whether or not the program still could make them."""
        turn = self.turns.get((deeds, forced))
        if turn is None:
            taking = _Taking(self)
            for deed in deeds:
                if forced and isinstance(deed, Call):
                    taking.call(Event(call=deed.name, amount=deed.amount))
                else:
                    taking.do(deed)
            turn = self._taken((deeds, forced), taking)
        return turn

    def _taken(self, what: tuple[Any, ...], taking: _Taking) -> Turn:
        if len(self.turns) >= _TURNS:
            self.turns.clear()
        turn = self.turns[what] = taking.rest()
        return turn


_actors: dict[tuple[Host, Program, Endpoint, Memory], Actor] = {}


def actor(host: Host, program: Program, endpoint: Endpoint, memory: Memory) -> Actor:
    """The host in this situation."""
    key = host, program, endpoint, memory
    found = _actors.get(key)
    if found is None:
        if len(_actors) >= _ACTORS:
            _actors.clear()
        found = _actors[key] = Actor(*key)
    return found


memories.append(_actors.clear)


class _Taking:
    """A host while it takes its turn."""

    def __init__(self, actor: Actor) -> None:
        self.host, self.program, self.end, self.memory = actor.host, actor.program, actor.endpoint, actor.memory
        self.beats: list[Beat] = []
        self.news: deque[str] = deque()
        self.gone = False

    # -- what can happen
    def arrive(self, segment: Segment, probe: bool) -> None:
        outcome = self.end.step(Event(segment=segment))
        rule = _telling(outcome.rules)
        caption = captions.arrived(self.host, segment, probe, rule.why)
        self._beat("segment-arrived", outcome, caption=caption, rule=rule)

    def expire(self, name: str, owner: Owner, lasted: int, idle: int) -> None:
        if owner == "program":
            caption = captions.fired(self.host, name, owner, lasted, captions.alarm_why(name))
            self.beats.append(Beat("timer", self._stand(), frozenset({name}), caption=caption, timer=name))
            self.news.append(f"alarm {name}")
            return
        outcome = self.end.step(Event(timer=name, idle=idle))
        rule = outcome.rules[-1]
        caption = captions.fired(self.host, name, owner, lasted, rule.why)
        self._beat("timer", outcome, caption=caption, rule=rule, timer=name)

    def call(self, event: Event) -> None:
        outcome = self.end.step(event)
        rule, result = outcome.rules[-1], outcome.result
        caption = captions.called(self.host, event, result, rule.why)
        self._beat(
            "call", outcome, caption=caption, rule=rule, call=captions.call_text(event), result=result
        )

    # -- the program
    def rest(self) -> Turn:
        """Let the program react until it has nothing more to do: then the turn is over."""
        for _i in range(_MOST_NEWS):
            if not self.news or self.gone:
                return Turn(actor(self.host, self.program, self.end, self.memory), tuple(_seen(self.beats)))
            news = self.news.popleft()
            if news == "returned":
                caption = captions.returned(self.host)
                self.beats.append(
                    Beat("call", self._stand(), caption=caption, call=captions.RETURN, result="0")
                )
            elif not _given_up(self.end) or news.startswith("alarm"):
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
                if not _given_up(self.end) and (self.end.state not in (CLOSED, LISTEN) or name == "close"):
                    self.call(Event(call=name, amount=amount))
            case SetAlarm(name, after):
                self._alarm(name, ((name, after, "program"),))
            case StopAlarm(name):
                self._alarm(name, ())
            case Vanish():
                self.gone = True
                caption = f"The {self.host} is gone: its line or its power has failed. Nobody is told."
                beat = Beat("call", self._stand(), caption=caption, call="power off", gone=True)
                self.beats.append(beat)

            case Forget():
                self.end = Endpoint(self.end.profile, orphan=True, end="forgotten")
                self.news.clear()
                caption = f"The {self.host} forgets the connection. It sends nothing, and nobody is told."
                beat = Beat("call", self._stand(), caption=caption, call="forget", forgets=True)
                self.beats.append(beat)

    # -- the machine room
    def _stand(self) -> captions.Stand:
        return captions.stand(self.host, self.end, self.gone)

    def _alarm(self, name: str, starts: tuple[Start, ...]) -> None:
        self.beats.append(Beat(None, self._stand(), frozenset({name}), starts))

    def _beat(
        self, kind: EventKind, outcome: Outcome, *, caption: str, rule: Rule, call: str | None = None,
        result: str | None = None, timer: str | None = None,
    ) -> None:  # fmt: skip
        """Take over what the TCP has done."""
        self.end = outcome.endpoint
        touched = set() if timer is None else {timer}
        starts: dict[str, Start] = {}  # the last word on each timer is the one that counts
        sent = []
        for effect in outcome.effects:
            match effect:
                case Transmit(segment, again, probe):
                    sent.append((segment, again, probe, captions.sent(self.host, segment, again, probe)))
                case StartTimer(name, after):
                    touched.add(name)
                    starts[name] = (name, after, "kernel")
                case StopTimer(name):
                    touched.add(name)
                    starts.pop(name, None)
                case Tell(news):
                    self.news.append(news)
        beat = Beat(
            kind, self._stand(), frozenset(touched), tuple(starts.values()), tuple(sent), caption,
            rule.id, rule.rfc, call, result, timer,
        )  # fmt: skip
        self.beats.append(beat)


def _seen(beats: list[Beat]) -> Iterator[Beat]:
    """The same with fewer beats: what is not shown happens together with what comes after it."""
    unseen: Beat | None = None
    for beat in beats:
        if unseen is not None:
            starts = (*(s for s in unseen.starts if s[0] not in beat.touched), *beat.starts)
            beat = beat._replace(touched=unseen.touched | beat.touched, starts=starts)
        if beat.kind is None:
            unseen = beat
        else:
            unseen = None
            yield beat
    if unseen is not None:
        yield unseen


def _given_up(e: Endpoint) -> bool:
    """The program has called close(), whether or not that has returned."""
    return e.orphan or e.closing


def _telling(rules: tuple[Rule, ...]) -> Rule:
    """The rule that a caption should speak of: the last that changed the state, else the last that did something."""
    for rule in reversed(rules):
        if rule.to is not None:
            return rule
    for rule in reversed(rules):
        if rule.actions and rule.actions != ("touch",) and rule.actions != ("take-window",):
            return rule
    return rules[-1]
