# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The platform's playbooks against a laboratory of their own: stand-in charts, real Helm, real Kubernetes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.labs import laboratory
from tests.integration.playbooks.runner import Run, Site
from tests.lab import Lab, build
from tests.lab.charts import Operators, pack_all
from tests.lab.progress import Progress

#: What kubernetes.core.helm says whenever it upgrades without the plugin helm-diff, and (from 6.6.0) about its own result.
HELM_SAYS = (
    "The default idempotency check can fail to report changes in certain cases.",
    "The 'status.values' return value is deprecated",
    "Deprecation warnings can be disabled by setting",
)


class PlatformSite(Site):
    """An inventory with the platform's variables."""

    def __init__(self, lab: Lab, directory: Path, charts: Path, helm: Path) -> None:
        super().__init__(lab, directory)
        self.charts = charts
        self.helm = helm
        self.variables = {
            "platform_release_kubernetes": {"kubeconfig": str(lab.kubeconfig)},
            "platform_release_charts_dir": str(charts),
            "platform_release_charts_cache": str(directory / "cache"),
            "platform_release_helm": str(helm),
            "platform_profile": "lab",
            "platform_release_wait_timeout": 120,
            "platform_release_wait_grace": 8,
            "platform_release_interrupted_after": 2,
        }
        host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        groups = {"platform_controller": {"hosts": {"localhost": host}}, "tenants_controller": {"hosts": {}}}
        self._write("hosts.yml", groups)

    def run(self, playbook: str, *arguments: str, **extra: Any) -> Run:
        """Run a playbook to its end, whatever that is."""
        return self.start(playbook, *arguments, **extra).finish(allowed=HELM_SAYS)

    def take_out(self, *layers: str, confirm: str = "") -> None:
        """Remove layers after a test; one that ends without any release has left nothing to remove."""
        kept = self.lab.api().request("GET", "/api/v1/secrets?labelSelector=owner%3Dhelm")["items"]
        if not kept:
            return
        self.variables["platform_release_wait_timeout"] = 120
        run = self.run(
            "platform_remove", platform_release_remove_layers=list(layers), platform_release_remove_confirm=confirm
        )
        assert run.ok, run.failure

    def bring(self, *arguments: str, **extra: Any) -> Run:
        """Run the playbook C(platform); it must end well."""
        run = self.run("platform", *arguments, **extra)
        assert run.ok, run.failure + "\n\n" + run.output[-3000:]
        return run


@pytest.fixture(scope="session")
def platform_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A laboratory whose namespaces belong to the platform's layers."""
    with laboratory(request.config, "-platform") as instance, Operators(instance.api()):
        yield instance


@pytest.fixture(scope="session")
def helm(request: pytest.FixtureRequest) -> Path:
    """The real Helm."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        return build.ensure(("helm",), Progress())["helm"]


@pytest.fixture
def site(platform_lab: Lab, helm: Path, tmp_path: Path) -> PlatformSite:
    """A site with the stand-in charts in a folder of its own."""
    charts = tmp_path / "charts"
    pack_all(charts)
    return PlatformSite(platform_lab, tmp_path / "site", charts, helm)
