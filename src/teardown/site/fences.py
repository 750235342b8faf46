"""The fences that pages use: ```teardown and ```endings (figures), ```lab (a lab bench), tables and figures of many.

Thin: they read the fence and call what draws. A fence that is wrong fails the build with its own first line.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable
from typing import Any

from pymdownx.superfences import SuperFencesException

from teardown.draw import state_map
from teardown.draw.endings import figure as endings_figure
from teardown.draw.figure import SHOWN
from teardown.draw.figure import figure as draw_figure
from teardown.draw.svg import escape
from teardown.errors import InputError
from teardown.lab import file as labs
from teardown.lab.situation import situation
from teardown.lab.texts import plays_itself, story, texts, varying
from teardown.site import (
    bench_page,
    code_page,
    downloads,
    futures,
    history,
    interfaces,
    matrix,
    performance,
    reference,
    rfcmap,
    state_graph,
    steps,
    tables,
)
from teardown.world.run import run, trace
from teardown.world.scenario import load
from teardown.world.trace import HOSTS

_FIGURE_KEYS = {"scenario", "show", "title", "note"}
_ENDINGS_KEYS = {"scenarios", "titles", "title", "host"}


def accept(
    language: str, inputs: dict[str, str], options: dict[str, Any], attrs: dict[str, Any], md: Any
) -> bool:
    """Our fences take no options on their first line: everything stands in the body."""
    return not inputs


def _fatal(message: str) -> Exception:
    """An error that superfences lets through (it swallows every other) and on which MkDocs stops without a traceback."""
    if "mkdocs.exceptions" not in sys.modules:
        return SuperFencesException(message)
    from mkdocs.exceptions import BuildError

    class FenceError(SuperFencesException, BuildError):
        """A fence that cannot be drawn: a failed build."""

    return FenceError(message)


def _fence(make: Callable[[str, Any], str]) -> Callable[..., str]:
    def fence(
        source: str, language: str, css_class: str, options: dict[str, Any], md: Any, **kwargs: Any
    ) -> str:
        try:
            return make(source, md)
        except InputError as error:
            first = source.strip().split("\n", 1)[0][:60]
            raise _fatal(f"```{language} fence that begins with {first!r}: {error}") from error

    return fence


def _toml(source: str, keys: set[str]) -> dict[str, Any]:
    try:
        data = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"this is not TOML: {error}", mend='Write lines such as scenario = "buggy-client"'
        ) from None
    for key in data:
        if key not in keys:
            raise InputError(f"unknown key {key!r}", mend=f"Known keys: {', '.join(sorted(keys))}")
    return data


def _figure(source: str, md: Any) -> str:
    data = _toml(source, _FIGURE_KEYS)
    name = data.get("scenario")
    if not isinstance(name, str):
        raise InputError("scenario is missing", mend='Write scenario = "buggy-client"')
    show = data.get("show", list(SHOWN))
    if not isinstance(show, list):
        raise InputError("show must be a list", mend='Write show = ["ladder", "states", "transcript"]')
    drawn, played = _counts(md), run(load(name))
    drawn[name] = drawn.get(name, 0) + 1
    html = draw_figure(
        played, name, show, title=str(data.get("title", "")), note=str(data.get("note", "")),
        links=downloads.links(name, md), nth=drawn[name],
        plan=state_graph.plan() if "states" in show else None,
    )  # fmt: skip
    return html if drawn[name] > 1 else steps.anchors(name, len(played.steps)) + html


def _endings(source: str, md: Any) -> str:
    """Several scenarios side by side, each from the first FIN of one host on."""
    data = _toml(source, _ENDINGS_KEYS)
    scenarios = data.get("scenarios")
    if not isinstance(scenarios, list) or not all(isinstance(name, str) for name in scenarios):
        raise InputError("scenarios must be a list of names", mend='Write scenarios = ["normal-close", "buggy-client"]')
    titles = data.get("titles") or [load(name).title for name in scenarios]
    if not isinstance(titles, list) or len(titles) != len(scenarios):
        raise InputError("titles must be a list with one title for each scenario")
    host = data.get("host", "server")
    if host not in HOSTS:
        raise InputError(f"there is no host {host!r}", mend="Write server or client")
    drawn = _counts(md)
    drawn["endings"] = drawn.get("endings", 0) + 1
    cases = [(str(title), run(load(name))) for title, name in zip(titles, scenarios, strict=True)]
    return endings_figure(cases, host, title=str(data.get("title", "")), name=f"endings-{drawn['endings']}")


def _counts(md: Any) -> dict[str, int]:
    """How often each scenario has been drawn on this page; a Markdown object lives for one page."""
    counts: dict[str, int] = getattr(md, "teardown_figures", {})
    md.teardown_figures = counts
    return counts


_LADDER = ' role="region" aria-label="Ladder" tabindex="0"'
_STATUS = ' role="status"'


def _lab(source: str, md: Any) -> str:
    name = _toml(source, {"name"}).get("name")
    if not isinstance(name, str):
        raise InputError("name is missing", mend='Write name = "buggy-client"')
    lab = labs.load(name)
    if lab.code is not None:
        return _intro(lab) + code_page.bench(lab) + _after(lab)
    first = situation(name, [])
    asked = first["prediction"]
    question = f' data-prediction="{escape(json.dumps(asked, ensure_ascii=False))}"' if asked else ""
    states = state_map.draw(state_graph.plan(), f"lab-{name}-map", trace(lab.scenario))
    html = first["html"] | {"states": states, "message": "", "progress": ""}

    def region(name: str, more: str = "") -> str:
        return f'<div data-region="{name}"{more}>{html[name]}</div>'

    # Three columns where there is room: the task and the map, what has happened, and what happens next.
    bench = (
        f'{region("sockets") if lab.paste else ""}<div class="lab-side">{region("task")}{region("states")}</div>'
        f'<div class="lab-board">{region("ladder", _LADDER)}{region("hosts")}</div>'
        f'<div class="lab-desk">{region("status")}{region("moves")}{region("message", _STATUS)}{region("progress")}</div>'
        f"{region('transcript')}"
    )
    title = "The whole story, if nobody interferes" if plays_itself(lab) else "The story, if programs play it"
    walk = f'<div data-walk="{escape(name)}">{story(lab)}</div>'
    return (
        f"{_intro(lab)}{futures.in_page(name)}"
        f'<tcp-lab data-lab="{escape(name)}" data-engine="starting" data-step="0" data-walkthrough="#walk"{question}>{bench}</tcp-lab>'
        '<noscript><p class="lab-noscript">The buttons need JavaScript. A whole story stands below, drawn and told.</p></noscript>'
        f"{_after(lab, f'<h2 id="walk">{title}</h2>{walk}')}"
    )


class _Said:
    """The texts of a lab as HTML; those that a variant changes carry a name by which the script finds them."""

    def __init__(self, lab: labs.Lab) -> None:
        self.lab, self.texts, self.varying = lab, texts(lab), varying(lab)

    def __call__(self, tag: str, name: str) -> str:
        """One text in its element."""
        mark = f' data-said="{escape(self.lab.name)}:{escape(name)}"' if name in self.varying else ""
        return f"<{tag}{mark}>{escape(self.texts[name])}</{tag}>"

    def every(self, tag: str, name: str) -> str:
        """All texts of a kind, in order."""
        return "".join(self(tag, which) for which in self.texts if re.fullmatch(rf"{re.escape(name)}\.\d+", which))


def _intro(lab: labs.Lab) -> str:
    """What stands before the bench: the story, who plays what, and what it teaches."""
    said = _Said(lab)
    before = f"<p>Before it: {escape('; '.join(lab.prerequisites))}.</p>" if lab.prerequisites else ""
    seats = f'<p class="lab-seats"><b>You play</b> {said("span", "seats")}</p>' if "seats" in said.texts else ""
    return (
        f'<div class="lab-intro"><div class="lab-story">{said.every("p", "intro")}</div><div class="lab-facts">{seats}'
        f'<details class="lab-objectives"><summary>{lab.minutes} minutes. What you will be able to do</summary>'
        f"<ul>{said.every('li', 'objectives')}</ul>{before}</details></div></div>"
    )


def _after(lab: labs.Lab, more: str = "") -> str:
    """What stands behind the bench: hints, what to notice, the closing summary, where to read on."""
    said = _Said(lab)
    given = "".join(
        f"<li><details><summary>Hint {n + 1}</summary>{said('p', f'hints.{n}')}</details></li>" for n in range(len(lab.hints))
    )
    given = f'<ol class="lab-hints">{given}</ol>' if given else ""
    given += "".join(
        f"<details>{said('summary', f'goal.{g.id}')}"
        f'<ol data-hints="{escape(g.id)}">{said.every("li", f"goal.{g.id}")}</ol></details>'
        for g in lab.goals
        if g.hints
    )
    see = "".join(f'<li><a href="{escape(_address(page))}">{escape(text)}</a></li>' for text, page in lab.see)
    return (
        f'<div class="lab-after"><h2 id="hints">Hints</h2>{given}'
        f'<h2 id="notice">What to notice</h2><ul>{said.every("li", "notice")}</ul>'
        f'<h2 id="closing">What it means</h2>{said.every("p", "closing")}<ul class="lab-see">{see}</ul>'
        f"{more}</div>"
    )


def _address(page: str) -> str:
    """`faq/index.md#x` as a link from a lab's page (`labs/NAME/`)."""
    path, _, anchor = page.partition("#")
    path = path.removesuffix(".md").removesuffix("index")
    if path and not path.endswith("/"):
        path += "/"
    return f"../../{path}" + (f"#{anchor}" if anchor else "")


def _empty(make: Callable[[], str]) -> Callable[..., str]:
    """A fence whose body is empty: what it shows is all in the data."""

    def checked(source: str, md: Any) -> str:
        if source.strip():
            raise InputError("this fence takes no body", mend="Leave it empty")
        return make()

    return _fence(checked)


def _matrix(source: str, md: Any) -> str:
    half = _toml(source, {"half"}).get("half")
    if half not in ("systems", "runtimes"):
        raise InputError("half is missing", mend='Write half = "systems" or half = "runtimes"')
    return matrix.html(half)


figure, lab, endings = _fence(_figure), _fence(_lab), _fence(_endings)
matrix_of = _fence(_matrix)
budgets, stacks, rules, conditions, timers = map(
    _empty, (tables.budgets, tables.stacks, reference.rules, reference.conditions, reference.timers)
)
names, timeline, number = map(_empty, (reference.state_names, history.timeline, history.number))
peers = _empty(performance.peers)
machine, packetdrill = map(_empty, (bench_page.machine, bench_page.packetdrill))
rfcs, shapes, api = map(_empty, (rfcmap.html, interfaces.fields, interfaces.names))
population, lanes = _empty(lambda: tables.population("population")), _empty(lambda: tables.lanes("lanes"))

# Zensical pickles its configuration, and pickle finds a function by its name.
for _name, _value in list(globals().items()):
    if getattr(_value, "__qualname__", "") == "_fence.<locals>.fence":
        _value.__qualname__ = _name
