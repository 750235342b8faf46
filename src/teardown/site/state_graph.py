"""The state diagram laid out by Graphviz, from the transition table, once for the whole site.

Two graphs. `dot` finds the places: every state stands in a row (how far the close has come) and in a column (the left
one closes first, the right one second, the middle is common to both), and lanes of invisible points run between the
columns. Arrows that go far (resets, and the ways around) follow the points of a lane, so that they run together at
the edge of the sheet. `neato -n2` then finds the routes of all other arrows between the boxes.

Rows, columns and lanes are hints to Graphviz; states and arrows are the table's, each with its id and class.
Text has no say: boxes have a fixed size. `teardown.draw.state_map` draws the result; the browser never needs this.
"""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from typing import Any, Final

import graphviz

from teardown.draw.map_plan import NODE, Piece, Plan, Point, Route, Way, lay, line
from teardown.draw.state_map import OPENING, WIDTH, Edge, edges, head_size
from teardown.errors import InputError
from teardown.tcp.states import (
    CLOSE_WAIT,
    CLOSED,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    LAST_ACK,
    LISTEN,
    STATES,
    SYN_RECEIVED,
    SYN_SENT,
    TIME_WAIT,
    prose,
)

#: From left to right: lanes for arrows that go far, and between them the columns. Row -> state.
COLUMNS: Final[dict[str, dict[int, str]]] = {
    "a": {},
    "left": {0: SYN_SENT, 3: FIN_WAIT_1, 4: FIN_WAIT_2},
    "b": {},
    "middle": {1: SYN_RECEIVED, 2: ESTABLISHED, 4: CLOSING, 5: TIME_WAIT, 6: CLOSED},
    "c": {},
    "right": {0: LISTEN, 3: CLOSE_WAIT, 4: LAST_ACK},
    "d": {},
}
ROWS: Final = 7
#: Which lane leads there from where, for arrows that the drawing would be worse with if they ran freely.
_LANES: Final = {(TIME_WAIT, SYN_RECEIVED): "c", (CLOSING, CLOSED): "b", (SYN_RECEIVED, CLOSED): "d"}
#: Where an arrow leaves and arrives if that is not Graphviz's choice: wide apart, so that words fit between them.
_PORTS: Final = {(FIN_WAIT_2, CLOSED): ("s", "nw"), (LAST_ACK, CLOSED): ("s", "ne")}
_MARGIN: Final = 6.0  # above the first row
_INCH: Final = 72.0
_PLACE: Final = {state: (column, row) for column, states in COLUMNS.items() for row, state in states.items()}


@cache
def plan() -> Plan:
    """Places and routes. Raises InputError when Graphviz is missing or refuses."""
    places = _places()
    routes = _routes(places)
    texts = {(e.start, e.end): e.label for e in edges() if e.labelled}
    height = max(places[state][1] for state in STATES) + NODE[1] / 2
    return lay((WIDTH, height), {state: places[state] for state in STATES}, routes, texts)


def dot() -> graphviz.Digraph:
    """The graph that finds the places: the columns are held upright and in their order by invisible ties."""
    graph = _graph("places", nodesep="0.1", ranksep="0.6")
    for column in COLUMNS:
        for row in range(ROWS):
            _node(graph, _name(column, row), style="invis" if _name(column, row) not in STATES else "")
            if row:
                graph.edge(_name(column, row - 1), _name(column, row), style="invis", weight="100")
    for row in range(ROWS):
        with graph.subgraph() as same:
            same.attr(rank="same")
            for here, there in pairwise(_name(column, row) for column in COLUMNS):
                same.edge(here, there, style="invis")
    for edge in edges():
        for here, there in pairwise(_over(edge)):
            _edge(graph, edge, here, there, constraint="false")
    return graph


def neato(places: dict[str, Point]) -> graphviz.Digraph:
    """The graph that finds the routes: the boxes, pinned, and every arrow that no lane leads."""
    graph = _graph("states", splines="spline")
    for state in STATES:
        x, y = places[state]
        _node(graph, state, pos=f"{x:g},{-y:g}!")
    for edge in edges():
        if not _over(edge):
            tail, head = _PORTS.get((edge.start, edge.end), ("", ""))
            _edge(graph, edge, edge.start, edge.end, tailport=tail, headport=head)
    return graph


def _graph(name: str, **attributes: str) -> graphviz.Digraph:
    graph = graphviz.Digraph(name, graph_attr={"rankdir": "TB", **attributes})
    graph.attr("node", shape="box", fixedsize="true", fontname="monospace", fontsize="11",
               width=f"{NODE[0] / _INCH:.5f}", height=f"{NODE[1] / _INCH:.5f}")  # fmt: skip
    return graph


def _name(column: str, row: int) -> str:
    return COLUMNS[column].get(row) or f"{column}{row}"


def _node(graph: graphviz.Digraph, name: str, **attributes: str) -> None:
    if name in STATES:
        kind = "node opening" if name in OPENING else "node"
        graph.node(name, prose(name), id=name, **{"class": kind}, **attributes)
    else:  # a tiny box, not shape=point: Graphviz 2.43 crashes while it routes around round ones
        graph.node(name, "", width="0.01", height="0.01", **attributes)


def _edge(graph: graphviz.Digraph, edge: Edge, here: str, there: str, **attributes: str) -> None:
    attributes |= {"id": f"{edge.start}-{edge.end}", "class": f"edge {edge.kind}"}
    graph.edge(here, there, arrowsize=f"{head_size(edge)[0] / 10:g}", **attributes)


def _over(edge: Edge) -> list[str]:
    """What an arrow is led over: its two states, and the points of a lane between them. Nothing if it runs freely."""
    lane = _LANES.get((edge.start, edge.end))
    far = edge.end == CLOSED and (edge.opening or not edge.regular)
    if lane is None and not far and edge.start != CLOSED:
        return []
    state = edge.start if edge.end == CLOSED else edge.end
    lane = lane or ("d" if _PLACE[state][0] == "right" else "a")
    return [edge.start, *(f"{lane}{_PLACE[end][1]}" for end in (edge.start, edge.end)), edge.end]


# ----------------------------------------------------------------------------------------- Graphviz's answers


def _ask(graph: graphviz.Digraph, engine: str, **options: Any) -> dict[str, Any]:
    try:
        answer = graph.pipe(format="json", engine=engine, encoding="utf-8", quiet=True, **options)
    except graphviz.ExecutableNotFound:
        raise InputError(
            "the state diagram needs Graphviz, and there is no program dot here",
            mend="Run tools/bootstrap.sh site, or install the package graphviz",
        ) from None
    except graphviz.CalledProcessError as error:
        said = (error.stderr or "").strip().split("\n")[0] or f"exit status {error.returncode}"
        raise InputError(
            f"Graphviz fails on the state diagram: {said}", mend="It works with version 2.43"
        ) from error
    drawn: dict[str, Any] = json.loads(answer)
    return drawn


def _places() -> dict[str, Point]:
    """The middle of every box and point, y down, the sheet's width centred."""
    drawn = _ask(dot(), "dot")
    found = {
        node["name"]: tuple(map(float, node["pos"].split(","))) for node in drawn["objects"] if "pos" in node
    }
    left, right = (pick(x for x, _ in found.values()) for pick in (min, max))
    top = max(y for _, y in found.values())
    shift = (WIDTH - left - right) / 2
    return {
        name: (round(x + shift, 2), round(top - y + NODE[1] / 2 + _MARGIN, 2))
        for name, (x, y) in found.items()
    }


def _routes(places: dict[str, Point]) -> dict[Way, Route]:
    """The route of every arrow, put together from the pieces between the nodes that it is led over."""
    graph = neato(places)
    drawn = _ask(graph, "neato", neato_no_op=2)
    names = {node["_gvid"]: node["name"] for node in drawn["objects"]}
    # Graphviz moves the drawing to its own corner; one pinned node tells by how much.
    anchor = next(node for node in drawn["objects"] if node["name"] == CLOSED)
    ax, ay = map(float, anchor["pos"].split(","))
    dx, dy = places[CLOSED][0] - ax, places[CLOSED][1] + ay
    found: dict[Way, Route] = {}
    for edge in drawn["edges"]:
        points = edge["pos"].split()
        tip = _point(points.pop(0)[2:], dx, dy)
        curve = [_point(text, dx, dy) for text in points]
        pieces = tuple(Piece(*curve[k : k + 4]) for k in range(0, len(curve) - 1, 3))
        found[names[edge["tail"]], names[edge["head"]]] = Route(pieces, tip)
    return found | {(edge.start, edge.end): _along(edge, places) for edge in edges() if _over(edge)}


def _along(edge: Edge, places: dict[str, Point]) -> Route:
    """The route of an arrow over a lane: lines from its box to the lane, along it, and to the other box."""
    (_, first, last, _), half = _over(edge), NODE[0] / 2

    def side(state: str, point: Point) -> Point:
        x, y = places[state]
        return (x + half if point[0] > x else x - half), y

    start, tip = side(edge.start, places[first]), side(edge.end, places[last])
    long = head_size(edge)[0]
    base = tip[0] + (long if places[last][0] > tip[0] else -long), tip[1]
    corners = [start, (places[first][0], start[1]), (places[last][0], tip[1]), base]
    return Route(tuple(line(a, b) for a, b in pairwise(corners)), tip)


def _point(text: str, dx: float, dy: float) -> Point:
    x, y = map(float, text.split(","))
    return round(x + dx, 2), round(dy - y, 2)


assert set(_PLACE) == set(STATES), "every state needs its row and column"
