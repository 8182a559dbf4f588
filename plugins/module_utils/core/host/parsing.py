# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Texts that Linux and its programs give, turned into data. Each function takes the text, never a path."""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import Any, Optional

#: Listening sockets in /proc/net/tcp*; unconnected ones in /proc/net/udp* (Linux, include/net/tcp_states.h).
_TCP_LISTEN, _UDP_UNCONNECTED = "0A", "07"
#: Fields of C(chronyc -c tracking) (chronyc manual); times in seconds.
_TRACKING_FIELDS = 14


def key_values(text: str) -> dict[str, str]:
    """Read lines C(KEY=value) with shell quoting, as in os-release and /etc/sysconfig. Comments are left out."""
    found = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if not equals or key.startswith("#"):
            continue
        try:
            words = shlex.split(value)
        except ValueError:
            words = [value]
        found[key.strip()] = words[0] if words else ""
    return found


def memory_total(meminfo: str) -> int:
    """Return C(MemTotal) of /proc/meminfo in bytes; 0 when it is not there."""
    match = re.search(r"^MemTotal:\s+(\d+) kB", meminfo, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def swaps(proc_swaps: str) -> list[str]:
    """Return the devices and files in /proc/swaps."""
    return [line.split()[0] for line in proc_swaps.splitlines()[1:] if line.split()]


def mounts(mountinfo: str) -> list[dict[str, Any]]:
    """Read /proc/self/mountinfo: C(path), C(type), C(source), C(device), C(read_only), as mounted in turn."""
    found = []
    for line in mountinfo.splitlines():
        left, separator, right = line.partition(" - ")
        head, tail = left.split(), right.split()
        if not separator or len(head) < 6 or len(tail) < 2:
            continue
        options = {*head[5].split(","), *"".join(tail[2:3]).split(",")}  # of the mount, and of its file system
        found.append(
            {
                "path": _unescape(head[4]),
                "type": tail[0],
                "source": _unescape(tail[1]),
                "device": head[2],
                "read_only": "ro" in options,
            }
        )
    return found


def mount_of(path: str, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the mount on which a path lies: the last of those with the longest path. Empty when there is none."""
    best: dict[str, Any] = {}
    for mount in found:
        where = mount["path"].rstrip("/") + "/"
        if (path.rstrip("/") + "/").startswith(where) and len(mount["path"]) >= len(best.get("path", "")):
            best = mount
    return best


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def nameservers(resolv_conf: str) -> list[str]:
    """Return the addresses of the lines C(nameserver) in resolv.conf."""
    rows = (line.split() for line in resolv_conf.splitlines())
    return [row[1] for row in rows if len(row) > 1 and row[0] == "nameserver"]


def usable_nameserver(address: str) -> bool:
    """Tell whether pods can use a nameserver: not a loopback and not a link-local address.

    Without one RKE2 writes 8.8.8.8 into a resolv.conf of its own (RKE2 documentation, DNS).
    """
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified)


def default_routes(route: str, ipv6_route: str) -> list[str]:
    """Return the families (C(4), C(6)) with a default route, from /proc/net/route and /proc/net/ipv6_route."""
    families = []
    rows = [line.split() for line in route.splitlines()[1:]]
    if any(len(row) > 7 and row[1] == "00000000" and row[7] == "00000000" for row in rows):
        families.append("4")
    rows = [line.split() for line in ipv6_route.splitlines()]
    if any(len(row) > 9 and row[0] == "0" * 32 and row[1] == "00" and row[9] != "lo" for row in rows):
        families.append("6")
    return families


def listening(tcp: Iterable[str], udp: Iterable[str]) -> list[dict[str, Any]]:
    """Return what is listened on, from the texts of /proc/net/tcp, tcp6, udp, udp6: protocol, port, loopback.

    loopback: every socket on that port is bound to a loopback address only. Sorted, each port once.
    """
    seen: dict[tuple[str, int], bool] = {}
    for protocol, texts, state in (("tcp", tcp, _TCP_LISTEN), ("udp", udp, _UDP_UNCONNECTED)):
        for text in texts:
            for line in text.splitlines()[1:]:
                row = line.split()
                if len(row) < 4 or row[3] != state:
                    continue
                address, _colon, port = row[1].rpartition(":")
                key = (protocol, int(port, 16))
                seen[key] = seen.get(key, True) and _is_loopback(address)
    return [{"protocol": key[0], "port": key[1], "loopback": seen[key]} for key in sorted(seen)]


def _is_loopback(address: str) -> bool:
    """C(address) is hexadecimal, in the byte order of a little-endian machine, 4 bytes at a time."""
    if len(address) == 8:
        return address.endswith("7F")
    return address == "0" * 24 + "01000000" or (address.startswith("0" * 16 + "FFFF0000") and address.endswith("7F"))


def chrony_tracking(line: str) -> Optional[dict[str, Any]]:
    """Read C(chronyc -c tracking): source, stratum, offset_s (of the system clock), leap, synchronised. None if not it.

    chronyd is synchronised when it has a reference (ID other than 0 and 127.127.1.1, its own clock) and the leap
    status is not C(Not synchronised). C(timedatectl) is not asked: it says no where chronyd may not set the clock.
    """
    fields = line.strip().split(",")
    if len(fields) < _TRACKING_FIELDS:
        return None
    try:
        stratum, offset = int(fields[2]), float(fields[4])
    except ValueError:
        return None
    leap = fields[13]
    reference = fields[0] not in ("00000000", "7F7F0101")
    return {
        "source": fields[1],
        "stratum": stratum,
        "offset_s": offset,
        "leap": leap,
        "synchronised": reference and 0 < stratum < 16 and leap != "Not synchronised",
    }


def initiator_name(text: str) -> str:
    """Return C(InitiatorName) of /etc/iscsi/initiatorname.iscsi, or an empty string."""
    match = re.search(r"^\s*InitiatorName\s*=\s*(\S+)", text, re.MULTILINE)
    return match[1] if match else ""


def fstab_swaps(fstab: str) -> list[str]:
    """Return the sources of the swap lines of /etc/fstab."""
    return [line.split()[0] for line in fstab.splitlines() if is_swap_line(line)]


def is_swap_line(line: str) -> bool:
    """Tell whether a line of /etc/fstab is one of swap: its type, the third field, is C(swap)."""
    words = line.split()
    return len(words) >= 3 and not words[0].startswith("#") and words[2] == "swap"


def repositories(repo_file: str) -> list[dict[str, Any]]:
    """Read a file of /etc/zypp/repos.d: alias, url, enabled, of each section. A file that is none gives an empty list."""
    found: list[dict[str, Any]] = []
    for line in repo_file.splitlines():
        section = re.fullmatch(r"\s*\[(.+)\]\s*", line)
        if section:
            found.append({"alias": section[1], "url": "", "enabled": True})
            continue
        key, equals, value = line.partition("=")
        if found and equals and key.strip() == "baseurl":
            found[-1]["url"] = value.strip()
        if found and equals and key.strip() == "enabled":
            found[-1]["enabled"] = value.strip().lower() in ("1", "true", "yes")
    return found


def kernel_version(release: str) -> tuple[int, int]:
    """Return major and minor of C(uname -r); zeros when it has none."""
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def rke2_version(text: str) -> str:
    """Return the release in the output of C(rke2 --version), such as C(v1.35.7+rke2r1), or an empty string."""
    match = re.search(r"^rke2 version (v\S+)", text, re.MULTILINE)
    return match[1] if match else ""
