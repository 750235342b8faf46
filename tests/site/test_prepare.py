"""What stands beside the pages: same sources, same bytes; and the engine starts from it."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from html import escape
from pathlib import Path

import pytest
from markdown import markdown

from teardown.draw import palette
from teardown.errors import InputError
from teardown.site import engine, prepare

ROOT = Path(__file__).parents[2]

LAB = 'title = "The buggy client"\nsummary = "It never closes: \\"why?\\""\n'


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared `docs` folder, made without anything from an earlier run."""
    if not (ROOT / "node_modules").is_dir():
        pytest.skip("the npm packages are not installed: run tools/bootstrap.sh test")
    folder = tmp_path_factory.mktemp("prepared")
    lend_squeezed(folder / "cache")
    prepare.prepare(ROOT, folder / "docs", folder / "cache", say=lambda _: None)
    return folder / "docs"


def lend_squeezed(cache: Path) -> None:
    """Spares a run the compressing, which takes most of the time: what is kept is named by its content."""
    for folder in (ROOT / "build" / "engine").glob("squeezed*"):
        shutil.copytree(folder, cache / folder.name)


def contents(folder: Path) -> dict[str, str]:
    """Every file below `folder` with the hash of its content."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_two_runs_give_the_same_bytes(docs: Path) -> None:
    """The run before the site was built, and the one from nothing."""
    made = contents(docs)
    built = {name: digest(ROOT / "docs" / name) if (ROOT / "docs" / name).is_file() else "missing" for name in made}
    assert built == made, "or the site is older than its sources: make site"


def test_a_run_that_finds_nothing_changed_writes_nothing(docs: Path) -> None:
    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in docs.rglob("*")}

    before, said = times(), []
    prepare.prepare(ROOT, docs, docs.parent / "cache", say=said.append)
    assert times() == before
    assert not [line for line in said if "making" in line]


def test_manifest_names_every_file_with_its_size_and_hash(docs: Path) -> None:
    folder = docs / "assets" / "engine"
    manifest = json.loads((folder / "manifest.json").read_text())
    home = folder / manifest["pyodide"]
    files = [path for path in folder.rglob("*") if path.suffix in (".bin", ".js", ".mjs", ".wasm", ".whl", ".zip")]
    names = {path: path.relative_to(folder).as_posix() for path in files}
    assert {home / name for name in engine.PYODIDE_FILES} < set(files)
    assert manifest["sizes"] == {name: path.stat().st_size for path, name in names.items()}
    assert manifest["hashes"] == {name: digest(path) for path, name in names.items()}
    for key in ("wheel", "stdlib", "image"):
        assert digest(folder / manifest[key])[:12] in manifest[key]


def test_compressed_forms_hold_the_same(docs: Path) -> None:
    squeezed = [*(docs / "assets" / "engine").rglob("*.gz"), *(docs / "assets" / "futures").rglob("*.gz")]
    assert squeezed
    for path in squeezed:
        assert gzip.decompress(path.read_bytes()) == path.with_suffix("").read_bytes()
        assert path.with_suffix(".br").stat().st_size < path.stat().st_size


def test_wheel_is_pure_and_carries_the_labs(docs: Path) -> None:
    (wheel,) = (docs / "assets" / "engine").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    labs = {path.name for path in (ROOT / "labs").glob("*.toml")}
    assert labs == {
        name.removeprefix("teardown/_labs/") for name in names if name.startswith("teardown/_labs/")
    }
    suffix = ".pyc" if engine.COMPILES else ".py"
    assert f"teardown/tcp/table{suffix}" in names
    assert not [name for name in names if name.endswith((".so", ".pyd", ".dylib"))]
    assert not [name for name in names if name.startswith(engine.LEFT_AT_HOME)]


def test_wheel_lists_the_files_that_it_has(docs: Path) -> None:
    (wheel,) = (docs / "assets" / "engine").glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        (record,) = (name for name in opened.namelist() if name.endswith("/RECORD"))
        listed = [line.rsplit(",", 2) for line in opened.read(record).decode().splitlines()]
        assert sorted(name for name, _, _ in listed) == sorted(opened.namelist())
        assert all(size == str(len(opened.read(name))) for name, _, size in listed if name != record)


def test_archives_carry_no_time_and_no_path_of_this_machine(docs: Path) -> None:
    for archive in (docs / "assets" / "engine").glob("*.[wz][hi][lp]"):
        with zipfile.ZipFile(archive) as opened:
            assert {entry.date_time for entry in opened.infolist()} == {engine.ZIP_TIME}
            assert not [n for n in opened.namelist() if str(ROOT).encode() in opened.read(n)]


def test_the_image_names_nothing_of_the_machine_that_made_it(docs: Path) -> None:
    (image,) = (docs / "assets" / "engine").glob("image-*.bin")
    raw = gzip.decompress(image.read_bytes())
    assert b"teardown.tcp.table" in raw
    names = {str(ROOT), str(Path.home()), str(docs), str(docs.parent), "node_modules"}
    # Shorter names, and these, stand in any memory by chance.
    own = {platform.node(), *(os.environ.get(key, "") for key in ("USER", "LOGNAME", "HOSTNAME"))}
    names |= {name for name in own if len(name) > 4 and name != "localhost"}
    assert not [name for name in names for form in ("utf-8", "utf-16-le") if name.encode(form) in raw]


@pytest.mark.slow
def test_engine_starts_from_these_files_alone(docs: Path) -> None:
    """Node.js loads Pyodide as the worker does: trimmed standard library, empty lock file, our wheel."""
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if not node:
        pytest.skip("there is no Node.js here")
    script = """
        import fs from "node:fs";
        const folder = process.argv[1], manifest = JSON.parse(fs.readFileSync(folder + "manifest.json"));
        const home = folder + manifest.pyodide;
        const { loadPyodide } = await import(home + "pyodide.mjs");
        const options = { indexURL: home, packageBaseUrl: home, lockFileContents: manifest.lock };
        const python = await loadPyodide({ ...options, stdLibURL: folder + manifest.stdlib });
        python.unpackArchive(new Uint8Array(fs.readFileSync(folder + manifest.wheel)), "wheel");
        console.log(python.runPython(fs.readFileSync(0, "utf8")));
    """
    # Everything below `site` runs in the browser: no module of it may miss a part of the standard library.
    program = """
import importlib, pkgutil, teardown
outside = ("teardown.site", "teardown.kernel", "teardown.cli")
found = [m.name for m in pkgutil.walk_packages(teardown.__path__, "teardown.") if not m.name.startswith(outside)]
for name in found:
    importlib.import_module(name)
" ".join(found)
"""
    command = [node, "--input-type=module", "-e", script, f"{docs}/assets/engine/"]
    done = subprocess.run(command, input=program, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "teardown.tcp.table" in done.stdout


# --- lab pages ------------------------------------------------------------------------------------------


def test_lab_page_is_one_fence_under_its_title(tmp_path: Path) -> None:
    (tmp_path / "buggy-client.toml").write_text(LAB)
    assert prepare.lab_page(tmp_path / "buggy-client.toml") == (
        '---\ntitle: "The buggy client"\ndescription: "It never closes: \\"why?\\""\n---\n\n# The buggy client { #lab }\n\n'
        '```lab\nname = "buggy-client"\n```\n'
    )


def test_a_title_is_text_in_the_heading_too(tmp_path: Path) -> None:
    title = 'A *bold* <img src=x onerror=alert(1)> [link](x) `CLOSE_WAIT` { #x }'
    (tmp_path / "odd.toml").write_text(f"title = '{title}'\nsummary = 'x'\n")
    heading = next(row for row in prepare.lab_page(tmp_path / "odd.toml").splitlines() if row.startswith("# "))
    assert markdown(heading, extensions=["attr_list"]) == f'<h1 id="lab">{escape(title, quote=False)}</h1>'


def test_pages_of_labs_that_are_gone_go_too(tmp_path: Path) -> None:
    labs, pages = tmp_path / "labs", tmp_path / "docs"
    labs.mkdir()
    pages.mkdir()
    (pages / "index.md").write_text("# Labs\n")
    for name in ("one", "two"):
        (labs / f"{name}.toml").write_text(LAB)
    prepare.lab_pages(labs, pages)
    (labs / "one.toml").unlink()
    prepare.lab_pages(labs, pages)
    assert sorted(path.name for path in pages.iterdir()) == ["index.md", "two.md"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'title = "x', "this is no TOML"),
        (b"\xff", "this is not UTF-8"),
        (b'title = "x"', "`summary` must be one line of text"),
        (b'title = 1\nsummary = "x"', "`title` must be one line of text"),
        (b'title = " "\nsummary = "x"', "`title` must be one line of text"),
        (b'title = "a\\nb"\nsummary = "x"', "`title` must be one line of text"),
    ],
)
def test_a_bad_lab_file_is_named_with_its_fault(tmp_path: Path, text: bytes, said: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(text)
    with pytest.raises(InputError, match=re.escape(f"{file}: {said}")):
        prepare.lab_page(file)


# --- style sheets ---------------------------------------------------------------------------------------


def test_palette_sheet_and_drawings_agree() -> None:
    """The drawings carry the light colours, the sheet recolours them: both must mean the same."""
    sheet = (ROOT / "src" / "web" / "palette.css").read_text(encoding="utf-8")
    light, dark = sheet.split("@media screen", 1)
    for family in palette.FAMILIES.values():
        assert f"{family.variable}: {family.light};" in light
        assert f"{family.variable}: {family.dark};" in dark
    for name, value in (
        ("page", palette.LIGHT_PAGE),
        ("ink", palette.INK),
        ("soft", palette.SOFT),
        ("hair", palette.HAIR),
    ):
        assert f"--tcp-{name}: {value};" in light
    assert f"--tcp-page: {palette.DARK_PAGE};" in dark


def test_every_state_has_its_own_variable() -> None:
    sheet = (ROOT / "src" / "web" / "palette.css").read_text(encoding="utf-8")
    for state, look in palette.LOOKS.items():
        name = f"--tcp-{state.lower()}"
        assert name == f"--tcp-{look.family}" or f"{name}: var(--tcp-{look.family});" in sheet


def test_fonts_named_by_the_sheet_are_the_ones_copied() -> None:
    sheet = (ROOT / "src" / "web" / "site.css").read_text(encoding="utf-8")
    named = set(re.findall(r"\.\./fonts/([\w-]+\.woff2)", sheet))
    assert named == {f"{face}-{cut}.woff2" for face, cuts in prepare.FONTS.items() for cut in cuts}
