# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What keeps pods from running, as the pods themselves say it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .objects import Object

#: Waiting reasons that do not go away without somebody doing something (kubelet, pkg/kubelet/images and kuberuntime).
_IMAGE = ("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
_CONTAINER = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_CRASH = "CrashLoopBackOff"

IMAGE, CONTAINER, CRASH, UNSCHEDULABLE = "image", "container", "crash", "unschedulable"


@dataclass(frozen=True)
class Finding:
    """One cause. code: IMAGE, CONTAINER, CRASH or UNSCHEDULABLE. container: empty for a cause of the whole pod."""

    code: str
    pod: Object
    container: str
    reason: str
    message: str

    @property
    def name(self) -> str:
        """The pod's name."""
        return str(self.pod["metadata"]["name"])

    @property
    def text(self) -> str:
        """The cause for a person, without namespace and container."""
        if self.code == UNSCHEDULABLE:
            return f"pod {self.name} cannot be scheduled: {self.message}"
        return f"pod {self.name}: {self.reason}{': ' + self.message if self.message else ''}"


def findings(pods: Iterable[Object]) -> Iterator[Finding]:
    """Everything that pods say about why they do not run, in their order."""
    for pod in pods:
        status = pod.get("status") or {}
        for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
            waiting = (container.get("state") or {}).get("waiting") or {}
            reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
            code = _code(reason)
            if code:
                yield Finding(code, pod, str(container.get("name") or ""), reason, message)
        for condition in status.get("conditions") or []:
            if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
                yield Finding(UNSCHEDULABLE, pod, "", "Unschedulable", str(condition.get("message") or ""))


def _code(reason: str) -> str:
    if reason in _IMAGE:
        return IMAGE
    if reason in _CONTAINER:
        return CONTAINER
    return CRASH if reason == _CRASH else ""


def waits_for_volume(pod: Object) -> bool:
    """Whether a pod is not scheduled because of its volume claims: normal while they are being made."""
    conditions: list[Any] = (pod.get("status") or {}).get("conditions") or []
    return any(
        condition.get("reason") == "Unschedulable" and "PersistentVolumeClaim" in str(condition.get("message"))
        for condition in conditions
    )
