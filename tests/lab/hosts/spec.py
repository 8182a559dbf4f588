# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a host laboratory is: its hosts, addresses, names and paths. Values only, no action."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import description
from ..errors import LabError

#: Every name in a laboratory ends with it. ".test" is set apart for tests (RFC 2606).
DOMAIN = "lab.test"

#: Releases of SUSE Linux Enterprise Server that an image can be made for.
SLES_RELEASES = ("15.6", "15.7", "16.0")

#: Pod and Service networks of the hosts' cluster: other than those of the rest of the laboratory and than RKE2's own.
CLUSTER_CIDR = "10.62.0.0/16"
SERVICE_CIDR = "10.63.0.0/16"

#: The address of host number i is 10.210.<lab>.<FIRST_HOST + i>.
FIRST_HOST = 11

#: Names that the laboratory's own services answer to, all at the gateway's address. scc.suse.com is the address that
#: SUSEConnect uses without --url; no request of a host ever leaves the laboratory.
SERVICE_NAMES = ("gateway.lab.test", "rmt.lab.test", "mlm.lab.test", "repo.lab.test", "nvidia.lab.test", "scc.suse.com")

#: The name of the cluster's registration address, also at the gateway.
BALANCER_NAME = "rke2.lab.test"

#: Where the laboratory serves releases: a folder for each version.
ARTIFACTS_URL = "http://repo.lab.test/artifacts"

#: The code that the stand-ins of SCC and RMT accept.
REGCODE = "LAB-REGCODE-0123456789ABCDEF"

#: The activation key that the stand-in of Multi-Linux Manager accepts.
ACTIVATION_KEY = "1-lab-sles"


@dataclass(frozen=True)
class HostSpec:
    """One host.

    name: short host name. sles: release, one of SLES_RELEASES. groups: inventory groups.
    variables: its variables in the inventory, on top of the laboratory's. disks: size of each extra block device in
    MiB; the first is /dev/vdb, the next /dev/vdc.
    """

    name: str
    sles: str = "15.7"
    groups: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    disks: tuple[int, ...] = ()

    def problems(self) -> list[str]:
        """Return what is wrong with it, one line each."""
        found = []
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", self.name):
            found.append(
                f"name: {self.name!r} is not allowed; allowed: 1 to 32 of a-z, 0-9 and '-', no '-' at the ends"
            )
        if self.sles not in SLES_RELEASES:
            found.append(f"{self.name}: sles: {self.sles!r} is not allowed; allowed: {', '.join(SLES_RELEASES)}")
        if any(size < 16 for size in self.disks) or len(self.disks) > 8:
            found.append(f"{self.name}: disks: {list(self.disks)} is not allowed; allowed: up to 8 of 16 MiB or more")
        return found


def standard(servers: int, agents: int, sles: str = "15.7") -> tuple[HostSpec, ...]:
    """Return the hosts server-1.. and agent-1.. in the inventory groups of the roles."""
    return (
        *(HostSpec(f"server-{number + 1}", sles, ("rke2_servers",)) for number in range(servers)),
        *(HostSpec(f"agent-{number + 1}", sles, ("rke2_agents",)) for number in range(agents)),
    )


def check(hosts: Sequence[HostSpec]) -> None:
    """Raise LabError with everything that is wrong with a list of hosts."""
    problems = [problem for host in hosts for problem in host.problems()]
    names = [host.name for host in hosts]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        problems.append(f"name: {', '.join(double)} is there more than once")
    if not 1 <= len(hosts) <= 200:
        problems.append(f"hosts: {len(hosts)} is not allowed; allowed: 1 to 200")
    if problems:
        raise LabError("; ".join(problems))


@dataclass(frozen=True)
class Description:
    """One host laboratory.

    name: given by the user. number: N of its network 10.210.N.0/24, from 1 to 254.
    state: directory with everything that the laboratory writes on the machine. kube: the laboratory's Kubernetes
    binary, mounted in every host, or None. packages: directory of its RPM repositories and their keys.
    images: SLES release to the name of the image that its hosts are made from.
    """

    name: str
    number: int
    state: Path
    hosts: tuple[HostSpec, ...]
    packages: Path
    images: Mapping[str, str]
    kube: Path | None = None

    @property
    def network(self) -> str:
        """Name of its podman network, and the beginning of the names of its containers and volumes."""
        return f"ait{self.number}"

    @property
    def subnet(self) -> str:
        """The hosts' network."""
        return f"10.210.{self.number}.0/24"

    @property
    def gateway(self) -> str:
        """The machine's address in the hosts' network, where the laboratory's services listen."""
        return f"10.210.{self.number}.1"

    @property
    def gateway_hardware_address(self) -> str:
        """The address of the machine's network card in the hosts' network."""
        return f"52:54:00:d2:{self.number:02x}:01"

    def host(self, name: str) -> HostSpec:
        """Return a host by name. Raises LabError when there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"host: {name!r} is not allowed; allowed: {', '.join(host.name for host in self.hosts)}")

    def address(self, name: str) -> str:
        """Return a host's address."""
        return f"10.210.{self.number}.{FIRST_HOST + self.hosts.index(self.host(name))}"

    def hardware_address(self, name: str) -> str:
        """Return the address of a host's network card. It outlives the container: neighbours remember it for a minute."""
        return f"52:54:00:d2:{self.number:02x}:{FIRST_HOST + self.hosts.index(self.host(name)):02x}"

    def container(self, name: str) -> str:
        """Return the name of a host's container."""
        return f"{self.network}-{self.host(name).name}"

    @property
    def cgroup(self) -> str:
        """The control group of the laboratory's pods; each host has one of its own name below it."""
        return f"/{self.network}"

    def volumes(self, name: str) -> dict[str, str]:
        """Return a host's volumes: name to path in the host. containerd wants a real file system, not the overlay."""
        return {f"{self.container(name)}-{path}": f"/var/lib/{path}" for path in ("rancher", "kubelet")}

    def host_files(self, name: str) -> Path:
        """Return the directory that a host sees as /opt/lab/host: what the laboratory tells it about itself."""
        return self.state / "hosts" / self.host(name).name

    @property
    def www(self) -> Path:
        """What the web server serves, beside the repositories."""
        return self.state / "www"

    @property
    def ssh(self) -> Path:
        """Directory of the key to log in with and of the hosts' known keys."""
        return self.state / "ssh"

    @property
    def inventory(self) -> Path:
        """Directory of the ready inventory."""
        return self.state / "inventory"

    @property
    def site(self) -> Path:
        """File of variables for a whole installation: C(ansible-playbook -e @FILE)."""
        return self.state / "site.yml"

    @property
    def pki(self) -> Path:
        """Directory of certificates and keys."""
        return self.state / "pki"

    def log(self, part: str) -> Path:
        """The log file of a part."""
        return self.state / "logs" / f"{part}.log"

    def record(self, part: str) -> Path:
        """The file in which the runner of a part keeps process id, start and end."""
        return self.state / "run" / f"{part}.json"

    def to_json(self) -> dict[str, Any]:
        """Return what hosts.json holds."""
        return {
            "name": self.name,
            "number": self.number,
            "subnet": self.subnet,
            "gateway": self.gateway,
            "inventory": str(self.inventory),
            "packages": str(self.packages),
            "images": dict(self.images),
            "kube": str(self.kube) if self.kube else None,
            "hosts": [dataclasses.asdict(host) for host in self.hosts],
        }


def load(name: str) -> Description | None:
    """Read the description of a host laboratory, or None when there is none of that name.

    Raises LabError when its file is damaged.
    """
    state = description.state_dir(name).resolve()
    try:
        data = json.loads((state / "hosts.json").read_text(encoding="utf-8"))
        hosts = tuple(
            HostSpec(**{**item, "groups": tuple(item["groups"]), "disks": tuple(item["disks"])})
            for item in data["hosts"]
        )
        kube = Path(data["kube"]) if data["kube"] else None
        return Description(data["name"], data["number"], state, hosts, Path(data["packages"]), data["images"], kube)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise LabError(f"{state}/hosts.json cannot be read ({error}); run: scripts/lab down --name {name}") from error


def names() -> list[str]:
    """Return the names of the host laboratories of this clone."""
    return sorted(path.parent.name for path in description.state_root().glob("*/hosts.json"))
