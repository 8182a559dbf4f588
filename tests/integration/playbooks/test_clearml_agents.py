# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The ClearML agents of three tenants, by real Helm into the API of each virtual cluster: CML-4, X-1, X-5."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.playbooks import documents
from tests.integration.playbooks.conftest import Begun
from tests.integration.playbooks.inner import TENANTS, Releases, releases

pytestmark = pytest.mark.lab

NAME = "clearml-enterprise-agent"


@pytest.fixture
def agents(three: Begun, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Releases]:
    with releases(three, request, tmp_path / "charts", "clearml_agents", NAME, ["6.13.0"]) as found:
        yield found


def test_agents_come_change_and_stay(three: Begun, agents: Releases) -> None:
    plan = agents.bring("--check")
    assert plan.changed > 0
    assert agents.newest() == [0, 0, 0]

    run = agents.bring()
    assert run.launches.count("helm") == 3
    for name in TENANTS:
        (document,) = agents.revisions(name).values()
        assert (document["info"]["status"], document["namespace"]) == ("deployed", "clearml")
        values = document["config"]["agentk8sglue"]
        assert values["apiServerUrlReference"] == "https://api.clearml.example.com"
        assert set(values["queues"]) == {"one", "all"}
        # Each has the pair of its own company, and Helm's record has it not.
        pair = agents.secret(name, "clearml-agent-credentials")
        assert pair == three.kubernetes.clearml_pair(name)
        assert pair["agentk8sglue_secret"] not in json.dumps(document)
    mig = agents.revisions(documents.MIG)[1]["config"]["agentk8sglue"]
    limits = mig["queues"]["all"]["templateOverrides"]["resources"]["limits"]
    assert limits == {"nvidia.com/mig-1g.10gb": 56}
    assert mig["orchestrationDashboard"]["gpu"]["reportMax"] == 56

    again = agents.bring()
    assert again.changed == 0
    assert again.launches == ["tenant_objects", "tenant_objects"]
    assert agents.bring("--check").changed == 0

    # Its pod carries a digest of the pair, so that another pair starts it anew.
    pods = {name: agents.deployment(name)["spec"]["template"]["metadata"]["annotations"] for name in TENANTS}
    assert len({annotations["checksum/credentials"] for annotations in pods.values()}) == 3

    # One tenant changes: one Helm, and the others are left alone.
    three.site.declare(documents.three(clearml={"agent": {"report_max": 4}}))
    changed = agents.bring()
    assert changed.launches.count("helm") == 1
    assert agents.newest() == [2, 1, 1]
    assert agents.bring().changed == 0

    # Switched off, it goes.
    three.site.declare(documents.three(clearml={"agent": {"enabled": False}}))
    assert agents.bring("--check").changed == 1
    assert agents.bring().changed == 1
    assert agents.newest() == [0, 1, 1]
    assert agents.bring().changed == 0


def test_one_that_fails_stops_no_other_and_is_named(three: Begun, agents: Releases) -> None:
    agents.bring()
    before = {name: max(agents.revisions(name)) for name in TENANTS}
    three.site.declare(documents.three(clearml={"agent": {"chart_version": "6.13.0"}}))
    run = agents.run(clearml_agent_values={"agentk8sglue": {"completedPodDeletionDelayMinutes": 5}})
    assert not run.ok
    assert "1 of 3 tenants failed" in run.failure
    assert f"{documents.GPU} (decision): Release clearml/{NAME}: 6.14.6 -> 6.13.0 is a downgrade" in run.failure
    after = {name: max(agents.revisions(name)) for name in TENANTS}
    assert after == {name: number + (name != documents.GPU) for name, number in before.items()}

    three.site.declare(documents.three(clearml={"agent": {"placement": "host"}}))
    refused = agents.run()
    assert "clearml.agent.placement: 'host' is not allowed; allowed: tenant" in " ".join(refused.failure.split())
    assert refused.changed == 0
