# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a layer would change, judged before anything is changed (X-4, X-5, PLAT-1)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import ahead
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.release import values_digest

VERSIONS: dict[str, Any] = {
    "charts": {
        "web": {"release": "web", "namespace": "front", "chart": "web", "version": "1.2.0", "kubernetes": ">= 1.25.0-0",
                "pull_secret_values": {"paths": ["pull"], "shape": "names"},
                "sources": {"community": {"repository": "https://charts.example.com"}}},
    },
    "trains": {"current": {}},
}  # fmt: skip
CHOICE = {"train": "current", "source": "community"}
CLUSTER: dict[str, Any] = {
    "kubernetes_version": "v1.34.4", "node_names": ["worker-1"], "node_resources": [], "storage_classes": [],
    "default_storage_classes": [], "ingress_classes": {}, "apis": ["apps/v1"],
}  # fmt: skip
VALUES = {"size": 2}
WEB = {"chart": "web", "values": VALUES}


def observed(**fields: Any) -> dict[str, Any]:
    there = {
        "status": "deployed",
        "revision": 1,
        "chart": "web",
        "version": "1.2.0",
        "values_digest": values_digest(VALUES),
    }
    return {"front/web": {**there, **fields}}


def look(release: dict[str, Any], there: dict[str, Any] | None = None, **choice: Any) -> ahead.Look:
    return ahead.look(release, ahead.Situation(VERSIONS, {**CHOICE, **choice}, there or observed(), CLUSTER))


def test_what_is_as_declared_is_asked_about_what_belongs_around_it() -> None:
    before, after = {"name": "first", "objects": []}, {"name": "then", "wait": []}
    secrets = [{"name": "s", "string_data": {"k": "v"}}]
    found = look({**WEB, "namespace_labels": {"a": "b"}, "secrets": secrets, "before": [before], "after": [after]})
    assert (found.due, found.refusals) == (False, ())
    assert found.objects == {
        "subject": "web", "namespace": "front", "namespaces": [{"name": "front", "labels": {"a": "b"}}],
        "pull_secrets": [], "secrets": secrets, "stages": [before, after], "force_conflicts": False, "check_waits": True,
    }  # fmt: skip
    assert look({**WEB, "force_conflicts": True}).objects["force_conflicts"]
    assert look(WEB, force_conflicts=True).objects["force_conflicts"]


@pytest.mark.parametrize(
    ("release", "there"),
    [
        (WEB, observed(status="absent")),
        (WEB, observed(status="failed", description="boom")),
        (WEB, observed(status="pending-upgrade")),
        (WEB, observed(version="1.1.0")),
        ({**WEB, "extra_values": {"size": 3}}, observed()),
        ({**WEB, "pull_secrets": [{"name": "pull"}]}, observed()),
    ],
)
def test_what_is_not_as_declared_is_due(release: dict[str, Any], there: dict[str, Any]) -> None:
    assert look(release, there).due


def test_what_is_a_matter_of_its_state_waits_for_its_turn() -> None:
    """Others go on meanwhile: a downgrade, a removal that did not come to its end."""
    for there in (observed(version="1.3.0"), observed(status="uninstalling")):
        found = look(WEB, there)
        assert (found.due, found.refusals) == (True, ())


def test_what_no_run_can_heal_is_refused() -> None:
    found = look({**WEB, "requires": {"nodes": ["worker-9"]}, "value": {}})
    assert found.refusals[0].startswith("web: value is not allowed; allowed: one of chart, subject, values")
    assert found.refusals[1] == "web: worker-9 is not a node of this cluster; there are: worker-1"
    assert "'x' is not allowed; allowed: one of web" in look({"chart": "x"}).refusals[0]
    assert "'newest' is not allowed" in look(WEB, train="newest").refusals[0]


def test_a_layer_without_a_chart_is_due_while_something_is_lacking() -> None:
    ingress = {
        "subject": "ingress",
        "after": [{"name": "settings"}],
        "requires": {"apis": {"helm.cattle.io/v1": "RKE2 brings it"}},
    }
    assert look(ingress).due
    found = look({**ingress, "requires": {"apis": {"apps/v1": "Kubernetes brings it"}}})
    assert (found.due, found.chart, found.objects["namespaces"]) == (False, {}, [])
    assert found.objects["subject"] == "ingress"


@pytest.mark.parametrize(
    ("answer", "is_open"),
    [
        ({"changed": False, "results": [{"item": "workloads"}]}, False),
        ({"changed": True, "results": []}, True),
        ({"changed": False, "results": [{"item": "workloads", "lacks": ["Deployment web: 0 of 1 ready"]}]}, True),
        ({"failed": True, "msg": "nobody answers"}, True),
    ],
)
def test_what_is_not_so_yet_is_open(answer: dict[str, Any], is_open: bool) -> None:
    assert ahead.is_open(answer) is is_open


def test_what_is_kept_holds_no_value() -> None:
    kept = ahead.summary([look(WEB), look({"subject": "ingress"})], True)
    assert kept == {
        "due": True,
        "refusals": [],
        "charts": [{"key": "web", "version": "1.2.0", "kubernetes": ">= 1.25.0-0"}],
    }
