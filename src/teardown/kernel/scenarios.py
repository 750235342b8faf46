"""The scenarios of the rig: `scenarios.toml`, read and checked."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from teardown.errors import InputError
from teardown.kernel.rig import Rig
from teardown.tcp import states
from teardown.world.trace import HOSTS

if TYPE_CHECKING:
    from teardown.kernel.tracefs import Tracer

#: Every call, with the fields it must have.
CALLS: Final[Mapping[str, tuple[str, ...]]] = {
    "close": (), "abort": (), "kill": (), "error": (),
    "shutdown-write": (), "shutdown-read": (), "shutdown-both": (),
    "send": ("bytes",), "recv": (), "set": ("option",),
}  # fmt: skip
OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "SO_LINGER": ("seconds",), "SO_KEEPALIVE": (), "SO_RCVBUF": ("value",),
    "TCP_LINGER2": ("value",), "TCP_USER_TIMEOUT": ("value",),
}  # fmt: skip
#: Every move of the network, with the fields it must have.
NETS: Final[Mapping[str, tuple[str, ...]]] = {
    "hold": (), "release": (), "drop": (), "double": (), "delay": (), "cut": (), "mend": (),
    "lose": ("nth",), "late": ("nth", "seconds"), "after": ("nth", "calls"), "forge": ("to", "flags", "ahead"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scenario:
    """What to play. `settings` has kernel settings for `server` and `client`, `latency` and `quick_ack`.

    `slow`: takes so long that it is played on demand only; what was recorded is checked all the same.
    """

    id: str
    title: str
    moves: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any]
    slow: bool = False

    def rig(self, tracer: Tracer | None = None) -> Rig:
        """A new rig with this scenario's settings."""
        return Rig(
            {host: self.settings.get(host, {}) for host in HOSTS},
            latency=self.settings.get("latency", 0.0),
            quick_ack=self.settings.get("quick_ack", True),
            tracer=tracer,
        )


def check(moves: tuple[Mapping[str, Any], ...], place: str) -> None:
    """Raise InputError for the first move that is not one."""
    closed: set[str] = set()
    for number, move in enumerate(moves, 1):
        here = f"{place}, move {number}"
        if "call" in move:
            _check_call(move, closed, here)
        elif "net" in move:
            if move["net"] not in NETS:
                raise InputError(
                    f"no network move {move['net']!r}", place=here, mend=f"Try {', '.join(NETS)}."
                )
            for name in ("from", "to"):
                if move.get(name, "server") not in HOSTS:
                    raise InputError(f"no host {move[name]!r}", place=here, mend="Use server or client.")
            for name in NETS[move["net"]]:
                if name not in move:
                    raise InputError(f"{move['net']} needs {name}", place=here)
        elif "until" in move:
            words = str(move["until"]).split()
            if (
                len(words) != 2
                or words[0] not in HOSTS
                or words[1] not in states.STATES
                or "most" not in move
            ):
                raise InputError("this wait cannot be understood", place=here, mend="Write until and most.")
        elif "arrivals" in move or "after" in move:
            if move.get("host") not in HOSTS or ("arrivals" in move and "most" not in move):
                raise InputError("this wait cannot be understood", place=here, mend="Write host and most.")
        elif not isinstance(move.get("wait", move.get("at")), int | float):
            mend = "Write call, net, wait, until, at, after or arrivals."
            raise InputError(f"no such move: {dict(move)}", place=here, mend=mend)


def _check_call(move: Mapping[str, Any], closed: set[str], here: str) -> None:
    host, call = move.get("host"), move["call"]
    if host not in HOSTS:
        raise InputError(f"no host {host!r}", place=here, mend="Use server or client.")
    if call not in CALLS:
        raise InputError(f"no call {call!r}", place=here, mend=f"Try one of {', '.join(CALLS)}.")
    needed = CALLS[call]
    if call == "set":
        if move.get("option") not in OPTIONS:
            raise InputError(
                f"no option {move.get('option')!r}", place=here, mend=f"Try {', '.join(OPTIONS)}."
            )
        needed += OPTIONS[move["option"]]
    for name in needed:
        if name not in move:
            raise InputError(f"{call} needs {name}", place=here)
    if host in closed:
        raise InputError(f"the {host} has closed its socket already", place=here, mend="Take this call out.")
    if call in ("close", "abort", "kill"):
        closed.add(str(host))


@functools.cache
def scenarios() -> tuple[Scenario, ...]:
    """All scenarios, in the order of the file."""
    text = resources.files("teardown.kernel").joinpath("scenarios.toml").read_text("utf-8")
    found = []
    for row in tomllib.loads(text)["scenario"]:
        settings = {k: row[k] for k in ("server", "client", "latency", "quick_ack") if k in row}
        one = Scenario(row["id"], row["title"], tuple(row["moves"]), settings, row.get("slow", False))
        check(one.moves, f"scenarios.toml, scenario {one.id}")
        found.append(one)
    return tuple(found)


def scenario(name: str) -> Scenario:
    """The scenario of this id. Raises InputError if there is none."""
    for one in scenarios():
        if one.id == name:
            return one
    known = ", ".join(one.id for one in scenarios())
    raise InputError(f"no kernel scenario {name!r}", mend=f"There are {known}.")
