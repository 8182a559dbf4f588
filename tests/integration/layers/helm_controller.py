# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for RKE2's controller of HelmChart and HelmChartConfig, for its ingress controllers only.

Real Helm installs a chart of a few lines under the names that RKE2 uses, and upgrades it with the values of a HelmChartConfig some
time after that was written, as RKE2 does by a Job (k3s-io/helm-controller).
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any, Self

from tests.integration.k3k_host import Kube, Refused, eventually
from tests.lab import Lab
from tests.lab.background import Background

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CONFIGS = "/apis/helm.cattle.io/v1/namespaces/kube-system/helmchartconfigs"
DAEMON_SETS = "/apis/apps/v1/namespaces/kube-system/daemonsets"
#: Chart -> its version in RKE2, the DaemonSet, the class, and the value that holds annotations of the DaemonSet.
CHARTS = {
    "rke2-traefik": ("41.2.001+up41.2.0", "rke2-traefik", "traefik", "deployment"),
    "rke2-ingress-nginx": ("4.15.109", "rke2-ingress-nginx-controller", "nginx", "controller"),
}
_TEMPLATE = """apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {workload}
  annotations: {{{{ dig "annotations" dict (.Values.{place} | default dict) | toJson }}}}
spec:
  selector: {{matchLabels: {{app: {workload}}}}}
  template:
    metadata: {{labels: {{app: {workload}}}}}
    spec:
      containers: [{{name: controller, image: registry.example.com/{workload}}}]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {{name: {title}}}
spec: {{controller: example.com/{title}}}
"""


class HelmController(Background):
    """Plays RKE2 with these charts. Set C(idle) to let it look away."""

    def __init__(self, lab: Lab, helm: Path, directory: Path, charts: tuple[str, ...] = ("rke2-traefik",)) -> None:
        super().__init__(pause=0.5)
        self._kube = Kube.from_file(lab.kubeconfig)
        self._helm = [str(helm), "--kubeconfig", str(lab.kubeconfig), "--namespace", "kube-system"]
        self._directory, self._charts = directory, charts
        self._applied: dict[str, str] = {}
        self.idle = False
        self.versions = {name: CHARTS[name][0] for name in charts}

    def __enter__(self) -> Self:
        self._kube.create(DEFINITIONS, _definition())
        eventually("HelmChartConfig is served", self._served)
        for name in self._charts:
            self.install(name, "{}")
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        for name in self._charts:
            self._call("uninstall", name)
        self._kube.delete(f"{DEFINITIONS}/helmchartconfigs.helm.cattle.io")
        eventually("HelmChartConfig is gone", lambda: not self._served())

    def install(self, name: str, values: str) -> None:
        """What the Job of a HelmChart does."""
        chart = self._directory / f"{name}-{self.versions[name]}"
        (chart / "templates").mkdir(parents=True, exist_ok=True)
        _version, workload, title, place = CHARTS[name]
        (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: {self.versions[name]}\n")
        (chart / "templates" / "all.yaml").write_text(_TEMPLATE.format(workload=workload, title=title, place=place))
        content = self._directory / f"{name}-values.yaml"
        content.write_text(values)
        self._call("upgrade", "--install", name, str(chart), "--values", str(content), "--reset-values")
        self._applied[name] = values

    def again(self) -> None:
        """Install anew where the values have changed."""
        if self.idle:
            return
        found = {item["metadata"]["name"]: item["spec"]["valuesContent"] for item in self._kube.items(CONFIGS)}
        for name in self._charts:
            values = found.get(name, "{}")
            if values != self._applied[name]:
                time.sleep(1)  # as long as the wait must not be over
                self.install(name, values)

    def _served(self) -> bool:
        try:
            return bool(self._kube.get("/apis/helm.cattle.io/v1") and self._kube.items(CONFIGS) is not None)
        except Refused:
            return False

    def _call(self, *arguments: str) -> None:
        subprocess.run([*self._helm, *arguments], check=True, capture_output=True, timeout=120)


def _definition() -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    names = {"kind": "HelmChartConfig", "plural": "helmchartconfigs", "singular": "helmchartconfig"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "helmchartconfigs.helm.cattle.io"},
        "spec": {
            "group": "helm.cattle.io",
            "scope": "Namespaced",
            "names": names,
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
