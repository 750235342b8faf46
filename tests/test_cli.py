"""The command line: what it prints, and how it says no."""

import io
import json
import sys
from pathlib import Path

import pytest

from teardown.cli import main
from teardown.stacks import names as stack_names

KEYS = {"i", "t", "event", "host", "segment", "call", "timer", "states", "timers", "owes", "caption", "rule", "rfc"}
EVENTS = {"segment-sent", "segment-arrived", "segment-lost", "call", "timer", "start"}


def _json(capsys: pytest.CaptureFixture[str], *argv: str) -> dict:
    assert main([*argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_run_prints_the_story(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "buggy-client"]) == 0
    out = capsys.readouterr().out
    assert "FIN_WAIT_2   CLOSE_WAIT" in out
    assert "FIN_WAIT_2 timer (60 s) is over" in out


def test_the_trace_keeps_its_contract(capsys: pytest.CaptureFixture[str]) -> None:
    trace = _json(capsys, "run", "buggy-client")
    assert trace["version"] == 1
    for i, step in enumerate(trace["steps"]):
        assert set(step) >= KEYS
        assert step["i"] == i
        assert isinstance(step["t"], int)
        assert step["event"] in EVENTS
        assert set(step["states"]) == {"server", "client"}
        if step["segment"]:
            assert set(step["segment"]) == {"from", "seq", "ack", "flags", "len", "win"}
        for timers in step["timers"].values():
            assert all({"name", "expires"} <= set(t) for t in timers)
    assert trace["steps"][0]["event"] == "start"
    assert [s["t"] for s in trace["steps"]] == sorted(s["t"] for s in trace["steps"])


def test_stacks_programs_and_values_can_be_changed(capsys: pytest.CaptureFixture[str]) -> None:
    old = _json(capsys, "run", "buggy-client", "--stack-server", "bsd-4.4", "--program-server", "httpd-1.2")
    assert old["ending"]["kind"] == "stuck"
    assert old["steps"][-1]["states"] == {"server": "FIN-WAIT-2", "client": "CLOSE-WAIT"}
    short = _json(capsys, "run", "buggy-client", "--set", "server.tcp_fin_timeout=10s")
    assert short["steps"][-1]["t"] == 17_000_000
    doubled = _json(capsys, "run", "buggy-client", "--set", "server.tcp_fin_timeout=120s")
    assert doubled["steps"][-1]["t"] == 127_000_000
    trap = _json(capsys, "run", "buggy-client", "--set", "server.tcp_fin_timeout=90s")
    assert trap["steps"][-1]["t"] == 67_000_000, "Linux waits twice for what exceeds 60 s"


def test_moves_are_listed_and_made(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    listed = _json(capsys, "moves", "buggy-client")
    assert {"id", "kind", "host", "text"} == set(listed["moves"][0])
    made = tmp_path / "moves.txt"
    made.write_text("fire:server:keep-alive  # the server closes\ndeliver:1\n\ndeliver:2\n", "utf-8")
    after = _json(capsys, "moves", "buggy-client", "--after", str(made))
    assert after["states"] == {"server": "FIN-WAIT-2", "client": "CLOSE-WAIT"}
    made.write_text('["fire:server:keep-alive", "deliver:1", "deliver:2", "call:client:close"]', "utf-8")
    trace = _json(capsys, "run", "buggy-client", "--moves", str(made))
    assert trace["steps"][-1]["states"] == {"server": "CLOSED", "client": "CLOSED"}


def test_moves_come_from_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("fire:server:keep-alive\ndrop:1\n"))
    trace = _json(capsys, "run", "buggy-client", "--moves", "-")
    assert any(s["event"] == "segment-lost" for s in trace["steps"])


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["run", "nowhere"], "unknown lab or scenario 'nowhere'"),
        (["run", "buggy-client", "--stack-server", "lnux"], "Known stacks: rfc9293"),
        (["run", "buggy-client", "--program-client", "mosaic"], "Known programs"),
        (["run", "buggy-client", "--set", "server=1"], "HOST.NAME=VALUE"),
        (["run", "buggy-client", "--set", "server.x=1s"], "has 'x'"),
        (["run", "buggy-client", "--set", "server.tcp_fin_timeout=99999999d"], "longer than ten years"),
        (["run", "buggy-client", "--set", "server.tcp_fin_timeout=-1s"], "not a duration"),
        (["run", "buggy-client", "--moves", "/no/such/file"], "No such file"),
        (["run"], "required: LAB"),
        (["dance"], "invalid choice"),
        ([], "required: COMMAND"),
        (["check", "/no/such.toml"], "cannot read it"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(
    argv: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.startswith("teardown: ")
    assert err.count("\n") == 1


def test_an_illegal_move_names_its_place_and_its_rule(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    made = tmp_path / "moves.txt"
    made.write_text("fire:server:keep-alive\ndeliver:9\n", "utf-8")
    assert main(["run", "buggy-client", "--moves", str(made)]) == 2
    assert "move 2 (deliver:9): Segment 9 is not on the wire" in capsys.readouterr().err


def test_check_says_ok_or_what_is_wrong(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["check", "buggy-client"]) == 0
    assert capsys.readouterr().out.startswith("ok buggy-client")
    bad = tmp_path / "my-lab.toml"
    bad.write_text("version = 1\ntitle = 3\n", "utf-8")
    assert main(["check", str(bad)]) == 2
    assert "my-lab.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "LAB is missing"),
        (("buggy-client", "--walks", "3"), "--walks goes without LAB"),
        (("--walks", "-3"), "is not a count"),
    ],
)
def test_the_kernel_plays_a_lab_or_walks(
    arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["kernel", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_the_help_names_every_stack(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["run", "--help"])
    assert left.value.code == 0
    out = "".join(capsys.readouterr().out.split())
    assert all(name in out for name in stack_names())
