# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Run every check over every host, and write what was found as one table and as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import Problems
from . import checks_fleet, checks_network, checks_storage, checks_system
from .model import AFTER, ERROR, FLEET, INFO, SEVERITIES, WARNING, Check, Finding, Host, Site, Trouble

#: All checks, in the order of the documentation: the hosts one by one, then all together.
CHECKS: tuple[Check, ...] = tuple(
    check for module in (checks_system, checks_network, checks_storage, checks_fleet) for check in module.CHECKS.all
)
BY_ID: dict[str, Check] = {check.id: check for check in CHECKS}
#: Widest form of each column of the table, in characters; longer texts go on in the next line.
_WIDTHS = (8, 24, 26, 40, 36, 40)


@dataclass(frozen=True)
class Report:
    """What was found. looked_at: names of the hosts that could be asked. skipped: ids that were left out on demand."""

    findings: tuple[Finding, ...]
    looked_at: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    stage: str = ""
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether something must be mended first."""
        return self.counts[ERROR] > 0

    def as_dict(self) -> dict[str, Any]:
        """For the report's file."""
        return {
            "stage": self.stage,
            "failed": self.failed,
            "hosts": list(self.looked_at),
            "checks": [check.id for check in CHECKS if check.id not in self.skipped],
            "skipped": list(self.skipped),
            "counts": self.counts,
            "findings": [finding.as_dict() for finding in self.findings],
        }


def parse_skip(skip: Iterable[str], problems: Problems) -> tuple[str, ...]:
    """Check ids of checks to leave out; an unknown one is a mistake, for it would leave out nothing."""
    chosen = tuple(dict.fromkeys(str(one) for one in skip))
    for one in chosen:
        if one not in BY_ID:
            near = [known for known in BY_ID if known.split(".")[0] == one.split(".")[0]] or sorted(BY_ID)
            problems.add("preflight_skip", one, "ids of checks, such as " + ", ".join(near))
    return chosen


def run_checks(hosts: Sequence[Host], site: Site, skip: Sequence[str] = ()) -> Report:
    """Run all checks but the skipped ones; findings by severity, then in the order of checks and hosts."""
    findings: list[Finding] = []
    for check in CHECKS:
        if check.id in skip:
            continue
        if check.fleet:
            findings += [_finding(check, FLEET, trouble, site) for trouble in check.run(hosts, site)]  # type: ignore[arg-type]
            continue
        for host in hosts:
            if host.facts:
                findings += [_finding(check, host.name, trouble, site) for trouble in check.run(host, site)]  # type: ignore[arg-type]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    counts = {severity: sum(one.severity == severity for one in findings) for severity in SEVERITIES}
    looked_at = tuple(host.name for host in hosts if host.facts)
    return Report(tuple(findings), looked_at, tuple(skip), site.stage, counts)


def _finding(check: Check, host: str, trouble: Trouble, site: Site) -> Finding:
    severity = trouble.severity or check.severity
    if check.prepared and site.stage != AFTER:
        severity = INFO
    return Finding(check.id, trouble.host or host, severity, trouble.found, trouble.needed, trouble.fix)


def table(report: Report) -> list[str]:
    """Write the findings as lines of text, and a line that sums them up. Hosts with the same finding share a row."""
    lines = []
    if report.findings:
        rows: dict[tuple[str, ...], list[str]] = {}
        for one in report.findings:
            rows.setdefault((one.severity, one.check, one.found, one.needed, one.fix), []).append(one.host)
        head = ("severity", "host", "check", "found", "needed", "what to do")
        lines = _columns([head, *((key[0], ", ".join(hosts), *key[1:]) for key, hosts in rows.items())])
    hosts = len(report.looked_at)
    counts = ", ".join(
        f"{report.counts[one]} {one}{'s' if report.counts[one] != 1 and one != INFO else ''}"
        for one in (ERROR, WARNING, INFO)
    )
    skipped = f"; skipped: {', '.join(report.skipped)}" if report.skipped else ""
    number = len(CHECKS) - len(report.skipped)
    lines.append(f"{hosts} host{'s' if hosts != 1 else ''}, {number} checks: {counts}{skipped}")
    return lines


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [min(limit, max(len(row[column]) for row in rows)) for column, limit in enumerate(_WIDTHS)]
    lines = []
    for number, row in enumerate(rows):
        cells = [_wrapped(text, width) for text, width in zip(row, widths)]
        for line in range(max(len(cell) for cell in cells)):
            parts = [(cell[line] if line < len(cell) else "").ljust(width) for cell, width in zip(cells, widths)]
            lines.append("  ".join(parts).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """Break at blanks; a word that is too long keeps its length on a line of its own (it may be copied)."""
    lines, current = [], ""
    for word in text.split():
        if current and len(current) + 1 + len(word) > width:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}".strip()
    return [*lines, current]


def markdown_table() -> str:
    """Write the list of all checks for the documentation."""
    lines = ["| check | severity | what is looked at |", "|---|---|---|"]
    for check in CHECKS:
        severity = f"{check.severity} (before: info)" if check.prepared else check.severity
        lines.append(f"| `{check.id}` | {severity} | {check.title} |")
    return "\n".join(lines) + "\n"
