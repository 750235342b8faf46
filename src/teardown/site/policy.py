"""The Content-Security-Policy that fits the built site, for hosts that send one.

The theme and the pages of labs have a few small scripts inside; the policy names each by its hash, so no other script
inside a page runs. `site/_headers` holds it, with the other headers that help, in the form that several hosts of static sites read.
None of them is needed for the site to work.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

_INLINE = re.compile(r"<script(?P<attributes>(?:\s[^>]*)?)>(?P<code>.*?)</script>", re.DOTALL)
_DATA = re.compile(r"""\bsrc=|\btype=["']?application/(?:ld\+)?json""")


def inline_scripts(html: str) -> set[str]:
    """The scripts that stand inside a page."""
    return {m["code"] for m in _INLINE.finditer(html) if m["code"].strip() and not _DATA.search(m["attributes"])}


def policy(site: Path) -> str:
    """The value of the header for all pages of the built `site`."""
    scripts = {code for page in site.rglob("*.html") for code in inline_scripts(page.read_text(encoding="utf-8"))}
    hashes = sorted(base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in scripts)
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("script-src 'self' 'wasm-unsafe-eval'", *(f"'sha256-{value}'" for value in hashes))),
            # Figures place their parts with style attributes.
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'none'",
        )
    )


def headers(site: Path) -> str:
    """`_headers` of the site: the policy, and which files never change under their names."""
    lasting = "  Cache-Control: public, max-age=31536000, immutable\n"
    return (
        f"/*\n  Content-Security-Policy: {policy(site)}\n  X-Content-Type-Options: nosniff\n"
        f"/assets/engine/pyodide-*\n{lasting}/assets/engine/*.bin\n{lasting}/assets/engine/*.zip\n{lasting}"
    )
