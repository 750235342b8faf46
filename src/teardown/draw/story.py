"""What a drawing needs to know about a trace: stays in states, flights of segments, lives of timers, absences.

A trace lists moments; a picture shows things that last. This module joins the moments. All indices are step numbers.
"""

from itertools import groupby, pairwise
from typing import Final, Literal, NamedTuple

from teardown.tcp.segment import Segment
from teardown.tcp.states import CLOSE_WAIT, FIN_WAIT_2
from teardown.world.trace import HOSTS, Host, Running, Trace, other

Fate = Literal["fires", "restarted", "cancelled", "runs"]


class Stay(NamedTuple):
    """A host in one state from step `first` up to step `until` (None: to the end)."""

    host: Host
    state: str
    first: int
    until: int | None


class Flight(NamedTuple):
    """One segment on the wire. `sent` is None for a segment that nobody in the trace sent."""

    segment: Segment
    sender: Host
    sent: int | None
    end: int | None
    fate: Literal["arrived", "lost", "flying"]
    again: int = 0
    probe: bool = False
    copy: bool = False  # a duplicate made by the network


class Life(NamedTuple):
    """One run of a timer, from step `first` to step `until` (None: it still runs when the trace ends)."""

    host: Host
    timer: Running
    first: int
    until: int | None
    fate: Fate
    held: bool = True  # whether a program held the socket when the timer started

    @property
    def length(self) -> int:
        """How long it was set for, in microseconds."""
        return self.timer.expires - self.timer.started


class Absence(NamedTuple):
    """A timer that does not exist: `host` waits from step `first` to `until` and no clock of its kernel runs."""

    host: Host
    first: int
    until: int | None


class Fold(NamedTuple):
    """Steps from `first` up to `until` that repeat what came before: once after each of `waits` (µs)."""

    first: int
    until: int
    waits: tuple[int, ...]


class Story(NamedTuple):
    """All that lasts in a trace."""

    stays: tuple[Stay, ...]
    flights: tuple[Flight, ...]
    lives: tuple[Life, ...]
    absences: tuple[Absence, ...]
    missing_fins: tuple[tuple[Host, int], ...]  # who did not send it, and the step after which it was missed
    entered: dict[tuple[Host, int], str]  # the state that a host entered at a step
    gone: dict[Host, int]  # the step at which a host lost its power or its line
    folds: tuple[Fold, ...] = ()  # repeats that a drawing may leave out


#: What the engine calls the end of a host that vanishes.
POWER_OFF: Final = "power off"

#: States in which someone else must act and the RFC starts no clock.
_WAITING: Final = (FIN_WAIT_2, CLOSE_WAIT)


def tell(trace: Trace, long_gaps: frozenset[int]) -> Story:
    """Reads a trace. `long_gaps` are the steps that a long wait follows: a break, or an end that never comes."""
    stays = _stays(trace)
    lives = _lives(trace)
    absences = _absences(trace, stays, long_gaps)
    entered = {(stay.host, stay.first): stay.state for stay in stays}
    gone = {step.host: i for i, step in enumerate(trace.steps) if step.call == POWER_OFF and step.host}
    missing = _missing_fins(trace, stays, long_gaps)
    return Story(stays, _flights(trace), lives, absences, missing, entered, gone, _folds(trace))


def _stays(trace: Trace) -> tuple[Stay, ...]:
    stays = []
    for host in HOSTS:
        first = 0
        for i, step in enumerate(trace.steps):
            if step.states.of(host) != trace.steps[first].states.of(host):
                stays.append(Stay(host, trace.steps[first].states.of(host), first, i))
                first = i
        stays.append(Stay(host, trace.steps[first].states.of(host), first, None))
    return tuple(stays)


def _flights(trace: Trace) -> tuple[Flight, ...]:
    flights: list[Flight] = []
    by_packet: dict[int, int] = {}
    for i, step in enumerate(trace.steps):
        if step.segment is None or step.sender is None:
            continue
        if step.event == "segment-sent":
            if step.packet is not None:
                by_packet[step.packet] = len(flights)
            flights.append(Flight(step.segment, step.sender, i, None, "flying", step.again, step.probe))
            continue
        fate: Literal["arrived", "lost"] = "arrived" if step.event == "segment-arrived" else "lost"
        at = by_packet.get(step.packet) if step.packet is not None else None
        if at is None:
            flights.append(Flight(step.segment, step.sender, None, i, fate, step.again, step.probe))
        elif flights[at].end is None:
            flights[at] = flights[at]._replace(end=i, fate=fate)
        else:
            flights.append(flights[at]._replace(end=i, fate=fate, copy=True))
    return tuple(flights)


def _lives(trace: Trace) -> tuple[Life, ...]:
    lives: list[Life] = []
    for host in HOSTS:
        running: dict[tuple[str, int, int], tuple[int, Running]] = {}
        ended: dict[str, int] = {}
        for i, step in enumerate(trace.steps):
            now = {(r.name, r.started, r.expires): r for r in step.timers.of(host)}
            for key in [k for k in running if k not in now]:
                first, timer = running.pop(key)
                ended[timer.name] = i
                fired = step.event == "timer" and step.host == host and step.timer == timer.name
                again = any(name == timer.name for name, _, _ in now)
                fate: Fate = "fires" if fired else "restarted" if again else "cancelled"
                lives.append(Life(host, timer, first, i, fate, trace.steps[first].held.of(host)))
            for key, timer in now.items():
                first = max(_step_at(trace, timer.started, i), ended.get(timer.name, 0))
                running.setdefault(key, (first, timer))
        for first, timer in running.values():
            lives.append(Life(host, timer, first, None, "runs", trace.steps[first].held.of(host)))
    return tuple(sorted(lives, key=lambda life: (life.host, life.first, life.timer)))


def _step_at(trace: Trace, t: int, i: int) -> int:
    """The last step up to `i` that happened at time `t` or before: a timer may be listed a step after its start."""
    while i > 0 and trace.steps[i].t > t:
        i -= 1
    return i


def _absences(trace: Trace, stays: tuple[Stay, ...], long_gaps: frozenset[int]) -> tuple[Absence, ...]:
    absences = []
    for stay in stays:
        if stay.state not in _WAITING:
            continue
        end = len(trace.steps) if stay.until is None else stay.until
        free = [not any(r.owner == "kernel" for r in step.timers.of(stay.host)) for step in trace.steps[:end]]
        first = end
        while first > stay.first and free[first - 1]:
            first -= 1
        if first < end and any(first <= gap < end for gap in long_gaps):
            absences.append(Absence(stay.host, first, stay.until))
    return tuple(absences)


def _missing_fins(
    trace: Trace, stays: tuple[Stay, ...], long_gaps: frozenset[int]
) -> tuple[tuple[Host, int], ...]:
    missing = []
    for stay in stays:
        if stay.state != FIN_WAIT_2:
            continue
        end = len(trace.steps) if stay.until is None else stay.until
        peer = other(stay.host)
        for i in range(stay.first, end):
            if i in long_gaps and not trace.steps[i].fins.of(peer).sent:
                missing.append((peer, i))
                break
    return tuple(missing)


#: Of a run of repeats these are always drawn, at its beginning and at its end; fewer than `LEAST` are not left out.
KEPT: Final = (3, 1)
LEAST: Final = 3


def _folds(trace: Trace) -> tuple[Fold, ...]:
    """The runs of repeats that are worth folding: the same timer fires, the same follows, and no state changes."""
    fires = [step.i for step in trace.steps if step.event == "timer" and step.timer] + [len(trace.steps)]
    rounds = [(first, until, _shape(trace, first, until)) for first, until in pairwise(fires)]
    folds = []
    for shape, group in groupby(rounds, key=lambda r: r[2]):
        run = list(group)
        middle = run[KEPT[0] : len(run) - KEPT[1]]
        if shape and len(middle) >= LEAST:
            times = [trace.steps[first].t for first, _, _ in run]
            waits = [b - a for a, b in pairwise(times)][KEPT[0] - 1 : KEPT[0] - 1 + len(middle)]
            folds.append(Fold(middle[0][0], middle[-1][1], tuple(waits)))
    return tuple(folds)


def _shape(trace: Trace, first: int, until: int) -> tuple[tuple[object, ...], ...]:
    """What happens from step `first` up to `until`, without times; nothing if it is no mere repeat."""
    steps = trace.steps[first:until]
    before = trace.steps[first - 1]
    if any((s.states, s.fins, s.held) != (before.states, before.fins, before.held) or s.event == "call" for s in steps):
        return ()
    return tuple((s.event, s.host, s.timer, s.sender, s.segment and s.segment.flags, s.probe) for s in steps)


def closes_first(trace: Trace) -> dict[Host, str]:
    """What each host's role is, in words: `closes first`, `closes second`, `closes too`, or nothing."""
    for step in trace.steps:
        sent = [host for host in HOSTS if step.fins.of(host).sent]
        if not sent:
            continue
        if len(sent) == 2:
            return {}
        first = sent[0]
        second = other(first)
        crossed = any(
            later.fins.of(second).sent and not later.fins.of(second).received for later in trace.steps[step.i :]
        )
        if crossed:
            return {first: "closes", second: "closes too"}
        return {first: "closes first", second: "closes second" if _ever_sends_fin(trace, second) else ""}
    return {}


def first_closer(trace: Trace) -> Host:
    """The host that closes first: it stands on the left in every finished figure. The server where nobody does."""
    for step in trace.steps:
        sent = [host for host in HOSTS if step.fins.of(host).sent]
        if sent:
            return sent[0]
    return "server"


def _ever_sends_fin(trace: Trace, host: Host) -> bool:
    return any(step.fins.of(host).sent for step in trace.steps)
