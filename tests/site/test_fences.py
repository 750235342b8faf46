"""Fences on pages: a mistake fails the build with one clear line; what is right is finished HTML."""

import subprocess
import sys
from pathlib import Path

import pytest
from markdown import Markdown

from teardown.site import fences

CONFIG = "site_name: x\nmarkdown_extensions:\n  - pymdownx.superfences:\n      custom_fences:\n" + "".join(
    f"        - name: {name}\n          class: {name}\n          format: !!python/name:teardown.site.fences.{name}\n"
    f"          validator: !!python/name:teardown.site.fences.accept\n"
    for name in ("figure", "lab", "budgets")
)


def _build(tmp_path: Path, page: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(page, "utf-8")
    (tmp_path / "mkdocs.yml").write_text(CONFIG, "utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ('```figure\nscenario = "nope"\n```\n', "unknown scenario 'nope'"),
        ('```figure\nscenario = "buggy-client"\nshow = ["film"]\n```\n', "cannot show 'film'"),
        ("```figure\nscenario\n```\n", "this is not TOML"),
        ('```figure\nscenary = "buggy-client"\n```\n', "unknown key 'scenary'"),
        ('```lab\nname = "nope"\n```\n', "unknown lab 'nope'"),
        ("```budgets\n67 s\n```\n", "takes no body"),
    ],
)
def test_a_mistake_in_a_fence_fails_the_build_with_one_line(tmp_path: Path, page: str, says: str) -> None:
    done = _build(tmp_path, f"# A page\n\n{page}")
    assert done.returncode != 0
    assert "index.md" in done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_the_sums_of_the_faq_come_out_of_runs() -> None:
    html = fences.budgets("", "budgets", "", {}, Markdown())
    for total in ("67 s", "77 s", "never", "690 s", "135 s", "90 s"):
        assert f"<b>{total}</b>" in html
