# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""How failures show, how they are retried, and what heals them."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pytest

from tests.integration.k3k_host import Tenant, eventually

pytestmark = pytest.mark.lab


def test_cause_only_in_events(tenant: Callable[..., Tenant]) -> None:
    """When pod security refuses the server, the Cluster says "server not ready" for ever; the event says why."""
    acme = tenant("refused", **{"pod-security.kubernetes.io/enforce": "restricted"})
    acme.create()
    events = eventually("event", lambda: acme.events("StatefulSet", "FailedCreate"))
    assert 'violates PodSecurity "restricted:latest": privileged' in events[0]["message"]
    seen = acme.wait("Provisioning", "server not ready")
    assert seen.reason == "Provisioning"
    assert not acme.events("Cluster", "ProvisioningFailed")


def test_back_off_and_heal(tenant: Callable[..., Tenant]) -> None:
    """Failures are retried ever later with an event each; a repaired cause waits, any write to the Cluster heals."""
    acme = tenant("heal")
    acme.create(tokenSecretRef={"name": "nope", "namespace": acme.namespace})
    seen = acme.wait("Failed")
    assert (seen.reason, seen.message) == ("ProvisioningFailed", 'Secret "nope" not found')
    since = acme.get()["status"]["conditions"][0]["lastTransitionTime"]
    eventually(
        "fourteen retries, so the next one is 8 s away",
        lambda: acme.events("Cluster", "ProvisioningFailed")[0]["count"] >= 14,
    )
    assert acme.get()["status"]["conditions"][0]["lastTransitionTime"] == since, "does not tell how long"
    acme.kube.create(
        acme.in_namespace("secrets"),
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "nope"}, "stringData": {"token": "t0ken"}},
    )
    time.sleep(0.3)
    assert acme.seen().phase == "Failed", "Secrets are not watched"
    acme.touch()
    eventually("healed at once", lambda: acme.seen().phase != "Failed", 4)
    acme.wait_settled()
    assert acme.kube.get(acme.in_namespace("secrets", "token")) is None


def test_lost_token(tenant: Callable[..., Tenant]) -> None:
    """A deleted token Secret comes back with another token, which the servers refuse; the old value heals."""
    acme = tenant("token")
    acme.create()
    acme.wait_settled()
    token, path = acme.secret("token", "token"), acme.in_namespace("secrets", "token")
    acme.kube.delete(path)
    acme.touch()
    acme.wait("Failed", "failed executing '/v1-k3s/config' request to k3s server: status code: 401 Unauthorized")
    assert acme.secret("token", "token") != token
    acme.kube.patch(path, {"data": {"token": base64.b64encode(token).decode()}})
    acme.touch()
    acme.wait("Ready")


def test_immutable_persistence(tenant: Callable[..., Tenant]) -> None:
    """A change of persistence.type is admitted and fails later; the old value heals."""
    acme = tenant("disk")
    acme.create(persistence={"type": "dynamic"})
    acme.wait_settled()
    acme.patch(persistence={"type": "ephemeral"})
    seen = acme.wait("Failed")
    assert seen.message.startswith(
        'StatefulSet.apps "k3k-disk-server" is invalid: spec: Forbidden: updates to statefulset spec for fields other than'
    )
    acme.patch(persistence={"type": "dynamic"})
    acme.wait("Ready")


def test_other_modes_are_parked(tenant: Callable[..., Tenant]) -> None:
    """The stand-in does mode virtual only, and says so where the real controller reports mistakes."""
    acme = tenant("shared")
    acme.create(mode="shared")
    seen = acme.wait("Pending")
    assert (seen.reason, seen.message) == (
        "ValidationFailed",
        'cluster validation error: the laboratory\'s stand-in for k3k provisions mode "virtual" only, not "shared"',
    )


def test_mistakes_that_only_the_controller_finds(tenant: Callable[..., Tenant]) -> None:
    """Validation ends in Pending, unusable ports and hosts in Failed; the texts are the controller's."""
    acme = tenant("mistake")
    acme.create(expose={"ingress": {}}, tlsSANs=["192.0.2.1"])
    seen = acme.wait("Pending")
    assert (seen.reason, seen.message) == (
        "ValidationFailed",
        "cluster validation error: expose.ingress requires at least one DNS name in spec.tlsSANs to use as the ingress host",
    )
    acme.patch(tlsSANs=["b.example.invalid", "a.example.com"])
    acme.wait("Failed", 'failed to get server groups: Get "https://b.example.invalid/api": dial tcp: lookup')
    rules = acme.kube.get(acme.in_namespace("ingresses", "ingress", "/apis/networking.k8s.io/v1"))["spec"]["rules"]
    assert [rule["host"] for rule in rules] == ["b.example.invalid", "a.example.com"]
    assert acme.kubeconfig()["clusters"][0]["cluster"]["server"] == "https://b.example.invalid"
    acme.patch(expose={"ingress": None, "nodePort": {"serverPort": 443, "etcdPort": 0}})
    acme.wait("Failed", 'Service "k3k-mistake-service" is invalid: spec.ports: Required value')
    acme.patch(expose={"nodePort": None, "loadBalancer": {"serverPort": 8443, "etcdPort": -1}})
    acme.wait("Failed", '/v1-k3s/config": context deadline exceeded (Client.Timeout exceeded while awaiting headers)')
    assert [port["port"] for port in acme.service()["spec"]["ports"]] == [8443]
    acme.patch(expose={"loadBalancer": None})
    acme.wait("Ready")
    eventually(
        "Ingress removed",
        lambda: acme.kube.get(acme.in_namespace("ingresses", "ingress", "/apis/networking.k8s.io/v1")) is None,
    )
    acme.patch(
        customCAs={
            "enabled": True,
            "sources": {
                name: {"secretName": ""}
                for name in (
                    "clientCA",
                    "etcdPeerCA",
                    "etcdServerCA",
                    "requestHeaderCA",
                    "serverCA",
                    "serviceAccountToken",
                )
            },
        }
    )
    acme.wait("Pending", "cluster validation error: custom CA certificate secret is missing")
