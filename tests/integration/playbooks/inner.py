# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Charts inside the virtual clusters of the three tenants: real Helm into the API of each; the Deployments are played."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.k3k_host import Kube
from tests.integration.layers.conftest import HELM_SAYS
from tests.integration.playbooks import documents
from tests.integration.playbooks.conftest import Begun
from tests.integration.playbooks.runner import Run
from tests.lab import build
from tests.lab.background import Background
from tests.lab.charts import pack
from tests.lab.progress import Progress

TENANTS = (documents.GPU, documents.MIG, documents.AMD)
#: The namespace inside.
INSIDE = "/api/v1/namespaces/clearml"
_DEPLOYMENTS = "/apis/apps/v1/namespaces/clearml/deployments"
_READY = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}


class Player(Background):
    """Plays the Deployments inside: nothing there runs pods."""

    def __init__(self, clusters: dict[str, Kube]) -> None:
        super().__init__(pause=0.3)
        self._clusters = clusters

    def again(self) -> None:
        """Roll out what is new or changed."""
        for kube in self._clusters.values():
            for item in kube.items(_DEPLOYMENTS):
                generation = item["metadata"]["generation"]
                if item.get("status", {}).get("observedGeneration") != generation:
                    status = {**_READY, "observedGeneration": generation}
                    kube.patch(f"{_DEPLOYMENTS}/{item['metadata']['name']}/status", {"status": status})


class Releases:
    """A playbook against the three tenants, and what its chart leaves inside."""

    def __init__(self, three: Begun, playbook: str, chart: str, **variables: Any) -> None:
        self.site, self.chart = three.site, chart
        self._playbook, self._variables = playbook, variables
        folder = Path(three.site.variables["tenants_kubeconfig_dir"])
        self.clusters = {name: Kube.from_file(folder / f"{name}.yaml") for name in TENANTS}

    def run(self, *arguments: str, **extra: Any) -> Run:
        run = self.site.start(self._playbook, *arguments, **{**self._variables, **extra})
        return run.finish(allowed=HELM_SAYS)

    def bring(self, *arguments: str, **extra: Any) -> Run:
        run = self.run(*arguments, **extra)
        assert run.ok, run.failure + "\n\n" + run.output[-3000:]
        return run

    def revisions(self, tenant: str) -> dict[int, dict[str, Any]]:
        """Helm's records of the release inside, by revision."""
        found = {}
        for item in self.clusters[tenant].items(f"{INSIDE}/secrets?labelSelector=owner%3Dhelm,name%3D{self.chart}"):
            document = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(item["data"]["release"]))))
            found[int(document["version"])] = document
        return found

    def newest(self) -> list[int]:
        """The newest revision of each tenant's release, 0 where there is none."""
        return [max(self.revisions(name), default=0) for name in TENANTS]

    def deployment(self, tenant: str) -> dict[str, Any]:
        """The chart's Deployment inside."""
        return dict(self.clusters[tenant].get(f"{_DEPLOYMENTS}/{self.chart}"))

    def secret(self, tenant: str, name: str) -> dict[str, str]:
        """What is in a Secret inside."""
        found = self.clusters[tenant].get(f"{INSIDE}/secrets/{name}")
        return {key: base64.b64decode(text).decode() for key, text in found["data"].items()}


@contextmanager
def releases(
    three: Begun, request: pytest.FixtureRequest, charts: Path, playbook: str, chart: str, versions: Sequence[str]
) -> Iterator[Releases]:
    """The playbook with a stand-in of its chart in these versions, and its own version."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        helm = build.ensure(("helm",), Progress())["helm"]
    for version in ("", *versions):
        pack(chart, charts, version)
    found = Releases(
        three,
        playbook,
        chart,
        platform_clearml_domain="clearml.example.com",
        platform_release_charts_dir=str(charts),
        platform_release_helm=str(helm),
        clearml_agent_wait_timeout=60,
        clearml_gateway_wait_timeout=60,
    )
    with Player(found.clusters):
        yield found
