"""How long a learner's runaway program is at large: from the press of Run until it is ended and the next can run.

The budget is one second, without any special header. Measured in the lab, with the engine warm, as a reader has it.
"""

from __future__ import annotations

from playwright.sync_api import Page

from benchmarks.pages import PATIENCE, chromium, cold, serving
from benchmarks.result import ROOT, Result

RUNS = 5
MOST = 1_000  # ms
RUNAWAYS = {
    "endless loop": "while True: pass",
    "endless loop inside Python": "sum(range(10 ** 12))",
    "memory": "kept = []\nwhile True: kept.append(bytearray(10 ** 7))",
    "deep recursion": "def f(): f()\nf()",
    "huge output": "while True: print('x' * 10_000)",
}

#: Presses Run and waits, in the page itself, until the run is over and then until the runner lives again.
TIMED = """() => new Promise((resolve) => {
  const lab = document.querySelector("tcp-code");
  const begun = performance.now();
  const seen = {};
  lab.querySelector("[data-action=run]").click();
  const look = () => {
    const running = lab.hasAttribute("data-running");
    if (seen.ran && !running) seen.ended ??= performance.now() - begun;
    seen.ran ||= running;
    if (seen.ended && lab.dataset.engine === "live") resolve([seen.ended, performance.now() - begun]);
    else setTimeout(look, 5);
  };
  look();
})"""


def measure() -> Result:
    """Milliseconds for each kind of runaway: until it is ended, and until the next program can run."""
    result = Result("runaway", "ms")
    with chromium() as browser, serving(ROOT / "site") as origin, cold(browser) as page:
        page.set_default_timeout(PATIENCE)
        page.goto(f"{origin}/labs/fix-the-client/")
        page.locator("tcp-code[data-ready]").wait_for()
        for name, body in {"a program that ends": "pass", **RUNAWAYS}.items():
            for _run in range(RUNS):
                write(page, body)
                ended, again = page.evaluate(TIMED)
                result.add(f"{name}: ended", ended)
                result.add(f"{name}: ready for the next", again)
            if name in RUNAWAYS:
                result.budget(f"{name}: ready for the next", result.middle(f"{name}: ready for the next"), MOST)
    return result


def write(page: Page, body: str) -> None:
    """Puts a client into the editor whose `on_open` has this body, and lets the runner come to rest."""
    lines = body.replace("\n", "\n        ")
    page.locator(".cm-content").focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(f"class Client:\n    def on_open(self, sock):\n        {lines}\n")
    page.wait_for_timeout(1_500)
