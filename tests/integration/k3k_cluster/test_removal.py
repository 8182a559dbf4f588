# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Traps 6, 7, 8 and 10: what outlives a Cluster, removals that hang, the token, policies in use (TEN-9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.k3k_homes import Home, actions, good, only, wish
from tests.integration.k3k_host import POLICY_LABEL, Kube, eventually
from tests.lab import Lab

pytestmark = pytest.mark.lab

APPS = "/apis/apps/v1"
CONTROLLER = f"{APPS}/namespaces/k3k-system/deployments/k3k"
BINDING = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/k3k-priorityclass"


def test_same_name_again_waits_for_the_old_pods(home: Callable[[str], Home], k3k: Callable[..., Any]) -> None:
    tenant = home("again")
    good(k3k([wish(tenant)]))
    old = tenant.server()["metadata"]["uid"]
    tenant.kube.delete(tenant.path)
    item = good(k3k([wish(tenant)]))
    assert ("create", "Cluster") in actions(item)
    server = tenant.server()
    assert server["metadata"]["uid"] != old
    assert server["metadata"]["creationTimestamp"] >= tenant.get()["metadata"]["creationTimestamp"]


@pytest.fixture
def without(kube: Kube) -> Iterator[Callable[[str], None]]:
    """Take something of the controller away until the end of the test."""
    kept: list[dict[str, Any]] = []

    def take(what: str) -> None:
        if what == "controller":
            kube.patch(CONTROLLER, {"spec": {"replicas": 0}})
            eventually("controller down", lambda: not kube.get(CONTROLLER)["status"].get("readyReplicas"))
        else:
            kept.append(kube.get(BINDING))
            kube.delete(BINDING)

    yield take
    for item in kept:
        if kube.get(BINDING) is None:
            metadata = {key: item["metadata"][key] for key in ("name", "labels", "annotations")}
            kube.create(BINDING.rpartition("/")[0], {**item, "metadata": metadata})
    kube.patch(CONTROLLER, {"spec": {"replicas": 1}})
    eventually("controller up", lambda: kube.get(CONTROLLER)["status"].get("readyReplicas"))


@pytest.mark.parametrize(
    ("what", "said"), [("binding", "k3k-priorityclass"), ("controller", "controller is not ready")]
)
def test_removal_that_would_hang_is_refused(
    home: Callable[[str], Home], k3k: Callable[..., Any], without: Callable[[str], None], what: str, said: str
) -> None:
    tenant = home(f"hang-{what[:4]}")
    good(k3k([wish(tenant)]))
    without(what)
    item = only(k3k([{"tenant": tenant.name, "state": "absent"}]))
    assert item["error"]["code"] == "refused"
    assert said in item["error"]["message"]
    assert item["changed"] is False
    assert "deletionTimestamp" not in tenant.get()["metadata"]


def test_removal_that_hangs_is_explained(
    home: Callable[[str], Home], k3k: Callable[..., Any], without: Callable[[str], None], lab: Lab
) -> None:
    """Somebody deleted it while the binding was missing: no status and no event tells, the finalizer does."""
    tenant = home("stuck")
    good(k3k([wish(tenant)]))
    without("binding")
    tenant.kube.delete(tenant.path)
    item = only(k3k([wish(tenant)]))
    assert item["error"]["code"] == "stuck"
    assert "cluster.k3k.io/finalizer" in item["error"]["message"]
    assert "k3k-priorityclass" in item["error"]["next_step"]


def test_token_made_in_advance_survives(home: Callable[[str], Home], k3k: Callable[..., Any], kube: Kube) -> None:
    tenant = home("kept")
    tenant.make_namespace()
    secrets = f"/api/v1/namespaces/{tenant.namespace}/secrets"
    token = {"name": f"k3k-{tenant.name}-token"}
    kube.create(secrets, {"apiVersion": "v1", "kind": "Secret", "metadata": token, "stringData": {"token": "a" * 32}})
    version = kube.get(f"{secrets}/{token['name']}")["metadata"]["resourceVersion"]
    good(k3k([wish(tenant)]))
    good(k3k([wish(tenant, server_args=["--disable=traefik"])]))
    assert not k3k([{"tenant": tenant.name, "state": "absent"}]).get("failed")
    assert kube.get(f"{secrets}/{token['name']}")["metadata"]["resourceVersion"] == version
    good(k3k([wish(tenant)]))


def test_policy_in_use_stays(home: Callable[[str], Home], k3k: Callable[..., Any], kube: Kube) -> None:
    tenant, guest = home("host"), home("guest")
    good(k3k([wish(tenant)]))
    guest.make_namespace(**{POLICY_LABEL: tenant.namespace})
    absent = {"tenant": tenant.name, "state": "absent"}
    kept = only(k3k([absent]))
    assert ("refuse", "VirtualClusterPolicy") in actions(kept)
    assert guest.namespace in kept["actions"][-1]["reason"]
    assert kube.get(tenant.policy) is not None
    assert tenant.get() is None
    forced = only(k3k([{**absent, "policy_removal": "always"}]))
    assert actions(forced) == [("remove", "VirtualClusterPolicy")]
    assert kube.get(tenant.policy) is None
