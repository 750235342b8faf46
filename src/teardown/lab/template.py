"""A new lab file, commented: what `teardown new-lab` writes. It is a lab that works, and waits for its words."""

from __future__ import annotations

import re
from importlib.resources import files

from teardown.errors import InputError


def text(name: str) -> str:
    """The text of a new lab file. Raises InputError for what cannot be a lab's name."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise InputError(f"{name[:80]!r} is not a lab's name", mend="Use lower-case words and hyphens")
    return files(__package__).joinpath("new-lab.toml").read_text("utf-8").replace("NAME", name)
