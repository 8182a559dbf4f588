# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Services are protected by an explicit step that looks first, through the real API server (PLAT-4, X-1, X-6).

The API server's way to a Service is real; NeuVector behind it is a stand-in on this machine.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.k3k_host import Kube, Refused
from tests.integration.layers.conftest import PlatformSite
from tests.integration.playbooks.runner import Run
from tests.lab import Lab
from tests.lab.neuvector import PASSWORD, TOKEN, NeuVectorServer
from tests.lab.pki import Authority

pytestmark = pytest.mark.lab

NAMESPACE = "cattle-neuvector-system"
NAME = "neuvector-svc-controller-api"
POD = "neuvector-controller-pod-lab"
ROOT = f"/api/v1/namespaces/{NAMESPACE}"


@pytest.fixture
def kube(platform_lab: Lab) -> Kube:
    return Kube.from_file(platform_lab.kubeconfig)


def own_address() -> str:
    """An address of this machine that is no loopback: Kubernetes takes none for an endpoint."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing
        return str(probe.getsockname()[0])


@pytest.fixture
def controller(kube: Kube) -> Iterator[str]:
    """A pod that says it has an address of this machine: the API server forwards to addresses of pods only."""
    with contextlib.suppress(Refused):  # left by tests before
        kube.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    pods, address = f"{ROOT}/pods", own_address()
    spec = {"schedulerName": "nobody", "containers": [{"name": "controller", "image": "registry.example.com/none"}]}
    kube.create(pods, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": POD}, "spec": spec})
    kube.patch(f"{pods}/{POD}/status", {"status": {"podIP": address, "podIPs": [{"ip": address}]}})
    yield address
    kube.delete(f"{pods}/{POD}")


@pytest.fixture
def server(kube: Kube, controller: str, tmp_path: Path) -> Iterator[NeuVectorServer]:
    """The stand-in behind the Service that the chart would make."""
    authority = Authority(tmp_path, "neuvector").ensure()
    authority.issue("server", "server", names=(controller,))
    with NeuVectorServer(controller, (tmp_path / "server.crt", tmp_path / "server.key")) as running:
        running.services = {name: ["Monitor", "Monitor"] for name in ("web.shop", "db.shop", "x.other")}
        metadata = {"name": NAME, "namespace": NAMESPACE}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
        kube.create(f"{ROOT}/services", {**service, "spec": {"ports": [{"name": "controller-api", "port": 10443}]}})
        address = {"ip": controller, "targetRef": {"kind": "Pod", "namespace": NAMESPACE, "name": POD}}
        subset = {"addresses": [address], "ports": [{"name": "controller-api", "port": running.port}]}
        endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]}
        kube.create(f"{ROOT}/endpoints", endpoints)
        yield running
        kube.delete(f"{ROOT}/services/{NAME}")
        kube.delete(f"{ROOT}/endpoints/{NAME}")


def protect(site: PlatformSite, *arguments: str, **extra: str) -> Run:
    site.variables.update(suse_security_protect_namespaces=["shop"], suse_security_api_password=PASSWORD)
    run = site.run("security_protect", *arguments, **extra)
    assert PASSWORD not in run.output
    assert TOKEN not in run.output
    return run


def test_services_are_protected_when_they_are_ready_and_go_back(site: PlatformSite, server: NeuVectorServer) -> None:
    missing = protect(site)
    assert not missing.ok
    assert "suse_security_protect_confirm: '' is not allowed; allowed: 'shop'" in missing.failure
    assert server.requests == []

    consent = {"suse_security_protect_confirm": "shop"}
    plan = protect(site, "--check", "--diff", **consent)
    assert plan.ok, plan.failure
    assert plan.changed == 1
    assert [diff["after"]["policy_mode"] for diff in plan.diffs()] == ["Protect", "Protect"]
    assert server.services["web.shop"] == ["Monitor", "Monitor"]

    done = protect(site, **consent)
    assert done.ok, done.failure
    assert done.changed == 1
    assert server.services == {
        "web.shop": ["Protect", "Protect"], "db.shop": ["Protect", "Protect"], "x.other": ["Monitor", "Monitor"],
    }  # fmt: skip
    assert protect(site, **consent).changed == 0
    assert protect(site, suse_security_protect_mode="Monitor").changed == 1
    assert set(map(tuple, server.services.values())) == {("Monitor", "Monitor")}
    assert server.logins == 0


def test_what_is_not_ready_is_told_and_nothing_is_changed(site: PlatformSite, server: NeuVectorServer) -> None:
    server.services["db.shop"] = ["Discover", "Discover"]
    young, old = time.time() - 3600, time.time() - 48 * 3600
    server.events = {
        "violations": [
            {
                "client_service": "web.shop",
                "reported_timestamp": young,
                "reported_at": "today",
                "policy_action": "violate",
            }
        ],
        "incidents": [{"workload_service": "x.other", "reported_timestamp": old}],
    }
    consent = {"suse_security_protect_confirm": "shop"}
    run = protect(site, **consent)
    assert not run.ok
    assert run.changed == 0
    assert "web.shop: violation at today: violate" in run.failure
    assert "db.shop: it is in Discover; it must be in Monitor first" in run.failure
    assert "PATCH /v1/service/config" not in server.requests

    server.services["db.shop"] = ["Monitor", "Monitor"]
    server.events["violations"][0]["reported_timestamp"] = old
    server.lost_enforcers = 1
    run = protect(site, **consent)
    assert not run.ok
    assert "1 enforcers are not connected" in run.failure
    server.lost_enforcers = 0
    server.refuses_to_change = True
    run = protect(site, **consent)
    assert not run.ok
    assert "NeuVector took the request, but these are not in Protect: db.shop, web.shop" in run.failure

    site.variables["suse_security_protect_namespaces"] = ["kube-system"]
    run = site.run("security_protect", suse_security_protect_confirm="kube-system")
    assert not run.ok
    assert "namespaces: 'kube-system' is not allowed" in run.failure
    assert server.logins == 0


def test_a_wrong_password_is_told(site: PlatformSite, server: NeuVectorServer) -> None:
    site.variables.update(suse_security_protect_namespaces=["shop"], suse_security_api_password="another-password")
    run = site.run("security_protect", suse_security_protect_confirm="shop")
    assert not run.ok
    assert "NeuVector does not accept the login of admin" in run.failure
    assert "another-password" not in run.output
