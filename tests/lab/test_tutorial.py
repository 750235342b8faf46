"""The tutorial for lab writers builds a thirteenth lab: each of its pieces, and what the commands print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from teardown.cli import main
from teardown.lab import file as labs

PAGE = Path(__file__).parents[2] / "docs" / "labs" / "write-a-lab.md"
FENCE = re.compile(r"^```(toml|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_every_command_of_the_tutorial_prints_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = 0
    for language, body in FENCE.findall(PAGE.read_text("utf-8")):
        if language == "toml":
            with Path("hang-up.toml").open("a", encoding="utf-8") as stream:
                stream.write(body + "\n")
            continue
        command, _, printed = body.partition("\n")
        assert main(command.removeprefix("$ teardown ").split()) == 0
        assert capsys.readouterr().out == printed
        ran += 1
    assert ran == 2
    assert "hang-up" not in labs.names(), "the thirteenth lab is built on the page only"


def test_a_new_lab_is_a_lab_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-lab", "my-own"]) == 0
    assert main(["check", "--key", "my-own.toml"]) == 0
    said = capsys.readouterr().out
    assert "ok my-own.toml" in said
    assert "Prediction whose-turn: The client’s program" in said
    assert main(["new-lab", "my-own"]) == 2, "a file that is there is not written over"
    assert main(["new-lab", "Not a name"]) == 2
