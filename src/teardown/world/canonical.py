"""Worlds that have the same futures, made equal: what the search through all futures hashes and compares.

What is projected out is what no later move can depend on:

* the date: times become durations from now, the age of a timer is forgotten;
* names: packets are numbered anew, per direction in the order of sending;
* history: steps recorded, how often a segment was sent before, counters of a clock that does not run, everything
  but the epitaph of a connection that is CLOSED;
* the origin of sequence numbers: each side's count from its first unacknowledged byte, so that endless traffic comes
  back to where it was.

A canonical world is a world: every move can be made on it, and leads to the canonical form of where it led before.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter

from teardown.tcp.endpoint import Endpoint
from teardown.tcp.segment import Segment
from teardown.tcp.states import CLOSED, FIN_WAIT_2, SYNCHRONIZED
from teardown.world.trace import Pair, Running
from teardown.world.world import Flight, Standing, World

_SENDER = itemgetter(Flight._fields.index("sender"))
_new = tuple.__new__


def canonical(w: Standing) -> World:
    """The representative of all worlds that have the same futures as `w`."""
    now = w.now
    server, client = w.ends
    own, far = origin(server, client), origin(client, server)
    timers = w.timers
    if timers[0] or timers[1]:
        timers = _new(Pair, (from_now(timers[0], now), from_now(timers[1], now)))
    seen = w.seen
    if seen:
        seen = tuple([min(n, fault.nth) for n, fault in zip(seen, w.scenario.faults, strict=True)])
    heard = w.heard
    if server.profile.fin_wait_2_recheck is not None or client.profile.fin_wait_2_recheck is not None:
        heard = [silence(heard[0] - now, server), silence(heard[1] - now, client)]
    wire: list[Flight] = []
    if w.wire:
        both_closed = server.state == CLOSED == client.state
        for f in in_order(w.wire, not w.scenario.seats or "network" in w.scenario.seats):
            wire.append(flight_from(len(wire) + 1, f, now, own, far, both_closed))
    ends = _new(Pair, (plain(server, own, far), plain(client, far, own)))
    return _new(World, (
        w.scenario, 0, ends, _new(Pair, w.memory), timers, tuple(wire), len(wire), seen, _new(Pair, w.down),
        _new(Pair, heard), 0,
    ))  # fmt: skip


def in_order(wire: Sequence[Flight], played: bool) -> Sequence[Flight]:
    """The flights as the canonical form numbers them: from 1, the client's first, each side's in order of sending.

    Where nobody plays the network, the flights of the two sides are due in the order of sending, so that stays.
    """
    return sorted(wire, key=_SENDER) if played and len(wire) > 1 else wire


def flight_from(number: int, f: Flight, now: int, own: int, far: int, both_closed: bool) -> Flight:
    """A flight as the canonical form has it at the time `now`, with the origins of both sides moved."""
    _packet, sender, segment, sent, due, _again, _probe, doomed = f
    due -= now
    if due <= 0:
        sent = due = 0
    else:
        sent -= now
        if moment(sent, due) <= 0:
            sent = -2 * due  # a loss would not take any more time
    if both_closed:
        segment = Segment(0, 0, segment.flags, 0, 0)  # its numbers go into a reset that nobody will look at
    elif own or far:
        segment = shifted(segment, own, far) if sender == "server" else shifted(segment, far, own)
    return _new(Flight, (number, sender, segment, sent, due, 0, False, doomed))


def moment(sent: int, due: int) -> int:
    """When a loss on the way is seen (see `Doing.drop`)."""
    return sent + (due - sent) * 3 // 5


@lru_cache(maxsize=4_096)
def shifted(segment: Segment, own: int, far: int) -> Segment:
    """A segment with the origins of its sender's and the receiver's numbers moved down."""
    return segment._replace(seq=segment.seq - own, ack=segment.ack - far if "A" in segment.flags else segment.ack)


def from_now(timers: tuple[Running, ...], now: int) -> tuple[Running, ...]:
    """Timers as they stand at the time `now`: how long they still run, and not how long they have run."""
    return tuple([_new(Running, (name, 0, expires - now, owner)) for name, _started, expires, owner in timers])


def silence(since: int, e: Endpoint) -> int:
    """For how long nothing has been heard (µs, negative), where that counts; beyond the limit all is one."""
    limit = e.profile.fin_wait_2
    if e.state != FIN_WAIT_2 or e.profile.fin_wait_2_recheck is None or limit is None:
        return 0
    return max(since, -limit - 1)


def origin(e: Endpoint, peer: Endpoint) -> int:
    """How far a side's sequence numbers can be moved down: only between ends that know each other's numbers."""
    if e.snd_una <= 1 and e.state != CLOSED:
        return 0
    if e.state in SYNCHRONIZED and (peer.state in SYNCHRONIZED or peer.state == CLOSED):
        return e.snd_una - 1
    return peer.rcv_nxt - 1 if e.state == CLOSED and peer.state in SYNCHRONIZED else 0


@lru_cache(maxsize=1 << 14)
def plain(e: Endpoint, own: int, far: int) -> Endpoint:
    """An endpoint without its history, and with the origins of its own and the peer's numbers moved down."""
    if e.state == CLOSED:
        # What an epitaph still answers: reads of what is there, the pending error, the FIN boxes.
        sent, acked, received = e.fins
        return e._replace(
            iss=0, snd_end=1, snd_nxt=1 + sent, snd_una=1 + acked, snd_wnd=0, snd_wl1=0, snd_wl2=0,
            irs=0, rcv_read=1, rcv_nxt=1 + e.unread + received, rcv_adv=0, ooo=(), ooo_fin=None,
            linger=None, linger2=None, keepalive=None, user_timeout=None, limited=False,
            srtt=0, clock=None, backoff=0, probed_tail=False, resends=0, waited=0, wait=0, unanswered=0,
        )  # fmt: skip
    if e.clock is None and e.wait:
        e = e._replace(wait=0)
    if own:
        # Where it counts how much was ever acknowledged, more than a window is as good as a window.
        known = min(e.snd_una - e.iss, max(65_535, e.snd_wnd) + 2) if e.profile.ancient_by_acked else 1
        una = e.snd_una - own
        e = e._replace(
            iss=una - known, snd_una=una, snd_nxt=e.snd_nxt - own, snd_end=e.snd_end - own, snd_wl2=e.snd_wl2 - own
        )
    if far:
        e = e._replace(
            irs=0, rcv_nxt=e.rcv_nxt - far, rcv_read=e.rcv_read - far, snd_wl1=e.snd_wl1 - far,
            ooo=tuple((start - far, end - far) for start, end in e.ooo),
            ooo_fin=None if e.ooo_fin is None else e.ooo_fin - far,
        )  # fmt: skip
    return e
