"""What a measurement hands in, and how it is written down."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]


@dataclass
class Result:
    """One measurement: what was seen (`values`: name -> all runs, in one unit) and which budgets it meets."""

    name: str
    unit: str
    values: dict[str, list[float]] = field(default_factory=dict)
    budgets: list[dict[str, Any]] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    #: Load averages of the machine (1, 5, 15 minutes) when the measurement began.
    load: list[float] = field(default_factory=lambda: list(os.getloadavg()))

    def add(self, name: str, value: float) -> None:
        """One more run of `name`."""
        self.values.setdefault(name, []).append(round(value, 4))

    def middle(self, name: str) -> float:
        """The median of the runs of `name`."""
        return median(self.values[name])

    def budget(self, what: str, value: float, most: float) -> None:
        """`value` (a ratio, or in the unit of the result) should be at most `most`."""
        self.budgets.append({"what": what, "value": round(value, 3), "most": most, "met": value <= most})

    def ratio(self, what: str, one: str, other: str) -> None:
        """Report how many times `other` a `one` takes, without a budget."""
        self.ratios[what] = round(self.middle(one) / self.middle(other), 2)

    def skip(self, what: str) -> None:
        """Something could not be measured here: what, and why."""
        self.missing.append(what)

    def lines(self) -> list[str]:
        """The result for people."""
        seen = [f"{name}: {self.middle(name):g} {self.unit}" for name in self.values]
        kept = [
            f"{'ok  ' if b['met'] else 'OVER'} {b['what']}: {b['value']:g} of {b['most']:g}"
            for b in self.budgets
        ]
        told = [f"     {what}: {value:g}" for what, value in self.ratios.items()]
        skipped = [f"SKIPPED {what}" for what in self.missing]
        return [f"{self.name}", *(f"    {line}" for line in seen + kept + told + skipped)]

    def write(self, folder: Path) -> None:
        """The result for the performance page."""
        folder.mkdir(parents=True, exist_ok=True)
        machine = {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()}
        data = {"version": 1, "name": self.name, "unit": self.unit, "machine": machine} | {
            "values": self.values,
            "budgets": self.budgets,
            "ratios": self.ratios,
            "missing": self.missing,
        }
        data["notes"] = {"load before": self.load, "load after": list(os.getloadavg())} | self.notes
        (folder / f"{self.name}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
