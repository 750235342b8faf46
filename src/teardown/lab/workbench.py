"""The questions of the workbench: a machine of the reader's own, and packetdrill scripts.

A request is what a page sent, so everything in it is checked. The answers are plain data; their HTML is escaped here.
"""

from __future__ import annotations

from typing import Any

from teardown.draw import ladder
from teardown.errors import InputError
from teardown.formats.packetdrill_machine import Happened
from teardown.formats.packetdrill_run import run_script
from teardown.formats.packetdrill_trace import trace_of
from teardown.lab import machine


def machine_map(asked: dict[str, Any]) -> dict[str, Any]:
    """`{"edits", "plan"}`: the state diagram of an edited machine (see `lab.machine`)."""
    return machine.drawn(machine.read_edits(asked.get("edits")), asked.get("plan"))


def machine_run(asked: dict[str, Any]) -> dict[str, Any]:
    """`{"edits", "scenario", "draw"}`: what an edited machine makes of a scenario, with both ladders if asked for."""
    name = asked.get("scenario")
    if not isinstance(name, str):
        raise InputError("scenario must be a text")
    return machine.rerun(name, machine.read_edits(asked.get("edits")), draw=asked.get("draw") is True)


MOST_SCRIPT = 100_000  # characters of a script in a page
_MOST_DRAWN = 150  # steps


def pkt(asked: dict[str, Any]) -> dict[str, Any]:
    """`{"script", "stack"}`: what became of a packetdrill script, the line it failed on (0: none), and its ladder."""
    text, stack = asked.get("script"), asked.get("stack") or None
    if not isinstance(text, str) or not (stack is None or isinstance(stack, str)):
        raise InputError("the request needs script, a text, and perhaps stack")
    if len(text) > MOST_SCRIPT:
        raise InputError(f"the script has {len(text):,} characters", mend=f"Here a script may have {MOST_SCRIPT:,}")
    log: list[Happened] = []
    try:
        result = run_script(text, "script", stack, log=log)
    except InputError as error:
        line = error.place.removeprefix("script:")
        return {
            "kind": "unreadable", "line": int(line) if line.isdecimal() else 0, "stack": "",
            "message": f"{error.what.rstrip('.')}. {error.mend}".strip(), "checked": 0, "html": {"ladder": ""},
        }  # fmt: skip
    trace = trace_of(log, result.stack, most=_MOST_DRAWN)
    return {
        "kind": result.kind,
        "line": result.line,
        "stack": result.stack,
        "message": result.message,
        "checked": result.checked,
        "html": {"ladder": ladder.draw(trace, ids="pkt").svg if trace.steps else ""},
    }
