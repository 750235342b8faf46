"""The one door that the page's worker uses: JSON text in, JSON text out.

A request is an object whose `ask` names a question in `QUESTIONS`; the other keys belong to that question.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from teardown.errors import InputError
from teardown.lab.situation import situation


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


def _situation(asked: dict[str, Any]) -> dict[str, Any]:
    """`{"lab", "moves", "attempt"}`: the situation the reader is then in (see `lab.situation`)."""
    lab, moves, attempt = asked.get("lab"), asked.get("moves", []), asked.get("attempt")
    if not isinstance(lab, str) or not isinstance(moves, list) or not all(isinstance(m, str) for m in moves):
        raise InputError("the request needs lab, a text, and moves, a list of texts")
    if attempt is not None and not isinstance(attempt, str):
        raise InputError("attempt must be a text")
    return situation(lab, moves, attempt)


QUESTIONS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"situation": _situation}


def dumps(answer: dict[str, Any]) -> str:
    """The same bytes in every Python."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
