# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings of the layer gpu_operator: what is wrong with them, and how GPUs are shared by time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import Problems
from .settings import check_several

#: Key of the configuration without sharing, for nodes that no other is named for.
WHOLE = "whole"

_VENDORS = ("nvidia", "amd", "intel")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_RESOURCE = re.compile(r"nvidia\.com/(gpu|mig-[0-9a-z.+]+)")
_SHARING = {"replicas", "resource", "rename", "refuse_many"}
#: The configuration that RKE2 writes for its containerd, and its template. Rewritten by the toolkit of the operator, they
#: keep a node from starting (NVIDIA/gpu-operator issues 545, 552, 992).
_RKE2_CONFIG = re.compile(r"/(rke2|k3s)/agent/etc/containerd(/|$)")


def check(settings: Mapping[str, Any]) -> Problems:
    """Collect what is wrong with the settings of the role, without its prefix."""
    problems = Problems()
    _check_vendors(settings, problems)
    for name, needed in (("containerd_socket", True), ("containerd_config", False)):
        path = str(settings[name])
        if (path or needed) and not path.startswith("/"):
            problems.add(f"gpu_operator_{name}", path, "an absolute path" + ("" if needed else ", or nothing"))
    if _RKE2_CONFIG.search(str(settings["containerd_config"])):
        problems.add(
            "gpu_operator_containerd_config",
            settings["containerd_config"],
            "nothing, or a file that RKE2 does not write itself: RKE2 finds the runtime of NVIDIA by itself",
        )
    _check_sharing(settings, problems)
    for node, labels in settings["node_labels"].items():
        if not isinstance(labels, Mapping) or not all(isinstance(value, str) for value in labels.values()):
            problems.add(f"gpu_operator_node_labels.{node}", labels, "labels: names and texts")
    return problems


def _check_vendors(settings: Mapping[str, Any], problems: Problems) -> None:
    vendors: Sequence[str] = settings["vendors"]
    check_several("gpu_operator_vendors", vendors, _VENDORS, problems)
    for vendor, number in settings["nodes"].items():
        if vendor not in vendors:
            problems.add(f"gpu_operator_nodes.{vendor}", number, "vendors of gpu_operator_vendors")
        elif isinstance(number, bool) or not isinstance(number, int) or number < 0:
            problems.add(f"gpu_operator_nodes.{vendor}", number, "a number of nodes, 0 or more")


def _check_sharing(settings: Mapping[str, Any], problems: Problems) -> None:
    sharing, default = settings["time_slicing"], settings["time_slicing_default"]
    if sharing and "nvidia" not in settings["vendors"]:
        problems.add("gpu_operator_time_slicing", dict(sharing), "nothing, without nvidia in gpu_operator_vendors")
    for name, entry in sharing.items():
        place = f"gpu_operator_time_slicing.{name}"
        if not _NAME.fullmatch(str(name)) or name == WHOLE:
            problems.add(place, name, f"a name of small letters, digits and -, other than {WHOLE}")
        if not isinstance(entry, Mapping) or not set(entry) <= _SHARING:
            problems.add(place, entry, f"a mapping with {', '.join(sorted(_SHARING))}")
            continue
        replicas = entry.get("replicas")
        if isinstance(replicas, bool) or not isinstance(replicas, int) or replicas < 2:
            problems.add(f"{place}.replicas", replicas, "a number, 2 or more")
        if not _RESOURCE.fullmatch(str(entry.get("resource", "nvidia.com/gpu"))):
            problems.add(f"{place}.resource", entry.get("resource"), "nvidia.com/gpu or nvidia.com/mig-...")
    if default and default not in sharing:
        problems.add("gpu_operator_time_slicing_default", default, f"nothing, or one of {', '.join(sharing) or '-'}")


def device_plugin_configs(sharing: Mapping[str, Any], mig_strategy: str) -> dict[str, Any]:
    """Name -> configuration of NVIDIA's device plug-in (version v1), with C(whole), the one that shares nothing.

    sharing: name -> C(replicas), C(resource), C(rename) and C(refuse_many), checked. A shared GPU is renamed to
    C(nvidia.com/gpu.shared) unless told otherwise, so that no quota on whole GPUs counts slices of time.
    """
    base = {"version": "v1", "flags": {"migStrategy": mig_strategy}}
    found: dict[str, Any] = {WHOLE: base}
    for name, entry in sharing.items():
        slicing = {
            "renameByDefault": bool(entry.get("rename", True)),
            "failRequestsGreaterThanOne": bool(entry.get("refuse_many", True)),
            "resources": [{"name": entry.get("resource", "nvidia.com/gpu"), "replicas": entry["replicas"]}],
        }
        found[name] = {**base, "sharing": {"timeSlicing": slicing}}
    return found


def labelled_nodes(labels: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Nodes with nothing but these labels, to be applied: node -> label -> value."""
    return [
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "namespace": "", "labels": dict(found)}}
        for name, found in labels.items()
    ]
