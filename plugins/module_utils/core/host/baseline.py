# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a Kubernetes node on SLES needs, one function for each topic, each giving a L(Wish).

The facts come from the documentation of RKE2 (known issues, CIS hardening), Longhorn, SLES and OpenSSH; each function
names its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ..errors import Problems
from ..network import is_address
from .parsing import initiator_name, is_swap_line
from .settings import HEADER, File, UnitWish, Wish

FSTAB, HOSTS, INITIATOR = "/etc/fstab", "/etc/hosts", "/etc/iscsi/initiatorname.iscsi"
SSHD_FILE = "/etc/ssh/sshd_config.d/50-ai-tenancy.conf"
CHRONY_FILE = "/etc/chrony.d/ai-tenancy.conf"
MODULES_FILE, SYSCTL_FILE = "/etc/modules-load.d/rke2.conf", "/etc/sysctl.d/90-rke2.conf"
NETWORK_MANAGER_FILE = "/etc/NetworkManager/conf.d/rke2-canal.conf"
MULTIPATH_FILE = "/etc/multipath/conf.d/longhorn.conf"
PROXY_FILE = "/etc/sysconfig/proxy"
ANCHORS = "/etc/pki/trust/anchors"
REPOSITORIES = "/etc/zypp/repos.d"
_BEGIN, _END = "# BEGIN ai_tenancy.platform", "# END ai_tenancy.platform"
_HOST_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SYSCTL_NAME = re.compile(r"[a-z0-9_]+([./][A-Za-z0-9_-]+)+")
_MODULE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_UNIT_NAME = re.compile(r"[A-Za-z0-9@:._\\-]+\.(service|socket|timer|target|mount|path)")
#: Devices of the network plug-ins (RKE2 documentation, known issues: NetworkManager).
_POD_DEVICES = "flannel*;cali*;tunl*;vxlan.calico;vxlan-v6.calico;wireguard.cali;wg-v6.cali"
_ROOT_LOGIN = ("yes", "no", "prohibit-password", "forced-commands-only")


def hostname(name: str, problems: Problems) -> Wish:
    """The static name, which is the node's; in lower case, as Kubernetes writes it."""
    if not _HOST_NAME.fullmatch(name) or len(name) > 64:
        problems.add("hostname", name, "lower-case letters, digits, '-' and '.', at most 64 characters")
    return Wish(files=(File("/etc/hostname", f"{name}\n"),), hostname=name)


def hosts(entries: Sequence[Mapping[str, Any]], old: str, problems: Problems) -> Wish:
    """A block of our own in /etc/hosts; the rest stays as it is. entries: address, names."""
    lines = []
    for number, entry in enumerate(entries):
        names = entry.get("names") or []
        if not is_address(entry.get("address")):
            problems.add(f"hosts[{number}].address", entry.get("address"), "an IP address")
        for name in names:
            if not _HOST_NAME.fullmatch(str(name)):
                problems.add(f"hosts[{number}].names", name, "DNS names in lower case")
        lines.append(" ".join([str(entry.get("address")), *map(str, names)]))
    return Wish(files=(File(HOSTS, with_block(old, lines)),))


def with_block(text: str, lines: Sequence[str]) -> str:
    """Put lines between our two marks, at the place where they were, or at the end; no lines, no marks."""
    block = "".join(f"{line}\n" for line in (_BEGIN, *lines, _END)) if lines else ""
    pattern = re.compile(rf"^{re.escape(_BEGIN)}\n.*?^{re.escape(_END)}\n?", re.MULTILINE | re.DOTALL)
    if pattern.search(text):
        return pattern.sub(lambda _match: block, text, count=1)
    return (text if not text or text.endswith("\n") else f"{text}\n") + block


def swap(fstab: str, zram: Sequence[str]) -> Wish:
    """No swap: now, from /etc/fstab, from partitions that systemd finds by itself, from zram.

    zram: the configurations of zram-generator that exist. An empty one in /etc switches the generator off
    (zram-generator manual). Every other line of fstab stays as it is, byte for byte.
    """
    kept = "".join(line for line in fstab.splitlines(keepends=True) if not is_swap_line(line))
    files = [File(FSTAB, kept, action="daemon-reload")] if kept != fstab else []
    if zram:
        files.append(File("/etc/systemd/zram-generator.conf", HEADER, action="daemon-reload"))
    return Wish(files=tuple(files), units=(UnitWish("swap.target", masked=True),), swap_off=True)


def modules(names: Sequence[str], problems: Problems) -> Wish:
    """Kernel modules, now and at boot."""
    for name in names:
        if not _MODULE_NAME.fullmatch(name):
            problems.add("modules", name, "names of kernel modules")
    return Wish(files=(File(MODULES_FILE, HEADER + "".join(f"{name}\n" for name in names)),), modules=tuple(names))


def sysctls(values: Mapping[str, Any], problems: Problems) -> Wish:
    """Kernel settings, now and at boot. /etc/sysctl.d beats /usr/lib/sysctl.d (sysctl.d manual)."""
    texts = {name.replace("/", "."): " ".join(str(value).split()) for name, value in values.items()}
    for name, value in texts.items():
        if not _SYSCTL_NAME.fullmatch(name) or not value:
            problems.add(f"sysctls.{name}", value, "a kernel setting with a value, such as vm.max_map_count: 262144")
    text = HEADER + "".join(f"{name} = {texts[name]}\n" for name in sorted(texts))
    return Wish(files=(File(SYSCTL_FILE, text),), sysctls={name: texts[name] for name in sorted(texts)})


def network_manager() -> Wish:
    """NetworkManager leaves the pods' devices alone, and nm-cloud-setup is off (RKE2 documentation, known issues).

    The file is written on every host: NetworkManager may be installed later.
    """
    text = (
        f"{HEADER}[keyfile]\nunmanaged-devices=interface-name:"
        + ";interface-name:".join(_POD_DEVICES.split(";"))
        + "\n"
    )
    off = tuple(
        UnitWish(name, running=False, boot=False) for name in ("nm-cloud-setup.timer", "nm-cloud-setup.service")
    )
    return Wish(files=(File(NETWORK_MANAGER_FILE, text, action="networkmanager"),), units=off)


def time_sources(servers: Sequence[str], exclusive: bool, problems: Problems) -> Wish:
    """Chrony's sources, and the service. No file of ours without servers.

    exclusive: the pool that SUSE's packages bring is shadowed by a file of the same name (SLES 15: it is that file;
    SLES 16: it is in /usr/etc), for hosts that cannot reach it.
    """
    for server in servers:
        if not re.fullmatch(r"[A-Za-z0-9.:_-]+", server):
            problems.add("time.servers", server, "DNS names or addresses of time servers")
    text = HEADER + "".join(f"server {server} iburst\n" for server in servers)
    files = [File(CHRONY_FILE, text if servers else None, action="chronyd")]
    if servers and exclusive:
        files.append(
            File("/etc/chrony.d/pool.conf", f"{HEADER}# The servers are in ai-tenancy.conf.\n", action="chronyd")
        )
    return Wish(files=tuple(files), units=(UnitWish("chronyd.service", running=True, boot=True, needed=True),))


def sshd(options: Mapping[str, Any], problems: Problems) -> Wish:
    """Logins by key only, in a drop-in: a file /etc/ssh/sshd_config would replace the one of SLES 16 as a whole."""
    root = str(options.get("permit_root_login") or "prohibit-password")
    if root not in _ROOT_LOGIN:
        problems.add("ssh.permit_root_login", root, ", ".join(_ROOT_LOGIN))
    lines = [
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "PubkeyAuthentication yes",
        f"PermitRootLogin {root}",
    ]
    users = [str(user) for user in options.get("allow_users") or []]
    for user in users:
        if not re.fullmatch(r"[A-Za-z0-9_.*?@-]+", user):
            problems.add("ssh.allow_users", user, "names of users")
    if users:
        lines.append(f"AllowUsers {' '.join(users)}")
    return Wish(files=(File(SSHD_FILE, HEADER + "".join(f"{line}\n" for line in lines), 0o600, action="sshd"),))


def storage(old_initiator: str, machine_id: str, own_initiator: bool) -> Wish:
    """Longhorn: an initiator name of the host's own, iscsid, and multipathd kept off Longhorn's disks.

    A name that exists is kept, for sessions use it. own_initiator: replace it by one made of the machine-id, for hosts
    that were cloned. The blacklist is by vendor and product, so that real SAN disks keep their paths.
    """
    files = []
    if own_initiator or not initiator_name(old_initiator):
        digest = hashlib.sha256(machine_id.encode()).hexdigest()[:12]
        files.append(File(INITIATOR, f"InitiatorName=iqn.1996-04.de.suse:01:{digest}\n", 0o600, action="iscsid"))
    blacklist = 'blacklist {\n    device {\n        vendor "IET"\n        product "VIRTUAL-DISK"\n    }\n}\n'
    files.append(File(MULTIPATH_FILE, HEADER + blacklist, action="multipathd"))
    return Wish(files=tuple(files), units=(UnitWish("iscsid.service", running=True, boot=True, needed=True),))


def certificates(texts: Mapping[str, str], problems: Problems) -> Wish:
    """Certificate authorities that the whole system trusts. texts: by file name without its end, PEM."""
    files = []
    for name, text in texts.items():
        if not _FILE_NAME.fullmatch(name):
            problems.add("certificates", name, "names of letters, digits, '.', '_' and '-'")
        if "-----BEGIN CERTIFICATE-----" not in text or "PRIVATE KEY" in text:
            problems.add(f"certificates.{name}", "(text)", "a certificate in PEM form, without its key")
        files.append(File(f"{ANCHORS}/{name}.crt", text.strip() + "\n", action="certificates"))
    return Wish(files=tuple(files))


def proxy(url: str, exceptions: Sequence[str]) -> Wish:
    """The proxy that zypper and SUSEConnect use (/etc/sysconfig/proxy of SLES). RKE2 has its own setting."""
    values = {
        "PROXY_ENABLED": "yes",
        "HTTP_PROXY": url,
        "HTTPS_PROXY": url,
        "NO_PROXY": ", ".join(["localhost", "127.0.0.1", *exceptions]),
    }
    text = HEADER + "".join(f'{name}="{value}"\n' for name, value in values.items())
    return Wish(files=(File(PROXY_FILE, text, secret="@" in url),))


def repositories(entries: Sequence[Mapping[str, Any]], problems: Problems) -> Wish:
    """Repositories of zypper, each in a file of its own: alias, url, name, enabled, priority, gpg_key.

    Signatures are always checked. gpg_key: address or path of the key, as zypper reads it; C(state=absent) removes one.
    """
    files = []
    for number, entry in enumerate(entries):
        alias, url = str(entry.get("alias") or ""), str(entry.get("url") or "")
        if not _FILE_NAME.fullmatch(alias):
            problems.add(f"repositories[{number}].alias", alias, "letters, digits, '.', '_' and '-'")
        path = f"{REPOSITORIES}/{alias}.repo"
        if entry.get("state") == "absent":
            files.append(File(path, None))
            continue
        if not re.match(r"(https?|ftp|file|dir|iso|hd|nfs)://?\S+$|(dir|iso|hd|cd|dvd):\S+$", url):
            problems.add(
                f"repositories[{number}].url", url, "an address that zypper takes, such as https://rpm.example.com/suse"
            )
        files.append(File(path, _repository(alias, url, entry)))
    return Wish(files=tuple(files))


def _repository(alias: str, url: str, entry: Mapping[str, Any]) -> str:
    lines = [
        f"[{alias}]",
        f"name={entry.get('name') or alias}",
        f"enabled={int(bool(entry.get('enabled', True)))}",
        "autorefresh=1",
        f"baseurl={url}",
        "type=rpm-md",
        f"priority={int(entry.get('priority') or 99)}",
        "gpgcheck=1",
        *([f"gpgkey={entry['gpg_key']}"] if entry.get("gpg_key") else []),
    ]
    return HEADER + "".join(f"{line}\n" for line in lines)


def units_off(names: Sequence[str], problems: Problems, masked: bool = False) -> Wish:
    """Units that must not run; one that is not there is as wanted. masked: nobody can start them either."""
    for name in names:
        if not _UNIT_NAME.fullmatch(name):
            problems.add("units_off", name, "names of systemd units with their type, such as firewalld.service")
    return Wish(
        units=tuple(UnitWish(name, running=False, boot=False, masked=True if masked else None) for name in names)
    )


def lockout(options: Mapping[str, Any], user: str, effective: Mapping[str, str], has_keys: bool) -> Optional[str]:
    """Return why logins by key only would lock the user out that Ansible logs in as, or None.

    effective: what C(sshd -T) says, by lower-case keyword. has_keys: the user has a line in an authorized_keys file.
    """
    other_way = (
        effective.get("authorizedkeyscommand", "none") != "none" or effective.get("trustedusercakeys", "none") != "none"
    )
    if not has_keys and not other_way:
        return f"{user} has no key in {effective.get('authorizedkeysfile', '~/.ssh/authorized_keys')}"
    if user == "root" and options.get("permit_root_login") == "no":
        return "Ansible logs in as root, and permit_root_login is no"
    allowed = [str(one).split("@", maxsplit=1)[0] for one in options.get("allow_users") or []]
    if allowed and not any(re.fullmatch(one.replace("*", ".*").replace("?", "."), user) for one in allowed):
        return f"{user} is not among allow_users ({', '.join(allowed)})"
    return None
