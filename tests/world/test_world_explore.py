"""All futures: the bare graph against a model written apart, invariants, stuck worlds, loops, witnesses."""

from __future__ import annotations

import json
import random
import time
from dataclasses import replace

import pytest

from teardown.stacks import names as stack_names
from teardown.tcp import endpoint
from teardown.tcp.states import CLOSED
from teardown.tcp.table import RULES
from teardown.world.bare import bare
from teardown.world.canonical import canonical, in_order
from teardown.world.explore import Bounds, Exploration, _named, _Search, explore, report, shortest_way
from teardown.world.invariants import INVARIANTS, broken
from teardown.world.moves import apply, begin, moves
from teardown.world.run import play
from teardown.world.scenario import load, names, varied
from teardown.world.trace import HOSTS, other
from teardown.world.world import Scenario, World


# ------------------------------------------------------------------------------------------ the bare graph
def model(never_closes: int | None = None) -> tuple[int, int, int]:
    """The close of two TCPs, written down apart from the engine: what RFC 9293 figure 5 says and nothing else."""
    received = {
        ("ESTABLISHED", "FIN"): "CLOSE-WAIT", ("FIN-WAIT-1", "ACK"): "FIN-WAIT-2", ("FIN-WAIT-1", "FIN"): "CLOSING",
        ("FIN-WAIT-2", "FIN"): "TIME-WAIT", ("CLOSING", "ACK"): "TIME-WAIT", ("LAST-ACK", "ACK"): "CLOSED",
    }  # fmt: skip
    closes = {"ESTABLISHED": ("FIN-WAIT-1", ("FIN",)), "CLOSE-WAIT": ("LAST-ACK", ("FIN", "ACK"))}
    start = (("ESTABLISHED", ()), ("ESTABLISHED", ()))  # for each side: its state, and what it has on the wire
    found, waiting, edges, ends = {start}, [start], set(), 0
    for world in waiting:
        after = set()
        for me in (0, 1):
            (state, mine), (far, theirs) = world[me], world[1 - me]

            def put(state: str, mine: tuple, theirs: tuple, far: str = far, me: int = me) -> tuple:
                pair = ((state, mine), (far, theirs))
                return pair if me == 0 else pair[::-1]

            if state in closes and me != never_closes:
                following, segment = closes[state]
                after.add(put(following, (*mine, segment), theirs))
            if theirs:
                following = state
                for bit in ("ACK", "FIN"):
                    if bit in theirs[0]:
                        following = received.get((following, bit), following)
                answer = (("ACK",),) if "FIN" in theirs[0] else ()
                after.add(put(following, (*mine, *answer), theirs[1:]))
            if state == "TIME-WAIT":
                after.add(put("CLOSED", mine, theirs))
        edges |= {(world, w) for w in after}
        waiting += [w for w in after if w not in found]
        found |= after
        ends += not after
    return len(found), len(edges), ends


@pytest.mark.parametrize(("host", "side"), [(None, None), ("server", 0), ("client", 1)])
def test_the_bare_graph_is_the_models(host, side: int | None) -> None:
    graph = bare(host)
    assert (graph.states, graph.transitions, len(graph.terminals)) == model(side)


def test_the_bare_graph_in_numbers() -> None:
    assert bare().json() == {"version": 1, "states": 27, "transitions": 38, "terminals": 1}
    assert bare("client").json() == {"version": 1, "states": 4, "transitions": 3, "terminals": 1}
    (end,) = bare().terminals
    assert end.states == (CLOSED, CLOSED)
    assert end.wires == ((), ())
    (stuck,) = bare("client").terminals
    assert stuck.states == ("FIN-WAIT-2", "CLOSE-WAIT")


def test_in_the_bare_graph_a_side_that_waits_for_an_ack_has_sent_its_fin_last() -> None:
    """While an endpoint stays in FIN-WAIT-1 or LAST-ACK the last thing it put on the wire is its FIN."""
    for state in bare().successors:
        for name, wire in zip(state.states, state.wires, strict=True):
            if name in ("FIN-WAIT-1", "LAST-ACK") and wire:
                assert wire[-1].fin
        if not any(state.wires):
            assert (state.states.server == "ESTABLISHED") is (state.states.client == "ESTABLISHED")


def test_the_bare_graph_takes_less_than_ten_milliseconds() -> None:
    best = 1.0
    for _try in range(5):
        endpoint.forget()
        bare.cache_clear()
        start = time.process_time()
        bare()
        best = min(best, time.process_time() - start)
    assert best < 0.010


# ------------------------------------------------------------------------------------------ canonical worlds
def by_hand(stack: str = "linux", **changes) -> Scenario:
    both = dict.fromkeys(HOSTS, stack)
    scenario = varied(load("normal-close"), stacks=both, programs=dict.fromkeys(HOSTS, "hand"))
    return replace(scenario, **changes)


def kinds(w: World) -> dict[str, str]:
    """Every legal move, with its packet given as the canonical form numbers it."""
    played = not w.scenario.seats or "network" in w.scenario.seats
    place = {f.packet: n for n, f in enumerate(in_order(w.wire, played), 1)}
    named = {}
    for move in moves(w):
        kind, _colon, rest = move.id.partition(":")
        if kind != "wait":
            named[f"{kind}:{place[int(rest)]}" if rest.isdecimal() else move.id] = move.id
    return named


@pytest.mark.parametrize("seed", range(12))
def test_a_canonical_world_has_the_same_futures(seed: int) -> None:
    """On every walk: the same moves are open, and they lead to the same canonical worlds."""
    rng = random.Random(seed)
    name = rng.choice(stack_names())
    world, _steps = begin(by_hand(name, begin=rng.choice(["established", "closed"])))
    for _move in range(30):
        plain = canonical(world)
        assert canonical(plain) == plain
        assert plain.states == world.states
        open_here, open_there = kinds(world), kinds(plain)
        assert set(open_here) == set(open_there)
        for move, real in open_here.items():
            assert canonical(apply(world, real)[0]) == canonical(apply(plain, open_there[move])[0]), move
        world, _more = apply(world, rng.choice(list(open_here.values()) or ["wait"]))


@pytest.mark.parametrize("name", names())
def test_canonical_worlds_of_a_scenario_have_the_same_futures(name: str) -> None:
    """The same with programs that act by themselves, and their alarms."""
    world, _steps = begin(load(name))
    rng = random.Random(name)
    for _move in range(20):
        plain = canonical(world)
        open_here, open_there = kinds(world), kinds(plain)
        assert set(open_here) == set(open_there)
        for move, real in open_here.items():
            assert canonical(apply(world, real)[0]) == canonical(apply(plain, open_there[move])[0]), move
        if not open_here:
            break
        world, _more = apply(world, rng.choice(list(open_here.values())))


@pytest.mark.parametrize("name", names())
def test_worlds_by_number_move_as_worlds_do(name: str) -> None:
    """The search works on numbers of parts; every move of every world it meets leads where the public move leads."""
    faulty = Bounds(losses=1, duplicates=1, reorderings=1, delays=1, calls=2, worlds=150)
    search = _Search(load(name), faulty, None)
    search.walk()
    for at in range(len(search.after)):
        known, spent = search.nodes[at]
        world = search.worlds.world(known)
        assert canonical(world) == world
        assert search.worlds.known(world) == known
        for act, _cost, following in search._futures(known, spent, at):
            assert search.worlds.world(following) == canonical(apply(world, _named(act))[0]), _named(act)


@pytest.mark.parametrize("seats", [("client", "clock"), ("network", "client"), ("clock",), ("server", "client"), ("network",)])
@pytest.mark.parametrize("begins", ["established", "closed"])
def test_worlds_by_number_settle_as_worlds_do(seats: tuple[str, ...], begins: str) -> None:
    """The same where some seats are not taken, so that things happen by themselves."""
    search = _Search(by_hand(seats=seats, begin=begins), Bounds(calls=2, worlds=120), None)
    search.walk()
    for at in range(len(search.after)):
        known, spent = search.nodes[at]
        world = search.worlds.world(known)
        for act, _cost, following in search._futures(known, spent, at):
            assert search.worlds.world(following) == canonical(apply(world, _named(act))[0]), _named(act)


# ------------------------------------------------------------------------------------------ what is found
def naive(scenario: Scenario, bounds: Bounds) -> int:
    """How many worlds there are, counted slowly: the public moves, without loss or delay, over canonical worlds."""
    assert (bounds.losses, bounds.duplicates, bounds.reorderings, bounds.delays) == (0, 0, 0, 0)
    start = canonical(begin(scenario)[0])
    found, waiting = {start}, [start]
    for w in waiting:
        oldest = {f.sender: f.packet for f in reversed(w.wire)}.values()
        for move in moves(w):
            kind, _colon, rest = move.id.partition(":")
            flight = w.flight(int(rest)) if rest.isdecimal() else None
            if kind in ("duplicate", "delay", "wait") or (kind == "deliver" and flight.packet not in oldest):
                continue
            if kind == "drop" and not flight.doomed and not w.down.of(other(flight.sender)):
                continue
            if kind == "fire":
                timer = w.next_timer()
                assert timer is not None
                if any(f.due < timer[1].expires for f in w.wire):
                    continue
            following = canonical(apply(w, move)[0])
            if following not in found:
                found.add(following)
                waiting.append(following)
    return len(found)


@pytest.mark.parametrize("name", names())
def test_the_search_finds_every_world_that_the_public_moves_reach(name: str) -> None:
    calm = Bounds(losses=0, duplicates=0, reorderings=0, delays=0)
    assert explore(load(name), calm).states == naive(load(name), calm)


@pytest.fixture(scope="module")
def found() -> dict[str, Exploration]:
    return {name: explore(load(name), Bounds(worlds=4_000)) for name in names()}


#: Scenarios in which a program withholds its close() and no timer helps: there the two ends are stuck together.
FORGETFUL = {"buggy-client-1997", "lingering-bsd", "held-half-closed", "pair-far-leg"}


@pytest.mark.parametrize("name", names())
def test_invariants_hold_in_every_scenario(name: str, found: dict[str, Exploration]) -> None:
    failing = {f.id: f.witness for f in found[name].invariants if not f.holds}
    assert set(failing) <= ({"stuck-together"} if name in FORGETFUL else set())
    assert [f.id for f in found[name].invariants] == list(INVARIANTS)


def test_the_forgetful_client_is_stuck_without_a_timer_and_alone_with_one(found: dict[str, Exploration]) -> None:
    (without,) = [s for s in found["lingering-bsd"].stuck if CLOSED not in s.states]
    assert without.states == ("FIN-WAIT-2", "CLOSE-WAIT")
    assert without.text == (
        "the server stays in FIN_WAIT_2 and the client in CLOSE_WAIT; nothing is on the wire and no timer runs; "
        "the client program owes close()"
    )
    for stuck in found["lingering-linux"].stuck:
        assert stuck.states == ("CLOSED", "CLOSE-WAIT")


@pytest.mark.parametrize("name", names())
def test_witnesses_are_moves_that_lead_there(name: str, found: dict[str, Exploration]) -> None:
    exploration = found[name]
    for stuck in exploration.stuck:
        world, _steps = play(load(name), stuck.witness)
        assert world.states == stuck.states
        assert not world.wire
        assert not any(world.timers)
    for loop in exploration.loops:
        play(load(name), loop.witness)


def test_a_loop_is_found_and_named() -> None:
    scenario = varied(
        load("buggy-client"), stacks=dict.fromkeys(HOSTS, "hpux-11"), programs={"server": "httpd-1.1"}
    )
    exploration = explore(scenario)
    (loop,) = exploration.loops
    assert not exploration.stuck
    assert "it goes round for ever: the server's keepalive timer fires" in loop.text
    assert loop.text.endswith("the client program owes close()")
    assert [move.split(":")[0] for move in loop.period] == ["fire", "deliver", "deliver"]


def test_endless_traffic_is_a_loop_too() -> None:
    """Sequence numbers grow for ever, but the world comes back."""
    scenario = varied(
        load("late-data"), stacks=dict.fromkeys(HOSTS, "rfc9293"), programs={"server": "holds-half-closed"},
        values=[("server", "keepalive_timeout", "2s")],
    )  # fmt: skip
    calm = Bounds(losses=0, reorderings=0, delays=0, worlds=500)
    exploration = explore(scenario, calm)
    assert exploration.complete
    assert exploration.loops


def test_the_shortest_way_to_a_goal() -> None:
    def timed_out(before, steps) -> bool:
        return any(s.timer == "fin-wait-2" for s in steps)

    way = shortest_way(load("buggy-client"), timed_out)
    assert way is not None
    _world, steps = play(load("buggy-client"), way)
    assert steps[-1].timer == "fin-wait-2"
    assert explore(load("buggy-client"), goal=timed_out).goal == way
    impossible = explore(load("lingering-bsd"), Bounds(losses=0), goal=lambda before, steps: False)
    assert impossible.goal is None
    assert "cannot be reached" in report(impossible)


def test_a_goal_that_holds_from_the_start_needs_no_move() -> None:
    assert shortest_way(load("buggy-client"), lambda before, steps: True) == ()


def test_bounds_stop_the_search_and_say_so() -> None:
    exploration = explore(by_hand(), Bounds(worlds=300))
    assert not exploration.complete
    assert exploration.states >= 300
    assert "stopped at 300 worlds" in report(exploration)
    assert {"losses", "duplicates", "delays"} & set(exploration.cut)


@pytest.mark.parametrize("stack", stack_names())
@pytest.mark.parametrize("begins", ["established", "closed"])
def test_invariants_hold_when_both_programs_are_in_the_readers_hand(stack: str, begins: str) -> None:
    generous = Bounds(losses=1, duplicates=1, reorderings=1, delays=1, calls=2, worlds=2_500)
    exploration = explore(by_hand(stack, begin=begins), generous)
    assert [f for f in exploration.invariants if not f.holds and f.id != "stuck-together"] == []


def test_a_table_without_a_row_is_found_with_a_way_to_it() -> None:
    last_ack = next(r for r in RULES if "FIN-WAIT-2" in r.states and r.event == "segment fin" and r.to == "TIME-WAIT")
    try:
        endpoint.use(tuple(r for r in RULES if r != last_ack))
        missing = next(f for f in explore(load("normal-close")).invariants if f.id == "one-row")
        calm = explore(load("normal-close"), Bounds(losses=0))
    finally:
        endpoint.use(RULES)
    assert not missing.holds
    assert missing.witness
    assert not calm.sound


def test_a_wrong_next_state_breaks_an_invariant() -> None:
    wrong = tuple(
        r._replace(to="TIME-WAIT") if r.event == "segment ack" and r.to == "FIN-WAIT-2" else r for r in RULES
    )
    try:
        endpoint.use(wrong)
        failing = {f.id: f.witness for f in explore(load("buggy-client")).invariants if not f.holds}
    finally:
        endpoint.use(RULES)
    assert "timer-fits" in failing


def test_the_report_and_the_json_tell_the_same(found: dict[str, Exploration]) -> None:
    exploration = found["buggy-client-1997"]
    text, data = report(exploration), json.loads(json.dumps(exploration.json()))
    assert data["version"] == 1
    assert data["states"] == exploration.states
    assert data["transitions"] == exploration.transitions
    assert f"{exploration.states:,} worlds, {exploration.transitions:,} transitions" in text
    assert [i["id"] for i in data["invariants"]] == list(INVARIANTS)
    assert {i["id"] for i in data["invariants"] if not i["holds"]} == {"stuck-together"}
    assert "FAILS  The two ends are never stuck together" in text
    assert data["stuck"][0]["owes"] == {"who": "client program", "what": "close()"}
    assert data["goal"] is None


def test_seats_limit_what_a_reader_can_bring_about() -> None:
    """Where nobody plays the network, nothing is lost."""
    alone = replace(load("buggy-client"), seats=("client", "clock"))
    exploration = explore(alone)
    assert exploration.complete
    ways = [*(s.witness for s in exploration.stuck), *(f.witness or () for f in exploration.invariants)]
    assert not [move for way in ways for move in way if move.startswith(("drop", "deliver"))]
    assert exploration.states < explore(load("buggy-client")).states


def test_exploring_from_the_middle() -> None:
    world, _steps = play(by_hand(), ["call:server:shutdown", "deliver:1", "deliver:2"])
    exploration = explore(world, Bounds(calls=1))
    waiting = next(s for s in exploration.stuck if s.states == ("FIN-WAIT-2", "CLOSE-WAIT"))
    assert waiting.witness == ()
    assert "call:client:close" in waiting.way_out


def test_no_world_on_any_walk_breaks_an_invariant() -> None:
    for seed in range(40):
        rng = random.Random(seed)
        world, _steps = begin(by_hand(rng.choice(stack_names()), begin=rng.choice(["established", "closed"])))
        lost = False
        for _move in range(40):
            move = rng.choice(moves(world)).id
            lost = lost or move.startswith("drop")
            world, _more = apply(world, move)
            assert broken(world, lost=lost) == (), (seed, move, world.states)
