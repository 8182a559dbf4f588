# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What agents and gateways of all tenants have in common: the server that they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import names
from ..errors import Problems
from ..platform import semver
from ..platform.settings import NOT_SHOWN
from ..tenant.secrets import is_secret_key, secrets_in

Tenant = Mapping[str, Any]

#: The parts of the server that have a host of their own.
HOSTS = ("api", "app", "files")
DOMAIN_ALLOWED = "a domain such as clearml.example.com"


@dataclass(frozen=True)
class Site:
    """The server, and what the site says about all tenants.

    base_domain: below which the server is reached. cookie_domain: for which its login cookie is set, the base domain when
    empty. hosts: other names than C(api.), C(app.) and C(files.) below the base domain. versions: of the charts C(agent)
    and C(gateway), for tenants that name none. pull_secrets: names of pull secrets. pod_template: for the pods of all jobs.
    cookie_name: of the server's login cookie, as the server says it. domains: tenant id -> the domain of its own, C(<id>.)
    below the base domain where none is named. ports: tenant id -> C(30000-30019), the TCP ports of its gateway. addresses:
    tenant id -> host or IP address at which these are reached. load_balancer_class: of the Services for them. exposure: what
    leads to the gateways from the host cluster, as L(exposure.check) takes it; empty for nothing. role: whose variables have
    the names of these fields.
    """

    base_domain: str
    cookie_domain: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    pull_secrets: Sequence[str] = ()
    pod_template: Mapping[str, Any] = field(default_factory=dict)
    cookie_name: str = ""
    domains: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    load_balancer_class: str = ""
    exposure: Mapping[str, Any] = field(default_factory=dict)
    role: str = ""

    @property
    def prefix(self) -> str:
        """What stands before the name of a field in messages."""
        return f"{self.role}_" if self.role else "site."

    def url(self, name: str) -> str:
        """Address of one part of the server. name: C(api), C(app) or C(files)."""
        return f"https://{self.hosts.get(name) or f'{name}.{self.base_domain}'}"

    def domain_of(self, tenant: str) -> str:
        """The domain of a tenant's own, in which its gateway lies."""
        return self.domains.get(tenant) or f"{tenant}.{self.base_domain}"

    def check(self, problems: Problems) -> None:
        """Record what is wrong with the domains."""
        if not names.is_host(self.base_domain):
            problems.add(f"{self.prefix}base_domain", self.base_domain, DOMAIN_ALLOWED)

    def secret_list(self) -> list[dict[str, str]]:
        """The pull secrets as the charts want them."""
        return [{"name": name} for name in self.pull_secrets]


def version_of(place: str, text: str, least: str, problems: Problems) -> semver.SemVer:
    """Read the version of a chart. Below C(least) its values have names that are not known."""
    try:
        found = semver.parse(text)
    except ValueError:
        problems.add(place, text, semver.VERSION_ALLOWED)
        return semver.parse(least)
    if found < semver.parse(least):
        problems.add(place, text, f"{least} or newer; the values of older charts have other names")
    return found


def check_role(role: str, settings: Mapping[str, Any], least: str, problems: Problems) -> None:
    """Record what is wrong with the settings that the roles of agents and gateways have in common, without their prefix.

    settings: C(base_domain), C(hosts), C(version), empty for the collection's, and C(values). least: the oldest chart.
    """
    if not names.is_host(settings["base_domain"]):
        problems.add(f"{role}_base_domain", settings["base_domain"], DOMAIN_ALLOWED)
    check_hosts(f"{role}_hosts", settings["hosts"], problems)
    if settings["version"]:
        version_of(f"{role}_version", settings["version"], least, problems)
    check_values(f"{role}_values", settings["values"], "the tenant's Secret", problems)


def check_hosts(place: str, hosts: Mapping[str, Any], problems: Problems) -> None:
    """Record what is wrong with other names of the server's hosts."""
    for name, host in hosts.items():
        if name not in HOSTS:
            problems.add(f"{place}.{name}", host, f"only {', '.join(HOSTS)}")
        elif not names.is_host(host):
            problems.add(f"{place}.{name}", host, names.HOST_ALLOWED)


def check_values(place: str, values: Mapping[str, Any], belongs: str, problems: Problems) -> None:
    """Record secrets in plain text: values are kept in Helm's record. belongs: where they belong instead."""
    for path in _secrets(values):
        problems.add(f"{place}.{path}", NOT_SHOWN, f"no secret; it belongs into {belongs}, or into a pull secret")


def _secrets(values: Mapping[str, Any]) -> Iterator[str]:
    """Paths of secrets in plain text. C(existingSecret) is the name of one, the charts' C(clearml...Key) are secrets too."""
    for place in secrets_in(values):
        if not place.rpartition(".")[2].startswith("existing"):
            yield place
    clearml = values.get("clearml") or {}
    yield from (f"clearml.{key}" for key in clearml if key.endswith("Key") and not is_secret_key(key))
