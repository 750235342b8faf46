"""What a lab's page shows of a situation, as HTML: the task, both ends, what has just happened, and the moves.

`situation` decides what is so; this module only says it. All texts are escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence

from teardown.draw.population import Question, Stay, sentence
from teardown.draw.svg import escape
from teardown.lab import copies
from teardown.lab.file import Crowd, Lab
from teardown.lab.goals import reached
from teardown.lab.paste import text as paste
from teardown.lab.variants import places
from teardown.stacks import stack
from teardown.tcp.states import CLOSED, MEANING, prose
from teardown.world.captions import TIMER_NAMES
from teardown.world.moves import Move, tempting
from teardown.world.moves import moves as legal_moves
from teardown.world.run import ending
from teardown.world.trace import HOSTS, Ending, Host, Running, Step, spoken
from teardown.world.world import World

#: What else the network can do with a segment, in the shortest words; the whole sentence is the button's name.
_SHORT = {"drop": "Lose it", "duplicate": "Double it", "delay": "Delay it"}
#: The calls always stand in this order, so that a button keeps its place whether its call is allowed now or not.
_CALLS = ("close", "shutdown", "send", "receive", "abort")
#: So many steps of one move are told beside the buttons: the first, and the last ones. The transcript has them all.
_MOST_TOLD = 4


# ------------------------------------------------------------------------------------------------- the task
def task(lab: Lab, seed: int, steps: Sequence[Step]) -> str:
    """The goals, reached or not."""
    done = [reached(g, steps) is not None for g in lab.goals]
    goals = "".join(
        f'<li data-goal="{escape(g.id)}" data-reached="{"yes" if is_done else "no"}">'
        f'<span aria-hidden="true">{"☑" if is_done else "☐"}</span> '
        f'<span class="tcp-spoken">{"Done: " if is_done else "To do: "}</span>'
        f'<span class="lab-goal">{escape(g.text)}</span></li>'
        for g, is_done in zip(lab.goals, done, strict=True)
    )
    return f'<h2>Your goals</h2><ol class="lab-goals">{goals}</ol>'


def sockets(lab: Lab, seed: int) -> str:
    """The list of sockets that the lab asks about, as netstat prints it."""
    listed = escape(paste(lab.paste, seed))
    return f'<pre class="lab-paste" role="region" tabindex="0" aria-label="netstat -tanpo">{listed}</pre>'


# ----------------------------------------------------------------------------------------------- both ends
def hosts(w: World, seed: int) -> str:
    """The time, and for each end its state, its three boxes, who holds it and which timers run."""
    at = places(seed)
    clock = spoken(w.now) if w.now else "0 s"
    return (
        f'<div class="lab-hosts">{"".join(_host(w, host, at.of(host)) for host in HOSTS)}</div>'
        f'<p class="lab-clock"><b>{escape(clock)}</b> since the beginning</p>'
    )


def _host(w: World, host: Host, place: str) -> str:
    e, setup = w.ends.of(host), w.scenario.hosts.of(host)
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
        f'<section class="lab-host" aria-label="{host}"><h2>{host.capitalize()} <span>{escape(place)}</span></h2>'
        f'<p><b data-host="{host}" data-state="{e.state}">{prose(e.state)}</b> '
        f'<span class="lab-boxes" role="img" aria-label="{escape(said)}">{boxes}</span></p>'
        f'<p class="lab-meaning">{escape(MEANING[e.state][0].upper() + MEANING[e.state][1:])}.{held}{gone}</p>'
        f'<ul class="lab-timers">{timers}{none}</ul>'
        f'<p class="lab-setup">{escape(setup.program.title)}, {escape(stack(setup.profile.name).title)}</p></section>'
    )


def _timer(r: Running, now: int) -> str:
    return f"{TIMER_NAMES.get(r.name, r.name)} ({r.owner}): {spoken(max(0, r.expires - now))} left"


# --------------------------------------------------------------------------------------- what has happened
def status(crowd: Crowd | None, w: World, steps: Sequence[Step], before: int, end: Ending) -> str:
    """What the last move did, whose turn it is, and whether it is over. The steps from `before` on are the last move's."""
    new = steps[before:]
    shown = [_told(s) for s in new[1 - _MOST_TOLD :]]
    if len(new) >= _MOST_TOLD:
        shown = [_told(new[0]), *(["<li>…</li>"] if len(new) > _MOST_TOLD else []), *shown]
    told = "".join(shown)
    owed = steps[-1].owes
    owes = (
        f'<p class="lab-owes" data-owes="{escape(owed.who)}"><b>Whose turn:</b> {escape(owed.who)} – {escape(owed.what)}</p>'
        if owed
        else '<p class="lab-owes" data-owes=""><b>Whose turn:</b> nobody’s. Both ends are done.</p>'
    )
    over = f'<p class="lab-ending">{escape(end.text)}</p>' if end.kind != "open" else ""
    return f'<ul class="lab-said">{told}</ul>{owes}{over}{_crowd(crowd, w, steps)}'


def _told(step: Step) -> str:
    return f"<li><b>{escape(spoken(step.t) if step.t else '0 s')}</b> {escape(step.caption)}</li>"


def _crowd(crowd: Crowd | None, w: World, steps: Sequence[Step]) -> str:
    """What the server's table would hold if many connections went this way."""
    if crowd is None:
        return ""
    asked = Question(rate=crowd.rate, buggy=100, size=crowd.room)
    gone = next((s.t for s in steps if s.states.server == CLOSED), None)
    stay = w.now if gone is None else gone
    entries = crowd.rate * stay / 1_000_000
    count = f"{int(entries):,} entries" if entries >= 2 else "hardly one entry"
    made = f"{crowd.rate} a second, {spoken(stay) if stay else '0 s'} each: {count}"
    if gone is not None:
        full = entries > crowd.room
        said = f"{made} in all. There is room for {crowd.room:,}{f': {sentence(Stay("", "", None, gone), asked)}' if full else ''}."
    elif not w.wire and not w.timers.server:
        entries = crowd.room
        never = sentence(Stay("", "", None, None), asked)
        said = f"{crowd.rate} a second come and none goes. There is room for {crowd.room:,}: {never}."
    else:
        said = f"{made} so far, and room for {crowd.room:,}."
    bar = f'<progress max="{crowd.room}" value="{min(round(entries), crowd.room)}" aria-label="The table’s room"></progress>'
    return f'<p class="lab-crowd"><b>The whole table:</b> {escape(said)} {bar}</p>'


# ---------------------------------------------------------------------------------------------- the moves
def tables(lab: Lab) -> str:
    """The choices at the beginning."""
    buttons = "".join(
        f'<li><button type="button" class="lab-move" data-move="table:{escape(t.id)}">{escape(t.text)}</button></li>'
        for t in lab.tables
    )
    return f'<h2 tabindex="-1">Where do you want to play?</h2><ul class="lab-pairs">{buttons}</ul>'


def moves(w: World) -> str:
    """The legal moves and the tempting mistakes: on the wire, by each program, by the clock."""
    legal, tries = legal_moves(w), tempting(w)
    out = ['<h2 tabindex="-1">What happens next?</h2>']
    segments = [_segment(f.packet, legal, tries, copies.offered(w, f)) for f in w.wire]
    if any(segments):
        out.append(f"<h3>On the wire</h3><ul>{''.join(segments)}</ul>")
    programs = [part for host in HOSTS if (part := _program(host, legal, tries))]
    if programs:
        out.append(f'<div class="lab-programs">{"".join(programs)}</div>')
    clock = [_button(m, kind) for all_, kind in ((legal, "move"), (tries, "try")) for m in all_ if m.kind in ("fire", "wait")]
    if ending(w).kind == "closed":  # an hour more would be like the last one
        out.append('<p class="lab-over">Both ends are done. Take a move back, or start again, to see another way.</p>')
    elif clock:
        out.append(f"<h3>Time</h3><ul>{''.join(f'<li>{b}</li>' for b in clock)}</ul>")
    return "".join(out)


def _program(host: Host, legal: Sequence[Move], tries: Sequence[Move]) -> str:
    """The calls of one program, each in its place."""
    calls = [(m, kind) for all_, kind in ((legal, "move"), (tries, "try")) for m in all_ if m.kind == "call" and m.host == host]
    calls.sort(key=lambda call: _CALLS.index(call[0].id.split(":")[2]))
    buttons = "".join(f"<li>{_button(m, kind, m.text.partition(' calls ')[2])}</li>" for m, kind in calls)
    return f'<section><h3>The {host} calls</h3><ul class="lab-pairs">{buttons}</ul></section>' if calls else ""


def _segment(packet: int, legal: Sequence[Move], tries: Sequence[Move], all_of_it: Move | None) -> str:
    """What the network can do with one segment: deliver it, or something worse beside that."""
    mine = [m for m in legal if m.id.endswith(f":{packet}") and m.kind in ("deliver", *_SHORT)]
    late = [m for m in tries if m.id == f"deliver:{packet}"]
    if not mine and not late:
        return ""
    first = "".join(_button(m, "move") for m in mine if m.kind == "deliver") + "".join(_button(m, "try") for m in late)
    rest = "".join(_button(m, "move", f"{_SHORT[m.kind]}:") for m in mine if m.kind in _SHORT)
    if all_of_it is not None:
        rest += _button(all_of_it, "move", "Lose it and every further copy:")
    return f'<li class="lab-segment">{first}{rest}</li>'


def _button(move: Move, kind: str, short: str = "") -> str:
    """`short`: what is to be seen; the whole sentence is then the name that is spoken.

    A short text that ends in a colon stands before the sentence, any other is a part of it.
    """
    name = f"{short} {move.text}" if short.endswith(":") else move.text
    label = f' aria-label="{escape(name)}"' if short else ""
    return (
        f'<button type="button" class="lab-{kind}" data-{kind}="{escape(move.id)}"{label}>'
        f"{escape(short.removesuffix(':') or move.text)}</button>"
    )
