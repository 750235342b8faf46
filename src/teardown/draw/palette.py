"""The colours and line styles of the states: the one place where they are chosen.

Eight families instead of eleven hues. Within a family the *line style* tells states apart, and it means something:

* dashed: a SYN or FIN of this side is out and not acknowledged;
* solid: nothing of this side is outstanding, someone else must act;
* dash-dot: only a clock can end this;
* dotted: there is no connection.

The light colours are written into the drawings as concrete values, so that paper and every SVG reader get them.
The site recolours through classes: class `fam-active` takes its colour from the CSS variable `--tcp-active`
(`palette.css`). A test recomputes contrast and colour distance, also as seen with the three kinds of colour blindness.
"""

from typing import Final, NamedTuple

from teardown.tcp.states import (
    CLOSE_WAIT,
    CLOSED,
    CLOSING,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    LAST_ACK,
    LISTEN,
    SYN_RECEIVED,
    SYN_SENT,
    TIME_WAIT,
)


class Family(NamedTuple):
    """One colour of the site: on white paper (`light`) and on the dark scheme (`dark`)."""

    name: str
    light: str
    dark: str

    @property
    def variable(self) -> str:
        """The CSS variable that carries this colour on the site."""
        return f"--tcp-{self.name}"


FAMILIES: Final = {
    family.name: family
    for family in (
        Family("neutral", "#555555", "#bababa"),
        Family("opening", "#0f4755", "#62eafc"),
        Family("established", "#1c7855", "#bae9bb"),
        Family("active", "#2022db", "#5dadfc"),
        Family("fin-wait-2", "#a6501a", "#fcac72"),
        Family("passive", "#823883", "#c77ebb"),
        Family("time-wait", "#3b360c", "#a69804"),
        Family("fault", "#931232", "#f47281"),
    )
}

#: Backgrounds that the colours stand on: paper, and the dark scheme of the theme.
LIGHT_PAGE: Final = "#ffffff"
DARK_PAGE: Final = "#1e2129"

#: Text and lines that belong to no state.
INK: Final = "#222222"
SOFT: Final = "#595959"
HAIR: Final = "#8c8c8c"


class Look(NamedTuple):
    """How a state is drawn: its family, its dash pattern (user units, empty = solid), width, and a double line."""

    family: str
    dash: str = ""
    width: float = 3
    double: bool = False

    @property
    def color(self) -> str:
        """The light colour."""
        return FAMILIES[self.family].light

    @property
    def tint(self) -> str:
        """The light colour at 12 % on white: decoration only."""
        return tint(self.color)


DASHED: Final = "7 4"
DOTTED: Final = "0.1 6"  # with round caps: a row of points
DASH_DOT: Final = "10 4 2 4"

LOOKS: Final = {
    CLOSED: Look("neutral", DOTTED),
    LISTEN: Look("neutral"),
    SYN_SENT: Look("opening", DASHED),
    SYN_RECEIVED: Look("opening", DASHED),
    ESTABLISHED: Look("established"),
    FIN_WAIT_1: Look("active", DASHED),
    CLOSING: Look("active", DASHED, 2, double=True),
    FIN_WAIT_2: Look("fin-wait-2", width=5),
    CLOSE_WAIT: Look("passive"),
    LAST_ACK: Look("passive", DASHED),
    TIME_WAIT: Look("time-wait", DASH_DOT),
}

#: A host of which nobody knows how it stands, as the script of a test: its state is an empty text.
NOBODY: Final = Look("neutral", "1 5", 1)


def look_of(state: str) -> Look:
    """How a state is drawn; an empty text is a host without one."""
    return LOOKS[state] if state else NOBODY


def tint(color: str, share: float = 0.12) -> str:
    """`color` thinned to `share` on white, as `#rrggbb`."""
    parts = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - p) * share):02x}" for p in parts)
