# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The ClearML agents of three tenants, by real Helm into the API of each virtual cluster: CML-4, X-1, X-5."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.k3k_host import Kube
from tests.integration.layers.conftest import HELM_SAYS
from tests.integration.playbooks import documents
from tests.integration.playbooks.conftest import Begun
from tests.integration.playbooks.runner import Run
from tests.lab import build
from tests.lab.charts import pack
from tests.lab.progress import Progress

pytestmark = pytest.mark.lab

TENANTS = (documents.GPU, documents.MIG, documents.AMD)
NAME = "clearml-enterprise-agent"
INSIDE = "/api/v1/namespaces/clearml"
DEPLOYMENTS = "/apis/apps/v1/namespaces/clearml/deployments"
READY = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}


class Player:
    """Plays the Deployments inside: nothing there runs pods."""

    def __init__(self, clusters: dict[str, Kube]) -> None:
        self._clusters = clusters
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Player:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(0.3):
            for kube in self._clusters.values():
                for item in kube.items(DEPLOYMENTS):
                    generation = item["metadata"]["generation"]
                    if item.get("status", {}).get("observedGeneration") != generation:
                        status = {**READY, "observedGeneration": generation}
                        kube.patch(f"{DEPLOYMENTS}/{item['metadata']['name']}/status", {"status": status})


class Agents:
    """The playbook clearml_agents against the three tenants, and what it leaves inside."""

    def __init__(self, three: Begun, charts: Path, helm: Path) -> None:
        self.site = three.site
        self._variables = {
            "platform_clearml_domain": "clearml.example.com",
            "platform_release_charts_dir": str(charts),
            "platform_release_helm": str(helm),
            "clearml_agent_wait_timeout": 60,
        }
        folder = Path(three.site.variables["tenants_kubeconfig_dir"])
        self.clusters = {name: Kube.from_file(folder / f"{name}.yaml") for name in TENANTS}

    def run(self, *arguments: str, **extra: Any) -> Run:
        return self.site.start("clearml_agents", *arguments, **{**self._variables, **extra}).finish(allowed=HELM_SAYS)

    def bring(self, *arguments: str, **extra: Any) -> Run:
        run = self.run(*arguments, **extra)
        assert run.ok, run.failure + "\n\n" + run.output[-3000:]
        return run

    def revisions(self, tenant: str) -> dict[int, dict[str, Any]]:
        """Helm's records of the release inside, by revision."""
        found = {}
        for item in self.clusters[tenant].items(f"{INSIDE}/secrets?labelSelector=owner%3Dhelm,name%3D{NAME}"):
            document = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(item["data"]["release"]))))
            found[int(document["version"])] = document
        return found

    def pair(self, tenant: str) -> dict[str, str]:
        found = self.clusters[tenant].get(f"{INSIDE}/secrets/clearml-agent-credentials")
        return {key: base64.b64decode(text).decode() for key, text in found["data"].items()}


@pytest.fixture
def agents(three: Begun, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Agents]:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        helm = build.ensure(("helm",), Progress())["helm"]
    for version in ("", "6.13.0"):
        pack(NAME, tmp_path / "charts", version)
    found = Agents(three, tmp_path / "charts", helm)
    with Player(found.clusters):
        yield found


def test_agents_come_change_and_stay(three: Begun, agents: Agents) -> None:
    plan = agents.bring("--check")
    assert plan.changed > 0
    assert [agents.revisions(name) for name in TENANTS] == [{}, {}, {}]

    run = agents.bring()
    assert run.launches.count("helm") == 3
    for name in TENANTS:
        (document,) = agents.revisions(name).values()
        assert (document["info"]["status"], document["namespace"]) == ("deployed", "clearml")
        values = document["config"]["agentk8sglue"]
        assert values["apiServerUrlReference"] == "https://api.clearml.example.com"
        assert set(values["queues"]) == {"one", "all"}
        # Each has the pair of its own company, and Helm's record has it not.
        pair = agents.pair(name)
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

    # One tenant changes: one Helm, and the others are left alone.
    three.site.declare(documents.three(clearml={"agent": {"report_max": 4}}))
    changed = agents.bring()
    assert changed.launches.count("helm") == 1
    assert [max(agents.revisions(name)) for name in TENANTS] == [2, 1, 1]
    assert agents.bring().changed == 0

    # Switched off, it goes.
    three.site.declare(documents.three(clearml={"agent": {"enabled": False}}))
    assert agents.bring("--check").changed == 1
    assert agents.bring().changed == 1
    assert [len(agents.revisions(name)) for name in TENANTS] == [0, 1, 1]
    assert agents.bring().changed == 0


def test_one_that_fails_stops_no_other_and_is_named(three: Begun, agents: Agents) -> None:
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
