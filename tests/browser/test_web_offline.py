"""The offline copy: unpacked, opened from the disk, without a network: search, and the first lab to its end."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from browser_watch import ROOT
from playwright.sync_api import Browser, Page, expect

from teardown.site import offline


@pytest.fixture(scope="module")
def copy(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked ZIP; packed twice, it has the same bytes, and few of them."""
    files = offline.copy(ROOT, site)
    content = offline.packed(files)
    assert content == offline.packed(dict(reversed(files.items())))
    assert len(content) < offline.MOST_BYTES
    folder = tmp_path_factory.mktemp("copy")
    zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
    return folder


@pytest.fixture
def page(browser: Browser) -> Page:
    """A page without a network that keeps what it asks for, and its errors."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.asked, page.faults = [], []  # type: ignore[attr-defined]
    page.on("request", lambda request: page.asked.append(request.url))  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.faults.append(str(error)))  # type: ignore[attr-defined]
    yield page  # type: ignore[misc]
    outside = [url for url in page.asked if not re.match(r"(file|data|blob):", url)]  # type: ignore[attr-defined]
    faults = page.faults  # type: ignore[attr-defined]
    context.close()
    assert not outside
    assert not faults


def test_the_first_lab_is_played_to_its_end(copy: Path, page: Page) -> None:
    page.goto((copy / "START-HERE.html").as_uri())
    page.get_by_role("link", name="The pages").click()
    expect(page.locator("svg.ladder").first).to_be_visible()
    page.goto((copy / "fin-wait-2" / "labs" / "buggy-client" / "index.html").as_uri())
    # Asking for what was not foreseen starts the engine.
    for _ in range(12):
        if page.locator(".lab-ending").count():
            break
        step = page.locator("tcp-lab").get_attribute("data-step")
        wait = page.locator('button[data-move^="deliver"], button[data-move="wait"]')
        wait.first.click()
        expect(page.locator("tcp-lab")).not_to_have_attribute("data-step", step or "")
    # The last question covers what it asks for, until it is answered.
    asked = page.locator("tcp-lab [data-prediction]")
    for choice in asked.locator("button[data-choice]").all():
        if page.locator(".lab-ending").is_hidden():
            choice.click()
            expect(asked.locator(".lab-reason")).to_contain_text(re.compile(r"\w+"))
    expect(page.locator(".lab-ending")).to_be_visible()
    expect(page.locator('[data-host="client"][data-state]').first).to_have_attribute("data-state", "CLOSE-WAIT")
    expect(page.locator("tcp-lab")).to_have_attribute("data-engine", "live")


def test_the_search_finds_closing(copy: Path, page: Page) -> None:
    page.goto((copy / "fin-wait-2" / "index.html").as_uri())
    page.locator(".md-search__input").click(force=True)
    page.keyboard.type("CLOSING", delay=20)
    found = page.locator(".md-search-result__link").first
    expect(found).to_be_visible()
    target = found.get_attribute("href") or ""
    assert re.match(r"file:.*/index\.html", target)
    page.goto(target)
    expect(page.locator("article")).to_contain_text(re.compile("closing", re.IGNORECASE))


def test_every_link_of_the_copy_leads_to_a_file(copy: Path) -> None:
    lost = []
    for file in (copy / "fin-wait-2").rglob("*.html"):
        for address in re.findall(r'\s(?:href|src)="([^"#?:]+)(?:[#?][^"]*)?"', file.read_text(encoding="utf-8")):
            if not (file.parent / address).is_file():
                lost.append(f"{file.relative_to(copy)}: {address}")
    assert not lost
