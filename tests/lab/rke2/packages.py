# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Build the RPM packages of the laboratory's RKE2 and a signed repository of them, as rpm.rancher.io has."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import build as go
from ..hosts import rpms
from ..progress import Progress


def ensure(versions: Sequence[str], binaries: Mapping[str, Path], progress: Progress) -> Path:
    """Return the kept directory of a repository with all versions; C(public.key) in it is the key that signs.

    binaries: version to the command rke2.
    """
    from . import release  # it needs this module too

    key = release.digest(*(binaries[version] for version in versions), Path(__file__), Path(rpms.__file__))
    target = go.cache_root() / "rke2" / f"rpm-{key}"
    if not target.exists():
        with go.locked(target.parent / "rpm.lock", progress):
            if not target.exists():
                with progress.step("build and sign the RPM packages of rke2 (once; the result is kept)"):
                    make(target, versions, binaries)
    return target


def make(target: Path, versions: Sequence[str], binaries: Mapping[str, Path]) -> None:
    """Build, sign and index all packages, whole or not at all."""
    temporary = Path(tempfile.mkdtemp(prefix="rpm-", dir=target.parent))
    try:
        temporary.chmod(0o755)
        built: dict[str, Path] = {}
        for version in versions:
            built |= build_version(version, binaries[version], temporary / "build" / version)
        with rpms.keyring(temporary / "keys", ("rancher",)) as home:
            rpms.place(built, list(built), temporary / "repo", home, "rancher")
            shutil.move(temporary / "keys" / "rancher.asc", temporary / "repo" / "public.key")
        (temporary / "repo").rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def build_version(version: str, binary: Path, work: Path) -> dict[str, Path]:
    """Build rke2-common, -server, -agent of a version, and rke2-selinux. Return file name to file."""
    from . import release

    work.mkdir(parents=True)
    files = release.bundle(binary)
    units = {role: f"lib/systemd/system/rke2-{role}" for role in ("server", "agent")}
    common = [path for path in files if not path.startswith("lib/systemd")]
    install = [f"install -D -m {mode:o} {source} %{{buildroot}}/usr/{path}" for path, (source, mode) in files.items()]
    # In a package everything is below /usr.
    install.append("sed -i 's|/usr/local|/usr|g' %{buildroot}/usr/lib/systemd/system/rke2-* %{buildroot}/usr/bin/*.sh")
    lines = [
        "Name: rke2",
        f"Version: {version.removeprefix('v').replace('+', '~')}",
        "Release: 0",
        "Summary: laboratory stand-in for RKE2",
        "License: Apache-2.0",
        "AutoReqProv: no",
        "%description",
        "Laboratory stand-in.",
        "%install",
        *install,
        *package("common", [f"/usr/{path}" for path in common], ["iptables", "rke2-selinux >= 0.20"]),
        "%preun common",
        "if [ $1 -eq 0 ]; then /usr/bin/rke2-killall.sh || :; fi",
    ]
    for role, unit in units.items():
        lines += package(role, [f"/usr/{unit}.service", f"/usr/{unit}.env"], ["rke2-common = %{version}-%{release}"])
        lines += [f"%post {role}", "systemctl daemon-reload || :", f"%postun {role}", "systemctl daemon-reload || :"]
    lines += ["%package selinux", "Version: 0.23", "Release: 1", "Summary: laboratory stand-in for the SELinux policy"]
    lines += ["Requires: container-selinux", "%description selinux", "Laboratory stand-in.", "%files selinux"]
    lines += ["%package -n container-selinux", "Version: 2.240", "Release: 1", "Summary: laboratory stand-in"]
    lines += ["%description -n container-selinux", "Laboratory stand-in.", "%files -n container-selinux"]
    spec = work / "rke2.spec"
    spec.write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = {"_topdir": work, "_rpmdir": work / "out", "_build_id_links": "none", "_dbpath": work / "db"}
    # Weak compression: the packages are unpacked a few times, and built often.
    settings |= {"debug_package": "%{nil}", "__os_install_post": "%{nil}", "_binary_payload": "w1.gzdio"}
    defines = [part for key, value in settings.items() for part in ("--define", f"{key} {value}")]
    release.run(["rpmbuild", "-bb", "--quiet", "--nodeps", *defines, str(spec)])
    return {path.name: path for path in (work / "out").rglob("*.rpm")}


def package(name: str, files: Sequence[str], requires: Sequence[str]) -> list[str]:
    """Return the lines of one package of the version."""
    return [
        f"%package {name}",
        "Summary: laboratory stand-in for RKE2",
        *(f"Requires: {requirement}" for requirement in requires),
        f"%description {name}",
        "Laboratory stand-in.",
        f"%files {name}",
        *files,
    ]
