"""Fences that draw more than one case, and what they say to a wrong body."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from teardown.site import fences


def endings(body: str) -> str:
    md = SimpleNamespace(treeprocessors={}, preprocessors={})
    return fences.endings(body, "endings", "endings", {}, md)


def test_endings_stand_side_by_side_with_their_scenarios_titles() -> None:
    html = endings('scenarios = ["normal-close", "buggy-client"]')
    assert "A normal close: <b>" in html
    assert "The buggy client: <b>" in html
    assert 'id="endings-1-t"' in html


def test_endings_take_titles_of_their_own() -> None:
    html = endings('scenarios = ["normal-close", "lingering-bsd"]\ntitles = ["It closes", "It never does"]')
    assert "It never does: <b>for ever</b>" in html


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('scenarios = "normal-close"', "must be a list"),
        ('scenarios = ["no-such"]', "no-such"),
        ('scenarios = ["normal-close"]\ntitles = ["a", "b"]', "one title for each"),
        ('scenarios = ["normal-close"]\nhost = "proxy"', "no host"),
        ('scenario = "normal-close"', "unknown key"),
    ],
)
def test_a_wrong_body_is_said_in_one_line(body: str, says: str) -> None:
    with pytest.raises(Exception, match=says) as error:
        endings(body)
    assert "```endings fence that begins with" in str(error.value)
