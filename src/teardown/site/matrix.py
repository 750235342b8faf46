"""The matrix: who closes how, by operating system and by language runtime, as an overview and cell by cell.

Three kinds of fact meet here and each keeps its own home: values and runs of the stacks (`stacks.toml`, the engine),
measurements of runtimes (`matrix.toml`, repeated by the tests), and what sources say (`matrix.toml`). A cell for which
there is none of them is unknown, and says so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.site import references
from teardown.site.tables import Waits, waits
from teardown.stacks import Value, stack

MARKS: Final = ("measured", "read", "unverified", "unknown")

#: Behaviours that a stack answers -> the value whose source and mark stand behind the answer.
FROM_STACK: Final = {
    "unread": "unread_close_resets",
    "close": "fin_wait_2",
    "then": "fin_wait_2_late_close",
    "held": "fin_wait_2_held",
    "time-wait": "time_wait",
    "assassin": "rst_in_time_wait",
}
_ASSASSIN: Final = {
    "closes": ("ends it", "Any reset in the window ends TIME_WAIT."),
    "closes-if-exact": ("exact one", "Only a reset with exactly the next sequence number ends it."),
    "ignored": ("ignored", "TIME_WAIT ignores it."),
}


class Cell(NamedTuple):
    """What one system or runtime does in one case. `sources` are ids with a locator; `run` names a recorded run."""

    short: str
    says: str
    mark: str
    sources: tuple[str, ...] = ()
    run: str = ""
    call: str = ""


UNKNOWN: Final = Cell("unknown", "", "unknown")


class Column(NamedTuple):
    """One behaviour: short name, the question it answers, and a sentence about it."""

    id: str
    short: str
    title: str
    says: str


class Row(NamedTuple):
    """One system or runtime, with a cell for every behaviour."""

    id: str
    title: str
    note: str
    cells: Mapping[str, Cell]


class Table(NamedTuple):
    """Half of the matrix."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def cells(self) -> Iterator[Cell]:
        """Every cell, row by row."""
        return (row.cells[column.id] for row in self.rows for column in self.columns)


@cache
def _raw() -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name("matrix.toml").read_text(encoding="utf-8"))


_known = cache(references.load)


@cache
def table(name: str) -> Table:
    """`systems` or `runtimes`. Raises InputError for a cell that names an unknown source, behaviour or mark."""
    data = _raw()[name]
    columns = tuple(Column(**column) for column in data["behaviours"])
    rows = tuple(_row(name, raw, columns) for raw in data["rows"])
    return Table(name, columns, rows)


def _row(name: str, raw: Mapping[str, Any], columns: tuple[Column, ...]) -> Row:
    place = f"matrix.toml, {name}, {raw['id']}"
    cells = _of_stack(raw["stack"]) if "stack" in raw else {}
    cells |= {case: _measured(case, seen, raw) for case, seen in raw.get("measured", {}).items()}
    for case, cell in raw.get("cells", {}).items():
        sources = tuple(part.strip() for part in cell["source"].split(";"))
        cells[case] = Cell(cell["short"], cell["says"], cell["mark"], sources, cell.get("run", ""))
    known = {column.id for column in columns}
    for case, cell in cells.items():
        if case not in known:
            raise InputError(f"there is no behaviour {case!r}", place=place, mend=f"Known are {', '.join(sorted(known))}")
        _check(cell, f"{place}, {case}")
    note = f"with {raw['with']}" if "with" in raw else ""
    return Row(raw["id"], raw["title"], note, {column.id: cells.get(column.id, UNKNOWN) for column in columns})


def _check(cell: Cell, place: str) -> None:
    if cell.mark not in MARKS[:3]:
        raise InputError(f"unknown mark {cell.mark!r}", place=place, mend=f"Known are {', '.join(MARKS[:3])}")
    for source in cell.sources:
        if source.split(" ")[0] not in _known():
            raise InputError(f"no source has the id {source!r}", place=place, mend="Add it to references.toml")


def _measured(case: str, seen: str, raw: Mapping[str, Any]) -> Cell:
    words = _raw()["outcomes"][case][seen]
    return Cell(words["short"], words["says"], "measured", ("probes",), call=raw.get("calls", {}).get(case, ""))


# --- what the stacks answer --------------------------------------------------------------------------------


def _of_stack(name: str) -> dict[str, Cell]:
    """The cells that a stack's values and runs answer.

    A value that a system has only because its data inherits the RFC's says nothing about that system: no cell.
    """
    known, ran = stack(name), waits(name)
    cells = {}
    for case, key in FROM_STACK.items():
        value = known.values.get(key)
        if value is not None and not (value.inherited == "rfc9293" and name != "rfc9293"):
            short, says = _said(case, known.profile, ran)
            cells[case] = Cell(short, says, value.mark, _sources(value))
    return cells


def _sources(value: Value) -> tuple[str, ...]:
    return (value.source,)


def _said(case: str, profile: Any, ran: Waits) -> tuple[str, str]:
    if case == "unread":
        return ("RST", "A reset.") if profile.unread_close_resets else ("FIN", "Unread data is thrown away, and a FIN goes out.")
    if case == "assassin":
        return _ASSASSIN[profile.rst_in_time_wait]
    if case == "time-wait":
        return _seconds(ran.time_wait), f"{_seconds(ran.time_wait)}."
    us = {"close": ran.close, "then": ran.late_close, "held": ran.held}[case]
    if us is None and profile.detached_keepalive and case != "held":
        return "while probed", "As long as the peer's kernel answers probes."
    return ("never ends", "It never ends by itself.") if us is None else (_seconds(us), f"{_seconds(us)}.")


def _seconds(us: int) -> str:
    return f"{round(us / 1_000_000)} s"


_UNKNOWN: Final = "Neither measured nor found in a source, and so unknown:"
_ROWS: Final = {"systems": "System", "runtimes": "Runtime"}


# --- HTML ----------------------------------------------------------------------------------------------------


def count() -> dict[str, int]:
    """How many cells of both halves carry each mark."""
    cells = [cell for name in ("systems", "runtimes") for cell in table(name).cells()]
    return {mark: sum(cell.mark == mark for cell in cells) for mark in MARKS}


def html(name: str) -> str:
    """One half of the matrix: the overview, then one table for each behaviour."""
    half = table(name)
    return _overview(half) + "".join(_detail(half, column) for column in half.columns)


def _overview(half: Table) -> str:
    heads = "".join(map(partial(_head, half), half.columns))
    rows = "".join(
        f'<tr><th scope="row">{escape(row.title)}</th>'
        + "".join(_cell(row.cells[c.id]) for c in half.columns)
        + "</tr>"
        for row in half.rows
    )
    label = {"systems": "Closing by operating system", "runtimes": "Closing by language runtime, on Linux"}[half.name]
    head = f'<caption>{label}</caption><thead><tr><th scope="col">{_ROWS[half.name]}</th>{heads}</tr></thead>'
    return _box(label, f'<table class="matrix">{head}<tbody>{rows}</tbody></table>')


def _head(half: Table, column: Column) -> str:
    label = escape(f"{column.short}: {column.title}")
    return f'<th scope="col"><a href="#{half.name}-{column.id}" aria-label="{label}">{escape(column.short)}</a></th>'


def _cell(cell: Cell) -> str:
    mark = f"<br><small>{cell.mark}</small>" if cell.mark in ("measured", "unverified") else ""
    return f'<td class="{cell.mark}">{escape(cell.short)}{mark}</td>'


def _detail(half: Table, column: Column) -> str:
    known = [row for row in half.rows if row.cells[column.id].mark != "unknown"]
    rows = "".join(
        f'<tr id="{half.name}-{column.id}-{row.id.replace(".", "-")}"><th scope="row">{escape(row.title)}</th>'
        f"<td>{_what(row.cells[column.id])}</td><td>{_how(row.cells[column.id], row)}</td></tr>"
        for row in known
    )
    rest = [row.title for row in half.rows if row not in known]
    return (
        f'<h3 id="{half.name}-{column.id}">{escape(column.title)}</h3><p>{escape(column.says)}</p>'
        + _box(
            column.title,
            f'<table><thead><tr><th scope="col">{_ROWS[half.name]}</th><th scope="col">What happens</th>'
            f'<th scope="col">How we know</th></tr></thead><tbody>{rows}</tbody></table>',
        )
        + (f"<p>{escape(_UNKNOWN)} {escape(', '.join(rest))}.</p>" if rest else "")
    )


def _what(cell: Cell) -> str:
    call = f"<code>{escape(cell.call)}</code><br>" if cell.call else ""
    return f"{call}{escape(cell.says)}"


def _how(cell: Cell, row: Row) -> str:
    links = ", ".join(_link(source) for source in cell.sources)
    run = f"<br><small>recorded run <code>{escape(cell.run)}</code></small>" if cell.run else ""
    note = f"<br><small>{escape(row.note)}</small>" if cell.sources == ("probes",) else ""
    return f'<span class="mark">{cell.mark}</span> {links}{run}{note}'


def _link(source: str) -> str:
    id_, _, where = source.partition(" ")
    name = _known()[id_].name
    return f'<a href="../references/#source-{escape(id_)}">{escape(name)}</a>{" " + escape(where) if where else ""}'


def _box(label: str, inside: str) -> str:
    return f'<div class="table-box" role="region" aria-label="{escape(label)}" tabindex="0">{inside}</div>'
