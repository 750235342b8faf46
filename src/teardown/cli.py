"""`teardown …`: the engine at a command line.

Exit status: 0 fine, 1 the thing checked failed, 2 bad input or usage (one line on standard error).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from teardown import __version__
from teardown.errors import InputError
from teardown.lab import file as labs
from teardown.programs import PROGRAMS
from teardown.stacks import names as stack_names
from teardown.tcp.states import prose
from teardown.world import scenario as scenarios
from teardown.world.moves import moves
from teardown.world.run import play, run
from teardown.world.trace import Host, Trace, spoken
from teardown.world.world import Scenario

MOST_MOVES_BYTES = 100_000


class _Parser(argparse.ArgumentParser):
    """argparse, with errors of one line."""

    def error(self, message: str) -> NoReturn:
        raise InputError(message, place=self.prog, mend=f"Try {self.prog} --help")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="teardown", description="How TCP connections end.")
    parser.add_argument("--version", action="version", version=f"teardown {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser, metavar="COMMAND")

    def command(name: str, does: str, *, lab: bool = True) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=does, description=does)
        if lab:
            sub.add_argument("lab", metavar="LAB", help="a lab, a scenario, or a lab file (.toml)")
        return sub

    def varying(sub: argparse.ArgumentParser) -> None:
        for host in ("server", "client"):
            sub.add_argument(f"--stack-{host}", metavar="S", help=f"one of {', '.join(stack_names())}")
            sub.add_argument(f"--program-{host}", metavar="P", help=f"one of {', '.join(PROGRAMS)}")
        sub.add_argument("--set", action="append", default=[], metavar="HOST.NAME=VALUE", help="override one value")

    sub = command("run", "run a scenario or lab to its end and print the transcript")
    varying(sub)
    sub.add_argument("--moves", metavar="FILE", help="moves to make first: one a line, or a JSON list; - is standard input")
    sub.add_argument("--json", action="store_true", help="print the trace")
    sub = command("moves", "the legal moves now")
    varying(sub)
    sub.add_argument("--after", metavar="FILE", help="moves already made")
    sub.add_argument("--json", action="store_true")
    sub = command("check", "is this lab file right?", lab=False)
    sub.add_argument("labs", nargs="+", metavar="LAB")
    return parser


# ------------------------------------------------------------------------------------------------ commands
def _run(args: argparse.Namespace, out: TextIO) -> int:
    result = run(_scenario(args), _moves(args.moves))
    if args.json:
        print(result.dumps(), file=out)
    else:
        print(transcript(result), file=out)
    return 0


def _list_moves(args: argparse.Namespace, out: TextIO) -> int:
    world, steps = play(_scenario(args), _moves(args.after))
    legal = moves(world)
    if args.json:
        data = {
            "version": 1,
            "t": world.now,
            "states": world.states.json(),
            "moves": [{"id": m.id, "kind": m.kind, "host": m.host, "text": m.text} for m in legal],
        }
        print(json.dumps(data, ensure_ascii=False), file=out)
    else:
        width = max((len(m.id) for m in legal), default=0)
        for m in legal:
            print(f"{m.id:{width}}  {m.text}", file=out)
    return 0


def _check(args: argparse.Namespace, out: TextIO) -> int:
    for name in args.labs:
        lab = labs.load(name)
        print(f"ok {name}: “{lab.title}”, {len(lab.goals)} goals", file=out)
    return 0


_COMMANDS = {"run": _run, "moves": _list_moves, "check": _check}


# ------------------------------------------------------------------------------------------------- reading
def _scenario(args: argparse.Namespace) -> Scenario:
    """What LAB names: a lab file, a lab, or a scenario; with the changes that options ask for."""
    if args.lab.endswith(".toml") or args.lab in labs.names():
        scenario = labs.load(args.lab).scenario
    elif args.lab in scenarios.names():
        scenario = scenarios.load(args.lab)
    else:
        raise InputError(
            f"unknown lab or scenario {args.lab[:80]!r}",
            mend=f"Labs: {', '.join(labs.names())}. Scenarios: {', '.join(scenarios.names())}",
        )
    hosts: tuple[Host, Host] = ("server", "client")
    stacks = {h: getattr(args, f"stack_{h}") for h in hosts if getattr(args, f"stack_{h}")}
    programs = {h: getattr(args, f"program_{h}") for h in hosts if getattr(args, f"program_{h}")}
    return scenarios.varied(scenario, stacks=stacks, programs=programs, values=[_setting(text) for text in args.set])


def _setting(text: str) -> tuple[Host, str, str]:
    target, equals, value = text.partition("=")
    host, dot, name = target.partition(".")
    if not equals or not dot or host not in ("server", "client") or not name:
        raise InputError(f"--set cannot be {text[:80]!r}", mend="Write HOST.NAME=VALUE: server.tcp_fin_timeout=90s")
    return host, name, value  # type: ignore[return-value]


def _moves(file: str | None) -> list[str]:
    """Moves from a file: a JSON list, or one a line; `#` begins a comment."""
    if file is None:
        return []
    place = "standard input" if file == "-" else file
    try:
        if file == "-":
            text = sys.stdin.read(MOST_MOVES_BYTES + 1)
        else:
            with Path(file).open(encoding="utf-8") as stream:
                text = stream.read(MOST_MOVES_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read it: {error.strerror}", place=place) from None
    except UnicodeDecodeError:
        raise InputError("it is not UTF-8 text", place=place, mend="Save it as UTF-8") from None
    if len(text) > MOST_MOVES_BYTES:
        raise InputError("it is too large for a list of moves", place=place, mend=f"At most {MOST_MOVES_BYTES} bytes")
    if text.lstrip().startswith("["):
        try:
            listed: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"this is not a JSON list: {error}", place=place) from None
        if not all(isinstance(m, str) for m in listed):
            raise InputError("every move must be a text", place=place, mend='Write ["deliver:1", "wait"]')
        return list(listed)
    return [line for raw in text.splitlines() if (line := raw.split("#")[0].strip())]


# -------------------------------------------------------------------------------------------------- printing
def transcript(result: Trace) -> str:
    """A trace as lines of text: time, states, what happened."""
    lines = [f"{result.scenario['title']}", ""]
    wide = max(len(spoken(s.t)) for s in result.steps)
    for s in result.steps:
        states = f"{prose(s.states.server):12} {prose(s.states.client):12}"
        lines.append(f"{spoken(s.t):>{wide}}  {states} {s.caption}")
    last = result.steps[-1]
    if last.owes is not None:
        lines += ["", f"Whose turn: {last.owes.who}: {last.owes.what}."]
    lines += ["" if last.owes is None else "", result.ending.text]
    return "\n".join(lines).rstrip()


def main(argv: Sequence[str] | None = None) -> int:
    """The command line. Answers the exit status."""
    try:
        args = _parser().parse_args(argv)
        return _COMMANDS[args.command](args, sys.stdout)
    except InputError as error:
        print(f"teardown: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
