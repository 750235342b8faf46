"""The policy names every script that stands inside a page, and nothing that only looks like one."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from teardown.site import policy


def test_every_inline_script_is_named_by_its_hash(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "index.html").write_text('<script>one()</script><script type="application/json">{}</script>', "utf-8")
    (tmp_path / "a" / "index.html").write_text(
        '<script>one()</script><script\nid="x">two(1 < 2)</script><script src="three.js"></script>', "utf-8"
    )
    sent = policy.policy(tmp_path)
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(code).digest()).decode()}'" for code in (b"one()", b"two(1 < 2)")}
    assert {word for word in sent.replace(";", "").split() if "sha256" in word} == hashes
    assert "'unsafe-inline'" not in sent.split("; ")[1]
    assert "'unsafe-eval'" not in sent
    assert f"Content-Security-Policy: {sent}\n" in policy.headers(tmp_path)
