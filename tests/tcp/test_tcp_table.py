"""The table itself: every event finds exactly one row, and every row, guard and action is needed and known."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from helpers import CALLS, Two, reach, strictly
from teardown.stacks import names as stack_names
from teardown.tcp import endpoint as machine
from teardown.tcp.actions import ACTIONS
from teardown.tcp.decide import Leaf, Split, Tree, trees
from teardown.tcp.endpoint import Endpoint, Event, MissingRule
from teardown.tcp.guards import GUARDS
from teardown.tcp.segment import Segment
from teardown.tcp.states import STATES
from teardown.tcp.table import RULES, TIMERS, index

FLAGS = tuple("".join(c) for n in range(5) for c in itertools.combinations("SFRA", n))


def events(e: Endpoint) -> Iterator[Event]:
    """Every call, every timer with rows here, and every combination of flags with numbers at all the edges."""
    for call in CALLS:
        yield Event(call=call, amount=10)
    for timer in TIMERS:
        if (e.state, f"timer {timer}") in TABLE:
            yield Event(timer=timer, idle=10**9)
    before, after, beyond = e.rcv_nxt - 1, e.rcv_nxt + 1, e.rcv_nxt + e.window
    for flags in FLAGS:
        for seq, length in itertools.product({before, e.rcv_nxt, after, beyond, beyond + 1}, (0, 10)):
            acks = {e.snd_una - 200_000, e.snd_una - 1, e.snd_una, e.snd_nxt, e.snd_nxt + 1} if "A" in flags else {0}
            for ack in acks:
                yield Event(segment=Segment(seq, ack, flags, length, 1_000))


TABLE = index(RULES)


@pytest.mark.parametrize("name", stack_names())
def test_every_event_finds_exactly_one_row_in_every_state(name: str) -> None:
    with strictly():
        for state in STATES:
            for e in reach(name, state):
                for event in events(e):
                    assert e.step(event).rules, (e, event)


@pytest.mark.parametrize("name", stack_names())
def test_every_event_finds_exactly_one_row_on_random_walks(name: str) -> None:
    with strictly():
        for seed in range(12):
            rng = random.Random(seed)
            two = Two(name, name, opened=seed % 3 > 0, linger=rng.choice([None, None, 0, 2_000_000]))
            if not two.ends["server"].snd_nxt:
                two.play("server listen", "client connect | S")
            for _step in range(60):
                host = rng.choice(["server", "client"])
                options = [Event(call=rng.choice(CALLS[2:]), amount=rng.choice([1, 100, 3_000]))]
                options += [Event(timer=timer) for timer in two.timers[host]]
                if two.wire[host]:
                    options += [Event(segment=two.wire[host].pop(rng.randrange(len(two.wire[host]))))] * 3
                if rng.random() < 0.2:
                    options.append(rng.choice(list(events(two.ends[host]))[20:]))
                event = rng.choice(options)
                if event.timer is not None and event.timer in two.timers[host]:
                    del two.timers[host][event.timer]
                two.step(host, event)


def test_every_state_has_a_row_for_every_call() -> None:
    missing = [(state, call) for state in STATES for call in CALLS if (state, f"call {call}") not in TABLE]
    assert not missing


def test_every_timer_has_a_row_somewhere_and_no_other_has() -> None:
    assert {event.split()[1] for _state, event in TABLE if event.startswith("timer")} == set(TIMERS)


def test_ids_are_unique_and_rows_are_explained() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.why.endswith((".", "?")), rule
        assert rule.rfc, rule
        assert set(rule.states) <= set(STATES), rule
        assert rule.to is None or rule.to in STATES, rule
        assert len(set(rule.guards)) == len(rule.guards), rule
        assert not any(f"!{guard}" in rule.guards for guard in rule.guards), rule


def test_every_guard_and_every_action_is_used() -> None:
    named = {guard.removeprefix("!") for rule in RULES for guard in rule.guards}
    assert named <= set(GUARDS)
    ordered = {action for rule in RULES for action in rule.actions if not action.startswith("error-E")}
    assert ordered <= set(ACTIONS)
    # An action may also be one of another's building blocks: then its name stands in the source of the actions.
    assert not {name for name in set(GUARDS) - named if not _mentioned(name)}
    assert not {name for name in set(ACTIONS) - ordered if not _mentioned(name)}


def _mentioned(name: str) -> bool:
    from inspect import getsource

    from teardown.tcp import actions, guards

    return any(f'["{name}"]' in getsource(module) for module in (actions, guards, machine))


def test_the_trees_find_the_first_row_whose_guards_all_hold() -> None:
    """The compiled form says the same as the rows, whatever the guards answer."""
    rng = random.Random(1)
    for key, tree in trees(RULES).items():
        for _try in range(40):
            answers = {name: rng.random() < 0.5 for name in GUARDS}
            wanted = next(
                (r for r in TABLE[key] if all(answers[g.removeprefix("!")] is not g.startswith("!") for g in r.guards)),
                None,
            )  # fmt: skip
            assert _found(tree, answers) == wanted


def _found(tree: Tree, answers: dict[str, bool]) -> object:
    names = {function: name for name, function in GUARDS.items()}
    while isinstance(tree, Split):
        tree = tree.yes if answers[names[tree.test]] else tree.no
    return tree.rule if isinstance(tree, Leaf) else None


def test_an_event_without_a_row_says_which_and_where() -> None:
    e = Two().ends["server"]
    with pytest.raises(MissingRule, match=r"timer time-wait.*ESTABLISHED"):
        e.step(Event(timer="time-wait"))


def test_an_action_cannot_make_up_a_field() -> None:
    draft = machine.Draft(Two().ends["server"])
    draft.snd_nex = 5
    with pytest.raises(TypeError):
        draft.freeze()


def test_a_step_is_pure() -> None:
    e = Two().ends["server"]
    before = tuple(e)
    first = e.step(Event(call="shutdown"))
    machine.forget()
    assert e.step(Event(call="shutdown")) == first
    assert tuple(e) == before
    assert hash(first.endpoint) == hash(e.step(Event(call="shutdown")).endpoint)
