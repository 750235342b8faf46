"""The tables of pages that are computed: every number in them comes out of a run of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from teardown.draw.lanes import Lane
from teardown.draw.lanes import draw as draw_lanes
from teardown.draw.population import Stay
from teardown.draw.population import draw as draw_population
from teardown.draw.svg import escape
from teardown.programs import program
from teardown.stacks import Value, names, stack
from teardown.tcp.states import FIN_WAIT_2
from teardown.world.run import run
from teardown.world.scenario import load, varied
from teardown.world.trace import Trace
from teardown.world.world import Scenario

NEVER = "never"


class Budget(NamedTuple):
    """How long a server keeps the connection of a silent client: since its last request, µs, or None for ever."""

    server: str
    stack: str
    case: str
    parts: tuple[tuple[str, int | None], ...]
    total: int | None


#: The cases of the FAQ's sum: which server, on which system, with which client.
_CASES = (
    ("buggy-client", "httpd-2.4-event", "linux", "idle"),
    ("buggy-client", "httpd-1.3", "linux", "idle"),
    ("buggy-client", "httpd-1.2", "bsd-4.4", "idle"),
    ("buggy-client", "httpd-1.1", "bsd-4.4", "idle"),
    ("buggy-client", "nginx", "linux", "idle"),
    ("upload-then-silence", "httpd-2.4-event", "linux", "silent in the middle of an upload"),
)


def budget_rows() -> tuple[Budget, ...]:
    """One row for each case, from runs."""
    rows = []
    for scenario, server, system, case in _CASES:
        setup = varied(
            load(scenario), stacks={"server": system, "client": system}, programs={"server": server}
        )
        if scenario == "upload-then-silence":
            setup = varied(setup, values=[("server", "early_answer_bytes", "200")])
        trace = run(setup)
        rows.append(Budget(program(server).title, stack(system).title, case, _parts(trace), _freed(trace)))
    return tuple(rows)


def _freed(trace: Trace) -> int | None:
    """When the server's endpoint was gone; None if never."""
    return next((s.t for s in trace.steps if s.states.server == "CLOSED"), None)


def _parts(trace: Trace) -> tuple[tuple[str, int | None], ...]:
    """The timers that made up the wait, in the order in which they ran out."""
    parts: list[tuple[str, int | None]] = []
    started: dict[str, int] = {}
    for step in trace.steps:
        if step.event == "timer" and step.host == "server" and step.timer in started:
            parts.append((step.timer, step.t - started[step.timer]))
        for r in step.timers.server:
            started[r.name] = r.started
    if _freed(trace) is None:
        parts.append(("no timer", None))
    return tuple(parts)


_PART = {
    "keep-alive": "keep-alive",
    "linger": "lingering",
    "linger-total": "lingering",
    "fin-wait-2": "kernel",
}


def _seconds(us: int | None) -> str:
    return NEVER if us is None else f"{round(us / 1_000_000)} s"


def budgets() -> str:
    """The sums: keep-alive, lingering and kernel timer, and what they come to."""
    rows = []
    for b in budget_rows():
        parts = " + ".join(
            "no timer" if us is None else f"{_PART.get(name, name)} {_seconds(us)}" for name, us in b.parts
        )
        rows.append(
            f"<tr><th scope='row'>{escape(b.server)}</th><td>{escape(b.stack)}</td><td>{escape(b.case)}</td>"
            f"<td>{escape(parts)}</td><td><b>{escape(_seconds(b.total))}</b></td></tr>".replace("'", '"')
        )
    return _table(
        "How long a server keeps the connection of a silent client after its last request (run by the engine)",
        ("Server", "System", "The client is", "What adds up", "Gone after"), rows,
    )  # fmt: skip


# ------------------------------------------------------------------------------------- figures of many
#: The cases of the figure of a table that fills: id, name, server, system.
_POPULATION = (
    ("limited", "Linux, orphan timer", "httpd-2.4-event", "linux"),
    ("long", "4.4BSD, close()", "httpd-1.1", "bsd-4.4"),
    ("never", "4.4BSD, shutdown() then close()", "httpd-1.2", "bsd-4.4"),
)


def population_stays() -> tuple[Stay, ...]:
    """How long one connection of a healthy and of a buggy client stays in each server's table, from runs."""

    def hold(scenario: str, server: str, system: str) -> int | None:
        return _freed(run(varied(load(scenario), stacks={"server": system}, programs={"server": server})))

    return tuple(
        Stay(case, name, hold("normal-close", server, system), hold("buggy-client", server, system))
        for case, name, server, system in _POPULATION
    )


def population(ids: str) -> str:
    """The figure of a table that fills."""
    return draw_population(population_stays(), ids=ids)


def lanes(ids: str) -> str:
    """One lane for each system: how long it keeps a connection whose client never closes, after close()."""
    title = "How long each system waits for a FIN that never comes, after close()"
    drawn = draw_lanes(
        [Lane(stack(n).title, waits(n).close, "as long as the peer answers probes" if stack(n).profile.detached_keepalive
              else "") for n in names()],
        title, ids=ids,
    )  # fmt: skip
    return f'<figure class="tcp-figure"><figcaption><b>{escape(title)}.</b> The scale is logarithmic.</figcaption>{drawn}</figure>'


# ----------------------------------------------------------------------------------------------- stacks
class Waits(NamedTuple):
    """How long one stack stays in FIN_WAIT_2 and TIME_WAIT, µs; None: for ever."""

    stack: str
    close: int | None
    late_close: int | None
    held: int | None
    time_wait: int


def waits(name: str) -> Waits:
    """Measured in runs: close() first; shutdown() and close() two seconds later; shutdown() and held."""
    silent = load("buggy-client")

    def stay(server: str, *values: tuple[str, str]) -> int | None:
        scenario: Scenario = varied(
            silent, stacks={"server": name, "client": name}, programs={"server": server},
            values=[("server", key, text) for key, text in values],
        )  # fmt: skip
        return _stay(run(scenario))

    orderly = run(varied(load("normal-close"), stacks={"server": name, "client": name}))
    into = next(s.t for s in orderly.steps if s.states.server == "TIME-WAIT")
    out = next(s.t for s in orderly.steps if s.t > into and s.states.server == "CLOSED")
    return Waits(name, stay("httpd-1.1"), stay("httpd-1.3"), stay("holds-half-closed"), out - into)


def _stay(trace: Trace) -> int | None:
    """From close(), or from FIN_WAIT_2 where nobody closes, to the end of FIN_WAIT_2."""
    entered = next(s.t for s in trace.steps if s.states.server == FIN_WAIT_2)
    closed = next((s.t for s in trace.steps if s.call == "close()" and s.host == "server"), entered)
    out = next((s.t for s in trace.steps if s.t > entered and s.states.server != FIN_WAIT_2), None)
    return None if out is None else out - max(entered, closed)


def stacks() -> str:
    """One row for each stack, with the marks of its values."""
    rows = []
    for name in names():
        s, w = stack(name), waits(name)
        probes = s.profile.detached_keepalive
        cells = []
        for us, key in (
            (w.close, "fin_wait_2"),
            (w.late_close, "fin_wait_2_late_close"),
            (w.held, "fin_wait_2_held"),
        ):
            text = (
                "as long as the peer answers probes"
                if us is None and probes and key != "fin_wait_2_held"
                else _seconds(us)
            )
            cells.append(f"<td>{escape(text)}{_mark(s.values, key)}</td>")
        cells.append(f"<td>{escape(_seconds(w.time_wait))}{_mark(s.values, 'time_wait')}</td>")
        rows.append(
            f'<tr><th scope="row">{escape(s.title)}<br><small><code>{escape(name)}</code> {escape(s.note)}</small></th>'
            f"{''.join(cells)}</tr>"
        )
    return _table(
        "How long each system waits for the peer's FIN, and in TIME_WAIT (run by the engine)",
        ("System", "close() first", "shutdown(), close() 2 s later: from close()", "shutdown(), socket held", "TIME_WAIT"), rows,
    )  # fmt: skip


def _mark(values: Mapping[str, Value], key: str) -> str:
    value = values.get(key)
    return (
        ' <span class="unverified">unverified</span>'
        if value is not None and value.mark == "unverified"
        else ""
    )


def _table(caption: str, heads: tuple[str, ...], rows: list[str]) -> str:
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
    return (
        f'<div class="table-box" role="region" aria-label="{escape(caption)}" tabindex="0"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
