# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a rule gets: one tenant, the fleet, and where to say what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import Problem, Problems
from .defaults import was_said
from .fields import join
from .fleet import Fleet
from .model import ABSENT, Tenant
from .secrets import shown

#: A mistake that more tenants than these share is told once: it comes from C(defaults) or from a tier.
TOLD_SEPARATELY = 3


@dataclass
class Case:
    """One tenant on the bench.

    label: how messages call it, C(tenants[acme]). raw: its merged data. broken: places that could not be read; a rule
    that needs one of them keeps quiet. findings: problems with places below the tenant.
    """

    label: str
    raw: Mapping[str, Any]
    tenant: Tenant
    fleet: Fleet
    broken: set[str]
    findings: Problems = field(default_factory=Problems)

    @property
    def absent(self) -> bool:
        """Tell whether the tenant is to be gone; then only its identity is checked."""
        return self.tenant.state == ABSENT

    def add(self, place: str, value: Any, allowed: str) -> None:
        """Say that the value at a place below the tenant is wrong."""
        self.findings.add(place, shown(value), allowed)

    def sound(self, *places: str) -> bool:
        """Tell whether all these places could be read."""
        return not any(_touches(broken, place) for broken in self.broken for place in places)

    def said(self, place: str) -> bool:
        """Tell whether the file, a tier or the defaults give a value for a place."""
        return was_said(self.raw, place)


def _touches(broken: str, place: str) -> bool:
    above, below = sorted((broken, place), key=len)
    return below == above or below.startswith((above + ".", above + "["))


def report(cases: list[Case], problems: Problems) -> None:
    """Put the findings of all tenants into one collection; what many share becomes one line."""
    shared: dict[str, tuple[Problem, list[str]]] = {}
    for case in cases:
        for finding in case.findings:
            _first, labels = shared.setdefault(str(finding), (finding, []))
            labels.append(case.label)
    for finding, labels in shared.values():
        if len(labels) <= TOLD_SEPARATELY:
            for label in labels:
                problems.add(join(label, finding.path), finding.value, finding.allowed)
        else:
            rest = f" and {len(labels) - 1} more tenants"
            problems.add(join(labels[0], finding.path), finding.value, f"{finding.allowed} (so in {labels[0]}{rest})")
