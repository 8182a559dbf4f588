# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A probe passes only when the right mechanism refused the right thing (TEN-5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import errors, probes

REQUEST = probes.ProbeRequest("acme", "t-acme", "acme")
HARD = {"requests.nvidia.com/gpu": "16", "requests.amd.com/gpu": "0", "requests.cpu": "4", "pods": "4"}
HARD["requests.deviceclass.resource.kubernetes.io/gpu.example"] = "0"


def refused(text: str, status: int = 403) -> errors.RemoteError:
    return errors.RemoteError(text, status=status)


def test_what_to_ask_for_is_read_from_the_quota() -> None:
    assert probes.over_quota(HARD) == ("nvidia.com/gpu", 17)
    assert probes.ungranted(HARD) == "amd.com/gpu"
    assert probes.over_quota({"pods": "4"}) is None
    assert probes.ungranted({"requests.nvidia.com/gpu": "1"}) is None


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (refused("exceeded quota: accel-quota, requested: requests.nvidia.com/gpu=17"), probes.PASSED),
        (refused("exceeded quota: base-quota, requested: pods=1"), probes.FAILED),
        (refused("denied by somebody else"), probes.FAILED),
        (refused("exceeded quota requests.nvidia.com/gpu", 500), probes.FAILED),
        (errors.UnreachableError("away"), probes.FAILED),
        (None, probes.FAILED),
    ],
)
def test_only_the_right_refusal_passes(answer: errors.PlatformError | None, status: str) -> None:
    finding = probes.judge_refusal("Q1", "an agent", answer, ["exceeded quota", "requests.nvidia.com/gpu"])
    assert finding.status == status


def pod(namespace: str, node: str, owner: str = "ReplicaSet", phase: str = "Running") -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "namespace": namespace, "ownerReferences": [{"kind": owner}]},
        "spec": {"nodeName": node},
        "status": {"phase": phase},
    }


def test_alone_on_its_nodes_passes_whatever_belongs_to_the_node_itself() -> None:
    pods = [
        pod("t-acme", "n1"),
        pod("kube-system", "n1", "DaemonSet"),
        pod("x", "n1", phase="Succeeded"),
        pod("x", "n2"),
    ]
    assert probes.judge_placement(REQUEST, pods, {}).status == probes.PASSED


def test_sharing_fails_unless_declared_and_names_who() -> None:
    pods = [pod("t-acme", "n1"), pod("t-b", "n1"), pod("longhorn-system", "n1")]
    finding = probes.judge_placement(REQUEST, pods, {"t-b": "b"})
    assert finding.status == probes.FAILED
    assert "n1: tenant b" in finding.detail
    assert "platform pod longhorn-system/p" in finding.detail
    shared = replace(REQUEST, level="shared", accept_risk=True)
    assert probes.judge_placement(shared, pods, {"t-b": "b"}).status == probes.LEAK
    assert probes.judge_placement(replace(REQUEST, level="shared"), pods, {}).status == probes.FAILED


def test_no_pod_no_proof() -> None:
    assert probes.judge_placement(REQUEST, [], {}).status == probes.SKIPPED


def test_the_modelled_agent_asks_for_the_accelerator_and_almost_nothing_else() -> None:
    template = {
        "metadata": {"labels": {"type": "agent"}},
        "spec": {
            "resources": {"limits": {"cpu": "96"}},
            "containers": [{"name": "k3k-agent", "image": "r/k3s:v", "resources": {"limits": {"cpu": "96"}}}],
        },
    }
    replica_set = {"metadata": {"name": "k3k-acme-agent-1", "namespace": "t-acme", "uid": "u"}}
    made = probes.one_more_agent(template, replica_set, {"nvidia.com/gpu": "17"})
    assert made["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "0", "memory": "0", "nvidia.com/gpu": "17"}
    assert "resources" not in made["spec"]
    assert made["metadata"]["ownerReferences"][0]["uid"] == "u"
    assert template["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "96"}
    assert probes.with_host_path(made)["spec"]["volumes"][-1]["hostPath"]["path"] == "/"


def test_bad_certificates_are_named() -> None:
    assert probes.judge_certificate(["tenant-admins-g1"], 2.0, 1.0) == []
    assert len(probes.judge_certificate(["system:masters"], 1.0, 2.0)) == 2


def test_only_the_declared_probes_make_a_run_fail() -> None:
    findings = [probes.Finding("Q1", probes.FAILED, ""), probes.Finding("P4", probes.LEAK, "")]
    assert probes.failures(REQUEST, findings) == [findings[0]]
    assert probes.failures(replace(REQUEST, fail_on=("K1",)), findings) == []


def test_unknown_probe_names_are_mistakes() -> None:
    with pytest.raises(errors.ConfigError, match=r"tenants\[a\].probes: 'Z9'"):
        probes.parse_probes([{"tenant": "a", "probes": ["Z9"]}])
