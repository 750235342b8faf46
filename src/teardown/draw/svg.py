"""Writing SVG and HTML as text: escaping, numbers, elements, and how wide a label will be.

Only what the drawings need. Nothing here may depend on a locale, a font that is installed, or a dictionary's order
other than the order of writing, so that the same picture is always the same bytes.
"""

from functools import lru_cache
from typing import Final, NamedTuple

_ESCAPES: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
    | {chr(code): None for code in range(32) if chr(code) not in "\n\t"}
)


def escape(text: str) -> str:
    """`text` made safe for HTML and SVG, in content and in attributes. Control characters are dropped."""
    return text.translate(_ESCAPES)


def num(value: float) -> str:
    """A coordinate with at most one decimal, the shortest way: `12`, `12.5`, never `-0`."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def attributes(**values: str | float | None) -> str:
    """Attributes with a leading space; `_` stands for `-`, a trailing `_` is dropped, None leaves one out."""
    out = []
    for name, value in values.items():
        if value is None:
            continue
        text = escape(value) if isinstance(value, str) else num(value)
        out.append(f' {name.rstrip("_").replace("_", "-")}="{text}"')
    return "".join(out)


def el(tag: str, content: str | None = None, /, **values: str | float | None) -> str:
    """One element; `content` is markup already, None closes the tag at once."""
    head = f"<{tag}{attributes(**values)}"
    return f"{head}/>" if content is None else f"{head}>{content}</{tag}>"


# Widths of a plain sans-serif (units per 1000 of type size), printable ASCII from the space on. The common ones
# (Arial, Helvetica, Liberation Sans, Roboto, Inter) differ by a few per cent; `SLACK` covers that.
_SANS: Final = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)
_OTHER: Final = 700
SLACK: Final = 1.02
MONO_ADVANCE: Final = 0.602


@lru_cache(maxsize=4096)
def width(text: str, size: float, *, mono: bool = False, bold: bool = False) -> float:
    """How wide `text` may become, in the unit of `size`: a little more than in the usual fonts."""
    if mono:
        return len(text) * MONO_ADVANCE * size
    total = sum(_SANS[ord(c) - 32] if " " <= c <= "~" else _OTHER for c in text.replace("\u00a0", " "))
    return total / 1000 * size * SLACK * (1.07 if bold else 1)


def wrap(text: str, limit: float, size: float, *, mono: bool = False, bold: bool = False) -> tuple[str, ...]:
    """`text` in lines no wider than `limit`, broken at spaces and, in code, after `(` and `_` if need be."""
    words = text.split(" ")
    if mono:
        words = [part for word in words for part in _code_parts(word, limit, size)]
    lines: list[str] = []
    for word in words:
        joint = f"{lines[-1]} {word}" if lines else word
        if lines and width(joint, size, mono=mono, bold=bold) <= limit:
            lines[-1] = joint
        else:
            lines.append(word)
    return tuple(lines)


def _code_parts(word: str, limit: float, size: float) -> list[str]:
    if width(word, size, mono=True) <= limit or "(" not in word:
        return [word]
    head, rest = word.split("(", 1)
    return [f"{head}(", rest]


class Box(NamedTuple):
    """A rectangle: left, top, right, bottom."""

    x0: float
    y0: float
    x1: float
    y1: float

    def meets(self, other: "Box", slack: float = 0.0) -> bool:
        """Whether the two overlap by more than `slack`."""
        return (
            min(self.x1, other.x1) - max(self.x0, other.x0) > slack
            and min(self.y1, other.y1) - max(self.y0, other.y0) > slack
        )

    def crossed_by(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Whether the straight line from (x0, y0) to (x1, y1) enters the box (Liang and Barsky's test)."""
        if (x0 < self.x0 and x1 < self.x0) or (x0 > self.x1 and x1 > self.x1):
            return False
        if (y0 < self.y0 and y1 < self.y0) or (y0 > self.y1 and y1 > self.y1):
            return False
        near, far = 0.0, 1.0
        for step, low, high in ((x1 - x0, self.x0 - x0, self.x1 - x0), (y1 - y0, self.y0 - y0, self.y1 - y0)):
            if step == 0:
                if low > 0 or high < 0:
                    return False
                continue
            a, b = sorted((low / step, high / step))
            near, far = max(near, a), min(far, b)
        return near < far
