"""The figure and table of `performance.md`, from what `make bench-labs` wrote."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

from teardown.draw.svg import escape
from teardown.errors import InputError

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results" / "labs.json"
WAYS = (("cold", "First visit"), ("repeat", "Again"), ("slow line", "First visit, slow line"))
_WIDTH, _LEFT, _ROW = 640, 210, 22


def peers() -> str:
    """Bars for each way of visiting, and the table behind them."""
    try:
        data = json.loads(RESULTS.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the measurements: {error}", mend="Run make bench-labs") from None
    values: dict[str, list[float]] = data["values"]
    names = list(dict.fromkeys(key.split(", ")[0] if "MicroPython" not in key and "editor, Pyodide" not in key
                               else ", ".join(key.split(", ")[:2]) for key in values if ", cold: first" in key))  # fmt: skip
    figures = "".join(_bars(values, names, way, title) for way, title in WAYS)
    notes = data.get("notes", {})
    missing = "".join(f"<li>{escape(what)}</li>" for what in data.get("missing", []))
    load = ", ".join(f"{value:.1f}" for value in (notes.get("load before", [0])[0], notes.get("load after", [0])[0]))
    return (
        f'<div class="peers">{figures}{_table(values, names)}'
        f"<p>Load of the machine with {data['machine']['cores']} cores before and after: {load}.</p>"
        + (f"<p>Not set up:</p><ul>{missing}</ul>" if missing else "")
        + _budgets(data["budgets"])
        + "</div>"
    )


def _bars(values: dict[str, list[float]], names: list[str], way: str, title: str) -> str:
    rows = [(name, values.get(f"{name}, {way}: first", []), values.get(f"{name}, {way}: live", [])) for name in names]
    rows = [(name, first, live) for name, first, live in rows if first]
    if not rows:
        return ""
    most = max(max(first + live) for _, first, live in rows)
    scale = (_WIDTH - _LEFT - 70) / most
    out = []
    for i, (name, first, live) in enumerate(rows):
        y = 30 + i * _ROW
        end = median(live) if live else median(first)
        out.append(f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>')
        if live:
            out.append(f'<rect x="{_LEFT}" y="{y + 2}" width="{end * scale:.1f}" height="14" fill="#6a7aa8"/>')
        fill = "#1c7855" if name == "ours" else "#a9a9a9"
        out.append(f'<rect x="{_LEFT}" y="{y + 2}" width="{median(first) * scale:.1f}" height="14" fill="{fill}"/>')
        seen = live or first
        low, high = min(seen) * scale + _LEFT, max(seen) * scale + _LEFT
        out.append(f'<path d="M{low:.1f} {y + 9}H{high:.1f}" class="spread" stroke="#222222" stroke-width="1.5"/>')
        said = f"{median(first) / 1000:.2f} s" + (f", live {end / 1000:.2f} s" if live else "")
        out.append(f'<text x="{max(high, end * scale + _LEFT) + 6:.1f}" y="{y + 13}">{said}</text>')
    height = 36 + len(rows) * _ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {_WIDTH + 60} {height}" font-size="13" '
        f'font-family="Roboto, Arial, sans-serif" fill="#222222"><title>{escape(title)}: time to the first result</title>'
        f'<rect class="paper" width="100%" height="100%" fill="#ffffff"/>'
        f'<text x="8" y="18" font-weight="700">{escape(title)}</text>{"".join(out)}</svg>'
    )


def _table(values: dict[str, list[float]], names: list[str]) -> str:
    def cell(name: str, way: str, what: str, digits: int = 0) -> str:
        seen = values.get(f"{name}, {way}: {what}", [])
        return f"{median(seen):,.{digits}f}" if seen else "–"

    head = "".join(f"<th>{text}</th>" for text in (
        "System", "First result, ms", "Again, ms", "Slow line, ms", "kB to the result", "Requests", "Page blocked, ms"))  # fmt: skip
    body = "".join(
        f"<tr><td>{escape(name)}</td><td>{cell(name, 'cold', 'first')}</td><td>{cell(name, 'repeat', 'first')}</td>"
        f"<td>{cell(name, 'slow line', 'first')}</td><td>{cell(name, 'cold', 'kB')}</td>"
        f"<td>{cell(name, 'cold', 'requests')}</td><td>{cell(name, 'cold', 'blocked')}</td></tr>"
        for name in names
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _budgets(budgets: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td>{escape(b['what'])}</td><td>{b['value']:g}</td><td>{b['most']:g}</td><td>{'yes' if b['met'] else 'no'}</td></tr>"
        for b in budgets
    )
    return f"<table><thead><tr><th>Budget</th><th>Measured</th><th>At most</th><th>Met</th></tr></thead><tbody>{rows}</tbody></table>"
