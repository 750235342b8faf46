"""The questions of the labs on paper: complete, answered by the engine, and without the answer on the student's sheet."""

from __future__ import annotations

import html
import re

import pytest

from teardown.errors import InputError
from teardown.lab import file as labs
from teardown.lab import paste
from teardown.lab.situation import situation
from teardown.site import sheet_questions, worksheets
from teardown.world.moves import begin, moves

WITH_QUESTIONS = [name for name in labs.names() if labs.load(name).predictions]
SEEDS = (0, 7)


def text(markup: str) -> str:
    """The words of some HTML, with single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


@pytest.mark.parametrize("name", WITH_QUESTIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_question_has_its_choices_on_both_sheets_and_its_reason_on_one(name: str, seed: int) -> None:
    lab = labs.load(name, seed)
    student, teacher = (text(half(lab, seed)) for half in (sheet_questions.asking, sheet_questions.answering))
    for p in lab.predictions:
        places = sheet_questions.asked(lab, p, seed)
        for place in places:
            assert " ".join(place.question.split()) in student + teacher
            assert [choice["right"] for choice in place.choices].count(True) == 1
            for choice in place.choices:
                assert text(choice["text"]) in student
                assert " ".join(choice["reason"].split()) in teacher
                if len(choice["reason"]) > 30:
                    assert " ".join(choice["reason"].split()) not in student


@pytest.mark.parametrize("name", WITH_QUESTIONS)
def test_the_bench_asks_the_same_and_calls_the_same_answer_right(name: str) -> None:
    """The moves on the sheet, made on the bench, lead to the question; the bench may ask another one at that place first."""
    lab, asked = labs.load(name, 7), 0
    for p in lab.predictions:
        for place in sheet_questions.asked(lab, p, 7):
            played = [*([f"table:{place.table.id}"] if place.table else []), *place.way]
            told = situation(name, played, seed=7)
            assert told["refused"] is None
            assert told["states"] == place.world.states.json()
            if told["prediction"] and told["prediction"]["id"] == p.id:
                asked += 1
                assert told["prediction"]["question"] == place.question
                assert told["prediction"]["choices"] == list(place.choices)
    assert asked


def test_where_a_table_is_chosen_the_answer_is_given_for_each() -> None:
    lab = labs.load("which-timer")
    teacher = sheet_questions.answering(lab, 0)
    rows = re.findall(r'<tr><th scope="row">(.*?)</th><td class="">(.): ', teacher)
    assert [name for name, _letter in rows] == [table.text for table in lab.tables] * len(lab.predictions)
    assert len({letter for _name, letter in rows[: len(lab.tables)]}) > 1


def test_the_sheet_has_the_paste_the_tables_the_crowd_and_the_seed() -> None:
    for seed in SEEDS:
        leak = labs.load("close-wait-leak", seed)
        sheet = worksheets.student(leak, seed=seed)
        printed = re.search(r'<pre class="sheet-paste">(.*?)</pre>', sheet, re.DOTALL)
        assert printed
        rows, wanted = (html.unescape(printed[1]).splitlines(), paste.text(leak.paste, seed).splitlines())
        assert [row.split() for row in rows] == [row.split() for row in wanted]
        assert max(map(len, rows)) <= 109  # as many as a line holds in 7.1 points
        assert f"seed {seed} " in sheet
    assert worksheets.student(leak, seed=0) != sheet
    for name in ("which-timer", "full-table"):
        lab = labs.load(name)
        choices = re.search(r"Where do you want to play\?</h4><ul class=.sheet-two.>(.*?)</ul>", worksheets.student(lab))
        assert choices
        assert re.findall("<li>(.*?)</li>", choices[1]) == [html.escape(table.text, quote=False) for table in lab.tables]
    assert lab.crowd
    assert f"room for {lab.crowd.room:,}" in worksheets.student(lab)
    first = moves(begin(leak.scenario)[0])
    assert len(first) > 3
    assert all(" ".join(move.text.split()) in text(worksheets.student(leak, seed=7)) for move in first)


def test_a_question_whose_place_no_moves_reach_is_one_line() -> None:
    lab = labs.load("buggy-client")
    never = lab.predictions[0]._replace(when=(("server", "LISTEN"), ("client", "LISTEN")))
    with pytest.raises(InputError, match=r"labs/buggy-client.toml.*no moves reach.*teardown check"):
        sheet_questions.asked(lab, never, 0)


def test_a_seed_that_is_none_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert worksheets.main(["buggy-client", "--seed", "-1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
