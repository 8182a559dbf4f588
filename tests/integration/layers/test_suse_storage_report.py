# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The capacity report of SUSE Storage, against a real API: PLAT-3, X-1, X-6.

Longhorn's manager does not run here: the test writes the objects that it would write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.k3k_host import Kube, Object
from tests.integration.layers.conftest import PlatformSite
from tests.integration.playbooks.runner import Run
from tests.lab import Lab
from tests.lab.longhorn import GI, disk, node, replica, setting, target, volume

pytestmark = pytest.mark.lab

ROOT = "/apis/longhorn.io/v1beta2/namespaces/longhorn-system"
OBJECTS = [
    node("cpu-1", disk(1000, 700, 400, 100)),
    node("cpu-2", disk(1000, 100, 200), disk(500, 500, allowScheduling=False)),
    node("cpu-3", disk(300, 290, 300)),
    setting("storage-minimal-available-percentage", "5"),
    setting("default-replica-count", '{"v1":"2","v2":"2"}'),
    volume("pvc-1", 200, "degraded", kubernetesStatus={"namespace": "clearml", "pvcName": "files"}),
    volume("pvc-2", 100),
    replica("pvc-1", "cpu-1"),
    replica("pvc-1", "cpu-2", failed=True),
    *(replica("pvc-2", name) for name in ("cpu-1", "cpu-2", "cpu-3")),
    target(available=False, why="failed to list backups: connection refused"),
]
WARNINGS = [
    "disk d1 of cpu-2 is more than 80 % full: 100Gi of 1000Gi are free",
    "disk d2 of cpu-2 takes no replicas: scheduling is switched off for the disk",
    "node cpu-3 takes no replicas: d1: 300Gi are scheduled, and 300Gi may be",
    "volume pvc-1 (clearml/files): it is degraded; 1 of 3 replicas are healthy",
    "backup target default is not reachable: failed to list backups: connection refused",
]
ABSENT = (
    "There is no SUSE Storage in this cluster: it has no object Node of longhorn.io/v1beta2 in the namespace longhorn-system. "
    "Install the layer suse_storage first, or see whether platform_release_kubernetes leads to the right cluster."
)


@pytest.fixture
def kube(platform_lab: Lab) -> Kube:
    return Kube.from_file(platform_lab.kubeconfig)


def write(kube: Kube, *objects: Object) -> None:
    """Bring objects to this state; what Longhorn reports is a subresource of its own."""
    for item in objects:
        collection = f"{ROOT}/{item['kind'].lower()}s"
        path = f"{collection}/{item['metadata']['name']}"
        if kube.get(path) is None:
            kube.create(collection, item)
        else:
            kube.patch(path, item)
        if "status" in item:
            kube.patch(f"{path}/status", {"status": item["status"]})


@pytest.fixture
def storage(site: PlatformSite, kube: Kube) -> Iterator[PlatformSite]:
    """A site with the layer, and the objects above in the cluster; the layer is taken out after the test."""
    site.variables["platform_release_layers"] = {"suse_storage": True}
    site.bring()
    write(kube, *OBJECTS)
    yield site
    site.take_out("suse_storage", confirm="longhorn")


def table(run: Run) -> list[str]:
    """The lines that the run has shown."""
    (shown,) = [event["result"]["msg"] for event in run.of("result") if event["action"].endswith("debug")]
    return list(shown)


def report(site: PlatformSite, *arguments: str, **extra: Any) -> Run:
    run = site.run("storage_report", *arguments, **extra)
    assert run.ok, run.failure
    return run


def test_a_cluster_without_suse_storage_gives_one_message(site: PlatformSite) -> None:
    run = site.run("storage_report", suse_storage_report_dir=str(site.directory / "kept"))
    assert not run.ok
    assert run.changed == 0
    assert run.failure == ABSENT
    assert not (site.directory / "kept").exists()


def test_the_report_tells_what_is_there_and_what_to_be_warned_of(storage: PlatformSite, kube: Kube) -> None:
    run = report(storage)
    assert run.changed == 0
    assert run.launches == ["k8s_info"] * 6
    lines = table(run)
    rows = [line.split() for line in lines]
    assert rows[1] == ["cpu-1", "d1", "1000Gi", "100Gi", "400Gi", "700Gi", "30%", "500Gi", "yes"]
    assert rows[2][:3] == ["cpu-2", "all", "2"]
    # 800Gi on cpu-2 and 500Gi on cpu-1: two replicas on different nodes.
    assert ["longhorn", "yes", "2", "nodes", "2", "500Gi", "500Gi"] in rows
    assert [line.removeprefix("WARNING: ") for line in lines if line.startswith("WARNING: ")] == WARNINGS

    assert_it_is_kept_only_when_asked(storage, lines)

    strict = storage.run("storage_report", suse_storage_report_strict=True)
    assert not strict.ok
    assert strict.failure == "; ".join(WARNINGS)
    assert table(strict) == lines

    wrong = storage.run("storage_report", suse_storage_report_disk_used=0, suse_storage_report_least="much")
    assert not wrong.ok
    assert "suse_storage_report_disk_used: 0 is not allowed" in wrong.failure
    assert "suse_storage_report_least: 'much' is not allowed" in wrong.failure

    write(
        kube,
        node("cpu-2", disk(1000, 400, 200), disk(500, 500)),
        node("cpu-3", disk(300, 290, 200)),
        volume("pvc-1", 200, kubernetesStatus={"namespace": "clearml", "pvcName": "files"}),
        {**target(), "status": {"available": True, "conditions": []}},
    )
    assert report(storage, suse_storage_report_strict=True).changed == 0
    more = storage.run("storage_report", suse_storage_report_strict=True, suse_storage_report_least="2Ti")
    assert not more.ok
    assert more.failure == "new volumes of class longhorn find 600Gi, less than 2Ti"


def assert_it_is_kept_only_when_asked(storage: PlatformSite, lines: list[str]) -> None:
    folder: Path = storage.directory / "kept"
    storage.variables["suse_storage_report_dir"] = str(folder)
    assert report(storage, "--check").changed > 0
    assert not folder.exists()
    assert report(storage).changed > 0
    assert (folder / "storage.txt").read_text(encoding="utf-8") == "\n".join(lines) + "\n"
    data = json.loads((folder / "storage.json").read_text(encoding="utf-8"))
    assert data["warnings"] == WARNINGS
    assert data["total"]["room"] == (500 + 800) * GI
    assert report(storage).changed == 0
    del storage.variables["suse_storage_report_dir"]
