"""The reference pages: the transition table, its guards and actions, and every value of every stack, as HTML.

Everything here is read off the data that the engine runs on. A row of the table that nothing exercises fails the
build: a rule that no scenario and no script has ever taken is a rule that nobody has checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.formats.packetdrill_run import run_script
from teardown.stacks import Value, names, stack
from teardown.tcp.actions import ACTIONS
from teardown.tcp.endpoint import watching
from teardown.tcp.guards import GUARDS
from teardown.tcp.states import NAMES, STATES, prose
from teardown.tcp.table import CALLS, RULES, Rule
from teardown.world import scenario as scenarios
from teardown.world.explore import Bounds, explore
from teardown.world.moves import IllegalMove
from teardown.world.run import play, run
from teardown.world.trace import HOSTS

SCRIPTS = Path(__file__).parents[3] / "tests" / "pkt"

#: Both programs in the reader's hand: every call is tried in every state that two thousand worlds reach.
FREE: dict[str, Any] = {"base": "normal-close", "server": {"program": "hand", "set": {}}, "client": {"program": "hand", "set": {}}}

#: Both ends close in order, and then the server's program aborts what is left of its connection.
ABORTED = ("call:server:shutdown", "deliver:1", "deliver:2", "call:client:shutdown", "deliver:3", "call:server:abort")
#: The server's program closes, and then calls again: every call on a descriptor that it no longer has.
MISUSED = tuple(("call:server:close", f"call:server:{call}") for call in CALLS if call not in ("connect", "listen"))
#: A row for all states but so few names those.
_FEW: Final = 3


@cache
def exercised() -> dict[str, tuple[str, ...]]:
    """For each rule, the scenarios, the packetdrill scripts and, last, the search that take it."""
    by: dict[str, list[str]] = {rule.id: [] for rule in RULES}

    def note(name: str, run_it: Callable[[], object]) -> None:
        # A move that the rules forbid has been asked of the table all the same.
        with watching() as seen, suppress(IllegalMove):
            run_it()
        for rule in seen:
            if name not in by[rule]:
                by[rule].append(name)

    for name in scenarios.names():
        note(name, partial(run, scenarios.load(name)))
    for path in sorted(SCRIPTS.glob("*.pkt")):
        text = path.read_text("utf-8")
        for system in names():
            note(path.name, partial(run_script, text, path.name, system))
    for system in ("linux", "rfc9293"):
        free: dict[str, Any] = {host: {**FREE[host], "stack": system} for host in HOSTS}
        scenario = scenarios.parse("free", {**FREE, **free}, "free play")
        for moves in (ABORTED, *MISUSED):
            note("both programs in the reader's hand", partial(play, scenario, moves))
    note("the search through all futures", partial(explore, scenarios.parse("free", FREE, "free play"), Bounds(worlds=2_000)))
    return {rule: tuple(where) for rule, where in by.items()}


def rules() -> str:
    """The transition table, one section for each kind of event. Raises InputError for a row that nothing takes."""
    where = exercised()
    idle = [rule.id for rule in RULES if not where[rule.id]]
    if idle:
        raise InputError(
            f"no scenario and no script takes these rules: {', '.join(idle)}", place="transition table",
            mend="Write a script in tests/pkt/ that does, or take the rule out",
        )  # fmt: skip
    out = []
    for event, rows in groupby(sorted(RULES, key=lambda r: _order(r.event)), key=lambda r: r.event):
        body = "".join(_rule(rule, where[rule.id]) for rule in rows)
        out.append(
            f'<h3 id="{event.replace(" ", "-")}"><code>{escape(event)}</code></h3>'
            f'<div class="table-box" role="region" aria-label="Rules for {escape(event)}" tabindex="0">'
            '<table class="rules"><thead><tr><th scope="col">In</th><th scope="col">If</th><th scope="col">Then</th>'
            '<th scope="col">Next</th><th scope="col">Why, and where it is said</th></tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )
    return "".join(out)


def _order(event: str) -> int:
    return next(n for n, rule in enumerate(RULES) if rule.event == event)


def _rule(rule: Rule, where: tuple[str, ...]) -> str:
    others = [prose(s) for s in STATES if s not in rule.states]
    states = ", ".join(prose(s) for s in rule.states)
    if len(others) <= _FEW:
        states = "all but " + " and ".join(others) if others else "all"
    guards = "<br>".join(
        f"{'not ' if g[0] == '!' else ''}<code>{escape(g.lstrip('!'))}</code>" for g in rule.guards
    )
    actions = "<br>".join(f"<code>{escape(a)}</code>" for a in rule.actions) + (
        " and stop" if rule.stop else ""
    )
    shown = ", ".join(escape(w) for w in where[:3]) + (
        f" and {len(where) - 3} more" if len(where) > 3 else ""
    )
    rfc = rule.rfc if not rule.rfc[0].isdigit() else f"RFC 9293 §{rule.rfc}"
    return (
        f'<tr id="{rule.id}"><th scope="row">{states}</th><td>{guards or "–"}</td><td>{actions or "–"}</td>'
        f"<td>{prose(rule.to) if rule.to else 'stay'}</td>"
        f"<td>{escape(rule.why)}<br><small>{escape(rfc)}.<span class='seen'> Seen in {shown}.</span></small></td></tr>"
    )


def conditions() -> str:
    """What each guard asks and each action does, from their own descriptions."""
    return _glossary("Conditions", GUARDS) + _glossary("Actions", ACTIONS)


def _glossary(title: str, named: Mapping[str, object]) -> str:
    items = "".join(
        f"<dt><code>{escape(name)}</code></dt><dd>{escape(' '.join((thing.__doc__ or '').split()))}</dd>"
        for name, thing in sorted(named.items())
    )
    return f'<h3 id="{title.lower()}">{title}</h3><dl class="terms">{items}</dl>'


# ----------------------------------------------------------------------------------------- names of states
def state_names() -> str:
    """What each tool calls each state, from the table that reads a reader's paste as well."""
    spelled = {
        "netstat, lsof, psutil on Linux": "netstat", "ss": "ss", "netstat on BSD, macOS, Solaris": "bsd",
        "netstat on Windows": "windows", "PowerShell, .NET": "powershell",
    }  # fmt: skip
    numbered = {"conntrack, roughly": "conntrack", "Linux, in /proc/net/tcp": "linux_number", "BSD": "bsd_number",
                "Windows": "windows_number"}  # fmt: skip
    return (
        _names("State names across tools", spelled)
        + _names("State numbers, and conntrack's names", numbered)
    )


def _names(label: str, columns: Mapping[str, str]) -> str:
    """One table: a row for each state, a column for each field of its names."""

    def cell(state: str, field: str) -> str:
        value = getattr(NAMES[state], field)
        text = f"{value:02X}" if field == "linux_number" else str(value)
        return f"<td><code>{escape(text)}</code></td>" if text else "<td>–</td>"

    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in ("State", *columns))
    rows = "".join(
        f'<tr><th scope="row">{prose(state)}</th>{"".join(cell(state, field) for field in columns.values())}</tr>'
        for state in STATES
    )
    # Without a class, so that the theme dresses it like the tables that are written by hand.
    return (
        f'<div class="table-box" role="region" aria-label="{escape(label)}" tabindex="0">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


# ------------------------------------------------------------------------------------------------ the stacks
def timers() -> str:
    """Every value of every stack, with the system's own name for it, its source and how sure it is."""
    out = []
    for name in names():
        s = stack(name)
        own = {key: v for key, v in s.values.items() if v.inherited is None}
        rest = sorted({v.inherited for v in s.values.values() if v.inherited})
        rows = "".join(_value(key, v) for key, v in own.items())
        more = (
            f"<p>Everything else as in {', '.join(f'<code>{escape(r)}</code>' for r in rest)}.</p>"
            if rest
            else ""
        )
        out.append(
            f'<h3 id="{name.replace(".", "-")}">{escape(s.title)} <code>{escape(name)}</code></h3><p>{escape(s.note)}</p>'
            f'<div class="table-box" role="region" aria-label="Values of {escape(name)}" tabindex="0">'
            '<table><thead><tr><th scope="col">Value</th><th scope="col">Is</th><th scope="col">The system calls it</th>'
            f'<th scope="col">Source</th></tr></thead><tbody>{rows}</tbody></table></div>{more}'
        )
    return "".join(out)


def _value(key: str, v: Value) -> str:
    note = f"<br><small>{escape(v.note)}</small>" if v.note else ""
    mark = f'<span class="mark">{escape(v.mark)}</span>'
    source, _, where = v.source.partition(" ")
    native = f"<code>{escape(v.native)}</code>" if v.native else "–"
    return (
        f'<tr><th scope="row"><code>{escape(key)}</code></th><td>{escape(v.written)}{note}</td><td>{native}</td>'
        f'<td><a href="../references/#source-{escape(source)}">{escape(source)}</a> {escape(where)} {mark}</td></tr>'
    )
