# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What pods hold of a quota, counted as the API server's quota evaluator does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import names, quantity
from ..quantity import Quantity
from .keys import PREFIX, accelerator_key, accelerator_of

Object = Mapping[str, Any]

_ZERO = quantity.parse(0)
_TERMINAL = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Consumer:
    """One pod that holds something. holds: quota key -> amount. leaving: it is being deleted already."""

    namespace: str
    pod: str
    node: str
    phase: str
    since: str
    leaving: bool
    holds: Mapping[str, Quantity] = field(default_factory=dict)

    def as_dict(self, keys: Iterable[str]) -> dict[str, Any]:
        """The consumer as it stands in results, with what it holds of C(keys)."""
        return {
            "namespace": self.namespace,
            "pod": self.pod,
            "node": self.node,
            "phase": self.phase,
            "requests": {key: str(self.holds[key]) for key in keys if key in self.holds},
            "since": self.since,
        }

    def line(self, keys: Iterable[str]) -> str:
        """The consumer in one line of a message."""
        held = ", ".join(f"{self.holds[key]} {key.removeprefix(PREFIX)}" for key in keys if key in self.holds)
        place = f"on {self.node}" if self.node else "on no node yet"
        return f"pod {self.pod} {place}, {self.phase}, since {self.since}: {held}"


def consumers(pods: Sequence[Object]) -> list[Consumer]:
    """The pods that count, with what each holds. Finished pods count nothing; waiting ones do."""
    return [_consumer(pod) for pod in pods if pod.get("status", {}).get("phase") not in _TERMINAL]


def held(found: Iterable[Consumer], key: str) -> Quantity:
    """How much of a quota key these pods hold together."""
    return quantity.total(consumer.holds.get(key, _ZERO) for consumer in found)


def counts_pods(key: str) -> bool:
    """Tell whether L(held) knows a quota key; all others (storage, objects) only the API server counts."""
    if key in ("pods", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"):
        return True
    return accelerator_of(key) is not None


def _consumer(pod: Object) -> Consumer:
    metadata, status = pod["metadata"], pod.get("status", {})
    return Consumer(
        str(metadata.get("namespace", "")),
        str(metadata["name"]),
        str(pod["spec"].get("nodeName") or ""),
        "Terminating" if metadata.get("deletionTimestamp") else str(status.get("phase", "Pending")),
        str(status.get("startTime") or metadata.get("creationTimestamp") or ""),
        bool(metadata.get("deletionTimestamp")),
        _holds(pod["spec"]),
    )


def _holds(spec: Object) -> dict[str, Quantity]:
    """Quota key -> amount of one pod. For devices limits equal requests (Kubernetes extended resources)."""
    requests, limits = effective(spec, "requests"), effective(spec, "limits")
    found: dict[str, Quantity] = {"pods": quantity.parse(1)}
    for name, amount in requests.items():
        if names.is_extended_resource(name) or name in ("cpu", "memory"):
            found[accelerator_key(name)] = amount
    for name in ("cpu", "memory"):
        if name in limits:
            found[f"limits.{name}"] = limits[name]
    return found


def effective(spec: Object, part: str) -> dict[str, Quantity]:
    """What a pod asks for: all its containers together, or its largest init container, or what the pod states itself.

    part: C(requests) or C(limits). Init containers that keep running (C(restartPolicy: Always)) count with the others.
    """
    inits = spec.get("initContainers") or []
    sidecars = [container for container in inits if container.get("restartPolicy") == "Always"]
    found = _sum(part, [*(spec.get("containers") or []), *sidecars])
    for container in inits:
        if container.get("restartPolicy") == "Always":
            continue
        for name, amount in _sum(part, [container]).items():
            found[name] = max(found.get(name, _ZERO), amount)
    stated = (spec.get("resources") or {}).get(part) or {}
    found.update({name: quantity.parse(amount) for name, amount in stated.items()})
    for name, amount in (spec.get("overhead") or {}).items():
        found[name] = found.get(name, _ZERO) + quantity.parse(amount)
    return found


def _sum(part: str, containers: Sequence[Object]) -> dict[str, Quantity]:
    found: dict[str, Quantity] = {}
    for container in containers:
        for name, amount in ((container.get("resources") or {}).get(part) or {}).items():
            found[name] = found.get(name, _ZERO) + quantity.parse(amount)
    return found


def limit_range_traps(ranges: Iterable[Object], is_accelerator: Any) -> list[str]:
    """Warn of LimitRanges that make every container ask for an accelerator.

    For containers, a maximum without a default becomes the default (Kubernetes defaulting), so a
    C(max: {nvidia.com/gpu: 8}) alone gives eight GPUs to each container that asks for none.
    """
    warnings = []
    for item in ranges:
        for limit in item.get("spec", {}).get("limits") or []:
            for name in limit.get("max") or {}:
                given = (limit.get("default") or {}).get(name)
                if limit.get("type") == "Container" and is_accelerator(name) and not quantity.same(given, 0):
                    metadata = item["metadata"]
                    warnings.append(
                        f"LimitRange {metadata['namespace']}/{metadata['name']} has a maximum for {name} and a default of "
                        f"{given}: every container that asks for none gets it. Set default and defaultRequest of {name} to 0."
                    )
    return warnings
