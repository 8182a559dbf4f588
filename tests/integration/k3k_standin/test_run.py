# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A normal run, the API inside, and how little phase Ready says."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.integration.k3k_host import CLUSTERS, Kube, Object, Tenant, eventually, mark, marked

pytestmark = pytest.mark.lab


def test_first_run(tenant: Callable[..., Tenant]) -> None:
    """Phases in order with one passing Failed; then defaults, objects, events, label as observed (TEN-4)."""
    acme = tenant("acme")
    with acme.history() as history:
        stored = acme.kube.create(
            CLUSTERS.format(acme.namespace),
            {
                "apiVersion": "k3k.io/v1beta1",
                "kind": "Cluster",
                "metadata": {"name": "acme"},
                "spec": {"mode": "virtual", "agents": 1, "tlsSANs": ["tenant.example.com", "192.0.2.10"]},
            },
        )
        assert stored["status"] == {"phase": "Unknown"}
        assert "persistence" not in stored["spec"]
        acme.wait("Ready")
        eventually("label", lambda: "provider.cattle.io" in history.states[-1].labels)
    assert history.phases() == ["Unknown", "Provisioning", "Failed", "Ready"]
    assert [state.message for state in history.states if state.phase == "Provisioning"] == [
        "Cluster is being provisioned",
        "Cluster is being provisioned",
        "server not ready",
    ]
    failed, ready = history.first("Failed"), history.first("Ready")
    assert failed.message == 'failed creating virtual client: Secret "k3k-acme-kubeconfig" not found'
    assert 0.2 < ready.at - failed.at < 5, "visible, and over by itself"
    assert ready.labels == (), "the label is written after Ready"
    cluster = acme.get()
    assert cluster["spec"]["persistence"] == {"type": "dynamic", "storageRequestSize": "2G"}
    assert cluster["metadata"]["generation"] == 2, "the finalizer's write made the defaults appear"
    assert {event["count"] for event in acme.events("Cluster", "ProvisioningFailed")} == {1}
    assert {event["source"]["component"] for event in acme.events("Cluster", "Provisioned")} == {
        "k3k-cluster-controller"
    }
    check_objects(acme, cluster)


def check_objects(acme: Tenant, cluster: Object) -> None:
    service = acme.service()
    address = service["spec"]["clusterIP"]
    assert cluster["status"]["tlsSANs"] == sorted(
        [address, "192.0.2.10", "k3k-acme-service", "k3k-acme-service.it-acme", "tenant.example.com"]
    )
    assert [(port["name"], port["port"], port["targetPort"]) for port in service["spec"]["ports"]] == [
        ("k3s-server-port", 443, 6443),
        ("k3s-etcd-port", 2379, 2379),
    ]
    assert acme.kubeconfig()["clusters"][0]["cluster"]["server"] == f"https://{address}"
    secrets = {item["metadata"]["name"] for item in acme.kube.items(acme.in_namespace("secrets"))}
    assert secrets == {
        f"k3k-acme-{name}"
        for name in ("token", "bootstrap", "kubeconfig", "init-server-config", "server-config", "agent-config")
    }
    bootstrap = json.loads(acme.secret("bootstrap", "bootstrap"))
    assert bootstrap["serverCA"]["Content"].encode() == acme.inner().authority
    claim = acme.kube.get(acme.in_namespace("persistentvolumeclaims") + "/varlibrancherk3s-k3k-acme-server-0")
    assert claim["metadata"]["ownerReferences"][0]["kind"] == "Cluster"
    owners = [acme.service(), acme.stateful_set(), acme.deployment(), claim]
    assert {item["metadata"]["ownerReferences"][0]["uid"] for item in owners} == {cluster["metadata"]["uid"]}
    for binding in ("k3k-kubelet-node", "k3k-priorityclass"):
        subjects = acme.kube.get(f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{binding}")["subjects"]
        assert {"kind": "ServiceAccount", "name": "k3k-acme-kubelet", "namespace": "it-acme"} in subjects


def test_inner_api(tenant: Callable[..., Tenant]) -> None:
    """The virtual cluster is a real API: Nodes per pod, signed requests, and lost agents that stay NotReady."""
    acme = tenant("inner")
    acme.create(
        agents=1,
        version="v1.33.1-k3s1",
        workerLimit={"nvidia.com/gpu": 2, "cpu": "8"},
        expose={"nodePort": {"serverPort": 30043}},
    )
    acme.wait_settled()
    inner = Kube(acme.kubeconfig(), acme.inner().server.rsplit(":", 1)[0] + ":30043")
    nodes = eventually("two ready nodes", lambda: nodes_of(inner, "True", "True"))
    agent = next(node for node in nodes if "agent" in node["metadata"]["name"])
    assert agent["status"]["capacity"]["nvidia.com/gpu"] == "2"
    assert agent["status"]["nodeInfo"]["kubeletVersion"] == "v1.33.1+k3s1"
    assert signed_subject(inner) == "subject=O=tenant-admins, CN=joe"

    pod = acme.pods("type=agent")[0]["metadata"]["name"]
    acme.kube.delete(acme.in_namespace("pods") + "/" + pod)
    eventually("the new agent's node, and the old one's", lambda: nodes_of(inner, "True", "True", "Unknown"))


def nodes_of(inner: Kube, *ready: str) -> list[Object] | None:
    """The nodes, as soon as the status of their condition Ready is this, in any order."""
    nodes = inner.items("/api/v1/nodes")
    return nodes if sorted(map(node_ready, nodes)) == sorted(ready) else None


def node_ready(node: Object) -> str:
    """Status of the condition Ready; a Node that was created a moment ago has no conditions yet."""
    conditions = node["status"].get("conditions") or ()
    return next((str(c["status"]) for c in conditions if c["type"] == "Ready"), "absent")


def signed_subject(inner: Kube) -> str:
    """Have a certificate signed for a user and return its subject as openssl prints it."""
    run = [
        "openssl",
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-keyout",
        "/dev/null",
    ]
    request = subprocess.run([*run, "-subj", "/O=tenant-admins/CN=joe"], capture_output=True, check=True).stdout
    collection = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    item = inner.create(
        collection,
        {
            "apiVersion": "certificates.k8s.io/v1",
            "kind": "CertificateSigningRequest",
            "metadata": {"name": "joe"},
            "spec": {
                "request": base64.b64encode(request).decode(),
                "usages": ["client auth"],
                "expirationSeconds": 3600,
                "signerName": "kubernetes.io/kube-apiserver-client",
            },
        },
    )
    item["status"]["conditions"] = [{"type": "Approved", "status": "True", "reason": "Test"}]
    inner.request("PUT", f"{collection}/joe/approval", item)
    certificate = eventually("signed", lambda: inner.get(f"{collection}/joe")["status"].get("certificate"))
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-subject", "-nameopt", "sep_comma_plus_space"],
        input=base64.b64decode(certificate),
        capture_output=True,
        check=True,
    ).stdout
    return shown.decode().strip()


def test_ready_while_a_rollout_runs(tenant: Callable[..., Tenant]) -> None:
    """After a change of the template, phase says Ready until the old pod is gone; dynamic data survives."""
    acme = tenant("roll")
    acme.create(persistence={"type": "dynamic"}, version="v1.33.1-k3s1")
    acme.wait_settled()
    before, authority = acme.server()["metadata"]["uid"], acme.inner().authority
    mark(acme)
    with acme.history() as history:
        acme.patch(version="v1.33.2-k3s1")
        lying = eventually(
            "roll-out runs", lambda: acme.get() if "deletionTimestamp" in acme.server()["metadata"] else None
        )
        assert lying["status"]["phase"] == "Ready"
        assert "observedGeneration" not in lying["status"]["conditions"][0]
        eventually("new pod", lambda: (acme.server() or {"metadata": {"uid": before}})["metadata"]["uid"] != before)
        acme.wait_settled()
    assert history.phases() == ["Ready", "Provisioning", "Ready"]
    assert next(state for state in history.states if state.phase == "Provisioning").message == "server not ready"
    assert acme.inner().authority == authority
    assert marked(acme)


def test_ephemeral_tenant_is_lost(tenant: Callable[..., Tenant]) -> None:
    """A change of the template empties an ephemeral tenant: new authorities, nothing of the old objects."""
    acme = tenant("lost")
    acme.create()
    acme.wait_settled()
    old, before = acme.inner(), acme.server()["metadata"]["uid"]
    mark(acme)
    acme.patch(serverArgs=["--disable=traefik"])
    eventually("new pod", lambda: (acme.server() or {"metadata": {"uid": before}})["metadata"]["uid"] != before)
    acme.wait_settled()
    new = acme.inner()
    assert new.authority != old.authority
    assert not marked(acme)
    old.server = new.server
    with pytest.raises(OSError, match="certificate verify failed"):
        old.get("/version")


def test_sans_need_a_restart(tenant: Callable[..., Tenant]) -> None:
    """New tlsSANs reach the configuration at once and the served certificate never; nothing restarts."""
    acme = tenant("sans")
    acme.create()
    acme.wait_settled()
    before, first = acme.server()["metadata"]["uid"], acme.secret("kubeconfig", "kubeconfig.yaml")
    acme.patch(tlsSANs=["late.example.com"])
    eventually("configuration", lambda: b"late.example.com" in acme.secret("init-server-config", "config.yaml"))
    eventually("status", lambda: "late.example.com" in acme.get()["status"]["tlsSANs"])
    assert (acme.seen().phase, acme.server()["metadata"]["uid"]) == ("Ready", before)
    assert acme.stateful_set()["metadata"]["generation"] == 1
    host, port = acme.inner().server.removeprefix("https://").split(":")
    served = subprocess.run(
        ["openssl", "s_client", "-connect", f"{host}:{port}", "-showcerts"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    ).stdout
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=served, capture_output=True, check=True
    ).stdout.decode()
    assert "k3k-sans-service" in shown
    assert "late.example.com" not in shown
    assert acme.secret("kubeconfig", "kubeconfig.yaml") != first, "every reconcile issues a new certificate"


def test_servers_up_and_down(tenant: Callable[..., Tenant]) -> None:
    """1 to 3 and back restart server 0; the way down shows a passing Failed; a hand-made scale is undone."""
    acme = tenant("scale")
    acme.create(persistence={"type": "dynamic"}, agents=1)
    acme.wait_settled()
    first = acme.server()["metadata"]["uid"]
    acme.patch(servers=3)
    eventually(
        "server 0 restarted", lambda: (acme.server() or {"metadata": {"uid": first}})["metadata"]["uid"] != first
    )
    acme.wait_settled()
    assert len(acme.pods("role=server")) == 3
    second = acme.server()["metadata"]["uid"]
    with acme.history() as history:
        acme.patch(servers=1)
        eventually(
            "server 0 restarted", lambda: (acme.server() or {"metadata": {"uid": second}})["metadata"]["uid"] != second
        )
        acme.wait_settled()
    assert history.phases() == ["Ready", "Failed", "Provisioning", "Ready"]
    assert (
        "context deadline exceeded (Client.Timeout exceeded while awaiting headers)" in history.first("Failed").message
    )

    scale = {"spec": {"replicas": 2}}
    acme.kube.patch(acme.in_namespace("statefulsets", "server", "/apis/apps/v1"), scale)
    eventually("StatefulSet reverted", lambda: acme.stateful_set()["spec"]["replicas"] == 1, 10)
    acme.wait_settled()
    acme.wait_quiet()
    agents = acme.in_namespace("deployments", "agent", "/apis/apps/v1")
    acme.kube.patch(agents, {"metadata": {"annotations": {"mine": "x"}}, **scale})
    time.sleep(1)
    assert acme.deployment()["spec"]["replicas"] == 2, "Deployments are not watched"
    acme.touch()
    eventually("Deployment reverted", lambda: acme.deployment()["spec"]["replicas"] == 1, 10)
    assert "mine" not in acme.deployment()["metadata"].get("annotations", {}), "foreign annotations are wiped"
