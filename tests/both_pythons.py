"""What `test_pyodide.py` runs in CPython and in Pyodide. Ships as text, so it stands alone."""

import hashlib
import json

from teardown import browser
from teardown.formats import pcapng
from teardown.lab.file import names as lab_names
from teardown.world.run import run
from teardown.world.scenario import load
from teardown.world.scenario import names as scenario_names


def digest(text: str) -> str:
    """A short name for a long text."""
    return hashlib.sha256(text.encode()).hexdigest()


def walk(lab: str) -> list[str]:
    """Twelve moves through a lab, each picked by a simple rule, so that both Pythons must offer the same ones."""
    moves: list[str] = []
    out = []
    for turn in range(12):
        answer = browser.answer(json.dumps({"ask": "situation", "lab": lab, "moves": moves}))
        out.append(digest(answer))
        legal = [part.split('"')[0] for part in json.loads(answer)["html"]["moves"].split('data-move="')[1:]]
        if not legal:  # both ends are done
            break
        moves = [*moves, legal[(turn * 7) % len(legal)]]
    return out


def capture(name: str) -> list[str]:
    """A scenario's capture, and what is read in it."""
    written = pcapng.write(run(load(name)))
    return [hashlib.sha256(written).hexdigest(), digest(repr(pcapng.read(written)))]


def play() -> dict[str, dict[str, object]]:
    """Digests of every scenario's trace and capture and of a walk through every lab."""
    return {
        "scenarios": {name: digest(run(load(name)).dumps()) for name in scenario_names()},
        "captures": {name: capture(name) for name in scenario_names()},
        "labs": {name: walk(name) for name in lab_names()},
    }
