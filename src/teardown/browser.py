"""The one door that the page's worker uses: JSON text in, JSON text out."""

from __future__ import annotations

import json
from typing import Any

from teardown.errors import InputError
from teardown.lab.situation import situation as _situation


def situation(request: str) -> str:
    """Answer `{"lab", "moves", "attempt"}` with the situation the reader is then in (see `lab.situation`)."""
    try:
        asked = json.loads(request)
    except (ValueError, RecursionError):
        raise InputError("the request is not JSON") from None
    return dumps(_situation(*_checked(asked)))


def _checked(asked: Any) -> tuple[str, list[str], str | None]:
    if not isinstance(asked, dict):
        raise InputError("the request is not an object")
    lab, moves, attempt = asked.get("lab"), asked.get("moves", []), asked.get("attempt")
    if not isinstance(lab, str) or not isinstance(moves, list) or not all(isinstance(m, str) for m in moves):
        raise InputError("the request needs lab, a text, and moves, a list of texts")
    if attempt is not None and not isinstance(attempt, str):
        raise InputError("attempt must be a text")
    return lab, moves, attempt


def dumps(answer: dict[str, Any]) -> str:
    """The same bytes in every Python."""
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
