# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What SUSE Storage (Longhorn) can still take: on each disk and node, and in volumes of a class. All amounts are bytes.

The rule is that of Longhorn's own scheduler (longhorn-manager, C(scheduler/replica_scheduler.go) at commit 0065134, read
beside the definitions of its kinds in 1.12.1):

- C(IsSchedulableToDisk): what is free must be more than C(storage-minimal-available-percentage) of the disk's size, and all
  replicas together, each with the full size of its volume, at most C(storage-over-provisioning-percentage) of the size
  without what is reserved. A new volume has written nothing yet, so its size counts in the second part only.
- C(ListSchedulableNodes), C(FindDiskCandidates): the node is Ready, Schedulable and lets be scheduled; the disk is
  Schedulable, lets be scheduled and is not evicted.
- C(getDiskCandidates), C(filterNodeDisksForReplica): no two replicas of a volume on one node (or in one zone, or on one disk)
  unless the settings, or the class, allow it; tags of nodes and disks; block disks for volumes of engine v2 only.

Not looked at, for no object that is read says it: whether instance manager and engine image of a node are ready, and how
large a file its file system can hold. With C(replica-auto-balance: best-effort) some versions put two replicas on one node
nevertheless (https://github.com/longhorn/longhorn/issues/11189); here replicas stay apart, and so the answer is the safe one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import RemoteError
from ..names import ANNOTATION_DEFAULT_CLASS

PROVISIONER = "driver.longhorn.io"

#: How far apart the replicas of a volume must be.
ZONES, NODES, DISKS, ANYWHERE = "zones", "nodes", "disks", "anywhere"
#: Kind of a disk -> the engine whose volumes it takes (filterNodeDisksForReplica).
_ENGINES = {"filesystem": "v1", "block": "v2"}
_UNITS = ("", "Ki", "Mi", "Gi", "Ti", "Pi")

Object = Mapping[str, Any]


def shown(amount: int) -> str:
    """An amount for people: C(1.5Ti)."""
    value, unit = float(amount), 0
    while abs(value) >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f}".replace(".0", "") + _UNITS[unit]


@dataclass(frozen=True)
class Settings:
    """The settings of Longhorn that decide; as defaults its own (longhorn-manager, types/setting.go).

    over_provisioning, minimal_available: percent. Soft: replicas of a volume may share a zone, a node, a disk.
    tagged_nodes, tagged_disks: volumes that ask for no tag may go where tags are. replicas: of a class that names none, by engine.
    """

    over_provisioning: int = 100
    minimal_available: int = 25
    soft_zones: bool = True
    soft_nodes: bool = False
    soft_disks: bool = True
    tagged_nodes: bool = True
    tagged_disks: bool = True
    replicas: Mapping[str, int] | None = None

    @classmethod
    def of(cls, objects: Sequence[Object]) -> Settings:
        """Read objects of the kind Setting. Raises RemoteError for a value that Longhorn itself would refuse."""
        values = {item["metadata"]["name"]: str(item.get("value") or "") for item in objects}

        def number(name: str, default: int) -> int:
            return _number(f"Setting {name}", values.get(name) or default)

        def flag(name: str, default: bool) -> bool:
            return (values.get(name) or str(default)).lower() == "true"

        return cls(
            over_provisioning=number("storage-over-provisioning-percentage", cls.over_provisioning),
            minimal_available=number("storage-minimal-available-percentage", cls.minimal_available),
            soft_zones=flag("replica-zone-soft-anti-affinity", cls.soft_zones),
            soft_nodes=flag("replica-soft-anti-affinity", cls.soft_nodes),
            soft_disks=flag("replica-disk-soft-anti-affinity", cls.soft_disks),
            tagged_nodes=flag("allow-empty-node-selector-volume", cls.tagged_nodes),
            tagged_disks=flag("allow-empty-disk-selector-volume", cls.tagged_disks),
            replicas=_by_engine("default-replica-count", values.get("default-replica-count") or "3"),
        )

    def to_dict(self) -> dict[str, Any]:
        """The two percentages, as the report tells them."""
        return {
            "over_provisioning_percentage": self.over_provisioning,
            "minimal_available_percentage": self.minimal_available,
        }


def _number(place: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise RemoteError(f"{place}: {value!r} is no whole number", "Correct it in Longhorn.") from None


def _by_engine(name: str, value: str) -> dict[str, int]:
    """A setting that is one number, or since Longhorn 1.10 a JSON text with one for each engine."""
    try:
        found = json.loads(value)
    except ValueError:
        found = value
    each = found if isinstance(found, dict) else dict.fromkeys(_ENGINES.values(), found)
    return {engine: _number(f"Setting {name}", number) for engine, number in each.items()}


@dataclass(frozen=True)
class Disk:
    """One disk of a node.

    engine: v1 or v2. replicas: how many lie on it. maximum: its size. reserved: what is kept for others. scheduled: the full
    size of all replicas on it. available: what is free now. room: how large one more replica may be. schedulable: whether one may
    be there at all; if not, the reason is here or at its node. why: what of the disk itself keeps replicas away.
    """

    name: str
    node: str
    zone: str = ""
    path: str = ""
    engine: str = "v1"
    tags: frozenset[str] = frozenset()
    replicas: int = 0
    maximum: int = 0
    reserved: int = 0
    scheduled: int = 0
    available: int = 0
    room: int = 0
    schedulable: bool = False
    why: tuple[str, ...] = ()

    @property
    def used(self) -> int:
        """Percent of its size that are not free, rounded down."""
        return (self.maximum - self.available) * 100 // self.maximum if self.maximum > 0 else 0

    def to_dict(self) -> dict[str, Any]:
        """The disk as the report has it."""
        return {
            "name": self.name,
            "path": self.path,
            "engine": self.engine,
            "tags": sorted(self.tags),
            "replicas": self.replicas,
            **amounts([self]),
            "used_percent": self.used,
            "schedulable": self.schedulable,
            "why": list(self.why),
        }


@dataclass(frozen=True)
class Node:
    """One node of Longhorn. why: what keeps replicas away from all its disks."""

    name: str
    zone: str = ""
    tags: frozenset[str] = frozenset()
    disks: tuple[Disk, ...] = ()
    why: tuple[str, ...] = ()

    @property
    def schedulable(self) -> bool:
        """Whether a replica, however small, could go there."""
        return any(disk.schedulable for disk in self.disks)

    def to_dict(self) -> dict[str, Any]:
        """The node as the report has it."""
        return {
            "name": self.name,
            "zone": self.zone,
            "tags": sorted(self.tags),
            **amounts(self.disks),
            "schedulable": self.schedulable,
            "why": list(self.why),
            "disks": [disk.to_dict() for disk in self.disks],
        }


def amounts(disks: Sequence[Disk]) -> dict[str, int]:
    """The amounts of disks in sum, by name."""
    names = ("maximum", "reserved", "scheduled", "available", "room")
    return {name: sum(getattr(disk, name) for disk in disks) for name in names}


def nodes_of(objects: Sequence[Object], settings: Settings) -> list[Node]:
    """Read objects of the kind Node, in the order of their names."""
    return sorted((_node(item, settings) for item in objects), key=lambda node: node.name)


def _node(item: Object, settings: Settings) -> Node:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    why = ["it is being deleted"] if item["metadata"].get("deletionTimestamp") else []
    why += _not_true(status, "Ready") or _not_true(status, "Schedulable")
    why += [] if spec.get("allowScheduling") else ["scheduling is switched off for the node"]
    name, zone = item["metadata"]["name"], status.get("zone") or ""
    known = status.get("diskStatus") or {}
    disks = [
        _disk(Disk(disk, name, zone), given, known.get(disk) or {}, settings, not why)
        for disk, given in sorted((spec.get("disks") or {}).items())
    ]
    return Node(name, zone, frozenset(spec.get("tags") or ()), tuple(disks), tuple(why))


def _disk(place: Disk, spec: Object, status: Object, settings: Settings, node_takes: bool) -> Disk:
    maximum, available = int(status.get("storageMaximum") or 0), int(status.get("storageAvailable") or 0)
    reserved, scheduled = int(spec.get("storageReserved") or 0), int(status.get("storageScheduled") or 0)
    room, full = _room(maximum, reserved, scheduled, available, settings)
    why = [] if spec.get("allowScheduling") else ["scheduling is switched off for the disk"]
    why += ["its replicas are being evicted"] if spec.get("evictionRequested") else []
    why += _not_true(status, "Ready") or full or _not_true(status, "Schedulable")
    kind = spec.get("diskType") or status.get("diskType") or "filesystem"
    return Disk(
        name=place.name,
        node=place.node,
        zone=place.zone,
        path=spec.get("path") or status.get("diskPath") or "",
        engine=_ENGINES.get(kind, kind),
        tags=frozenset(spec.get("tags") or ()),
        replicas=len(status.get("scheduledReplica") or {}),
        maximum=maximum,
        reserved=reserved,
        scheduled=scheduled,
        available=available,
        room=room if node_takes and not why else 0,
        schedulable=node_takes and not why,
        why=tuple(why),
    )


def _room(maximum: int, reserved: int, scheduled: int, available: int, settings: Settings) -> tuple[int, list[str]]:
    """How large a new replica may be by IsSchedulableToDisk, or why none may be there.

    With scheduled exactly at the limit Longhorn still calls the disk schedulable, for a replica of no size.
    """
    if maximum <= 0:
        return 0, ["its size is not known"]
    full = []
    if available <= maximum * settings.minimal_available // 100:
        keeps = f"Longhorn keeps {settings.minimal_available} % free"
        full.append(f"only {shown(available)} of {shown(maximum)} are free, and {keeps}")
    limit = (maximum - reserved) * settings.over_provisioning // 100
    if scheduled >= limit:
        full.append(f"{shown(scheduled)} are scheduled, and {shown(limit)} may be")
    return (0 if full else limit - scheduled), full


def _not_true(status: Object, kind: str) -> list[str]:
    """Why a condition is not True; nothing when it is."""
    for condition in status.get("conditions") or []:
        if condition.get("type") == kind:
            if condition.get("status") == "True":
                return []
            return [f"not {kind}: {condition.get('message') or condition.get('reason') or condition.get('status')}"]
    return [f"not {kind}: Longhorn has not said so yet"]


@dataclass(frozen=True)
class VolumeClass:
    """A StorageClass of Longhorn, and what it can still give.

    apart: how far its replicas are. places: how many of these have room. largest: size of the largest volume that can be made now.
    in_all: size of all volumes together, when they are small.
    """

    name: str
    default: bool
    replicas: int
    apart: str
    places: int
    largest: int
    in_all: int

    def to_dict(self) -> dict[str, Any]:
        """The class as the report has it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def classes_of(objects: Sequence[Object], nodes: Sequence[Node], settings: Settings) -> list[VolumeClass]:
    """Read objects of the kind StorageClass, without those of other provisioners, in the order of their names."""
    ours = [item for item in objects if item.get("provisioner") == PROVISIONER]
    marked = [item for item in ours if _annotation(item) == "true"]
    # Of several, Kubernetes takes the newest.
    default = max(marked, key=lambda item: item["metadata"].get("creationTimestamp") or "") if marked else None
    found = [_class(item, item is default, nodes, settings) for item in ours]
    return sorted(found, key=lambda entry: entry.name)


def _annotation(item: Object) -> str:
    return str((item["metadata"].get("annotations") or {}).get(ANNOTATION_DEFAULT_CLASS))


def _class(item: Object, default: bool, nodes: Sequence[Node], settings: Settings) -> VolumeClass:
    name, parameters = item["metadata"]["name"], item.get("parameters") or {}
    engine = parameters.get("dataEngine") or "v1"
    given = parameters.get("numberOfReplicas") or (settings.replicas or {}).get(engine, 3)
    replicas = max(1, _number(f"StorageClass {name}: numberOfReplicas", given))
    apart = _apart(parameters, settings)
    groups = _groups(_suitable(parameters, engine, nodes, settings), apart)
    return VolumeClass(
        name=name,
        default=default,
        replicas=replicas,
        apart=apart,
        places=sum(1 for rooms in groups if any(rooms)),
        largest=largest_volume(groups, replicas, apart != ANYWHERE),
        in_all=volumes_in_all(groups, replicas, apart != ANYWHERE),
    )


def _apart(parameters: Mapping[str, str], settings: Settings) -> str:
    """How far replicas must be from each other; where zones must differ, nodes do."""
    for name, where, soft in (
        ("replicaZoneSoftAntiAffinity", ZONES, settings.soft_zones),
        ("replicaSoftAntiAffinity", NODES, settings.soft_nodes),
        ("replicaDiskSoftAntiAffinity", DISKS, settings.soft_disks),
    ):
        if {"enabled": True, "disabled": False}.get(parameters.get(name) or "", soft) is False:
            return where
    return ANYWHERE


def _suitable(parameters: Mapping[str, str], engine: str, nodes: Sequence[Node], settings: Settings) -> list[Disk]:
    wanted_of_node, wanted_of_disk = (_names(parameters.get(name)) for name in ("nodeSelector", "diskSelector"))
    return [
        disk
        for node in nodes
        if _tags_fit(node.tags, wanted_of_node, settings.tagged_nodes)
        for disk in node.disks
        if disk.engine == engine and _tags_fit(disk.tags, wanted_of_disk, settings.tagged_disks)
    ]


def _names(text: str | None) -> frozenset[str]:
    return frozenset(name.strip() for name in (text or "").split(",") if name.strip())


def _tags_fit(tags: frozenset[str], wanted: frozenset[str], tagged: bool) -> bool:
    """As types.IsSelectorsInTags in longhorn-manager."""
    return wanted <= tags and bool(wanted or tagged or not tags)


def _groups(disks: Sequence[Disk], apart: str) -> list[list[int]]:
    """The room of each disk, by what may hold one replica of a volume: a zone, a node, or a disk."""
    groups: dict[Any, list[int]] = {}
    for disk in disks:
        key = {ZONES: disk.zone, NODES: disk.node}.get(apart, (disk.node, disk.name))
        groups.setdefault(key, []).append(disk.room)
    return list(groups.values())


def largest_volume(groups: Sequence[Sequence[int]], replicas: int, apart: bool) -> int:
    """Size of the largest volume that can be made.

    groups: room of each disk, by group. apart: each replica needs a group of its own; otherwise each group is one disk, and may
    get several.
    """
    best = sorted((max(rooms, default=0) for rooms in groups), reverse=True)
    if apart:
        return best[replicas - 1] if len(best) >= replicas else 0
    sizes = {room // times for room in best for times in range(1, replicas + 1)} - {0}
    return max((size for size in sizes if sum(room // size for room in best) >= replicas), default=0)


def volumes_in_all(groups: Sequence[Sequence[int]], replicas: int, apart: bool) -> int:
    """Size of all volumes together that can be made, when each is small. groups, apart: as for the largest.

    A volume puts as much into each of C(replicas) groups. So a group that is larger than all volumes together takes one replica of
    each and no more; without the C(k) largest groups, the others must take the C(replicas - k) remaining replicas of each.
    """
    sums = sorted((sum(rooms) for rooms in groups), reverse=True)
    if not apart:
        return sum(sums) // replicas
    return min(sum(sums[k:]) // (replicas - k) for k in range(replicas))
