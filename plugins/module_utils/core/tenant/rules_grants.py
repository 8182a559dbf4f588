# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Rules about a tenant's quotas, ways in and out, services and labels."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from .. import accelerators, network
from ..durations import duration_text
from .case import Case
from .defaults import objects_needed, total_of
from .grants import Way

#: Label prefixes that belong to others, and the bare labels by which k3k selects its pods.
_FOREIGN_LABELS = ("kubernetes.io", "k8s.io", "k3k.io", "cattle.io", "ai-tenancy.platform")
_K3K_LABELS = ("cluster", "role", "type", "mode")


def check_accelerators(case: Case) -> None:
    """Grants name real accelerators, guarantees lie within them, and the agents fit into them."""
    quota, cluster = case.tenant.quota, case.tenant.cluster
    for name in {**quota.accelerators, **quota.guaranteed}:
        if case.sound("fleet.accelerators") and not _is_accelerator(case, name):
            near = difflib.get_close_matches(name, ("nvidia.com/gpu", "amd.com/gpu", "nvidia.com/gpu.shared"), 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            case.add("quota.accelerators", name, f"resources that fleet.accelerators.patterns match{hint}")
    for name, count in quota.guaranteed.items():
        ceiling = quota.accelerators.get(name, 0)
        if count > ceiling and case.sound("quota.accelerators", "quota.guaranteed"):
            case.add(f"quota.guaranteed[{name}]", count, f"at most quota.accelerators[{name}], {ceiling}")
    if not case.sound("cluster.worker_limit", "cluster.agents", "quota.accelerators"):
        return
    for name, amount in cluster.worker_limit.items():
        if "/" not in name or (name not in quota.accelerators and not _is_accelerator(case, name)):
            continue
        needed, ceiling = cluster.agents * amount.to_int(), quota.accelerators.get(name, 0)
        if needed > ceiling:
            found = f"{cluster.agents} agents x {amount} = {needed}"
            case.add(f"cluster.worker_limit[{name}]", found, f"at most quota.accelerators[{name}], {ceiling}, in total")


def _is_accelerator(case: Case, name: str) -> bool:
    return accelerators.AcceleratorNames(case.fleet.accelerators.patterns).matches(name)


def check_base_quota(case: Case) -> None:
    """Kubernetes refuses a pod without a limit for what a quota lists, and a pod that goes beyond it."""
    quota, cluster = case.tenant.quota, case.tenant.cluster
    for name, limit in (("cpu", quota.cpu), ("memory", quota.memory)):
        place = f"quota.{name}"
        if not case.said(place) or limit is None or not case.sound(place, "cluster"):
            continue
        roles = [("server", cluster.server_limit, cluster.server_resources, True)]
        roles.append(("worker", cluster.worker_limit, cluster.worker_resources, cluster.agents > 0))
        for role, container, pod, needed in roles:
            if needed and name not in (container if pod is None else pod.limits):
                allowed = f"a limit for {name}; {place} is set, so Kubernetes refuses pods without one"
                case.add(f"cluster.{role}_limit", "no " + name, allowed)
        total = total_of(cluster, name)
        if total is not None and total > limit:
            found = f"servers and agents need {total}"
            case.add(place, str(limit), f"at least what {found}")
    if case.sound("quota.pods", "cluster") and quota.pods is not None:
        least = cluster.servers + cluster.agents + 1
        if quota.pods < least:
            case.add("quota.pods", quota.pods, f"at least {least}: servers, agents and one that replaces another")


def check_storage_quota(case: Case) -> None:
    """The servers' own volumes count against the storage quota."""
    quota, cluster = case.tenant.quota.storage, case.tenant.cluster
    if cluster.storage.type != "dynamic" or not case.sound("quota.storage", "cluster.storage", "cluster.servers"):
        return
    needed = cluster.storage.size * cluster.servers
    storage_class = cluster.storage.storage_class or ""
    limits = [
        ("quota.storage.total", quota.total),
        (f"quota.storage.classes[{storage_class}]", quota.classes.get(storage_class)),
    ]
    for place, limit in limits:
        if limit is not None and needed > limit:
            case.add(place, str(limit), f"at least {needed} for the volumes of {cluster.servers} servers")


def check_objects(case: Case) -> None:
    """The Service of the tenant's API counts too."""
    if not case.sound("quota.objects", "cluster.expose"):
        return
    expose = case.tenant.cluster.expose
    for name, needed in objects_needed(expose).items():
        found = case.tenant.quota.objects.get(name, needed)
        if found < needed:
            case.add(f"quota.objects[{name}]", found, f"at least {needed} with cluster.expose.type {expose.type}")


def check_ways(case: Case) -> None:
    """A way out is a named exception; it never opens what belongs to the host, and never everything."""
    for place, way in _ways(case):
        target = network.parse_network(way.cidr)
        outwards = place.startswith("network.allow_egress")
        if way.override and not way.why:
            case.add(f"{place}.why", way.why, "a reason; override needs one")
        if target.prefixlen == 0 and outwards:
            case.add(f"{place}.cidr", way.cidr, "a smaller network; the whole internet is network.internet: true")
        elif target.prefixlen == 0 and not way.override:
            case.add(f"{place}.cidr", way.cidr, "a smaller network; or override: true with a reason in why")
        elif outwards and not way.override:
            for name, text in case.fleet.networks.named():
                if network.overlap(target, network.parse_network(text)):
                    allowed = (
                        f"a network that does not overlap fleet.networks.{name} {text}; or override: true with why"
                    )
                    case.add(f"{place}.cidr", way.cidr, allowed)


def _ways(case: Case) -> Iterator[tuple[str, Way]]:
    own = case.tenant.network
    for field, ways in (("allow_egress", own.allow_egress), ("allow_ingress", own.allow_ingress)):
        if case.sound(f"network.{field}"):
            yield from ((f"network.{field}[{position}]", way) for position, way in enumerate(ways))


def check_access(case: Case) -> None:
    """A credential is renewed within its life; single sign-on is described in full."""
    kubeconfig, oidc = case.tenant.access.kubeconfig, case.tenant.access.oidc
    if case.sound("access.kubeconfig") and kubeconfig.rotate_before >= kubeconfig.ttl:
        found = duration_text(kubeconfig.rotate_before)
        case.add("access.kubeconfig.rotate_before", found, f"less than ttl {duration_text(kubeconfig.ttl)}")
    if case.sound("access.oidc") and (oidc.issuer is None) != (oidc.client_id is None):
        missing = "client_id" if oidc.client_id is None else "issuer"
        case.add(f"access.oidc.{missing}", None, "both issuer and client_id, or neither")


def check_clearml(case: Case) -> None:
    """Jobs must fit into an agent, and names into what ClearML takes."""
    clearml = case.tenant.clearml
    if not clearml.enabled or not case.sound("clearml"):
        return
    if len(clearml.company) < 3 and case.sound("id", "display_name"):
        case.add("clearml.company", clearml.company, "a name of 3-100 characters (display_name is too short for it)")
    for feature in sorted(set(clearml.features) & set(clearml.exclude_features)):
        case.add("clearml.exclude_features", feature, "features that clearml.features does not switch on")
    seen = set()
    for position, queue in enumerate(clearml.queues):
        if queue.name in seen:
            case.add(f"clearml.queues[{position}].name", queue.name, "a name of its own among the company's queues")
        seen.add(queue.name)
        if case.sound("cluster.worker_limit", "cluster.mode") and case.tenant.cluster.mode == "virtual":
            amount = case.tenant.cluster.worker_limit.get(queue.resource)
            most = amount.to_int() if amount is not None else 0
            if queue.gpu > most:
                allowed = f"at most cluster.worker_limit[{queue.resource}], {most}; a larger job would wait for ever"
                case.add(f"clearml.queues[{position}].gpu", queue.gpu, allowed)
    granted = sum(case.tenant.quota.accelerators.values())
    for field in ("max_gpus", "report_max"):
        count = getattr(clearml.agent, field)
        if isinstance(count, int) and count > granted and case.sound("quota.accelerators"):
            case.add(f"clearml.agent.{field}", count, f"auto, or at most the sum of quota.accelerators, {granted}")


def check_others(case: Case) -> None:
    """Tier, backup target and labels."""
    tenant = case.tenant
    if tenant.tier is not None and case.sound("tier") and tenant.tier not in case.fleet.tiers:
        near = difflib.get_close_matches(tenant.tier, case.fleet.tiers, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        case.add("tier", tenant.tier, f"a tier of fleet.tiers: {', '.join(case.fleet.tiers) or 'there is none'}{hint}")
    if tenant.backup.enabled and tenant.backup.target is None and case.sound("backup"):
        case.add("backup.target", None, "a URL to back up to; backup.enabled needs it")
    for key in tenant.labels:
        prefix = key.rpartition("/")[0]
        foreign = any(prefix == owner or prefix.endswith("." + owner) for owner in _FOREIGN_LABELS)
        if foreign or key in _K3K_LABELS:
            case.add("labels", key, "labels with a prefix of your own, such as example.com/team")


RULES = (
    check_accelerators,
    check_base_quota,
    check_storage_quota,
    check_objects,
    check_ways,
    check_access,
    check_clearml,
    check_others,
)
