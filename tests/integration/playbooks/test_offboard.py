# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A tenant comes and goes while the others do not notice (TEN-9)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.playbooks import documents
from tests.integration.playbooks.conftest import Begun
from tests.integration.playbooks.documents import AMD, GPU, MIG
from tests.integration.playbooks.state import Nothing

pytestmark = pytest.mark.lab

GUEST = "pb-guest"


@pytest.fixture(scope="module")
def with_guest(begun: Begun) -> Begun:
    """The three tenants and a fourth."""
    document = documents.three()
    document["tenants"].append(documents.tenant(GUEST, ["gpu-a-3"], "nvidia.com/gpu"))
    begun.site.declare(document)
    with Nothing(begun.site.lab, [GPU, MIG, AMD]):
        begun.site.converge()
    return begun


def records(world: Begun) -> list[dict[str, Any]]:
    """The guest's records of offboarding, in order; other tenants may have left before."""
    found = sorted(Path(world.site.variables["tenants_report_dir"]).glob(f"offboarded-*-{GUEST}.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in found]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "tenant_offboard_confirm"),
        ({"tenant_offboard_id": GUEST, "tenant_offboard_confirm": GPU}, GPU),
        ({"tenant_offboard_id": GUEST, "tenant_offboard_confirm": ""}, GUEST),
        ({"tenant_offboard_confirm": "No Tenant"}, "No Tenant"),
    ],
)
def test_without_the_right_confirmation_nothing_happens(with_guest: Begun, given: dict[str, str], named: str) -> None:
    with Nothing(with_guest.site.lab):
        run = with_guest.site.run("tenant_offboard", **given)
    assert not run.ok
    assert "tenant_offboard" in run.failure
    assert named in run.failure
    assert records(with_guest) == []


def test_the_plan_of_an_offboarding_removes_nothing(with_guest: Begun) -> None:
    with Nothing(with_guest.site.lab):
        plan = with_guest.site.run("tenant_offboard", "--check", "--diff", tenant_offboard_confirm=GUEST)
    assert plan.ok, plan.failure
    assert plan.changed > 0
    assert records(with_guest) == []


def test_a_tenant_leaves_without_a_trace_and_the_others_stay(with_guest: Begun) -> None:
    kubeconfig = Path(with_guest.site.variables["tenants_kubeconfig_dir"]) / f"{GUEST}.yaml"
    assert kubeconfig.exists()
    since = with_guest.clearml.now()
    with Nothing(with_guest.site.lab, [GPU, MIG, AMD]):
        run = with_guest.site.run("tenant_offboard", tenant_offboard_confirm=GUEST)
    assert run.ok, run.failure
    assert with_guest.kubernetes.objects([GUEST]) == {}
    assert "PB-GUEST" not in with_guest.clearml.companies()
    assert {"PB-GPU", "PB-MIG", "PB-AMD"} <= set(with_guest.clearml.companies())
    assert not any("PB-GPU" in str(entry["body"]) for entry in with_guest.clearml.requests(since) if entry.get("wrote"))
    assert not kubeconfig.exists()
    (record,) = records(with_guest)
    assert (record["tenant"], record["complete"]) == (GUEST, True)
    removed = {action["kind"] for action in record["actions"]}
    assert {"Cluster", "VirtualClusterPolicy", "Namespace", "ResourceQuota", "Kubeconfig"} <= removed


def test_offboarding_again_changes_nothing_and_keeps_the_record(with_guest: Begun) -> None:
    with Nothing(with_guest.site.lab):
        run = with_guest.site.run("tenant_offboard", tenant_offboard_confirm=GUEST)
    assert run.ok, run.failure
    assert run.changed == 0
    assert len(records(with_guest)) == 1


def test_a_tenant_that_left_can_come_back(with_guest: Begun) -> None:
    """Nothing that is left over stands in its way; the second record is chained to the first."""
    assert with_guest.site.converge().changed > 0
    assert with_guest.site.converge().changed == 0
    run = with_guest.site.run("tenant_offboard", tenant_offboard_confirm=GUEST)
    assert run.ok, run.failure
    first, second = records(with_guest)
    assert second["previous_sha256"] == first["sha256"]
