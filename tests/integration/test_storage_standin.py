# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The laboratory's stand-in for Longhorn: claims get volumes, and the reclaim policy decides what stays (HOST side)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.k3k_host import Kube, Object, eventually
from tests.lab import Lab

pytestmark = pytest.mark.lab

CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"


@pytest.fixture(scope="module")
def kube(lab: Lab) -> Kube:
    return Kube.from_file(lab.kubeconfig)


@pytest.fixture
def retaining(kube: Kube) -> Iterator[str]:
    name = "it-longhorn-retain"
    kube.create(
        CLASSES,
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name},
            "provisioner": "driver.longhorn.io",
            "reclaimPolicy": "Retain",
        },
    )
    yield name
    kube.delete(f"{CLASSES}/{name}")


def claim(kube: Kube, name: str, **spec: str) -> str:
    """Make a claim, wait until it is bound and return the path of its volume."""
    kube.create(
        CLAIMS,
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "3Gi"}}, **spec},
        },
    )

    def bound() -> Object | None:
        live: Object = kube.get(f"{CLAIMS}/{name}")
        return live if live["status"]["phase"] == "Bound" else None

    return f"{VOLUMES}/{eventually('claim bound', bound)['spec']['volumeName']}"


def test_default_class_deletes(kube: Kube) -> None:
    """Longhorn's class is the default; its volumes go with their claims."""
    volume = claim(kube, "it-default")
    spec = kube.get(volume)["spec"]
    assert (spec["storageClassName"], spec["csi"]["driver"]) == ("longhorn", "driver.longhorn.io")
    assert spec["capacity"] == {"storage": "3Gi"}
    kube.delete(f"{CLAIMS}/it-default")
    eventually("volume deleted", lambda: kube.get(volume) is None)


def test_retain(kube: Kube, retaining: str) -> None:
    """With Retain the volume stays, Released."""
    volume = claim(kube, "it-retain", storageClassName=retaining)
    kube.delete(f"{CLAIMS}/it-retain")
    eventually("volume released", lambda: kube.get(volume)["status"]["phase"] == "Released")
    kube.delete(volume)
    eventually("volume deleted", lambda: kube.get(volume) is None)
