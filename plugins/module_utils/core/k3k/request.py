# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the user wants of each virtual cluster, checked as far as it can be without looking at any server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

from .. import names
from ..errors import Problems
from .checks import check_spec, is_address
from .spec import spec_of

Options = Mapping[str, Any]

#: How agents take over a new pod template. C(auto): recreate when they hold accelerators, else rolling.
AUTO, ROLLING, RECREATE = "auto", "rolling", "recreate"
#: What happens to the VirtualClusterPolicy when the cluster is removed.
UNUSED, ALWAYS, NEVER = "unused", "always", "never"


@dataclass(frozen=True)
class ClusterRequest:
    """One wanted (or unwanted) virtual cluster.

    tenant, name, namespace: whose, and the Cluster's identity. policy: the VirtualClusterPolicy's name.
    present: False to remove it. spec: the whole wanted C(Cluster.spec) in the API's form; empty when not present.
    kubeconfig_host, kubeconfig_port: how users reach the API from outside; empty and None when not stated.
    """

    tenant: str
    name: str
    namespace: str
    policy: str
    present: bool = True
    create_namespace: bool = False
    policy_removal: str = UNUSED
    agent_update: str = AUTO
    kubeconfig_host: str = ""
    kubeconfig_port: Optional[int] = None
    spec: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name), which no two items share."""
        return (self.namespace, self.name)

    @property
    def objects(self) -> names.K3kNames:
        """The names of what the controller makes for this cluster."""
        return names.K3kNames(self.name)

    @property
    def labels(self) -> dict[str, str]:
        """The labels on everything that this collection writes for the tenant."""
        return {names.LABEL_TENANT: self.tenant, names.LABEL_MANAGED_BY: names.MANAGED_BY}


def parse_clusters(items: Sequence[Options]) -> tuple[ClusterRequest, ...]:
    """Turn a module's C(clusters) into requests, in their order.

    items: the options by their Ansible names; an option that is not given is missing or None.
    Raises ConfigError with every mistake in every item.
    """
    problems = Problems()
    requests = tuple(_parse(item, f"clusters[{_label(item, index)}]", problems) for index, item in enumerate(items))
    _check_together(requests, problems)
    problems.raise_if_any("clusters")
    return requests


def _label(item: Options, index: int) -> str:
    return str(item.get("name") or item.get("tenant") or index)


def _parse(item: Options, path: str, problems: Problems) -> ClusterRequest:
    name = str(item.get("name") or item.get("tenant") or "")
    tenant = str(item.get("tenant") or name)
    namespace = str(item.get("namespace") or names.namespace_of(tenant))
    policy = str(item.get("policy") or namespace)
    wrong = {
        "name": names.cluster_name_problem(name),
        "tenant": None if tenant and names.is_label_value(tenant) else names.LABEL_VALUE_ALLOWED,
        "namespace": names.namespace_problem(namespace),
        "policy": None if names.is_dns_label(policy) else names.DNS_LABEL_ALLOWED,
    }
    for option, value in (("name", name), ("tenant", tenant), ("namespace", namespace), ("policy", policy)):
        allowed = wrong[option]
        # What was derived from a wrong name is not a mistake of its own.
        if allowed and (item.get(option) or not any(wrong[other] for other in ("name", "tenant") if other != option)):
            problems.add(f"{path}.{option}", value, allowed)
    common: dict[str, Any] = {"tenant": tenant, "name": name, "namespace": namespace, "policy": policy}
    if item.get("state") == "absent":
        return ClusterRequest(**common, present=False, policy_removal=item.get("policy_removal") or UNUSED)
    host, port = _external_host(item.get("kubeconfig_server"), f"{path}.kubeconfig_server", problems)
    check_spec(item, path, problems)
    return ClusterRequest(
        **common,
        create_namespace=bool(item.get("create_namespace")),
        policy_removal=item.get("policy_removal") or UNUSED,
        agent_update=item.get("agent_update") or AUTO,
        kubeconfig_host=host,
        kubeconfig_port=port,
        spec=spec_of(item, namespace, host),
    )


def _external_host(value: Any, path: str, problems: Problems) -> tuple[str, Optional[int]]:
    """Split C(host), C(host:port) or C([v6]:port)."""
    if not value:
        return "", None
    text = str(value)
    host, port = text, ""
    if text.startswith("["):
        host, _bracket, rest = text[1:].partition("]")
        port = rest[1:] if rest.startswith(":") else rest
    elif text.count(":") == 1:
        host, port = text.split(":")
    right_port = not port or (port.isdigit() and 0 < int(port) < 65536)
    if not right_port or not (is_address(host) or names.is_dns_subdomain(host)):
        problems.add(path, value, "a host name or an IP address, with ':port' when it is another port; no https://")
        return "", None
    return host, int(port) if port else None


def _check_together(requests: Sequence[ClusterRequest], problems: Problems) -> None:
    """What no two items may share: the Cluster, a policy of another tenant, a node port."""
    clusters: set[tuple[str, str]] = set()
    policies: dict[str, str] = {}
    ports: dict[int, str] = {}
    for request in requests:
        path = f"clusters[{request.name}]"
        if request.key in clusters:
            problems.add(
                f"{path}.name", request.name, f"each cluster once; it is twice in namespace {request.namespace}"
            )
        clusters.add(request.key)
        owner = policies.setdefault(request.policy, request.tenant)
        if owner != request.tenant:
            problems.add(f"{path}.policy", request.policy, f"a policy of its own; it is tenant {owner}'s already")
        for option, port in _node_ports(request).items():
            first = ports.setdefault(port, request.name)
            if first != request.name:
                problems.add(f"{path}.expose.{option}", port, f"a port of its own; it is cluster {first}'s already")


def _node_ports(request: ClusterRequest) -> dict[str, int]:
    given = (request.spec.get("expose") or {}).get("nodePort") or {}
    options = {"server_port": given.get("serverPort"), "etcd_port": given.get("etcdPort")}
    return {option: port for option, port in options.items() if port}
