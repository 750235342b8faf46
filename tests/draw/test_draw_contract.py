"""What every drawing of ours promises to browsers, printers and screen readers, and the palette behind it."""

from __future__ import annotations

import gzip
import itertools
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from drawings import CASES, drawn, trace_of

from teardown.draw import ladder, state_map
from teardown.draw.palette import DARK_PAGE, FAMILIES, LIGHT_PAGE, LOOKS
from teardown.draw.svg import escape, num, width, wrap
from teardown.site import history, state_graph
from teardown.tcp.states import STATES

WEB = Path(__file__).parents[2] / "src" / "web"
SVG = "{http://www.w3.org/2000/svg}"


def svg_in(html: str) -> str:
    """The one drawing in a figure with words."""
    (svg,) = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    return str(svg)


def drawings() -> list[tuple[str, str]]:
    return [
        *((name, ladder.draw(trace_of(name)).svg) for name in CASES),
        ("map", state_map.draw(state_graph.plan())),
        ("map of a trace", state_map.draw(state_graph.plan(), "m", trace_of("buggy-client"))),
        ("timeline", svg_in(history.timeline())),
        ("number", svg_in(history.number())),
    ]


@pytest.mark.parametrize(("name", "svg"), drawings(), ids=lambda value: value if len(value) < 40 else "")
def test_the_svg_contract(name: str, svg: str) -> None:
    root = ElementTree.fromstring(svg)
    assert next(iter(root)).tag == f"{SVG}title"
    assert root.get("role") == "img"
    ids = [node.get("id") for node in root.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    assert set((root.get("aria-labelledby") or "").split()) <= set(ids)
    for node in root.iter():
        tag = node.tag.removeprefix(SVG)
        assert tag in {"svg", "title", "desc", "g", "path", "rect", "circle", "text"}, tag
        assert not {"opacity", "filter", "style", "onclick", "href"} & set(node.attrib)
        for key, value in node.attrib.items():
            assert "var(" not in value
            assert "url(" not in value
            assert "currentcolor" not in value.lower()
            if key in ("fill", "stroke"):
                assert re.fullmatch(r"none|#[0-9a-f]{6}", value), value
        if tag == "text":
            assert node.text
    hidden = [g for g in root if g.tag == f"{SVG}g"]
    assert all(group.get("aria-hidden") == "true" for group in hidden)
    assert not [node for node in root if node.tag == f"{SVG}text"]


def test_every_class_that_is_coloured_has_a_rule() -> None:
    css = (WEB / "figure.css").read_text() + (WEB / "charts.css").read_text()
    for _, svg in drawings():
        for node in ElementTree.fromstring(svg).iter():
            if not {"fill", "stroke"} & set(node.attrib) or node.tag == f"{SVG}svg":
                continue
            if {node.get("fill", "none"), node.get("stroke", "none")} == {"none"}:
                continue
            names = (node.get("class") or "").split()
            assert names, ElementTree.tostring(node)
            assert any(re.search(rf"\.{re.escape(name)}\b", css) for name in names), names


@pytest.mark.parametrize("name", CASES)
def test_a_figure_fits_its_budget(name: str) -> None:
    html = drawn(trace_of(name), name)
    assert len(gzip.compress(html.encode(), 9)) < 60_000


def test_escape_and_numbers() -> None:
    assert escape("<a href='x'>&\"\x00") == "&lt;a href=&#39;x&#39;&gt;&amp;&quot;"
    assert [num(v) for v in (0, -0.01, 12.0, 12.34, 1e3)] == ["0", "0", "12", "12.3", "1000"]


def test_wrapping_keeps_every_word_and_the_limit() -> None:
    lines = wrap("keep-alive timeout 15 s, program", 78, 13)
    assert " ".join(lines) == "keep-alive timeout 15 s, program"
    assert all(width(line, 13) <= 78 for line in lines)
    assert wrap("shutdown(SHUT_WR)", 78, 12.8, mono=True) == ("shutdown(", "SHUT_WR)")


# --- palette ----------------------------------------------------------------------------------------------------

Rgb = tuple[float, float, float]

#: Machado, Oliveira and Fernandes 2009, severity 1, on linear light.
VISIONS: dict[str, tuple[Rgb, Rgb, Rgb]] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(color: str) -> Rgb:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return r, g, b


def luminance(color: str) -> float:
    r, g, b = linear(color)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(color: str, page: str, share: float) -> str:
    pairs = ((int(color[i : i + 2], 16), int(page[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(p * share + q * (1 - share)):02x}" for p, q in pairs)


def lab(color: str, vision: str) -> Rgb:
    rgb = linear(color)
    seen = [min(1.0, max(0.0, sum(m * c for m, c in zip(row, rgb, strict=True)))) for row in VISIONS[vision]]
    r, g, b = seen
    x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047
    y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
    z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883

    def f(t: float) -> float:
        return t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116

    return 116 * f(y) - 16, 500 * (f(x) - f(y)), 200 * (f(y) - f(z))


def ciede2000(one: Rgb, two: Rgb) -> float:
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = math.degrees(math.atan2(b1, a1)) % 360, math.degrees(math.atan2(b2, a2)) % 360
    dl, dc = l2 - l1, c2 - c1
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    dh = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2))
    lm, cm = (l1 + l2) / 2, (c1 + c2) / 2
    hm = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = (
        1
        - 0.17 * math.cos(math.radians(hm - 30))
        + 0.24 * math.cos(math.radians(2 * hm))
        + 0.32 * math.cos(math.radians(3 * hm + 6))
        - 0.20 * math.cos(math.radians(4 * hm - 63))
    )
    sl = 1 + 0.015 * (lm - 50) ** 2 / math.sqrt(20 + (lm - 50) ** 2)
    sc, sh = 1 + 0.045 * cm, 1 + 0.015 * cm * t
    rt = -2 * math.sqrt(cm**7 / (cm**7 + 25**7)) * math.sin(math.radians(60 * math.exp(-(((hm - 275) / 25) ** 2))))
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * dc / sc * dh / sh)


def test_ciede2000_against_published_pairs() -> None:
    # Sharma, Wu and Dalal 2005, table 1
    assert ciede2000((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert ciede2000((50, 2.5, 0), (73, 25, -18)) == pytest.approx(27.1492, abs=1e-4)
    assert ciede2000((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514)) == pytest.approx(0.9082, abs=1e-4)


def schemes() -> dict[str, dict[str, str]]:
    """The colours of `palette.css`: the light scheme, then the dark one."""
    css = (WEB / "palette.css").read_text()
    light, dark = css.split('[data-md-color-scheme="slate"]', 1)
    dark = dark.split("}", 1)[0]
    found = [dict(re.findall(r"--tcp-([\w-]+):\s*(#[0-9a-f]{6})", part)) for part in (light, dark)]
    return {"light": found[0], "dark": found[1]}


def test_the_style_sheet_has_the_colours_of_the_drawings() -> None:
    sheet = schemes()
    for family in FAMILIES.values():
        assert sheet["light"][family.name] == family.light
        assert sheet["dark"][family.name] == family.dark
    assert sheet["light"]["page"] == LIGHT_PAGE
    assert sheet["dark"]["page"] == DARK_PAGE


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("family", FAMILIES)
def test_labels_have_contrast(scheme: str, family: str) -> None:
    sheet = schemes()[scheme]
    page, code = (LIGHT_PAGE, "#f5f5f5") if scheme == "light" else (DARK_PAGE, "#272a35")
    color = sheet[family]
    for ground in (page, code, mixed(color, page, 0.12)):
        assert contrast(color, ground) >= 4.5
    for name in ("ink", "soft"):
        assert contrast(sheet[name], page) >= 4.5
    assert contrast(sheet["hair"], page) >= 3


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_families_can_be_told_apart(scheme: str, vision: str) -> None:
    sheet = schemes()[scheme]
    worst = min(
        (ciede2000(lab(sheet[a], vision), lab(sheet[b], vision)), a, b)
        for a, b in itertools.combinations(FAMILIES, 2)
    )
    assert worst[0] >= 9, worst


def test_within_a_family_the_line_tells_states_apart() -> None:
    assert set(LOOKS) == set(STATES)
    looks = [tuple(look) for look in LOOKS.values()]
    # SYN_SENT and SYN_RECEIVED alone share a look: no figure of a close shows both at once.
    assert len(set(looks)) == len(looks) - 1
