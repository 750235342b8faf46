"""One move for many: a segment is lost with every copy that its kernel still sends.

The explorer, hints and links know the moves that it stands for, and nothing of this one. It saves a reader from
pressing the same two buttons again and again.
"""

from __future__ import annotations

from teardown.world.captions import segment_text
from teardown.world.moves import Move, apply, next_move
from teardown.world.world import SEATS, Flight, World

_NAME = "lose-all:"
_MOST = 40  # no kernel here sends a segment so often


def offered(w: World, f: Flight) -> Move | None:
    """The move, for a segment that has been sent before and that its kernel goes on repeating."""
    seats = w.scenario.seats or SEATS
    repeats = f.again > 0 and any(r.name == "retransmission" for r in w.timers.of(f.sender))
    if not repeats or not {"network", "clock"} <= set(seats):
        return None
    what = segment_text(f.segment, f.again)
    return Move(f"{_NAME}{f.packet}", "drop", None, f"Lose {what}, and every copy that the {f.sender}'s kernel still sends")


def spelled(w: World, move: str) -> tuple[str, ...]:
    """The moves that this one stands for, made in this world; any other stands for itself."""
    number = move.removeprefix(_NAME)
    flight = w.flight(int(number)) if move != number and number.isdecimal() and len(number) < 9 else None
    if flight is None or offered(w, flight) is None:
        return (move,)
    again = f"fire:{flight.sender}:retransmission"
    out: list[str] = []
    while flight is not None and len(out) < _MOST:
        known = w.packets
        out.append(f"drop:{flight.packet}")
        w, _steps = apply(w, out[-1])
        if next_move(w) != again:
            break
        out.append(again)
        w, _steps = apply(w, again)
        flight = next((f for f in w.wire if f.packet > known and f.sender == flight.sender), None)
    return tuple(out)
