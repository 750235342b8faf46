"""All futures of a world: breadth first over canonical worlds, within stated bounds.

The search makes every move that is open (see `moves`), and the same code carries it out that plays a run. It counts
worlds, holds the invariants against each of them, and remembers the shortest way to every one. What comes out are
proofs within the bounds, and witnesses: lists of move ids that `moves.apply` and `teardown run --moves` accept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from teardown.errors import InputError
from teardown.tcp.endpoint import MissingRule
from teardown.tcp.states import CLOSED, ESTABLISHED, LISTEN, prose
from teardown.world import captions
from teardown.world.canonical import canonical, in_order
from teardown.world.doing import Doing
from teardown.world.invariants import INVARIANTS, broken
from teardown.world.moves import apply, begin, due_timers, open_calls
from teardown.world.trace import HOSTS, Host, Owes, Pair, Step, other
from teardown.world.world import Scenario, World

VERSION = 1

#: A goal: given a world and the steps that a move adds to it, is it reached?
Goal = Callable[[World, Sequence[Step]], bool]


@dataclass(frozen=True)
class Bounds:
    """How much may go wrong in one future, and how large the search may grow.

    `reorderings` counts deliveries of a segment that is not the oldest of its direction; `delays` counts timers
    that fire while a segment is still on the wire that was due before; `calls` is per program of the reader's hand.
    """

    losses: int = 1
    duplicates: int = 0
    reorderings: int = 1
    delays: int = 1
    calls: int = 3
    worlds: int = 50_000

    def json(self) -> dict[str, int]:
        """As a JSON object."""
        return {
            "losses": self.losses, "duplicates": self.duplicates, "reorderings": self.reorderings,
            "delays": self.delays, "calls": self.calls, "worlds": self.worlds,
        }  # fmt: skip


class Finding(NamedTuple):
    """An invariant, and the shortest way to a world that breaks it, if there is one."""

    id: str
    text: str
    witness: tuple[str, ...] | None  # None: it holds
    where: str = ""  # the broken world in words

    @property
    def holds(self) -> bool:
        """No world within the bounds breaks it."""
        return self.witness is None


class Standstill(NamedTuple):
    """Worlds that look alike and in which nothing happens by itself any more, though somebody is not CLOSED.

    `way_out`: calls that a program of the reader's hand may still make; without any, the worlds are stuck for ever.
    """

    states: Pair[str]
    text: str
    owes: Owes | None
    way_out: tuple[str, ...]
    witness: tuple[str, ...]
    worlds: int


class Loop(NamedTuple):
    """Worlds that follow each other for ever: there is always something to happen, and never an end."""

    text: str
    witness: tuple[str, ...]  # the way in
    period: tuple[str, ...]  # one way round, for a reader: the move ids hold for the first time round only
    worlds: int


class Exploration(NamedTuple):
    """Everything that the search has found."""

    scenario: Scenario
    bounds: Bounds
    states: int
    transitions: int
    terminals: int
    cut: tuple[str, ...]  # bounds that kept a move from being made
    complete: bool  # False: the search stopped at `bounds.worlds`
    invariants: tuple[Finding, ...]
    stuck: tuple[Standstill, ...]
    loops: tuple[Loop, ...]
    goal: tuple[str, ...] | None  # the shortest way to the goal; None: there is none, or no goal was given
    sought: bool  # a goal was given

    @property
    def sound(self) -> bool:
        """Every invariant holds."""
        return all(f.holds for f in self.invariants)

    def json(self) -> dict[str, Any]:
        """As plain data, for `--json`."""
        return {
            "version": VERSION,
            "scenario": self.scenario.json(),
            "bounds": self.bounds.json(),
            "states": self.states,
            "transitions": self.transitions,
            "terminals": self.terminals,
            "complete": self.complete,
            "cut": list(self.cut),
            "invariants": [
                {
                    "id": f.id, "text": f.text, "holds": f.holds, "where": f.where,
                    "witness": None if f.witness is None else list(f.witness),
                }
                for f in self.invariants
            ],
            "stuck": [
                {
                    "states": s.states.json(), "text": s.text, "worlds": s.worlds, "witness": list(s.witness),
                    "owes": None if s.owes is None else {"who": s.owes.who, "what": s.owes.what},
                    "way_out": list(s.way_out),
                }
                for s in self.stuck
            ],
            "loops": [
                {"text": o.text, "worlds": o.worlds, "witness": list(o.witness), "period": list(o.period)}
                for o in self.loops
            ],
            "goal": {"reached": self.goal is not None, "moves": list(self.goal or ())} if self.sought else None,
        }  # fmt: skip


# ------------------------------------------------------------------------------------------------ the search
#: What one future has used up of the bounds: losses, duplicates, reorderings, delays, calls of server and client.
Spent = tuple[int, int, int, int, int, int]
_NOTHING: Spent = (0, 0, 0, 0, 0, 0)
_LOSS, _DUPLICATE, _REORDERING, _DELAY, _CALL = range(5)
_NETWORK = ("deliver", "drop", "duplicate")
Node = tuple[World, Spent]
#: A move of a canonical world: its kind (a method of `Doing`), and the arguments.
Act = tuple[str, tuple[Any, ...]]


@lru_cache(maxsize=4_096)
def _spend(spent: Spent, what: int) -> Spent:
    return (*spent[:what], spent[what] + 1, *spent[what + 1 :])  # type: ignore[return-value]


def _named(act: Act) -> str:
    """The id of a move."""
    kind, arguments = act
    if kind == "fire":
        return f"fire:{arguments[0]}:{arguments[1].name}"
    if kind == "call":
        return f"call:{arguments[0]}:{arguments[1]}"
    return f"{kind}:{arguments[0].packet}"


def explore(start: World | Scenario, bounds: Bounds | None = None, *, goal: Goal | None = None) -> Exploration:
    """Walk all futures of a world, or of a scenario's beginning. Never raises for a world that moves can reach.

    `goal` asks for the shortest way to a world: it is given the world before a move and the steps of the move.
    """
    search = _Search(start, bounds or Bounds(), goal)
    search.walk()
    return search.found()


def shortest_way(start: World | Scenario, goal: Goal, bounds: Bounds | None = None) -> tuple[str, ...] | None:
    """The shortest way to the goal, as move ids; None if there is none within the bounds. Looks no further."""
    search = _Search(start, bounds or Bounds(), goal)
    search.walk(only_goal=True)
    return search.reached


class _Search:
    def __init__(self, start: World | Scenario, bounds: Bounds, goal: Goal | None) -> None:
        self.bounds, self.goal, self.sought = bounds, goal, goal is not None
        if isinstance(start, Scenario):
            self.start, opening = begin(start)
        else:
            self.start, opening = start, ()
        first = canonical(self.start)
        self.nodes: list[Node] = [(first, _NOTHING)]
        self.number: dict[Node, int] = {self.nodes[0]: 0}
        self.parent: list[tuple[int, Act]] = [(0, ("", ()))]
        self.after: list[tuple[int, ...]] = []  # successors of the nodes expanded so far
        self.broken: dict[str, tuple[int, Act | None]] = {}  # invariant -> a node, and the move there that breaks it
        self.cut: set[str] = set()
        self.reached: tuple[str, ...] | None = None
        if goal is not None and goal(first, opening):
            self.reached, self.goal = (), None
        self._judge(0)

    def walk(self, *, only_goal: bool = False) -> None:
        """Expand node after node, in the order of discovery; with `only_goal`, no further than the goal."""
        nodes, number, parent = self.nodes, self.number, self.parent
        at = 0
        while at < len(nodes) and len(nodes) < self.bounds.worlds and not (only_goal and self.goal is None):
            w, spent = nodes[at]
            after: dict[int, None] = {}
            for act, cost, doing in self._futures(w, spent, at):
                node = canonical(doing), cost
                known = number.setdefault(node, len(nodes))
                if known == len(nodes):
                    nodes.append(node)
                    parent.append((at, act))
                    self._judge(known)
                after[known] = None
                if self.goal is not None and self.goal(w, doing.steps):
                    self.reached, self.goal = self._way(at, act), None
            self.after.append(tuple(after))
            at += 1

    def _futures(self, w: World, spent: Spent, at: int) -> Iterator[tuple[Act, Spent, Doing]]:
        """Every move that is open in `w` and within the bounds: what is used up after it, and what it does."""
        for act, what in self._choices(w, spent):
            doing = Doing(w, quiet=self.goal is None)
            try:
                getattr(doing, act[0])(*act[1])
                doing.settle()
            except MissingRule:
                self.broken.setdefault("one-row", (at, act))
                continue
            except InputError:
                self.broken.setdefault("rest", (at, act))
                continue
            yield act, spent if what is None else _spend(spent, what), doing

    def _choices(self, w: World, spent: Spent) -> Iterator[tuple[Act, int | None]]:
        """The moves that are open and within the bounds, each with what it uses up."""
        bounds, seats, wire, cut = self.bounds, w.scenario.seats, w.wire, self.cut
        timer = w.next_timer()
        if wire and (not seats or "network" in seats):
            may_lose, may_double = spent[_LOSS] < bounds.losses, spent[_DUPLICATE] < bounds.duplicates
            may_overtake = spent[_REORDERING] < bounds.reorderings
            earlier: dict[tuple[Any, ...], Host] = {}
            for f in wire:
                sender, same = f.sender, f[1:]
                if same in earlier:
                    continue  # a copy that nothing tells from the first
                if timer is None or timer[1].expires >= f.due:
                    if sender not in earlier.values():
                        yield ("deliver", (f,)), None
                    elif may_overtake:
                        yield ("deliver", (f,)), _REORDERING
                    else:
                        cut.add("reorderings")
                earlier[same] = sender
                if f.doomed or w.down[sender == "server"]:
                    yield ("drop", (f,)), None
                elif may_lose:
                    yield ("drop", (f,)), _LOSS
                else:
                    cut.add("losses")
                if may_double:
                    yield ("duplicate", (f,)), _DUPLICATE
                else:
                    cut.add("duplicates")
        for n, host in enumerate(HOSTS):
            for event in open_calls(w, host):
                if spent[_CALL + n] < bounds.calls:
                    yield ("call", (host, event.call, event.amount)), _CALL + n
                else:
                    cut.add("calls")
        if timer is not None and (not seats or "clock" in seats):
            late = any(f.due < timer[1].expires for f in wire)
            if late and spent[_DELAY] >= bounds.delays:
                cut.add("delays")
            else:
                for due in due_timers(w):
                    yield ("fire", due), _DELAY if late else None

    def _judge(self, at: int) -> None:
        w, spent = self.nodes[at]
        for name in broken(w, lost=spent[_LOSS] > 0):
            self.broken.setdefault(name, (at, None))

    # -- ways
    def _way(self, at: int, then: Act | None = None) -> tuple[str, ...]:
        """The shortest way to node `at`, and a move more, as ids that the world at the start accepts."""
        acts = [then] if then else []
        while at:
            at, act = self.parent[at]
            acts.append(act)
        w, way = self.start, []
        for act in reversed(acts):
            kind, (first, *_rest) = act
            # The packets of a canonical world have other numbers.
            way.append(f"{kind}:{in_order(w)[first.packet - 1].packet}" if kind in _NETWORK else _named(act))
            if len(way) < len(acts):
                w, _steps = apply(w, way[-1])
        return tuple(way)

    # -- what came out
    def found(self) -> Exploration:
        """Everything, once the walk is over."""
        findings = []
        stuck = self._standstills()
        together = next((s for s in stuck if _together(s)), None)
        for name, text in INVARIANTS.items():
            if name == "stuck-together":
                findings.append(Finding(name, text, *((together.witness, together.text) if together else (None,))))
            elif name in self.broken:
                at, act = self.broken[name]
                findings.append(Finding(name, text, self._way(at, act), _standing(self.nodes[at][0])))
            else:
                findings.append(Finding(name, text, None))
        return Exploration(
            self.start.scenario, self.bounds, len(self.nodes), sum(map(len, self.after)),
            sum(not after for after in self.after), tuple(sorted(self.cut)), len(self.after) == len(self.nodes),
            tuple(findings), stuck, self._loops(), self.reached, self.sought,
        )  # fmt: skip

    def _standstills(self) -> tuple[Standstill, ...]:
        found: dict[tuple[Any, ...], list[Any]] = {}
        for at, (w, _spent) in enumerate(self.nodes):
            if w.wire or w.timers[0] or w.timers[1]:
                continue
            alive = [e.state for e, down in zip(w.ends, w.down, strict=True) if not down and e.state not in (CLOSED, LISTEN)]
            if not alive:
                continue  # a side that listens waits for nobody in particular
            way_out = tuple(f"call:{h}:{event.call}" for h in HOSTS for event in open_calls(w, h))
            if way_out and set(alive) == {ESTABLISHED}:
                continue  # an idle connection, and somebody may use it
            key = (w.states, w.down, captions.owes(w), bool(way_out))
            found.setdefault(key, [at, way_out, 0])[2] += 1
        standstills = []
        for (states, _down, owes, _waits), (at, way_out, worlds) in found.items():
            text = f"{_standing(self.nodes[at][0])}; nothing is on the wire and no timer runs{_turn(owes)}"
            standstills.append(Standstill(states, text, owes, way_out, self._way(at), worlds))
        return tuple(standstills)

    def _loops(self) -> tuple[Loop, ...]:
        loops: dict[str, Loop] = {}
        for ring in sorted(_bottoms(self._trapped(), self.after), key=min):
            entry = min(ring)
            period = self._round(entry, set(ring))
            w = self.nodes[entry][0]
            deeds = ", ".join(dict.fromkeys(_deed(move) for move in period))
            text = f"{_standing(w)}, and it goes round for ever: {deeds}{_turn(_idle(w))}"
            if text in loops:
                loops[text] = loops[text]._replace(worlds=loops[text].worlds + len(ring))
            else:
                loops[text] = Loop(text, self._way(entry), period, len(ring))
        return tuple(loops.values())

    def _trapped(self) -> set[int]:
        """The nodes from which no end can be reached, nor the edge of what has been searched."""
        before: dict[int, list[int]] = {}
        for at, after in enumerate(self.after):
            for to in after:
                before.setdefault(to, []).append(at)
        free = [at for at, after in enumerate(self.after) if not after]
        free += range(len(self.after), len(self.nodes))
        seen = set(free)
        while free:
            for at in before.get(free.pop(), ()):
                if at not in seen:
                    seen.add(at)
                    free.append(at)
        return set(range(len(self.nodes))) - seen

    def _round(self, entry: int, ring: set[int]) -> tuple[str, ...]:
        """The shortest way from `entry` back to it, as moves of the canonical worlds on the way."""
        came: dict[int, tuple[int, str]] = {}
        queue = deque([entry])
        while queue:
            at = queue.popleft()
            for act, cost, doing in self._futures(*self.nodes[at], at):
                to, move = self.number.get((canonical(doing), cost), -1), _named(act)
                if to == entry:
                    way = [move]
                    while at != entry:
                        at, move = came[at]
                        way.append(move)
                    return tuple(reversed(way))
                if to in ring and to not in came:
                    came[to] = (at, move)
                    queue.append(to)
        return ()


def _bottoms(among: set[int], after: Sequence[Sequence[int]]) -> list[list[int]]:
    """The strongly connected components within `among` that nothing leaves (Tarjan's way, without recursion)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    bottoms: list[list[int]] = []
    for root in sorted(among):
        if root in index:
            continue
        work = [(root, iter(after[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            at, rest = work[-1]
            for to in rest:
                if to not in index:
                    index[to] = low[to] = len(index)
                    stack.append(to)
                    on_stack.add(to)
                    work.append((to, iter(after[to])))
                    break
                if to in on_stack:
                    low[at] = min(low[at], index[to])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[at])
                if low[at] == index[at]:
                    ring: list[int] = []
                    while not ring or ring[-1] != at:
                        ring.append(stack.pop())
                        on_stack.discard(ring[-1])
                    inside = set(ring)
                    if all(to in inside for n in ring for to in after[n]):
                        bottoms.append(ring)
    return bottoms


# ------------------------------------------------------------------------------------------------- in words
def _together(s: Standstill) -> bool:
    return not s.way_out and CLOSED not in s.states and set(s.states) != {ESTABLISHED} and "gone" not in s.text


def _standing(w: World) -> str:
    (server, client), (no_server, no_client) = w.states, w.down
    if no_server or no_client:
        gone, here = ("server", client) if no_server else ("client", server)
        return f"the {gone} is gone and the {other(gone)} stays in {prose(here)}"  # type: ignore[arg-type]
    if server == client:
        return f"both ends stay in {prose(server)}"
    if CLOSED in (server, client):
        done, left, state = ("server", "client", client) if server == CLOSED else ("client", "server", server)
        return f"the {done} is CLOSED and the {left} stays in {prose(state)}"
    return f"the server stays in {prose(server)} and the client in {prose(client)}"


def _turn(owes: Owes | None) -> str:
    if owes is None or owes.who == "nobody":
        return "; nobody owes anything"
    return f"; the {owes.who} owes {owes.what}"


def _idle(w: World) -> Owes | None:
    """Who could end a loop: what is owed when nothing is on the wire and no clock is believed to help."""
    return captions.owes(w._replace(wire=(), timers=Pair((), ())))


def _deed(move: str) -> str:
    kind, *rest = move.split(":")
    if kind == "fire":
        return f"the {rest[0]}'s {captions.TIMER_NAMES.get(rest[1], rest[1])} fires"
    if kind == "call":
        return f"the {rest[0]} program calls {rest[1]}"
    return {"deliver": "a segment arrives", "drop": "a segment is lost"}.get(kind, "a segment is doubled")


def report(e: Exploration, *, describe: Callable[[Sequence[str]], Sequence[str]] | None = None) -> str:
    """The findings for a terminal. `describe` turns a witness into lines of text; without it the ids are printed."""
    b = e.bounds
    lines = [
        f"{e.scenario.title}",
        f"{e.states:,} worlds, {e.transitions:,} transitions, {e.terminals:,} ends",
        f"within {_count(b.losses, 'loss', 'losses')}, {_count(b.duplicates, 'duplicate')}, "
        f"{_count(b.reorderings, 'reordering')}, {_count(b.delays, 'delay')}, {_count(b.calls, 'call')} per program",
    ]
    if not e.complete:
        lines.append(f"The search stopped at {b.worlds:,} worlds: what is said below holds for these only.")
    if e.cut:
        lines.append(f"Moves left out by the bounds: {', '.join(e.cut)}.")

    def way(moves: Sequence[str]) -> list[str]:
        if describe is not None:
            return [f"        {line}" for line in describe(moves)]
        return [f"        {' '.join(moves) or 'from the start'}"]

    lines += ["", "Invariants"]
    for f in e.invariants:
        lines.append(f"  {'holds' if f.holds else 'FAILS'}  {f.text}")
        if f.witness is not None:
            lines += [f"        {f.where}", *way(f.witness)]
    for heading, wanted in (("Stuck worlds", False), ("Worlds that wait for a call", True)):
        stuck = [s for s in e.stuck if bool(s.way_out) is wanted]
        if stuck or not wanted:
            lines += ["", heading]
        for s in stuck:
            lines += [f"  {s.text[0].upper()}{s.text[1:]} ({_count(s.worlds, 'world')})", *way(s.witness)]
        if not stuck and not wanted:
            lines.append("  none")
    lines += ["", "Loops"]
    for o in e.loops:
        lines += [f"  {o.text[0].upper()}{o.text[1:]} ({_count(o.worlds, 'world')})", *way(o.witness)]
    if not e.loops:
        lines.append("  none")
    if e.sought:
        lines += ["", "Goal"]
        if e.goal is None:
            lines.append("  cannot be reached within these bounds")
        else:
            lines += [f"  in {_count(len(e.goal), 'move')}", *way(e.goal)]
    return "\n".join(lines)


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else many or one + 's'}"
