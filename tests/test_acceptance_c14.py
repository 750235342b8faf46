"""The acceptance list of the figures: eleven promises, each with the tests that keep it.

This file checks that every promise has tests that exist, and keeps the one promise that belongs to no single picture:
the state diagram, the table and the scenarios agree.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from teardown.draw.state_map import edges
from teardown.site import reference, state_graph
from teardown.tcp.states import STATES
from teardown.tcp.table import RULES

TESTS = Path(__file__).parent

#: Number, promise, and where it is kept: `file::test`.
PROMISES = (
    (1, "Without JavaScript the page contains the final picture and every caption.",
     ("browser/test_web_player.py::test_without_script_the_figure_is_finished",)),
    (2, "Contrast of 4.5 and colour distance of 9, recomputed from the style sheet, in both schemes.",
     ("draw/test_draw_contract.py::test_labels_have_contrast",
      "draw/test_draw_contract.py::test_families_can_be_told_apart",
      "draw/test_draw_contract.py::test_the_style_sheet_has_the_colours_of_the_drawings")),
    (3, "axe finds nothing on any kind of figure: light, dark, 320 pixels.",
     ("browser/test_web_figures.py::test_axe_finds_nothing_on_any_kind_of_figure",)),
    (4, "Keyboard: Home, Right to the end, End; the value text is the transcript's line; Tab leaves.",
     ("browser/test_web_player.py::test_keys_walk_through_the_steps_and_the_slider_speaks_the_transcript",)),
    (5, "With reduced motion two pictures a second apart during a step are equal.",
     ("browser/test_web_player.py::test_less_motion_cuts",)),
    (6, "At rest no animation frame is requested in three seconds.",
     ("browser/test_web_player.py::test_nothing_runs_at_rest",)),
    (7, "Print: number of sheets, one frame for each step, the last frame is the final picture.",
     ("browser/test_web_figures.py::test_paper_has_a_frame_for_every_step_and_the_last_is_the_finished_picture",)),
    (8, "The time map is monotone, its inverse exact, and every gap above the threshold is labelled.",
     ("draw/test_draw_time_axis.py::test_time_never_runs_upwards",
      "draw/test_draw_time_axis.py::test_the_inverse_is_exact",
      "draw/test_draw_time_axis.py::test_every_gap_above_the_threshold_says_its_length")),
    (9, "Every state and arrow of the diagram comes from the table, and every row is exercised.",
     ("draw/test_draw_map.py::test_every_state_and_arrow_comes_from_the_table",
      "test_acceptance_c14.py::test_every_state_arrow_and_row_is_in_use")),
    (10, "A page with a figure ships at most 60 KB of picture and script, and asks no third party.",
     ("browser/test_web_figures.py::test_the_figure_page_ships_few_bytes_of_ours",
      "draw/test_draw_contract.py::test_a_figure_fits_its_budget")),
    (11, "Forward and then back to a step gives the same bytes.",
     ("browser/test_web_player.py::test_forward_and_back_is_the_same_picture",)),
)  # fmt: skip


def test_there_are_eleven() -> None:
    assert [number for number, _, _ in PROMISES] == list(range(1, 12))


@pytest.mark.parametrize(("number", "promise", "kept"), PROMISES, ids=[f"c14-{p[0]}" for p in PROMISES])
def test_every_promise_is_kept_by_a_test(number: int, promise: str, kept: tuple[str, ...]) -> None:
    for place in kept:
        file, _, name = place.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name in found, f"{number}. {promise} {place} is gone"


def test_every_state_arrow_and_row_is_in_use() -> None:
    plan = state_graph.plan()
    assert set(plan.places) == set(STATES)
    assert set(plan.routes) == {(edge.start, edge.end) for edge in edges()}
    used = reference.exercised()
    assert [rule.id for rule in RULES if not used.get(rule.id)] == []
