# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A release of RKE2 as files: their names, their checksums, where they come from, and which images a node needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .version import Version

#: Where releases are published.
PUBLIC_SOURCE = "https://github.com/rancher/rke2/releases/download"
_SUM = re.compile(r"^(?P<sum>[0-9a-f]{64})\s+\*?(?P<name>\S+)$")


def tarball(architecture: str) -> str:
    """Name of the archive with the program. architecture: C(amd64) or C(arm64)."""
    return f"rke2.linux-{architecture}.tar.gz"


def checksums(architecture: str) -> str:
    """Name of the file with the SHA-256 sums of all files of an architecture."""
    return f"sha256sum-{architecture}.txt"


def image_archives(version: Version, architecture: str, parts: Sequence[str]) -> list[str]:
    """Names of the image archives that a node needs without a registry, core first.

    parts: network plug-ins and ingress controllers. Up to 1.35 Traefik is an archive of its own and ingress-nginx is in
    core; from 1.36 on it is the other way round (RKE2 release notes 1.36).
    """
    in_core = "traefik" if (version.major, version.minor) >= (1, 36) else "ingress-nginx"
    names = ["core", *(part for part in parts if part not in ("none", in_core))]
    return [f"rke2-images-{name}.linux-{architecture}.tar.zst" for name in names]


def parse_checksums(text: str) -> dict[str, str]:
    """Read a file as sha256sum writes it: name -> sum, names without their folder."""
    found = {}
    for line in text.splitlines():
        match = _SUM.match(line.strip())
        if match:
            found[match["name"].rpartition("/")[2]] = match["sum"]
    return found


@dataclass(frozen=True)
class Source:
    """Where the files of a release come from: a URL with a folder per version, or a folder of the host."""

    base: str

    @property
    def remote(self) -> bool:
        """Whether files have to be downloaded."""
        return self.base.startswith(("http://", "https://"))

    def locations(self, version: Version, name: str) -> list[str]:
        """Where a file may be, best first. A folder may hold one release, or one folder per version."""
        if self.remote:
            return [f"{self.base.rstrip('/')}/{version.url_text}/{name}"]
        folder = self.base.rstrip("/")
        return [f"{folder}/{version}/{name}", f"{folder}/{name}"]


def auto_method(os: Mapping[str, str], airgap: bool) -> str:
    """What C(auto) means: RPM on SLES 16 servers, as RKE2's own installer; else, and without a way out, the tarball.

    On SLES 15 the RPMs are not supported, because container-selinux is missing there (rancher/rke2-docs#337).
    """
    sles_16 = os.get("id", "").lower() == "sles" and os.get("version", "").partition(".")[0] == "16"
    return "rpm" if sles_16 and not airgap and os.get("variant", "server") in ("", "server") else "tar"


def relocated(text: str, root: str) -> str:
    """Return a unit or a script of the tarball for another place than /usr/local (rancher/rke2, install.sh)."""
    return text if root == "/usr/local" else text.replace("/usr/local", root)


def repository(base: str, version: Version, machine: str, key: str) -> str:
    """Return the zypper repository file for a minor of RKE2 (RKE2 documentation, installation methods).

    base: such as https://rpm.rancher.io/rke2/stable. machine: C(uname -m). The repositories are left disabled, so that
    C(zypper update) does not upgrade the cluster by accident.
    """
    sections = []
    for name, url in repositories(base, version, machine):
        sections.append(
            f"[{name}]\nname={name}\nbaseurl={url}\nenabled=0\nautorefresh=0\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey={key}\n"
        )
    return "\n".join(sections)


def repositories(base: str, version: Version, machine: str) -> list[tuple[str, str]]:
    """Alias and URL of the repositories of a minor."""
    if "{minor}" in base or base.endswith("/"):
        # a mirror of one's own: one repository with everything
        return [("rke2", base.replace("{minor}", version.minor_text).rstrip("/"))]
    return [
        ("rke2-common", f"{base}/common/slemicro/noarch"),
        (f"rke2-{version.minor_text}", f"{base}/{version.minor_text}/slemicro/{machine}"),
    ]
