"""Where a reader stands in a lab: the moves so far, and everything the page shows about them.

The page's first frame is made by this module at build time and every later one by the same module in the browser,
so both say the same. All texts are escaped here; scripts only place them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from teardown.draw import ladder, words
from teardown.draw.population import Question, Stay, sentence
from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.lab.file import Crowd, Lab, load
from teardown.lab.goals import first, reached
from teardown.lab.paste import text as paste
from teardown.lab.predictions import choices, question
from teardown.lab.variants import checked, places
from teardown.lab.ways import search
from teardown.tcp.states import CLOSED, MEANING, prose
from teardown.world.captions import TIMER_NAMES
from teardown.world.moves import IllegalMove, Move, apply, begin, moves, tempting
from teardown.world.run import ending
from teardown.world.trace import HOSTS, Host, Running, Step, Trace, spoken
from teardown.world.world import World

VERSION = 1
#: More moves than anybody makes by hand; a longer list is somebody's mischief.
MOST_MOVES = 500

#: How far the search for a hint may grow: it answers while the reader waits.
_MOST_WORLDS = 7_500

_GROUPS = {
    "programs": ("The programs", ("call",)),
    "clock": ("Time", ("fire", "wait")),
}
#: What else the network can do with a segment, in the shortest words; the whole sentence is the button's name.
_SHORT = {"drop": "Lose it", "duplicate": "Double it", "delay": "Delay it"}


@lru_cache(maxsize=64)
def _lab(name: str) -> Lab:
    return load(name)


@lru_cache(maxsize=2_000)
def _after(name: str, seed: int, played: tuple[str, ...]) -> tuple[World, tuple[Step, ...]]:
    """The world after these moves; each prefix is remembered, so that undo and one move more cost one step."""
    if not played:
        return begin(_lab(name).setting(seed))
    if (table := _table(played[-1])) is not None:
        if len(played) > 1:
            raise IllegalMove("The system is chosen: go back to the beginning to choose another one")
        return begin(_lab(name).setting(seed, table))
    if len(played) == 1 and _lab(name).tables:
        raise IllegalMove("Choose first where you want to play")
    world, steps = _after(name, seed, played[:-1])
    world, more = apply(world, played[-1])
    return world, steps + more


def _table(move: str) -> str | None:
    """The table that a move chooses, if it is one that chooses."""
    return move.removeprefix("table:") if move.startswith("table:") else None


def _accepted(lab: str, seed: int, played: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
    """Of these moves, those that are legal, up to the first one that is not; and what is wrong with that one."""
    if len(played) > MOST_MOVES:
        raise InputError(f"{len(played)} moves are too many", mend=f"At most {MOST_MOVES}")
    checked(seed)
    accepted: tuple[str, ...] = ()
    for move in played:
        try:
            _after(lab, seed, (*accepted, move))
        except InputError as error:
            return accepted, f"Move {len(accepted) + 1} of the list cannot be made. {error}"
        accepted = (*accepted, move)
    return accepted, None


def situation(lab: str, played: Sequence[str], attempt: str | None = None, seed: int = 0) -> dict[str, Any]:
    """The answer to a reader who has made these moves, and tries `attempt` if that is given.

    An illegal attempt is answered with the rule and leaves everything as it was; so does an illegal move in a link:
    what is legal before it is kept.
    """
    accepted, refused = _accepted(lab, seed, played)
    if attempt is not None and refused is None:
        try:
            _after(lab, seed, (*accepted, attempt))
            accepted = (*accepted, attempt)
        except IllegalMove as error:
            refused = str(error)
    world, steps = _after(lab, seed, accepted)
    here = _lab(lab)
    trace = Trace(world.scenario.json(), steps, ending(world))
    before = len(_after(lab, seed, accepted[:-1])[1]) if accepted and _table(accepted[-1]) is None else 0
    fresh = steps[before:] if before else steps[-1:]
    ended = trace.ending.kind if trace.ending.kind in ("closed", "stuck") else None
    said = refused or " ".join(s.caption for s in fresh) + f" {_states_sentence(world)}"
    choosing = bool(here.tables) and not accepted
    return {
        "version": VERSION,
        "lab": lab,
        "seed": seed,
        "moves": list(accepted),
        "refused": refused,
        "step": len(accepted),
        "t": world.now,
        "states": world.states.json(),
        "owes": None if steps[-1].owes is None else {"who": steps[-1].owes.who, "what": steps[-1].owes.what},
        "say": said,
        "ended": ended,
        "goals": {g.id: reached(g, steps) is not None for g in here.goals},
        "prediction": None if choosing else _prediction(here, seed, world, steps, before),
        "html": {
            "status": _status(here, seed, world, steps, trace),
            "moves": _tables(here) if choosing else _moves(world),
            "ladder": ladder.draw(trace, ids=f"lab-{lab}").svg,
            "transcript": words.transcript(trace),
        },
    }


def _prediction(lab: Lab, seed: int, w: World, steps: Sequence[Step], before: int) -> dict[str, Any] | None:
    """What is asked here: the first question whose place is reached by the last move, and was not reached before it."""
    for p in lab.predictions:
        at = first(p.when, steps)
        if at is not None and at >= before:
            return {
                "id": p.id, "ask": p.ask, "scene": p.text, "question": question(p, w),
                "choices": choices(p, w, steps[before:] or steps, lab.paste, seed),
            }  # fmt: skip
    return None


def future(lab: str, played: Sequence[str], nth: int, seed: int = 0) -> dict[str, Any]:
    """Another future of a lab, as a picture to put beside the present one; `nth` keeps its identifiers apart."""
    accepted, refused = _accepted(lab, seed, played)
    world, steps = _after(lab, seed, accepted)
    trace = Trace(world.scenario.json(), steps, ending(world))
    return {
        "version": VERSION,
        "moves": list(accepted),
        "refused": refused,
        "say": f"{_states_sentence(world)} {spoken(world.now)} after the last request.",
        "html": {"ladder": ladder.draw(trace, ids=f"lab-{lab}-future-{nth}").svg},
    }


def hint(lab: str, played: Sequence[str], goal: str, seed: int = 0) -> dict[str, Any]:
    """The next move of the shortest way to a goal from where the reader is.

    Without a way: `back` tells how many of the moves to keep so that there is one again; None if not even the
    beginning has one.
    """
    accepted, _refused = _accepted(lab, seed, played)
    wanted = next((g for g in _lab(lab).goals if g.id == goal), None)
    if wanted is None:
        raise InputError(f"there is no goal {goal[:40]!r}", mend=f"Known: {', '.join(g.id for g in _lab(lab).goals)}")
    _world, steps = _after(lab, seed, accepted)
    told = {"version": VERSION, "goal": goal, "reached": reached(wanted, steps) is not None}
    here, looked = _way_from(lab, seed, accepted, goal)
    if here:
        return told | {"move": here[0], "text": _name_of(lab, seed, accepted, here[0]), "left": len(here), "back": None}
    # From an earlier place there is a way if there is one from a later place: halve the moves in between.
    low, high = -1, len(accepted)
    while high - low > 1:
        middle = (low + high) // 2
        found, more = _way_from(lab, seed, accepted[:middle], goal)
        looked += more
        low, high = (middle, high) if found else (low, middle)
    return told | {"move": None, "text": "", "left": None, "back": low if low >= 0 else None, "looked": looked}


@lru_cache(maxsize=256)
def _way_from(lab: str, seed: int, played: tuple[str, ...], goal: str) -> tuple[tuple[str, ...], int]:
    """The shortest way, empty if there is none, and how many worlds the search has met."""
    here = _lab(lab)
    wanted = next(g for g in here.goals if g.id == goal)
    if here.tables and not played:
        ways = {t.id: _way_from(lab, seed, (f"table:{t.id}",), goal) for t in here.tables}
        found = {name: found for name, (found, _looked) in ways.items() if found}
        best = min(found, key=lambda name: len(found[name])) if found else None
        return ((f"table:{best}", *found[best]) if best else ()), sum(looked for _found, looked in ways.values())
    answer = search(_after(lab, seed, played)[0], wanted, _MOST_WORLDS)
    return answer.moves or (), answer.worlds


def _name_of(lab: str, seed: int, played: tuple[str, ...], move: str) -> str:
    """What a move is called where it is made."""
    if (table := _table(move)) is not None:
        return next(t.text for t in _lab(lab).tables if t.id == table)
    return next((m.text for m in moves(_after(lab, seed, played)[0]) if m.id == move), move)


def _states_sentence(w: World) -> str:
    return f"Server {prose(w.ends.server.state)}, client {prose(w.ends.client.state)}."


def _status(lab: Lab, seed: int, w: World, steps: Sequence[Step], trace: Trace) -> str:
    at = places(seed)
    hosts = "".join(_host(w, host, at.of(host)) for host in HOSTS)
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
        f'<span class="tcp-spoken">{"Done: " if done else "To do: "}</span><span class="lab-goal">{escape(g.text)}</span></li>'
        for g in lab.goals
        for done in [reached(g, steps) is not None]
    )
    table = (
        f'<pre class="lab-paste" role="region" tabindex="0" aria-label="netstat -tanpo">{escape(paste(lab.paste, seed))}</pre>'
        if lab.paste
        else ""
    )
    return (
        f'<p class="lab-clock"><b>{escape(spoken(w.now))}</b> since the last request was answered</p>'
        f'<div class="lab-hosts">{hosts}</div>{owes}{end}{_crowd(lab.crowd, w)}{table}'
        f'<ul class="lab-goals" aria-label="Goals">{goals}</ul>'
    )


def _crowd(crowd: Crowd | None, w: World) -> str:
    """What the server's table would hold if many connections went this way."""
    if crowd is None:
        return ""
    asked = Question(rate=crowd.rate, buggy=100, size=crowd.room)
    over = w.ends.server.state == CLOSED
    if over or (not w.wire and not w.timers.server):
        stay = Stay("", "", None, w.now if over else None)
        said = f"{crowd.rate} connections a second like this one: {sentence(stay, asked)}. There is room for {crowd.room:,}."
    else:
        said = (
            f"{crowd.rate} connections a second like this one: {crowd.rate * w.now // 1_000_000:,} entries by now, "
            f"and room for {crowd.room:,}."
        )
    return f'<p class="lab-crowd"><b>The whole table:</b> {escape(said)}</p>'


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
        f'<p class="lab-setup">{escape(setup.program.title)}, {escape(setup.profile.name)}</p></section>'
    )


def _timer(r: Running, now: int) -> str:
    return f"{TIMER_NAMES.get(r.name, r.name)} ({r.owner}): {spoken(max(0, r.expires - now))} left"


def _tables(lab: Lab) -> str:
    """The choices at the beginning."""
    buttons = "".join(
        f'<li><button type="button" class="lab-move" data-move="table:{escape(t.id)}">{escape(t.text)}</button></li>'
        for t in lab.tables
    )
    return f'<h2 tabindex="-1">Where do you want to play?</h2><ul>{buttons}</ul>'


def _moves(w: World) -> str:
    legal, tries = moves(w), tempting(w)
    out = ['<h2 tabindex="-1">What happens next?</h2>']
    segments = [_segment(f.packet, legal, tries) for f in w.wire]
    if any(segments):
        out.append(f"<h3>On the wire</h3><ul>{''.join(segments)}</ul>")
    for heading, kinds in _GROUPS.values():
        buttons = [_button(m, "move") for m in legal if m.kind in kinds]
        buttons += [_button(m, "try") for m in tries if m.kind in kinds]
        if buttons:
            out.append(f"<h3>{heading}</h3><ul>{''.join(f'<li>{b}</li>' for b in buttons)}</ul>")
    return "".join(out)


def _segment(packet: int, legal: Sequence[Move], tries: Sequence[Move]) -> str:
    """What the network can do with one segment: deliver it, or something worse beside that."""
    mine = [m for m in legal if m.id.endswith(f":{packet}") and m.kind in ("deliver", *_SHORT)]
    late = [m for m in tries if m.id == f"deliver:{packet}"]
    if not mine and not late:
        return ""
    first = "".join(_button(m, "move") for m in mine if m.kind == "deliver") + "".join(_button(m, "try") for m in late)
    rest = "".join(_button(m, "move", _SHORT[m.kind]) for m in mine if m.kind in _SHORT)
    return f'<li class="lab-segment">{first}{rest}</li>'


def _button(move: Move, kind: str, short: str = "") -> str:
    """`short`: what is to be seen; the whole sentence is then the name that is spoken."""
    name = f' aria-label="{escape(f"{short}: {move.text}")}"' if short else ""
    return (
        f'<button type="button" class="lab-{kind}" data-{kind}="{escape(move.id)}"{name}>'
        f"{escape(short or move.text)}</button>"
    )
