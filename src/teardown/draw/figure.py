"""A figure of a page: everything about one trace as HTML, finished without a line of script.

Pure text in, text out: no Markdown, no page, no file. What a script may add (stepping, playing) it reads from the
attributes that `words.transcript`, `ladder.draw` and `state_map.draw` write.
"""

import hashlib
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from teardown.draw import ladder, state_map, words
from teardown.draw.labels import SIZE
from teardown.draw.layout import WIDTH
from teardown.draw.map_plan import Plan
from teardown.draw.palette import INK, LIGHT_PAGE
from teardown.draw.story import first_closer
from teardown.draw.svg import escape, num
from teardown.errors import InputError
from teardown.tcp.states import prose
from teardown.world.trace import HOSTS, Trace

PARTS: Final = ("ladder", "states", "transcript", "table")
TALL: Final = 900.0  # units: a taller ladder does not fit on a sheet beside the map
FRAME: Final = 640.0  # units: what a frame of such a ladder shows
#: What a re-used drawing takes from the picture around it.
_STYLE: Final = f'font-family="{escape(ladder.SANS)}" font-size="{num(SIZE)}" fill="{INK}"'
SHOWN: Final = ("ladder", "states", "transcript")


def figure(
    trace: Trace,
    name: str,
    show: Sequence[str] = SHOWN,
    *,
    title: str = "",
    note: str = "",
    links: Sequence[tuple[str, str]] = (),
    nth: int = 1,
    plan: Plan | None = None,
) -> str:
    """The figure of `trace` as one HTML element.

    `name` is the scenario's id, by which links such as `#name/4` drive the figure. `show` chooses among `PARTS`.
    `title` overrides the scenario's, `note` is one more sentence for the caption, `links` are downloads (text,
    address). `nth` counts the figures of one scenario on one page, so that no identifier stands twice. `plan` is where
    everything in the state diagram stands; without one a figure cannot show `states`.
    """
    for part in show:
        if part not in PARTS:
            raise InputError(f"a figure cannot show {part!r}", mend=f"It can show {', '.join(PARTS)}")
    ids = identifier(trace, name, nth)
    picture = ladder.draw(trace, ids=f"{ids}-ladder", left=first_closer(trace)) if "ladder" in show else None
    boards = []
    if picture is not None:
        tall = picture.height > TALL
        strips = columns(picture, f"{ids}-ladder") if tall else ""
        boards.append(f'<div class="tcp-ladder{" tall" if tall else ""}">{picture.svg}{strips}</div>')
    if "states" in show:
        if plan is None:
            raise InputError("a figure with states needs the diagram's plan", mend="teardown.site.state_graph makes it")
        boards.append(
            f'<div class="tcp-states">{state_map.draw(plan, f"{ids}-map", trace)}'
            f'<details class="tcp-regions"><summary>What can happen in each state</summary>'
            f"{words.regions(trace)}</details></div>"
        )
    parts = [_caption(trace, title, note), f'<div class="tcp-boards">{"".join(boards)}</div>' if boards else ""]
    if picture is not None:
        parts.append(frames(picture, f"{ids}-ladder"))
    if "transcript" in show:
        parts.append(words.transcript(trace))
    if "table" in show or "transcript" in show:
        more = ' class="tcp-table wanted" open' if "table" in show else ' class="tcp-table"'
        parts.append(f"<details{more}><summary>The same as a table</summary>{words.table(trace)}</details>")
    if links:
        anchors = ", ".join(f'<a href="{escape(href)}" download>{escape(text)}</a>' for text, href in links)
        parts.append(f'<p class="tcp-links">Take it with you: {anchors}.</p>')
    heights = "" if picture is None else f' data-y="{",".join(num(y) for y in picture.playheads)}"'
    # The outer `div` is for Markdown, which puts what it does not know as a block into a paragraph.
    return (
        f'<div class="tcp-embed"><tcp-player data-scenario="{escape(name)}"{heights}>'
        f'<figure class="tcp-figure" id="{ids}">{"".join(parts)}</figure></tcp-player></div>'
    )


def identifier(trace: Trace, name: str, nth: int = 1) -> str:
    """The beginning of every identifier of a figure: its name and its content, so that two never agree by chance."""
    digest = hashlib.sha256(trace.dumps().encode()).hexdigest()[:6]
    slug = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in name)
    return f"fig-{slug}-{digest}" + (f"-{nth}" if nth > 1 else "")


def frames(picture: ladder.Ladder, ids: str) -> str:
    """One small frame for every step, for paper: the same drawing again under a veil. Hidden on screens.

    Of a drawing taller than a sheet, a frame shows the part around its step.
    """
    out = []
    height = picture.height if picture.height <= TALL else FRAME
    for i, step in enumerate(picture.layout.trace.steps):
        y = picture.playheads[i]
        top = min(max(0.0, y - 0.75 * height), picture.height - height)
        box = f'viewBox="0 {num(top)} {num(WIDTH)} {num(height)}"'
        foot = top + height
        veil = (
            f'<rect x="0" y="{num(y)}" width="{num(WIDTH)}" height="{num(foot - y)}" fill="{LIGHT_PAGE}" '
            'fill-opacity="0.85"/>'
            if y < foot
            else ""
        )
        states = f"{prose(step.states.server)}, {prose(step.states.client)}"
        out.append(f'<li><b>{i}</b> {states}<svg {box} {_STYLE}><use href="#{ids}-g"/>{veil}</svg></li>')
    return f'<ol class="tcp-frames" aria-hidden="true" hidden>{"".join(out)}</ol>'


def columns(picture: ladder.Ladder, ids: str) -> str:
    """A ladder that is taller than a sheet of paper, cut between two steps and set in columns. Hidden on screens."""
    cuts = [0.0]
    for head, nxt in pairwise((*picture.playheads, picture.height + 1)):
        if nxt - cuts[-1] > TALL:
            cuts.append(head)
    cuts.append(picture.height)
    parts = [
        f'<svg viewBox="0 {num(a)} {num(WIDTH)} {num(TALL if b < picture.height else b - a)}" {_STYLE}>'
        f'<use href="#{ids}-g"/>'
        f'<rect x="0" y="{num(b)}" width="{num(WIDTH)}" height="{num(TALL)}" fill="{LIGHT_PAGE}"/></svg>'
        for a, b in pairwise(cuts)
    ]
    return f'<div class="tcp-columns" aria-hidden="true" hidden>{"".join(parts)}</div>'


def self_contained(html: str) -> str:
    """Figures for printers that follow no reference from one drawing to another (WeasyPrint): copies in place."""
    drawings = dict(re.findall(r'<g id="([^"]+)" aria-hidden="true">(.*?)</g>', html))
    return re.sub(r'<use href="#([^"]+)"/>', lambda found: f"<g>{drawings[found[1]]}</g>", html)


def _caption(trace: Trace, title: str, note: str) -> str:
    text = f"<b>{escape(title or words.title(trace))}.</b>"
    for sentence in (trace.ending.text, note):
        if sentence:
            text += f" {escape(sentence)}"
    text += _setting(trace)
    return f"<figcaption>{text}</figcaption>"


def _setting(trace: Trace) -> str:
    """Who plays: program and system of both hosts, where the trace names them."""
    programs, stacks = trace.scenario.get("programs"), trace.scenario.get("stacks")
    if not isinstance(programs, dict) or not isinstance(stacks, dict):
        return ""
    hosts = ", ".join(
        f"{host} <code>{escape(str(programs[host]))}</code> on <code>{escape(str(stacks[host]))}</code>"
        for host in HOSTS
        if host in programs and host in stacks
    )
    return f'<span class="setting">{hosts[:1].upper()}{hosts[1:]}.</span>' if hosts else ""
