"""All futures of a world: breadth first over canonical worlds, within stated bounds.

The search makes every move that is open (see `moves`), and the same code carries it out that plays a run. It counts
worlds, holds the invariants against each of them, and remembers the shortest way to every one. What comes out are
proofs within the bounds, and witnesses: lists of move ids that `moves.apply` and `teardown run --moves` accept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import le
from typing import Any, NamedTuple

from teardown.errors import InputError
from teardown.tcp.endpoint import MissingRule, memories
from teardown.tcp.states import CLOSED, ESTABLISHED, LISTEN, prose
from teardown.world import captions
from teardown.world.canonical import in_order
from teardown.world.findings import Bounds, Exploration, Finding, Loop, Standstill, report
from teardown.world.invariants import INVARIANTS, between, beyond_fin, open_alone
from teardown.world.moves import apply, begin, open_calls
from teardown.world.parts import NEVER, Act, Known, Worlds
from teardown.world.trace import HOSTS, Host, Owes, Pair, Step, other
from teardown.world.world import Scenario, World

__all__ = [
    "Bounds", "Exploration", "Search", "Turning", "explore", "report", "search_way", "shortest_way",
    "turning_points",
]

#: A goal: given a world and the steps that a move adds to it, is it reached? If it has a method `may`, that is asked
#: first, with the states before the move and what kind of move it is, where a move is all that happens. If it has a
#: method `can`, no search goes on from a world from which that says that the goal cannot be reached any more.
Goal = Callable[[World, Sequence[Step]], bool]


class Search(NamedTuple):
    """What a search for a goal has found: the way, or None; how many worlds it has met; whether these were all.

    `cut`: the bounds that have kept some future from going on. Widening any other one changes nothing.
    """

    way: tuple[str, ...] | None
    worlds: int
    complete: bool
    cut: frozenset[str]


class Turning(NamedTuple):
    """A situation in which a goal is reached for the first time: the moves to it, its world, the last move's steps."""

    way: tuple[str, ...]
    world: World
    steps: Sequence[Step]


# ------------------------------------------------------------------------------------------------ the search
#: What one future has used up of the bounds: losses, duplicates, reorderings, delays, calls of server and client.
#: In a search for a goal that comes after another: also whether it still owes that.
Spent = tuple[int, ...]
_NOTHING: Spent = (0, 0, 0, 0, 0, 0)
_LOSS, _DUPLICATE, _REORDERING, _DELAY, _CALL = range(5)
_OWED = 6
_NETWORK = ("deliver", "drop", "duplicate", "delay")
Node = tuple[Known, Spent]


@lru_cache(maxsize=4_096)
def _spend(spent: Spent, what: int) -> Spent:
    return (*spent[:what], spent[what] + 1, *spent[what + 1 :])


def _named(act: Act) -> str:
    """The id of a move, in the canonical world: packets are numbered there by their place on the wire."""
    kind, (first, *rest) = act
    return f"{kind}:{first + 1}" if kind in _NETWORK else f"{kind}:{first}:{rest[0]}"


def explore(start: World | Scenario, bounds: Bounds | None = None, *, goal: Goal | None = None) -> Exploration:
    """Walk all futures of a world, or of a scenario's beginning. Never raises for a world that moves can reach.

    `goal` asks for the shortest way to a world: it is given the world before a move and the steps of the move.
    """
    search = _Search(start, bounds or Bounds(), goal)
    search.walk()
    return search.found()


def shortest_way(start: World | Scenario, goal: Goal, bounds: Bounds | None = None) -> tuple[str, ...] | None:
    """The shortest way to the goal, as move ids; None if there is none within the bounds. Looks no further."""
    return search_way(start, goal, bounds).way


def search_way(
    start: World | Scenario, goal: Goal, bounds: Bounds | None = None, *, once: Goal | None = None
) -> Search:
    """The same, and how far the search had to look. `once`: a goal that must have been reached by an earlier move."""
    search = _Search(start, bounds or Bounds(), goal if once is None else None, shared=True)
    complete = search.reached is not None or search.seek(goal, once)
    return Search(search.reached, len(search.nodes), complete, frozenset(search.cut))


def turning_points(start: World | Scenario, goal: Goal, bounds: Bounds | None = None) -> tuple[list[Turning], bool]:
    """Every situation in which a goal is reached for the first time, and whether the search has seen all worlds.

    Worlds that are alike count once. What lies behind such a situation is not looked at.
    """
    search = _Search(start, bounds or Bounds(), goal, shared=True)
    if search.reached is not None:
        world, opening = begin(start) if isinstance(start, Scenario) else (start, ())
        return [Turning((), world, opening)], True
    return search.turns()


#: How much is remembered of a scenario for the next search, and of how many.
_MOST_KEPT, _MOST_SCENARIOS = 150_000, 16
_shared: dict[Scenario, Worlds] = {}
memories.append(_shared.clear)


def _worlds(scenario: Scenario) -> Worlds:
    """What earlier searches have found out about a scenario: a lab asks about the same worlds for every goal and hint."""
    worlds = _shared.pop(scenario, None)
    if worlds is None or worlds.size > _MOST_KEPT:
        worlds = Worlds(scenario)
    _shared[scenario] = worlds  # the last one that was asked for goes last
    if len(_shared) > _MOST_SCENARIOS:
        del _shared[next(iter(_shared))]
    return worlds


class _Search:
    def __init__(self, start: World | Scenario, bounds: Bounds, goal: Goal | None, *, shared: bool = False) -> None:
        self.bounds, self.goal, self.sought = bounds, goal, goal is not None
        if isinstance(start, Scenario):
            self.start, opening = begin(start)
        else:
            self.start, opening = start, ()
        self.worlds = _worlds(self.start.scenario) if shared else Worlds(self.start.scenario)
        seats = self.start.scenario.seats
        self.plays_network, self.plays_clock = (not seats or seat in seats for seat in ("network", "clock"))
        self.between: dict[tuple[int, int], tuple[str, ...]] = {}  # what two sides break, by their numbers
        first = self.worlds.known(self.start)
        self.nodes: list[Node] = [(first, _NOTHING)]
        self.number: dict[Node, int] = {self.nodes[0]: 0}
        self.parent: list[tuple[int, Act]] = [(0, ("", ()))]
        self.after: list[tuple[int, ...]] = []  # successors of the nodes expanded so far
        self.broken: dict[str, tuple[int, Act | None]] = {}  # invariant -> a node, and the move there that breaks it
        self.cut: set[str] = set()
        self.reached: tuple[str, ...] | None = None
        self._met: dict[tuple[Known, Act], bool] = {}
        self._hope: dict[tuple[int, ...], bool] = {}
        self._spent: dict[Known, list[Spent]] = {first: [_NOTHING]}
        if goal is not None and goal(self.worlds.world(first), opening):
            self.reached, self.goal = (), None
        self._judge(0)

    def walk(self) -> None:
        """Expand node after node, in the order of discovery."""
        nodes, number, parent = self.nodes, self.number, self.parent
        at = 0
        while at < len(nodes) and len(nodes) < self.bounds.worlds:
            known, spent = nodes[at]
            after: dict[int, None] = {}
            for act, cost, following in self._futures(known, spent, at):
                node = following, cost
                to = number.setdefault(node, len(nodes))
                if to == len(nodes):
                    nodes.append(node)
                    parent.append((at, act))
                    self._judge(to)
                after[to] = None
                if self.goal is not None and self._meets(known, act, self.goal, self._met):
                    self.reached, self.goal = self._way(at, act), None
            self.after.append(tuple(after))
            at += 1

    def seek(self, goal: Goal, once: Goal | None) -> bool:
        """Look for a goal and no further. The answer: whether the search has left out nothing.

        `once` comes first: until a move reaches it, a future owes one thing more.
        """
        met: dict[tuple[Known, Act], bool] = {}
        met_once: dict[tuple[Known, Act], bool] = {}
        first, at = self.nodes[0][0], 0
        self.nodes, self.parent, self._spent = [], [], {}
        self._add(first, (*_NOTHING, int(once is not None)), 0, ("", ()))
        if not self._can(first, goal) or not (once is None or self._can(first, once)):
            return True
        while at < len(self.nodes) and len(self.nodes) < self.bounds.worlds:
            known, spent = self.nodes[at]
            for act, cost, following in self._futures(known, spent, at):
                if once is not None and cost[_OWED]:
                    if self._meets(known, act, once, met_once):
                        cost = (*cost[:_OWED], 0)
                    elif not self._can(following, once):
                        continue
                elif self._meets(known, act, goal, met):
                    self.reached = self._way(at, act)
                    return True
                if self._can(following, goal):
                    self._add(following, cost, at, act)
            at += 1
        return at == len(self.nodes)

    def _add(self, known: Known, spent: Spent, at: int, act: Act) -> None:
        """A node more, unless the same world was reached before with as much left of everything."""
        before = self._spent.setdefault(known, [])
        for earlier in before:
            if all(map(le, earlier, spent)):
                return
        before.append(spent)
        self.nodes.append((known, spent))
        self.parent.append((at, act))

    def turns(self) -> tuple[list[Turning], bool]:
        """Every first time that the goal is reached, and whether these are all. A way ends there."""
        assert self.goal is not None
        points: dict[Known, Turning] = {}
        at = 0
        while at < len(self.nodes) and len(self.nodes) < self.bounds.worlds:
            known, spent = self.nodes[at]
            for act, cost, following in self._futures(known, spent, at):
                if self._meets(known, act, self.goal, self._met):
                    if following not in points:
                        world, steps = self._seen(known, act)
                        points[following] = Turning(self._way(at, act), apply(world, _named(act))[0], steps)
                else:
                    self._add(following, cost, at, act)
            at += 1
        return list(points.values()), at == len(self.nodes)

    def _meets(self, known: Known, act: Act, goal: Goal, found: dict[tuple[Known, Act], bool]) -> bool:
        """Does this move reach the goal there? What a future has used up makes no difference, so it is asked once."""
        meets = found.get((known, act))
        if meets is None:
            if not self._may(known, act, goal):
                return False
            meets = found[known, act] = goal(*self._seen(known, act))
        return meets

    def _can(self, known: Known, goal: Goal) -> bool:
        """Whether the goal, if it can tell, thinks that it can still be reached from there."""
        can = getattr(goal, "can", None)
        if can is None:
            return True
        key = id(goal), *known[:3]
        found = self._hope.get(key)
        if found is None:
            worlds = self.worlds
            ends = Pair(*(worlds.side(side).endpoint for side in known[:2]))
            flags = [(f[0], worlds.segment(f[1]).flags) for f in worlds.wire(known)]
            found = self._hope[key] = bool(can(ends, flags))
        return found

    def _may(self, known: Known, act: Act, goal: Goal) -> bool:
        """Whether the goal, if it can tell, thinks that such a move may reach it."""
        may = getattr(goal, "may", None)
        if may is None or not (self.plays_network and self.plays_clock):
            return True
        kind, (first, *rest) = act
        mover: Host | None = None
        if kind == "deliver":
            mover = HOSTS[1 - self.worlds.wire(known)[first][0]]
        elif kind not in _NETWORK:
            mover = first
        states = Pair(*(self.worlds.side(side).endpoint.state for side in known[:2]))
        return bool(may(states, kind, mover, str(rest[0]) if rest else ""))

    def _futures(self, known: Known, spent: Spent, at: int) -> Iterator[tuple[Act, Spent, Known]]:
        """Every move that is open there and within the bounds: what is used up after it, and where it leads."""
        for act, what in self._choices(known, spent):
            try:
                following = getattr(self.worlds, act[0])(known, *act[1])
            except MissingRule:
                self.broken.setdefault("one-row", (at, act))
                continue
            except InputError:
                self.broken.setdefault("rest", (at, act))
                continue
            yield act, spent if what is None else _spend(spent, what), following

    def _seen(self, known: Known, act: Act) -> tuple[World, Sequence[Step]]:
        """A world, and the steps that a move adds to it."""
        w = self.worlds.world(known)
        return w, apply(w, _named(act))[1]

    def _choices(self, known: Known, spent: Spent) -> Iterator[tuple[Act, int | None]]:
        """The moves that are open and within the bounds, each with what it uses up."""
        bounds, worlds, cut = self.bounds, self.worlds, self.cut
        wire, soonest = worlds.wire(known), min(worlds.soonest[known[0]], worlds.soonest[known[1]])
        if wire and self.plays_network:
            may_lose, may_double = spent[_LOSS] < bounds.losses, spent[_DUPLICATE] < bounds.duplicates
            may_overtake = spent[_REORDERING] < bounds.reorderings
            under_way: list[int] = []  # the senders of what comes before
            for place, f in enumerate(wire):
                sender, _segment, _sent, due, doomed = f
                if place and f in wire[:place]:
                    continue  # a copy that nothing tells from the first
                if due <= soonest:
                    if sender not in under_way:
                        yield ("deliver", (place,)), None
                    elif may_overtake:
                        yield ("deliver", (place,)), _REORDERING
                    else:
                        cut.add("reorderings")
                under_way.append(sender)
                if doomed or worlds.side(known[1 - sender]).down:
                    yield ("drop", (place,)), None
                elif may_lose:
                    yield ("drop", (place,)), _LOSS
                else:
                    cut.add("losses")
                if may_double:
                    yield ("duplicate", (place,)), _DUPLICATE
                else:
                    cut.add("duplicates")
                # Who plays the clock too lets a timer fire before the segment: there a delay adds nothing.
                if not self.plays_clock and soonest != NEVER:
                    if spent[_DELAY] < bounds.delays:
                        yield ("delay", (place,)), _DELAY
                    else:
                        cut.add("delays")
        for at, host in enumerate(HOSTS):
            for name, amount in worlds.calls(known, at):
                if spent[_CALL + at] < bounds.calls:
                    yield ("call", (host, name, amount)), _CALL + at
                else:
                    cut.add("calls")
        if soonest != NEVER and self.plays_clock:
            late = False
            for f in wire:
                late = late or f[3] < soonest
            if late and spent[_DELAY] >= bounds.delays:
                cut.add("delays")
            else:
                for timer in worlds.timers(known):
                    yield ("fire", timer), _DELAY if late else None

    def _judge(self, at: int) -> None:
        known, spent = self.nodes[at]
        worlds, server, client = self.worlds, known[0], known[1]
        pair = self.between.get((server, client))
        if pair is None:
            ends = worlds.side(server).endpoint, worlds.side(client).endpoint
            pair = self.between[server, client] = worlds.breaks[server] + worlds.breaks[client] + between(*ends)
        found = pair
        wire = worlds.wire(known)
        for sender, segment, *_times in wire:
            found += beyond_fin(worlds.side(known[sender]).endpoint, worlds.segment(segment))
        if not wire:
            found += open_alone(worlds.world(known), lost=spent[_LOSS] > 0)
        for name in found:
            self.broken.setdefault(name, (at, None))

    def _world(self, at: int) -> World:
        return self.worlds.world(self.nodes[at][0])

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
            packet = in_order(w.wire, self.plays_network)[first].packet if kind in _NETWORK else 0
            way.append(f"{kind}:{packet}" if packet else _named(act))
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
                findings.append(Finding(name, text, self._way(at, act), _standing(self._world(at))))
            else:
                findings.append(Finding(name, text, None))
        return Exploration(
            self.start.scenario, self.bounds, len(self.nodes), sum(map(len, self.after)),
            sum(not after for after in self.after), tuple(sorted(self.cut)), len(self.after) == len(self.nodes),
            tuple(findings), stuck, self._loops(), self.reached, self.sought,
        )  # fmt: skip

    def _standstills(self) -> tuple[Standstill, ...]:
        found: dict[tuple[Any, ...], list[Any]] = {}
        for at, (known, _spent) in enumerate(self.nodes):
            if self.worlds.wire(known) or min(self.worlds.soonest[known[0]], self.worlds.soonest[known[1]]) != NEVER:
                continue
            w = self._world(at)
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
            text = f"{_standing(self._world(at))}; nothing is on the wire and no timer runs{_turn(owes)}"
            standstills.append(Standstill(states, text, owes, way_out, self._way(at), worlds))
        return tuple(standstills)

    def _loops(self) -> tuple[Loop, ...]:
        loops: dict[str, Loop] = {}
        for ring in sorted(_bottoms(self._trapped(), self.after), key=min):
            entry = min(ring)
            period = self._round(entry, set(ring))
            w = self._world(entry)
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
            for act, cost, following in self._futures(*self.nodes[at], at):
                to, move = self.number.get((following, cost), -1), _named(act)
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
