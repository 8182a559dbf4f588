# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The objects that a laboratory starts with: played nodes, kwok's stages, storage classes, k3k's CRDs. Pure."""

from __future__ import annotations

import copy
import ipaddress
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .description import CLUSTER_CIDR, PROJECT, Options

LAB = PROJECT / "tests" / "lab"
KUBELET_VERSION = "v1.34.4+rke2r1"

#: Pods per node: the kubelet's default.
MAX_PODS = 110

#: Longhorn's provisioner name (its chart's StorageClass); and one that nobody serves, for tests of waiting claims.
STORAGE_CLASSES = {"longhorn": "driver.longhorn.io", "unserved": "nobody.example.com"}


def load_yaml(path: Path) -> Any:
    """Read a YAML file with one document."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def node_names(pool: dict[str, Any], options: Options) -> list[str]:
    """Return the names of a pool's nodes: its count, or more when it scales with the option C(nodes)."""
    count = max(pool["count"], math.ceil(options.nodes * pool.get("scale", 0)))
    return [f"{pool['name']}-{index}" for index in range(1, count + 1)]


def pod_ranges(count: int) -> Iterator[ipaddress.IPv4Network]:
    """Return one pod network for each of C(count) nodes: /24 as on RKE2, smaller ones when there are more than 256."""
    prefix = max(24, 16 + (max(count, 1) - 1).bit_length())
    return ipaddress.IPv4Network(CLUSTER_CIDR).subnets(new_prefix=prefix)


def node(name: str, pool: dict[str, Any], network: ipaddress.IPv4Network, address: str) -> dict[str, Any]:
    """Return a Node with its status, as a kubelet would register it."""
    pods = min(MAX_PODS, network.num_addresses - 2)
    capacity = {**pool["capacity"], "pods": str(pods)}
    taints = [{"key": pool["avoid"], "effect": "PreferNoSchedule"}] if "avoid" in pool else []
    standard = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {**standard, **pool["labels"]},
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        "spec": {"podCIDR": str(network), "podCIDRs": [str(network)], "taints": taints},
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "nodeInfo": {
                "architecture": "amd64",
                "operatingSystem": "linux",
                "osImage": "SUSE Linux Enterprise Server 15 SP7",
                "kernelVersion": "6.4.0-150700.51-default",
                "containerRuntimeVersion": "containerd://2.1.5-k3s1",
                "kubeletVersion": KUBELET_VERSION,
                "kubeProxyVersion": "",
                "machineID": "",
                "systemUUID": "",
                "bootID": "",
            },
        },
    }


def nodes(options: Options) -> list[dict[str, Any]]:
    """Return all Nodes of the fleet."""
    pools = load_yaml(LAB / "kwok" / "nodes.yaml")["pools"]
    named = [(name, pool) for pool in pools for name in node_names(pool, options)]
    base = ipaddress.IPv4Address("198.19.0.1")  # as the advertised address: a range set apart for tests
    return [
        node(name, pool, network, str(base + index))
        for index, ((name, pool), network) in enumerate(zip(named, pod_ranges(len(named)), strict=False))
    ]


def is_held_back(node: dict[str, Any]) -> bool:
    """Tell whether a Node of the API is not ready yet: Kubernetes keeps pods off it by a taint of its own."""
    return any(taint["key"].startswith("node.kubernetes.io/") for taint in node["spec"].get("taints", []))


def stages(options: Options) -> list[dict[str, Any]]:
    """Return kwok's Stages with the delays that the options ask for."""
    delays = {"pod-server-ready": options.k3k_server_start, "pod-stop": options.k3k_stop}
    result = []
    for stage in load_yaml(LAB / "kwok" / "stages.yaml")["stages"]:
        spec = copy.deepcopy(stage["spec"])
        if stage["name"] in delays:
            spec["delay"] = {"durationMilliseconds": int(delays[stage["name"]] * 1000)}
        metadata = {"name": stage["name"]}
        result.append({"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "Stage", "metadata": metadata, "spec": spec})
    return result


def storage_classes() -> list[dict[str, Any]]:
    """Return the StorageClasses: longhorn (default, as its chart makes it) and one without a provisioner."""
    return [
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": name,
                "annotations": {"storageclass.kubernetes.io/is-default-class": str(name == "longhorn").lower()},
            },
            "provisioner": provisioner,
            "allowVolumeExpansion": True,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
        }
        for name, provisioner in STORAGE_CLASSES.items()
    ]


def custom_resource_definitions() -> list[dict[str, Any]]:
    """Return k3k's CRDs."""
    return [load_yaml(path) for path in sorted((LAB / "k3k" / "crds").glob("*.yaml"))]
