# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a release needs (PLAT-10, X-1, X-6, X-7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.decision import (
    Wanted,
    changed_paths,
    decide,
)

from .helm import observed, revision
from .test_release import trees

WANTED = Wanted("demo", "demo-system", "demo", "1.2.0", max_minor_step=1, kubernetes=">= 1.25.0-0")
PENDING = ["pending-install", "pending-upgrade", "pending-rollback"]


def steps(wanted: Wanted, *secrets: dict[str, Any], kubernetes: str = "v1.34.4") -> tuple[str, ...]:
    decision = decide(wanted, observed(*secrets), kubernetes)
    assert decision.refusal == ""
    return decision.steps


def refusal(wanted: Wanted, *secrets: dict[str, Any], kubernetes: str = "v1.34.4") -> str:
    decision = decide(wanted, observed(*secrets), kubernetes)
    assert decision.steps == ()
    return decision.refusal


@given(trees, st.sampled_from(["1.1.0", "1.2.0", "0.9.1"]), st.sampled_from(["deployed", "failed", *PENDING, None]))
def test_what_was_applied_needs_nothing_more(values: dict[str, Any], version: str, status: str | None) -> None:
    """Whatever was there before: the plan of what the plan leads to is empty."""
    wanted = replace(WANTED, values=values)
    before = [revision(1, status, version=version, values={"was": "other"})] if status else []
    assert steps(wanted, *before)[-1] == "apply"
    assert steps(wanted, *before, revision(2, "deployed", version="1.2.0", values=values)) == ()


def test_the_state_machine_of_what_is_wanted() -> None:
    assert steps(WANTED) == ("apply",)
    assert steps(WANTED, revision()) == ()
    assert steps(WANTED, revision(1, "failed")) == ("apply",)
    for status in PENDING:
        assert steps(WANTED, revision(1, status)) == ("repair", "apply")
    assert steps(WANTED, revision(1, "uninstalled")) == ("apply",)
    assert "was being uninstalled and did not get to its end" in refusal(WANTED, revision(1, "uninstalling"))
    assert "has the status unknown" in refusal(WANTED, revision(1, "unknown"))


def test_the_state_machine_of_what_is_not_wanted() -> None:
    gone = replace(WANTED, state="absent")
    assert steps(gone) == ()
    assert steps(gone, revision()) == ("remove",)
    assert steps(gone, revision(1, "failed")) == ("remove",)
    for status in [*PENDING, "uninstalling"]:
        assert steps(gone, revision(1, status)) == ("repair", "remove")


def test_data_goes_only_with_a_confirmation() -> None:
    keeps = replace(WANTED, state="absent", keeps_data=True)
    for status in ["deployed", "failed", "uninstalling"]:
        assert "its data would be lost" in refusal(keeps, revision(1, status))
        assert steps(replace(keeps, confirmed=True), revision(1, status))[-1] == "remove"
    assert steps(keeps) == ()


@pytest.mark.parametrize(
    ("installed", "wanted", "says"),
    [
        ("1.2.0", "1.4.0", "skips minor versions; go through 1.3 first"),
        ("1.2.1", "1.2.0", "is a downgrade. Set platform_release_allow_downgrade"),
        ("2.0.0", "1.9.0", "is a downgrade"),
    ],
)
def test_steps_that_a_product_cannot_take(installed: str, wanted: str, says: str) -> None:
    for status in ("deployed", "failed", "pending-upgrade"):
        text = refusal(replace(WANTED, version=wanted), revision(1, status, version=installed))
        assert says in text
        assert text.startswith(f"Release demo-system/demo: {installed} -> {wanted}")


def test_a_downgrade_wants_consent_and_a_product_that_can() -> None:
    back = replace(WANTED, version="1.1.0", allow_downgrade=True)
    assert steps(back, revision()) == ("apply",)
    assert "which demo cannot do" in refusal(replace(back, downgrade_possible=False), revision())


KEEPS_DATA = replace(WANTED, backup="demo_backup_confirmed")


@pytest.mark.parametrize("installed", ["1.1.4", "0.9.0"])
def test_an_upgrade_over_a_minor_version_wants_a_backup_of_what_is_installed(installed: str) -> None:
    wanted = replace(KEEPS_DATA, max_minor_step=0)
    for said in ("", "1.2.0", "1.1"):
        text = refusal(replace(wanted, backup_of=said), revision(version=installed))
        assert f"demo_backup_confirmed: {said!r} is not allowed; allowed: {installed}, the installed version" in text
    assert steps(replace(wanted, backup_of=installed), revision(version=installed)) == ("apply",)


def test_no_backup_is_wanted_for_what_changes_no_data() -> None:
    assert steps(KEEPS_DATA) == ("apply",)
    assert steps(KEEPS_DATA, revision(version="1.2.0", values={"a": 1})) == ("apply",)
    assert steps(replace(KEEPS_DATA, version="1.2.7"), revision(version="1.2.0")) == ("apply",)
    # What failed or was interrupted is of the new version already.
    for status in ("failed", *PENDING):
        assert steps(KEEPS_DATA, revision(1, version="1.1.0"), revision(2, status, version="1.2.0"))[-1] == "apply"


def test_a_version_from_which_no_way_leads_here() -> None:
    wanted = replace(WANTED, version="2.0.0", upgrades_from=">= 1.4.7-0")
    text = refusal(wanted, revision(version="1.4.6"))
    assert text == "Release demo-system/demo: 1.4.6 -> 2.0.0 is not possible in one step; allowed: from >= 1.4.7-0."
    assert steps(wanted, revision(version="1.4.7")) == ("apply",)
    assert steps(wanted) == ("apply",)


def test_a_new_major_version_and_any_step_where_the_product_names_none() -> None:
    assert steps(replace(WANTED, version="2.5.0"), revision()) == ("apply",)
    assert steps(replace(WANTED, version="1.9.0", max_minor_step=0), revision()) == ("apply",)


def test_kubernetes_out_of_range_stops_a_change_and_leaves_what_runs() -> None:
    assert "allowed: >= 1.25.0-0" in refusal(WANTED, kubernetes="v1.24.17+rke2r1")
    assert steps(WANTED, revision(), kubernetes="v1.24.17+rke2r1") == ()
    assert steps(WANTED, kubernetes="") == ("apply",)


def test_the_reasons_name_what_differs() -> None:
    before = revision(
        1, "failed", chart="old", version="1.1.0", values={"a": {"b": 1, "c": 2}}, description="timed out"
    )
    decision = decide(replace(WANTED, values={"a": {"b": 1, "c": 3}}), observed(before), "v1.34.4")
    assert decision.reasons == (
        "revision 1 failed: timed out",
        "chart old -> demo",
        "version 1.1.0 -> 1.2.0",
        "values: a.c",
    )


def test_a_secret_that_differs_is_a_reason_without_its_value() -> None:
    before = revision(values={"adminPassword": "first-password"})
    decision = decide(replace(WANTED, values={"adminPassword": "second-password"}), observed(before), "v1.34.4")
    assert decision.reasons == ("values: (a masked value)",)


@given(trees, trees)
def test_paths_are_told_exactly_when_values_differ(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert changed_paths(one, one) == []
    assert bool(changed_paths(one, other)) == bool(changed_paths(other, one))
