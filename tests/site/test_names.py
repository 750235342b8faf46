"""State names: one table feeds the page and the reader of pastes."""

from __future__ import annotations

import pytest

from teardown.site.reference import state_names
from teardown.tcp.states import NAMES, STATES, canonical

TOOLS = ("netstat", "ss", "bsd", "windows", "powershell")


def test_every_state_has_its_row_and_its_number() -> None:
    assert tuple(NAMES) == STATES
    for system in ("linux_number", "bsd_number", "windows_number"):
        assert len({getattr(names, system) for names in NAMES.values()}) == len(STATES)


@pytest.mark.parametrize("state", STATES)
def test_what_the_page_shows_is_what_a_paste_is_read_with(state: str) -> None:
    page = state_names()
    for tool in TOOLS:
        name = getattr(NAMES[state], tool)
        assert f"<code>{name}</code>" in page
        assert canonical(name) == canonical(name.lower()) == state
    assert all(canonical(name) == state for name in NAMES[state].also)


def test_names_that_say_nothing_about_an_endpoint() -> None:
    assert canonical("FIN_WAIT") is None
    assert canonical("BOUND") is None


def test_numbers_differ_between_systems() -> None:
    """The page warns of a bare number: 5 is three states."""
    five = [
        next(state for state, names in NAMES.items() if getattr(names, system) == 5)
        for system in ("linux_number", "bsd_number", "windows_number")
    ]
    assert five == ["FIN-WAIT-2", "CLOSE-WAIT", "ESTABLISHED"]
