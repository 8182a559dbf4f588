# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The platform on several clusters: what is wrong with the division, before anything changes.

Each host of the group C(platform_controller) stands for one cluster, each of C(tenants_controller) for one tenants file.
What is judged is what the inventory says. That two kubeconfigs lead to one cluster, only its API server tells.
"""

from __future__ import annotations

import ipaddress
import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..errors import ConfigError, Problems
from . import layers as core_layers
from .division import LOCAL, Local

#: What the inventory says about one host, by variable.
Variables = Mapping[str, Any]
#: Hosts of a group and their variables.
Hosts = Mapping[str, Variables]

#: Variables of a cluster that are looked at, besides those of L(division.LOCAL).
OF_CLUSTERS = (
    "platform_release_kubernetes",
    "platform_release_layers",
    "platform_clearml_domain",
    "platform_rwx_class",
    "metallb_pools",
    "rancher_hostname",
    "suse_registry_mode",
    "suse_registry_url",
    "suse_observability_server",
    "suse_observability_url",
    "suse_observability_cluster",
    "suse_security_manager_host",
    "suse_ai_host",
    "clearml_server_base_domain",
    "clearml_server_hosts",
    *sorted({name for one in LOCAL for name in one.variables}),
)
#: And of a host that looks after tenants. Of tenants_clearml only the URL is read.
OF_TENANTS = (
    "tenants_kubernetes",
    "tenants_clearml",
    "tenants_file",
    "tenants_report_dir",
    "tenants_kubeconfig_dir",
    "platform_clearml_domain",
    "clearml_agent_hosts",
    "inventory_dir",
)
_ENVIRONMENT = "(what the environment says)"


@dataclass(frozen=True)
class Site:
    """All clusters of an inventory. elsewhere: layers that the site has outside of them."""

    clusters: Hosts
    tenants: Hosts
    layers: Mapping[str, Any]
    elsewhere: Collection[str]

    def having(self, layer: str) -> list[str]:
        """The clusters that are to have a layer."""
        return [
            name for name, one in self.clusters.items() if true((one.get("platform_release_layers") or {}).get(layer))
        ]

    def serving(self, layer: str) -> dict[str, list[str]]:
        """The clusters that have a layer's server, with the names under which it is reached."""
        return {name: [host for _variable, host in served(self.clusters[name], layer)] for name in self.having(layer)}


def check(clusters: Hosts, tenants: Hosts, layers: Mapping[str, Any], elsewhere: Collection[str] = ()) -> Problems:
    """Collect what is wrong with the division. One cluster is never wrong by itself: it may use servers of others.

    clusters, tenants: the hosts of the groups C(platform_controller) and C(tenants_controller), each with those of
    OF_CLUSTERS and OF_TENANTS that the inventory says. layers: from the file of versions.
    """
    problems = Problems()
    for name in elsewhere:
        if name not in layers:
            problems.add("platform_release_elsewhere", name, f"layers: {', '.join(layers)}")
    if len(clusters) < 2:
        return problems
    site = Site(clusters, tenants, layers, elsewhere)
    _check_layers(site, problems)
    _check_connections(clusters, "platform_release_kubernetes", problems)
    _check_names(site, problems)
    _check_pools(site, problems)
    _check_servers(site, problems)
    _check_local(site, problems)
    _check_tenants(site, problems)
    return problems


def _check_layers(site: Site, problems: Problems) -> None:
    for name, one in site.clusters.items():
        wanted = one.get("platform_release_layers") or {}
        if not any(true(value) for value in wanted.values()):
            problems.add(f"{name}: platform_release_layers", dict(wanted), "at least one layer for each cluster")
        try:
            core_layers.order(site.layers, wanted)
        except ConfigError as error:
            for problem in error.problems:
                problems.add(f"{name}: {problem.path}", problem.value, problem.allowed)


# --- one cluster, one host ---


def connection(kubernetes: Optional[Variables]) -> tuple[str, str]:
    """What two hosts that reach the same cluster have in common, as a text for people and one to compare."""
    given = kubernetes or {}
    context = str(given.get("context") or "")
    file = given.get("kubeconfig")
    if given.get("host"):
        return str(given["host"]).rstrip("/"), str(given["host"]).rstrip("/").lower()
    if isinstance(file, str) and file:
        return file, f"{posixpath.normpath(file)} {context}"
    if isinstance(file, Mapping):
        return "(a kubeconfig as data)", f"{sorted(map(str, file.get('clusters') or []))} {context}"
    return _ENVIRONMENT, f"{_ENVIRONMENT} {context}"


def _check_connections(hosts: Hosts, variable: str, problems: Problems) -> None:
    first: dict[str, str] = {}
    for name, one in hosts.items():
        shown, key = connection(one.get(variable))
        other = first.setdefault(key, name)
        if other != name:
            problems.add(f"{name}: {variable}", shown, f"a cluster of its own; {other} is this one already")


# --- names and addresses ---


def served(one: Variables, layer: str) -> Iterator[tuple[str, str]]:
    """The variables of a layer with the names that it serves to everybody, where it has its server in this cluster."""
    if layer == "rancher":
        yield "rancher_hostname", str(one.get("rancher_hostname") or "")
    elif layer == "suse_registry" and _registry_is_here(one):
        yield "suse_registry_url", host_of(one.get("suse_registry_url"))
    elif layer == "suse_observability" and true(one.get("suse_observability_server")):
        yield "suse_observability_url", host_of(one.get("suse_observability_url"))
    elif layer == "suse_security":
        yield "suse_security_manager_host", str(one.get("suse_security_manager_host") or "")
    elif layer == "suse_ai":
        yield "suse_ai_host", str(one.get("suse_ai_host") or "")
    elif layer == "clearml_server":
        domain = one.get("clearml_server_base_domain") or one.get("platform_clearml_domain") or ""
        hosts = one.get("clearml_server_hosts") or {}
        for part in ("app", "api", "files"):
            variable = "clearml_server_hosts" if hosts.get(part) else "clearml_server_base_domain"
            yield variable, str(hosts.get(part) or (f"{part}.{domain}" if domain else ""))


def _check_names(site: Site, problems: Problems) -> None:
    """A name leads to one cluster, and the server of SUSE Observability tells clusters apart by theirs."""
    first: dict[str, tuple[str, str]] = {}
    for layer in site.layers:
        for name in site.having(layer):
            for variable, host in served(site.clusters[name], layer):
                other, of_other = first.setdefault(host, (name, variable)) if host else (name, variable)
                if other != name:
                    allowed = f"a name that leads to this cluster; {other} serves it by {of_other}"
                    problems.add(f"{name}: {variable}", host, allowed)
    watched: dict[str, str] = {}
    for name in site.having("suse_observability"):
        label = str(site.clusters[name].get("suse_observability_cluster") or "")
        other = watched.setdefault(label, name) if label else name
        if other != name:
            problems.add(f"{name}: suse_observability_cluster", label, f"a name of its own; {other} has this one")


def _check_pools(site: Site, problems: Problems) -> None:
    """Two clusters that announce the same address take it from each other."""
    seen: list[tuple[str, str, tuple[int, int, int]]] = []
    for name in site.having("metallb"):
        own = []
        for pool, spec in (site.clusters[name].get("metallb_pools") or {}).items():
            for text in spec.get("addresses") or []:
                found = _range(str(text))
                own += [(name, str(text), found)] if found else []
                for other, of_other, there in seen:
                    if found and found[0] == there[0] and found[1] <= there[2] and there[1] <= found[2]:
                        allowed = f"addresses that no other cluster announces; {other} has {of_other}"
                        problems.add(f"{name}: metallb_pools.{pool}.addresses", text, allowed)
        seen += own


def _range(text: str) -> Optional[tuple[int, int, int]]:
    """Version of IP, first and last address of a pool; nothing where the text is wrong, which the layer itself tells."""
    first, dash, last = (part.strip() for part in text.partition("-"))
    try:
        if dash:
            begin, end = ipaddress.ip_address(first), ipaddress.ip_address(last)
        else:
            network = ipaddress.ip_network(first, strict=False)
            begin, end = network[0], network[-1]
    except ValueError:
        return None
    return begin.version, int(begin), int(end)


# --- what one cluster needs of another one ---


def _check_servers(site: Site, problems: Problems) -> None:
    """Agents and clients find their server: in a cluster of this inventory, or declared to be elsewhere."""
    for name in site.having("suse_observability"):
        one = site.clusters[name]
        if not true(one.get("suse_observability_server")):
            place = f"{name}: suse_observability_url"
            _check_reached(site, "suse_observability", place, one.get("suse_observability_url"), problems)
    for name in site.having("suse_registry"):
        one = site.clusters[name]
        if not _registry_is_here(one):
            _check_reached(site, "suse_registry", f"{name}: suse_registry_url", one.get("suse_registry_url"), problems)


def _check_reached(site: Site, layer: str, place: str, url: Any, problems: Problems) -> None:
    there = [(name, host) for name, hosts in site.serving(layer).items() for host in hosts if host]
    if layer in site.elsewhere or host_of(url) in [host for _name, host in there]:
        return
    known = ", ".join(f"{host} ({name})" for name, host in there)
    allowed = f"the address of a server of these clusters: {known}" if known else "no cluster here has this server"
    problems.add(place, str(url or ""), f"{allowed}; or {layer} in platform_release_elsewhere")


def _check_local(site: Site, problems: Problems) -> None:
    """What a layer needs in its own cluster is not in another one."""
    for need in LOCAL:
        others = site.having(need.needs)
        for name in site.having(need.layer):
            if (
                others
                and name not in others
                and need.needs not in site.elsewhere
                and _is_needed(need, site.clusters[name])
            ):
                allowed = f"true, because {need.layer} needs it in its own cluster; {need.otherwise}"
                problems.add(f"{name}: platform_release_layers.{need.needs}", False, allowed)


def _is_needed(need: Local, one: Variables) -> bool:
    if need.layer == "suse_registry" and not _registry_is_here(one):
        return False
    if need.server and not true(one.get("suse_observability_server")):
        return False
    value = next((one[name] for name in need.variables if one.get(name) is not None), need.default)
    return str(value).lower() in need.when


# --- tenants ---


def _check_tenants(site: Site, problems: Problems) -> None:
    _check_connections(site.tenants, "tenants_kubernetes", problems)
    for variable in ("tenants_file", "tenants_report_dir", "tenants_kubeconfig_dir"):
        _check_own(site.tenants, variable, problems)
    by_connection = {connection(one.get("platform_release_kubernetes"))[1]: name for name, one in site.clusters.items()}
    for name, one in site.tenants.items():
        shown, key = connection(one.get("tenants_kubernetes"))
        cluster, homes = by_connection.get(key), site.having("k3k")
        if cluster and cluster not in homes and "k3k" not in site.elsewhere:
            known = f"the cluster of {', '.join(homes)}" if homes else "a cluster"
            problems.add(f"{name}: tenants_kubernetes", shown, f"{known}, with the layer k3k; this is {cluster}")
        url = (one.get("tenants_clearml") or {}).get("api_url")
        if url:
            _check_reached(site, "clearml_server", f"{name}: tenants_clearml.api_url", url, problems)
        domain = one.get("platform_clearml_domain")
        if domain:
            api = (one.get("clearml_agent_hosts") or {}).get("api") or f"api.{domain}"
            _check_reached(site, "clearml_server", f"{name}: platform_clearml_domain", f"https://{api}", problems)


def _check_own(hosts: Hosts, variable: str, problems: Problems) -> None:
    """Two hosts have two of these. One that is not set comes from the inventory's folder; kubeconfigs then are no files."""
    first: dict[str, str] = {}
    for name, one in hosts.items():
        value = str(one.get(variable) or "")
        if not value and variable == "tenants_kubeconfig_dir":
            continue
        other = first.setdefault(posixpath.normpath(value) if value else f"in {one.get('inventory_dir')}", name)
        if other != name:
            problems.add(f"{name}: {variable}", value, f"another one than that of {other}")


# --- values ---


def _registry_is_here(one: Variables) -> bool:
    return (one.get("suse_registry_mode") or "cluster") == "cluster"


def host_of(url: Any) -> str:
    """The host of an address, in small letters; empty when there is none."""
    return str(url or "").partition("://")[2].partition("/")[0].partition(":")[0].lower()


def true(value: Any) -> bool:
    """Whether a variable says yes, as Ansible reads it."""
    return str(value).lower() in ("true", "yes", "on", "1", "y", "t")


def picked(variables: Variables, names: Sequence[str]) -> dict[str, Any]:
    """Those of these variables that there are."""
    return {name: variables[name] for name in names if name in variables}
