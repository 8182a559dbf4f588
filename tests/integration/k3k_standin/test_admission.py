# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the API server of the laboratory answers to k3k objects is what a host with k3k v1.2.0-rc4 answers.

k3k has no admission webhook: all of this comes from the CRDs in tests/lab/k3k/crds. The modules recognise some of the
texts, so they are compared word for word (TEN-4).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.integration.k3k_host import CLUSTERS, POLICIES, Kube, Object, Refused, Tenant

pytestmark = pytest.mark.lab

QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
UNCHECKED = (
    "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)
LEVELS = '"privileged", "baseline", "restricted"'
EXPOSE = "ingress, loadbalancer and nodePort are mutually exclusive; only one can be set"


@pytest.fixture
def parked(kube: Kube) -> Iterator[Tenant]:
    """A Cluster whose server image cannot be had, so that nothing but admission acts on it."""
    tenant = Tenant(kube, "change")
    tenant.make_namespace()
    tenant.create(persistence={"storageRequestSize": "2G"}, clusterCIDR="10.60.0.0/16", version="garbage-missing")
    tenant.wait("Provisioning", "server not ready")
    yield tenant
    kube.delete(tenant.path)
    kube.delete(f"/api/v1/namespaces/{tenant.namespace}")


def mismatch(field: str, value: str, pattern: str) -> str:
    """Return the API server's words for a value that does not match its pattern."""
    return f"{field}: Invalid value: \"{value}\": {field} in body should match '{pattern}'"


#: What is sent, and what the API server answers after `Cluster.k3k.io "t" is invalid: ` (more than one: in brackets).
REFUSED: list[tuple[Object, list[str]]] = [
    ({"servers": 0}, ['spec.servers: Invalid value: "integer": cluster must have at least one server']),
    ({"agents": -1}, ['spec.agents: Invalid value: "integer": invalid value for agents']),
    ({"mode": "foo"}, ['spec.mode: Unsupported value: "foo": supported values: "shared", "virtual", "hcp"', UNCHECKED]),
    (
        {"persistence": {"storageRequestSize": "abc"}},
        [mismatch("spec.persistence.storageRequestSize", "abc", QUANTITY)],
    ),
    (
        {"workerLimit": {"cpu": "1 core"}},
        [f"spec.workerLimit.cpu: Invalid value: \"1 core\": spec.workerLimit.cpu in body should match '{QUANTITY}'"],
    ),
    (
        {"expose": {"nodePort": {}, "loadBalancer": {}}},
        [f'spec.expose: Invalid value: "object": {EXPOSE}'],
    ),
    ({"customCAs": {}}, ["spec.customCAs.sources: Required value", UNCHECKED]),
    (
        {"customCAs": {"sources": {}}},
        [
            *(
                f"spec.customCAs.sources.{name}: Required value"
                for name in (
                    "clientCA",
                    "etcdPeerCA",
                    "etcdServerCA",
                    "requestHeaderCA",
                    "serverCA",
                    "serviceAccountToken",
                )
            ),
            UNCHECKED,
        ],
    ),
    (
        {"secretMounts": [{"name": "A_b"}]},
        [mismatch("spec.secretMounts[0].name", "A_b", "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")],
    ),
    (
        {"secretMounts": [{"role": "foo"}]},
        ['spec.secretMounts[0].role: Unsupported value: "foo": supported values: "server", "agent", "all"', UNCHECKED],
    ),
    ({"serverEnvs": [{"value": "x"}]}, ["spec.serverEnvs[0].name: Required value", UNCHECKED]),
    (
        {"servers": "2"},
        ['spec.servers: Invalid value: "string": spec.servers in body must be of type integer: "string"', UNCHECKED],
    ),
    (
        {"tlsSANs": "a"},
        ['spec.tlsSANs: Invalid value: "string": spec.tlsSANs in body must be of type array: "string"', UNCHECKED],
    ),
]


@pytest.mark.parametrize(("spec", "problems"), REFUSED, ids=[json.dumps(row[0])[:40] for row in REFUSED])
def test_refused(kube: Kube, spec: Object, problems: list[str]) -> None:
    """Admission is the CRD; each mistake has the text that the real one gives."""
    answer = refusal(kube, spec)
    listed = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    assert (answer.status, str(answer)) == (422, f'Cluster.k3k.io "t" is invalid: {listed}')


def refusal(kube: Kube, spec: Object) -> Refused:
    with pytest.raises(Refused) as caught:
        kube.request(
            "POST",
            CLUSTERS.format("default") + "?dryRun=All&fieldValidation=Strict",
            {"apiVersion": "k3k.io/v1beta1", "kind": "Cluster", "metadata": {"name": "t"}, "spec": spec},
        )
    return caught.value


def test_unknown_field(kube: Kube) -> None:
    """Refused with strict validation, silently dropped without."""
    answer = refusal(kube, {"tolerations": []})
    assert (answer.status, str(answer)) == (
        400,
        (
            'Cluster in version "v1beta1" cannot be handled as a Cluster: strict decoding error: '
            'unknown field "spec.tolerations"'
        ),
    )
    stored = kube.request(
        "POST",
        CLUSTERS.format("default") + "?dryRun=All",
        {"apiVersion": "k3k.io/v1beta1", "kind": "Cluster", "metadata": {"name": "t"}, "spec": {"tolerations": []}},
    )
    assert stored["spec"] == {
        "agents": 0,
        "mode": "shared",
        "servers": 1,
        "sync": {
            "configMaps": {"enabled": True},
            "secrets": {"enabled": True},
            "services": {"enabled": True},
            "persistentVolumeClaims": {"enabled": True},
            "priorityClasses": {"enabled": False},
            "ingresses": {"disableTLSSecretTranslation": False, "enabled": False},
            "storageClasses": {"enabled": False},
        },
    }


TRANSITIONS: list[tuple[Object, str]] = [
    ({"mode": "hcp"}, 'spec.mode: Invalid value: "string": mode is immutable'),
    ({"mode": None}, 'spec.mode: Invalid value: "string": mode is immutable'),
    ({"clusterCIDR": "10.61.0.0/16"}, 'spec.clusterCIDR: Invalid value: "string": clusterCIDR is immutable'),
    (
        {"persistence": {"storageRequestSize": "2000M"}},
        'spec.persistence.storageRequestSize: Invalid value: "": storageRequestSize is immutable',
    ),
]


def test_refused_changes(parked: Tenant) -> None:
    """Transition rules compare literals; a field that is set or removed as a whole escapes them."""
    for change, problem in TRANSITIONS:
        with pytest.raises(Refused) as caught:
            parked.patch(**change)
        assert str(caught.value) == f'Cluster.k3k.io "change" is invalid: {problem}'
    parked.patch(clusterCIDR=None, serviceCIDR="10.62.0.0/16")
    assert "clusterCIDR" not in parked.get()["spec"]


def test_refused_policies(kube: Kube) -> None:
    """Enumerations, required fields and the immutable mode of a VirtualClusterPolicy."""
    for spec, problem in (
        (
            {"allowedMode": "x"},
            'spec.allowedMode: Unsupported value: "x": supported values: "shared", "virtual", "hcp"',
        ),
        (
            {"podSecurityAdmissionLevel": "foo"},
            f'spec.podSecurityAdmissionLevel: Unsupported value: "foo": supported values: {LEVELS}',
        ),
        ({"limit": {}}, "spec.limit.limits: Required value"),
    ):
        with pytest.raises(Refused) as caught:
            kube.create(POLICIES, policy_object("tp", spec))
        assert str(caught.value) == f'VirtualClusterPolicy.k3k.io "tp" is invalid: [{problem}, {UNCHECKED}]'
    kube.create(POLICIES, policy_object("it-fixed", {}))
    try:
        with pytest.raises(Refused) as caught:
            kube.patch(f"{POLICIES}/it-fixed", {"spec": {"allowedMode": "virtual"}})
    finally:
        kube.delete(f"{POLICIES}/it-fixed")
    assert str(caught.value) == (
        'VirtualClusterPolicy.k3k.io "it-fixed" is invalid: spec.allowedMode: Invalid value: "string": mode is immutable'
    )


def policy_object(name: str, spec: Object) -> Object:
    return {"apiVersion": "k3k.io/v1beta1", "kind": "VirtualClusterPolicy", "metadata": {"name": name}, "spec": spec}
