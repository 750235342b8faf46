"""Two reference pages for programmers: the fields of the JSON, and the public names of the engine."""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from teardown.draw.svg import escape

#: What a program that uses the engine needs, module by module, in the order of use.
PUBLIC: Final = {
    "world.scenario": ("names", "load", "parse", "varied"),
    "world.run": ("run", "play"),
    "world.trace": ("Trace", "Step", "Running", "Owes", "Ending"),
    "world.moves": ("begin", "moves", "apply", "Move", "IllegalMove"),
    "world.explore": ("explore", "shortest_way"),
    "stacks": ("names", "stack", "override", "Stack", "Value"),
    "programs": ("program", "Program"),
    "tcp.table": ("Rule",),
    "lab.file": ("names", "load", "Lab"),
    "formats.pcapng": ("write",),
    "formats.packetdrill_run": ("run_script",),
}


class Field(NamedTuple):
    """One field of a JSON document: its path, the types it may have, and what it means."""

    path: str
    type: str
    means: str


class Shape(NamedTuple):
    """One JSON document."""

    name: str
    title: str
    command: str
    fields: tuple[Field, ...]


@cache
def shapes() -> tuple[Shape, ...]:
    """Every document of the command line, as `json.toml` describes it."""
    data = tomllib.loads(Path(__file__).with_name("json.toml").read_text(encoding="utf-8"))
    return tuple(
        Shape(name, raw["title"], raw["command"], tuple(Field(k, *v) for k, v in raw.items() if isinstance(v, list)))
        for name, raw in data.items()
        if isinstance(raw, Mapping)
    )


def fields() -> str:
    """One table for each document."""
    out = []
    for shape in shapes():
        rows = "".join(
            f'<tr><th scope="row"><code>{escape(f.path)}</code></th><td>{escape(f.type)}</td><td>{_code(f.means)}</td></tr>'
            for f in shape.fields
        )
        out.append(
            f'<h2 id="{shape.name}">{escape(shape.title)}</h2><p><code>{escape(shape.command)}</code></p>'
            f'<div class="table-box" role="region" aria-label="{escape(shape.title)}" tabindex="0"><table><thead><tr>'
            '<th scope="col">Field</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )
    return "".join(out)


# --- the engine's names ---------------------------------------------------------------------------------------


def names() -> str:
    """Every public name with its signature and its own description."""
    return "".join(map(_module, PUBLIC))


def _module(name: str) -> str:
    module = importlib.import_module(f"teardown.{name}")
    ident = name.replace(".", "-")
    entries = "".join(
        f'<dt id="{ident}-{thing}"><code>{escape(_signature(thing, getattr(module, thing)))}</code></dt>'
        f"<dd>{_prose(inspect.getdoc(getattr(module, thing)) or '')}{_fields(getattr(module, thing))}</dd>"
        for thing in PUBLIC[name]
    )
    doc = (inspect.getdoc(module) or "").split("\n\n")[0]
    return (
        f'<h2 id="{ident}"><code>teardown.{escape(name)}</code></h2>{_prose(doc)}<dl class="terms api">{entries}</dl>'
    )


def _signature(name: str, thing: Any) -> str:
    if inspect.isclass(thing):
        return f"class {name}"
    signature = inspect.signature(thing)
    parts: list[str] = []
    star = False
    for p in signature.parameters.values():
        if p.kind is p.KEYWORD_ONLY and not star:
            star = True
            parts.append("*")
        mark = "*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else ""
        star = star or p.kind is p.VAR_POSITIONAL
        default = "" if p.default is p.empty else f" = {p.default!r}"
        parts.append(f"{mark}{p.name}{_annotation(p.annotation, ': ')}{default}")
    return f"{name}({', '.join(parts)}){_annotation(signature.return_annotation, ' -> ')}"


def _annotation(annotation: Any, before: str) -> str:
    if annotation is inspect.Signature.empty:
        return ""
    return before + (annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation)))


def _fields(thing: Any) -> str:
    """The fields of a value class, with their types."""
    if not inspect.isclass(thing) or issubclass(thing, Exception):
        return ""
    items = "".join(f"<li><code>{escape(line)}</code></li>" for line in _annotated(thing))
    return f"<ul>{items}</ul>" if items else ""


def _annotated(thing: type) -> Iterator[str]:
    for name, annotation in inspect.get_annotations(thing).items():
        if not name.startswith("_"):
            said = getattr(annotation, "__forward_arg__", None) or annotation
            yield f"{name}{_annotation(said, ': ')}"


def _prose(text: str) -> str:
    """A docstring as paragraphs; a list of lines with a dash becomes a list."""
    out = []
    for block in filter(None, (b.strip() for b in text.split("\n\n"))):
        items = re.split(r"(?:^|\n)[-*] ", block)
        out.append(f"<p>{_code(items[0])}</p>" if items[0].strip() else "")
        if len(items) > 1:
            out.append("<ul>" + "".join(f"<li>{_code(item)}</li>" for item in items[1:]) + "</ul>")
    return "".join(out)


def _code(text: str) -> str:
    """One paragraph, with code between backticks."""
    return re.sub(r"`+([^`]+)`+", r"<code>\1</code>", escape(" ".join(text.split())))
