# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the user wants of each tenant's fence, checked as far as it can be without looking at any server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import names, quantity
from ..errors import Problems
from ..labels import parse_labels
from . import admission
from .ways import HOST_DNS, HostNetworks, Way, parse_dns, parse_host_networks, parse_ways

Options = Mapping[str, Any]

#: How a tenant's API is reached from outside; the choices of C(k3k_cluster).
EXPOSE = ("none", "node_port", "load_balancer", "ingress")
#: What a LimitRange may give a default for. A default for an accelerator would make every container ask for one.
LIMITED = ("cpu", "memory", "ephemeral-storage")

_IMAGE = re.compile(r"[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@sha256:[0-9a-f]{64})?")
IMAGE_ALLOWED = "an image as it stands in the pod: repository, repository:tag or repository@sha256:digest, no wildcard"


@dataclass(frozen=True)
class Surroundings:
    """The host cluster around all tenants. An empty namespace stands for none."""

    networks: HostNetworks = field(default_factory=HostNetworks)
    controller_namespace: str = "k3k-system"
    ingress_namespace: str = "kube-system"
    monitoring_namespace: str = ""


@dataclass(frozen=True)
class Fence:
    """One tenant's wanted (or unwanted) fence.

    default, default_request: of the LimitRange, resource -> quantity. egress, ingress: the named ways. dns: C(host)
    and CIDRs. expose: one of EXPOSE. images: what may run. mode: one of admission.MODES. cluster_absent: the virtual
    cluster is removed before the fence is.
    """

    tenant: str
    namespace: str
    present: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    default: Mapping[str, str] = field(default_factory=dict)
    default_request: Mapping[str, str] = field(default_factory=dict)
    internet: bool = False
    egress: tuple[Way, ...] = ()
    ingress: tuple[Way, ...] = ()
    dns: tuple[str, ...] = (HOST_DNS,)
    expose: str = "none"
    images: tuple[str, ...] = admission.DEFAULT_IMAGES
    mode: str = "enforce"
    cluster_absent: bool = False


@dataclass(frozen=True)
class GuardRequest:
    """All fences of one call, in the order of the input, and what surrounds them."""

    fences: tuple[Fence, ...]
    surroundings: Surroundings


def parse_guard(options: Options) -> GuardRequest:
    """Turn the options of C(tenant_guard) into a request. Raises ConfigError with every mistake in every item."""
    problems = Problems()
    networks = parse_host_networks(options.get("networks"), problems)
    around = {}
    for name in ("controller_namespace", "ingress_namespace", "monitoring_namespace"):
        value = options.get(name)
        if value is None:
            continue
        around[name] = str(value)
        if value and not names.is_dns_label(value):
            problems.add(name, value, names.DNS_LABEL_ALLOWED)
    fences = tuple(_parse(item, index, networks, problems) for index, item in enumerate(options.get("tenants") or ()))
    _check_together(fences, problems)
    problems.raise_if_any("tenants")
    return GuardRequest(fences, Surroundings(networks, **around))


def _parse(item: Options, index: int, networks: HostNetworks, problems: Problems) -> Fence:
    tenant = str(item.get("tenant") or "")
    path = f"tenants[{tenant or index}]"
    namespace = str(item.get("namespace") or names.namespace_of(tenant))
    for name, value, allowed in (
        ("tenant", tenant, names.tenant_id_problem(tenant)),
        ("namespace", namespace, names.namespace_problem(namespace)),
    ):
        if allowed:
            problems.add(f"{path}.{name}", value, allowed)
    if item.get("state") == "absent":
        return Fence(tenant, namespace, present=False, cluster_absent=bool(item.get("cluster_absent")))
    network, pods = item.get("network") or {}, item.get("admission") or {}
    limits = item.get("limit_range") or {}
    default = _parse_limits(limits.get("default"), f"{path}.limit_range.default", problems)
    default_request = _parse_limits(limits.get("default_request"), f"{path}.limit_range.default_request", problems)
    for resource in set(default) & set(default_request):
        if quantity.parse(default_request[resource]) > quantity.parse(default[resource]):
            problems.add(
                f"{path}.limit_range.default_request.{resource}",
                default_request[resource],
                f"at most default.{resource} ({default[resource]})",
            )
    expose = str(network.get("expose") or "none")
    if expose not in EXPOSE:
        problems.add(f"{path}.network.expose", expose, ", ".join(EXPOSE))
    elif expose in ("node_port", "load_balancer") and not networks.nodes:
        problems.add(
            "networks.node_cidrs", [], f"the nodes' networks: tenant {tenant} is exposed through them ({expose})"
        )
    mode = str(pods.get("mode") or "enforce")
    if mode not in admission.MODES:
        problems.add(f"{path}.admission.mode", mode, ", ".join(admission.MODES))
    return Fence(
        tenant,
        namespace,
        labels=parse_labels(item.get("labels"), f"{path}.labels", problems),
        default=default,
        default_request=default_request,
        internet=bool(network.get("internet")),
        egress=parse_ways(network.get("allow_egress"), f"{path}.network.allow_egress", networks, problems),
        ingress=parse_ways(network.get("allow_ingress"), f"{path}.network.allow_ingress", None, problems),
        dns=parse_dns(network.get("dns"), f"{path}.network.dns", problems),
        expose=expose,
        images=_parse_images(pods.get("images"), f"{path}.admission.images", problems),
        mode=mode,
    )


def _parse_limits(limits: Any, path: str, problems: Problems) -> dict[str, str]:
    found = {}
    for resource, value in (limits or {}).items():
        if resource not in LIMITED:
            problems.add(f"{path}.{resource}", value, f"one of {', '.join(LIMITED)}")
            continue
        try:
            amount = quantity.parse(value)
        except ValueError:
            amount = quantity.parse(0)
        if amount <= quantity.parse(0):
            problems.add(f"{path}.{resource}", value, f"{quantity.QUANTITY_ALLOWED}, above 0")
        else:
            found[resource] = str(amount)
    return found


def _parse_images(images: Any, path: str, problems: Problems) -> tuple[str, ...]:
    given = admission.DEFAULT_IMAGES if images is None else images
    for index, image in enumerate(given):
        if _IMAGE.fullmatch(str(image)) is None:
            problems.add(f"{path}[{index}]", image, IMAGE_ALLOWED)
    if not given:
        problems.add(path, given, "at least one image; without any no server and no agent could start")
    return tuple(dict.fromkeys(str(image) for image in given))


def _check_together(fences: tuple[Fence, ...], problems: Problems) -> None:
    """What no two items may share, and ways from one tenant into another."""
    owners = names.check_owners("tenants", ((fence.tenant, fence.namespace) for fence in fences), problems)
    for fence in fences:
        for direction, ways in (("allow_egress", fence.egress), ("allow_ingress", fence.ingress)):
            for index, way in enumerate(ways):
                if way.namespace in owners and way.namespace != fence.namespace:
                    problems.add(
                        f"tenants[{fence.tenant}].network.{direction}[{index}].namespace",
                        way.namespace,
                        f"a namespace that is not tenant {owners[way.namespace]}'s",
                    )
