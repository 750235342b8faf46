"""The workbench: a machine changed and its scenarios run, a packetdrill script written and its line found."""

from __future__ import annotations

import re

import pytest
from browser_watch import Visit, violations
from playwright.sync_api import Page, expect


def opened(visit: Visit, path: str, element: str) -> Page:
    page = visit(path, reduced_motion="reduce")
    page.locator(f"{element}[data-ready]").wait_for()
    return page


@pytest.fixture
def machine(visit: Visit) -> Page:
    return opened(visit, "/bench/machine/", "tcp-machine")


@pytest.fixture
def pkt(visit: Visit) -> Page:
    return opened(visit, "/bench/packetdrill/", "tcp-pkt")


def run_all(page: Page) -> str:
    page.locator("[data-action=run]").click()
    expect(page.locator("tcp-machine")).not_to_have_attribute("data-running", "")
    return page.locator("[data-region=message]").inner_text()


def fin_leads_to_closed(page: Page) -> None:
    page.locator("[data-field=state]").select_option("ESTABLISHED")
    row = page.locator("[data-field=row] option:not([hidden])[data-to=CLOSE-WAIT]").first.get_attribute("value")
    page.locator("[data-field=row]").select_option(row)
    page.locator("[data-field=to]").select_option("CLOSED")
    page.locator("[data-action=change]").click()
    expect(page.locator("[data-region=edits] li")).to_have_count(1)


def test_a_row_is_changed_the_map_redrawn_and_the_scenarios_tell(machine: Page) -> None:
    scenarios = machine.locator("[data-scenario]").count()
    assert re.fullmatch(rf"All {scenarios} scenarios go as before\.", run_all(machine).strip())
    fin_leads_to_closed(machine)
    expect(machine.locator(".edge.edited")).not_to_have_count(0)
    expect(machine.locator(".edge.gone[data-from=ESTABLISHED][data-to=CLOSE-WAIT]")).to_have_count(1)
    assert re.search(rf"\d+ of {scenarios} scenarios go another way", run_all(machine))
    first = machine.locator("[data-scenario=normal-close]")
    expect(first).to_have_attribute("data-result", "differs")
    first.locator("summary").focus()
    machine.keyboard.press("Enter")
    expect(first).to_contain_text("The first difference is at step")
    first.locator("[data-draw]").click()
    expect(first.locator(".bench-ladders svg.ladder")).to_have_count(2)


def test_the_machine_is_in_the_address_and_can_be_taken_back(machine: Page, visit: Visit) -> None:
    fin_leads_to_closed(machine)
    again = opened(visit, machine.url.split("/", 3)[3].join(["/", ""]), "tcp-machine")
    expect(again.locator("[data-region=edits] li")).to_have_count(1)
    expect(again.locator(".edge.edited")).not_to_have_count(0)
    again.locator("[data-region=edits] button").click()
    expect(again.locator("[data-region=edits] li")).to_have_count(0)
    expect(again.locator(".edge.edited")).to_have_count(0)
    assert "#" not in again.url


def test_a_timer_is_set_and_what_makes_no_sense_is_refused(machine: Page) -> None:
    machine.locator("[data-field=stack]").select_option("linux")
    machine.locator("[data-field=name]").select_option(value="fin_wait_2")
    machine.locator("[data-field=value]").fill("<b>soon</b>")
    machine.locator("[data-action=set]").click()
    expect(machine.locator("[data-region=message]")).to_contain_text("linux.fin_wait_2")
    expect(machine.locator("[data-region=edits] li")).to_have_count(0)
    machine.locator("[data-field=value]").fill("never")
    machine.locator("[data-action=set]").click()
    expect(machine.locator("[data-region=edits] li")).to_have_count(1)
    run_all(machine)
    expect(machine.locator("[data-scenario=buggy-client]")).to_have_attribute("data-result", "differs")
    expect(machine.locator("[data-scenario=lingering-bsd]")).to_have_attribute("data-result", "same")


def test_a_script_is_run_and_the_line_that_does_not_fit_is_marked(pkt: Page) -> None:
    message = pkt.locator("[data-region=message]")
    pkt.locator("[data-action=run]").click()
    expect(message).to_contain_text("The engine does what the script says")
    expect(pkt.locator("svg.ladder")).to_be_visible()
    pkt.locator("[data-field=start]").select_option("bsd44-gap")
    expect(message).to_contain_text("bsd-4.4")
    pkt.locator(".cm-content").focus()
    pkt.keyboard.press("ControlOrMeta+a")
    lines = [
        "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "+0 bind(3, ..., ...) = 0", "+0 listen(3, 1) = 0",
        "+0 < S 0:0(0) win 65535 <mss 1460>", "+0 > R. 0:0(0) ack 1",
    ]  # fmt: skip
    pkt.keyboard.insert_text("\n".join(lines))
    pkt.keyboard.press("ControlOrMeta+Enter")
    expect(message).to_contain_text("Line 5 does not fit")
    expect(pkt.locator(".cm-marked")).to_have_text(lines[4])
    pkt.locator(".cm-content").focus()
    pkt.keyboard.press("ControlOrMeta+a")
    pkt.keyboard.insert_text("<img src=x onerror=alert(1)>")
    pkt.keyboard.press("ControlOrMeta+Enter")
    expect(message).to_contain_text("Line 1 cannot be read")
    assert pkt.locator("tcp-pkt img").count() == 0
    pkt.reload()
    expect(pkt.locator(".cm-content")).to_have_text("<img src=x onerror=alert(1)>")


def test_without_script_there_is_something_to_read(visit: Visit) -> None:
    page = visit("/bench/machine/", java_script_enabled=False)
    expect(page.locator("svg.states")).to_be_visible()
    page = visit("/bench/packetdrill/", java_script_enabled=False)
    expect(page.locator(".code-text")).to_contain_text("socket(")


@pytest.mark.parametrize("kind", ["machine", "pkt"])
def test_axe_finds_nothing_and_nothing_sticks_out(request: pytest.FixtureRequest, kind: str) -> None:
    page: Page = request.getfixturevalue(kind)
    if kind == "machine":
        fin_leads_to_closed(page)
        run_all(page)
        page.locator("[data-scenario=normal-close] summary").click()
        page.locator("[data-scenario=normal-close] [data-draw]").click()
        expect(page.locator(".bench-ladders svg")).to_have_count(2)
    else:
        page.locator("[data-action=run]").click()
        expect(page.locator("svg.ladder")).to_be_visible()
    for scheme, width in (("light", 1280), ("dark", 375), ("light", 320)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
