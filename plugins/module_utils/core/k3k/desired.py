# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The objects that are written for one virtual cluster, and the step that makes a live Cluster equal to its request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Optional

from ..names import FIELD_MANAGER, LABEL_PREFIX
from ..objects import Object, plan_object
from ..plan import CHANGE, CREATE, Difference, Step
from ..redact import MASK
from .checks import is_secret_variable
from .request import ClusterRequest
from .spec import MODE

API_VERSION = "k3k.io/v1beta1"
#: Label on a namespace that binds it to a VirtualClusterPolicy; there is no other way to bind.
LABEL_POLICY = "policy.k3k.io/policy-name"
#: Label that the policy controller writes on each namespace it has taken care of.
LABEL_POD_SECURITY = "pod-security.kubernetes.io/enforce"
POD_SECURITY = "privileged"
#: Annotation on a Cluster whose change makes the controller look at once, instead of at the end of its back-off.
ANNOTATION_RETRY = LABEL_PREFIX + "retry"

#: Fields in which the API server fills in nothing; a key that left them must be seen.
EXACT_FIELDS = frozenset(
    {
        "serverEnvs",
        "agentEnvs",
        "addons",
        "secretMounts",
        "serverAffinity",
        "agentAffinity",
        "securityContext",
        "podSecurityContext",
        "nodePort",
        "loadBalancer",
        "ingress",
    }
)
_EXPOSURES = ("ingress", "loadBalancer", "nodePort")


def being_deleted(manifest: Optional[Object]) -> bool:
    """Whether an object waits for its finalizers."""
    return manifest is not None and bool(manifest["metadata"].get("deletionTimestamp"))


def cluster_body(request: ClusterRequest, spec: Mapping[str, Any]) -> dict[str, Any]:
    """The Cluster with the given C(spec)."""
    metadata = {"name": request.name, "namespace": request.namespace, "labels": request.labels}
    return {"apiVersion": API_VERSION, "kind": "Cluster", "metadata": metadata, "spec": dict(spec)}


def policy_body(request: ClusterRequest) -> dict[str, Any]:
    """The tenant's VirtualClusterPolicy.

    It has no quota (C(gpu_quota) owns the quotas), switches off k3k's own NetworkPolicy (it allows more than ours, and
    policies add up), and lets the namespace have privileged pods, without which the mode C(virtual) cannot work. It sets
    none of the fields that reach the pod templates: those would restart the servers right after their first start.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": "VirtualClusterPolicy",
        "metadata": {"name": request.policy, "labels": request.labels},
        "spec": {"allowedMode": MODE, "podSecurityAdmissionLevel": POD_SECURITY, "disableNetworkPolicy": True},
    }


def namespace_body(request: ClusterRequest) -> dict[str, Any]:
    """The namespace, bound to the policy."""
    labels = {**request.labels, LABEL_POLICY: request.policy}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": request.namespace, "labels": labels}}


def binding_step(request: ClusterRequest, namespace: Object) -> Step:
    """Bind an existing namespace, which belongs to C(tenant_guard) as a whole: a merge patch of this label only."""
    before = (namespace["metadata"].get("labels") or {}).get(LABEL_POLICY)
    return _metadata_patch("Namespace", request.namespace, "", "labels", LABEL_POLICY, before, request.policy)


def retry_step(request: ClusterRequest, cluster: Object) -> Step:
    """Make the controller look at a failed Cluster again at once; its back-off reaches minutes.

    The new value is the resourceVersion of the object as read: it differs each time, and needs no clock.
    """
    metadata = cluster["metadata"]
    before = (metadata.get("annotations") or {}).get(ANNOTATION_RETRY)
    value = str(metadata.get("resourceVersion", ""))
    step = _metadata_patch("Cluster", request.name, request.namespace, "annotations", ANNOTATION_RETRY, before, value)
    return replace(step, reason="its phase is Failed; this makes the controller try again at once")


def _metadata_patch(
    kind: str, name: str, namespace: str, part: str, key: str, before: Optional[str], after: str
) -> Step:
    return Step(
        CHANGE,
        kind,
        name,
        namespace,
        differences=(Difference(f"metadata.{part}.{key}", before, after),),
        before={"metadata": {part: {key: before} if before else {}}},
        after={"metadata": {part: {key: after}}},
        body={"metadata": {part: {key: after}}},
        patch=True,
    )


def cluster_step(request: ClusterRequest, spec: Mapping[str, Any], live: Optional[Object]) -> Optional[Step]:
    """The apply that makes the Cluster have C(spec); None when it has it."""
    body = cluster_body(request, spec)
    steps = plan_object(request.name, body, live, exact=EXACT_FIELDS).steps
    if not steps:
        return None
    step = steps[0]
    differences = tuple(
        Difference(part.path, _masked(part.path, part.before), _masked(part.path, part.after))
        for part in step.differences
    )
    return replace(step, differences=differences, before=masked(step.before), after=masked(step.after))


def masked(manifest: Any) -> Any:
    """A Cluster for a diff: the values of environment variables whose name says secret are not shown.

    Requests with such values are refused, but a live object may have them.
    """
    if not isinstance(manifest, Mapping) or "spec" not in manifest:
        return manifest
    spec = {field: _masked(f"spec.{field}", value) for field, value in manifest["spec"].items()}
    return {**manifest, "spec": spec}


def _masked(path: str, value: Any) -> Any:
    if path not in ("spec.serverEnvs", "spec.agentEnvs") or not isinstance(value, Sequence):
        return value
    return [
        {**variable, "value": MASK} if is_secret_variable(variable.get("name")) and variable.get("value") else variable
        for variable in value
    ]


def exposure_step(request: ClusterRequest, spec: Mapping[str, Any], live: Object) -> Optional[Step]:
    """Take away what somebody else exposed; None when there is nothing.

    Server-side apply removes what we alone own. What another writer set (k3kcli always sets C(nodePort)) stays, and
    excludes another kind of exposure by a rule of the API; so it goes by a merge patch with null.
    """
    found = (live.get("spec") or {}).get("expose") or {}
    wanted = spec.get("expose") or {}
    # An apply takes away a kind that only we set, and the map itself when nobody else has a hand in it.
    stray = {
        kind: found[kind]
        for kind in _EXPOSURES
        if kind in found and kind not in wanted and not _only_ours(live, kind if wanted else "")
    }
    for kind in wanted:
        if kind in _EXPOSURES and kind in found and not _only_ours(live, kind):
            extra = {key: value for key, value in found[kind].items() if key not in wanted[kind]}
            stray.update({kind: extra} if extra else {})
    if not stray:
        return None
    # Without any exposure left, the map itself must go: where others own it empty, an apply would store null there,
    # and the API refuses that (Kubernetes 1.34, observed).
    patch = (
        {kind: dict.fromkeys(value) if kind in wanted else None for kind, value in stray.items()} if wanted else None
    )
    return Step(
        CHANGE,
        "Cluster",
        request.name,
        request.namespace,
        differences=tuple(Difference(f"spec.expose.{kind}", found[kind], wanted.get(kind)) for kind in stray),
        before={"spec": {"expose": found}},
        after={"spec": {"expose": wanted}},
        reason="another writer had a hand in this exposure",
        body={"spec": {"expose": patch}},
        patch=True,
    )


def _only_ours(live: Object, exposure: str = "") -> bool:
    """Whether our own applies are the only ones that set C(expose), or one kind in it."""
    owners = set()
    for entry in live["metadata"].get("managedFields") or []:
        below = entry.get("fieldsV1") or {}
        for key in ("f:spec", "f:expose", *([f"f:{exposure}"] if exposure else [])):
            below = below.get(key) if isinstance(below, Mapping) else None
        if below is not None:
            owners.add((entry.get("manager"), entry.get("operation")))
    return owners == {(FIELD_MANAGER, "Apply")}


def policy_step(request: ClusterRequest, live: Optional[Object]) -> Optional[Step]:
    """The apply that makes the VirtualClusterPolicy as wanted; None when it is."""
    steps = plan_object(request.name, policy_body(request), live).steps
    return steps[0] if steps else None


def namespace_step(request: ClusterRequest, live: Optional[Object]) -> Optional[Step]:
    """Create or bind the namespace; None when it is bound, or when that is tenant_guard's to do."""
    if not request.create_namespace:
        return None
    if live is None:
        body = namespace_body(request)
        return Step(CREATE, "Namespace", request.namespace, after=body, body=body)
    bound = (live["metadata"].get("labels") or {}).get(LABEL_POLICY)
    return None if bound == request.policy else binding_step(request, live)
