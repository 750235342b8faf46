"""Random walks: a seed gives a few random moves, the same in the engine and on the kernel.

A walk has no delays that a retransmission could fall into: it waits only when nothing is held. A play that takes so
long that something could be resent anyway is played again.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from teardown.kernel.observe import Observation
from teardown.kernel.play import play
from teardown.kernel.rig import Rig, no_tracefs
from teardown.kernel.scenarios import Scenario, check
from teardown.kernel.tracefs import Tracer
from teardown.world.trace import HOSTS, Host

#: Kernel settings of a walk. Without SACK, the tail-loss probe and the counting of repeated ACKs nothing is
#: resent before 200 ms; without the rate limit every stray gets its answer.
SETTINGS: Final[Mapping[str, Mapping[str, int]]] = {
    host: {
        "tcp_sack": 0,
        "tcp_early_retrans": 0,
        "tcp_reordering": 100,
        "tcp_invalid_ratelimit": 0,
        "tcp_fin_timeout": 1,
    }
    for host in HOSTS
}
_WAIT: Final = 1.3  # outlasts tcp_fin_timeout 1
_CALLS: Final = {
    "close": 4, "shutdown-write": 3, "shutdown-read": 1, "send": 4, "recv": 3, "abort": 1,
}  # fmt: skip
#: What a forger may send: flags, sequence numbers (see Wire.forge), acknowledgements, bytes of text. No new text,
#: no new FIN and no acceptable SYN: nobody would know of them but the victim, and the two would argue for ever.
_FORGERIES: Final[tuple[tuple[str, tuple[int | str, ...], tuple[int, ...], int], ...]] = (
    ("R", (-20, -1, 0, 1, 1000, "window", 70_000), (0,), 0),
    ("RA", (-1, 0, 1), (-1, 0, 1), 0),
    ("S", (-1, 0), (0,), 0),
    ("SA", (-1, 0), (0, 1), 0),
    ("A", (-1, 0, 1, "window", 70_000), (-1, 0, 1), 0),
    ("FA", (-1,), (0,), 0),
    ("F", (-1,), (0,), 0),
    ("A", (-5,), (0,), 5),
)
_MOST: Final = 0.1  # seconds that a walk may take without its waits: half of the 200 ms that a resend takes


def _forgery(chance: random.Random) -> dict[str, Any]:
    flags, aheads, answers, length = chance.choice(_FORGERIES)
    move: dict[str, Any] = {"net": "forge", "to": chance.choice(HOSTS), "flags": flags}
    move["ahead"] = chance.choice(aheads)
    if "A" in flags:
        move["answers"] = chance.choice(answers)
    return move | ({"bytes": length} if length else {})


def walk(
    seed: int, n: int | None = None, *, waits: bool = False, forged: bool = False
) -> list[dict[str, Any]]:
    """`n` random moves (3 to 7 if not said), then the release of everything that is still held.

    With `waits`, some walks let 1.3 s pass when nothing is held, so that FIN-WAIT-2 runs out. Without, a walk
    is over in a few milliseconds. With `forged`, segments arrive that the peer never sent.
    """
    chance = random.Random(seed)
    moves: list[dict[str, Any]] = []
    open_ends: list[Host] = list(HOSTS)
    held: list[Host] = []
    for _ in range(chance.randint(3, 7) if n is None else n):
        kinds = ["call"] * (6 * len(open_ends)) + ["hold"] * 2 * (len(held) < 2) + ["release"] * 3 * len(held)
        kinds += ["double"] * 2
        kinds += ["forge"] * (8 * forged)
        kinds += ["wait"] * (3 * (waits and not held))
        if not open_ends and not held:
            break
        match chance.choice(kinds):
            case "call":
                host = chance.choice(open_ends)
                call = chance.choices(list(_CALLS), list(_CALLS.values()))[0]
                move: dict[str, Any] = {"host": host, "call": call}
                if call in ("send", "recv"):
                    move["bytes"] = 10 if call == "send" else 100
                if call in ("close", "abort"):
                    open_ends.remove(host)
                moves.append(move)
            case "hold":
                host = chance.choice([h for h in HOSTS if h not in held])
                held.append(host)
                moves.append({"net": "hold", "from": host})
            case "release":
                host = chance.choice(held)
                held.remove(host)
                backwards = {"backwards": True} if chance.random() < 0.4 else {}
                moves.append({"net": "release", "from": host, **backwards})
            case "double":
                moves.append({"net": "double", "from": chance.choice(HOSTS)})
            case "forge":
                moves.append(_forgery(chance))
            case "wait":
                moves.append({"wait": _WAIT})
    moves += [{"net": "release", "from": host} for host in held]
    return moves


def scenario(seed: int, n: int | None = None, *, waits: bool = False, forged: bool = False) -> Scenario:
    """The walk of this seed as a scenario of the rig."""
    moves = tuple(walk(seed, n, waits=waits, forged=forged))
    check(moves, f"walk {seed}")
    return Scenario(
        f"walk-{seed}{'-waits' * waits}{'-forged' * forged}", f"random walk {seed}", moves, SETTINGS
    )


def steady(one: Scenario, rig: Rig) -> Observation:
    """Play a scenario of this module's kind, in so short a time that nothing held can have been resent."""
    waited = sum(move.get("wait", 0) for move in one.moves)
    return play(one, rig=rig, most=waited + _MOST)


def play_walks(seeds: Iterable[int], *, waits: bool = False, forged: bool = False) -> Iterator[Observation]:
    """Play the walks of `seeds` one after another, all on one rig, each on a connection of its own."""
    with contextlib.ExitStack() as stack:
        tracer = stack.enter_context(Tracer()) if no_tracefs() is None else None
        rig = None
        for seed in seeds:
            one = scenario(seed, waits=waits, forged=forged)
            if rig is None:
                rig = stack.enter_context(one.rig(tracer))
            yield steady(one, rig)
