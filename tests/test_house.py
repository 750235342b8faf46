"""The house rules that a machine can check: who imports whom, what stands in the files, whom the pages ask."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "teardown"
SITE = ROOT / "site"

#: Floors of the house, from the ground up. A part may import from lower floors, and from itself.
FLOORS = (
    {"errors"},
    {"durations"},
    {"tcp"},
    {"stacks", "programs"},
    {"world"},
    {"formats", "draw"},
    {"lab", "doctor"},
    {"browser"},
    {"site", "kernel"},
    {"cli", "image"},
)
FLOOR = {part: number for number, parts in enumerate(FLOORS) for part in parts}

#: The one part that may use packages other than the standard library.
WITH_PACKAGES = {"site"}


def part_of(path: Path) -> str:
    """The part of the house that a source file belongs to: `tcp` for `src/teardown/tcp/table.py`."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a source file imports, absolute, with the line."""
    own = ("teardown", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(own[: -node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            # `from teardown import draw` imports a part by its name alone.
            names = [f"{module}.{name.name}" for name in node.names] if module == "teardown" else [module]
            for name in names:
                yield name, node.lineno


SOURCES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py" or path.parent != PACKAGE
)


def test_every_part_has_a_floor() -> None:
    assert {part_of(path) for path in SOURCES} <= set(FLOOR)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_down_and_need_no_packages(path: Path) -> None:
    here = part_of(path)
    wrong = []
    for module, line in imports(path):
        top, _, rest = module.partition(".")
        part = rest.split(".")[0]
        if top == "teardown":
            if part in FLOOR and part != here and FLOOR[part] >= FLOOR[here]:
                wrong.append(f"{path.name}:{line}: {here} must not import {part}")
        elif top not in sys.stdlib_module_names and here not in WITH_PACKAGES:
            wrong.append(f"{path.name}:{line}: {top} is not in the standard library")
    assert not wrong


# --- files ----------------------------------------------------------------------------------------------

#: Written in pieces, so that this file does not hold what it looks for.
MACHINE_PATHS = [
    "/" + name + "/" for name in ("work", "root", "home/[a-z]+", "Users/[A-Za-z]+", "opt/wheels")
]
REGISTRIES = [r"pypi" + r"\.org", r"files\.python" + "hosted", r"registry\." + "npmjs", r"deb\." + "debian"]
FORBIDDEN = re.compile("|".join([r"(?<![\w.}/])" + path for path in MACHINE_PATHS] + REGISTRIES))


def tracked() -> list[Path]:
    """The files that git has, or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("this copy is no git clone")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_machine_or_a_package_registry() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}:{number}: {match[0]}"
            for number, line in enumerate(text.splitlines(), 1)
            if (match := FORBIDDEN.search(line))
        ]
    assert not found


# --- the built pages ------------------------------------------------------------------------------------

#: Attributes whose address a browser fetches by itself. A link's `href` is the reader's own choice.
FETCHED = {
    "src", "srcset", "poster", "data", "background", "manifest", "ping", "action", "formaction", "xlink:href",
}  # fmt: skip
OUTSIDE = re.compile(r"(?:https?:)?//[^/\s'\")]")
CSS_ADDRESS = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])([^'\")]+)")


class Fetches(HTMLParser):
    """Collects the addresses that a browser fetches when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        for name, value in attrs:
            if name in FETCHED or (name == "href" and tag != "a"):
                self.addresses.append(value or "")
            elif name == "style":
                self.addresses += CSS_ADDRESS.findall(value or "")

    def handle_data(self, data: str) -> None:
        if self._style:
            self.addresses += CSS_ADDRESS.findall(data)


@pytest.fixture(scope="module")
def site() -> Path:
    """The site that `make test` builds before it runs the tests."""
    if not (SITE / "index.html").is_file():
        pytest.skip("there is no built site: run make site")
    return SITE


def test_pages_fetch_nothing_from_other_hosts(site: Path) -> None:
    found = {}
    for page in site.rglob("*.html"):
        parser = Fetches()
        parser.feed(page.read_text(encoding="utf-8"))
        found[page.relative_to(site).as_posix()] = [a for a in parser.addresses if OUTSIDE.match(a.strip())]
    assert len(found) > 1
    assert not {page: addresses for page, addresses in found.items() if addresses}


def test_style_sheets_fetch_nothing_from_other_hosts(site: Path) -> None:
    sheets = {path: CSS_ADDRESS.findall(path.read_text(encoding="utf-8")) for path in site.rglob("*.css")}
    assert sheets
    assert not [(path.name, a) for path, found in sheets.items() for a in found if OUTSIDE.match(a)]


def test_style_sheets_name_files_that_are_there(site: Path) -> None:
    missing = [
        f"{sheet.name}: {address}"
        for sheet in (site / "assets" / "web").glob("*.css")
        for address in CSS_ADDRESS.findall(sheet.read_text(encoding="utf-8"))
        if not address.startswith("data:") and not (sheet.parent / address.split("#")[0]).is_file()
    ]
    assert not missing


def test_nothing_makes_the_theme_ask_another_host(site: Path) -> None:
    """Its script names one for Mermaid, and asks it on a page with such a block only (`assets_exclude` in mkdocs.yml)."""
    assert [page for page in site.rglob("*.html") if re.search(r'class="[^"]*\bmermaid\b', page.read_text(encoding="utf-8"))] == []


def article(page: Path) -> str:
    """The part of a built page that is ours, without the theme's frame."""
    found = re.search(r"<article.*?</article>", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return found[0] if found else ""


def test_ids_are_unique_and_references_to_them_resolve(site: Path) -> None:
    """MkDocs checks links; nothing else checks what ARIA and SVG refer to."""
    faults = []
    for page in site.rglob("*.html"):
        ours = article(page)
        ids = re.findall(r"<[a-z][^>]*?\sid=\"([^\"]+)\"", ours, flags=re.IGNORECASE)
        wanted = re.findall(r"\s(?:aria-(?:labelledby|describedby|controls|owns)|for)=\"([^\"]*)\"", ours)
        wanted += re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", ours)
        names = {one for w in wanted for one in " ".join(w if isinstance(w, tuple) else (w,)).split()}
        faults += [
            f"{page.relative_to(site)}: id {one} twice" for one in {i for i in ids if ids.count(i) > 1}
        ]
        faults += [f"{page.relative_to(site)}: no id {one}" for one in sorted(names - set(ids))]
    assert not faults


def test_no_markup_is_left_unread(site: Path) -> None:
    """An undefined `[text][name]`, `[^note]` or `[@source]` passes the build as plain text."""
    faults = []
    for page in site.rglob("*.html"):
        text = re.sub(r"<(pre|code)\b.*?</\1>", "", article(page), flags=re.DOTALL)
        faults += [
            f"{page.relative_to(site)}: {m}"
            for m in re.findall(r"\]\[\w[^]]*\]|\[\^[^]]+\]|\[@[^]]+\]", text)
        ]
    assert not faults
