# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Why a virtual cluster does not get ready: the cause is never in the Cluster itself.

Its phase and message only say C(server not ready) or a time-out; the real cause stands in waiting reasons of pods,
conditions of the Deployment, and for the StatefulSet and the volumes only in events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .. import pods, quantity
from ..objects import Object
from ..quota.usage import consumers, counts_pods, held
from .facts import Facts

_ADVICE = {
    "image": "Check version, and that this image is in the registry and can be pulled.",
    "container": "Check the Secrets and paths in secret_mounts and addons, and the runtime class.",
    "crash": "Read the log of the pod; often the arguments in server_args or agent_args are wrong.",
    "quota": "Raise the quota (ai_tenancy.platform.gpu_quota), lower agents or the limits; or, when only the change "
    "needs room for one more pod, set agent_update: recreate with allow_disruptive.",
    "quota count": "Kubernetes counts the use of a quota anew within five minutes (kube-controller-manager "
    "--resource-quota-sync-period); run again then.",
    "unschedulable": "Free or add nodes, or correct node_selector, affinities, limits and taints (k3k pods get no "
    "tolerations from the Cluster).",
    "security": "The namespace must be privileged: check that it is bound to its policy and that the k3k controller runs.",
    "create": "Correct what the message says, then run again.",
    "claim": "Check persistence.storage_class_name, the default storage class and the free space.",
    "validation": "Correct the field and run again.",
}


@dataclass(frozen=True)
class _Failure:
    """A message of the controller. pattern: found in it. heals: the controller tries again and gets over it."""

    pattern: str
    advice: str
    heals: bool = False


_FAILURES = (
    _Failure(
        "401 Unauthorized", "The token is not the one of the stored data: put the old value back into Secret {token}."
    ),
    _Failure("Forbidden: updates to statefulset spec", "Put persistence back to what it was; it cannot be changed."),
    _Failure(
        r"VirtualClusterPolicy\.\S+ \S+ not found",
        "The namespace is bound to a policy that does not exist; run again.",
    ),
    # Its own Secret, which it writes a little later (observed with v1.2.0-rc4 for less than a second; with many clusters
    # at once its queue makes that longer).
    _Failure(
        r'failed creating virtual client: Secret "k3k-\S+-kubeconfig" not found',
        "The k3k controller writes this Secret itself; if it never does, read its log (Deployment k3k in k3k-system).",
        heals=True,
    ),
    _Failure(r"Secret \S+ not found", "Make this Secret in the cluster's namespace, then run again."),
    _Failure(
        "no such host|failed to get server groups", "The k3k controller must resolve and reach the external name."
    ),
    _Failure(r"spec\.ports: Required value", "All ports are outside 30000-32767; correct expose."),
    _Failure(
        "already allocated", "The port is taken, perhaps as a random one; choose another in expose, best 30000-30085."
    ),
    _Failure(
        "deadline exceeded|Timeout", "The k3k controller does not reach the server: check network policies and expose."
    ),
)
_UNKNOWN_FAILURE = _Failure("", "Correct what the message says, then run again.")

#: The API server's refusal, its three lists each like requests.cpu=4,limits.memory=8Gi.
_EXCEEDED = re.compile(r"exceeded quota: \S+, requested: (?P<requested>\S+), used: \S+, limited: (?P<limited>\S+)$")


@dataclass(frozen=True)
class Trouble:
    """One cause. code: of a kind that is stable while the text varies. final: does not heal by itself, by experience."""

    code: str
    text: str
    advice: str = ""
    final: bool = True


def pod_troubles(facts: Facts) -> Iterator[Trouble]:
    """What the pods themselves say."""
    for finding in pods.findings(facts.pods):
        if finding.code == pods.UNSCHEDULABLE and pods.waits_for_volume(finding.pod):
            # normal while the volume is being made; if it never is, an event of the claim says why
            yield Trouble("volume", finding.text, _ADVICE["claim"], final=False)
        else:
            yield Trouble(finding.code, finding.text, _ADVICE[finding.code], final=finding.code != pods.CRASH)


def agent_troubles(facts: Facts) -> Iterator[Trouble]:
    """What the agents' Deployment says; it has a condition where the StatefulSet has only an event."""
    for condition in ((facts.agents or {}).get("status") or {}).get("conditions") or []:
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            yield _creation_trouble(facts, "agents", str(condition.get("message", "")))


def event_troubles(facts: Facts) -> Iterator[Trouble]:
    """What only events say. An event counts while the object it is about still exists and still lacks something."""
    seen = set()
    for event in facts.events:
        about = event.get("involvedObject") or {}
        reason, message = event.get("reason"), str(event.get("message") or "")
        if (reason, about.get("name")) in seen:
            continue
        if reason == "FailedCreate" and about.get("kind") == "StatefulSet" and _lacks_servers(facts, about):
            seen.add((reason, about.get("name")))
            yield _creation_trouble(facts, "servers", message)
        elif about.get("kind") == "PersistentVolumeClaim" and _is_pending_claim(facts, about, reason):
            seen.add((reason, about.get("name")))
            yield Trouble("claim", f"volume claim {about.get('name')}: {message}", _ADVICE["claim"])


def controller_troubles(facts: Facts) -> Iterator[Trouble]:
    """What the k3k controller says. C(Failed) is final only where neither a server that starts nor the controller heals it."""
    if facts.phase == "Pending":
        yield Trouble("validation", f"the k3k controller does not accept it: {facts.message}", _ADVICE["validation"])
    if facts.phase == "Failed":
        failure = _failure(facts)
        heals = failure.heals or (facts.servers is not None and not _servers_ready(facts))
        text = f"the k3k controller failed: {facts.message}"
        yield Trouble("failed", text, failure.advice.format(token=facts.objects.token_secret), final=not heals)
    if facts.cluster is not None and facts.phase == "Unknown" and not facts.cluster["metadata"].get("finalizers"):
        advice = "Check that the k3k controller runs (Deployment k3k in k3k-system)."
        yield Trouble("controller", "the k3k controller has not looked at the Cluster", advice)


def troubles(facts: Facts) -> list[Trouble]:
    """Everything that is known to be wrong, the most telling first."""
    found = [*pod_troubles(facts), *agent_troubles(facts), *event_troubles(facts), *controller_troubles(facts)]
    return sorted(found, key=lambda trouble: not trouble.final)


def _failure(facts: Facts) -> _Failure:
    return next((one for one in _FAILURES if re.search(one.pattern, facts.message)), _UNKNOWN_FAILURE)


def needs_events(facts: Facts) -> bool:
    """Whether servers are missing and no pod says why: there is none, or it waits for its volume."""
    return _lacks_pods(facts) or any(pods.waits_for_volume(pod) for pod in facts.server_pods)


def _lacks_pods(facts: Facts) -> bool:
    return facts.servers is not None and len(facts.server_pods) < int(facts.servers["spec"].get("replicas", 1))


def _creation_trouble(facts: Facts, who: str, message: str) -> Trouble:
    text = f"{who}: pods cannot be made: {message}"
    if has_room(facts, message):
        text += " (the pods that exist leave room: the API server counted one that never came to be)"
        return Trouble("quota count", text, _ADVICE["quota count"], final=False)
    if "exceeded quota" in message or "failed quota" in message:
        return Trouble("quota", text, _ADVICE["quota"])
    if "violates PodSecurity" in message:
        return Trouble("security", text, _ADVICE["security"])
    return Trouble("create", text, _ADVICE["create"])


def has_room(facts: Facts, message: str) -> bool:
    """Whether a quota that refused a pod has room for it, by the pods that exist.

    An API server that dies between charging a quota and storing the pod leaves the charge behind until the quota
    controller counts again (k8s.io/apiserver pkg/admission/plugin/resourcequota). Fences let only pods of k3k into the
    namespace, so the cluster's pods are all there are.
    """
    found = _EXCEEDED.search(message)
    if not found:
        return False
    requested, limited = (_amounts(found[part]) for part in ("requested", "limited"))
    present = consumers(facts.pods)
    return all(
        counts_pods(key) and key in limited and held(present, key) + amount <= limited[key]
        for key, amount in requested.items()
    )


def _amounts(text: str) -> dict[str, quantity.Quantity]:
    return {key: quantity.parse(amount) for key, amount in (pair.partition("=")[::2] for pair in text.split(","))}


def _lacks_servers(facts: Facts, about: Any) -> bool:
    same = facts.servers is not None and about.get("uid") == facts.servers["metadata"].get("uid")
    return same and _lacks_pods(facts)


def _is_pending_claim(facts: Facts, about: Any, reason: Any) -> bool:
    if reason not in ("FailedBinding", "ProvisioningFailed") or _servers_ready(facts):
        return False
    ordinals = range(int(facts.spec.get("servers") or 0))
    return about.get("namespace") == facts.namespace and about.get("name") in [
        facts.objects.server_claim(ordinal) for ordinal in ordinals
    ]


def _servers_ready(facts: Facts) -> bool:
    servers: Object = facts.servers or {}
    wanted = int((servers.get("spec") or {}).get("replicas", 1))
    return int((servers.get("status") or {}).get("readyReplicas") or 0) >= wanted
