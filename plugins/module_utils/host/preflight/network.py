# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""How a machine is connected: names, addresses, routes, time, what it can reach. Read-only."""

from __future__ import annotations

import json
import socket
import ssl
import time
import urllib.error
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ansible.module_utils.urls import open_url

from ...core.host import parsing
from ..machine import Machine

_Item = TypeVar("_Item")
#: Questions asked at once.
_PARALLEL = 16


def read_names(machine: Machine) -> dict[str, str]:
    """Read the host's own names: static (the file), kernel (now), and the full one as the resolver completes it."""
    kernel = socket.gethostname()
    try:
        canonical = socket.getaddrinfo(kernel, None, flags=socket.AI_CANONNAME)[0][3] or kernel
    except OSError:
        canonical = kernel
    return {"static": machine.value("/etc/hostname"), "kernel": kernel, "full": canonical}


def read_network(machine: Machine) -> dict[str, Any]:
    """Read addresses, default routes, nameservers and what is listened on."""
    answer = machine.run(["ip", "-json", "address", "show"])
    try:
        links = json.loads(answer.out) if answer.ok else []
    except ValueError:
        links = []
    addresses = [
        {"device": link.get("ifname", ""), "address": item["local"], "prefix": item.get("prefixlen", 0)}
        for link in links
        for item in link.get("addr_info") or []
        if item.get("scope") == "global" and "local" in item
    ]
    servers = []
    for path in ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"):
        servers += parsing.nameservers(machine.read(path) or "")
    return {
        "addresses": addresses,
        "default_routes": parsing.default_routes(
            machine.read("/proc/net/route") or "", machine.read("/proc/net/ipv6_route") or ""
        ),
        "nameservers": list(dict.fromkeys(servers)),
        "listening": read_listening(machine),
    }


def read_listening(machine: Machine) -> list[dict[str, Any]]:
    """Read which ports are in use."""
    texts = {name: machine.read(f"/proc/net/{name}") or "" for name in ("tcp", "tcp6", "udp", "udp6")}
    return parsing.listening((texts["tcp"], texts["tcp6"]), (texts["udp"], texts["udp6"]))


def read_time(machine: Machine, controller_time: float) -> dict[str, Any]:
    """Read what chronyd says of the clock, and how far it is from the controller's.

    controller_time: seconds since 1970 when the task was sent. The start of a task takes a moment, so that a small
    offset says nothing; one of a minute does.
    """
    tracking = None
    if machine.has("chronyc"):
        tracking = parsing.chrony_tracking(machine.run(["chronyc", "-c", "tracking"], timeout=10).out)
    now = time.time()
    return {"chrony": tracking, "controller_offset_s": round(now - controller_time, 1) if controller_time else None}


def resolve(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Ask the host's resolver for names: C(addresses), C(reverse) (address to name), C(error)."""
    return _for_all(names, _resolve)


def _resolve(name: str) -> dict[str, Any]:
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError as error:
        return {"addresses": [], "reverse": {}, "error": error.strerror or str(error)}
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    return {"addresses": addresses, "reverse": {address: _reverse(address) for address in addresses}, "error": ""}


def _reverse(address: str) -> str:
    try:
        return socket.gethostbyaddr(address)[0]
    except OSError:
        return ""


def read_repositories(machine: Machine) -> list[dict[str, Any]]:
    """Read the enabled repositories of zypper."""
    folder = "/etc/zypp/repos.d"
    files = [machine.read(f"{folder}/{name}") or "" for name in machine.list(folder) if name.endswith(".repo")]
    return [repository for text in files for repository in parsing.repositories(text) if repository["enabled"]]


def reach(urls: Sequence[str], timeout: float) -> dict[str, dict[str, Any]]:
    """Try addresses: C(reached) (somebody answered HTTP, whatever it was), C(status), C(error). timeout: seconds each."""
    return _for_all(urls, lambda url: _reach(url, timeout))


def _reach(url: str, timeout: float) -> dict[str, Any]:
    try:
        with open_url(url, method="GET", timeout=timeout, follow_redirects="none", http_agent="ai-tenancy") as answer:
            return {"reached": True, "status": answer.status, "error": ""}
    except urllib.error.HTTPError as error:
        return {"reached": True, "status": error.code, "error": ""}
    except urllib.error.URLError as error:
        certificate = isinstance(error.reason, ssl.SSLCertVerificationError)
        return {"reached": certificate, "status": 0, "error": str(error.reason)}
    except Exception as error:  # noqa: BLE001 - a bad answer of any kind is a finding, not the end of the run
        return {"reached": False, "status": 0, "error": str(error)}


def _for_all(items: Iterable[_Item], question: Callable[[_Item], dict[str, Any]]) -> dict[_Item, dict[str, Any]]:
    wanted = list(dict.fromkeys(items))
    if not wanted:
        return {}
    with ThreadPoolExecutor(max_workers=min(_PARALLEL, len(wanted))) as pool:
        return dict(zip(wanted, pool.map(question, wanted)))
