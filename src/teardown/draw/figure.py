"""A figure of a page: everything about one trace as HTML, finished without a line of script.

Pure text in, text out: no Markdown, no page, no file. What a script may add (stepping, playing) it reads from the
attributes that `words.transcript`, `ladder.draw` and `state_map.draw` write.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from teardown.draw import ladder, state_map, words
from teardown.draw.svg import escape, num
from teardown.errors import InputError
from teardown.world.trace import HOSTS, Trace

PARTS: Final = ("ladder", "states", "transcript", "table")
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
) -> str:
    """The figure of `trace` as one HTML element.

    `name` is the scenario's id, by which links such as `#name/4` drive the figure. `show` chooses among `PARTS`.
    `title` overrides the scenario's, `note` is one more sentence for the caption, `links` are downloads (text,
    address). `nth` counts the figures of one scenario on one page, so that no identifier stands twice.
    """
    for part in show:
        if part not in PARTS:
            raise InputError(f"a figure cannot show {part!r}", mend=f"It can show {', '.join(PARTS)}")
    ids = identifier(trace, name, nth)
    picture = ladder.draw(trace, ids=f"{ids}-ladder") if "ladder" in show else None
    boards = []
    if picture is not None:
        boards.append(f'<div class="tcp-ladder">{picture.svg}</div>')
    if "states" in show:
        boards.append(
            f'<div class="tcp-states">{state_map.draw(f"{ids}-map", trace)}'
            f'<details class="tcp-regions"><summary>What can happen in each state</summary>{words.regions(trace)}</details>'
            "</div>"
        )
    parts = [_caption(trace, title, note), f'<div class="tcp-boards">{"".join(boards)}</div>' if boards else ""]
    if picture is not None:
        parts.append(frames(picture, f"{ids}-ladder", len(trace.steps)))
    if "transcript" in show:
        parts.append(words.transcript(trace))
    if "table" in show or "transcript" in show:
        opened = " open" if "table" in show else ""
        parts.append(f'<details class="tcp-table"{opened}><summary>The same as a table</summary>{words.table(trace)}</details>')
    if links:
        anchors = ", ".join(f'<a href="{escape(href)}" download>{escape(text)}</a>' for text, href in links)
        parts.append(f'<p class="tcp-links">Take it with you: {anchors}.</p>')
    heights = "" if picture is None else f' data-y="{",".join(num(y) for y in picture.playheads)}"'
    return (
        f'<tcp-player data-scenario="{escape(name)}"{heights}><figure class="tcp-figure" id="{ids}">'
        f"{''.join(parts)}</figure></tcp-player>"
    )


def identifier(trace: Trace, name: str, nth: int = 1) -> str:
    """The beginning of every identifier of a figure: its name and its content, so that two never agree by chance."""
    digest = hashlib.sha256(trace.dumps().encode()).hexdigest()[:6]
    slug = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in name)
    return f"fig-{slug}-{digest}" + (f"-{nth}" if nth > 1 else "")


def frames(picture: ladder.Ladder, ids: str, steps: int) -> str:
    """One small frame for every step, for paper: the same drawing again under a veil. Hidden on screens."""
    out = []
    box = f'viewBox="0 0 {num(ladder.WIDTH)} {num(picture.height)}"'
    for i in range(steps):
        y = picture.playheads[i]
        veil = (
            f'<rect x="0" y="{num(y)}" width="{num(ladder.WIDTH)}" height="{num(picture.height - y)}" '
            f'fill="{ladder.LIGHT_PAGE}" fill-opacity="0.85"/>'
            if i < steps - 1
            else ""
        )
        out.append(f'<li><b>{i}</b><svg {box}><use href="#{ids}-g"/>{veil}</svg></li>')
    return f'<ol class="tcp-frames" aria-hidden="true">{"".join(out)}</ol>'


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
