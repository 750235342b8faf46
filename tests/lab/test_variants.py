"""Variants: a seed deals another situation, its words follow, and so many seeds in a row see all of them."""

from __future__ import annotations

import json

import pytest
from new_lab import changed

from teardown import browser
from teardown.lab.file import load, names
from teardown.lab.goals import reached
from teardown.lab.situation import hint, situation
from teardown.lab.texts import texts, varying
from teardown.lab.ways import search
from teardown.world.moves import begin
from teardown.world.run import play

EVERY = [(name, n) for name in names() for n in range(len(load(name).variants))]


def test_a_class_of_thirty_sees_every_variant_of_every_lab() -> None:
    for name in names():
        lab = load(name)
        assert len(lab.variants) > 1, name
        assert {id(lab.dealt(seed)) for seed in range(1, 31)} == {id(here) for here in lab.variants}
        assert lab.dealt(0) is lab


@pytest.mark.parametrize("name", names())
def test_another_seed_asks_for_something_else(name: str) -> None:
    """More than addresses: other goals, another loss, other roles, or other numbers to reckon with."""
    lab = load(name)
    seen = [
        (tuple((*g[:3], g.once) for g in here.goals), here.paste and tuple(r.host for r in here.paste), here.crowd,
         [(c.name, repr(c.scenario.faults)) for c in here.code.checks] if here.code else
         [(s.faults and repr(s.faults), s.hosts.client.program.name) for s in here.scenarios])
        for here in lab.variants
    ]  # fmt: skip
    assert len({repr(one) for one in seen}) == len(seen)


@pytest.mark.parametrize(("name", "seed"), EVERY)
def test_a_variant_read_alone_is_the_same_and_leaves_no_word_open(name: str, seed: int) -> None:
    here, alone = load(name).dealt(seed), load(name, seed)
    assert texts(here) == texts(alone)
    assert [g[:3] for g in here.goals] == [g[:3] for g in alone.goals]
    said = [*texts(here).values(), *(p.text + p.because for p in here.predictions)]
    assert not [s for s in said if "{" in s or "}" in s]
    assert json.loads(browser.answer(json.dumps({"ask": "said", "lab": name, "seed": seed})))["said"] == texts(here)


def test_words_are_spoken_in_texts_and_written_out_in_conditions() -> None:
    lab = changed(
        ("[[variants]]", '[deal]\nwho = "server"\nloss = "F from client"\n\n[[variants]]\ndeal = { who = "client" }'),
        ("Bring the server into FIN_WAIT_2.", "{Who}: lose the {loss} within {server keepalive_timeout}."),
        ('when = { server = "TIME-WAIT", client = "CLOSED" }', 'when = { lost = "{loss}", "{who}" = "LAST-ACK" }'),
    )
    for host, here in zip(("Server", "Client"), lab.variants, strict=True):
        assert here.goals[0].text == f"{host}: lose the client's FIN within 5 s."
    assert [here.goals[1].when[1] for here in lab.variants] == [("server", "LAST-ACK"), ("client", "LAST-ACK")]
    assert lab.goals[1].when[0] == ("lost", "F from client")
    assert varying(lab) == {"goal.half"}


def test_what_must_have_come_first_counts_and_the_way_leads_by_it() -> None:
    lab = changed(('hints = ["Only one', 'once = { lost = "F from client" }\nhints = ["Only one'))
    goal, (world, opening) = lab.goals[1], begin(lab.scenario)
    plain, by_it = search(world, goal._replace(once=())).moves, search(world, goal).moves
    assert plain is not None
    assert by_it is not None
    assert len(by_it) > len(plain)
    assert any(move.startswith("drop:") for move in by_it)
    steps = [tuple(play(lab.scenario, way)[1]) for way in (plain, by_it)]
    assert [reached(goal, s) is not None for s in steps] == [False, True]
    assert reached(goal, opening) is None


def test_a_lone_acknowledgement_is_not_every_segment_that_acknowledges() -> None:
    lab = load("vanished-client", 3)
    (repaired, *_rest) = lab.goals
    assert repaired.once == (("lost", "A from client"),)
    way = search(begin(lab.scenario)[0], repaired).moves
    assert way is not None
    _world, steps = play(lab.scenario, way)
    (lost,) = [s for s in steps if s.event == "segment-lost"]
    assert lost.segment is not None
    assert lost.segment.flags == "A"


@pytest.mark.parametrize(("name", "seed"), [one for one in EVERY if load(one[0]).code is None])
def test_hints_alone_lead_to_every_goal_of_every_variant(name: str, seed: int) -> None:
    for goal in load(name, seed).goals:
        played: list[str] = []
        while not situation(name, played, seed=seed)["goals"][goal.id]:
            found = hint(name, played, goal.id, seed)
            assert found["move"] is not None, (goal.id, played)
            assert found["move"] in situation(name, played, seed=seed)["html"]["moves"]
            played.append(found["move"])
