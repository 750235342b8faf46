"""What must hold in every world that moves can reach (from the proofs of TLA+ models, and from RFC 9293 itself).

Each check looks at one world and knows nothing of the way there, except whether the network has lost anything.
"""

from __future__ import annotations

from functools import lru_cache

from teardown.tcp.endpoint import Endpoint
from teardown.tcp.segment import Segment
from teardown.tcp.states import (
    CLOSED,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    LAST_ACK,
    LISTEN,
    SYN_RECEIVED,
    SYN_SENT,
    SYNCHRONIZED,
    TIME_WAIT,
)
from teardown.world.trace import Running
from teardown.world.world import World

#: Every invariant, by its id, as the report prints it.
INVARIANTS = {
    "one-row": "Every event in every state matches a row of the table.",
    "rest": "Programs come to rest: none answers its own calls for ever.",
    "una-nxt": "SND.UNA is never beyond SND.NXT.",
    "one-clock": "The retransmission timer and the persist timer never run together.",
    "fin-or-2msl": "The FIN_WAIT_2 timer and the 2MSL timer never run together.",
    "timer-fits": "A timer runs only in a state that has a use for it, and TIME_WAIT always has its own.",
    "fin-last": "Nothing follows a FIN: what a side sends ends with it.",
    "fin-repeated": "A FIN that is not acknowledged is repeated: in FIN_WAIT_1, CLOSING and LAST_ACK a clock runs.",
    "boxes": "A FIN counts as received only after it was sent, and as acknowledged only after it was received.",
    "sent-before-acked": "No side acknowledges more than its peer has to send, nor believes more than was acknowledged.",
    "window": "Nobody buffers more than the window that was announced.",
    "both-open": "With an empty wire and nothing lost or given up, one side is ESTABLISHED exactly when the other is.",
    "stuck-together": "The two ends are never stuck together, neither of them CLOSED.",
}

_REPEATING = (FIN_WAIT_1, CLOSING, LAST_ACK)
_AFTER_CLOSE = (FIN_WAIT_1, FIN_WAIT_2, CLOSING, LAST_ACK, TIME_WAIT)


def broken(w: World, *, lost: bool) -> tuple[str, ...]:
    """The ids of the invariants that this world breaks. `lost`: the network has lost a segment on the way here."""
    server, client = w.ends
    (no_server, no_client), (server_timers, client_timers) = w.down, w.timers
    out = between(server, client)
    if not no_server:
        out += alone(server, _names(server_timers))
    if not no_client:
        out += alone(client, _names(client_timers))
    for f in w.wire:
        out += beyond_fin(server if f.sender == "server" else client, f.segment)
    return out + open_alone(w, lost=lost)


def beyond_fin(e: Endpoint, s: Segment) -> tuple[str, ...]:
    """What a segment of `e` that is still under way breaks."""
    late = e.fin_queued and s.end > e.snd_end + 1 and e.state in _AFTER_CLOSE and "R" not in s.flags
    return ("fin-last",) if late else ()


def open_alone(w: World, *, lost: bool) -> tuple[str, ...]:
    """With an empty wire one side is ESTABLISHED exactly when the other is, unless something has gone wrong."""
    server, client = w.ends
    if w.wire or lost or (server.state == ESTABLISHED) is (client.state == ESTABLISHED):
        return ()
    quiet = not any(w.down) and not any(w.seen)
    waits = any(e.clock is not None for e in w.ends) or any(e.end in ("timeout", "forgotten") for e in w.ends)
    opening = any(e.state in (SYN_SENT, SYN_RECEIVED, LISTEN) for e in w.ends)
    return ("both-open",) if quiet and not waits and not opening else ()


def _names(running: tuple[Running, ...]) -> tuple[str, ...]:
    return tuple([r.name for r in running if r.owner == "kernel"]) if running else ()


@lru_cache(maxsize=1 << 14)
def alone(e: Endpoint, timers: tuple[str, ...]) -> tuple[str, ...]:
    """What one end breaks by itself, given the kernel timers that run for it."""
    out = []
    if e.snd_una > e.snd_nxt:
        out.append("una-nxt")
    if "retransmission" in timers and "persist" in timers:
        out.append("one-clock")
    if "fin-wait-2" in timers and "time-wait" in timers:
        out.append("fin-or-2msl")
    if (
        ("time-wait" in timers) is not (e.state == TIME_WAIT)
        or ("fin-wait-2" in timers and e.state != FIN_WAIT_2)
        or (timers and e.state in (CLOSED, LISTEN))
    ):
        out.append("timer-fits")
    if e.state in _AFTER_CLOSE and (not e.fin_queued or e.snd_nxt > e.snd_end + 1):
        out.append("fin-last")
    if e.state in _REPEATING and not {"retransmission", "persist"} & set(timers):
        out.append("fin-repeated")
    if e.unread < 0 or (e.state in SYNCHRONIZED and e.unread > e.rcv_buf):
        out.append("window")
    return tuple(out)


@lru_cache(maxsize=1 << 14)
def between(server: Endpoint, client: Endpoint) -> tuple[str, ...]:
    """What the two ends break together. Only ends of one connection can be compared."""
    out = []
    for e, peer in ((server, client), (client, server)):
        if e.state not in SYNCHRONIZED or peer.state not in SYNCHRONIZED:
            continue
        if not e.snd_una <= peer.rcv_nxt <= e.snd_end + e.fin_queued:
            out.append("sent-before-acked")
        fins = e.fins
        if (fins.acked and not peer.peer_fin) or (peer.peer_fin and not e.fin_queued):
            out.append("boxes")
    return tuple(out)

