# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Objects of Longhorn (longhorn.io/v1beta2) as its manager would write them: as small as the report on capacity needs them."""

from __future__ import annotations

from typing import Any

GI = 1024**3
TRUE = ({"type": "Ready", "status": "True"}, {"type": "Schedulable", "status": "True"})

Object = dict[str, Any]


def condition(kind: str, message: str, status: str = "False", reason: str = "") -> Object:
    return {"type": kind, "status": status, "message": message, "reason": reason}


def thing(kind: str, name: str, **content: Any) -> Object:
    metadata = {"name": name, "namespace": "longhorn-system"}
    return {"apiVersion": "longhorn.io/v1beta2", "kind": kind, "metadata": metadata, **content}


def disk(
    size: int = 100, free: int = 100, scheduled: int = 0, reserved: int = 0, conditions: Any = TRUE, **spec: Any
) -> tuple[Object, Object]:
    """Spec and status of a disk. Amounts in GiB."""
    given = {
        "path": "/data", "diskType": "filesystem", "allowScheduling": True, "evictionRequested": False,
        "storageReserved": reserved * GI, "tags": [],
    }  # fmt: skip
    status = {
        "conditions": list(conditions), "diskUUID": "d-1", "scheduledReplica": {"r-1": scheduled * GI} if scheduled else {},
        "storageMaximum": size * GI, "storageAvailable": free * GI, "storageScheduled": scheduled * GI,
    }  # fmt: skip
    return {**given, **spec}, status


def node(name: str, *disks: tuple[Object, Object], conditions: Any = TRUE, zone: str = "", **spec: Any) -> Object:
    """A node whose disks are called d1, d2, ..."""
    names = [f"d{number}" for number, _disk in enumerate(disks, 1)]
    pairs = list(zip(names, disks, strict=True))
    return thing(
        "Node",
        name,
        spec={"allowScheduling": True, "tags": [], **spec, "disks": {disk: given for disk, (given, _status) in pairs}},
        status={
            "conditions": list(conditions),
            "zone": zone,
            "diskStatus": {disk: status for disk, (_spec, status) in pairs},
        },
    )


def setting(name: str, value: str) -> Object:
    return thing("Setting", name, value=value)


def storage_class(name: str = "longhorn", default: bool = False, created: str = "", **parameters: str) -> Object:
    annotations = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotations, "creationTimestamp": created},
        "provisioner": "driver.longhorn.io",
        "parameters": {"numberOfReplicas": "3", **parameters},
    }


def volume(name: str, size: int = 10, robustness: str = "healthy", conditions: Any = (), **status: Any) -> Object:
    """A volume of three replicas. size: in GiB."""
    return thing(
        "Volume",
        name,
        spec={"size": str(size * GI), "numberOfReplicas": 3},
        status={"robustness": robustness, "state": "attached", "conditions": list(conditions), **status},
    )


def replica(volume_name: str, node_name: str, failed: bool = False) -> Object:
    times = {"healthyAt": "2026-11-01T00:00:00Z", "failedAt": "2026-11-02T00:00:00Z" if failed else ""}
    name = f"{volume_name}-r-{node_name or 'none'}"
    return thing("Replica", name, spec={"volumeName": volume_name, "nodeID": node_name, **times})


def target(name: str = "default", url: str = "s3://backups@region/", available: bool = True, why: str = "") -> Object:
    conditions = [condition("Unavailable", why, "True", "Unavailable")] if why else []
    spec = {"backupTargetURL": url, "credentialSecret": "", "pollInterval": "5m0s"}
    return thing("BackupTarget", name, spec=spec, status={"available": available, "conditions": conditions})
