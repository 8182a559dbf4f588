# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The result of a benchmark as data and as lines of a table. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.timing import Measured


@dataclass(frozen=True)
class Goal:
    """What is compared, the ratio of the medians, and what it may be at most."""

    text: str
    ratio: float
    limit: float

    @property
    def reached(self) -> bool:
        return self.ratio <= self.limit


def as_data(measured: Measured, goals: Iterable[Goal]) -> dict[str, Any]:
    """Facts, all samples (seconds), and the ratios that are goals."""
    return {
        **measured.facts,
        "samples": {
            f"{who}, {when}": [{"wall": round(s.wall, 3), "cpu": round(s.cpu, 3)} for s in samples]
            for (who, when), samples in measured.samples.items()
        },
        "goals": [
            {"goal": one.text, "ratio": round(one.ratio, 2), "at_most": one.limit, "reached": one.reached}
            for one in goals
        ],
    }


def goal_lines(goals: Iterable[Goal]) -> list[str]:
    """The goals as a table with its own head."""
    rows = [f"{'ratio':54}{'is':>8}{'goal':>10}"]
    for one in goals:
        limit = f"<= {one.limit:.2f}"
        rows.append(f"{one.text:54}{one.ratio:8.2f}{limit:>10}{'' if one.reached else '   missed'}")
    return rows


def cell(measured: Measured, who: str, when: str) -> str:
    """Median, lowest and highest wall time and the processor time, or "-" for what was not measured."""
    samples = measured.samples.get((who, when), [])
    middle = measured.median(who, when)
    if middle is None:
        return "-"
    walls = [sample.wall for sample in samples]
    return f"{middle.wall:.2f} ({min(walls):.2f} to {max(walls):.2f}), {middle.cpu:.2f}"
