# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Many tenants cost no more module launches than few, and all of them get there (X-5)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.integration.playbooks.conftest import World
from tests.integration.playbooks.documents import document, small

pytestmark = pytest.mark.lab


def many(prefix: str, count: int) -> dict[str, Any]:
    """A file with tenants that have a card and a company each, but no API outside of the host."""
    tenants = []
    for number in range(1, count + 1):
        identity = f"{prefix}-{number:03}"
        tenants.append(
            small(
                identity,
                isolation={"node_selector": {"ai-tenancy.platform/pool": "gpu"}},
                cluster={
                    "server_limit": {"cpu": "1", "memory": "2Gi"},
                    "worker_limit": {"cpu": "1", "memory": "2Gi", "nvidia.com/gpu": 1},
                    "expose": {"type": "none"},
                },
                quota={"accelerators": {"nvidia.com/gpu": 1}},
                clearml={
                    "enabled": True,
                    "company": f"Many {identity}",
                    "admin": {"name": f"{identity}-admin", "email": f"admin@{identity}.example"},
                    "queues": [{"name": "only", "gpu": 1}],
                },
            )
        )
    return document(*tenants)


def test_three_hundred_tenants_take_as_many_launches_as_three(crowd: World) -> None:
    counted = {}
    for count in (3, 300):
        crowd.site.declare(many("lc", count))
        plan = crowd.site.plan()
        counted[count] = Counter(plan.launches)
        assert len(plan.changed_tenants()["tenant_guard"]) == count
    assert counted[3] == counted[300]
    assert counted[3].total() <= 10


def test_a_hundred_tenants_converge_in_as_many_launches_as_three(crowd: World) -> None:
    """The real run; the plan above launches less, as it changes and probes nothing."""
    crowd.site.declare(many("fr", 3))
    few = crowd.site.converge()
    crowd.site.declare(many("fr", 100))
    run = crowd.site.converge()
    assert Counter(run.launches) == Counter(few.launches)
    assert len(run.changed_tenants()["k3k_cluster"]) == 97
    again = crowd.site.converge()
    assert again.changed == 0
    # One look at the host cluster, and nothing more there.
    assert Counter(again.launches) == Counter(
        ["tenant_guard", "gpu_quota", "k3k_cluster", "clearml_tenant", "clearml_queue", "k3k_kubeconfig"]
    )
