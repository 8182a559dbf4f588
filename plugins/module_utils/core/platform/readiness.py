# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""When what a layer brings is healthy, and why it is not: pure judgement of objects as read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from .. import pods
from ..errors import Problems
from ..nested import at
from ..objects import Object

#: What can be waited for. rollout: all replicas of a workload are updated and available. exists. gone. condition: one
#: of status.conditions is True. field: a value at a path. dry_run: the API server, with its webhooks, takes the object.
ROLLOUT, EXISTS, GONE, CONDITION, FIELD, DRY_RUN = "rollout", "exists", "gone", "condition", "field", "dry_run"
UNTIL = (ROLLOUT, EXISTS, GONE, CONDITION, FIELD, DRY_RUN)

WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")

ADVICE = {
    pods.IMAGE: "Check that the image is in the registry and that the pull secret is right.",
    pods.CONTAINER: "Check the Secrets, ConfigMaps and volumes that the container names.",
    pods.CRASH: "Read the log of the container (kubectl logs --previous).",
    pods.UNSCHEDULABLE: "Free or add nodes, or correct node selectors, taints, resources and volumes.",
}


@dataclass(frozen=True)
class Wait:
    """One thing to wait for.

    kind, api_version, namespace: of the objects. name or labels: which; with labels at least C(minimum) must be there
    and every one must hold. name_prefix: with labels empty, all whose names begin so. condition: type of the condition.
    path, value: for FIELD, dotted path and the text it must have. body: the object for DRY_RUN.
    """

    until: str
    api_version: str
    kind: str
    name: str = ""
    namespace: str = ""
    labels: str = ""
    name_prefix: str = ""
    minimum: int = 1
    condition: str = ""
    path: str = ""
    value: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """For a person: C(Deployment cert-manager/cert-manager-webhook)."""
        which = self.name or self.labels or (f"{self.name_prefix}*" if self.name_prefix else "(all)")
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{which}"


def parse_wait(data: Mapping[str, Any], place: str, namespace: str, problems: Problems) -> Optional[Wait]:
    """Read one entry of C(wait). namespace: the one that counts when the entry names none. None when it has mistakes."""
    before = len(problems)
    until = data.get("until") or ROLLOUT
    body = data.get("body") or {}
    if until not in UNTIL:
        problems.add(f"{place}.until", until, f"one of {', '.join(UNTIL)}")
    for name in ("api_version", "kind"):
        if until != DRY_RUN and not data.get(name):
            problems.add(f"{place}.{name}", data.get(name), "must be given")
    if until == DRY_RUN and not (body.get("kind") and body.get("apiVersion") and body.get("metadata")):
        problems.add(f"{place}.body", body, "an object with apiVersion, kind and metadata, with until=dry_run")
    if until == ROLLOUT and data.get("kind") not in WORKLOADS:
        problems.add(f"{place}.kind", data.get("kind"), f"one of {', '.join(WORKLOADS)}, with until=rollout")
    if until == CONDITION and not data.get("condition"):
        problems.add(f"{place}.condition", data.get("condition"), "type of a condition, with until=condition")
    if until == FIELD and not (data.get("path") and data.get("value") is not None):
        problems.add(f"{place}.path", data.get("path"), "must be given, and value too, with until=field")
    if len(problems) > before:
        return None
    given = {key: data[key] for key in ("name", "labels", "name_prefix", "condition", "path") if data.get(key)}
    return Wait(
        until,
        str(data.get("api_version") or body.get("apiVersion")),
        str(data.get("kind") or body.get("kind")),
        namespace=str(data["namespace"] if data.get("namespace") is not None else namespace),
        minimum=int(data["minimum"] if data.get("minimum") is not None else 1),
        value=str(data.get("value") or ""),
        body=body,
        **given,
    )


def missing(wait: Wait, found: Sequence[Object]) -> list[str]:
    """What is still missing, a phrase each; empty when it holds. found: the objects of this kind and namespace."""
    chosen = [item for item in found if _is_meant(wait, item)]
    if wait.until == GONE:
        return [f"{wait.title} is still there ({len(chosen)})"] if chosen else []
    if len(chosen) < wait.minimum:
        return [f"{wait.title} is not there" if wait.minimum == 1 else f"{wait.title}: {len(chosen)} of {wait.minimum}"]
    if wait.until == EXISTS:
        return []
    return [phrase for item in chosen for phrase in _lacks(wait, item)]


def _is_meant(wait: Wait, item: Object) -> bool:
    name = str(item["metadata"]["name"])
    return name == wait.name if wait.name else name.startswith(wait.name_prefix)


def _lacks(wait: Wait, item: Object) -> Iterator[str]:
    title = f"{wait.kind} {wait.namespace + '/' if wait.namespace else ''}{item['metadata']['name']}"
    if wait.until == ROLLOUT:
        lack = rollout_lack(item)
        if lack:
            yield f"{title}: {lack}"
    elif wait.until == CONDITION:
        found = condition(item, wait.condition)
        if (found or {}).get("status") != "True":
            why = f" ({(found or {}).get('reason', '')}: {(found or {}).get('message', '')})" if found else ""
            yield f"{title} is not {wait.condition}{why}"
    elif wait.until == FIELD:
        value = at(item, wait.path)
        if _text(value) != wait.value:
            yield f"{title}: {wait.path} is {_text(value) or 'not set'}, not {wait.value or 'unset'}"


def _text(value: Any) -> str:
    """As YAML writes it: what a person compares with."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def condition(item: Object, name: str) -> Optional[Mapping[str, Any]]:
    """One of status.conditions, or None."""
    conditions = (item.get("status") or {}).get("conditions") or []
    return next((entry for entry in conditions if entry.get("type") == name), None)


def rollout_lack(item: Object) -> str:
    """What a workload lacks to be rolled out, as kubectl rollout status judges it; empty when it is."""
    spec, status, kind = item.get("spec") or {}, item.get("status") or {}, item.get("kind")
    if int(status.get("observedGeneration") or 0) < int(item["metadata"].get("generation") or 0):
        return "its controller has not looked at it yet"
    if kind == "DaemonSet":
        return _daemon_lack(status)
    wanted = int(spec.get("replicas", 1))
    updated, ready = int(status.get("updatedReplicas") or 0), int(status.get("readyReplicas") or 0)
    available = int(status.get("availableReplicas") or 0)
    if kind == "Deployment":
        progress = condition(item, "Progressing") or {}
        if progress.get("reason") == "ProgressDeadlineExceeded":
            return f"{available} of {wanted} available, its progress deadline is over"
        if int(status.get("replicas") or 0) > updated:
            return f"{int(status.get('replicas') or 0) - updated} old pods are still there"
        ready = available
    if updated < wanted or ready < wanted:
        return f"{ready} of {wanted} ready, {updated} updated"
    return ""


def _daemon_lack(status: Mapping[str, Any]) -> str:
    wanted = int(status.get("desiredNumberScheduled") or 0)
    updated = int(status.get("updatedNumberScheduled") or 0)
    available = int(status.get("numberAvailable") or 0)
    if updated < wanted or available < wanted:
        return f"{available} of {wanted} nodes ready, {updated} updated"
    return ""


@dataclass(frozen=True)
class Cause:
    """Why something is not ready. final: does not heal by itself, by experience."""

    code: str
    text: str
    advice: str = ""
    final: bool = True


def causes(found: Sequence[Object]) -> list[Cause]:
    """What the pods of a namespace say. Pods of other layers are in other namespaces."""
    result = []
    for finding in pods.findings(found):
        namespace = finding.pod["metadata"].get("namespace", "")
        where = f"pod {namespace}/{finding.name}" + (f", container {finding.container}" if finding.container else "")
        text = f"{where}: {finding.reason}{': ' + finding.message if finding.message else ''}"
        waits = finding.code == pods.UNSCHEDULABLE and pods.waits_for_volume(finding.pod)
        final = finding.code != pods.CRASH and not waits
        result.append(Cause(finding.code, text, ADVICE[finding.code], final))
    return result


def last_events(events: Sequence[Object], limit: int = 3) -> list[str]:
    """The newest warnings of a namespace, newest last, each once."""
    warnings = [event for event in events if event.get("type") == "Warning"]
    warnings.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    texts: dict[str, None] = {}
    for event in warnings:
        about = event.get("involvedObject") or {}
        text = f"{about.get('kind')} {about.get('name')}: {event.get('reason')}: {event.get('message')}"
        texts.pop(text, None)
        texts[text] = None
    return list(texts)[-limit:]


def workloads_of(manifest: Sequence[Any], namespace: str) -> list[Wait]:
    """A rollout for each workload in the rendered manifest of a release: what health means without further knowledge."""
    return [
        Wait(
            ROLLOUT,
            str(item["apiVersion"]),
            str(item["kind"]),
            str(item["metadata"]["name"]),
            str(item["metadata"].get("namespace") or namespace),
        )
        for item in manifest
        if isinstance(item, Mapping) and item.get("kind") in WORKLOADS
    ]
