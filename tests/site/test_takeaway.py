"""The line at the foot of a page: there for what was made from these pages, absent for what was not."""

from __future__ import annotations

from pathlib import Path

import pytest

from teardown.site import takeaway

FOOT = '<p class="takeaway">'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A front page, and the page of a lab two folders down."""
    folder = tmp_path / "site"
    (folder / "labs" / "x").mkdir(parents=True)
    (folder / "index.html").write_text("<main><article><h1>Front</h1></article></main>")
    (folder / "labs" / "x" / "index.html").write_text('<article><tcp-lab class="a" data-lab="x"></tcp-lab></article>')
    return folder


def pages(site: Path) -> tuple[str, str]:
    return (site / "index.html").read_text(), (site / "labs" / "x" / "index.html").read_text()


def test_nothing_made_nothing_offered(site: Path, tmp_path: Path) -> None:
    before = pages(site)
    assert takeaway.offer(site, tmp_path / "store") == []
    assert pages(site) == before
    assert FOOT not in "".join(before)


def test_what_was_made_is_offered_with_its_size_on_every_page(site: Path, tmp_path: Path) -> None:
    takeaway.keep(site, {"fin-wait-2.pdf": b"p" * 1_500_000}, tmp_path / "store")
    front, lab = pages(site)
    assert '<a href="fin-wait-2.pdf">The book (PDF, A4, 1.5 MB</a>)' in front
    assert '<a href="../../fin-wait-2.pdf">' in lab
    assert (site / "fin-wait-2.pdf").stat().st_size == 1_500_000
    assert "offline" not in front


def test_a_worksheet_is_offered_at_its_own_lab_only(site: Path, tmp_path: Path) -> None:
    takeaway.keep(site, {"worksheets/x-student.pdf": b"x", "worksheets/y-teacher.pdf": b"y"}, tmp_path / "store")
    front, lab = pages(site)
    assert FOOT not in front
    assert '<a href="../../worksheets/x-student.pdf">' in lab
    assert "teacher" not in lab


def test_the_line_stands_once_however_often_it_is_put(site: Path, tmp_path: Path) -> None:
    for name in ("fin-wait-2.pdf", "fin-wait-2-offline.zip"):
        takeaway.keep(site, {name: b"x"}, tmp_path / "store")
    takeaway.offer(site, tmp_path / "store")
    assert [page.count(FOOT) for page in pages(site)] == [1, 1]


def test_a_book_of_other_pages_is_not_offered(site: Path, tmp_path: Path) -> None:
    takeaway.keep(site, {"fin-wait-2.pdf": b"x"}, tmp_path / "store")
    (site / "index.html").write_text("<article><h1>Front, rewritten</h1></article>")
    assert takeaway.offer(site, tmp_path / "store") == []
    assert FOOT not in "".join(pages(site))


def test_a_store_that_cannot_be_read_offers_nothing(site: Path, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "made.json").write_text("{")
    assert takeaway.offer(site, tmp_path / "store") == []
