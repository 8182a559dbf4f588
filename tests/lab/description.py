# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What one laboratory is: its options, its address, where its files lie. Values only, no action."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import LabError

#: The repository that this package is part of.
PROJECT = Path(__file__).resolve().parents[2]

#: Ports on the laboratory's own address. The numbers are those that the components use by default.
PORTS = {
    "etcd": 2379,
    "etcd-peer": 2380,
    "kube-apiserver": 6443,
    "kube-controller-manager": 10257,
    "kube-scheduler": 10259,
    "kwok": 10247,
    "clearml": 8443,
}

#: Cluster-wide network ranges, as on RKE2 (https://docs.rke2.io/reference/server_config).
CLUSTER_CIDR = "10.42.0.0/16"
SERVICE_CIDR = "10.43.0.0/16"
SERVICE_API = "10.43.0.1"


@dataclass(frozen=True)
class Options:
    """What the user chooses at C(up); the fields are the command's options.

    inner_api: each virtual cluster gets a real kube-apiserver of its own (about 250 MiB each).
    nodes: number of NVIDIA nodes, 8 GPUs each.
    clearml: run the ClearML stand-in.
    k3k_server_start: seconds until a k3k server pod is ready (k3k v1.2.0-rc4: 60).
    k3k_stop: seconds that a deleted pod takes to go away (k3k servers: 30).
    k3k_backoff_scale: factor on the k3k controller's retry delays (1.0 is like the real one).
    extra_admission: admission plugins beside the API server's defaults and NodeRestriction.
    """

    inner_api: bool = True
    nodes: int = 4
    clearml: bool = True
    k3k_server_start: float = 3.0
    k3k_stop: float = 1.0
    k3k_backoff_scale: float = 0.1
    extra_admission: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = []
        if not 1 <= self.nodes <= 2000:
            problems.append(f"nodes: {self.nodes} is not allowed; allowed: 1 to 2000")
        for name in ("k3k_server_start", "k3k_stop", "k3k_backoff_scale"):
            if getattr(self, name) < 0:
                problems.append(f"{name}: {getattr(self, name)} is not allowed; allowed: 0 or more")
        if problems:
            raise LabError("; ".join(problems))

    def changed(self, **changes: Any) -> Options:
        """Return these options with those of C(changes) that are not None. Raises LabError for an unknown one."""
        unknown = sorted(set(changes) - {item.name for item in dataclasses.fields(self)})
        if unknown:
            raise LabError(f"unknown option: {', '.join(unknown)}")
        return dataclasses.replace(self, **{key: value for key, value in changes.items() if value is not None})


@dataclass(frozen=True)
class Description:
    """One laboratory.

    name: given by the user. number: N of its address 127.77.N.1, from 1 to 254.
    state: directory with everything that the laboratory writes. binaries: command name to executable file.
    """

    name: str
    number: int
    state: Path
    options: Options = field(default_factory=Options)
    binaries: dict[str, Path] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The loopback address on which every part listens."""
        return f"127.77.{self.number}.1"

    @property
    def advertised_address(self) -> str:
        """The address in the endpoints of the Service "kubernetes", which must not be a loopback address.

        Nothing listens there. 198.18.0.0/15 is set apart for tests (RFC 2544), so it clashes with no real network.
        """
        return f"198.18.{self.number}.1"

    def url(self, part: str, scheme: str = "https") -> str:
        """Return the URL of a part's port."""
        return f"{scheme}://{self.address}:{PORTS[part]}"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.state / "kubeconfig.yaml"

    @property
    def pki(self) -> Path:
        """Directory of certificates and keys."""
        return self.state / "pki"

    @property
    def credentials(self) -> Path:
        """File with the ClearML platform administrator's key pair."""
        return self.state / "clearml-credentials.json"

    def component_kubeconfig(self, part: str) -> Path:
        """The kubeconfig with which a part reaches the API server."""
        return self.pki / f"{part}.kubeconfig"

    def log(self, part: str) -> Path:
        """The log file of a part."""
        return self.state / "logs" / f"{part}.log"

    def record(self, part: str) -> Path:
        """The file in which the runner of a part keeps process id, start and end."""
        return self.state / "run" / f"{part}.json"

    def to_json(self, parts: list[str]) -> dict[str, Any]:
        """Return what lab.json holds: everything that a test or a script needs to use the laboratory."""
        clearml = {
            "url": self.url("clearml"),
            "ca_file": str(self.pki / "ca.crt"),
            "credentials_file": str(self.credentials),
        }
        return {
            "name": self.name,
            "number": self.number,
            "address": self.address,
            "api_url": self.url("kube-apiserver"),
            "kubeconfig": str(self.kubeconfig),
            "ca_file": str(self.pki / "ca.crt"),
            "clearml": clearml if self.options.clearml else None,
            "parts": parts,
            "options": dataclasses.asdict(self.options),
            "binaries": {name: str(path) for name, path in self.binaries.items()},
        }


def state_root() -> Path:
    """Return the directory of all laboratories of this clone."""
    return Path(os.environ.get("AI_TENANCY_LAB_ROOT") or PROJECT / ".lab")


def state_dir(name: str) -> Path:
    """Return the directory of a laboratory. Raises LabError when the name cannot be a directory's."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", name):
        raise LabError(f"name: {name!r} is not allowed; allowed: 1 to 40 of a-z, 0-9 and '-', no '-' at the ends")
    return state_root() / name


def load(name: str) -> Description | None:
    """Read the description of a laboratory that is up, or None. Raises LabError when lab.json is damaged."""
    state = state_dir(name)
    try:
        data = json.loads((state / "lab.json").read_text(encoding="utf-8"))
        options = dict(data["options"])
        options["extra_admission"] = tuple(options["extra_admission"])
        return Description(
            name=data["name"],
            number=data["number"],
            state=state,
            options=Options(**options),
            binaries={key: Path(value) for key, value in data["binaries"].items()},
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise LabError(f"{state}/lab.json cannot be read ({error}); run: scripts/lab down --name {name}") from error


def names() -> list[str]:
    """Return the names of the laboratories of this clone that are up."""
    return sorted(path.parent.name for path in state_root().glob("*/lab.json"))
