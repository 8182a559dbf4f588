# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Make the hosts' images: a Debian file system, turned into one that looks like SUSE Linux Enterprise Server.

Two steps, each kept by the content of what decides it: the file system (mmdebstrap, about a minute), and one thin
image per SLES release on top (seconds).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .. import build
from ..errors import LabError
from ..progress import Progress
from . import podman, programs, rpms

HERE = Path(__file__).parent / "image"

SUITE = "bookworm"

#: Debian packages of the file system: what a minimal SLES has, and what the roles and the RKE2 stand-in need.
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "python3", "python3-rpm", "zypper", "rpm",
    "gnupg", "sudo", "curl", "ca-certificates", "tzdata", "procps", "psmisc", "kmod", "iproute2", "iputils-ping",
    "ethtool", "socat", "zstd", "xz-utils", "chrony", "firewalld", "nftables", "iptables", "ipset", "conntrack",
    "open-iscsi", "multipath-tools", "nfs-common", "cryptsetup-bin", "e2fsprogs", "xfsprogs", "btrfs-progs", "parted",
    "containerd", "runc", "containernetworking-plugins", "keepalived", "haproxy",
)  # fmt: skip

#: Left out of every package.
EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")

#: File in image/ to its place in the host.
FILES = {
    "lab-init": "usr/local/sbin/lab-init",
    "lab-swap": "usr/libexec/lab/swap",
    "update-ca-certificates": "usr/libexec/lab/update-ca-certificates-suse",
    "modules.builtin": "usr/share/lab/modules.builtin",
    "chronyd.service": "usr/lib/systemd/system/chronyd.service",
    "chrony.conf": "etc/chrony.conf",
    "system.conf": "etc/systemd/system.conf.d/lab.conf",
    "iscsid.conf": "etc/systemd/system/iscsid.service.d/lab.conf",
    "ssh.conf": "etc/systemd/system/ssh.service.d/lab.conf",
}

#: Of these, the ones that are run.
EXECUTABLE = ("lab-init", "lab-swap", "update-ca-certificates")


def ensure(release: str, progress: Progress) -> str:
    """Return the name of the image of a SLES release such as "15.7"; make it when it is not there.

    Raises LabError when a tool fails.
    """
    packages = rpms.ensure(progress)
    name = f"localhost/ai-tenancy/sles:{release}-{digest(release, packages)}"
    if not podman.exists("image", name):
        with build.locked(build.cache_root() / "hosts" / "image.lock", progress):
            if not podman.exists("image", name):
                base = ensure_base(progress)
                with progress.step(f"make the image of SLES {release} (once; the result is kept)"):
                    make(name, release, base, packages)
                remove_older(name, release)
    return name


def remove_older(name: str, release: str) -> None:
    """Remove images of a SLES release that were made from an older recipe and that no host uses."""
    names = podman.run("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name.rpartition(":")[0]).stdout.split()
    for older in names:
        if older != name and older.rpartition(":")[2].startswith(f"{release}-"):
            podman.run("image", "rm", older, check=False)


def digest(release: str, packages: Path) -> str:
    """Return a hash of everything that decides an image."""
    hashed = hashlib.sha256(f"{base_name()}\0{release}\0{packages.name}\0".encode())
    for path in [Path(__file__), Path(programs.__file__), *sorted(HERE.iterdir())]:
        hashed.update(path.name.encode() + path.read_bytes())
    return hashed.hexdigest()[:12]


def base_name() -> str:
    """Return the name of the image of the plain file system."""
    recipe = "\0".join([SUITE, *PACKAGES, *EXCLUDED])
    return f"localhost/ai-tenancy/base:{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def ensure_base(progress: Progress) -> str:
    """Return the name of the image of the plain file system; make or load it when it is not there."""
    name = base_name()
    if podman.exists("image", name):
        return name
    archive = build.cache_root() / "hosts" / f"rootfs-{name.rpartition(':')[2]}.tar.zst"
    if not archive.exists():
        with progress.step("make the hosts' file system with mmdebstrap (once; the result is kept)"):
            bootstrap(archive)
    work = tempfile.TemporaryDirectory(prefix="rootfs-", dir=archive.parent)
    with progress.step("load the hosts' file system into podman"), work as directory:
        plain = Path(directory) / "rootfs.tar"
        rpms.tool("zstd", "--decompress", "--quiet", str(archive), "-o", str(plain))
        podman.run("import", plain, name)
    return name


def bootstrap(archive: Path) -> None:
    """Make the plain file system as an archive, whole or not at all."""
    temporary = archive.with_name(f"{os.getpid()}.new.tar.zst")
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
    argv = ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", *options, SUITE, str(temporary)]
    try:
        result = subprocess.run(argv, capture_output=True, text=True, check=False)
        if result.returncode:
            raise LabError(f"mmdebstrap failed (exit code {result.returncode}); it needs a Debian mirror:\n"
                           + build.last_lines(result.stderr.splitlines()))  # fmt: skip
        temporary.replace(archive)
    finally:
        temporary.unlink(missing_ok=True)


def make(name: str, release: str, base: str, packages: Path) -> None:
    """Build the image of a SLES release."""
    with tempfile.TemporaryDirectory(prefix="lab-image-") as work:
        context = Path(work)
        for source, target in FILES.items():
            programs.place(HERE / source, context / "root" / target, 0o755 if source in EXECUTABLE else 0o644)
        for target, text in release_files(release).items():
            (context / "root" / target).parent.mkdir(parents=True, exist_ok=True)
            (context / "root" / target).write_text(text, encoding="utf-8")
        programs.place(packages / "keys" / "suse.asc", context / "root/usr/share/lab/repository.asc", 0o644)
        shutil.copytree(packages / "image", context / "rpms")
        shutil.copy(HERE / "setup.sh", context / "rpms" / "setup.sh")
        podman.run("build", "--quiet", "--layers=false", "--build-arg", f"BASE={base}", "--tag", name,
                   "--file", HERE / "Containerfile", context)  # fmt: skip


def release_files(release: str) -> dict[str, str]:
    """Return the files that tell which SLES this is: path to text. As in the packages sles-release 15 and 16."""
    major, _dot, minor = release.partition(".")
    service_pack = major == "15"
    version = f"{major}-SP{minor}" if service_pack else release
    pretty = (
        f"SUSE Linux Enterprise Server {major} SP{minor}" if service_pack else f"SUSE Linux Enterprise Server {release}"
    )
    cpe = f"cpe:/o:suse:sles:{major}:sp{minor}" if service_pack else f"cpe:/o:suse:sles:16:{release}"
    values = {"NAME": "SLES", "VERSION": version, "VERSION_ID": release, "PRETTY_NAME": pretty, "ID": "sles",
              "ID_LIKE": "suse", "ANSI_COLOR": "0;32", "CPE_NAME": cpe}  # fmt: skip
    if not service_pack:
        values["VARIANT_ID"] = "server"
    product = f"""<?xml version="1.0" encoding="UTF-8"?>
<product schemeversion="0">
  <vendor>SUSE</vendor>
  <name>SLES</name>
  <version>{release}</version>
  <release>0</release>
  <arch>x86_64</arch>
  <summary>{pretty}</summary>
  <shortsummary>{pretty}</shortsummary>
  <register><target>sle-{major}-x86_64</target></register>
</product>
"""
    return {
        # The host's own come with its first boot (lab-init); what mmdebstrap has copied from this machine must not stay.
        "etc/hostname": "",
        "etc/resolv.conf": "",
        "etc/hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost ipv6-localhost ipv6-loopback\n",
        "usr/lib/os-release": "".join(f'{key}="{value}"\n' for key, value in values.items()),
        "etc/products.d/SLES.prod": product,
        "etc/rpm/macros": "%_dbpath /var/lib/rpm\n",
    }
