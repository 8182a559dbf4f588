# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Which pods may run in a tenant's namespace: only k3k's own servers and agents, and only in their known form.

k3k's pods are privileged, so whoever may start a pod of a free form in such a namespace owns the node. One
ValidatingAdmissionPolicy serves all tenants. What differs per tenant stands on the namespace, which the API server hands
to the policy anyway: the allowed images in an annotation, the mode in a label that three bindings select. So the number
of cluster-wide objects does not grow with the tenants, and no parameter object can be forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..names import LABEL_MANAGED_BY, LABEL_PREFIX, LABEL_TENANT, MANAGED_BY

POLICY_NAME = "ai-tenancy-k3k-pods-only"
#: Annotation of the namespace: the allowed images, joined by commas.
ANNOTATION_IMAGES = LABEL_PREFIX + "allowed-images"
#: Label of the namespace: one of MODES.
LABEL_ADMISSION = LABEL_PREFIX + "admission"
#: What happens to a pod that breaks the rules, as the API server calls it.
MODES = {"enforce": ["Deny"], "warn": ["Warn", "Audit"], "audit": ["Audit"]}

#: Image repository that k3k uses when its chart does not say otherwise.
DEFAULT_IMAGES = ("rancher/k3s",)

#: Names of the controllers of k3k's pods in mode C(virtual) (k3k controller v1.2.0-rc4, observed).
_OWNERS = (
    "(o.kind == 'StatefulSet' && o.name.matches('^k3k-.+-server$')) || "
    "(o.kind == 'ReplicaSet' && o.name.matches('^k3k-.+-agent-[a-z0-9]+$'))"
)
#: Kata pods get /dev/kmsg from k3k (runtimeClassName that begins with C(kata)); it is the one host path there is.
_KATA_KMSG = "(variables.kata && has(v.hostPath) && v.hostPath.path == '/dev/kmsg')"
_VARIABLES = {
    "allowed": (
        "has(namespaceObject.metadata.annotations) && "
        f"'{ANNOTATION_IMAGES}' in namespaceObject.metadata.annotations ? "
        f"namespaceObject.metadata.annotations['{ANNOTATION_IMAGES}'].split(',') : []"
    ),
    "kata": "has(object.spec.runtimeClassName) && object.spec.runtimeClassName.startsWith('kata')",
    # An entry without tag allows every tag and digest of exactly that repository; what follows it must not hold a
    # slash, or "harbor" would allow "harbor:5000/evil".
    "foreignImages": (
        "object.spec.containers.map(c, c.image).filter(i, !variables.allowed.exists(a, i == a || "
        "((i.startsWith(a + ':') || i.startsWith(a + '@')) && !i.substring(size(a) + 1).contains('/'))))"
    ),
}


@dataclass(frozen=True)
class _Rule:
    """One condition that every pod must fulfil. message_expression: CEL of a message with the values found."""

    expression: str
    message: str
    message_expression: str = ""


_RULES = (
    _Rule(
        "has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(o, "
        f"has(o.controller) && o.controller && o.apiVersion == 'apps/v1' && ({_OWNERS}))",
        "only pods of k3k's own StatefulSet and Deployment may run in a tenant's namespace",
    ),
    _Rule(
        "size(object.spec.containers) == 1 && "
        "(!has(object.spec.initContainers) || size(object.spec.initContainers) == 0) && "
        "(!has(object.spec.ephemeralContainers) || size(object.spec.ephemeralContainers) == 0)",
        "a pod of k3k has exactly one container, and no init or ephemeral containers",
    ),
    _Rule(
        "size(variables.foreignImages) == 0",
        "the image is not in the list of images that this tenant's namespace allows",
        "'image ' + variables.foreignImages.join(', ') + ' is not allowed in this namespace; allowed: ' + "
        "variables.allowed.join(', ')",
    ),
    _Rule(
        "(!has(object.spec.hostNetwork) || !object.spec.hostNetwork) && "
        "(!has(object.spec.hostPID) || !object.spec.hostPID) && "
        "(!has(object.spec.hostIPC) || !object.spec.hostIPC)",
        "hostNetwork, hostPID and hostIPC are not allowed in a tenant's namespace",
    ),
    _Rule(
        "object.spec.containers.all(c, !has(c.ports) || c.ports.all(p, !has(p.hostPort) || p.hostPort == 0))",
        "hostPort is not allowed in a tenant's namespace",
    ),
    _Rule(
        "!has(object.spec.volumes) || object.spec.volumes.all(v, has(v.secret) || has(v.emptyDir) || "
        f"has(v.persistentVolumeClaim) || has(v.configMap) || has(v.projected) || {_KATA_KMSG})",
        "only volumes of secret, emptyDir, persistentVolumeClaim, configMap and projected are allowed in a tenant's "
        "namespace (hostPath /dev/kmsg for a kata runtime class)",
    ),
    _Rule(
        "!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.projected) || !has(v.projected.sources) || "
        "v.projected.sources.all(s, !has(s.serviceAccountToken)))",
        "a service account's token must not be mounted in a tenant's namespace",
    ),
    _Rule(
        "request.operation != 'CREATE' || !has(object.spec.nodeName) || object.spec.nodeName == ''",
        "a pod must go through the scheduler; spec.nodeName is not allowed in a tenant's namespace",
    ),
)


def shared_objects() -> tuple[dict[str, Any], ...]:
    """The cluster-wide objects, the same for all tenants: the policy and one binding per mode, complete."""
    return (_policy(), *(_binding(mode) for mode in MODES))


def _policy() -> dict[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": POLICY_NAME, "labels": {LABEL_MANAGED_BY: MANAGED_BY}},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": {},
                "objectSelector": {},
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["pods", "pods/ephemeralcontainers"],
                        "scope": "*",
                    }
                ],
            },
            "matchConditions": [
                # Labels and finalizers of a pod that was there before the fence must stay changeable, or it could
                # not even be removed.
                {"name": "spec-is-new", "expression": "request.operation == 'CREATE' || object.spec != oldObject.spec"}
            ],
            "variables": [{"name": name, "expression": expression} for name, expression in _VARIABLES.items()],
            "validations": [_validation(rule) for rule in _RULES],
        },
    }


def _validation(rule: _Rule) -> dict[str, Any]:
    body = {"expression": rule.expression, "message": rule.message, "reason": "Forbidden"}
    if rule.message_expression:
        body["messageExpression"] = rule.message_expression
    return body


def _binding(mode: str) -> dict[str, Any]:
    """The binding of one mode. A namespace without (or with an unknown) mode label counts as C(enforce)."""
    selector: dict[str, Any] = {"key": LABEL_ADMISSION, "operator": "In", "values": [mode]}
    if mode == "enforce":
        selector = {
            "key": LABEL_ADMISSION,
            "operator": "NotIn",
            "values": [other for other in MODES if other != "enforce"],
        }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": f"{POLICY_NAME}-{mode}", "labels": {LABEL_MANAGED_BY: MANAGED_BY}},
        "spec": {
            "policyName": POLICY_NAME,
            "validationActions": MODES[mode],
            "matchResources": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": {
                    "matchExpressions": [
                        {"key": LABEL_TENANT, "operator": "Exists"},
                        selector,
                    ]
                },
                "objectSelector": {},
            },
        },
    }
