"""The one door that the page's worker uses: JSON text in, JSON text out.

A request is an object whose `ask` names a question in `QUESTIONS`; the other keys belong to that question.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from teardown.draw import ladder, words
from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.lab import code
from teardown.lab import file as labs
from teardown.lab.code import Task
from teardown.lab.confine import shut
from teardown.lab.loop import read_journal
from teardown.lab.situation import future, hint, situation
from teardown.lab.texts import story, texts
from teardown.lab.variants import checked


def answer(request: str) -> str:
    """Answer one request. Raises InputError for one that makes no sense."""
    try:
        asked = json.loads(request)
    except (ValueError, RecursionError):
        raise InputError("the request is not JSON") from None
    if not isinstance(asked, dict):
        raise InputError("the request is not an object")
    question = asked.get("ask")
    if not isinstance(question, str) or question not in QUESTIONS:
        raise InputError(f"there is no question {str(question)[:40]!r}", mend=f"Known: {', '.join(QUESTIONS)}")
    return dumps(QUESTIONS[question](asked))


def _played(asked: dict[str, Any]) -> tuple[str, list[str], int]:
    """The lab, the moves and the seed of a request."""
    lab, moves, seed = asked.get("lab"), asked.get("moves", []), asked.get("seed", 0)
    if not isinstance(lab, str) or not isinstance(moves, list) or not all(isinstance(m, str) for m in moves):
        raise InputError("the request needs lab, a text, and moves, a list of texts")
    return lab, moves, seed


def _situation(asked: dict[str, Any]) -> dict[str, Any]:
    """`{"lab", "moves", "attempt", "seed"}`: the situation the reader is then in (see `lab.situation`)."""
    lab, moves, seed = _played(asked)
    attempt = asked.get("attempt")
    if attempt is not None and not isinstance(attempt, str):
        raise InputError("attempt must be a text")
    return situation(lab, moves, attempt, seed)


@lru_cache(maxsize=8)
def _task(lab: str, seed: int) -> Task:
    found = labs.load(lab, seed).code if lab in labs.names() else None
    if found is None:
        raise InputError(f"no lab {lab[:40]!r} asks for a program")
    return found


def _code_ready(asked: dict[str, Any]) -> dict[str, Any]:
    """`{}`: from now on this Python runs programs of others, and has no way to JavaScript."""
    shut()
    return {}


def _code_run(asked: dict[str, Any]) -> dict[str, Any]:
    """`{"lab", "check", "source", "seed"}`: what that program does in that check's situation. For a worker that can be lost."""
    lab, check, source = asked.get("lab"), asked.get("check"), asked.get("source")
    if not isinstance(lab, str) or not isinstance(check, str) or not isinstance(source, str):
        raise InputError("the request needs lab, check and source, all texts")
    task = _task(lab, checked(asked.get("seed", 0)))
    here = task.check(check)
    journal, error, output = code.run(task, here, source)
    return {"journal": journal, "error": error, "output": output}


def _code_judge(asked: dict[str, Any]) -> dict[str, Any]:
    """`{"lab", "check", "journal", "crashed", "seed"}`: whether what a program did passes the check, and its picture."""
    lab, check = asked.get("lab"), asked.get("check")
    if not isinstance(lab, str) or not isinstance(check, str):
        raise InputError("the request needs lab and check, both texts")
    task = _task(lab, checked(asked.get("seed", 0)))
    here = task.check(check)
    verdict = code.judge(task, here, read_journal(asked.get("journal")), crashed=asked.get("crashed") is True)
    trace, rest = code.drawn(verdict.trace)
    return {
        "passed": verdict.passed,
        "seen": verdict.seen,
        "why": here.why,
        "html": {
            "ladder": ladder.draw(trace, ids=f"check-{check}").svg + (f"<p>{escape(rest)}</p>" if rest else ""),
            "transcript": words.transcript(trace),
        },
    }


def _said(asked: dict[str, Any]) -> dict[str, Any]:
    """`{"lab", "seed"}`: the texts around the bench in that variant, by name, and the story if nobody interferes."""
    lab, _moves, seed = _played(asked)
    if lab not in labs.names():
        raise InputError(f"there is no lab {lab[:40]!r}")
    here = labs.load(lab, checked(seed))
    return {"said": texts(here), "html": {"walk": story(here) if here.code is None else ""}}


def _future(asked: dict[str, Any]) -> dict[str, Any]:
    """`{"lab", "moves", "seed", "nth"}`: the picture of another future."""
    nth = asked.get("nth")
    if not isinstance(nth, int) or not 0 <= nth < 100:
        raise InputError("nth must be a small number")
    lab, moves, seed = _played(asked)
    return future(lab, moves, nth, seed)


def _hint(asked: dict[str, Any]) -> dict[str, Any]:
    """`{"lab", "moves", "seed", "goal"}`: the next move of the shortest way to a goal."""
    goal = asked.get("goal")
    if not isinstance(goal, str):
        raise InputError("goal must be a text")
    lab, moves, seed = _played(asked)
    return hint(lab, moves, goal, seed)


def _rare(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A question of the workbench: its code is imported when it is asked, so that labs start without it."""

    def ask(asked: dict[str, Any]) -> dict[str, Any]:
        from teardown.lab import workbench

        question: Callable[[dict[str, Any]], dict[str, Any]] = getattr(workbench, name)
        return question(asked)

    return ask


QUESTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "situation": _situation, "future": _future, "hint": _hint, "said": _said,
    "code-ready": _code_ready, "code-run": _code_run, "code-judge": _code_judge,
    "machine-map": _rare("machine_map"), "machine-run": _rare("machine_run"), "pkt": _rare("pkt"),
}  # fmt: skip


def dumps(answer: dict[str, Any]) -> str:
    """The same bytes in every Python."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
