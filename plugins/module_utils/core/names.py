# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Names: labels, hosts and resource names of Kubernetes, tenant ids, and the names of the objects that k3k makes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Optional

from .errors import Problems

#: Label on everything that belongs to one tenant; its value is the tenant's id.
LABEL_TENANT = "ai-tenancy.platform/tenant"
#: The recommended label of Kubernetes that says who manages an object.
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY = "ai-tenancy"
#: Field manager of all server-side apply requests.
FIELD_MANAGER = "ai-tenancy"
#: Prefix of the collection's own labels and annotations.
LABEL_PREFIX = "ai-tenancy.platform/"
#: Annotation of a StorageClass; with C(true), claims that name no class get this one.
ANNOTATION_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"

NAMESPACE_PREFIX = "t-"

#: The StatefulSet controller labels each server pod with C(k3k-NAME-server-<10 characters>), and a label value has at
#: most 63 characters; longer names start no pod (k3k controller v1.2.0-rc4, observed).
MAX_CLUSTER_NAME_LENGTH = 41

#: k3k refuses a cluster called C(system); the others have a meaning of their own in Kubernetes, Rancher or Ansible.
RESERVED_TENANT_IDS = ("system", "default", "local", "all")
RESERVED_TENANT_PREFIXES = ("kube", "cattle", "k3k")

#: Namespaces of the platform itself. A tenant's namespace is fenced in and made privileged: never one of these.
RESERVED_NAMESPACES = ("default", "local", "clearml")
RESERVED_NAMESPACE_PREFIXES = ("kube-", "cattle-", "fleet-", "rancher-")
RESERVED_NAMESPACE_SUFFIXES = ("-system",)

DNS_LABEL_ALLOWED = "1-63 characters of a-z, 0-9 and '-', no '-' at the ends (DNS-1123 label)"
DNS_SUBDOMAIN_ALLOWED = "a lower case DNS name such as api.example.com"
HOST_ALLOWED = "a lower case DNS name such as acme.example.com, no wildcard, port or scheme"
WILDCARD_HOST_ALLOWED = "a lower case DNS name, '*.' allowed as its first label, no port or scheme"
LABEL_KEY_ALLOWED = "a label key: [prefix/]name, name of 1-63 characters of A-Z, a-z, 0-9, '-', '_', '.'"
LABEL_VALUE_ALLOWED = "a label value: up to 63 characters of A-Z, a-z, 0-9, '-', '_', '.', no sign at the ends"
RESOURCE_NAME_ALLOWED = "a resource name such as cpu, memory or nvidia.com/gpu"
TENANT_ID_ALLOWED = "2-20 characters of a-z, 0-9 and '-', first a letter, last no '-'"
CLUSTER_NAME_ALLOWED = (
    f"1-{MAX_CLUSTER_NAME_LENGTH} characters of a-z, 0-9 and '-', no '-' at the ends, no dot, not 'system'"
)

_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_QUALIFIED_PART = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_TENANT_ID = re.compile(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])")
_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]+@(?P<domain>[A-Za-z0-9.-]+)")


def is_dns_label(value: Any) -> bool:
    """Tell whether a value is a DNS-1123 label, the form of most object names."""
    return isinstance(value, str) and _DNS_LABEL.fullmatch(value) is not None


def is_dns_subdomain(value: Any) -> bool:
    """Tell whether a value is a DNS-1123 subdomain: labels joined by dots, at most 253 characters."""
    return isinstance(value, str) and len(value) <= 253 and all(is_dns_label(part) for part in value.split("."))


def is_host(value: Any, wildcard: bool = False) -> bool:
    """Tell whether a value is a host name with at least two labels; an IP address is none.

    wildcard: also accept C(*.) as the first label, as an Ingress does.
    """
    if not isinstance(value, str):
        return False
    name = value[2:] if wildcard and value.startswith("*.") else value
    return is_dns_subdomain(name) and "." in name and not name.replace(".", "").isdigit()


def is_email(value: Any) -> bool:
    """Tell whether a value has the form of a plain email address."""
    match = _EMAIL.fullmatch(value) if isinstance(value, str) and len(value) <= 254 else None
    return match is not None and is_host(match["domain"].lower())


def is_label_key(value: Any) -> bool:
    """Tell whether a value is a qualified name: an optional DNS prefix, a slash, and a name."""
    if not isinstance(value, str):
        return False
    prefix, slash, name = value.rpartition("/")
    if slash and not is_dns_subdomain(prefix):
        return False
    return _QUALIFIED_PART.fullmatch(name) is not None


def is_label_value(value: Any) -> bool:
    """Tell whether a value may stand in a label; the empty text may."""
    return value == "" or (isinstance(value, str) and _QUALIFIED_PART.fullmatch(value) is not None)


def is_resource_name(value: Any) -> bool:
    """Tell whether a value is the name of a node resource such as C(cpu), C(hugepages-2Mi) or C(nvidia.com/gpu)."""
    return is_label_key(value)


def is_extended_resource(name: str) -> bool:
    """Tell whether a resource comes from a device plug-in: its name has a prefix that is not C(kubernetes.io)'s."""
    prefix, slash, _name = name.rpartition("/")
    return bool(slash) and prefix != "kubernetes.io" and not prefix.endswith(".kubernetes.io")


def tenant_id_problem(value: Any) -> Optional[str]:
    """Return what would be allowed when a value cannot be a tenant id, else None."""
    if not isinstance(value, str) or _TENANT_ID.fullmatch(value) is None:
        return TENANT_ID_ALLOWED
    if value in RESERVED_TENANT_IDS or value.startswith(RESERVED_TENANT_PREFIXES):
        prefixes = ", ".join(prefix + "*" for prefix in RESERVED_TENANT_PREFIXES)
        return f"an id that is not reserved ({', '.join(RESERVED_TENANT_IDS)}, {prefixes})"
    return None


def namespace_problem(value: Any) -> Optional[str]:
    """Return what would be allowed when a value cannot be a tenant's namespace, else None."""
    if not is_dns_label(value):
        return DNS_LABEL_ALLOWED
    if (
        value in RESERVED_NAMESPACES
        or value.startswith(RESERVED_NAMESPACE_PREFIXES)
        or value.endswith(RESERVED_NAMESPACE_SUFFIXES)
    ):
        return "a namespace of the tenant's own, not one of the platform's (default, kube-*, cattle-*, *-system, ...)"
    return None


def cluster_name_problem(value: Any) -> Optional[str]:
    """Return what would be allowed when a value cannot be the name of a k3k Cluster, else None."""
    if not is_dns_label(value) or len(value) > MAX_CLUSTER_NAME_LENGTH or value == "system":
        return CLUSTER_NAME_ALLOWED
    return None


def namespace_of(tenant_id: str) -> str:
    """Return the default namespace of a tenant on the host cluster."""
    return NAMESPACE_PREFIX + tenant_id


def check_owners(option: str, wanted: Iterable[tuple[str, str]], problems: Problems) -> dict[str, str]:
    """Record tenants that stand twice in an option of a module, and namespaces that two tenants want.

    wanted: tenant and namespace of each item. Returns the owners: namespace -> tenant.
    """
    tenants: set[str] = set()
    owners: dict[str, str] = {}
    for tenant, namespace in wanted:
        if tenant in tenants:
            problems.add(f"{option}[{tenant}].tenant", tenant, "each tenant once")
        tenants.add(tenant)
        owner = owners.setdefault(namespace, tenant)
        if owner != tenant:
            allowed = f"a namespace of its own; it is tenant {owner}'s already"
            problems.add(f"{option}[{tenant}].namespace", namespace, allowed)
    return owners


def k3k_name(*parts: str) -> str:
    """Return the name that k3k gives to an object: C(k3k-) and the parts joined by C(-), cut and hashed from 64 up.

    The rule is C(SafeConcatNameWithPrefix) of rancher/k3k: below 64 characters as is; else the first 57 characters
    (56 when the 57th is neither letter nor digit), C(-), and 5 (6) hexadecimal digits of the whole name's SHA-256.
    """
    full = "-".join(part for part in ("k3k", *parts) if part)
    if len(full) < 64:
        return full
    digest = hashlib.sha256(full.encode()).hexdigest()
    if re.fullmatch(r"[a-z0-9]", full[56]):
        return f"{full[:57]}-{digest[:5]}"
    return f"{full[:56]}-{digest[:6]}"


@dataclass(frozen=True)
class K3kNames:
    """The names of the objects that the k3k controller makes for one virtual cluster (mode C(virtual)).

    cluster: the Cluster's C(metadata.name).
    """

    cluster: str

    @property
    def token_secret(self) -> str:
        """Secret with the join token, key C(token)."""
        return k3k_name(self.cluster, "token")

    @property
    def bootstrap_secret(self) -> str:
        """Secret with the private keys of the virtual cluster's CAs, key C(bootstrap)."""
        return k3k_name(self.cluster, "bootstrap")

    @property
    def kubeconfig_secret(self) -> str:
        """Secret with the controller's own kubeconfig (system:masters), key C(kubeconfig.yaml)."""
        return k3k_name(self.cluster, "kubeconfig")

    @property
    def config_secrets(self) -> tuple[str, str, str]:
        """Secrets with the k3s configuration: first server, further servers, agents; key C(config.yaml)."""
        return (
            k3k_name(self.cluster, "init-server-config"),
            k3k_name(self.cluster, "server-config"),
            k3k_name(self.cluster, "agent-config"),
        )

    @property
    def service(self) -> str:
        """Service of the API, port 443."""
        return k3k_name(self.cluster, "service")

    @property
    def headless_service(self) -> str:
        """Service of the server StatefulSet."""
        return k3k_name(self.cluster, "service-headless")

    @property
    def server(self) -> str:
        """StatefulSet of the servers."""
        return k3k_name(self.cluster, "server")

    @property
    def agent(self) -> str:
        """Deployment of the agents."""
        return k3k_name(self.cluster, "agent")

    @property
    def ingress(self) -> str:
        """Ingress of the API when it is exposed that way."""
        return k3k_name(self.cluster, "ingress")

    def server_claim(self, ordinal: int) -> str:
        """PersistentVolumeClaim of one server (persistence C(dynamic))."""
        return f"varlibrancherk3s-{self.server}-{ordinal}"
