"""The lab that `new-lab` writes, with some of its text changed: for tests of what a lab file may say."""

from __future__ import annotations

from teardown.lab.file import Lab, parse
from teardown.lab.template import text


def changed(*changes: tuple[str, str]) -> Lab:
    """The lab of `new-lab` with some of its text changed."""
    new = text("a-lab")
    for old, other in changes:
        assert old in new
        new = new.replace(old, other, 1)
    return parse("a-lab", new, "a-lab.toml")
