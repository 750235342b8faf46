"""Scripts as ladders: every script of ours can be drawn, the failing line is named, strangers' scripts are bounded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from teardown.browser import answer
from teardown.errors import InputError
from teardown.formats.packetdrill_machine import Happened
from teardown.formats.packetdrill_run import run_script
from teardown.formats.packetdrill_trace import trace_of
from teardown.site.bench_page import STARTS

SCRIPTS = sorted((Path(__file__).parents[1] / "pkt").glob("*.pkt"))


def ask(script: str, stack: str = "") -> dict[str, Any]:
    answered: dict[str, Any] = json.loads(answer(json.dumps({"ask": "pkt", "script": script, "stack": stack})))
    return answered


def text(name: str) -> str:
    return next(p for p in SCRIPTS if p.stem == name).read_text("utf-8")


@pytest.mark.parametrize("name", STARTS)
def test_the_scripts_to_start_from_run_and_are_drawn(name: str) -> None:
    found = ask(text(name))
    assert (found["kind"], found["line"]) == ("ok", 0)
    assert found["html"]["ladder"].startswith("<svg")
    assert ">machine<" in found["html"]["ladder"]
    assert ">script<" in found["html"]["ladder"]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.stem)
def test_every_script_has_a_trace(path: Path) -> None:
    log: list[Happened] = []
    result = run_script(path.read_text("utf-8"), path.name, log=log)
    trace = trace_of(log, result.stack, most=500)
    assert trace.steps
    assert [s.i for s in trace.steps] == list(range(len(trace.steps)))
    assert all(a.t <= b.t for a, b in zip(trace.steps, trace.steps[1:], strict=False))
    assert {s.states.client for s in trace.steps} == {""}


def test_the_states_of_the_trace_are_the_machines() -> None:
    log: list[Happened] = []
    run_script(text("active-close"), log=log)
    seen = dict.fromkeys(s.states.server for s in trace_of(log, "linux", most=500).steps)
    assert list(seen)[-3:] == ["FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"]


def test_the_line_that_does_not_fit_is_named_and_the_way_there_drawn() -> None:
    script = text("active-close")
    lines = script.splitlines()
    at = next(n for n, line in enumerate(lines, 1) if "> F." in line)
    lines[at - 1] = lines[at - 1].replace("> F.", "> R.")
    found = ask("\n".join(lines))
    assert (found["kind"], found["line"]) == ("not ok", at)
    assert "expected R." in found["message"]
    assert found["html"]["ladder"].startswith("<svg")


def test_another_stack_can_be_chosen() -> None:
    script = text("fin-wait-2-orphan-linux").replace("// stack: linux\n", "")
    assert ask(script, "linux")["kind"] == "ok"
    assert ask(script, "rfc9293")["kind"] == "not ok"
    with pytest.raises(InputError):
        answer(json.dumps({"ask": "pkt", "script": 1}))


@pytest.mark.parametrize(
    ("script", "line"),
    [("", None), ("nonsense", 1), ("0 socket(", 1), ("+0 < F. 1:1(0)\n" * 3 + "?", 4), ("`rm -rf /`", None), ("\0" * 50, 1)],
)
def test_what_is_no_script_is_answered(script: str, line: int | None) -> None:
    found = ask(script)
    assert found["kind"] in ("ok", "not ok", "skip", "unreadable")
    assert line is None or (found["kind"], found["line"]) == ("unreadable", line)


def test_a_script_that_is_too_long_is_refused_and_a_busy_one_cut() -> None:
    with pytest.raises(InputError):
        ask("/" * 100_001)
    start = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"
    found = ask(start + "+.1 < R 0:0(0) win 9\n" * 3_000)
    assert len(found["html"]["ladder"]) < 200_000
    assert "its last" in found["html"]["ladder"]
