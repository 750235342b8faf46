"""Figures on paper: a ladder beside its own transcript, cut where a page may break, or alone in columns.

Works on the drawings of the built pages, as text. A printer such as WeasyPrint follows no reference from one drawing
to another and knows no style sheet of the page, so every piece carries what it shows, and nothing that it does not.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from teardown.draw.palette import LIGHT_PAGE
from teardown.draw.svg import escape, num
from teardown.errors import InputError

SERIF: Final = "'Source Serif 4', serif"
MONO: Final = "'IBM Plex Mono', monospace"
#: Ladders that are higher stand in two columns where they have no words beside them.
_COLUMN: Final = 420.0
#: Other drawings that are higher than this would fill a page.
_PAGE: Final = 800.0
#: Rows of a ladder are at least this high.
_ROW: Final = 120.0
#: The first is higher: less at the foot of a page is no beginning.
_FIRST: Final = 200.0

#: Pieces of a ladder in columns are at least this high.
_PIECE: Final = 60.0

#: What no printer draws as a browser does, with the reason to be said.
_BROKEN: Final = {
    "<foreignObject": "a foreignObject",
    "var(": "a CSS variable",
    "currentColor": "the colour of the text around it",
    "<filter": "a filter",
    "<animate": "an animation",
    "<image": "a bitmap",
}
_OPACITY: Final = re.compile(r"\sopacity=")
_LEAF: Final = re.compile(r"<(rect|path|circle|line|ellipse|polygon|polyline)\b([^>]*)/>|<(text)\b([^>]*)>.*?</text>", re.DOTALL)
_NUMBER: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[A-Za-z]", re.IGNORECASE)
#: How many numbers a letter of a path takes, and which of them are heights.
_PATH: Final = {
    "m": (2, (1,)), "l": (2, (1,)), "t": (2, (1,)), "h": (1, ()), "v": (1, (0,)), "c": (6, (1, 3, 5)),
    "s": (4, (1, 3)), "q": (4, (1, 3)), "a": (7, (6,)), "z": (0, ()),
}  # fmt: skip


class Shape(NamedTuple):
    """One element of a drawing, and the heights between which it lies."""

    markup: str
    top: float
    bottom: float
    fixed: bool  # may not be cut: an arrow, a word


class Drawing(NamedTuple):
    """An SVG of the pages, taken apart."""

    width: float
    height: float
    size: str  # of the type
    title: str
    about: str
    shapes: tuple[Shape, ...]  # empty: the drawing is nested and can only be shown whole
    markup: str


def checked(svg: str) -> str:
    """`svg`, if a printer can draw it. Raises InputError otherwise."""
    for needle, name in _BROKEN.items():
        if needle in svg:
            raise InputError(f"this drawing holds {name}, which no printer shows", mend="Draw it with plain attributes.")
    if _OPACITY.search(svg):
        raise InputError("this drawing holds `opacity`, which printers drop", mend="Write fill-opacity.")
    return svg


def whole(svg: str) -> str:
    """The drawing for paper: our typefaces, and one title that says everything, because a printer reads no other."""
    drawing = taken_apart(checked(svg))
    inner = re.sub(r"<title.*?</title>|<desc.*?</desc>|<path class=\"hit\".*?/>", "", drawing.markup, flags=re.DOTALL)
    return _svg(drawing, inner, 0, drawing.height, _said(drawing))


def _said(drawing: Drawing) -> str:
    return ". ".join(part.rstrip(".") for part in (drawing.title, drawing.about) if part) + "."


def taken_apart(svg: str) -> Drawing:
    """The pieces of one `<svg>` element of the pages."""
    head = re.match(r"<svg\b[^>]*>", svg)
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head[0]) if head else None
    if head is None or box is None:
        raise InputError("this drawing has no viewBox that begins at 0 0")
    size = re.search(r'font-size="([\d.]+)"', head[0])
    title = re.search(r"<title[^>]*>(.*?)</title>", svg, re.DOTALL)
    about = re.search(r"<desc[^>]*>(.*?)</desc>", svg, re.DOTALL)
    inner = svg[head.end() : -len("</svg>")]
    inner = re.sub(r"^<title.*?</title>|<desc.*?</desc>", "", inner, count=2, flags=re.DOTALL)
    # A printer takes every identifier for a place to go to. Those that the drawing itself refers to must stay.
    inner = re.sub(r'\sid="([^"]*)"', lambda m: m[0] if f"#{m[1]}" in svg else "", _typefaces(inner))
    flat = re.fullmatch(r'<g aria-hidden="true">(.*)</g>(?:<rect class="veil"[^>]*/>)?', inner, re.DOTALL)
    shapes = tuple(_shapes(flat[1])) if flat and "<g" not in flat[1] else ()
    return Drawing(
        float(box[1]), float(box[2]), size[1] if size else "13", _plain(title), _plain(about), shapes, inner
    )


def _plain(found: re.Match[str] | None) -> str:
    return " ".join(html.unescape(found[1]).split()) if found else ""


def _typefaces(markup: str) -> str:
    return re.sub(
        r'font-family="([^"]*)"', lambda m: f'font-family="{MONO if "mono" in m[1].lower() else SERIF}"', markup
    )


def _svg(drawing: Drawing, inner: str, top: float, bottom: float, title: str) -> str:
    """The drawing as a picture: an `img`, because a printer styles every element that stands in the page itself."""
    width, height = num(drawing.width), num(bottom - top)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {num(top)} {width} {height}" width="{width}" '
        f'height="{height}" font-family="{SERIF}" font-size="{drawing.size}" fill="#222222">{inner}</svg>'
    )
    return f'<img class="drawing" alt="{escape(title)}" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'


def _shapes(markup: str) -> list[Shape]:
    out = []
    for found in _LEAF.finditer(markup):
        tag, attributes = (found[1] or found[3]), (found[2] or found[4])
        values = dict(re.findall(r'([\w-]+)="([^"]*)"', attributes))
        top, bottom = _heights(tag, values)
        kind = values.get("class", "").split(" ")[0]
        fixed = tag == "text" or kind in ("wire", "missing", "fin", "paper", "pill-box")
        out.append(Shape(found[0], top, bottom, fixed))
    return out


def _heights(tag: str, values: dict[str, str]) -> tuple[float, float]:
    def value(name: str) -> float:
        return float(values.get(name, 0))

    match tag:
        case "rect":
            return value("y"), value("y") + value("height")
        case "text":
            return value("y") - 12, value("y") + 4
        case "circle":
            return value("cy") - value("r"), value("cy") + value("r")
        case "ellipse":
            return value("cy") - value("ry"), value("cy") + value("ry")
        case "line":
            return min(value("y1"), value("y2")), max(value("y1"), value("y2"))
        case "path":
            heights = _path_heights(values.get("d", ""))
        case _:
            heights = [float(y) for y in re.findall(r"[-\d.]+", values.get("points", ""))[1::2]]
    return min(heights), max(heights)


def _path_heights(path: str) -> list[float]:
    """Every height that a path names: end points and control points."""
    heights: list[float] = []
    numbers: list[float] = []
    y, letter = 0.0, "M"
    for token in _NUMBER.findall(path):
        if token.isalpha():
            letter, numbers = token, []
            continue
        numbers.append(float(token))
        count, places = _PATH[letter.lower()]
        if len(numbers) == count:
            base = y if letter.islower() else 0.0
            heights += [base + numbers[n] for n in places]
            if places:
                y = heights[-1]
            numbers = []
    return heights or [0.0]


def band(drawing: Drawing, top: float, bottom: float, title: str, more: float = 0) -> str:
    """What lies between two heights. `more` makes it higher: what is upright there goes on."""
    if more:
        drawn = [s.markup for s in drawing.shapes if s.bottom >= top - 4 and s.top <= bottom]
        inner = "".join(drawn) + _gap(drawing, bottom, bottom + more)
        return _svg(drawing, inner, top, bottom + more, title)
    inner = "".join(s.markup for s in drawing.shapes if s.bottom >= top - 4 and s.top <= bottom + 4)
    return _svg(drawing, inner, top, bottom, title)


def _gap(drawing: Drawing, top: float, bottom: float) -> str:
    """The lanes that cross the height `top`, from there on down, over whatever is drawn there."""
    out = [f'<rect x="0" y="{num(top)}" width="{num(drawing.width)}" height="{num(bottom - top)}" fill="{LIGHT_PAGE}"/>']
    for shape in drawing.shapes:
        if not shape.top < top < shape.bottom:
            continue
        if re.match(r'<rect class="(?:tint|timer|scale)', shape.markup):
            text = re.sub(r' y="[^"]*"', f' y="{num(top - 1)}"', shape.markup, count=1)
            out.append(re.sub(r' height="[^"]*"', f' height="{num(bottom - top + 2)}"', text, count=1))
        elif re.search(r' d="M[\d.]+ [\d.]+V[\d.]+"', shape.markup):
            out.append(re.sub(r' d="M([\d.]+) [\d.]+V[\d.]+"', rf' d="M\1 {num(top)}V{num(bottom)}"', shape.markup))
    return "".join(out)


def _clear(drawing: Drawing, heads: Sequence[float]) -> list[float]:
    """Heights after steps at which neither an arrow nor a word lies."""
    return [y for y in heads[:-1] if not any(s.fixed and s.top < y - 0.5 and s.bottom > y + 0.5 for s in drawing.shapes)]


def cuts(drawing: Drawing, heads: Sequence[float]) -> list[float]:
    """Where a page may break: some of the clear heights. The first is 0."""
    out = [0.0]
    for y in _clear(drawing, heads):
        if y - out[-1] >= (_ROW if out[1:] else _FIRST):
            out.append(y)
    if len(out) > 1 and drawing.height - out[-1] < _ROW:
        out.pop()
    return out


def rows(svg: str, heads: Sequence[float], needs: Sequence[float]) -> list[tuple[str, range]]:
    """A ladder in pieces from top to bottom, each with the steps that happen in it. A whole one if it cannot be cut.

    `needs` is the height, in units of the drawing, that the words of each step take beside it.
    """
    drawing = taken_apart(checked(svg))
    if not drawing.shapes or not heads:
        return [(whole(svg), range(len(heads)))]
    starts = cuts(drawing, heads)
    out = []
    for n, top in enumerate(starts):
        last = n == len(starts) - 1
        bottom = drawing.height if last else starts[n + 1]
        steps = [i for i, y in enumerate(heads) if (top < y <= bottom) or (last and y > bottom)]
        steps = steps or [0]
        more = 0.0 if last else max(0.0, sum(needs[i] for i in steps) - (bottom - top))
        title = _said(drawing) if n == 0 else f"{drawing.title}, part {n + 1} of {len(starts)}."
        out.append((band(drawing, top, bottom, title, more=more), range(steps[0], steps[-1] + 1)))
    return out


def columns(svg: str, heads: Sequence[float]) -> list[str]:
    """A ladder as one picture, or in pieces to be set in two columns, which may go on on the next page.

    Without `heads` it is another drawing; one that would fill a page becomes two pieces of about the same height.
    """
    drawing = taken_apart(checked(svg))
    starts = [0.0]
    if heads and drawing.shapes and drawing.height > _COLUMN:
        for y in _clear(drawing, heads):
            if y - starts[-1] >= _PIECE and drawing.height - y >= _PIECE:
                starts.append(y)
    elif drawing.shapes and drawing.height > _PAGE:
        places = _clear(drawing, range(0, int(drawing.height), 4))
        starts += [y for y in places if y == min(places, key=lambda y: abs(y - drawing.height / 2))]
    if len(starts) == 1:
        return [whole(svg)]
    ends = [*starts[1:], drawing.height]
    titles = [_said(drawing), *(f"{drawing.title}, part {n} of {len(starts)}." for n in range(2, len(starts) + 1))]
    return [band(drawing, *place) for place in zip(starts, ends, titles, strict=True)]
