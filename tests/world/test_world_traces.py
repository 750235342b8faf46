"""Traces: the JSON contract, the same bytes each time, undo, and replays of a trace's own moves."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import pytest

from teardown.tcp import endpoint
from teardown.tcp.states import STATES
from teardown.tcp.table import RULES
from teardown.world.moves import IllegalMove, apply, begin, moves, next_move, tempting
from teardown.world.run import play, run, trace
from teardown.world.scenario import load, names, varied
from teardown.world.trace import HOSTS, Trace

EVENTS = {"start", "call", "segment-sent", "segment-arrived", "segment-lost", "timer"}
#: The fields of the contract (design.md, section 5); a step may have more.
STEP = {
    "i", "t", "event", "host", "segment", "call", "timer", "states", "timers", "owes", "caption", "rule", "rfc",
}  # fmt: skip


@pytest.mark.parametrize("name", names())
def test_the_json_keeps_the_contract(name: str) -> None:
    data = json.loads(run(load(name)).dumps())
    assert data["version"] == 1
    assert data["scenario"]["name"] == name
    assert [step["i"] for step in data["steps"]] == list(range(len(data["steps"])))
    times = [step["t"] for step in data["steps"]]
    assert times == sorted(times)
    assert all(isinstance(t, int) for t in times)
    for step in data["steps"]:
        assert set(step) >= STEP
        assert step["event"] in EVENTS
        assert step["host"] in (*HOSTS, None)
        assert step["caption"]
        assert set(step["states"]) == set(step["timers"]) == set(HOSTS)
        assert set(step["states"].values()) <= set(STATES)
        assert (step["segment"] is not None) is step["event"].startswith("segment")
        assert (step["call"] is not None) is (step["event"] == "call")
        assert step["rule"] in {rule.id for rule in RULES} | {""}
        if step["segment"] is not None:
            assert set(step["segment"]) == {"from", "seq", "ack", "flags", "len", "win"}
            assert set(step["segment"]["flags"]) <= set("SFRPA")
            assert step["segment"]["len"] >= 0
            assert 0 <= step["segment"]["win"] <= 65_535
        for running in (*step["timers"]["server"], *step["timers"]["client"]):
            assert running["expires"] >= step["t"]
            assert running["started"] <= step["t"]
        if step["owes"] is not None:
            assert step["owes"]["what"]
            assert step["owes"]["who"] in {
                "network", "nobody", *(f"{host} {part}" for host in HOSTS for part in ("kernel", "program")),
            }  # fmt: skip
    assert data["ending"]["kind"] in ("closed", "stuck", "open")


@pytest.mark.parametrize("name", names())
def test_segments_that_are_sent_arrive_or_are_lost_once(name: str) -> None:
    sent: dict[int | None, object] = {}
    for step in run(load(name)).steps:
        if step.event == "segment-sent":
            assert step.packet not in sent
            sent[step.packet] = step.segment
        elif step.segment is not None:
            assert sent.pop(step.packet) == step.segment


@pytest.mark.parametrize("name", names())
def test_states_change_only_where_a_row_says_so(name: str) -> None:
    """Each change between two steps is an edge of the table, with the cause that the diagram draws.

    Only a host that loses its memory follows no rule of TCP.
    """
    rows = {rule.id: rule for rule in RULES}
    steps = run(load(name)).steps
    for before, after in pairwise(steps):
        for host in HOSTS:
            if before.states.of(host) != after.states.of(host):
                assert after.host == host
                if after.call != "forget":
                    assert rows[after.rule].to == after.states.of(host), after


@pytest.mark.parametrize("name", names())
def test_the_same_bytes_each_time(name: str) -> None:
    first = run(load(name)).dumps()
    endpoint.forget()
    assert run(load(name)).dumps() == first


def own_moves(t: Trace) -> list[str]:
    """The moves that made a trace, in order: a move's first step is the event that it names."""
    firsts = {"deliver": "segment-arrived", "drop": "segment-lost", "fire": "timer"}
    made = []
    for step in t.steps:
        if step.move is not None and step.event == firsts[step.move.split(":")[0]]:
            made.append(step.move)
    return made


@pytest.mark.parametrize("name", names())
def test_a_replay_of_the_moves_gives_the_same_bytes(name: str) -> None:
    whole = run(load(name))
    made = own_moves(whole)
    assert trace(load(name), made).dumps() == whole.dumps()
    half = made[: len(made) // 2]
    assert run(load(name), half).dumps() == whole.dumps()


@pytest.mark.parametrize("name", names())
def test_wait_does_what_happens_by_itself(name: str) -> None:
    """Waiting again and again is a run; the steps differ only in the move that they name."""
    whole = run(load(name))
    world, steps = begin(load(name))
    while len(steps) < len(whole.steps):
        world, more = apply(world, "wait")
        steps += more
    assert [s._replace(move=None) for s in steps] == [s._replace(move=None) for s in whole.steps]


def by_hand(name: str = "normal-close", stack: str = "linux"):
    """Both programs in the reader's hand."""
    both = dict.fromkeys(HOSTS, stack)
    return varied(load(name), stacks=both, programs=dict.fromkeys(HOSTS, "hand"))


@pytest.mark.parametrize("seed", range(10))
def test_undo_is_exact(seed: int) -> None:
    """Going back is keeping the old world: the same move from there leads to the same place, however often."""
    rng = random.Random(seed)
    world, _steps = begin(by_hand(stack=rng.choice(["linux", "rfc9293", "bsd-4.4"])))
    past = []
    for _move in range(25):
        move = rng.choice(moves(world)).id
        after = apply(world, move)
        past.append((world, move, after))
        world = after[0]
    endpoint.forget()
    for before, move, after in reversed(past):
        assert apply(before, move) == after


@pytest.mark.parametrize("seed", range(10))
def test_every_offered_move_is_legal_and_every_temptation_is_not(seed: int) -> None:
    rng = random.Random(seed)
    world, _steps = begin(by_hand())
    for _move in range(25):
        offered = moves(world)
        assert len({m.id for m in offered}) == len(offered)
        for move in offered:
            apply(world, move)
            assert move.text
        for move in tempting(world):
            with pytest.raises(IllegalMove) as refused:
                apply(world, move)
            assert refused.value.what
        following = next_move(world)
        assert following is None or following in {m.id for m in offered}
        world, _more = apply(world, rng.choice(offered))


def test_a_loss_takes_no_time_that_a_timer_needs() -> None:
    """A segment that is lost late does not make a timer late that is over before."""
    scenario = by_hand()
    world, _steps = play(scenario, ["call:server:close", "drop:1"])
    first = world.next_timer()
    assert first is not None
    assert world.now <= first[1].expires
    world, _steps = play(scenario, ["call:server:close", "fire:server:retransmission", "call:client:close", "drop:2"])
    assert all(r.expires >= world.now for host in world.timers for r in host)


def test_timers_that_are_over_at_the_same_moment_are_all_offered() -> None:
    crossed = [
        "call:server:close", "call:client:close", "deliver:1", "deliver:2", "deliver:3", "deliver:4",
    ]  # fmt: skip
    world, _steps = play(by_hand(), crossed)
    assert world.states == ("TIME-WAIT", "TIME-WAIT")
    assert {"fire:server:time-wait", "fire:client:time-wait"} <= {m.id for m in moves(world)}


def test_a_segment_cannot_arrive_after_a_timer_that_is_over_before() -> None:
    scenario = varied(by_hand(stack="linux"), values=[("server", "rto", "1ms")])
    world, _steps = play(scenario, ["call:server:close"])
    timer = world.next_timer()
    if timer is not None and timer[1].expires < world.wire[0].due:
        assert "deliver:1" not in {m.id for m in moves(world)}
        assert "deliver:1" in {m.id for m in tempting(world)}
        with pytest.raises(IllegalMove, match="let it fire first"):
            apply(world, "deliver:1")


@pytest.mark.parametrize("move", ["", "x", "deliver", "deliver:x", "deliver:-1", "call:server:fly", "fire:server", "wait:1"])
def test_what_is_no_move_is_told_so(move: str) -> None:
    from teardown.errors import InputError

    with pytest.raises(InputError, match="is not a move"):
        apply(begin(by_hand())[0], move)
