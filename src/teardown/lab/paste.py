"""A paste of `netstat -tanpo`, as an operator gets it: made from worlds of the engine, never typed.

Each row of a lab file is one connection of one process on this machine, at a moment of its life. The seed decides
which process has which connection, so that the names give nothing away.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from teardown.durations import duration
from teardown.errors import InputError
from teardown.lab.variants import number, places
from teardown.lab.waits import what_ends
from teardown.tcp.states import CLOSE_WAIT, CLOSED
from teardown.world import scenario as scenarios
from teardown.world.moves import apply, begin, next_move
from teardown.world.trace import HOSTS, Host, other
from teardown.world.world import Scenario, World

_KEYS = {"id", "process", "scenario", "host", "at", "copies", "eof"}
#: How net-tools spells the states.
_SPELLED = {"FIN-WAIT-1": "FIN_WAIT1", "FIN-WAIT-2": "FIN_WAIT2"}
#: What net-tools calls the kernel's timers.
_TIMERS = {"retransmission": "on", "persist": "probe", "keepalive": "keepalive", "fin-wait-2": "timewait", "time-wait": "timewait"}
HEAD = (
    "Proto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name     Timer"
)


class Row(NamedTuple):
    """One process and its connections. `unread_eof`: its program has not read the end of file."""

    id: str
    process: str
    scenario: Scenario
    host: Host
    at: int  # µs after the scenario's beginning
    copies: int
    unread_eof: bool


def parse_rows(data: Any, place: str) -> tuple[Row, ...]:
    """The rows under `[[paste]]`."""
    if not isinstance(data, list) or len(data) > 8:
        raise InputError("paste must be a list of at most 8 tables", place=place, mend="Write [[paste]]")
    rows = tuple(_row(entry, f"{place}, paste {n}") for n, entry in enumerate(data, 1))
    if len({row.id for row in rows}) < len(rows):
        raise InputError("two rows of the paste have the same id", place=place, mend="Give each its own id")
    return rows


def _row(data: Any, place: str) -> Row:
    if not isinstance(data, dict):
        raise InputError("a row must be a table", place=place, mend="Write [[paste]]")
    for key in data:
        if key not in _KEYS:
            raise InputError(f"unknown key {key!r}", place=place, mend=f"A row has {', '.join(sorted(_KEYS))}")
    for key in ("id", "process"):
        if not isinstance(data.get(key), str) or not re.fullmatch(r"[a-z0-9-]{1,15}", data[key]):
            raise InputError(f"{key} cannot be {data.get(key)!r}", place=place, mend="Use up to 15 lower-case letters")
    host, copies, eof = data.get("host", "server"), data.get("copies", 1), data.get("eof", "unread")
    if host not in HOSTS:
        raise InputError(f"host cannot be {host!r}", place=place, mend="Write server or client")
    if not isinstance(copies, int) or isinstance(copies, bool) or not 0 < copies <= 20:
        raise InputError(f"copies cannot be {copies!r}", place=place, mend="Write a whole number up to 20")
    if eof not in ("read", "unread"):
        raise InputError(f"eof cannot be {eof!r}", place=place, mend="Write read or unread")
    if not isinstance(data.get("scenario"), str):
        raise InputError("scenario is missing", place=place, mend='Write scenario = "missed-eof"')
    try:
        played = scenarios.load(data["scenario"])
    except InputError as error:
        raise error.at(place) from None
    return Row(data["id"], data["process"], played, host, duration(data.get("at", "30s"), place), copies, eof == "unread")


@lru_cache(maxsize=64)
def world(row: Row) -> World:
    """The world of a row's connection at its moment: everything that is due until then has happened."""
    w, _steps = begin(row.scenario)
    while next_move(w) is not None:
        after, _steps = apply(w, "wait")
        if after.now > row.at:
            break
        w = after
    return w


def named(rows: Sequence[Row], seed: int) -> dict[str, str]:
    """The process of each row, by the row's id: the seed deals the names out."""
    names = [row.process for row in rows]
    if seed:
        names.sort(key=lambda name: number(seed, f"process {name}"))
    return dict(zip((row.id for row in rows), names, strict=True))


def pid(process: str, seed: int) -> int:
    """The process id that a seed gives to a process."""
    return 1_000 + number(seed, f"pid {process}") % 28_000


@lru_cache(maxsize=64)
def leaks(rows: tuple[Row, ...]) -> tuple[str, ...]:
    """The rows whose connection stays in CLOSE_WAIT for ever, as the engine says."""
    return tuple(
        row.id
        for row in rows
        if (w := world(row)).states.of(row.host) == CLOSE_WAIT and what_ends(row.host, w)[0] == "nothing"
    )


def text(rows: tuple[Row, ...], seed: int) -> str:
    """The paste: one line for each connection, in an order that the seed decides.

    The machine is the one whose program leaks. The connection that the lab plays is not among them: its addresses stand
    beside the question and would answer it.
    """
    lines = []
    processes, net = named(rows, seed), places(seed)
    here = next((row for row in rows if row.id in leaks(rows)), rows[0]).host
    local, away = net.of(here).split(":")[0], net.of(other(here)).rpartition(".")[0]
    for row in rows:
        w, n = world(row), number(seed, f"row {row.id}")
        e = w.ends.of(row.host)
        if e.state == CLOSED:
            continue
        process = processes[row.id]
        for copy in range(row.copies):
            far = f"{away}.{(n + copy * 7) % 200 + 20}"
            high, low = 49_152 + (n // 7 + copy * 131) % 16_000, (443, 5432, 8080)[n % 3]
            mine, theirs = (f"{local}:{low}", f"{far}:{high}") if row.host == "server" else (f"{local}:{high}", f"{far}:{low}")
            owner = "-" if e.orphan or e.state == "TIME-WAIT" else f"{pid(process, seed)}/{process}"
            received = e.unread + (e.peer_fin and row.unread_eof and not e.orphan)
            state = _SPELLED.get(e.state, e.state.replace("-", "_"))
            line = (
                f"{'tcp':<4}  {received:6} {e.outstanding:6} {mine:<23} {theirs:<23} {state:<11} {owner:<20} "
                f"{_timer(w, row)}"
            )
            lines.append((number(seed, f"{row.id} {copy}"), line))
    return "\n".join([HEAD, *(line for _order, line in sorted(lines))])


def _timer(w: World, row: Row) -> str:
    for running in w.timers.of(row.host):
        if running.owner == "kernel" and running.name in _TIMERS:
            return f"{_TIMERS[running.name]} ({(running.expires - row.at) / 1e6:.2f}/0/0)"
    return "off (0.00/0/0)"
