# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""When something is healthy, and why it is not (PLAT-10, X-6)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import readiness
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.readiness import (
    Wait,
    missing,
    parse_wait,
)


def workload(kind: str = "Deployment", name: str = "web", generation: int = 2, **status: Any) -> dict[str, Any]:
    status.setdefault("observedGeneration", 2)
    return {
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "generation": generation},
        "spec": {"replicas": 3}, "status": status,
    }  # fmt: skip


GOOD = {"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}


@pytest.mark.parametrize(
    ("item", "lack"),
    [
        (workload(**GOOD), ""),
        (workload(generation=3, **GOOD), "its controller has not looked at it yet"),
        (workload(**{**GOOD, "replicas": 4}), "1 old pods are still there"),
        (workload(**{**GOOD, "availableReplicas": 2}), "2 of 3 ready, 3 updated"),
        (workload(**{**GOOD, "updatedReplicas": 1}), "2 old pods are still there"),
        (
            workload(conditions=[{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]),
            "0 of 3 available, its progress deadline is over",
        ),
        (workload("StatefulSet", **GOOD), ""),
        (workload("StatefulSet", **{**GOOD, "readyReplicas": 1}), "1 of 3 ready, 3 updated"),
        (workload("DaemonSet", desiredNumberScheduled=2, updatedNumberScheduled=2, numberAvailable=2), ""),
        (
            workload("DaemonSet", desiredNumberScheduled=2, updatedNumberScheduled=1, numberAvailable=2),
            "2 of 2 nodes ready, 1 updated",
        ),
    ],
)
def test_a_rollout_is_judged_as_kubectl_does(item: dict[str, Any], lack: str) -> None:
    assert readiness.rollout_lack(item) == lack


def wait(until: str = "rollout", **fields: Any) -> Wait:
    problems = Problems()
    data = {"until": until, "api_version": "apps/v1", "kind": "Deployment", **fields}
    found = parse_wait(data, "wait[0]", "ns", problems)
    assert found, [str(problem) for problem in problems]
    return found


def test_what_is_not_there_is_missing() -> None:
    assert missing(wait(name="web"), [workload(name="website", **GOOD)]) == ["Deployment ns/web is not there"]
    assert missing(wait(name="web"), [workload(**GOOD)]) == []
    assert missing(wait("exists", name_prefix="we"), [workload()]) == []
    assert missing(wait("exists", minimum=2), [workload()]) == ["Deployment ns/(all): 1 of 2"]


def test_all_that_are_meant_must_hold() -> None:
    good, bad = workload(name="web-a", **GOOD), workload(name="web-b")
    assert missing(wait(name_prefix="web-"), [good, bad]) == ["Deployment ns/web-b: 0 of 3 ready, 0 updated"]


def test_gone_is_gone() -> None:
    assert missing(wait("gone", name="web"), []) == []
    assert missing(wait("gone", name="web"), [workload()]) == ["Deployment ns/web is still there (1)"]


def test_a_condition_and_why_it_does_not_hold() -> None:
    ready = wait("condition", kind="Certificate", name="web", condition="Ready")
    assert missing(ready, [workload()]) == ["Certificate ns/web is not Ready"]
    condition = {"type": "Ready", "status": "False", "reason": "Pending", "message": "issuer not found"}
    assert missing(ready, [workload(conditions=[condition])]) == [
        "Certificate ns/web is not Ready (Pending: issuer not found)"
    ]
    assert missing(ready, [workload(conditions=[{"type": "Ready", "status": "True"}])]) == []


def test_a_field_is_compared_as_a_person_writes_it() -> None:
    assert missing(wait("field", name="web", path="spec.replicas", value="3"), [workload()]) == []
    assert missing(wait("field", name="web", path="status.state", value="ready"), [workload()]) == [
        "Deployment ns/web: status.state is not set, not ready"
    ]
    assert missing(wait("field", name="web", path="status.on", value="true"), [workload(on=True)]) == []


def test_all_mistakes_of_a_wait_are_told() -> None:
    problems = Problems()
    for data in (
        {"until": "soon"},
        {"until": "rollout", "api_version": "v1", "kind": "Service"},
        {"until": "condition", "api_version": "v1", "kind": "Node"},
        {"until": "field", "api_version": "v1", "kind": "Node"},
        {"until": "dry_run", "body": {"kind": "Issuer"}},
    ):
        assert parse_wait(data, "wait[0]", "", problems) is None
    texts = [str(problem) for problem in problems]
    assert len(texts) == 7
    assert "wait[0].until: 'soon' is not allowed; allowed: rollout, exists, gone, condition" in texts[0].replace(
        "one of ", ""
    )
    assert any("with until=dry_run" in text for text in texts)


def pod(waiting: dict[str, str] | None = None, unscheduled: str = "") -> dict[str, Any]:
    status: dict[str, Any] = {"containerStatuses": [{"name": "main", "state": {"waiting": waiting or {}}}]}
    if unscheduled:
        status["conditions"] = [{"type": "PodScheduled", "reason": "Unschedulable", "message": unscheduled}]
    return {"kind": "Pod", "metadata": {"name": "web-1", "namespace": "ns"}, "status": status}


@pytest.mark.parametrize(
    ("item", "text", "final"),
    [
        (pod({"reason": "ErrImagePull", "message": "no such tag"}), "container main: ErrImagePull: no such tag", True),
        (pod({"reason": "CreateContainerConfigError"}), "container main: CreateContainerConfigError", True),
        (pod({"reason": "CrashLoopBackOff"}), "container main: CrashLoopBackOff", False),
        (pod(unscheduled="0/3 nodes are available"), "ns/web-1: Unschedulable: 0/3 nodes are available", True),
        (pod(unscheduled="unbound PersistentVolumeClaim x"), "unbound PersistentVolumeClaim x", False),
    ],
)
def test_causes_name_pod_container_and_reason(item: dict[str, Any], text: str, final: bool) -> None:
    (cause,) = readiness.causes([item])
    assert cause.text.startswith("pod ns/web-1")
    assert text in cause.text
    assert cause.final is final
    assert cause.advice


def test_a_pod_that_only_starts_is_no_cause() -> None:
    assert readiness.causes([pod({"reason": "ContainerCreating"})]) == []


def test_the_newest_warnings_each_once() -> None:
    def event(when: str, reason: str, kind: str = "Warning") -> dict[str, Any]:
        about = {"kind": "Pod", "name": "web-1"}
        return {"type": kind, "lastTimestamp": when, "involvedObject": about, "reason": reason, "message": "m"}

    events = [
        event("5", "E"),
        event("1", "A"),
        event("2", "B"),
        event("3", "A"),
        event("4", "D"),
        event("9", "N", "Normal"),
    ]
    assert readiness.last_events(events) == ["Pod web-1: A: m", "Pod web-1: D: m", "Pod web-1: E: m"]


def test_workloads_of_a_manifest() -> None:
    manifest = [
        workload(),
        {**workload("DaemonSet"), "metadata": {"name": "d", "namespace": "kube-system"}},
        {"kind": "Role"},
    ]
    assert [wait.title for wait in readiness.workloads_of(manifest, "ns")] == [
        "Deployment ns/web",
        "DaemonSet kube-system/d",
    ]
