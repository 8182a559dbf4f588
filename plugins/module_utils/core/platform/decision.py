# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a Helm release needs: nothing, to be installed or upgraded, to be repaired first, or to be left alone.

The answer depends on the status of the newest revision only in how to go on; whether to go on is decided by chart,
version and values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from . import semver
from .release import ABSENT, DEPLOYED, FAILED, PENDING, UNINSTALLING, masked, values_digest

PRESENT = "present"
#: What is to be done, in this order.
REPAIR, APPLY, REMOVE = "repair", "apply", "remove"


@dataclass(frozen=True)
class Wanted:
    """A release as declared.

    kubernetes: the range of Kubernetes versions that the chart supports. max_minor_step: by how many minor versions
    one upgrade may go, 0 for any. allow_downgrade: the operator's consent. downgrade_possible: the product's.
    confirmed: the operator's consent to remove it with its data. keeps_data: removing it loses data. upgrades_from: the
    range of versions from which one step leads to this one. backup: the variable by which the operator says of which
    installed version there is a backup, empty when an upgrade needs none; backup_of: what it says.
    """

    name: str
    namespace: str
    chart: str
    version: str
    state: str = PRESENT
    values: Mapping[str, Any] = field(default_factory=dict)
    kubernetes: str = ""
    max_minor_step: int = 0
    allow_downgrade: bool = False
    downgrade_possible: bool = True
    keeps_data: bool = False
    confirmed: bool = False
    upgrades_from: str = ""
    backup: str = ""
    backup_of: str = ""

    @classmethod
    def of_chart(cls, chart: Mapping[str, Any], values: Mapping[str, Any], **said: Any) -> Wanted:
        """A release of a chart as catalogue.chart gives it. said: what the site says, by the names of the fields."""
        upgrade = chart.get("upgrade") or {}
        return cls(
            name=chart["release"],
            namespace=chart["namespace"],
            chart=chart["chart"],
            version=chart["version"],
            values=values,
            max_minor_step=upgrade.get("max_minor_step", 0),
            downgrade_possible=upgrade.get("downgrade", True),
            keeps_data=bool(chart.get("keeps_data")),
            upgrades_from=upgrade.get("from", ""),
            backup=upgrade.get("backup", ""),
            **said,
        )


@dataclass(frozen=True)
class Decision:
    """steps: of REPAIR, APPLY, REMOVE. reasons: why. refusal: why not, then there are no steps."""

    steps: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    refusal: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For a playbook."""
        return {
            "steps": list(self.steps),
            "changed": bool(self.steps),
            "reasons": list(self.reasons),
            "refusal": self.refusal,
        }


def decide(wanted: Wanted, observed: Mapping[str, Any], kubernetes: str = "") -> Decision:
    """Decide about one release.

    observed: an entry of release.Observed.as_dict. kubernetes: version of the API server, empty when not known.
    """
    if wanted.state == ABSENT:
        return _decide_absent(wanted, observed)
    return _decide_present(wanted, observed, kubernetes)


def _decide_absent(wanted: Wanted, observed: Mapping[str, Any]) -> Decision:
    status = observed["status"]
    if status == ABSENT:
        return Decision()
    if wanted.keeps_data and not wanted.confirmed:
        return Decision(refusal=f"Release {_where(wanted)} is not removed: its data would be lost. Confirm it by name.")
    if status == UNINSTALLING or status in PENDING:
        return Decision((REPAIR, REMOVE), (f"its last operation was interrupted ({status})",))
    return Decision((REMOVE,), (f"revision {observed['revision']} is installed",))


def _decide_present(wanted: Wanted, observed: Mapping[str, Any], kubernetes: str) -> Decision:
    status = observed["status"]
    if status == UNINSTALLING:
        return Decision(
            refusal=f"Release {_where(wanted)} was being uninstalled and did not get to its end. Find out what keeps it "
            "('helm status' and the pre-delete Jobs), remove the layer (state absent), then install it again."
        )
    reasons = differences(wanted, observed)
    if not reasons and status == DEPLOYED:
        return Decision()
    refusal = _unsuitable(wanted, kubernetes) or _bad_step(wanted, observed)
    if refusal:
        return Decision(refusal=refusal)
    if status in PENDING:
        why = f"revision {observed['revision']} was interrupted ({status})"
        return Decision((REPAIR, APPLY), (why, *reasons))
    if status == FAILED:
        why = f"revision {observed['revision']} failed: {observed.get('description') or 'no description'}"
        return Decision((APPLY,), (why, *reasons))
    if status in (ABSENT, DEPLOYED):
        return Decision((APPLY,), tuple(reasons))
    return Decision(
        refusal=f"Release {_where(wanted)} has the status {status}; 'helm history {wanted.name} -n {wanted.namespace}' "
        "tells more."
    )


def differences(wanted: Wanted, observed: Mapping[str, Any]) -> list[str]:
    """What differs between a declared release and the one found, a sentence each."""
    if observed["status"] == ABSENT:
        return ["it is not installed"]
    found = []
    if observed["chart"] != wanted.chart:
        found.append(f"chart {observed['chart']} -> {wanted.chart}")
    if observed["version"] != wanted.version:
        found.append(f"version {observed['version']} -> {wanted.version}")
    if observed["values_digest"] != values_digest(wanted.values):
        paths = changed_paths(observed.get("release_values") or {}, masked(wanted.values)) or ["(a masked value)"]
        found.append(f"values: {', '.join(paths[:8])}{' and more' if len(paths) > 8 else ''}")
    return found


def changed_paths(before: Any, after: Any, path: str = "") -> list[str]:
    """Dotted paths at which two sets of values differ."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        found = []
        for key in [*before, *(key for key in after if key not in before)]:
            below = f"{path}.{key}" if path else str(key)
            if key not in before or key not in after:
                found.append(below)
            else:
                found += changed_paths(before[key], after[key], below)
        return found
    return [] if values_digest(before) == values_digest(after) else [path]


def _unsuitable(wanted: Wanted, kubernetes: str) -> Optional[str]:
    if kubernetes and not semver.is_within(kubernetes.partition("+")[0], wanted.kubernetes):
        return (
            f"Chart {wanted.chart} {wanted.version} does not support Kubernetes {kubernetes}; allowed: "
            f"{wanted.kubernetes}. Choose another train or version."
        )
    return None


def _bad_step(wanted: Wanted, observed: Mapping[str, Any]) -> Optional[str]:
    """Why the way from the installed version is not taken. What failed or was interrupted may have changed data too."""
    if observed["status"] == ABSENT or observed["chart"] != wanted.chart:
        return None
    try:
        old, new = semver.parse(observed["version"]), semver.parse(wanted.version)
    except ValueError:
        return None
    if new < old:
        if not wanted.downgrade_possible:
            return (
                f"{_step(wanted, observed)} is a downgrade, which {wanted.chart} cannot do. Declare the newer version."
            )
        if not wanted.allow_downgrade:
            return f"{_step(wanted, observed)} is a downgrade. Set platform_release_allow_downgrade if that is what you want."
    elif new.major == old.major and wanted.max_minor_step and new.minor - old.minor > wanted.max_minor_step:
        return f"{_step(wanted, observed)} skips minor versions; go through {old.major}.{old.minor + wanted.max_minor_step} first."
    elif new > old and not semver.is_within(observed["version"], wanted.upgrades_from):
        return f"{_step(wanted, observed)} is not possible in one step; allowed: from {wanted.upgrades_from}."
    return _no_backup(wanted, observed, (old.major, old.minor) != (new.major, new.minor))


def _no_backup(wanted: Wanted, observed: Mapping[str, Any], is_over_a_minor: bool) -> Optional[str]:
    """A version that was backed up is named, so a word that was left in an inventory does not open the next gate."""
    if not (wanted.backup and is_over_a_minor) or wanted.backup_of == observed["version"]:
        return None
    return (
        f"{_step(wanted, observed)} changes the data for good. {wanted.backup}: {wanted.backup_of!r} is not allowed; "
        f"allowed: {observed['version']}, the installed version, once its data is backed up."
    )


def _step(wanted: Wanted, observed: Mapping[str, Any]) -> str:
    return f"Release {_where(wanted)}: {observed['version']} -> {wanted.version}"


def _where(wanted: Wanted) -> str:
    return f"{wanted.namespace}/{wanted.name}"
