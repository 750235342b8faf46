"""The bare teardown graph: nothing but two closes, to be compared with a formal model state by state.

What is explored, to the letter:

* Both ends start ESTABLISHED, with nothing sent and an empty wire: one FIFO queue per direction. No segment is lost,
  doubled or overtaken. There is no data, no abort, and no clock but 2MSL.
* The events are: a side that has not closed yet calls CLOSE, once (the RFC's CLOSE: `shutdown(SHUT_WR)`); the oldest
  segment of a direction arrives; 2MSL ends in TIME-WAIT, at any time, whatever is on the wire.
* The endpoints are the engine's own, on the `rfc9293` stack; the transition table decides everything.
* A state of the graph is what is left after projection: the state of each TCP, whether each side has closed, and for
  each direction the queue of segments, of which only two bits are kept: does it carry a FIN, and does it acknowledge
  the FIN of the other side? A FIN sent in CLOSE-WAIT carries both. A segment with neither would be left out of the
  queue; without loss there is none.
* A transition is a distinct pair of a state and a successor, however many events lead from one to the other.
  A terminal is a state without a successor.

`never_closes` takes one side's CLOSE away.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from teardown.stacks import stack
from teardown.tcp.endpoint import Endpoint, Event, Transmit, memories
from teardown.tcp.segment import Segment
from teardown.tcp.states import CLOSE_WAIT, ESTABLISHED, TIME_WAIT
from teardown.world.trace import HOSTS, Host, Pair

VERSION = 1
_CLOSE = Event(call="shutdown")
_2MSL = Event(timer="time-wait")
_FIN = 1  # the sequence number of either FIN: nothing was sent before it


class Projected(NamedTuple):
    """What is kept of a segment."""

    fin: bool
    ack_of_fin: bool


class BareState(NamedTuple):
    """A state of the graph. `wires` are the queues *from* the server and *from* the client, the oldest first."""

    states: Pair[str]
    closed: Pair[bool]
    wires: Pair[tuple[Projected, ...]]


class BareGraph(NamedTuple):
    """The graph: each state with its successors, in the order of discovery."""

    successors: dict[BareState, frozenset[BareState]]

    @property
    def states(self) -> int:
        """The number of distinct states."""
        return len(self.successors)

    @property
    def transitions(self) -> int:
        """The number of distinct (state, successor) pairs."""
        return sum(map(len, self.successors.values()))

    @property
    def terminals(self) -> tuple[BareState, ...]:
        """The states without a successor."""
        return tuple(state for state, after in self.successors.items() if not after)

    def json(self) -> dict[str, int]:
        """The counts, as `teardown explore --bare --json` prints them."""
        return {
            "version": VERSION,
            "states": self.states,
            "transitions": self.transitions,
            "terminals": len(self.terminals),
        }

    def report(self) -> str:
        """The counts in a sentence, and what the ends look like."""
        ends = "; ".join(f"server {s.states.server}, client {s.states.client}" for s in self.terminals)
        word = "end" if len(self.terminals) == 1 else "ends"
        return f"{self.states} states, {self.transitions} transitions, {len(self.terminals)} {word}: {ends}"


class _Full(NamedTuple):
    """What is really explored: whole endpoints and whole segments."""

    ends: Pair[Endpoint]
    closed: Pair[bool]
    wires: Pair[tuple[Segment, ...]]


@cache
def bare(never_closes: Host | None = None) -> BareGraph:
    """Explore the bare graph."""
    profile = stack("rfc9293").profile
    ends = Pair(
        *(Endpoint.established(profile, passive=h == "server", peer_window=profile.buffer) for h in HOSTS)
    )
    start = _Full(ends, Pair(False, False), Pair((), ()))
    graph: dict[BareState, set[BareState]] = {}
    found = {start: None}
    waiting = [start]
    for full in waiting:
        state = _projected(full)
        after = graph.setdefault(state, set())
        for following in _successors(full, never_closes):
            after.add(_projected(following))
            if following not in found:
                found[following] = None
                waiting.append(following)
    return BareGraph({state: frozenset(after) for state, after in graph.items()})


memories.append(bare.cache_clear)


def _successors(w: _Full, never_closes: Host | None) -> list[_Full]:
    after = []
    for host, e, closed, arriving in zip(HOSTS, w.ends, w.closed, reversed(w.wires), strict=True):
        if not closed and host != never_closes and e.state in (ESTABLISHED, CLOSE_WAIT):
            after.append(_stepped(w._replace(closed=w.closed.having(host, True)), host, _CLOSE))
        if arriving:
            sender: Host = "client" if host == "server" else "server"
            rest = w._replace(wires=w.wires.having(sender, arriving[1:]))
            after.append(_stepped(rest, host, Event(segment=arriving[0])))
        if e.state == TIME_WAIT:
            after.append(_stepped(w, host, _2MSL))
    return after


def _stepped(w: _Full, host: Host, event: Event) -> _Full:
    outcome = w.ends.of(host).step(event)
    sent = tuple(effect.segment for effect in outcome.effects if isinstance(effect, Transmit))
    return _Full(
        w.ends.having(host, outcome.endpoint), w.closed, w.wires.having(host, w.wires.of(host) + sent)
    )


def _projected(w: _Full) -> BareState:
    queues = ((Projected("F" in s.flags, "A" in s.flags and s.ack > _FIN) for s in wire) for wire in w.wires)
    return BareState(
        Pair(*(e.state for e in w.ends)), w.closed, Pair(*(tuple(p for p in queue if any(p)) for queue in queues))
    )
