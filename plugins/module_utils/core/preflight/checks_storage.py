# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks of one host: what SUSE Storage (Longhorn) needs (HOST-8)."""

from __future__ import annotations

from collections.abc import Iterator

from .. import support
from .checks_system import PREPARE
from .model import ERROR, WARNING, Checks, Host, Site, Trouble

CHECKS = Checks()


@CHECKS.host("storage.iscsi", ERROR, "iSCSI initiator", prepared=True)
def storage_iscsi(host: Host, site: Site) -> Iterator[Trouble]:
    """Longhorn attaches volumes by it."""
    if not host.longhorn:
        return
    if "iscsiadm" not in host.fact("programs", default=[]):
        yield Trouble("no iscsiadm", "package open-iscsi", PREPARE)
    elif not host.unit("iscsid.service").get("running"):
        yield Trouble("iscsid does not run", "service iscsid on", PREPARE)


@CHECKS.host("storage.iscsi_version", ERROR, "open-iscsi is not the broken release")
def storage_iscsi_version(host: Host, site: Site) -> Iterator[Trouble]:
    """2.1.12 cannot attach volumes (Longhorn documentation, September 2026)."""
    version = str(host.fact("packages", "open-iscsi", default="")).split("-", maxsplit=1)[0]
    if host.longhorn and version in support.BROKEN_OPEN_ISCSI:
        yield Trouble(
            f"open-iscsi {version}",
            "2.1.11 or older, or 2.1.13 or newer",
            "update open-iscsi, or lock the older package",
        )


@CHECKS.host("storage.initiator", ERROR, "The host has an iSCSI initiator name", prepared=True)
def storage_initiator(host: Host, site: Site) -> Iterator[Trouble]:
    """Whether it is the only host with it, group.initiator says."""
    installed = "iscsiadm" in host.fact("programs", default=[])
    if host.longhorn and installed and not host.fact("identity", "initiator", default=""):
        yield Trouble("no InitiatorName", "one in /etc/iscsi/initiatorname.iscsi", PREPARE)


@CHECKS.host("storage.nfs", ERROR, "NFS client", prepared=True)
def storage_nfs(host: Host, site: Site) -> Iterator[Trouble]:
    """Longhorn needs it for volumes that many pods write to, and for backups."""
    if host.longhorn and "mount.nfs" not in host.fact("programs", default=[]):
        yield Trouble("no mount.nfs", "package nfs-client", PREPARE)


@CHECKS.host("storage.cryptsetup", WARNING, "cryptsetup", prepared=True)
def storage_cryptsetup(host: Host, site: Site) -> Iterator[Trouble]:
    """Only for encrypted volumes."""
    if host.longhorn and "cryptsetup" not in host.fact("programs", default=[]):
        yield Trouble("no cryptsetup", "package cryptsetup, for encrypted volumes", PREPARE)


@CHECKS.host("storage.multipath", ERROR, "multipathd leaves Longhorn's disks alone", prepared=True)
def storage_multipath(host: Host, site: Site) -> Iterator[Trouble]:
    """It grabs the disks of volumes; they then cannot be mounted (Longhorn knowledge base)."""
    running = host.unit("multipathd.service").get("running") or host.unit("multipathd.socket").get("running")
    if host.longhorn and running and not host.fact("multipath_blacklist"):
        yield Trouble(
            "multipathd runs without a blacklist for Longhorn", "vendor IET, product VIRTUAL-DISK blacklisted", PREPARE
        )


@CHECKS.host("storage.file_system", ERROR, "Longhorn's file system", prepared=True)
def storage_file_system(host: Host, site: Site) -> Iterator[Trouble]:
    """Longhorn keeps replicas on ext4 and XFS only; SLES's root is Btrfs."""
    kind = str(host.fact("storage", "paths", site.longhorn_path, "type", default=""))
    if host.longhorn and kind not in support.LONGHORN_FILE_SYSTEMS:
        yield Trouble(
            f"{site.longhorn_path} is on {kind or 'nothing'}",
            " or ".join(support.LONGHORN_FILE_SYSTEMS),
            f"set sles_prepare_disk to an empty disk for {site.longhorn_path}, or mount one there",
        )


@CHECKS.host("storage.own_file_system", WARNING, "Longhorn has a file system of its own", prepared=True)
def storage_own_file_system(host: Host, site: Site) -> Iterator[Trouble]:
    """On the root's file system full volumes stop the host (Longhorn best practices)."""
    place = host.fact("storage", "paths", site.longhorn_path, default={})
    if host.longhorn and place and not place.get("own_file_system"):
        yield Trouble(
            f"{site.longhorn_path} is on the file system of {place.get('mount')}",
            "a dedicated disk",
            "set sles_prepare_disk to an empty disk",
        )
