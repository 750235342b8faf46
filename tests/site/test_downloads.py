"""What figures offer for download: files that are what they say, and links that lead to them from every page."""

from __future__ import annotations

import json
import os
import re
import shutil
import xml.etree.ElementTree as etree
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from teardown.formats import pcapng
from teardown.site import downloads, serve
from teardown.world.run import run
from teardown.world.scenario import load, names
from teardown.world.trace import TRACE_VERSION

ROOT = Path(__file__).parents[2]
SITE = Path(os.environ.get("TEARDOWN_SITE", ROOT / "site"))

DOWNLOAD = re.compile(r'<a href="([^"]*)" download>')
FIGURE = re.compile(r'<tcp-player [^>]*data-scenario="([^"]*)".*?</tcp-player>', re.DOTALL)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files as the build makes them."""
    return downloads.files(ROOT, tmp_path_factory.mktemp("cache"), lambda _: None)


def test_every_scenario_has_picture_trace_and_capture(made: dict[str, bytes]) -> None:
    assert set(made) == {f"{name}.{ending}" for name in names() for ending in ("svg", "json", "pcapng")}
    for name in names():
        trace = run(load(name))
        assert json.loads(made[f"{name}.json"])["version"] == TRACE_VERSION
        assert made[f"{name}.json"].decode() == trace.dumps() + "\n"
        assert made[f"{name}.pcapng"] == pcapng.write(trace)


def test_pictures_stand_alone(made: dict[str, bytes]) -> None:
    svg = "{http://www.w3.org/2000/svg}"
    for name in names():
        root = etree.fromstring(made[f"{name}.svg"])
        assert [child.tag for child in root][:3] == [f"{svg}title", f"{svg}desc", f"{svg}rect"]
        assert root.attrib["viewBox"]
        assert root[2].attrib["class"] == "paper"
        assert b"var(" not in made[f"{name}.svg"]


def test_unchanged_files_are_not_made_again(tmp_path: Path, made: dict[str, bytes]) -> None:
    said: list[str] = []
    cache, sources = tmp_path / "cache", tmp_path / "src" / "teardown" / "world"
    sources.mkdir(parents=True)
    for part in ("__init__.py", "durations.py"):
        (sources.parent / part).write_text("")
    (sources / "a.toml").write_text("one")
    for _ in range(2):
        assert downloads.files(tmp_path, cache, said.append) == made
    assert len(said) == 1
    (sources / "a.toml").write_text("two")
    assert downloads.files(tmp_path, cache, said.append) == made
    assert len(said) == 2
    (cache / "scenarios" / "buggy-client.svg").unlink()
    assert downloads.files(tmp_path, cache, said.append) == made


# --- links ----------------------------------------------------------------------------------------------


def converting(builder: str, place: str) -> SimpleNamespace:
    """What a fence sees of the Markdown object while a builder converts the page at `place`."""
    mkdocs = SimpleNamespace(file=SimpleNamespace(url=place))
    zensical = SimpleNamespace(page=SimpleNamespace(path=place))
    return SimpleNamespace(
        treeprocessors={"relpath": mkdocs} if builder == "MkDocs" else {},
        preprocessors={"rendering_context": zensical} if builder == "Zensical" else {},
    )


@pytest.mark.parametrize(
    ("builder", "place", "up"),
    [
        ("MkDocs", "./", ""),
        ("MkDocs", "faq/", "../"),
        ("MkDocs", "labs/buggy-client/", "../../"),
        ("MkDocs", "index.html", ""),
        ("MkDocs", "labs/buggy-client.html", "../"),
        ("Zensical", "index.md", ""),
        ("Zensical", "faq/index.md", "../"),
        ("Zensical", "faq/why.md", "../"),
    ],
)
def test_links_are_relative_to_the_page(builder: str, place: str, up: str) -> None:
    found = downloads.links("lost-fin", converting(builder, place))
    assert found == [
        ("SVG", f"{up}assets/scenarios/lost-fin.svg"),
        ("trace (JSON)", f"{up}assets/scenarios/lost-fin.json"),
        ("capture (pcapng)", f"{up}assets/scenarios/lost-fin.pcapng"),
    ]


def test_without_a_page_there_are_no_links() -> None:
    assert downloads.links("lost-fin", converting("neither", "")) == []


# --- the built site -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The pages of the site that `make test` builds before it runs the tests: address -> HTML."""
    if not (SITE / "index.html").is_file():
        pytest.skip("there is no built site: run make site")
    return {p.relative_to(SITE).as_posix(): p.read_text(encoding="utf-8") for p in SITE.rglob("*.html")}


def test_every_download_of_every_page_is_there(pages: dict[str, str]) -> None:
    """Below a sub-path, as on a site of many projects, and without a server."""
    base = "https://example.org/some/where/"
    missing, found = [], 0
    for page, html in pages.items():
        for address in DOWNLOAD.findall(html):
            found += 1
            target = urlsplit(urljoin(base + page, unescape(address)))
            inside = unquote(target.path).removeprefix("/some/where/")
            if target.netloc != "example.org" or not (SITE / inside).is_file():
                missing.append(f"{page}: {address}")
    assert found
    assert not missing


def test_every_figure_of_a_scenario_offers_its_three_files(pages: dict[str, str]) -> None:
    figures = [(page, m[1], m[0]) for page, html in pages.items() for m in FIGURE.finditer(html) if m[1] in names()]
    assert figures
    for page, name, html in figures:
        offered = [Path(address).name for address in DOWNLOAD.findall(html)]
        assert offered == [f"{name}.{ending}" for ending in ("svg", "json", "pcapng")], page


def test_the_little_server_knows_the_types() -> None:
    types = serve.Handler.extensions_map
    assert types[".svg"] == "image/svg+xml"
    assert types[".json"] == "application/json"
    assert types[".pcapng"] == "application/octet-stream"


def test_git_ignores_what_is_made() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this copy is no git clone")
    assert f"/docs/{downloads.FOLDER}/" in (ROOT / ".gitignore").read_text().splitlines()
