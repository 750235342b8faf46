"""Where everything in the state diagram stands: boxes, routes, and the words beside the arrows.

Places and routes come from Graphviz (`teardown.site.state_graph`), at build time; this module holds what it has said
and finds a free spot for each arrow's words. Coordinates are units of the drawing, y runs down.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import hypot
from typing import Any, Final, NamedTuple

from teardown.draw.svg import Box, num, width
from teardown.errors import InputError

type Point = tuple[float, float]
type Way = tuple[str, str]  # from state, to state

NODE: Final = (100.0, 36.0)
SIZE: Final = 13.0
_CORNER: Final = 8.0
_CLEAR: Final = 5.0  # between an arrow and its words, at least
_HALF_LINE: Final = 4.5  # from the middle of capitals to their baseline


class Piece(NamedTuple):
    """One cubic curve: from `start` to `end`, with two control points."""

    start: Point
    pull: Point
    push: Point
    end: Point

    @property
    def straight(self) -> bool:
        """Whether it is a line, to a tenth of a unit."""
        (x0, y0), (x1, y1) = self.start, self.end
        away = hypot(x1 - x0, y1 - y0) or 1.0
        return all(
            abs((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / away < 0.3 for x, y in (self.pull, self.push)
        )

    def at(self, t: float) -> Point:
        """The point at `t` of 0 to 1."""
        u = 1 - t
        weights = (u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t)
        return (
            sum(w * p[0] for w, p in zip(weights, self, strict=True)),
            sum(w * p[1] for w, p in zip(weights, self, strict=True)),
        )


def line(start: Point, end: Point) -> Piece:
    """A straight piece."""
    return Piece(start, start, end, end)


class Route(NamedTuple):
    """How an arrow runs: its shaft, and the tip of its head."""

    pieces: tuple[Piece, ...]
    tip: Point

    def points(self) -> list[Point]:
        """The shaft as a chain of points close to each other, and the tip."""
        return [p.at(k / 16) for p in self.pieces for k in range(16)] + [self.pieces[-1].end, self.tip]

    def path(self) -> str:
        """The shaft as SVG path data, with round corners where two lines meet."""
        pieces = _joined(self.pieces)
        out = [f"M{_pair(pieces[0].start)}"]
        for piece, nxt in zip(pieces, [*pieces[1:], None], strict=True):
            if not piece.straight:
                out.append(f"C{_pair(piece.pull)} {_pair(piece.push)} {_pair(piece.end)}")
            elif nxt is not None and nxt.straight:
                r = min(_CORNER, _length(piece) / 2, _length(nxt) / 2)
                corner, after = _back(piece.end, piece.start, r), _back(nxt.start, nxt.end, r)
                out.append(f"L{_pair(corner)}Q{_pair(piece.end)} {_pair(after)}")
            else:
                out.append(f"L{_pair(piece.end)}")
        return "".join(out)


class Words(NamedTuple):
    """The words of an arrow in their place: left edge and baseline."""

    text: str
    x: float
    y: float

    @property
    def box(self) -> Box:
        """The room that they take."""
        return Box(self.x, self.y - 10, self.x + width(self.text, SIZE), self.y + 3)


#: A line as many points, and the box around it, which is asked first.
Line = tuple[Box, Sequence[Point]]


class Plan(NamedTuple):
    """The diagram laid out. `height` is that of the graph, without the legend."""

    width: float
    height: float
    places: Mapping[str, Point]  # the middle of each state's box
    routes: Mapping[Way, Route]
    words: Mapping[Way, Words]

    def box(self, state: str) -> Box:
        """The box of a state."""
        (x, y), (w, h) = self.places[state], NODE
        return Box(x - w / 2, y - h / 2, x + w / 2, y + h / 2)


def lay(
    size: tuple[float, float], places: Mapping[str, Point], routes: Mapping[Way, Route], texts: Mapping[Way, str]
) -> Plan:
    """The plan with a free spot for each text: beside its arrow, on no box, no line and no other text if possible."""
    plan = Plan(*size, places, routes, {})
    taken = [plan.box(state) for state in places]
    lines = [_line(route.points()) for route in routes.values()]
    words: dict[Way, Words] = {}
    for way, text in texts.items():
        spots = _spots(text, routes[way], size[0])
        words[way] = min(spots, key=lambda spot: _cost(spot[0], spot[1], taken, words.values(), lines))[0]
    return plan._replace(words=words)


def adapted(plan: Plan, texts: Mapping[Way, str]) -> Plan:
    """The same places for a machine with other arrows: routes where there are none, and words for what has changed.

    `texts` has every arrow of that machine; an empty text for one without words.
    """
    routes = {way: plan.routes.get(way) or _bridge(plan, *way) for way in texts}
    kept = {way: plan.words[way] for way, text in texts.items() if way in plan.words and plan.words[way].text == text}
    taken = [plan.box(state) for state in plan.places]
    lines = [_line(route.points()) for route in routes.values()]
    words = dict(kept)
    for way, text in texts.items():
        if text and way not in words:
            spots = _spots(text, routes[way], plan.width)
            words[way] = min(spots, key=lambda s: _cost(s[0], s[1], taken, words.values(), lines))[0]
    return plan._replace(routes=routes, words=words)


def _bridge(plan: Plan, start: str, end: str) -> Route:
    """A bow from one box to another that keeps off the boxes between them as well as it can."""
    boxes = [plan.box(state) for state in plan.places if state not in (start, end)]
    bows = [_bow(plan, start, end, bend) for bend in (0.0, 0.15, -0.15, 0.3, -0.3, 0.5, -0.5)]
    return min(bows, key=lambda bow: sum(box.crossed_by(*a, *b) for a, b in pairwise(bow.points()) for box in boxes))


def _bow(plan: Plan, start: str, end: str, bend: float) -> Route:
    (x0, y0), (x1, y1) = plan.places[start], plan.places[end]
    middle = (x0 + x1) / 2 - (y1 - y0) * bend, (y0 + y1) / 2 + (x1 - x0) * bend
    a, tip = _rim(plan.box(start), middle), _rim(plan.box(end), middle)
    base = _back(tip, middle, 8.0)
    return Route((Piece(a, _back(a, middle, 0.6 * _reach(a, middle)), _back(base, middle, 0.6 * _reach(base, middle)), base),), tip)


def _reach(a: Point, b: Point) -> float:
    return hypot(b[0] - a[0], b[1] - a[1])


def _rim(box: Box, towards: Point) -> Point:
    """Where the line from the middle of a box to a point leaves the box."""
    x, y = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    dx, dy = towards[0] - x, towards[1] - y
    share = min((box.x1 - x) / abs(dx) if dx else 1e9, (box.y1 - y) / abs(dy) if dy else 1e9)
    return round(x + dx * share, 2), round(y + dy * share, 2)


def to_json(plan: Plan) -> dict[str, Any]:
    """A plan as plain data, for a page that draws it again."""
    return {
        "size": [plan.width, plan.height],
        "places": plan.places,
        "routes": [[*way, [list(map(list, p)) for p in route.pieces], route.tip] for way, route in plan.routes.items()],
        "words": [[*way, *words] for way, words in plan.words.items()],
    }


def from_json(data: Any) -> Plan:
    """The plan in such data. Raises InputError."""
    try:
        wide, high = map(float, data["size"])
        return Plan(
            wide, high,
            {str(state): _point(place) for state, place in data["places"].items()},
            {(str(a), str(b)): Route(tuple(Piece(*map(_point, p)) for p in pieces), _point(tip)) for a, b, pieces, tip in data["routes"]},
            {(str(a), str(b)): Words(str(text), float(x), float(y)) for a, b, text, x, y in data["words"]},
        )  # fmt: skip
    except (TypeError, ValueError, KeyError, AttributeError):
        raise InputError("this is no plan of the state diagram") from None


def _point(data: Any) -> Point:
    x, y = data
    return float(x), float(y)


def _spots(text: str, route: Route, right: float) -> Iterable[tuple[Words, float]]:
    """Places beside the middle third of an arrow, on both sides, each with how far from the middle it is."""
    points = route.points()
    wide = width(text, SIZE)
    for k in range(len(points) // 5, len(points) * 4 // 5):
        x, y = points[k]
        off = abs(k / len(points) - 0.5)
        for away in (_CLEAR, 2 * _CLEAR, 3 * _CLEAR, 5 * _CLEAR):
            for left in (x + away, x - away - wide):
                if 2 < left < right - wide - 2:
                    spot = Words(text, left, y + _HALF_LINE)
                    yield spot, off + away / 30 + (0.01 if left < x else 0)


def _line(points: Sequence[Point]) -> Line:
    xs, ys = zip(*points, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys)), points


def _cost(spot: Words, off: float, boxes: Sequence[Box], texts: Iterable[Words], lines: Iterable[Line]) -> float:
    """What speaks against a spot: boxes and texts that it covers, lines through it, texts close by, a long way off."""
    x0, y0, x1, y1 = spot.box
    room = Box(x0 - 3, y0 - 2, x1 + 3, y1 + 2)
    wide = Box(x0 - 20, y0 - 2, x1 + 20, y1 + 2)  # two words side by side read as one
    covered = sum(room.meets(box) for box in (*boxes, *(text.box for text in texts)))
    crossed = sum(
        any(room.crossed_by(*a, *b) for a, b in pairwise(points))
        for around, points in lines
        if not (around.x1 < room.x0 or around.x0 > room.x1 or around.y1 < room.y0 or around.y0 > room.y1)
    )
    return 100 * covered + 10 * crossed + sum(wide.meets(text.box) for text in texts) + off


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces, with lines that go on in the same direction made one."""
    out = [pieces[0]]
    for piece in pieces[1:]:
        both = Piece(out[-1].start, out[-1].end, piece.start, piece.end)
        if out[-1].straight and piece.straight and both.straight:
            out[-1] = line(out[-1].start, piece.end)
        else:
            out.append(piece)
    return out


def _length(piece: Piece) -> float:
    return hypot(piece.end[0] - piece.start[0], piece.end[1] - piece.start[1])


def _back(point: Point, towards: Point, by: float) -> Point:
    away = hypot(towards[0] - point[0], towards[1] - point[1]) or 1.0
    return point[0] + (towards[0] - point[0]) / away * by, point[1] + (towards[1] - point[1]) / away * by


def _pair(point: Point) -> str:
    return f"{num(point[0])} {num(point[1])}"
