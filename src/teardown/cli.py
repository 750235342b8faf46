"""`teardown …`: the engine at a command line.

Exit status: 0 fine, 1 the thing checked failed, 2 bad input or usage (one line on standard error).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TextIO, get_args

from teardown import __version__
from teardown.errors import InputError
from teardown.formats import pcapng
from teardown.formats.packetdrill_run import main_pkt
from teardown.lab import check as checks
from teardown.lab import file as labs
from teardown.lab import template, ways
from teardown.lab.code import proof
from teardown.lab.goals import met
from teardown.lab.variants import checked
from teardown.programs import PROGRAMS
from teardown.stacks import names as stack_names
from teardown.tcp.states import prose
from teardown.world import scenario as scenarios
from teardown.world.bare import bare
from teardown.world.explore import Bounds, explore, report
from teardown.world.moves import moves
from teardown.world.run import play, run
from teardown.world.trace import HOSTS, Host, Trace, spoken
from teardown.world.world import Scenario

MOST_MOVES_BYTES = 100_000
_BOUNDS = {
    "losses": "segments the network may lose",
    "duplicates": "segments it may double",
    "reorderings": "segments it may deliver out of turn",
    "delays": "timers that may overtake a segment",
    "calls": "calls that each program in the reader's hand may make",
    "worlds": "how far the search may grow",
}


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 8:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a count")
    return int(text)


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

    def varying(sub: argparse.ArgumentParser, *, seeds: bool = True) -> None:
        for host in ("server", "client"):
            sub.add_argument(f"--stack-{host}", metavar="S", help=f"one of {', '.join(stack_names())}")
            sub.add_argument(f"--program-{host}", metavar="P", help=f"one of {', '.join(PROGRAMS)}")
        sub.add_argument("--set", action="append", default=[], metavar="HOST.NAME=VALUE", help="override one value")
        if seeds:
            sub.add_argument("--seed", type=_count, metavar="N", default=0, help="which variant of a lab")
        sub.add_argument("--table", metavar="T", help="which table of a lab that has several")

    def moving(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--moves", metavar="FILE", help="moves to make first: one a line, or a JSON list; - is standard input"
        )

    sub = command("run", "run a scenario or lab to its end and print the transcript")
    varying(sub)
    moving(sub)
    sub.add_argument("--json", action="store_true", help="print the trace")
    sub = command("pcap", "run a scenario or lab to its end and write it as a capture for Wireshark")
    varying(sub)
    moving(sub)
    sub.add_argument("-o", dest="output", metavar="FILE", required=True, help="the pcapng file; - is standard output")
    sub.add_argument(
        "--at", choices=get_args(pcapng.At), default="wire", help="where the capture stands (default: in the middle)"
    )
    sub = command("moves", "the legal moves now")
    varying(sub)
    sub.add_argument("--after", metavar="FILE", help="moves already made")
    sub.add_argument("--json", action="store_true")
    sub = command("check", "is this lab file right, its goals reachable, its answers unique?", lab=False)
    sub.add_argument("labs", nargs="+", metavar="LAB")
    sub.add_argument(
        "--run-code", action="store_true",
        help="run the programs in a lab file too: it is Python from whoever wrote the file (the project's own always run)",
    )
    sub.add_argument("--key", action="store_true", help="print the key: the moves to each goal, the right answers")
    sub = command("new-lab", "write a commented lab file", lab=False)
    sub.add_argument("name", metavar="NAME", help="lower-case words and hyphens")
    sub = commands.add_parser("explore", help="all futures of a lab", description="Walk all futures within bounds.")
    sub.add_argument("lab", metavar="LAB", nargs="?", help="a lab, a scenario, or a lab file (.toml)")
    varying(sub)
    for name, does in _BOUNDS.items():
        sub.add_argument(f"--{name}", type=_count, metavar="N", default=getattr(Bounds(), name), help=does)
    sub.add_argument("--bare", action="store_true", help="the bare graph: no loss, no timer but 2MSL, no abort")
    sub.add_argument("--never-closes", choices=HOSTS, help="with --bare: this program never calls CLOSE")
    sub.add_argument("--json", action="store_true")
    sub = command("pkt", "run packetdrill scripts against the engine", lab=False)
    sub.add_argument("--stack", metavar="S", help=f"one of {', '.join(stack_names())}; else what the script asks for")
    sub.add_argument("-D", dest="defines", action="append", default=[], metavar="NAME", help="a name for #ifdef")
    sub.add_argument("files", nargs="+", metavar="FILE", help="scripts; - is standard input")
    sub = command("classroom", "serve the site to everybody on the local network", lab=False)
    sub.add_argument("folder", metavar="FOLDER", nargs="?", help="the site, or an unpacked offline copy (default: site)")
    sub.add_argument("--host", default="0.0.0.0", help="the address to listen on (default: all of this machine)")
    sub.add_argument("--port", type=_count, default=8000, help="default: 8000")
    sub = command("kernel", "play it with real sockets on this Linux and compare (needs root)", lab=False)
    sub.add_argument("lab", metavar="LAB", nargs="?", help="a lab, a scenario, or a lab file (.toml)")
    varying(sub, seeds=False)
    moving(sub)
    sub.add_argument("--walks", type=_count, metavar="N", help="no LAB: play N random walks of calls and deliveries")
    sub.add_argument("--seed", type=_count, metavar="S", default=0, help="with --walks: the first one (default: 0)")
    sub.add_argument("--forged", action="store_true", help="with --walks: forged segments arrive too")
    sub.add_argument("--json", action="store_true")
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
    world, _steps = play(_scenario(args), _moves(args.after))
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
    failed = False
    for name in args.labs:
        lab = labs.load(name)
        if lab.code is not None:
            failed = _check_code(name, lab, args, out) or failed
            continue
        report = checks.check(lab)
        failed = failed or bool(report.faults)
        for fault in report.faults:
            print(f"not ok {name}: {fault}", file=out)
        if not report.faults:
            print(f"ok {name}: “{lab.title}”, {_shortest(report)}", file=out)
        if args.key:
            print(f"\n{checks.key(lab, report)}\n", file=out)
    return 1 if failed else 0


def _shortest(report: checks.Report) -> str:
    """The goals with the length of the shortest way to each, and the questions with their number of places."""
    ways: dict[str, int] = {}
    for s in report.solved:
        ways[s.goal] = min(len(s.moves), ways.get(s.goal, 1_000))
    told = [f"{goal} in {moves} moves" for goal, moves in ways.items()]
    asked: dict[str, int] = {}
    for a in report.answered:
        asked[a.prediction] = asked.get(a.prediction, 0) + a.places
    told += [f"{name} asked in {places} situations" for name, places in asked.items()]
    return ", ".join(told)


def _check_code(name: str, lab: labs.Lab, args: argparse.Namespace, out: TextIO) -> bool:
    """Whether a lab that asks for a program fails: its solution must pass all checks, its starter just some."""
    assert lab.code is not None
    if name.endswith(".toml") and not args.run_code:
        print(f"ok {name}: “{lab.title}”; its programs have not been run: add --run-code if you trust them", file=out)
        return False
    faults = [fault for here in lab.variants if here.code is not None for fault in proof(here.code)]
    for fault in faults:
        print(f"not ok {name}: {fault}", file=out)
    if not faults:
        intended = sum(check.fails for check in lab.code.checks)
        print(
            f"ok {name}: “{lab.title}”, the solution passes {len(lab.code.checks)} checks, the starter fails {intended}",
            file=out,
        )
    return bool(faults)


def _new_lab(args: argparse.Namespace, out: TextIO) -> int:
    path = Path(args.name if args.name.endswith(".toml") else f"{args.name}.toml")
    text = template.text(path.stem)
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise InputError("there is such a file already", place=str(path), mend="Choose another name") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"cannot write it: {reason}", place=str(path)) from None
    print(f"{path} is written. Hold it against the engine with: teardown check {path}", file=out)
    return 0


def _explore(args: argparse.Namespace, out: TextIO) -> int:
    if args.bare:
        graph = bare(args.never_closes)
        print(json.dumps(graph.json()) if args.json else graph.report(), file=out)
        return 0
    if args.lab is None or args.never_closes:
        raise InputError(
            "LAB is missing" if args.lab is None else "--never-closes goes with --bare",
            place="teardown explore", mend="Write teardown explore LAB, or teardown explore --bare",
        )  # fmt: skip
    scenario = _scenario(args)
    bounds = Bounds(**{name: getattr(args, name) for name in _BOUNDS})
    goals = labs.load(args.lab, args.seed).goals if args.lab.endswith(".toml") or args.lab in labs.names() else ()
    # A walk sees one move at a time, so it cannot look for what has to come after something else.
    found = explore(scenario, bounds, goal=partial(met, goals[0]) if goals and not goals[0].once else None)

    def told(way: Sequence[str]) -> list[str]:
        """The moves of a way in words: what each of them makes happen."""
        return [f"{move}: {text}" for move, text in zip(way, ways.told(scenario, way), strict=True)] or ["from the start"]

    print(json.dumps(found.json(), ensure_ascii=False) if args.json else report(found, describe=told), file=out)
    return 0 if found.sound else 1


def _pkt(args: argparse.Namespace, out: TextIO) -> int:
    return main_pkt(args.files, args.stack, args.defines, out=out, err=sys.stderr, stdin=sys.stdin)


def _kernel(args: argparse.Namespace, out: TextIO) -> int:
    from teardown.kernel import against  # only where it is asked for: the engine runs without Linux
    from teardown.kernel import lab as kernel

    if (args.lab is None) is (args.walks is None):
        raise InputError(
            "LAB is missing" if args.lab is None else "--walks goes without LAB",
            place="teardown kernel", mend="Write teardown kernel LAB, or teardown kernel --walks N",
        )  # fmt: skip
    if args.walks is not None:
        seeds = range(args.seed, args.seed + args.walks)
        return against.command(seeds, out, forged=args.forged, as_json=args.json)
    return kernel.command(_scenario(args), _moves(args.moves), out, as_json=args.json)


def _classroom(args: argparse.Namespace, out: TextIO) -> int:
    from teardown.site import classroom  # only where it is asked for: the engine runs without a site

    return classroom.command(args.folder, args.host, args.port, out)


def _pcap(args: argparse.Namespace, out: TextIO) -> int:
    capture = pcapng.write(run(_scenario(args), _moves(args.moves)), at=args.at)
    if args.output == "-":
        out.buffer.write(capture)
        out.flush()
        return 0
    try:
        Path(args.output).write_bytes(capture)
    except (OSError, ValueError) as error:  # a name with a NUL byte is a ValueError
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"cannot write it: {reason}", place=args.output) from None
    return 0


_COMMANDS = {
    "run": _run, "moves": _list_moves, "explore": _explore, "pkt": _pkt, "pcap": _pcap, "check": _check,
    "kernel": _kernel, "classroom": _classroom, "new-lab": _new_lab,
}  # fmt: skip


# ------------------------------------------------------------------------------------------------- reading
def _scenario(args: argparse.Namespace) -> Scenario:
    """What LAB names: a lab file, a lab, or a scenario; with the changes that options ask for."""
    if args.lab.endswith(".toml") or args.lab in labs.names():
        scenario = labs.load(args.lab, checked(args.seed if args.command != "kernel" else 0)).at(args.table)
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
    lines += ["", result.ending.text]
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
