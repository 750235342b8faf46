"""Where a reader stands in a lab: the moves so far, and everything the page shows about them.

The page's first frame is made by this module at build time and every later one by the same module in the browser,
so both say the same. All texts are escaped here; scripts only place them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from teardown.draw import ladder, words
from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.lab.file import Lab, load
from teardown.lab.goals import reached
from teardown.tcp.states import CLOSED, MEANING, prose
from teardown.world.captions import TIMER_NAMES
from teardown.world.moves import IllegalMove, Move, apply, begin, moves, tempting
from teardown.world.run import ending
from teardown.world.trace import HOSTS, Host, Running, Step, Trace, spoken
from teardown.world.world import World

VERSION = 1
#: More moves than anybody makes by hand; a longer list is somebody's mischief.
MOST_MOVES = 500

_GROUPS = {
    "network": ("On the wire", ("deliver", "drop", "duplicate")),
    "programs": ("The programs", ("call",)),
    "clock": ("Time", ("fire", "wait")),
}


@lru_cache(maxsize=64)
def _lab(name: str) -> Lab:
    return load(name)


@lru_cache(maxsize=2_000)
def _after(name: str, played: tuple[str, ...]) -> tuple[World, tuple[Step, ...]]:
    """The world after these moves; each prefix is remembered, so that undo and one move more cost one step."""
    if not played:
        return begin(_lab(name).scenario)
    world, steps = _after(name, played[:-1])
    world, more = apply(world, played[-1])
    return world, steps + more


def situation(lab: str, played: Sequence[str], attempt: str | None = None) -> dict[str, Any]:
    """The answer to a reader who has made these moves, and tries `attempt` if that is given.

    An illegal attempt is answered with the rule and leaves everything as it was; so does an illegal move in a link:
    what is legal before it is kept.
    """
    if len(played) > MOST_MOVES:
        raise InputError(f"{len(played)} moves are too many", mend=f"At most {MOST_MOVES}")
    accepted: tuple[str, ...] = ()
    refused: str | None = None
    for move in played:
        try:
            _after(lab, (*accepted, move))
        except InputError as error:
            refused = f"Move {len(accepted) + 1} of the list cannot be made. {error}"
            break
        accepted = (*accepted, move)
    if attempt is not None and refused is None:
        try:
            _after(lab, (*accepted, attempt))
            accepted = (*accepted, attempt)
        except IllegalMove as error:
            refused = str(error)
    world, steps = _after(lab, accepted)
    here = _lab(lab)
    trace = Trace(here.scenario.json(), steps, ending(world))
    before = len(_after(lab, accepted[:-1])[1]) if accepted else 0
    fresh = steps[before:] if accepted else steps[-1:]
    ended = trace.ending.kind if trace.ending.kind in ("closed", "stuck") else None
    said = refused or " ".join(s.caption for s in fresh) + f" {_states_sentence(world)}"
    return {
        "version": VERSION,
        "lab": lab,
        "moves": list(accepted),
        "refused": refused,
        "step": len(accepted),
        "t": world.now,
        "states": world.states.json(),
        "owes": None if steps[-1].owes is None else {"who": steps[-1].owes.who, "what": steps[-1].owes.what},
        "say": said,
        "ended": ended,
        "goals": {g.id: reached(g, steps) is not None for g in here.goals},
        "html": {
            "status": _status(here, world, steps, trace),
            "moves": _moves(world, trace),
            "ladder": ladder.draw(trace, ids=f"lab-{lab}").svg,
            "transcript": words.transcript(trace),
        },
    }


def _states_sentence(w: World) -> str:
    return f"Server {prose(w.ends.server.state)}, client {prose(w.ends.client.state)}."


def _status(lab: Lab, w: World, steps: Sequence[Step], trace: Trace) -> str:
    hosts = "".join(_host(lab, w, host) for host in HOSTS)
    last = steps[-1]
    owes = (
        f'<p class="lab-owes" data-owes="{escape(last.owes.who)}"><b>Whose turn:</b> '
        f"{escape(last.owes.who)} – {escape(last.owes.what)}</p>"
        if last.owes
        else '<p class="lab-owes" data-owes=""><b>Whose turn:</b> nobody’s. Both ends are done.</p>'
    )
    end = f'<p class="lab-ending">{escape(trace.ending.text)}</p>' if trace.ending.kind != "open" else ""
    goals = "".join(
        f'<li data-goal="{escape(g.id)}" data-reached="{"yes" if done else "no"}">'
        f'<span aria-hidden="true">{"☑" if done else "☐"}</span> '
        f'<span class="tcp-spoken">{"Done: " if done else "To do: "}</span>{escape(g.text)}</li>'
        for g in lab.goals
        for done in [reached(g, steps) is not None]
    )
    return (
        f'<p class="lab-clock"><b>{escape(spoken(w.now))}</b> since the last request was answered</p>'
        f'<div class="lab-hosts">{hosts}</div>{owes}{end}'
        f'<ul class="lab-goals" aria-label="Goals">{goals}</ul>'
    )


def _host(lab: Lab, w: World, host: Host) -> str:
    e, setup = w.ends.of(host), lab.scenario.hosts.of(host)
    boxes = "".join("■" if box else "□" for box in e.fins)
    said = ", ".join(
        f"{name} {'yes' if box else 'no'}"
        for name, box in zip(("my FIN sent", "my FIN acknowledged", "peer’s FIN received"), e.fins, strict=True)
    )
    gone = " The host is gone." if w.down.of(host) else ""
    held = (
        ""
        if e.state == CLOSED
        else (" No program holds the socket." if e.orphan else " A program holds the socket.")
    )
    running = w.timers.of(host)
    timers = "".join(f"<li>{escape(_timer(r, w.now))}</li>" for r in running)
    none = "" if e.state == CLOSED or running else "<li>no timer runs</li>"
    return (
        f'<section class="lab-host" aria-label="{host}"><h2>{host.capitalize()}</h2>'
        f'<p><b data-host="{host}" data-state="{e.state}">{prose(e.state)}</b> '
        f'<span class="lab-boxes" role="img" aria-label="{escape(said)}">{boxes}</span></p>'
        f'<p class="lab-meaning">{escape(MEANING[e.state][0].upper() + MEANING[e.state][1:])}.{held}{gone}</p>'
        f'<ul class="lab-timers">{timers}{none}</ul>'
        f'<p class="lab-setup">{escape(setup.program.title)}, {escape(setup.profile.name)}</p></section>'
    )


def _timer(r: Running, now: int) -> str:
    return f"{TIMER_NAMES.get(r.name, r.name)} ({r.owner}): {spoken(max(0, r.expires - now))} left"


def _moves(w: World, trace: Trace) -> str:
    legal, tries = moves(w), tempting(w)
    out = ['<h2 tabindex="-1">What happens next?</h2>']
    for heading, kinds in _GROUPS.values():
        buttons = [_button(m, "move") for m in legal if m.kind in kinds]
        buttons += [_button(m, "try") for m in tries if m.kind in kinds]
        if buttons:
            out.append(f"<h3>{heading}</h3><ul>{''.join(buttons)}</ul>")
    return "".join(out)


def _button(move: Move, kind: str) -> str:
    return f'<li><button type="button" class="lab-{kind}" data-{kind}="{escape(move.id)}">{escape(move.text)}</button></li>'
