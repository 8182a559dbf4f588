# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What deletion leaves behind and what stops it; what a restart of the controller takes over."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.integration.k3k_host import Kube, Refused, Tenant, eventually, mark, marked
from tests.lab import Lab

pytestmark = pytest.mark.lab


def test_deletion_leaves_pods_behind(tenant: Callable[..., Tenant]) -> None:
    """The Cluster is gone first; pods linger, claims go although the StatefulSet says Retain; user Secrets stay.
    The same name made again at once meets the old pod.
    """
    acme = tenant("again")
    acme.kube.create(
        acme.in_namespace("secrets"), {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mine"}, "data": {}}
    )
    acme.create(persistence={"type": "dynamic"})
    acme.wait_settled()
    acme.kube.delete(acme.path)
    eventually("Cluster gone", lambda: acme.get() is None, 5)
    assert acme.pods("role=server"), "pods outlive their Cluster"
    with acme.history() as history:
        acme.create(persistence={"type": "dynamic"})
        acme.wait("Failed", "status code: 401 Unauthorized")
        acme.wait_settled()
    assert history.phases()[-1] == "Ready"
    acme.kube.delete(acme.path)
    eventually("pods gone", lambda: not acme.pods("role=server"))
    eventually("claims gone", lambda: not acme.kube.items(acme.in_namespace("persistentvolumeclaims")))
    assert [item["metadata"]["name"] for item in acme.kube.items(acme.in_namespace("secrets"))] == ["mine"]
    for binding in ("k3k-kubelet-node", "k3k-priorityclass"):
        live = acme.kube.get(f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{binding}")
        assert acme.namespace not in {subject["namespace"] for subject in live.get("subjects") or ()}


def test_deletion_hangs_without_binding(tenant: Callable[..., Tenant], kube: Kube) -> None:
    """Without ClusterRoleBinding k3k-priorityclass deletion hangs, and nothing but the controller's log says so."""
    acme = tenant("hang")
    acme.create()
    acme.wait_settled()
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/k3k-priorityclass"
    binding = kube.get(path)
    kube.delete(path)
    try:
        acme.kube.delete(acme.path)
        time.sleep(2)
        stuck = acme.get()
        assert stuck["metadata"]["deletionTimestamp"]
        assert stuck["metadata"]["finalizers"] == ["cluster.k3k.io/finalizer"]
        assert stuck["status"]["phase"] == "Ready"
        assert not acme.events("Cluster", "ProvisioningFailed")[1:], "only the passing failure before Ready"
    finally:
        clean = {key: binding["metadata"][key] for key in ("name", "labels", "annotations")}
        kube.create(path.rpartition("/")[0], {**binding, "metadata": clean})
    eventually("Cluster gone", lambda: acme.get() is None)


def test_restart_of_the_controller(lab: Lab, tenant: Callable[..., Tenant]) -> None:
    """While the controller is away nothing moves; back again it takes over what is there, tenants' data included."""
    acme = tenant("adopt")
    acme.create(agents=1)
    acme.wait_settled()
    mark(acme)
    pods, authority = {pod["metadata"]["uid"] for pod in acme.pods("mode!=x")}, acme.inner().authority
    lab.kill("k3k")
    try:
        with pytest.raises(OSError, match=r"refused|reset"):
            acme.inner().get("/version")
        acme.patch(agents=2)
        time.sleep(1)
        assert acme.deployment()["spec"]["replicas"] == 1
    finally:
        lab.start("k3k")
    eventually("inner API back", lambda: answers(acme))
    assert acme.inner().authority == authority
    assert marked(acme)
    eventually("what was asked meanwhile", lambda: len(acme.pods("type=agent")) == 2)
    acme.wait_settled()
    assert {pod["metadata"]["uid"] for pod in acme.pods("mode!=x")} > pods


def answers(acme: Tenant) -> bool:
    try:
        return acme.inner().get("/apis") is not None
    except (OSError, Refused):
        return False


def test_ends_without_crds(lab: Lab, tenant: Callable[..., Tenant], tmp_path: Path) -> None:
    """The controller ends at once where its CRDs are not served, such as inside a virtual cluster."""
    acme = tenant("bare")
    acme.create()
    acme.wait_settled()
    kubeconfig = acme.kubeconfig()
    kubeconfig["clusters"][0]["cluster"]["server"] = acme.inner().server
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(kubeconfig), encoding="utf-8")
    argv = [lab.parts["k3k"].argv[0], "k3k", "--no-inner-api", f"--kubeconfig={file}", f"--state-dir={tmp_path}"]
    ended = subprocess.run(
        [*argv, f"--listen-address={lab.address}"], capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 1
    assert 'no matches for kind "Cluster" in version "k3k.io/v1beta1"' in ended.stderr
