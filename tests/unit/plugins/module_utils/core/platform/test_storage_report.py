# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The report on SUSE Storage: what it tells, and what it warns of (PLAT-3)."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import storage_report as core
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.storage_report import Limits
from tests.lab.longhorn import GI, condition, disk, node, replica, setting, storage_class, target, volume

ROOT = Path(__file__).resolve().parents[6]
REFERENCE = ROOT.parent / "shared" / "reference" / "charts" / "longhorn" / "v1.12.1" / "crds.yaml"

QUIET = Limits(used=100, least=0)

#: Three nodes with one disk each and a volume: nothing to be warned of.
WELL: dict[str, list[Any]] = {
    "Node": [node(name, disk(1000, 900, 10, 50)) for name in ("c", "a", "b")],
    "Setting": [setting("storage-minimal-available-percentage", "10"), setting("backup-target", "")],
    "StorageClass": [storage_class(default=True), storage_class("longhorn-single", numberOfReplicas="1")],
    "Volume": [
        volume("pvc-1", actualSize=GI, kubernetesStatus={"namespace": "clearml", "pvcName": "files"}),
        volume("pvc-2", size=20, robustness="unknown", state="detached"),
    ],
    "Replica": [replica("pvc-1", name) for name in "abc"],
    "BackupTarget": [target(), target("unused", url="", available=False, why="backup target URL is empty")],
}


def warnings(limits: Limits = QUIET, **found: list[Any]) -> list[str]:
    """What the report warns of when some of what is well is replaced."""
    return list(core.build({**WELL, **found}, limits)["warnings"])


def test_the_report_of_a_cluster_that_is_well() -> None:
    report = core.build(WELL, Limits())
    assert json.loads(json.dumps(report)) == report
    assert report["warnings"] == []
    assert report["settings"] == {"over_provisioning_percentage": 100, "minimal_available_percentage": 10}
    assert [entry["name"] for entry in report["nodes"]] == ["a", "b", "c"]
    amounts = {"maximum": 1000, "reserved": 50, "scheduled": 10, "available": 900, "room": 940}
    assert report["total"] == {name: 3 * amount * GI for name, amount in amounts.items()}
    (found,) = report["nodes"][0]["disks"]
    assert {name: found[name] // GI for name in amounts} == amounts
    assert (found["used_percent"], found["replicas"], found["schedulable"], found["why"]) == (10, 1, True, [])
    default, single = report["classes"]
    assert (default["name"], default["default"], default["replicas"], default["in_all"]) == (
        "longhorn",
        True,
        3,
        940 * GI,
    )
    assert (single["name"], single["largest"], single["in_all"]) == ("longhorn-single", 940 * GI, 3 * 940 * GI)
    assert report["volumes"]["size"] == 30 * GI
    assert [entry["name"] for entry in report["volumes"]["largest"]] == ["pvc-2", "pvc-1"]
    assert report["volumes"]["largest"][1]["claim"] == "clearml/files"
    assert report["volumes"]["largest"][1]["nodes"] == ["a", "b", "c"]


def test_the_table_of_a_cluster_that_is_well() -> None:
    assert core.table(core.build(WELL, Limits())) == [
        "NODE  DISK  SIZE    RESERVED  SCHEDULED  FREE   USED  ROOM   SCHEDULABLE  WHY",
        "a     d1    1000Gi  50Gi      10Gi       900Gi  10%   940Gi  yes",
        "b     d1    1000Gi  50Gi      10Gi       900Gi  10%   940Gi  yes",
        "c     d1    1000Gi  50Gi      10Gi       900Gi  10%   940Gi  yes",
        "ALL         2.9Ti   150Gi     30Gi       2.6Ti  10%   2.8Ti  3/3",
        "",
        "STORAGE CLASS    DEFAULT  REPLICAS  APART  PLACES  LARGEST  TOGETHER",
        "longhorn         yes      3         nodes  3       940Gi    940Gi",
        "longhorn-single           1         nodes  3       940Gi    2.8Ti",
        "",
        "LARGEST VOLUMES  CLAIM          SIZE  WRITTEN  HEALTHY  STATE     ROBUSTNESS",
        "pvc-2            -              20Gi  0        0/3      detached  unknown",
        "pvc-1            clearml/files  10Gi  1Gi      3/3      attached  healthy",
        "",
        "BACKUP TARGET  URL                   REACHABLE",
        "default        s3://backups@region/  yes",
        "unused         none                  -",
        "",
        "2 volumes, 30Gi together",
    ]


def test_a_node_with_several_disks_has_a_line_of_its_own() -> None:
    nodes = [node("a", disk(100, 90, 30), disk(100, 50, allowScheduling=False)), node("b")]
    rows = core.capacity_rows(core.build({**WELL, "Node": nodes}, QUIET))
    assert [row[:2] + row[-4:] for row in rows[1:]] == [
        ["a", "all 2", "30%", "70Gi", "yes", ""],
        ["a", "d1", "10%", "70Gi", "yes", ""],
        ["a", "d2", "50%", "0", "no", "scheduling is switched off for the disk"],
        ["b", "none", "-", "0", "no", ""],
        ["ALL", "", "30%", "70Gi", "1/2", ""],
    ]


@given(st.randoms(use_true_random=False))
def test_the_order_of_what_was_read_changes_nothing(chance: random.Random) -> None:
    shuffled = {kind: chance.sample(items, len(items)) for kind, items in WELL.items()}
    assert core.build(shuffled, Limits()) == core.build(WELL, Limits())


def test_a_disk_that_is_fuller_than_the_limit_is_told() -> None:
    nodes = [node(name, disk(1000, free)) for name, free in (("a", 200), ("b", 199), ("c", 500))]
    assert warnings(Limits(least=0), Node=nodes) == [
        "disk d1 of b is more than 80 % full: 199Gi of 1000Gi are free",
    ]
    assert warnings(QUIET, Node=nodes) == []


def test_a_node_that_takes_nothing_is_told_unless_it_has_no_disks() -> None:
    off = [condition("Ready", "Kubernetes node missing")]
    nodes = [
        node("a", disk(), conditions=off),
        node("b", disk(100, 90, 100), disk(allowScheduling=False)),
        node("c", disk(), disk(100, 90, 100)),
        node("d"),
    ]
    assert warnings(Node=nodes) == [
        "node a takes no replicas: not Ready: Kubernetes node missing",
        "node b takes no replicas: d1: 100Gi are scheduled, and 100Gi may be; d2: scheduling is switched off for the disk",
        "disk d2 of c takes no replicas: 100Gi are scheduled, and 100Gi may be",
    ]


def test_too_little_for_new_volumes_of_the_default_class_is_told() -> None:
    limits = Limits(used=100, least=100 * GI)
    small = [node(name, disk(99, 99)) for name in "abc"]
    assert warnings(limits, Node=small) == ["new volumes of class longhorn find 99Gi, less than 100Gi"]
    assert warnings(limits, Node=[node(name, disk(100, 100)) for name in "abc"]) == []
    two = [node(name, disk(500, 500)) for name in "ab"]
    assert warnings(limits, Node=two) == [
        "new volumes of class longhorn find 0, less than 100Gi: 3 replicas need different nodes, and 2 have room"
    ]
    single = [storage_class("single", default=True, numberOfReplicas="1"), storage_class()]
    assert warnings(limits, Node=two, StorageClass=single) == []
    assert warnings(limits, Node=two, StorageClass=[storage_class("a", numberOfReplicas="1"), storage_class()]) != []
    assert warnings(StorageClass=[]) == ["no StorageClass is of driver.longhorn.io: there can be no new volumes"]


def test_volumes_that_are_not_well_are_told() -> None:
    unscheduled = condition("Scheduled", "insufficient storage", reason="ReplicaSchedulingFailure")
    claim = {"namespace": "clearml", "pvcName": "files"}
    volumes = [
        volume("v1", 10, "degraded", [unscheduled], kubernetesStatus=claim),
        volume("v2", 20, "faulted", state="detached"),
        volume("v3", 5),
    ]
    replicas = [replica("v1", "a"), replica("v1", "b", failed=True), replica("v1", ""), replica("v3", "a")]
    del replicas[2]["spec"]["healthyAt"]
    report = core.build({**WELL, "Volume": volumes, "Replica": replicas}, Limits(100, 0, 1))
    short = "1 of 3 replicas are healthy"
    assert report["warnings"] == [
        "volume v2: it is faulted; 0 of 3 replicas are healthy",
        f"volume v1 (clearml/files): it is degraded; {short}; not all replicas are scheduled: insufficient storage",
    ]
    assert [entry["name"] for entry in report["volumes"]["ill"]] == ["v2", "v1"]
    assert [entry["name"] for entry in report["volumes"]["largest"]] == ["v2"]
    assert report["volumes"]["ill"][1]["nodes"] == ["a", "b"]
    text = "\n".join(core.table(report))
    assert "VOLUMES THAT ARE NOT WELL" in text
    assert "WARNING: volume v2: it is faulted" in text


def test_a_backup_target_that_is_not_reachable_is_told() -> None:
    long = "error listing backups:\n" + "x" * 300
    targets = [
        target("b", available=False, why=long),
        target("a", available=False),
        target("c", url="", available=False),
    ]
    found = warnings(BackupTarget=targets)
    assert found[0] == "backup target a is not reachable: Longhorn has not reached it yet"
    assert found[1].startswith("backup target b is not reachable: error listing backups: xxx")
    assert len(found[1]) < 250
    assert len(found) == 2


def test_all_mistakes_in_the_limits_come_as_one_message() -> None:
    assert core.limits_of(85, "1.5Ti", 0) == Limits(85, 1536 * GI, 0)
    with pytest.raises(ConfigError) as caught:
        core.limits_of(0, "much", -1)
    assert str(caught.value).splitlines() == [
        "Report on SUSE Storage: 3 mistakes, nothing was changed.",
        "  - suse_storage_report_disk_used: 0 is not allowed; allowed: percent, from 1 to 100; 100 for no warning",
        "  - suse_storage_report_volumes: -1 is not allowed; allowed: a number of volumes, 0 or more",
        "  - suse_storage_report_least: 'much' is not allowed; allowed: a size such as 500Gi or 2Ti; 0 for no warning",
    ]


def test_the_objects_of_these_tests_are_as_longhorn_defines_them() -> None:
    """What the report reads stands in the published definitions of the kinds, with the same types."""
    if not REFERENCE.exists():
        pytest.skip("the definitions of Longhorn's kinds (../shared/reference/charts) are not at hand")
    text = "\n".join(line for line in REFERENCE.read_text(encoding="utf-8").splitlines() if "{{" not in line)
    kinds = {}
    for definition in filter(None, yaml.safe_load_all(text)):
        (version,) = [entry for entry in definition["spec"]["versions"] if entry["name"] == "v1beta2"]
        kinds[definition["spec"]["names"]["kind"]] = _strict(version["schema"]["openAPIV3Schema"])
    full = {
        "Volume": [*WELL["Volume"], volume("v", 1, "degraded", [condition("Scheduled", "no")])],
        "Node": [*WELL["Node"], node("n", disk(tags=["ssd"]), conditions=[condition("Ready", "no")], zone="z")],
    }
    for kind in ("Node", "Setting", "Volume", "Replica", "BackupTarget"):
        for item in full.get(kind, WELL[kind]):
            jsonschema.validate(item, kinds[kind])


def _strict(schema: Any) -> Any:
    """A schema in which fields that are not named are wrong, as they are for an API server that prunes them."""
    if isinstance(schema, list):
        return [_strict(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _strict(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        made["additionalProperties"] = False
        made["properties"].setdefault("metadata", {})
        if made["properties"]["metadata"] == {"type": "object"}:
            made["properties"]["metadata"] = {}
    return made
