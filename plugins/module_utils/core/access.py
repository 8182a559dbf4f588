# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A tenant administrator's credential for the virtual cluster: when a new one is due, and what it looks like.

k3k writes a kubeconfig of its own, but with the group C(system:masters), which cannot be revoked, for a year, renewed
at every reconcile (k3k controller v1.2.0-rc4, observed). So it stays on the host and serves only to sign another one:
an own user in an own group, bound to C(cluster-admin) inside, with an expiry that the tenants file states.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .errors import Problems
from .names import LABEL_MANAGED_BY, LABEL_TENANT, MANAGED_BY
from .secrets import secret_object

#: The Secret in the tenant's namespace that holds the issued kubeconfig, and its key.
SECRET_NAME, SECRET_KEY = "tenant-kubeconfig", "kubeconfig.yaml"
#: Inside the virtual cluster: what makes the group cluster-admin.
BINDING_NAME = "ai-tenancy-tenant-admins"
#: Shortest and longest life of a credential in seconds: the API server's minimum, and what is sensible at the most.
MIN_TTL, MAX_TTL = 600, 365 * 24 * 3600

_PREFIX = "ai-tenancy.platform/"
_URL = re.compile(r"^https://[^/\s]+$")
_GROUP = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")


@dataclass(frozen=True)
class AccessRequest:
    """One wanted credential.

    tenant, namespace, cluster: whose, and the virtual cluster. server: the URL under which the tenant reaches the API.
    dest: the file to write, or empty. ttl, rotate_before: seconds. group: the inner group, without its generation.
    present: False to revoke. give_up: when revoking, go on although the virtual cluster does not answer.
    """

    tenant: str
    namespace: str
    cluster: str
    server: str
    dest: str = ""
    ttl: int = 720 * 3600
    rotate_before: int = 168 * 3600
    group: str = "tenant-admins"
    present: bool = True
    give_up: bool = False

    @property
    def user(self) -> str:
        """The common name inside the certificate."""
        return f"{self.tenant}-admin"

    def group_of(self, generation: int) -> str:
        """The group of one generation. Revoking means: bind the next generation only, old certificates lose all."""
        return f"{self.group}-g{generation}"


@dataclass(frozen=True)
class Issued:
    """What is known of the credential that was issued last. expires_at: seconds since the epoch."""

    server: str
    cluster_uid: str
    expires_at: float
    group: str
    generation: int
    ttl: int = 0


def parse_access(items: Sequence[Mapping[str, Any]]) -> list[AccessRequest]:
    """Turn a module's C(kubeconfigs) into requests. Raises ConfigError with every mistake."""
    problems = Problems()
    seen: set[str] = set()
    requests = []
    for item in items:
        tenant = str(item["tenant"])
        path = f"kubeconfigs[{tenant}]"
        if tenant in seen:
            problems.add(f"{path}.tenant", tenant, "each tenant once")
        seen.add(tenant)
        present = item.get("state", "present") == "present"
        server, ttl, before = str(item.get("server") or ""), int(item["ttl"]), int(item["rotate_before"])
        group = str(item["group"])
        if present and not _URL.match(server):
            problems.add(f"{path}.server", server, "https://HOST or https://HOST:PORT")
        if not MIN_TTL <= ttl <= MAX_TTL:
            problems.add(f"{path}.ttl", ttl, f"seconds from {MIN_TTL} to {MAX_TTL}")
        elif not 0 <= before < ttl:
            problems.add(f"{path}.rotate_before", before, f"seconds from 0 to less than ttl ({ttl})")
        if not _GROUP.match(group) or group.startswith("system"):
            problems.add(f"{path}.group", group, "lower case letters, digits and '-', not beginning with 'system'")
        requests.append(
            AccessRequest(
                tenant,
                str(item.get("namespace") or f"t-{tenant}"),
                str(item.get("cluster") or tenant),
                server,
                str(item.get("dest") or ""),
                ttl,
                before,
                group,
                present,
                item.get("unreachable") == "remove",
            )
        )
    problems.raise_if_any("kubeconfigs")
    return requests


def why_issue(request: AccessRequest, issued: Optional[Issued], cluster_uid: str, now: float) -> str:
    """Why a new credential is due; empty when the issued one is still good. now: seconds since the epoch."""
    if issued is None:
        return "none was issued yet"
    if issued.cluster_uid != cluster_uid:
        return "the virtual cluster is a new one"
    if issued.server != request.server:
        return f"the address changed from {issued.server} to {request.server}"
    if issued.group != request.group:
        return f"the group changed from {issued.group} to {request.group}"
    if issued.ttl != request.ttl:
        return f"the lifetime changed from {issued.ttl} s to {request.ttl} s"
    if issued.expires_at - now <= request.rotate_before:
        return "it has expired" if issued.expires_at <= now else "it expires soon"
    return ""


def issued_from(secret: Mapping[str, Any]) -> Optional[Issued]:
    """Read back what C(secret_for) wrote; None when the Secret is not ours or was damaged."""
    notes = secret.get("metadata", {}).get("annotations") or {}
    if SECRET_KEY not in (secret.get("data") or {}):
        return None
    try:
        return Issued(
            server=notes[_PREFIX + "server"],
            cluster_uid=notes[_PREFIX + "cluster-uid"],
            expires_at=float(notes[_PREFIX + "expires-at"]),
            group=notes[_PREFIX + "group"],
            generation=int(notes[_PREFIX + "generation"]),
            ttl=int(notes[_PREFIX + "ttl"]),
        )
    except (KeyError, ValueError):
        return None


def kubeconfig_in(secret: Mapping[str, Any]) -> str:
    """The kubeconfig text inside the Secret."""
    return base64.b64decode(secret["data"][SECRET_KEY]).decode()


def secret_for(request: AccessRequest, issued: Issued, kubeconfig: str) -> dict[str, Any]:
    """The Secret that keeps the issued kubeconfig, so that every controller finds the same one."""
    notes = {
        _PREFIX + "server": issued.server,
        _PREFIX + "cluster-uid": issued.cluster_uid,
        _PREFIX + "expires-at": f"{issued.expires_at:.0f}",
        _PREFIX + "group": issued.group,
        _PREFIX + "generation": str(issued.generation),
        _PREFIX + "ttl": str(issued.ttl),
    }
    labels = {LABEL_TENANT: request.tenant}
    return secret_object(SECRET_NAME, request.namespace, {SECRET_KEY: kubeconfig}, labels=labels, annotations=notes)


def binding_for(request: AccessRequest, generation: int) -> dict[str, Any]:
    """Inside the virtual cluster: the group of this generation, and no other, is cluster-admin."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": BINDING_NAME, "labels": {LABEL_MANAGED_BY: MANAGED_BY}},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": request.group_of(generation)}],
    }


def signing_request(name: str, csr_pem: str, ttl: int) -> dict[str, Any]:
    """The inner CertificateSigningRequest for a client certificate that lives C(ttl) seconds."""
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name, "labels": {LABEL_MANAGED_BY: MANAGED_BY}},
        "spec": {
            "request": base64.b64encode(csr_pem.encode()).decode(),
            "signerName": "kubernetes.io/kube-apiserver-client",
            "expirationSeconds": ttl,
            "usages": ["client auth", "digital signature"],
        },
    }


def kubeconfig_for(request: AccessRequest, ca_data: str, certificate_pem: str, key_pem: str) -> dict[str, Any]:
    """The kubeconfig that is handed to the tenant. ca_data: base64, as in the host's copy."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": request.tenant, "cluster": {"server": request.server, "certificate-authority-data": ca_data}}
        ],
        "users": [
            {
                "name": request.user,
                "user": {
                    "client-certificate-data": base64.b64encode(certificate_pem.encode()).decode(),
                    "client-key-data": base64.b64encode(key_pem.encode()).decode(),
                },
            }
        ],
        "contexts": [{"name": request.tenant, "context": {"cluster": request.tenant, "user": request.user}}],
        "current-context": request.tenant,
    }


def with_server(kubeconfig: Mapping[str, Any], server: str) -> dict[str, Any]:
    """A copy of k3k's own kubeconfig that points at C(server): the one in it is often an in-cluster address."""
    clusters = [
        {**entry, "cluster": {**entry["cluster"], "server": server}} for entry in kubeconfig.get("clusters", [])
    ]
    return {**kubeconfig, "clusters": clusters}
