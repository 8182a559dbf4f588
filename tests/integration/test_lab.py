# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The laboratory is what the tests take it for: a real control plane, played nodes, faults that are seen and named."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
import urllib.error
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Lab, LabError
from tests.lab.api import opener
from tests.lab.description import PROJECT
from tests.lab.process import of_lab

pytestmark = pytest.mark.lab

K3S_IMAGE = "rancher/k3s:v1.34.4-k3s1"


def eventually(look: Callable[[], Any], wanted: Callable[[Any], bool], seconds: float = 20) -> Any:
    """Return what C(look) sees as soon as it is wanted; fail with the last sight when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if wanted(seen):
            return seen
        if time.monotonic() > deadline:
            pytest.fail(f"not seen within {seconds:g} s; last: {json.dumps(seen, indent=1, default=str)[:2000]}")
        time.sleep(0.1)


class Namespace:
    """A namespace of the laboratory, with requests relative to it."""

    def __init__(self, lab: Lab, name: str) -> None:
        self._api, self.name = lab.api(), name

    def url(self, kind: str, name: str = "") -> str:
        group = {"statefulsets": "/apis/apps/v1"}.get(kind, "/api/v1")
        return f"{group}/namespaces/{self.name}/{kind}" + (f"/{name}" if name else "")

    def create(self, kind: str, body: dict[str, Any]) -> Any:
        return self._api.request("POST", self.url(kind), body)

    def read(self, kind: str, name: str) -> Any:
        try:
            return self._api.request("GET", self.url(kind, name))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def delete(self, kind: str, name: str) -> Any:
        return self._api.request("DELETE", self.url(kind, name))

    def merge(self, kind: str, name: str, body: dict[str, Any]) -> Any:
        return self._api.request("PATCH", self.url(kind, name), body, "application/merge-patch+json")

    def pod(self, name: str, image: str = K3S_IMAGE, limits: dict[str, str] | None = None, **metadata: Any) -> None:
        container = {"name": "c", "image": image, "resources": {"limits": limits or {}}}
        self.create("pods", {"metadata": {"name": name, **metadata}, "spec": {"containers": [container]}})

    def wait_pod(self, name: str, wanted: Callable[[Any], bool], seconds: float = 20) -> Any:
        return eventually(lambda: self.read("pods", name), wanted, seconds)


@pytest.fixture
def namespace(lab: Lab) -> Iterator[Namespace]:
    name = f"lab-{uuid.uuid4().hex[:8]}"
    api = lab.api()
    api.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    space = Namespace(lab, name)
    # The controller manager makes it; a pod before it is refused.
    eventually(lambda: space.read("serviceaccounts", "default"), bool)
    yield space
    api.request("DELETE", f"/api/v1/namespaces/{name}")


def ready(pod: Any) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def waiting_reason(pod: Any) -> str:
    statuses = pod["status"].get("containerStatuses", [{}])
    return str(statuses[0].get("state", {}).get("waiting", {}).get("reason", ""))


def test_the_server_is_the_release(lab: Lab) -> None:
    assert lab.api().request("GET", "/version")["gitVersion"] == "v1.34.4"


def test_anonymous_requests_are_refused(lab: Lab) -> None:
    trust = ssl.create_default_context(cafile=f"{lab.state}/pki/ca.crt")
    with pytest.raises(urllib.error.HTTPError) as refused:
        opener(trust).open(f"{lab.api_url}/version", timeout=10)
    assert refused.value.code == 401


@pytest.mark.parametrize(
    ("resource", "pool"),
    [("nvidia.com/gpu", "gpu-a-"), ("nvidia.com/mig-1g.10gb", "mig-"), ("amd.com/gpu", "amd-")],
)
def test_a_pod_with_an_accelerator_runs_on_a_node_that_has_it(namespace: Namespace, resource: str, pool: str) -> None:
    namespace.pod("p", limits={resource: "4"})
    pod = namespace.wait_pod("p", ready)
    assert pod["spec"]["nodeName"].startswith(pool)
    assert pod["status"]["phase"] == "Running"


def test_a_pod_larger_than_every_node_waits(namespace: Namespace) -> None:
    namespace.pod("p", limits={"nvidia.com/gpu": "9"})
    pod = namespace.wait_pod("p", lambda pod: "conditions" in pod["status"])
    assert pod["status"]["conditions"][0]["reason"] == "Unschedulable"
    assert "Insufficient nvidia.com/gpu" in pod["status"]["conditions"][0]["message"]


def test_the_quota_refuses_what_is_above_it(namespace: Namespace) -> None:
    hard = {"requests.nvidia.com/gpu": "8"}
    namespace.create("resourcequotas", {"metadata": {"name": "q"}, "spec": {"hard": hard}})
    eventually(lambda: namespace.read("resourcequotas", "q"), lambda quota: quota.get("status", {}).get("hard") == hard)
    namespace.pod("a", limits={"nvidia.com/gpu": "4"})
    namespace.pod("b", limits={"nvidia.com/gpu": "4"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        namespace.pod("c", limits={"nvidia.com/gpu": "1"})
    assert refused.value.code == 403
    assert b"exceeded quota: q, requested: requests.nvidia.com/gpu=1" in refused.value.read()
    namespace.delete("pods", "a")
    namespace.wait_pod("a", lambda pod: pod is None)
    eventually(
        lambda: namespace.read("resourcequotas", "q")["status"]["used"], lambda used: set(used.values()) == {"4"}
    )


def test_a_k3k_server_is_ready_after_its_start_time_only(lab: Lab, namespace: Namespace) -> None:
    namespace.pod("p", labels={"cluster": "x", "role": "server"})
    pod = namespace.wait_pod("p", lambda pod: pod["status"].get("phase") == "Running")
    begin = time.monotonic()
    assert not ready(pod)
    namespace.wait_pod("p", ready)
    assert time.monotonic() - begin >= lab.options.k3k_server_start - 1


@pytest.mark.parametrize(
    ("image", "reasons"),
    [
        ("rancher/k3s:v9.9.9+k3s1", ["InvalidImageName"]),
        ("registry.example:5000/rancher/k3s:v1-missing", ["ErrImagePull", "ImagePullBackOff"]),
    ],
)
def test_an_image_that_cannot_be_had_is_told_as_by_a_kubelet(
    namespace: Namespace, image: str, reasons: list[str]
) -> None:
    namespace.pod("p", image=image, labels={"cluster": "x", "role": "server"})
    for reason in reasons:
        pod = namespace.wait_pod("p", lambda pod, reason=reason: waiting_reason(pod) == reason)
        assert pod["status"]["phase"] == "Pending"
    message = pod["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    assert image in message


@pytest.mark.parametrize("image", ["busybox", "a/b:1", "r.example:5000/a/b_c:v1.2-x", "rancher/k3s@sha256:" + "0" * 64])
def test_a_usual_image_reference_runs(namespace: Namespace, image: str) -> None:
    namespace.pod("p", image=image)
    namespace.wait_pod("p", ready)


def test_a_finalizer_keeps_a_stopped_pod_until_it_is_let_go(namespace: Namespace) -> None:
    namespace.pod("p", finalizers=["example.com/keep"])
    namespace.wait_pod("p", ready)
    namespace.delete("pods", "p")
    pod = namespace.wait_pod("p", lambda pod: pod["status"]["phase"] == "Failed")
    assert not ready(pod)
    time.sleep(2)
    assert namespace.read("pods", "p") is not None
    namespace.merge("pods", "p", {"metadata": {"finalizers": None}})
    namespace.wait_pod("p", lambda pod: pod is None)


def test_a_statefulset_gets_its_volume(namespace: Namespace) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    mount = [{"name": "data", "mountPath": "/data"}]
    template = {
        "metadata": {"labels": {"app": "s"}},
        "spec": {"containers": [{"name": "c", "image": K3S_IMAGE, "volumeMounts": mount}]},
    }
    spec = {
        "replicas": 1,
        "serviceName": "s",
        "selector": {"matchLabels": {"app": "s"}},
        "template": template,
        "volumeClaimTemplates": [claim],
    }
    namespace.create("statefulsets", {"metadata": {"name": "s"}, "spec": spec})
    eventually(lambda: namespace.read("statefulsets", "s"), lambda item: item["status"].get("readyReplicas") == 1)
    volume = namespace.read("persistentvolumeclaims", "data-s-0")
    assert volume["status"]["phase"] == "Bound"
    assert volume["spec"]["storageClassName"] == "longhorn"


def test_a_claim_of_a_class_that_nobody_serves_waits(namespace: Namespace) -> None:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "unserved",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    namespace.create("persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": spec})
    time.sleep(2)
    assert namespace.read("persistentvolumeclaims", "c")["status"]["phase"] == "Pending"


def command(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROJECT / "scripts" / "lab"), *argv], capture_output=True, text=True, check=False)


def test_a_crash_is_named_with_its_cause_and_healed(lab: Lab, namespace: Namespace) -> None:
    lab.kill("kube-scheduler")
    told = command("status", "--name", lab.name)
    assert told.returncode == 1
    assert "kube-scheduler           CRASHED    signal 9 (SIGKILL)" in told.stdout
    assert json.loads(command("status", "--json", "--name", lab.name).stdout)["parts"]["kube-scheduler"]["log_tail"]
    healed = command("up", "--name", lab.name)
    assert healed.returncode == 0, healed.stderr
    assert command("status", "--name", lab.name).returncode == 0
    namespace.pod("p")
    namespace.wait_pod("p", ready)


def test_stopped_is_not_crashed(lab: Lab) -> None:
    lab.stop("kube-scheduler")
    try:
        assert lab.status()["kube-scheduler"].process.state == "stopped"
        assert command("status", "--name", lab.name).returncode == 0
        with pytest.raises(LabError, match="is stopped"):
            lab.kill("kube-scheduler")
    finally:
        lab.start("kube-scheduler")


def test_nodes_are_played_at_once_after_kwok_crashed(lab: Lab, namespace: Namespace) -> None:
    lab.kill("kwok")
    lab.start("kwok")
    namespace.pod("p")
    namespace.wait_pod("p", ready, seconds=10)


def test_the_api_server_comes_back_with_everything(lab: Lab, namespace: Namespace) -> None:
    namespace.pod("p")
    namespace.wait_pod("p", ready)
    lab.kill("kube-apiserver")
    with pytest.raises(OSError, match="refused"):
        lab.api().request("GET", "/version")
    lab.start("kube-apiserver")
    assert namespace.read("pods", "p")["status"]["phase"] == "Running"
    namespace.pod("q")
    namespace.wait_pod("q", ready)


def test_other_options_for_a_running_laboratory_are_refused(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"other options.*scripts/lab down"):
        Lab.up(lab.name, nodes=lab.options.nodes + 1)


def test_an_unknown_part_is_refused_with_the_known_ones(lab: Lab) -> None:
    with pytest.raises(LabError, match=r"'kubelet' is not allowed; allowed: etcd, kube-apiserver"):
        lab.stop("kubelet")


@pytest.fixture
def beside(lab: Lab) -> Iterator[Lab]:
    """A small laboratory of its own, beside the one that all tests share."""
    other = Lab.up("test-beside", clearml=False, nodes=1)
    yield other
    other.down()


def test_a_second_laboratory_stands_beside_and_leaves_nothing(lab: Lab, beside: Lab) -> None:
    assert beside.address != lab.address
    assert all(state.ok for state in [*beside.status().values(), *lab.status().values()])
    assert len(of_lab(beside.state)) >= 2 * len(beside.parts)  # each part and its runner
    beside.down()
    assert of_lab(beside.state) == []
    assert {path.name for path in beside.state.iterdir()} == {"logs"}
    assert lab.api().request("GET", "/version")
    beside.down()  # a second time does nothing


def test_a_virtual_cluster_s_api_server_ends_with_the_controller_and_with_the_laboratory(beside: Lab) -> None:
    def inner() -> list[str]:
        lines = [Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") for pid in of_lab(beside.state)]
        return [line[1].decode() for line in lines if b"--etcd-prefix" in b" ".join(line)]

    beside.api().request("POST", "/api/v1/namespaces", {"metadata": {"name": "t"}})
    spec = {"mode": "virtual", "version": "v1.33.5-k3s1", "servers": 1, "expose": {"nodePort": {}}}
    body = {"apiVersion": "k3k.io/v1beta1", "kind": "Cluster", "metadata": {"name": "c"}, "spec": spec}
    beside.api().request("POST", "/apis/k3k.io/v1beta1/namespaces/t/clusters", body)
    eventually(inner, lambda seen: seen == ["kube-apiserver"], seconds=60)
    beside.kill("k3k")
    assert inner() == []
    beside.start("k3k")
    eventually(inner, lambda seen: seen == ["kube-apiserver"], seconds=60)
    beside.down()
    assert of_lab(beside.state) == []
