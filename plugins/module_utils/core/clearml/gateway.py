# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From tenants to the values of their application gateways (CML-5): pure, for all tenants at once.

Names of values: the vendor's documentation of clearml-enterprise-app-gateway 3.2. The chart is not public. It documents no
existing Secret for the credentials, so their values are left out here; L(CREDENTIAL_VALUES) says what belongs where.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from .. import names
from ..errors import Problems
from ..network import is_address
from ..platform import semver
from ..requests import AGENT_CREDENTIALS
from . import exposure
from .agent import NAMESPACE
from .exposure import Ports
from .site import DOMAIN_ALLOWED, HOSTS, Site, Tenant, check_role, version_of

#: The release's name is the router's: people see it in the web page, and in addresses.
RELEASE = "clearml-enterprise-app-gateway"
#: The oldest chart whose values are known, and the first with the newer name for TCP sessions.
OLDEST, STREAMS_ANEW = "2.1.0", "3.0.0"
#: Value of the chart -> key of the tenant's Secret.
CREDENTIAL_VALUES = {"clearml.apiKey": "agentk8sglue_key", "clearml.apiSecret": "agentk8sglue_secret"}

#: A cookie's name (RFC 6265: a token).
_COOKIE = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
COOKIE_ALLOWED = "the name that the server gives its login cookie"


def check(settings: Mapping[str, Any]) -> Problems:
    """Collect what is wrong with the settings of the role clearml_gateway, without its prefix, as far as no tenant is asked.

    settings: as L(check_role) takes them, and C(cookie_domain), C(cookie_name), C(domains), C(ports), C(addresses),
    C(load_balancer_class), C(exposure).
    """
    problems, role = Problems(), "clearml_gateway"
    check_role(role, settings, OLDEST, problems)
    cookie, name = settings["cookie_domain"], settings["cookie_name"]
    if not names.is_host(cookie) and names.is_host(settings["base_domain"]):
        problems.add(f"{role}_cookie_domain", cookie, DOMAIN_ALLOWED)
    if name and not _COOKIE.fullmatch(name):
        problems.add(f"{role}_cookie_name", name, COOKIE_ALLOWED)
    for tenant, domain in settings["domains"].items():
        if not names.is_host(domain):
            problems.add(f"{role}_domains.{tenant}", domain, DOMAIN_ALLOWED)
    for tenant, address in settings["addresses"].items():
        if not names.is_host(address) and not is_address(address):
            problems.add(f"{role}_addresses.{tenant}", address, "a host name or an IP address")
    if settings["load_balancer_class"] and not names.is_label_key(settings["load_balancer_class"]):
        problems.add(f"{role}_load_balancer_class", settings["load_balancer_class"], "a class such as example.com/lb")
    exposure.read_ports(f"{role}_ports", settings["ports"], problems)
    exposure.check(f"{role}_exposure", settings["exposure"], problems)
    return problems


def releases(tenants: Sequence[Tenant], site: Site) -> list[dict[str, Any]]:
    """The gateways of these tenants; those without ClearML are left out, as L(agent.releases), with C(credential_values)
    and C(host_stages), what leads to them on the host cluster.

    tenants: all that are declared, also those that are not worked on: only so it is seen when two want the same. A gateway sees
    the jobs of its own namespace only, so it lies where the agent lies. Raises ConfigError with every mistake of all tenants,
    also when a host lies outside the tenant's domain, or two gateways want the same host or overlapping ports.
    """
    problems = Problems()
    site.check(problems)
    mine = [tenant for tenant in tenants if tenant["clearml"]["enabled"] and tenant["state"] != "absent"]
    there = [tenant for tenant in mine if tenant["clearml"]["app_gateway"]["enabled"]]
    if there and not _COOKIE.fullmatch(site.cookie_name):
        problems.add(f"{site.prefix}cookie_name", site.cookie_name, COOKIE_ALLOWED)
    hosts = _hosts(there, site, problems)
    ports = _ports(mine, site, problems)
    found = [_release(tenant, site, hosts.get(tenant["id"], ""), ports.get(tenant["id"]), problems) for tenant in mine]
    problems.raise_if_any("ClearML gateways")
    return found


def _hosts(tenants: Sequence[Tenant], site: Site, problems: Problems) -> dict[str, str]:
    """Host of each gateway, by tenant. It is the tenant's own, and the login cookie must reach it."""
    found: dict[str, str] = {}
    taken = _Taken()
    for name in HOSTS:
        taken.take(site.url(name).partition("//")[2], f"the server's ({name})")
    cookie = site.cookie_domain or site.base_domain
    for tenant in tenants:
        domain = site.domain_of(tenant["id"])
        host = tenant["clearml"]["app_gateway"]["host"] or f"router.{domain}"
        place = f"tenants[{tenant['id']}].clearml.app_gateway.host"
        if not names.is_host(host, wildcard=True):
            problems.add(place, host, names.WILDCARD_HOST_ALLOWED)
        elif not host.endswith(f".{cookie}"):
            problems.add(place, host, f"a host below {cookie}, the domain of the server's login cookie")
        elif not f".{host}".endswith(f".{domain}"):
            problems.add(place, host, f"a host in {domain}, the tenant's domain; {site.prefix}domains names another")
        whose = taken.take(host, f"tenant {tenant['id']}'s ({host})")
        if whose:
            problems.add(place, host, f"a host of its own; this one is {whose}")
        found[tenant["id"]] = host
    return found


class _Taken:
    """Hosts that are somebody's, of which each may begin with C(*.) for one label."""

    def __init__(self) -> None:
        self._whose: dict[str, str] = {}
        self._below: dict[str, str] = {}

    def take(self, host: str, whose: str) -> str:
        """Take a host. Returns whose it is, or a name that it means too; empty when it was free."""
        above = host.partition(".")[2]
        found = self._whose.get(host) or self._whose.get(f"*.{above}")
        if not found and host.startswith("*."):
            found = self._below.get(above)
        self._whose.setdefault(host, whose)
        self._below.setdefault(above, whose)
        return found or ""


def _ports(tenants: Sequence[Tenant], site: Site, problems: Problems) -> dict[str, Ports]:
    """Range of TCP ports of each gateway that has one, by tenant."""
    known = [tenant["id"] for tenant in tenants]
    for name, text in site.ports.items():
        if name not in known:
            allowed = f"tenants with ClearML: {', '.join(known) or 'there is none'}"
            problems.add(f"{site.prefix}ports.{name}", text, allowed)
    return exposure.read_ports(f"{site.prefix}ports", site.ports, problems)


def _release(tenant: Tenant, site: Site, host: str, ports: Optional[Ports], problems: Problems) -> dict[str, Any]:
    version = site.versions.get("gateway") or ""
    parsed = version_of("site.versions.gateway", version, OLDEST, problems)
    on_host = tenant["clearml"]["agent"]["placement"] == "host"
    return {
        "tenant": tenant["id"],
        "state": "present" if tenant["clearml"]["app_gateway"]["enabled"] else "absent",
        "host_namespace": tenant["namespace"],
        "placement": "host" if on_host else "tenant",
        "release": RELEASE,
        "namespace": tenant["namespace"] if on_host else NAMESPACE,
        "version": version,
        "values": values(tenant, site, host, ports, parsed),
        "secret": AGENT_CREDENTIALS,
        "credential_values": dict(CREDENTIAL_VALUES),
        "host_stages": exposure.stages(tenant, site.exposure, host, ports, site.load_balancer_class),
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
            "routerAddress": site.addresses.get(tenant["id"]) or f"tcp-router.{site.domain_of(tenant['id'])}",
            "service": service,
            "portRange": {"start": ports[0], "end": ports[1]},
        }
    if site.pull_secrets:
        result["imageCredentials"] = {"existingImagePullSecrets": site.secret_list()}
    return result
