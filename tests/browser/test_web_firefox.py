"""The labs in another browser than all the other tests: a stock Firefox, which keeps no worker from page to page."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from teardown.site import engine

Do = Callable[..., Any]

#: Presses the next move until `count` are made, and tells after each the step and how the engine is.
PLAY = """(async () => {
  const lab = document.querySelector("tcp-lab"), seen = [];
  for (let made = 1; made <= %d; made++) {
    lab.querySelector('button[data-move^="deliver"], button[data-move="wait"]').click();
    while (lab.dataset.step !== String(made)) await new Promise((then) => setTimeout(then, 10));
    seen.push(lab.dataset.engine);
  }
  return seen;
})()"""
LIVE = """(async () => {
  const lab = document.querySelector("tcp-lab");
  while (!["live", "failed"].includes(lab.dataset.engine)) await new Promise((then) => setTimeout(then, 20));
  const { engine } = await import("/assets/web/main.js");
  return { health: engine.health, reason: engine.reason, image: engine.files.some((name) => name.endsWith(".bin")) };
})()"""
CODE = """(async () => {
  const lab = document.querySelector("tcp-code");
  while (!lab.hasAttribute("data-ready")) await new Promise((then) => setTimeout(then, 20));
  lab.querySelector("[data-action=run]").click();
  const checks = [...lab.querySelectorAll("[data-check]")];
  while (checks.some((check) => !["passed", "failed"].includes(check.dataset.result))) await new Promise((then) => setTimeout(then, 50));
  return checks.map((check) => check.dataset.result);
})()"""


@pytest.fixture(scope="module")
def do(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Do]:
    """`do(open=address)` and `do(run=expression)` in one Firefox."""
    firefox = shutil.which("firefox-esr") or shutil.which("firefox")
    if firefox is None:
        pytest.skip("there is no Firefox here: tools/bootstrap.sh test installs one where it may")
    script = Path(__file__).with_name("firefox.mjs")
    command = [engine.node(), "--experimental-websocket", "--no-warnings", str(script), firefox, str(tmp_path_factory.mktemp("profile"))]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    lines = process.stdout

    def do(**what: str) -> Any:
        process.stdin.write(json.dumps(what) + "\n")
        process.stdin.flush()
        said = json.loads(lines.readline())
        assert "error" not in said, said["error"]
        return said["answer"]

    yield do
    process.stdin.close()
    process.wait(20)
    lines.close()


def test_a_lab_is_played_from_the_first_moves_on_to_the_live_engine(do: Do, origin: str, pages: dict[str, str]) -> None:
    do(open=origin + pages["lab"])
    first = do(run=PLAY % 2)
    assert len(first) == 2
    assert do(run=LIVE) == {"health": "live", "reason": "", "image": True}
    ends = '[...document.querySelectorAll("[data-region] b[data-host]")]'
    states = f"Object.fromEntries({ends}.map((b) => [b.dataset.host, b.dataset.state]))"
    do(open=origin + pages["lab"] + "?again")
    do(run=LIVE)
    do(run="""(async () => {
      const lab = document.querySelector("tcp-lab");
      lab.querySelector("[data-action=restart]").click();
      while (lab.dataset.step !== "0") await new Promise((then) => setTimeout(then, 10));
    })()""")
    do(run=PLAY % 4)
    assert do(run=states) == {"server": "FIN-WAIT-2", "client": "CLOSE-WAIT"}
    assert do(run="document.documentElement.scrollWidth <= innerWidth")


def test_a_learners_program_is_run_and_judged(do: Do, origin: str, pages: dict[str, str]) -> None:
    do(open=origin + pages["lab"].replace("buggy-client", "fix-the-client"))
    results = do(run=CODE)
    assert set(results) == {"passed", "failed"}


def test_a_figure_is_stepped_and_the_theme_works(do: Do, origin: str, pages: dict[str, str]) -> None:
    do(open=origin + pages["figure"])
    assert do(run="!!customElements.get('tcp-player') && 'document$' in window")
    step = """(() => {
      const player = document.querySelector("tcp-player"), slider = player.querySelector("input[type=range]");
      player.querySelector("[data-action=first]").click();
      player.querySelector("[data-action=next]").click();
      return slider.value;
    })()"""
    assert do(run=step) == "1"
