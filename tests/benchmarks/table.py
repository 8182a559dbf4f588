# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The result of a benchmark as data and as a table. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.benchmarks.contest import (
    AGAIN,
    ANSIBLE,
    CORE,
    FIRST,
    KUBECTL,
    LIST,
    NOTHING,
    PHASE,
    PLAYBOOK,
    REQUESTS,
    Measured,
)

_ROWS = (ANSIBLE, NOTHING, KUBECTL, PHASE, CORE, PLAYBOOK, LIST, REQUESTS)


def as_data(measured: Measured) -> dict[str, Any]:
    """Medians, all samples (seconds), the ratios that are goals, and the facts."""
    return {
        **measured.facts,
        "samples": {
            f"{who}, {when}": [{"wall": round(s.wall, 3), "cpu": round(s.cpu, 3)} for s in samples]
            for (who, when), samples in measured.samples.items()
        },
        "goals": [
            {"goal": text, "ratio": round(ratio, 2), "at_most": limit, "reached": ratio <= limit}
            for text, ratio, limit in goals(measured)
        ],
    }


def goals(measured: Measured) -> Iterator[tuple[str, float, float]]:
    """Each goal: what is compared, the ratio of the medians, and what it may be at most."""
    first, again = (_wall(measured, PHASE, when) for when in (FIRST, AGAIN))
    start = {when: _wall(measured, ANSIBLE, when) for when in (FIRST, AGAIN)}
    rival = {when: _wall(measured, KUBECTL, when) for when in (FIRST, AGAIN)}
    if first and rival[FIRST]:
        yield "first run, to kubectl + Ansible's start", first / (rival[FIRST] + start[FIRST]), 1.0
        yield "first run less Ansible's start, to kubectl", (first - start[FIRST]) / rival[FIRST], 1.0
    if again and rival[AGAIN]:
        yield "unchanged run less Ansible's start, to kubectl", (again - start[AGAIN]) / rival[AGAIN], 0.25
        yield "unchanged run with Ansible's start, to kubectl", again / rival[AGAIN], 0.25
    launches = list(measured.facts.get("launches", {}).values())
    if launches:
        yield "module launches, all tenants to 3", launches[-1] / launches[0], 1.0


def lines(measured: Measured) -> list[str]:
    """The table for a person. Seconds, median and range of the wall time; the processor time of the client."""
    facts = measured.facts
    yielded = [
        f"{facts['tenants']} tenants, {facts.get('objects', '?')} objects; seconds: median (lowest to highest), processor",
        "",
        f"{'':46}{'first run':>30}{'unchanged':>30}",
    ]
    for who in _ROWS:
        cells = [_cell(measured, who, when) for when in (FIRST, AGAIN)]
        yielded.append(f"{who:46}" + "".join(f"{cell:>30}" for cell in cells))
    yielded += ["", f"{'ratio':54}{'is':>8}{'goal':>10}"]
    for text, ratio, limit in goals(measured):
        yielded.append(
            f"{text:54}{ratio:8.2f}{'<= ' + format(limit, '.2f'):>10}{'' if ratio <= limit else '   missed'}"
        )
    for count, launches in facts.get("launches", {}).items():
        yielded.append(f"module launches of tenants.yml for {count} tenants: {launches}")
    return yielded


def _cell(measured: Measured, who: str, when: str) -> str:
    samples = measured.samples.get((who, when), [])
    middle = measured.median(who, when)
    if middle is None:
        return "-"
    walls = [sample.wall for sample in samples]
    return f"{middle.wall:.2f} ({min(walls):.2f} to {max(walls):.2f}), {middle.cpu:.2f}"


def _wall(measured: Measured, who: str, when: str) -> float:
    middle = measured.median(who, when)
    return middle.wall if middle else 0.0
