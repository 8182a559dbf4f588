# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a host laboratory keeps on disk: its description, keys, certificates, served files, inventory."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path
from typing import Any

import yaml

from .. import address, build, description, pki
from ..errors import LabError
from ..progress import Progress
from ..rke2 import release
from . import disks, image, network, parts, rpms, spec
from .spec import Description, HostSpec


def prepare(name: str, hosts: tuple[HostSpec, ...], rke2: bool, progress: Progress) -> Description:
    """Return the description of a laboratory, new or known, with everything that its hosts need on disk."""
    known = spec.load(name)
    hosts = hosts or (known.hosts if known else spec.standard(1, 0))
    spec.check(hosts)
    if (description.state_dir(name) / "lab.json").exists():
        raise LabError(f"{name!r} is a laboratory of another kind; choose another name")
    if known and known.hosts != hosts:
        there = ", ".join(host.name for host in known.hosts)
        raise LabError(f"laboratory {name!r} has other hosts ({there}); run first: scripts/lab down --name {name}")
    state = description.state_dir(name).resolve()
    if known:
        lab = known
    else:
        binary = build.ensure(("kube",), progress)["kube"] if rke2 else None
        packages = rpms.ensure(progress)
        images = {sles: image.ensure(sles, progress) for sles in sorted({host.sles for host in hosts})}
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        number = address.allocate(state, free=network.free)
        lab = Description(name, number, state, hosts, packages, images, binary)
    (state / "hosts.json").write_text(json.dumps(lab.to_json(), indent=2) + "\n", encoding="utf-8")
    write_files(lab)
    if lab.kube:
        release.build(lab.www / "artifacts", progress=progress)
    return lab


def write_files(lab: Description) -> None:
    """Make the keys, the certificates, what each host is told about itself, and the inventory."""
    for directory in (lab.ssh, lab.pki, lab.inventory / "group_vars", lab.www / "artifacts"):
        directory.mkdir(parents=True, exist_ok=True)
    lab.ssh.chmod(0o700)
    if not (lab.ssh / "id_ed25519").exists():
        network.command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "laboratory",
                        "-f", str(lab.ssh / "id_ed25519"))  # fmt: skip
    authorities = {name: pki.Authority(lab.pki, name).ensure() for name in ("public-ca", "rmt-ca")}
    for name in spec.SERVICE_NAMES:
        own = name in ("rmt.lab.test", "mlm.lab.test")
        authorities["rmt-ca" if own else "public-ca"].issue(name, name, names=[name, lab.gateway])
    write_served_files(lab)
    for host in lab.hosts:
        directory = lab.host_files(host.name)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "cgroup").write_text(f"{lab.cgroup}/{host.name}\n", encoding="ascii")
        disks.ensure(lab, host.name)
    token = lab.state / "rke2-token"
    if not token.exists():
        pki.write_private(token, secrets.token_hex(16).encode())
    authority = (lab.pki / "rmt-ca.crt").read_text(encoding="ascii")
    cluster = parts.cluster_variables(lab, token.read_text(encoding="ascii"))
    write_yaml(lab.inventory / "hosts.yml", parts.inventory(lab, cluster))
    write_yaml(lab.inventory / "group_vars" / "all.yml", parts.connection(lab))
    write_yaml(lab.site, parts.site_variables(lab, authority))


def write_yaml(path: Path, content: Any) -> None:
    """Write a YAML file that only its owner may read."""
    pki.write_private(path, ("---\n" + yaml.safe_dump(content, sort_keys=False)).encode())


def write_served_files(lab: Description) -> None:
    """Write what clients of an RMT and of a Multi-Linux Manager fetch: authorities, bootstrap script, channels."""
    bootstrap = (rpms.STANDINS / "bootstrap.sh").read_text(encoding="utf-8")
    channels = "".join(
        f"[susemanager:{name}]\nname=susemanager:{name}\nenabled=1\nautorefresh=1\ntype=rpm-md\ngpgcheck=1\n"
        f"baseurl=http://mlm.lab.test/repo/{name}\ngpgkey=http://mlm.lab.test/keys/suse.asc\n\n"
        for name in rpms.CHANNELS
    )
    authority = (lab.pki / "rmt-ca.crt").read_text(encoding="utf-8")
    texts = {
        "rmt.crt": authority,
        "pub/RHN-ORG-TRUSTED-SSL-CERT": authority,
        "pub/bootstrap/bootstrap.sh": bootstrap,
        f"channels/{spec.ACTIVATION_KEY}.repo": channels,
    }
    for path, text in texts.items():
        (lab.www / path).parent.mkdir(parents=True, exist_ok=True)
        (lab.www / path).write_text(text, encoding="utf-8")


def remove(state: Path) -> None:
    """Remove a laboratory's data but the logs."""
    for path in state.iterdir():
        if path.is_dir() and path.name != "logs":
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
