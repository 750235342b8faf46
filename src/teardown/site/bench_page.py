"""The two open benches: a machine to change, and packetdrill scripts to write. Both show something without a script."""

from __future__ import annotations

import json
from itertools import groupby

from teardown.draw import state_map
from teardown.draw.map_plan import to_json
from teardown.draw.svg import escape
from teardown.site import state_graph
from teardown.site.reference import SCRIPTS
from teardown.stacks import names as stack_names
from teardown.stacks import stack
from teardown.tcp.states import STATES, prose
from teardown.tcp.table import RULES, Rule
from teardown.world import scenario as scenarios

#: Scripts of our own tests to start from, each with what it is about.
STARTS = {
    "active-close": "The side that closes first",
    "passive-close": "The side that closes second",
    "simultaneous-close": "Both close at once",
    "half-close": "Half-close: the other direction goes on",
    "fin-wait-2-orphan-linux": "Linux gives up after 60 s",
    "bsd44-gap": "4.4BSD: shutdown, then close, and no clock",
    "unread-at-close": "close() with unread bytes",
    "time-wait-reuse": "A new connection out of TIME_WAIT",
    "zero-window-then-close": "close() into a shut window",
}
_EVERYWHERE = " ".join(STATES)


def machine() -> str:
    """The bench where the transition table is changed."""
    plan = json.dumps(to_json(state_graph.plan()), separators=(",", ":"))
    items = "".join(
        f'<li data-scenario="{escape(name)}" data-result="none"><h3>{escape(scenarios.load(name).title)}</h3></li>'
        for name in scenarios.names()
    )
    return (
        f'<div class="bench"><tcp-machine data-plan="{escape(plan)}">'
        f'<div data-region="controls" hidden>{_row_form()}{_value_form()}</div>'
        '<div data-region="edits"></div><div data-region="tools"></div><div data-region="message" role="status"></div>'
        f'<div data-region="states">{state_map.draw(state_graph.plan(), "machine")}</div>'
        f'<div data-region="scenarios"><h2 id="scenarios">Scenarios</h2><ol>{items}</ol></div>'
        "</tcp-machine>"
        "<noscript><p>Changing the machine needs JavaScript. The diagram shows the machine as it is.</p></noscript></div>"
    )


def _row_form() -> str:
    states = "".join(f'<option value="{s}">{prose(s)}</option>' for s in STATES)
    groups = []
    for event, rows in groupby(RULES, key=lambda r: r.event):
        options = "".join(_row_option(rule) for rule in rows)
        groups.append(f'<optgroup label="{escape(event)}">{options}</optgroup>')
    return (
        '<fieldset data-form="row"><legend>A row of the table</legend>'
        f'<label>In the state <select data-field="state">{states}</select></label>'
        f'<label>this row <select data-field="row">{"".join(groups)}</select></label>'
        '<p data-field="why"></p>'
        f'<label>leads to <select data-field="to"><option value="stay">the same state</option>{states}</select></label>'
        '<p class="bench-buttons"><button type="button" data-action="change">Change the row</button> '
        '<button type="button" data-action="drop">Drop the row</button></p></fieldset>'
    )


def _row_option(rule: Rule) -> str:
    guards = ", ".join(f"not {g[1:]}" if g[0] == "!" else g for g in rule.guards) or "always"
    to = prose(rule.to) if rule.to else "stay"
    states = _EVERYWHERE if set(rule.states) == set(STATES) else " ".join(rule.states)
    return (
        f'<option value="{rule.id}" data-states="{states}" data-to="{rule.to or "stay"}" data-why="{escape(rule.why)}">'
        f"{escape(rule.event)}, {escape(guards)} → {to}</option>"
    )


def _value_form() -> str:
    used = dict.fromkeys(setup.profile.name for name in scenarios.names() for setup in scenarios.load(name).hosts)
    systems = "".join(f'<option value="{escape(name)}">{escape(stack(name).title)}</option>' for name in used)
    options = "".join(
        f'<option value="{escape(key)}" data-stack="{escape(name)}" data-now="{escape(value.written)}">'
        f"{escape(value.native or key)}</option>"
        for name in used
        for key, value in stack(name).values.items()
    )
    return (
        '<fieldset data-form="value"><legend>A timer or a habit of a system</legend>'
        f'<label>System <select data-field="stack">{systems}</select></label>'
        f'<label>value <select data-field="name">{options}</select></label>'
        '<label>becomes <input data-field="value" maxlength="40" autocomplete="off" spellcheck="false"></label>'
        '<p class="bench-buttons"><button type="button" data-action="set">Set the value</button></p></fieldset>'
    )


def packetdrill() -> str:
    """The bench where packetdrill scripts are written."""
    texts = {name: (SCRIPTS / f"{name}.pkt").read_text("utf-8") for name in STARTS}
    first = next(iter(texts.values()))
    starts = "".join(
        f'<option value="{name}" data-text="{escape(texts[name])}">{escape(title)}</option>' for name, title in STARTS.items()
    )
    systems = "".join(f'<option value="{escape(name)}">{escape(stack(name).title)}</option>' for name in stack_names())
    return (
        '<div class="bench"><tcp-pkt>'
        f'<div data-region="controls" hidden><label>Begin with <select data-field="start">{starts}</select></label>'
        f'<label>against <select data-field="stack"><option value="">what the script asks for</option>{systems}</select></label></div>'
        '<div data-region="tools"></div><div data-region="message" role="status"></div>'
        '<div data-region="program"><h2 id="script">Your script</h2>'
        f'<pre class="code-text" tabindex="0"><code>{escape(first)}</code></pre></div>'
        '<div data-region="ladder" role="region" aria-label="What happened" tabindex="0" hidden></div>'
        "</tcp-pkt>"
        "<noscript><p>Running a script here needs JavaScript. "
        "<code>teardown pkt FILE</code> does the same at a command line.</p></noscript></div>"
    )
