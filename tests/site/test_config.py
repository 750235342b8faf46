"""The site's configuration: nothing that only one of the two builders understands, nothing that is missing."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import yaml
from mkdocs.utils.yaml import get_yaml_loader

ROOT = Path(__file__).parents[2]

#: Plugins that Zensical knows, or may pass over: `privacy` is a guard of the MkDocs build and changes no page.
PLUGINS = {"search", "privacy"}


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    """`mkdocs.yml` as MkDocs reads it."""
    return yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=get_yaml_loader())


def files(nav: Any) -> list[str]:
    """Every page that a navigation names."""
    if isinstance(nav, str):
        return [nav]
    return [file for entry in (nav.values() if isinstance(nav, dict) else nav) for file in files(entry)]


def test_no_hooks_and_no_plugin_that_zensical_lacks(config: dict[str, Any]) -> None:
    assert "hooks" not in config
    assert {next(iter(p)) if isinstance(p, dict) else p for p in config["plugins"]} <= PLUGINS
    assert "custom_dir" not in config["theme"]


def test_nothing_comes_from_elsewhere(config: dict[str, Any]) -> None:
    assert config["theme"]["font"] is False
    assert "repo_url" not in config
    sheets = [*config["extra_css"], *(script["path"] for script in config["extra_javascript"])]
    assert not [
        path for path in sheets if not (ROOT / "src" / "web" / path.removeprefix("assets/web/")).is_file()
    ]


def test_fences_can_be_pickled(config: dict[str, Any]) -> None:
    """Zensical pickles its configuration: a fence that pickle cannot find by name ends its build."""
    (settings,) = (
        e["pymdownx.superfences"] for e in config["markdown_extensions"] if "pymdownx.superfences" in e
    )
    for fence in settings["custom_fences"]:
        for role in ("format", "validator"):
            assert pickle.loads(pickle.dumps(fence[role])) is fence[role]


def test_every_lab_is_in_the_navigation(config: dict[str, Any]) -> None:
    named = set(files(config["nav"]))
    assert {f"labs/{path.stem}.md" for path in (ROOT / "labs").glob("*.toml")} <= named
