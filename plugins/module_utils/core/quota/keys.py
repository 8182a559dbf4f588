# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The keys of a ResourceQuota, and what a declared limit becomes in them.

Only C(requests.<name>) is enforced for an extended resource; C(limits.<name>) and the bare name are stored and ignored
(Kubernetes pod quota evaluator). Devices of dynamic resource allocation count by
C(<class>.deviceclass.resource.k8s.io/devices) and by the number of claims. The claims that a scheduler makes for pods which
keep asking by extended resource (KEP-5004) are among these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from ..names import is_extended_resource

PREFIX = "requests."
CLAIM_KEYS = ("count/resourceclaims.resource.k8s.io", "count/resourceclaimtemplates.resource.k8s.io")
_CLASS_SUFFIX = ".deviceclass.resource.k8s.io/devices"
_STORAGE_SUFFIX = ".storageclass.storage.k8s.io/requests.storage"
#: Device classes of NVIDIA's DRA driver; denied even before the driver is there.
KNOWN_DEVICE_CLASSES = ("gpu.nvidia.com", "mig.nvidia.com")

#: What one declared amount limits.
_AMOUNTS = {"cpu": ("requests.cpu", "limits.cpu"), "memory": ("requests.memory", "limits.memory")}
OBJECT_KEY = re.compile(
    r"services(\.loadbalancers|\.nodeports)?|persistentvolumeclaims|configmaps|secrets|replicationcontrollers|"
    r"count/[a-z0-9-]+(\.[a-z0-9.-]+)?"
)
OBJECT_ALLOWED = (
    "services, services.loadbalancers, services.nodeports, persistentvolumeclaims, configmaps, secrets or "
    "count/<resource>.<group>"
)


def accelerator_key(name: str) -> str:
    """The quota key of an accelerator."""
    return PREFIX + name


def accelerator_of(key: str) -> Optional[str]:
    """The accelerator that a quota key limits, or None when the key limits something else."""
    name = key[len(PREFIX) :] if key.startswith(PREFIX) else ""
    return name if is_extended_resource(name) else None


def accelerators_in(hard: Mapping[str, Any]) -> dict[str, Any]:
    """The accelerators among quota keys, by their plain names."""
    found = {accelerator_of(key): value for key, value in hard.items()}
    return {name: value for name, value in found.items() if name is not None}


def accelerator_hard(
    resources: Mapping[str, int],
    denied: Iterable[str],
    device_classes: Mapping[str, int],
    denied_classes: Iterable[str],
    resource_claims: int,
) -> dict[str, str]:
    """C(spec.hard) of the accelerator quota.

    resources, device_classes: what is granted. denied, denied_classes: names that get zero unless granted.
    resource_claims: how many ResourceClaims, and how many templates.
    """
    granted = {**dict.fromkeys(denied, 0), **resources}
    classes = {**dict.fromkeys(denied_classes, 0), **device_classes}
    hard = {accelerator_key(name): str(count) for name, count in sorted(granted.items())}
    hard.update({name + _CLASS_SUFFIX: str(count) for name, count in sorted(classes.items())})
    hard.update(dict.fromkeys(CLAIM_KEYS, str(resource_claims)))
    return hard


def base_hard(amounts: Mapping[str, Any], objects: Mapping[str, int], classes: Mapping[str, str]) -> dict[str, str]:
    """C(spec.hard) of the base quota.

    amounts: cpu, memory, storage (quantities as text) and pods (a number), those that are limited. objects: quota key ->
    number. classes: StorageClass -> quantity.
    """
    hard: dict[str, str] = {}
    for name, keys in _AMOUNTS.items():
        if name in amounts:
            hard.update(dict.fromkeys(keys, str(amounts[name])))
    if "pods" in amounts:
        hard["pods"] = str(amounts["pods"])
    if "storage" in amounts:
        hard["requests.storage"] = str(amounts["storage"])
    hard.update({name + _STORAGE_SUFFIX: amount for name, amount in sorted(classes.items())})
    hard.update({name: str(count) for name, count in sorted(objects.items())})
    return hard
