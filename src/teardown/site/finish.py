"""The last step of a build: `python -m teardown.site.finish`. It puts the sitemap right, has each page ask for its files
in the best order (`order.py`), offers what can be taken away
(the book, the worksheets and the offline copy, if they were made from the same pages: `takeaway.py`), and writes
`_headers`.

A sitemap names whole addresses, so it needs to know where the site will be. The environment variable SITE_URL says
it, for example `SITE_URL=https://example.org/tcp/ make site`. Without it the pages are the same and work under any
address, but MkDocs writes an empty sitemap, which is no valid one; this step takes it away.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from teardown.errors import InputError
from teardown.site import bundle, order, policy, takeaway

ROOT = Path(__file__).parents[3]
SITE = Path("site")
FILES = ("sitemap.xml", "sitemap.xml.gz")


def address(text: str) -> str:
    """SITE_URL as the builder needs it: whole, with a slash at the end; empty if it is not set. Raises InputError."""
    text = text.strip()
    if not text:
        return ""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise InputError(
            f"{text[:80]!r} is no address of a site", place="SITE_URL", mend="Write https://example.org/path/"
        )
    if not parts.path.endswith("/"):
        raise InputError(f"{text[:80]!r} does not end with a slash", place="SITE_URL", mend=f"Write {text[:80]}/")
    return text


def finish(site: Path, url: str) -> None:
    """Leaves a sitemap in `site` only if `url` is known, orders what pages ask for, and tells hosts which headers help."""
    if not address(url):
        for name in FILES:
            (site / name).unlink(missing_ok=True)
    order.arrange(site, bundle.bundle(ROOT, "src/web/ahead.js", "--format=iife").decode())
    (site / "_headers").write_text(policy.headers(site), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """`--check` looks at SITE_URL only, before a build. Returns 2 when it is wrong."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        if argv == ["--check"]:
            address(os.environ.get("SITE_URL", ""))
        else:
            finish(SITE, os.environ.get("SITE_URL", ""))
            takeaway.offer(SITE)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
