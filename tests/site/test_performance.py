"""The page about speed says what was measured, all of it, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from teardown.errors import InputError
from teardown.site import performance

DATA = {
    "version": 1, "machine": {"cores": 2}, "notes": {"load before": [1.25], "load after": [2.5]}, "missing": ["X: no wheel <b>"],
    "values": {
        "ours, cold: first": [100, 300, 200], "ours, cold: live": [900, 700, 800], "ours, cold: kB": [240.4],
        "PyScript editor, MicroPython, cold: first": [400], "PyScript editor, MicroPython, repeat: first": [300],
    },
    "budgets": [{"what": "a thing", "value": 0.4, "most": 0.5, "met": True}, {"what": "another", "value": 2, "most": 1, "met": False}],
}  # fmt: skip


def test_medians_spread_budgets_and_what_is_missing_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance, "RESULTS", tmp_path / "labs.json")
    (tmp_path / "labs.json").write_text(json.dumps(DATA), "utf-8")
    html = performance.peers()
    assert "0.20 s, live 0.80 s" in html
    assert "<td>ours</td><td>200</td><td>–</td><td>–</td><td>240</td>" in html
    assert "<td>PyScript editor, MicroPython</td><td>400</td><td>300</td>" in html
    assert "<td>another</td><td>2</td><td>1</td><td>no</td>" in html
    assert "X: no wheel &lt;b&gt;" in html
    assert "1.2, 2.5" in html
    assert html.count("<svg") == 2


def test_measurements_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance, "RESULTS", tmp_path / "none.json")
    with pytest.raises(InputError, match="make bench-labs"):
        performance.peers()
