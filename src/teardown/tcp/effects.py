"""What goes into an endpoint and what comes out of it: events and effects, as plain values."""

from __future__ import annotations

from typing import NamedTuple

from teardown.tcp.segment import Segment


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
    """Effect: news for the program: connected, readable, eof, error, acked, closed, returned."""

    news: str


Effect = Transmit | StartTimer | StopTimer | Tell
