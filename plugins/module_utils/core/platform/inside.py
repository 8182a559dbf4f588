# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What is to be inside tenants' virtual clusters: read from a request, all mistakes collected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import names
from ..errors import Problems


@dataclass(frozen=True)
class SecretValues:
    """Values of a release that come from a Secret. secret: its name in the tenant's namespace on the host.

    keys: dotted path of the value -> key of the Secret. digest: path of the value that gets a digest of it, or empty.
    """

    secret: str
    keys: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True)
class InsideRequest:
    """One virtual cluster. host_namespace: the tenant's on the host. namespace: the one inside.

    present: false when nothing is to be written, only to be read. secrets: names of Secrets that are copied from the host's
    namespace. releases: (namespace, name) of Helm releases to read. secret_values: of these releases, where they have some.
    options: namespaces, pull secrets and stages as in C(platform_objects). host_options: the same for its namespace on the host.
    """

    tenant: str
    host_namespace: str
    namespace: str
    present: bool = True
    secrets: tuple[str, ...] = ()
    releases: tuple[tuple[str, str], ...] = ()
    secret_values: Mapping[tuple[str, str], SecretValues] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    host_options: Mapping[str, Any] = field(default_factory=dict)


def parse_inside(params: Mapping[str, Any]) -> list[InsideRequest]:
    """Read the options of the module. Raises ConfigError with all mistakes."""
    problems = Problems()
    found: dict[str, InsideRequest] = {}
    for item in params["tenants"]:
        tenant, namespace = str(item["tenant"]), str(item["inside"])
        place = f"tenants[{tenant}]"
        allowed = names.tenant_id_problem(tenant)
        if allowed:
            problems.add(f"{place}.tenant", tenant, allowed)
        if tenant in found:
            problems.add(place, tenant, "each tenant once")
        if not names.is_dns_label(namespace):
            problems.add(f"{place}.inside", namespace, names.DNS_LABEL_ALLOWED)
        present = item.get("state", "present") == "present"
        releases = {(each.get("namespace") or namespace, each["name"]): each for each in item.get("releases") or ()}
        host_namespace = str(item.get("namespace") or names.namespace_of(tenant))
        on_host = {"subject": f"tenant {tenant}", "namespace": host_namespace, "stages": item.get("host_stages") or []}
        found[tenant] = InsideRequest(
            tenant=tenant,
            host_namespace=host_namespace,
            namespace=namespace,
            present=present,
            secrets=tuple(item.get("secrets") or ()) if present else (),
            releases=tuple(releases),
            secret_values=_secret_values(releases, place, problems) if present else {},
            options=_options(item, params, namespace) if present else {},
            host_options=on_host,
        )
    problems.raise_if_any("Inside of tenants")
    return list(found.values())


def _secret_values(
    releases: Mapping[tuple[str, str], Mapping[str, Any]], place: str, problems: Problems
) -> dict[tuple[str, str], SecretValues]:
    found = {}
    for which, release in releases.items():
        given = release.get("secret_values")
        if not given:
            continue
        keys, digest = dict(given.get("keys") or {}), given.get("digest") or ""
        where = f"{place}.releases[{which[1]}].secret_values"
        for path, key in keys.items():
            if not all(path.split(".")) or not isinstance(key, str):
                problems.add(f"{where}.keys.{path}", key, "path.of.a.value: key")
        if digest and not all(digest.split(".")):
            problems.add(f"{where}.digest", digest, "path.of.a.value")
        found[which] = SecretValues(given["secret"], keys, digest)
    return found


def _options(item: Mapping[str, Any], params: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    return {
        "subject": f"tenant {item['tenant']}",
        "namespace": namespace,
        "namespaces": [{"name": namespace, "labels": item.get("labels") or {}}],
        "pull_secrets": params.get("pull_secrets") or [],
        "stages": item.get("stages") or [],
    }
