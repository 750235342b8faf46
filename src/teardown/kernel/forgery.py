"""Stray and forged segments: every kind of them, in every state, one play each.

The server is brought into a state, and then one segment arrives that the client never sent. What the kernel
answers, and where it goes, is the order of checks of RFC 9293 §3.10.7.4 as Linux has it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from teardown.kernel.observe import digest
from teardown.kernel.scenarios import Scenario, check
from teardown.kernel.walk import SETTINGS, steady

_CLOSE: Final = {"host": "server", "call": "close"}
_SHUT: Final = {"host": "server", "call": "shutdown-write"}
_PEER_CLOSES: Final = {"host": "client", "call": "close"}
_HOLD: Final = {"net": "hold", "from": "client"}

#: How to bring the server into each state, and keep it there.
ROADS: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    "ESTABLISHED": (),
    "FIN-WAIT-1, held": (_HOLD, _SHUT),
    "FIN-WAIT-1, orphan": (_HOLD, _CLOSE),
    "FIN-WAIT-2, held": (_SHUT,),
    "FIN-WAIT-2, orphan": (_CLOSE,),
    "CLOSE-WAIT": (_PEER_CLOSES,),
    "CLOSING": (
        {"net": "hold"},
        _SHUT,
        _PEER_CLOSES,
        _HOLD,
        {"net": "drop", "from": "client"},
        {"net": "release", "from": "client"},
        _HOLD,
    ),
    "LAST-ACK": (_PEER_CLOSES, _HOLD, {"net": "hold", "from": "server"}, _SHUT),
    "TIME-WAIT": (_CLOSE, _PEER_CLOSES),
    "CLOSED": ({"host": "server", "call": "abort"},),
}

#: Flags, sequence number (see Wire.forge), acknowledgement, bytes of text.
FORGERIES: Final[tuple[tuple[str, int | str, int, int], ...]] = (
    *(("R", ahead, 0, 0) for ahead in (-20, -1, 0, 1, 1000, "window", 70_000)),
    *(("RA", ahead, answers, 0) for ahead in (-1, 0, 1) for answers in (-1, 0, 1)),
    *(("S", ahead, 0, 0) for ahead in (-20, -1, 0)),
    *(("SA", ahead, 0, 0) for ahead in (-1, 0)),
    *(("A", ahead, answers, 0) for ahead in (-20, -1, 0, 1, "window", 70_000) for answers in (-1, 0, 1)),
    ("A", 0, -70_000, 0),
    *(("A", ahead, answers, 5) for ahead in (-20, -5) for answers in (-1, 0, 1)),
    *(("FA", ahead, answers, 0) for ahead in (-20, -1) for answers in (-1, 0)),
    ("F", -1, 0, 0),
    ("F", -20, 0, 0),
    ("", 0, 0, 0),
    ("", -1, 0, 0),
)


def forgeries() -> tuple[Scenario, ...]:
    """One scenario for every state and every kind of forged segment."""
    found = []
    for state, road in ROADS.items():
        for flags, ahead, answers, length in FORGERIES:
            move = {"net": "forge", "to": "server", "flags": flags, "ahead": ahead}
            move |= {"answers": answers} if "A" in flags else {}
            move |= {"bytes": length} if length else {}
            number = ahead if isinstance(ahead, str) else f"{ahead:+d}"
            name = f"{state}: {flags or 'no flags'} {number}"
            name += f" ack {answers:+d}" if "A" in flags else ""
            name += f" {length} bytes" if length else ""
            moves = (*road, move)
            check(moves, name)
            found.append(Scenario(name, name, moves, SETTINGS))
    return tuple(found)


def play_forgeries() -> dict[str, dict[str, str]]:
    """Play all of them on one rig (about five seconds); a digest of each by its name."""
    wanted = forgeries()
    with wanted[0].rig() as rig:
        return {one.id: digest(steady(one, rig)) for one in wanted}


def write(path: Path, made: Mapping[str, Any], seen: Mapping[str, Mapping[str, str]]) -> None:
    """Keep what was seen, one play on a line."""
    rows = [f"  {json.dumps(n)}: {json.dumps(d, ensure_ascii=False)}" for n, d in seen.items()]
    text = f'{{\n "version": 1,\n "made": {json.dumps(dict(made))},\n "plays": {{\n' + ",\n".join(rows)
    path.write_text(text + "\n }\n}\n", "utf-8")


def read(path: Path) -> dict[str, dict[str, str]]:
    """What `write` kept."""
    return dict(json.loads(path.read_text("utf-8"))["plays"])
