# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Reading several modules' results together: who failed, who changed, and the report (X-7, TEN-11)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import outcome, report

CLUSTERS: dict[str, Any] = {
    "results": [
        {"item": "c1", "tenant": "a", "changed": True, "external_url": "https://h:1", "ready": True, "phase": "Ready"},
        {
            "item": "b",
            "changed": False,
            "failed": True,
            "phase": "Provisioning",
            "error": {"message": "not ready.", "next_step": "Look at the nodes."},
        },
    ]
}
TENANTS = [{"id": name, "display_name": name, "state": "present"} for name in ("a", "b", "c")]
QUOTAS = {
    "results": [
        {"item": "a", "hard": {"nvidia.com/gpu": 16, "amd.com/gpu": 0}, "used": {"nvidia.com/gpu": 8, "amd.com/gpu": 0}}
    ],
    "capacity": {
        "nvidia.com/gpu": {
            "allocatable": 32, "reserved": 2, "guaranteed_total": 16, "ceiling_total": 16, "foreign_used": 1,
            "unreserved_free": 13,
        }
    },
    "violations": ["too much"],
}  # fmt: skip
PROBES = {
    "results": [
        {"item": "a", "probes": [{"status": "passed"}, {"status": "skipped"}, {"status": "leak"}, {"status": "passed"}]}
    ]
}


def test_who_failed_and_what_to_do_is_kept() -> None:
    failed = outcome.failed_tenants(CLUSTERS, "cluster")
    assert failed == {"b": {"phase": "cluster", "message": "not ready. Look at the nodes."}}
    text = outcome.failure_text(failed, TENANTS)
    assert text.startswith("1 of 3 tenants failed")
    assert "b (cluster): not ready. Look at the nodes." in text


def test_a_failure_of_the_whole_module_is_not_a_tenants() -> None:
    assert outcome.failed_tenants({"failed": True, "msg": "no API server"}, "guard") == {}


def test_who_changed_is_collected_over_modules_and_skipped_tasks() -> None:
    assert outcome.changed_tenants([CLUSTERS, {"skipped": True}, {"results": [{"item": "c", "changed": True}]}]) == [
        "a",
        "c",
    ]


def test_addresses_are_found_by_tenant() -> None:
    assert outcome.servers(CLUSTERS) == {"a": "https://h:1"}


def test_the_report_tells_granted_used_free_and_what_is_missing() -> None:
    data = report.build(TENANTS, QUOTAS, CLUSTERS, {"results": [{"item": "a", "company": {"name": "A"}}]}, PROBES, "/k")
    first, second, third = data["tenants"]
    assert first["accelerators"] == {"nvidia.com/gpu": {"granted": 16, "used": 8, "free": 8}}
    assert (first["state"], first["kubeconfig"], first["clearml_company"]) == ("ready", "/k/a.yaml", "A")
    assert first["probes"] == {"passed": 2, "total": 3}
    assert (second["state"], second["kubeconfig"], second["probes"]) == ("provisioning", "", None)
    assert third["state"] == "missing"
    rows = report.tenant_rows(data)
    assert rows[1][4:] == ("nvidia.com/gpu 16/8", "A", "2/3")
    assert report.tenant_rows(data, short=True)[1] == ("a", "ready", "nvidia.com/gpu 16/8", "A", "2/3")
    assert report.capacity_rows(data)[1] == ("nvidia.com/gpu", "32", "2", "16", "16", "1", "13")


def test_a_table_has_straight_columns() -> None:
    assert report.lines([("A", "BB"), ("long", "x")]) == ["A     BB", "long  x"]


AS_DECLARED: dict[str, Any] = {"changed": False, "results": [{"item": "a", "changed": False, "pending_reduction": {}}]}
RUNNING: dict[str, Any] = {"changed": False, "results": [{"item": "a", "ready": True, "pending": []}]}


def test_nothing_is_due_when_all_is_as_declared_and_runs() -> None:
    assert not outcome.due([AS_DECLARED, RUNNING])
    assert not outcome.due([])


@pytest.mark.parametrize(
    "found",
    [
        {"changed": True, "results": []},
        {"failed": True, "msg": "away"},
        {"results": [{"item": "a", "pending_reduction": {"nvidia.com/gpu": 8}}]},
        {"results": [{"item": "a", "ready": False, "pending": []}]},
        {"results": [{"item": "a", "ready": True, "pending": [{"action": "update"}]}]},
    ],
)
def test_what_is_to_be_done_or_waited_for_is_due(found: dict[str, Any]) -> None:
    assert outcome.due([AS_DECLARED, found])
