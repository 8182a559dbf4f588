# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""k3k_cluster through the life of a tenant: create, plan, refuse, remove (TEN-2, TEN-9, X-1, X-4, X-6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.helpers import finish_module, start_module
from tests.integration.k3k_homes import GPUS, Home, actions, only, wish
from tests.integration.k3k_host import POLICY_LABEL, Kube

pytestmark = pytest.mark.lab


def test_create_again_and_remove(home: Callable[[str], Home], k3k: Callable[..., Any]) -> None:
    """Three at once; the second run changes nothing though the API and the controller filled in defaults."""
    tenants = [home(f"life-{letter}") for letter in "abc"]
    wishes = [wish(tenant, agents=1, worker_limit={"cpu": "2", "memory": "4Gi"}) for tenant in tenants]
    first = k3k(wishes)
    assert not first.get("failed"), first["msg"]
    assert [item["item"] for item in first["results"]] == [tenant.name for tenant in tenants]
    for tenant, item in zip(tenants, first["results"], strict=True):
        assert actions(item) == [("create", "VirtualClusterPolicy"), ("create", "Namespace"), ("create", "Cluster")]
        assert item["ready"] is True
        assert item["phase"] == "Ready"
        assert item["servers"] == {"wanted": 1, "updated": 1, "ready": 1, "terminating": 0}
        assert item["internal_url"] == f"https://k3k-{tenant.name}-service.{tenant.namespace}"
        labels = tenant.get()["metadata"]["labels"]
        assert labels["ai-tenancy.platform/tenant"] == tenant.name
        spec = tenant.kube.get(tenant.policy)["spec"]
        assert (spec["allowedMode"], spec["podSecurityAdmissionLevel"]) == ("virtual", "privileged")
        assert spec["disableNetworkPolicy"] is True
        assert "quota" not in spec
    second = k3k(wishes)
    assert second["changed"] is False
    assert [item["actions"] for item in second["results"]] == [[], [], []]

    removed = k3k([{"tenant": tenant.name, "state": "absent"} for tenant in tenants])
    assert not removed.get("failed"), removed["msg"]
    for tenant, item in zip(tenants, removed["results"], strict=True):
        assert ("remove", "Cluster") in actions(item)
        assert item["phase"] == "Absent"
        # gone means all of it, not the Cluster alone
        assert tenant.get() is None
        assert tenant.pods("role=server") + tenant.pods("type=agent") == []
        assert tenant.claims() == {}
        assert tenant.kube.get(tenant.policy) is None
    again = k3k([{"tenant": tenant.name, "state": "absent"} for tenant in tenants])
    assert again["changed"] is False


def test_check_mode_tells_the_truth(home: Callable[[str], Home], k3k: Callable[..., Any]) -> None:
    """Before creating, changing and removing: the same actions as the run itself, and nothing written."""
    tenant = home("check")
    create = wish(tenant, agents=2, worker_limit=GPUS)
    change = wish(tenant, agents=2, worker_limit={**GPUS, "cpu": "5"})
    remove = {"tenant": tenant.name, "state": "absent"}
    for item, options in ((create, {}), (change, {"allow_disruptive": True}), (remove, {})):
        before = tenant.get()
        said = only(k3k([item], check=True, diff=True, **options))
        assert tenant.get() == before
        done = k3k([item], diff=True, **options)
        assert not done.get("failed"), done["msg"]
        assert said["changed"] is only(done)["changed"] is True
        assert said["actions"] == only(done)["actions"]


def test_namespace_must_be_there(home: Callable[[str], Home], k3k: Callable[..., Any], kube: Kube) -> None:
    """A missing or unbound namespace is refused with the next step; the other items go on."""
    lost, bound, foreign = home("lost"), home("bound"), home("foreign")
    bound.make_namespace(**{"example.com/keep": "me"})
    foreign.make_namespace(**{POLICY_LABEL: "another"})
    result = k3k([wish(lost, create_namespace=False), wish(bound), wish(foreign)])
    first, second, third = result["results"]
    assert first["error"]["code"] == "refused"
    assert "tenant_guard" in first["error"]["next_step"]
    assert second["ready"] is True
    assert ("change", "Namespace") in actions(second)
    labels = kube.get(f"/api/v1/namespaces/{bound.namespace}")["metadata"]["labels"]
    assert labels["example.com/keep"] == "me"  # bound by a patch of one label, nothing else touched
    assert labels[POLICY_LABEL] == bound.namespace
    assert "bound to the policy another" in third["error"]["message"]
    assert "1 of" not in result["msg"]
    assert result["msg"].startswith("2 of 3 failed")


def test_bad_input_is_refused_at_once() -> None:
    """All mistakes in one message, without any server; and a secret among them is not shown anywhere (X-5, X-6)."""
    item = {"name": "a.b", "version": "v1.34.4+k3s1", "servers": 2, "server_args": ["--token=s3cr3t-t0ken"]}
    process = start_module("k3k_cluster", {"clusters": [item], "kubeconfig": "/nonexistent"})
    run = finish_module(process)
    assert run.result["failed"] is True
    assert len(run.result["error"]["problems"]) == 4, run.result["msg"]
    assert "s3cr3t-t0ken" not in run.output
