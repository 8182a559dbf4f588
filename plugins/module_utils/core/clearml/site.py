# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What agents and gateways of all tenants have in common: the server that they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import names
from ..errors import Problems
from ..platform import semver

Tenant = Mapping[str, Any]


@dataclass(frozen=True)
class Site:
    """The server, and what the site says about all tenants.

    base_domain: below which the server is reached. cookie_domain: for which its login cookie is set, the base domain when
    empty. hosts: other names than C(api.), C(app.) and C(files.) below the base domain. versions: of the charts C(agent)
    and C(gateway), for tenants that name none. pull_secrets: names of pull secrets. pod_template: for the pods of all jobs.
    cookie_name: of the server's login cookie, as the server says it. ports: tenant id -> C(30000-30019), the TCP ports of
    its gateway. load_balancer_class: of the Services for them.
    """

    base_domain: str
    cookie_domain: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    pull_secrets: Sequence[str] = ()
    pod_template: Mapping[str, Any] = field(default_factory=dict)
    cookie_name: str = ""
    ports: Mapping[str, str] = field(default_factory=dict)
    load_balancer_class: str = ""

    def url(self, name: str) -> str:
        """Address of one part of the server. name: C(api), C(app) or C(files)."""
        return f"https://{self.hosts.get(name) or f'{name}.{self.base_domain}'}"

    def check(self, problems: Problems) -> None:
        """Record what is wrong with the domains."""
        if not names.is_host(self.base_domain):
            problems.add("site.base_domain", self.base_domain, "a domain such as clearml.example.com")

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
