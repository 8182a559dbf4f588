# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The report on SUSE Storage: capacity, volumes that are not well, the largest ones, backup targets, and what to be warned of.

Nothing in it depends on when it was made, so that the same state gives the same report. All amounts are bytes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..errors import Problems
from ..quantity import parse
from ..report import lines
from . import storage_capacity
from .storage_capacity import ANYWHERE, Node, Settings, VolumeClass, amounts, shown

Object = Mapping[str, Any]
Report = Mapping[str, Any]
Rows = list[list[str]]

#: The class that the chart of SUSE Storage makes (its templates/storageclass.yaml).
CHART_CLASS = "longhorn"
#: What Longhorn calls volumes that have lost replicas, or all of them (longhorn-manager, types VolumeRobustness).
_ILL = ("degraded", "faulted")
#: Longest reason in a table, in characters: messages of backup targets have whole command lines in them.
_MAX_REASON = 160


@dataclass(frozen=True)
class Limits:
    """When to warn. used: percent of a disk that are not free. least: bytes that new volumes must find. largest: volumes to list."""

    used: int = 80
    least: int = 100 * 1024**3
    largest: int = 10


def limits_of(used: Any, least: Any, largest: Any) -> Limits:
    """Check what the site says. Raises ConfigError with everything that is wrong."""
    problems, prefix = Problems(), "suse_storage_report_"
    if not isinstance(used, int) or not 1 <= used <= 100:
        problems.add(f"{prefix}disk_used", used, "percent, from 1 to 100; 100 for no warning")
    if not isinstance(largest, int) or largest < 0:
        problems.add(f"{prefix}volumes", largest, "a number of volumes, 0 or more")
    size = -1
    with contextlib.suppress(ValueError):
        size = parse(least).to_int()
    if size < 0:
        problems.add(f"{prefix}least", least, "a size such as 500Gi or 2Ti; 0 for no warning")
    problems.raise_if_any("Report on SUSE Storage")
    return Limits(used, size, largest)


def build(found: Mapping[str, Sequence[Object]], limits: Limits) -> dict[str, Any]:
    """Make the report. found: the objects of the cluster by kind, of longhorn.io (v1beta2) and StorageClass."""
    settings = Settings.of(found.get("Setting") or [])
    nodes = storage_capacity.nodes_of(found.get("Node") or [], settings)
    classes = storage_capacity.classes_of(found.get("StorageClass") or [], nodes, settings)
    volumes = _volumes(found.get("Volume") or [], found.get("Replica") or [])
    targets = sorted((_target(item) for item in found.get("BackupTarget") or []), key=lambda target: target["name"])
    return {
        "settings": settings.to_dict(),
        "nodes": [node.to_dict() for node in nodes],
        "total": amounts([disk for node in nodes for disk in node.disks]),
        "classes": [entry.to_dict() for entry in classes],
        "volumes": {
            "count": len(volumes),
            "size": sum(volume["size"] for volume in volumes),
            "ill": [volume for volume in volumes if volume["why"]],
            "largest": volumes[: limits.largest],
        },
        "backup_targets": targets,
        "warnings": [
            *(text for node in nodes for text in _node_warnings(node, limits)),
            *_class_warnings(classes, limits),
            *(f"volume {_title(volume)}: {'; '.join(volume['why'])}" for volume in volumes if volume["why"]),
            *(
                f"backup target {target['name']} is not reachable: {target['why']}"
                for target in targets
                if target["why"]
            ),
        ],
    }


def _volumes(objects: Sequence[Object], replicas: Sequence[Object]) -> list[dict[str, Any]]:
    """The volumes, the largest first."""
    by_volume: dict[str, list[Object]] = {}
    for item in replicas:
        by_volume.setdefault((item.get("spec") or {}).get("volumeName") or "", []).append(item.get("spec") or {})
    volumes = [_volume(item, by_volume.get(item["metadata"]["name"]) or []) for item in objects]
    return sorted(volumes, key=lambda volume: (-volume["size"], volume["name"]))


def _volume(item: Object, replicas: Sequence[Object]) -> dict[str, Any]:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    claim = status.get("kubernetesStatus") or {}
    # A replica has data that counts once it was healthy, until it fails (the kind's own description of both fields).
    healthy = sum(1 for replica in replicas if replica.get("healthyAt") and not replica.get("failedAt"))
    wanted, robustness = int(spec.get("numberOfReplicas") or 0), status.get("robustness") or "unknown"
    why = [f"it is {robustness}; {healthy} of {wanted} replicas are healthy"] if robustness in _ILL else []
    for condition in status.get("conditions") or []:
        if str(condition.get("type")).lower() == "scheduled" and condition.get("status") == "False":
            why.append(f"not all replicas are scheduled: {condition.get('message') or condition.get('reason')}")
    return {
        "name": item["metadata"]["name"],
        "claim": "/".join(claim[key] for key in ("namespace", "pvcName") if claim.get(key)),
        "size": int(spec.get("size") or 0),
        "actual_size": int(status.get("actualSize") or 0),
        "replicas": wanted,
        "healthy_replicas": healthy,
        "nodes": sorted({replica["nodeID"] for replica in replicas if replica.get("nodeID")}),
        "state": status.get("state") or "unknown",
        "robustness": robustness,
        "why": why,
    }


def _title(volume: Report) -> str:
    return f"{volume['name']} ({volume['claim']})" if volume["claim"] else str(volume["name"])


def _target(item: Object) -> dict[str, Any]:
    """A backup target. why: empty also when it has no URL, for then nobody wants backups there."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    url, available = spec.get("backupTargetURL") or "", bool(status.get("available"))
    said = [
        condition.get("message") or condition.get("reason") or ""
        for condition in status.get("conditions") or []
        if condition.get("type") == "Unavailable" and condition.get("status") == "True"
    ]
    why = "" if available or not url else _short("; ".join(filter(None, said)) or "Longhorn has not reached it yet")
    return {"name": item["metadata"]["name"], "url": url, "available": available, "why": why}


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MAX_REASON else text[: _MAX_REASON - 3] + "..."


def _node_warnings(node: Node, limits: Limits) -> list[str]:
    """A node without any disk is none for storage, such as one without the label for disks."""
    found = []
    if node.disks and not node.schedulable:
        why = node.why or tuple(f"{disk.name}: {reason}" for disk in node.disks for reason in disk.why)
        found.append(f"node {node.name} takes no replicas: {'; '.join(why)}")
    for disk in node.disks:
        if node.schedulable and not disk.schedulable:
            found.append(f"disk {disk.name} of {node.name} takes no replicas: {'; '.join(disk.why)}")
        if (disk.maximum - disk.available) * 100 > limits.used * disk.maximum:
            left = f"{shown(disk.available)} of {shown(disk.maximum)} are free"
            found.append(f"disk {disk.name} of {node.name} is more than {limits.used} % full: {left}")
    return found


def _class_warnings(classes: Sequence[VolumeClass], limits: Limits) -> list[str]:
    entry = class_that_counts(classes)
    if entry is None:
        return [f"no StorageClass is of {storage_capacity.PROVISIONER}: there can be no new volumes"]
    if entry.in_all >= limits.least:
        return []
    text = f"new volumes of class {entry.name} find {shown(entry.in_all)}, less than {shown(limits.least)}"
    if entry.apart != ANYWHERE and entry.places < entry.replicas:
        text += f": {entry.replicas} replicas need different {entry.apart}, and {entry.places} have room"
    return [text]


def class_that_counts(classes: Sequence[VolumeClass]) -> Optional[VolumeClass]:
    """The default class when it is one of Longhorn's, else that of the chart, else any."""
    for chosen in (lambda entry: entry.default, lambda entry: entry.name == CHART_CLASS, lambda entry: True):
        for entry in classes:
            if chosen(entry):
                return entry
    return None


def table(report: Report) -> list[str]:
    """The report as lines of text: tables, each with an empty line behind it, then the warnings."""
    volumes = report["volumes"]
    tables = [
        capacity_rows(report),
        class_rows(report),
        volume_rows(volumes["largest"], "LARGEST VOLUMES"),
        volume_rows(volumes["ill"], "VOLUMES THAT ARE NOT WELL"),
        target_rows(report),
    ]
    return [
        *(line for rows in tables if len(rows) > 1 for line in [*lines(rows), ""]),
        f"{volumes['count']} volumes, {shown(volumes['size'])} together",
        *(f"WARNING: {text}" for text in report["warnings"]),
    ]


# Ansible folds long lines where a single space is: behind the first columns no cell of ours has one, but reasons.


def capacity_rows(report: Report) -> Rows:
    """The table of nodes and disks, with its headline: a line for each disk, for each node with several, and for all."""
    rows = [["NODE", "DISK", "SIZE", "RESERVED", "SCHEDULED", "FREE", "USED", "ROOM", "SCHEDULABLE", "WHY"]]
    for node in report["nodes"]:
        disks = node["disks"]
        if len(disks) != 1:
            what = f"all {len(disks)}" if disks else "none"
            rows.append(_capacity_row(node["name"], what, node, node["schedulable"], node["why"]))
        for disk in disks:
            why = [*(node["why"] if len(disks) == 1 else []), *disk["why"]]
            rows.append(_capacity_row(node["name"], disk["name"], disk, disk["schedulable"], why))
    takers = sum(1 for node in report["nodes"] if node["schedulable"])
    row = _capacity_row("ALL", "", report["total"], False, [])
    return [*rows, [*row[:-2], f"{takers}/{len(report['nodes'])}", ""]]


def _capacity_row(node: str, disk: str, amount: Report, schedulable: bool, why: Sequence[str]) -> list[str]:
    maximum, available = amount["maximum"], amount["available"]
    used = f"{(maximum - available) * 100 // maximum}%" if maximum else "-"
    numbers = [shown(amount[name]) for name in ("maximum", "reserved", "scheduled", "available")]
    answer = "yes" if schedulable else "no"
    return [node, disk, *numbers, used, shown(amount["room"]), answer, _short("; ".join(why))]


def class_rows(report: Report) -> Rows:
    """The table of storage classes, with its headline: what new volumes of each still find."""
    rows = [["STORAGE CLASS", "DEFAULT", "REPLICAS", "APART", "PLACES", "LARGEST", "TOGETHER"]]
    for entry in report["classes"]:
        apart = "-" if entry["apart"] == ANYWHERE else entry["apart"]
        default = "yes" if entry["default"] else ""
        numbers = [str(entry["places"]), shown(entry["largest"]), shown(entry["in_all"])]
        rows.append([entry["name"], default, str(entry["replicas"]), apart, *numbers])
    return rows


def volume_rows(volumes: Sequence[Report], title: str) -> Rows:
    """A table of volumes, with its headline. Why one is not well, its warning says."""
    rows = [[title, "CLAIM", "SIZE", "WRITTEN", "HEALTHY", "STATE", "ROBUSTNESS"]]
    for volume in volumes:
        sizes = [shown(volume[name]) for name in ("size", "actual_size")]
        healthy = f"{volume['healthy_replicas']}/{volume['replicas']}"
        rows.append([volume["name"], volume["claim"] or "-", *sizes, healthy, volume["state"], volume["robustness"]])
    return rows


def target_rows(report: Report) -> Rows:
    """The table of backup targets, with its headline. Why one is not reachable, its warning says."""
    rows = [["BACKUP TARGET", "URL", "REACHABLE"]]
    for target in report["backup_targets"]:
        reachable = ("yes" if target["available"] else "no") if target["url"] else "-"
        rows.append([target["name"], target["url"] or "none", reachable])
    return rows
