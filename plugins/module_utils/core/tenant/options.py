# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Options for k3s that a tenant may not set, and texts that a shell would take apart."""

from __future__ import annotations

import re
from typing import Optional

#: k3k joins the server's options with blanks inside a double-quoted shell variable and uses it unquoted: a blank
#: splits, quotes vanish, C($) and backquotes are expanded, C(*?[) match files (k3k controller v1.2.0-rc4, observed).
_SERVER_OPTION = re.compile(r"--[a-z][a-z0-9-]*(=[A-Za-z0-9._:/=,@%+-]*)?")
#: Agents get their options as they are.
_AGENT_OPTION = re.compile(r"--[a-z][a-z0-9-]*(=.*)?")

_BY_K3K = "k3k sets it itself"
_LEAKS = "it would put a secret in plain text"
_WEAKENS = "it would weaken the isolation"

#: Options that are refused with any value: what for.
_DENIED = {
    "agent-token": _LEAKS,
    "bind-address": _BY_K3K,
    "cluster-cidr": "use cluster.cluster_cidr",
    "cluster-dns": "use cluster.cluster_dns",
    "cluster-init": _BY_K3K,
    "cluster-reset": _BY_K3K,
    "config": _BY_K3K,
    "data-dir": _BY_K3K,
    "datastore-endpoint": "use cluster.external_datastore",
    "disable-network-policy": _WEAKENS,
    "etcd-s3-access-key": _LEAKS,
    "etcd-s3-secret-key": _LEAKS,
    "etcd-s3-session-token": _LEAKS,
    "https-listen-port": _BY_K3K,
    "rootless": _BY_K3K,
    "server": _BY_K3K,
    "service-cidr": "use cluster.service_cidr",
    "tls-san": "use cluster.tls_sans",
    "token": _LEAKS,
    "token-file": _BY_K3K,
    "vpn-auth": _LEAKS,
    "with-node-id": _BY_K3K,
}
#: Options of the parts that k3s runs, as C(part-arg=option=value), that are refused.
_DENIED_PARTS = (
    re.compile(r"--(kube-apiserver|kubelet)-arg=anonymous-auth=true"),
    re.compile(r"--(kube-apiserver|kubelet)-arg=authorization-mode=(.*,)?AlwaysAllow.*"),
    re.compile(r"--kube-apiserver-arg=(token-auth-file|insecure-port|insecure-bind-address)=.*"),
    re.compile(r"--kube-apiserver-arg=disable-admission-plugins=.*NodeRestriction.*"),
    re.compile(r"--kubelet-arg=read-only-port=(?!0$).*"),
)


def server_option_problem(text: str) -> Optional[str]:
    """Return what would be allowed when a text cannot be an option of k3s server, else None."""
    if _SERVER_OPTION.fullmatch(text) is None:
        return (
            "--option or --option=value of A-Z, a-z, 0-9 and . _ : / = , @ % + - "
            "(k3k does not quote: no blank, quote, $, backquote, backslash or wildcard)"
        )
    return _denied(text)


def agent_option_problem(text: str) -> Optional[str]:
    """Return what would be allowed when a text cannot be an option of k3s agent, else None."""
    if _AGENT_OPTION.fullmatch(text) is None:
        return "--option or --option=value in one item"
    return _denied(text)


def carries_secret(text: str) -> bool:
    """Tell whether the value of an option is a secret, so that no message shows it."""
    return _DENIED.get(_name(text)) == _LEAKS


def _denied(text: str) -> Optional[str]:
    why = _DENIED.get(_name(text), "")
    if not why and any(pattern.fullmatch(text) for pattern in _DENIED_PARTS):
        why = _WEAKENS
    return f"another option than this one; {why}" if why else None


def _name(text: str) -> str:
    return re.split(r"[=\s]", text, maxsplit=1)[0].lstrip("-")
