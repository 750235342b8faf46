"""The pages for programmers say what the commands print and what the engine offers."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from teardown import cli
from teardown.site import interfaces

DOCS = Path(__file__).parents[2] / "docs"
SHAPES = {shape.name: shape for shape in interfaces.shapes()}

#: Runs that together show every field of a document.
RUNS = {
    "trace": (("run", "buggy-client"), ("run", "late-data"), ("run", "lost-fin")),
    "moves": (("moves", "buggy-client"), ("moves", "clean-close")),
    "explore": (
        ("explore", "buggy-client", "--worlds", "600"),
        ("explore", "clean-close", "--losses", "0", "--calls", "2", "--worlds", "400"),
    ),
    "bare": (("explore", "--bare"), ("explore", "--bare", "--never-closes", "client")),
}
KINDS = {dict: "object", list: "list", str: "text", bool: "true or false", int: "number", float: "number"}


def printed(*args: str) -> Any:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert cli.main([*args, "--json"]) == 0
    return json.loads(out.getvalue())


def found(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Every path below `value` with the type that it has there."""
    kind = "null" if value is None else KINDS[type(value)]
    out = [(path, kind)] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            name = "HOST" if key in ("server", "client") else key
            out += found(inner, f"{path}.{name}" if path else name)
    if isinstance(value, list):
        out += [pair for inner in value for pair in found(inner, f"{path}[]")]
    return out


@pytest.mark.parametrize("name", SHAPES)
def test_the_fields_are_those_that_the_command_prints(name: str) -> None:
    seen: dict[str, set[str]] = {}
    for args in RUNS[name]:
        for path, kind in found(printed(*args)):
            seen.setdefault(path, set()).add(kind)
    listed = {field.path: field.type for field in SHAPES[name].fields}
    # An object or an entry that holds fields of its own need not be listed; below `scenario` the trace's list counts.
    holders = {path for path, kinds in seen.items() if kinds == {"object"}}
    unlisted = {path for path in set(seen) - set(listed) - holders if not (name == "explore" and path.startswith("scenario."))}
    assert not unlisted
    assert not set(listed) - set(seen)
    for path, kind in listed.items():
        allowed = {kind} if kind in KINDS.values() else set(kind.removesuffix(" or null").split(",")) | {"null"}
        assert seen[path] <= allowed, path


def test_every_document_has_its_table_and_its_command() -> None:
    page = interfaces.fields()
    for shape in SHAPES.values():
        assert f'<h2 id="{shape.name}">' in page
        assert shape.command in page
    assert page.count('<th scope="row">') == sum(len(shape.fields) for shape in SHAPES.values())


def test_every_public_name_is_there_with_its_words() -> None:
    page = interfaces.names()
    for module, things in interfaces.PUBLIC.items():
        loaded = importlib.import_module(f"teardown.{module}")
        for thing in things:
            assert (getattr(loaded, thing).__doc__ or "").strip(), f"{module}.{thing} has no description"
            assert f'id="{module.replace(".", "-")}-{thing}"' in page
    assert "run(scenario: Scenario" in page or "run(" in page
    assert "`" not in page


def test_the_example_runs_and_prints_what_the_page_says() -> None:
    text = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (said,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(example, {})
    assert out.getvalue() == said
