"""Play a packetdrill script against one endpoint of the engine, and say where the two differ.

What is compared, and how closely:

* Packets out of the machine: flags (without PSH, ECE, CWR), sequence, length and acknowledgement. Windows and
  options are read and not compared. Text may be cut into segments differently: bytes are compared, not cuts.
* The machine's packets are compared in order with the `>` lines. As in packetdrill, a packet that no later `>` line
  meets goes unnoticed, unless the script asks for `// strict`.
* An acknowledgement of text may come up to 0.5 s before the script's time, or be left out: systems may delay and
  merge them (RFC 9293 §3.8.6.3), and this engine never does.
* Times: 25 ms, or a tenth of the wait, or `--tolerance_usecs`, whichever is most. Scripts are written for real
  kernels, whose clocks round; the engine's clock is exact.
* Calls: the result, and the name of the error. A call `start...end` must return at its end; a write never waits
  here, because the engine has no limit on what it takes from a program.

Names for `#ifdef` that are defined unless others are given: FreeBSD for the BSD stacks; STANDARD for all others,
and Linux or linux with it for the Linux stacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from teardown.errors import InputError
from teardown.formats.packetdrill import MAX_BYTES, Unsupported, header, parse
from teardown.formats.packetdrill_machine import Happened
from teardown.formats.packetdrill_play import Play, Result
from teardown.stacks import names as stack_names
from teardown.stacks import stack as stack_of

__all__ = ["Result", "default_defines", "main_pkt", "run_script"]


def default_defines(stack: str) -> frozenset[str]:
    """The names that `#ifdef` finds defined for a stack."""
    if "bsd" in stack:
        return frozenset({"FreeBSD"})
    return frozenset({"STANDARD", "Linux", "linux"} if "linux" in stack else {"STANDARD"})


def run_script(
    text: str, name: str = "script", stack: str | None = None, defines: Iterable[str] = (), *,
    strict: bool | None = None, log: list[Happened] | None = None,
) -> Result:  # fmt: skip
    """Play one script. `log` gets everything that happens to its sockets.

    `stack`: one of `teardown.stacks`; None: what the script's `// stack:` names first, else freebsd for a script
    that sets FreeBSD's switches, else linux. `defines`: names for `#ifdef` instead of the stack's own.
    Raises InputError (place `name:line`) for what is no packetdrill, and for an unknown stack.
    """
    written_for, exact = header(text)
    chosen = stack or (written_for[0] if written_for else "freebsd" if "net.inet.tcp." in text else "linux")
    if chosen not in stack_names():
        before = f"\n{text}".partition("\n// stack:")[0]
        line = "" if stack else f":{before.count(chr(10)) + 1}"
        raise InputError(
            f"unknown stack {chosen!r}", place=f"{name}{line}", mend=f"Known stacks: {', '.join(stack_names())}"
        )
    script = parse(text, name, frozenset(defines) or default_defines(chosen))
    if written_for and chosen not in written_for:
        return Result("skip", name, chosen, 1, f"written for {', '.join(written_for)}, not for {chosen}")
    for event in script.events:
        if isinstance(event.what, Unsupported):
            return Result("skip", name, chosen, event.line, event.what.reason)
    play = Play(script, chosen, exact if strict is None else strict)
    play.machine.log = log
    return play.play()


# ----------------------------------------------------------------------------------------- several scripts
def main_pkt(
    paths: Sequence[str], stack: str | None = None, defines: Iterable[str] = (), *, out: TextIO, err: TextIO,
    stdin: TextIO | None = None,
) -> int:  # fmt: skip
    """Play scripts and print one line for each, then the counts. Returns the exit status.

    0: none failed (skipped ones do not count). 1: one failed. 2: one could not be read (its line goes to `err`).
    """
    counts = {"ok": 0, "not ok": 0, "skip": 0}
    ignored: dict[str, int] = {}
    unreadable = False
    if stack is not None:
        stack_of(stack)
    for path in paths:
        try:
            result = run_script(_text(path, stdin), path, stack, defines)
        except InputError as error:
            print(error, file=err)
            unreadable = True
            continue
        counts[result.kind] += 1
        for what, count in result.ignored:
            ignored[what] = ignored.get(what, 0) + count
        print(result, file=out)
    if ignored:
        print("# not compared: " + ", ".join(f"{n} {what}" for what, n in sorted(ignored.items())), file=out)
    print(f"{counts['ok']} passed, {counts['not ok']} failed, {counts['skip']} skipped", file=out)
    return 2 if unreadable else 1 if counts["not ok"] else 0


def _text(path: str, stdin: TextIO | None) -> str:
    try:
        if path == "-" and stdin is not None:
            return stdin.read(MAX_BYTES + 1)
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=path, mend="Name a .pkt file") from None
