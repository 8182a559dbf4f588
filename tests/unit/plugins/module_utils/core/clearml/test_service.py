# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Whether ClearML serves its tenants (CML-6)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.ai_tenancy.platform.plugins.filter.clearml import FilterModule

filters = FilterModule().filters()
failures, table = filters["clearml_service_failures"], filters["clearml_service_table"]


def tenant(name: str, *queues: str, gateway: bool = True) -> dict[str, Any]:
    listed = [{"name": queue} for queue in queues]
    return {"id": name, "clearml": {"queues": listed, "app_gateway": {"enabled": gateway}}}


def inside(name: str, *queues: str, served: tuple[str, ...] = (), routers: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "item": name,
        "queues": [{"name": queue} for queue in queues],
        "workers": [{"id": "agent:0", "queues": list(served)}] if served else [],
        "routers": [{"router": router} for router in routers],
    }


TENANTS = [tenant("acme", "1xgpu", "8xgpu"), tenant("beta", "slice", gateway=False), tenant("gone"), tenant("quiet")]
FOUND = {
    "results": [
        inside("acme", "1xgpu", "8xgpu", "k8s_scheduler", served=("1xgpu",), routers=("apps",)),
        inside("beta"),
        {"item": "gone", "failed": True, "error": {"message": "no login"}},
    ]
}


def test_declared_queues_must_be_there_and_nothing_else_unless_it_is_expected() -> None:
    assert failures(FOUND, TENANTS) == {
        "beta": {
            "phase": "clearml",
            "message": "these queues are declared and not there: slice; run the playbook tenants",
        }
    }


def test_agents_and_gateways_can_be_insisted_on() -> None:
    found = failures(FOUND, json.dumps(TENANTS), ["agents", "gateways"])
    assert found["acme"]["message"] == "no agent listens to: 8xgpu"
    # It declares no gateway, and its queue is missing already.
    assert "gateway" not in found["beta"]["message"]
    assert "agent" not in found["beta"]["message"]
    without = {"results": [inside("acme", "1xgpu", "8xgpu", served=("1xgpu", "8xgpu"))]}
    assert failures(without, TENANTS, ["gateways"])["acme"]["message"] == "no application gateway has reported"
    assert failures(without, TENANTS, ["agents"]) == {}
    with pytest.raises(AnsibleFilterError, match="expect: 'agent' is not allowed; allowed: any of agents, gateways"):
        failures(FOUND, TENANTS, ["agent"])


def test_the_table_tells_what_was_found() -> None:
    assert table(FOUND, TENANTS)[0].split() == ["TENANT", "LOGIN", "QUEUES", "WITH", "AGENT", "GATEWAYS"]
    assert [line.split() for line in table(FOUND, TENANTS)[1:]] == [
        ["acme", "yes", "2", "of", "2", "1", "of", "2", "apps"],
        ["beta", "yes", "0", "of", "1", "0", "of", "1", "none"],
        ["gone", "failed", "-", "-", "-"],
    ]
