# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Each probe fails when what it proves is taken away (TEN-5): no check that cannot fail. And credentials (TEN-3)."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import yaml

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.names import FIELD_MANAGER
from tests.integration.helpers import run_module
from tests.integration.k3k_host import Kube, Refused, eventually
from tests.integration.playbooks.conftest import Begun
from tests.integration.playbooks.documents import GPU
from tests.lab import Lab
from tests.lab.api import Api

pytestmark = pytest.mark.lab

NAMESPACE = f"t-{GPU}"
SERVER_FIELDS = ("resourceVersion", "uid", "creationTimestamp", "managedFields", "generation")


@pytest.fixture
def api(three: Begun, lab: Lab) -> Api:
    assert three.site.converge().ok
    return lab.api()


def probe(lab: Lab, *probes: str, **item: Any) -> dict[str, str]:
    """Status of each probe of the first tenant."""
    keys = {}
    if "C1" in probes:
        keys = connection(lab)
        item = {"company": GPU.upper(), "credentials_secret": "clearml-agent-credentials", **item}
    result = run_module(
        "tenant_probe",
        {"kubeconfig": str(lab.kubeconfig), "tenants": [{"tenant": GPU, "probes": list(probes), **item}], **keys},
    )
    found = {finding["id"]: finding["status"] for finding in result["results"][0]["probes"]}
    assert bool(result.get("failed")) == ("failed" in found.values()), result
    return found


def connection(lab: Lab) -> dict[str, Any]:

    assert lab.clearml is not None
    with open(lab.clearml["credentials_file"], encoding="utf-8") as file:
        return {"api_url": lab.clearml["url"], "ca_path": lab.clearml["ca_file"], **json.load(file)}


@contextmanager
def without(api: Api, path: str) -> Iterator[None]:
    """Take an object away, and put it back."""
    held = api.request("GET", path)
    api.request("DELETE", path)
    try:
        yield
    finally:
        put_back(api, path, held)


def put_back(api: Api | Kube, path: str, held: dict[str, Any]) -> None:
    """Apply the object as the collection does: fields owned by another would refuse its next change."""
    for name in SERVER_FIELDS:
        held["metadata"].pop(name, None)
    held.pop("status", None)
    api.request("PATCH", f"{path}?fieldManager={FIELD_MANAGER}&force=true", held, "application/apply-patch+yaml")


def test_all_pass_as_declared(api: Api, lab: Lab) -> None:
    found = probe(lab, "Q1", "Q2", "Q3", "K1", "C1", "P4")
    assert set(found.values()) == {"passed"}


def test_q1_and_q2_fail_without_the_quota(api: Api, lab: Lab) -> None:
    with without(api, f"/api/v1/namespaces/{NAMESPACE}/resourcequotas/accel-quota"):
        assert probe(lab, "Q1")["Q1"] == "failed"


def test_q2_fails_when_the_quota_forgets_the_accelerator(api: Api, lab: Lab) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}/resourcequotas/accel-quota"
    held = api.request("GET", path)
    wider = copy.deepcopy(held["spec"])
    wider["hard"]["requests.amd.com/gpu"] = "4"
    api.request("PATCH", path, {"spec": wider}, "application/merge-patch+json")

    def let_through() -> bool:
        return api.request("GET", path)["status"]["hard"].get("requests.amd.com/gpu") == "4"

    try:
        eventually("the quota is in effect", let_through)
        # What is granted is asked for one more than granted; what is not granted must still be refused.
        assert set(probe(lab, "Q1", "Q2").values()) == {"passed"}
    finally:
        put_back(api, path, held)


def test_q3_fails_without_the_admission_policy(api: Api, lab: Lab) -> None:
    root = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
    ours = [
        item["metadata"]["name"]
        for item in api.request("GET", root)["items"]
        if (item["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "ai-tenancy"
    ]
    assert ours, "no binding of ours"
    bodies = {name: api.request("GET", f"{root}/{name}") for name in ours}
    for name in ours:
        api.request("DELETE", f"{root}/{name}")
    try:
        eventually("the policy is out of force", lambda: probe(lab, "Q3")["Q3"] == "failed")
    finally:
        for name, body in bodies.items():
            put_back(api, f"{root}/{name}", body)
    eventually("the policy is in force again", lambda: probe(lab, "Q3")["Q3"] == "passed")


def test_k1_fails_without_a_kubeconfig_and_without_rights_inside(api: Api, lab: Lab) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/tenant-kubeconfig"
    with without(api, path):
        assert probe(lab, "K1")["K1"] == "failed"
    inner = Kube(administrator(api))
    binding = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/ai-tenancy-tenant-admins"
    held = inner.request("GET", binding)
    inner.request("DELETE", binding)
    try:
        eventually("the rights are gone", lambda: probe(lab, "K1")["K1"] == "failed")
    finally:
        put_back(inner, binding, held)


def administrator(api: Api) -> dict[str, Any]:
    """k3k's own kubeconfig of the virtual cluster, turned to the address that the tenant uses."""
    secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    own = read(api.request("GET", f"{secrets}/k3k-{GPU}-kubeconfig"))
    handed_out = read(api.request("GET", f"{secrets}/tenant-kubeconfig"))
    own["clusters"][0]["cluster"]["server"] = handed_out["clusters"][0]["cluster"]["server"]
    return own


def read(secret: dict[str, Any]) -> dict[str, Any]:
    return dict(yaml.safe_load(base64.b64decode(secret["data"]["kubeconfig.yaml"])))


def test_c1_fails_with_the_credentials_of_another_company_and_with_the_platforms(api: Api, lab: Lab) -> None:
    assert probe(lab, "C1", company="NOT-THIS-ONE")["C1"] == "failed"
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/clearml-agent-credentials"
    held = api.request("GET", path)
    keys = connection(lab)
    platform = {
        "agentk8sglue_key": base64.b64encode(keys["access_key"].encode()).decode(),
        "agentk8sglue_secret": base64.b64encode(keys["secret_key"].encode()).decode(),
    }
    api.request("PATCH", path, {"data": platform}, "application/merge-patch+json")
    try:
        assert probe(lab, "C1")["C1"] == "failed"
    finally:
        put_back(api, path, held)


def test_p4_fails_when_the_platform_runs_on_the_tenants_node(api: Api, lab: Lab) -> None:
    agents = api.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=type%3Dagent")["items"]
    node = agents[0]["spec"]["nodeName"]
    pod = {
        "metadata": {"name": "neighbour"},
        "spec": {"nodeName": node, "containers": [{"name": "n", "image": "example.test/n:1"}]},
    }
    api.request("POST", "/api/v1/namespaces/default/pods", pod)
    try:
        assert probe(lab, "P4")["P4"] == "failed"
        assert probe(lab, "P4", isolation="shared", accept_risk=True)["P4"] == "leak"
    finally:
        api.request("DELETE", "/api/v1/namespaces/default/pods/neighbour")


def test_a_revoked_kubeconfig_has_no_rights_even_after_a_new_one_was_issued(api: Api, lab: Lab) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/tenant-kubeconfig"
    old = read(api.request("GET", path))
    server = old["clusters"][0]["cluster"]["server"]
    wanted = {"tenant": GPU, "server": server, "ttl": 720 * 3600, "rotate_before": 168 * 3600}
    options = {"kubeconfig": str(lab.kubeconfig)}
    assert Kube(old).request("GET", "/api/v1/namespaces")["items"]

    gone = run_module("k3k_kubeconfig", {**options, "kubeconfigs": [{"tenant": GPU, "state": "absent"}]})
    assert gone["changed"], gone
    with pytest.raises(Refused, match="forbidden"):
        Kube(old).request("GET", "/api/v1/namespaces")

    again = run_module("k3k_kubeconfig", {**options, "kubeconfigs": [wanted]})
    assert again["changed"], again
    new = read(api.request("GET", path))
    assert Kube(new).request("GET", "/api/v1/namespaces")["items"]
    with pytest.raises(Refused, match="forbidden"):
        Kube(old).request("GET", "/api/v1/namespaces")
    assert not run_module("k3k_kubeconfig", {**options, "kubeconfigs": [wanted]})["changed"]


def test_a_kubeconfig_that_expires_soon_is_issued_anew_and_check_mode_only_says_so(api: Api, lab: Lab) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/tenant-kubeconfig"
    before = api.request("GET", path)
    server = read(before)["clusters"][0]["cluster"]["server"]
    wanted = {"tenant": GPU, "server": server, "ttl": 720 * 3600, "rotate_before": 720 * 3600 - 1}
    options = {"kubeconfig": str(lab.kubeconfig), "kubeconfigs": [wanted]}
    plan = run_module("k3k_kubeconfig", options, check=True)
    assert [action["reason"] for action in plan["results"][0]["actions"]] == ["it expires soon"]
    assert api.request("GET", path) == before
    assert run_module("k3k_kubeconfig", options)["changed"]
    assert read(api.request("GET", path)) != read(before)
