# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From tenants to the values of their application gateways (CML-5): pure, for all tenants at once.

Names of values: the vendor's documentation of clearml-enterprise-app-gateway 3.2. The chart is not public. It documents no
existing Secret for the credentials, so their values are left out here; L(CREDENTIAL_VALUES) says what belongs where.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Optional

from .. import names
from ..errors import Problems
from ..platform import semver
from ..requests import AGENT_CREDENTIALS
from .agent import NAMESPACE
from .site import Site, Tenant, version_of

#: The release's name is the router's: people see it in the web page, and in addresses.
RELEASE = "clearml-enterprise-app-gateway"
#: The oldest chart whose values are known, and the first with the newer name for TCP sessions.
OLDEST, STREAMS_ANEW = "2.1.0", "3.0.0"
#: Value of the chart -> key of the tenant's Secret.
CREDENTIAL_VALUES = {"clearml.apiKey": "agentk8sglue_key", "clearml.apiSecret": "agentk8sglue_secret"}

PORTS_ALLOWED = "two ports 1-65535 such as 30000-30019, the lower one first, at most 256"
_PORTS = re.compile(r"(\d{1,5})-(\d{1,5})")
_MOST_PORTS = 256

Ports = tuple[int, int]


def releases(tenants: Sequence[Tenant], site: Site) -> list[dict[str, Any]]:
    """The gateways of these tenants, those without one left out; as L(agent.releases), with C(credential_values).

    A gateway sees the jobs of its own namespace only, so it lies where the agent lies. Raises ConfigError with every mistake
    of all tenants, also when two gateways want the same host or overlapping ports.
    """
    problems = Problems()
    site.check(problems)
    if not site.cookie_name:
        problems.add("site.cookie_name", site.cookie_name, "the name that the server gives its login cookie")
    mine = [tenant for tenant in tenants if _has_gateway(tenant)]
    hosts = _hosts(mine, site, problems)
    ports = _ports(mine, site, problems)
    found = [
        _release(tenant, site, host, ports.get(tenant["id"]), problems) for tenant, host in zip(mine, hosts.values())
    ]
    problems.raise_if_any("ClearML gateways")
    return found


def _has_gateway(tenant: Tenant) -> bool:
    return bool(tenant["clearml"]["enabled"] and tenant["clearml"]["app_gateway"]["enabled"])


def _hosts(tenants: Sequence[Tenant], site: Site, problems: Problems) -> dict[str, str]:
    """Host of each gateway, by tenant. The login cookie must reach it."""
    found: dict[str, str] = {}
    cookie = site.cookie_domain or site.base_domain
    for tenant in tenants:
        host = tenant["clearml"]["app_gateway"]["host"] or f"router.{tenant['id']}.{site.base_domain}"
        place = f"tenants[{tenant['id']}].clearml.app_gateway.host"
        if not names.is_host(host, wildcard=True):
            problems.add(place, host, names.WILDCARD_HOST_ALLOWED)
        elif not host.endswith(f".{cookie}"):
            problems.add(place, host, f"a host below {cookie}, the domain of the server's login cookie")
        other = next((name for name, taken in found.items() if taken == host), None)
        if other is not None:
            problems.add(place, host, f"a host of its own; tenant {other} has this one")
        found[tenant["id"]] = host
    return found


def _ports(tenants: Sequence[Tenant], site: Site, problems: Problems) -> dict[str, Ports]:
    """Range of TCP ports of each gateway that has one, by tenant."""
    found: dict[str, Ports] = {}
    known = [tenant["id"] for tenant in tenants]
    for name, text in site.ports.items():
        place = f"site.ports.{name}"
        ports = parse_ports(text)
        if name not in known:
            problems.add(place, text, f"tenants with a gateway: {', '.join(known) or 'there is none'}")
        elif ports is None:
            problems.add(place, text, PORTS_ALLOWED)
        else:
            for other, taken in found.items():
                if ports[0] <= taken[1] and taken[0] <= ports[1]:
                    theirs = f"{taken[0]}-{taken[1]}"
                    problems.add(place, text, f"ports of its own; site.ports.{other} is {theirs}")
            found[name] = ports
    return found


def parse_ports(text: Any) -> Optional[Ports]:
    """Read C(30000-30019); None for what is no such range."""
    match = _PORTS.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    start, end = int(match[1]), int(match[2])
    return (start, end) if 1 <= start <= end <= 65535 and end - start < _MOST_PORTS else None


def _release(tenant: Tenant, site: Site, host: str, ports: Optional[Ports], problems: Problems) -> dict[str, Any]:
    version = site.versions.get("gateway") or ""
    parsed = version_of("site.versions.gateway", version, OLDEST, problems)
    on_host = tenant["clearml"]["agent"]["placement"] == "host"
    return {
        "tenant": tenant["id"],
        "host_namespace": tenant["namespace"],
        "placement": "host" if on_host else "tenant",
        "release": RELEASE,
        "namespace": tenant["namespace"] if on_host else NAMESPACE,
        "version": version,
        "values": values(tenant, site, host, ports, parsed),
        "secret": AGENT_CREDENTIALS,
        "credential_values": dict(CREDENTIAL_VALUES),
    }


def values(tenant: Tenant, site: Site, host: str, ports: Optional[Ports], version: semver.SemVer) -> dict[str, Any]:
    """The values of one tenant's gateway, without its credentials. ports: None for one without TCP sessions."""
    result: dict[str, Any] = {
        "clearml": {"apiServerUrlReference": site.url("api"), "authCookieName": site.cookie_name},
        "ingress": {"enabled": True, "hostName": host},
        "service": {"type": "ClusterIP"},
    }
    if ports is not None:
        service: dict[str, Any] = {"type": "LoadBalancer"}
        if site.load_balancer_class:
            service["loadBalancerClass"] = site.load_balancer_class
        is_new = version >= semver.parse(STREAMS_ANEW)
        result["streamSession" if is_new else "tcpSession"] = {
            "routerAddress": f"tcp-router.{tenant['id']}.{site.base_domain}",
            "service": service,
            "portRange": {"start": ports[0], "end": ports[1]},
        }
    if site.pull_secrets:
        result["imageCredentials"] = {"existingImagePullSecrets": site.secret_list()}
    return result
