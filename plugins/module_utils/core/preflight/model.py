# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What preflight talks about: hosts with their facts, the site, checks and findings.

A check is one small function with an id. It yields a L(Trouble) for each thing that is not as it must be, and nothing when
all is well. Whoever runs the checks turns troubles into L(Finding)s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional, Union

from .. import support

ERROR, WARNING, INFO = "error", "warning", "info"
SEVERITIES = (ERROR, WARNING, INFO)
#: Before the hosts are prepared, or after: what the role sles_prepare will do is no mistake before.
BEFORE, AFTER = "before", "after"
#: The host of a finding about all of them together.
FLEET = "(all hosts)"
#: Firewall modes, as the role sles_prepare knows them.
FIREWALLD, DISABLED, UNMANAGED = "firewalld", "disabled", "unmanaged"


@dataclass(frozen=True)
class Host:
    """One host: what the inventory says of it, and what was found on it.

    name: in the inventory. roles: of support.SERVER, AGENT, CLEARML. address: where its peers reach it.
    facts: of the module preflight_facts; empty when it could not be asked. trouble: why it could not.
    peers: of the module preflight_ports: by name of the peer, what was tried. gpu: the declared GPU choice.
    longhorn: whether volumes are kept on it.
    """

    name: str
    roles: tuple[str, ...] = ()
    address: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    trouble: str = ""
    peers: Mapping[str, Any] = field(default_factory=dict, repr=False)
    gpu: str = ""
    longhorn: bool = True

    @property
    def is_server(self) -> bool:
        """Whether it runs the control plane and etcd."""
        return support.SERVER in self.roles

    @property
    def is_node(self) -> bool:
        """Whether it is one of the cluster."""
        return bool(set(self.roles) & set(support.NODE_ROLES))

    def fact(self, *path: str, default: Any = None) -> Any:
        """Return the fact at a path, or the default where anything on the way is missing."""
        found: Any = self.facts
        for key in path:
            if not isinstance(found, Mapping) or key not in found:
                return default
            found = found[key]
        return default if found is None else found

    def unit(self, name: str) -> Mapping[str, Any]:
        """Return the state of a systemd unit: exists, running, boot, masked."""
        found = self.fact("units", name, default={})
        return found if isinstance(found, Mapping) else {}

    @property
    def runs_rke2(self) -> bool:
        """Whether RKE2 is up on it."""
        return any(self.unit(f"rke2-{role}.service").get("running") for role in ("server", "agent"))


@dataclass(frozen=True)
class Site:
    """What the inventory says about all hosts together. See the role preflight for each."""

    stage: str = BEFORE
    cni: str = "canal"
    cluster_cidr: tuple[str, ...] = ("10.42.0.0/16",)
    service_cidr: tuple[str, ...] = ("10.43.0.0/16",)
    api_endpoint: str = ""
    rke2_version: str = ""
    install_method: str = "auto"
    firewall: str = FIREWALLD
    airgapped: bool = False
    airgap_urls: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    data_path: str = "/var/lib/rancher"
    longhorn_path: str = "/var/lib/longhorn"
    not_looked_at: tuple[str, ...] = ()
    max_latency_ms: float = support.MAX_ETCD_LATENCY_MS
    max_clock_offset_s: float = support.MAX_CLOCK_OFFSET_S
    minimum_sizes: Mapping[str, support.Size] = field(default_factory=lambda: dict(support.MINIMUM_SIZES))

    @property
    def prepared(self) -> bool:
        """Whether the hosts must be prepared by now."""
        return self.stage == AFTER


@dataclass(frozen=True)
class Trouble:
    """One thing that is not as it must be. found, needed, fix: for people. severity, host: where not the check's own."""

    found: str
    needed: str
    fix: str
    severity: Optional[str] = None
    host: str = ""


@dataclass(frozen=True)
class Finding:
    """A trouble with the check and the host that it belongs to."""

    check: str
    host: str
    severity: str
    found: str
    needed: str
    fix: str

    def as_dict(self) -> dict[str, str]:
        """For the report's file."""
        return {
            "check": self.check,
            "host": self.host,
            "severity": self.severity,
            "found": self.found,
            "needed": self.needed,
            "fix": self.fix,
        }


HostFunction = Callable[[Host, Site], Iterator[Trouble]]
FleetFunction = Callable[[Sequence[Host], Site], Iterator[Trouble]]


@dataclass(frozen=True)
class Check:
    """One check. id: stable, C(topic.what). severity: of its findings. title: what is looked at.

    prepared: the role sles_prepare brings this about, so that before it has run a finding is for information only.
    """

    id: str
    severity: str
    title: str
    run: Union[HostFunction, FleetFunction]
    fleet: bool = False
    prepared: bool = False


class Checks:
    """A list of checks that is filled by decorators."""

    def __init__(self) -> None:
        self.all: list[Check] = []

    def host(
        self, check_id: str, severity: str, title: str, prepared: bool = False
    ) -> Callable[[HostFunction], HostFunction]:
        """Make a function a check of each host by itself; it is called only for hosts that could be asked."""

        def register(function: HostFunction) -> HostFunction:
            self.all.append(Check(check_id, severity, title, function, prepared=prepared))
            return function

        return register

    def fleet(self, check_id: str, severity: str, title: str) -> Callable[[FleetFunction], FleetFunction]:
        """Make a function a check of all hosts together."""

        def register(function: FleetFunction) -> FleetFunction:
            self.all.append(Check(check_id, severity, title, function, fleet=True))
            return function

        return register


def shown_size(size: int) -> str:
    """Write bytes as GB (1000^3), one decimal place."""
    return f"{size / support.GB:.1f} GB"
