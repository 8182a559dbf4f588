# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The k3k stand-in behaves as the k3k controller v1.2.0-rc4 was observed to, its traps included.

What these tests show is what the modules must cope with (TEN-4); the tests of the modules rely on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.integration.k3k_host import POLICIES, Kube, Tenant, eventually
from tests.lab import Lab


@pytest.fixture(scope="module")
def kube(lab: Lab) -> Kube:
    return Kube.from_file(lab.kubeconfig)


@pytest.fixture
def tenant(kube: Kube) -> Iterator[Callable[..., Tenant]]:
    """Make namespaces for Clusters of a name; whatever the test leaves is removed."""
    made: list[Tenant] = []

    def make(name: str, **labels: str) -> Tenant:
        new = Tenant(kube, name)
        made.append(new)
        new.make_namespace(**labels)
        return new

    yield make
    # Names are used once, so nobody waits for the namespace: its last steps take 15 s.
    for old in made:
        kube.delete(old.path)
        kube.delete(f"/api/v1/namespaces/{old.namespace}")
    for old in made:
        eventually("Cluster gone", partial(is_gone, old))


@pytest.fixture
def policy(kube: Kube) -> Iterator[Callable[..., str]]:
    """Make policies; those that the test leaves are removed."""
    made: list[str] = []

    def make(name: str, **spec: object) -> str:
        kube.create(
            POLICIES,
            {
                "apiVersion": "k3k.io/v1beta1",
                "kind": "VirtualClusterPolicy",
                "metadata": {"name": name},
                "spec": spec,
            },
        )
        made.append(name)
        return name

    yield make
    for name in made:
        kube.delete(f"{POLICIES}/{name}")


def is_gone(tenant: Tenant) -> bool:
    return tenant.get() is None
