# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a layer needs in its own cluster, wherever the servers of the platform are.

The roles ask the cluster itself for it, each before its own first change. Here is what the inventory alone tells, so that a
layer that was put on the wrong cluster is found before anything changes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Local:
    """One layer that another needs beside it.

    variables: decide whether it does, the first that the inventory has. default: of the role, for when it has none; a test
    holds them together. when: values, in small letters, with which it is needed. server: only where the layer has its
    server. otherwise: what else may be said.
    """

    layer: str
    needs: str
    variables: tuple[str, ...]
    default: str
    when: tuple[str, ...]
    otherwise: str
    server: bool = False


_ISSUER = ("issuer",)
_EXISTING = "or {0}_tls: existing"

LOCAL = (
    Local(
        "rancher",
        "cert_manager",
        ("rancher_tls_source",),
        "rancher",
        ("rancher", "letsencrypt"),
        "or rancher_tls_source: secret",
    ),
    Local(
        "suse_registry",
        "cert_manager",
        ("suse_registry_tls",),
        "issuer",
        _ISSUER,
        _EXISTING.format("suse_registry"),
    ),
    Local(
        "suse_observability",
        "cert_manager",
        ("suse_observability_tls",),
        "issuer",
        _ISSUER,
        _EXISTING.format("suse_observability"),
        server=True,
    ),
    Local("suse_ai", "cert_manager", ("suse_ai_tls",), "issuer", _ISSUER, _EXISTING.format("suse_ai")),
    Local(
        "clearml_server",
        "cert_manager",
        ("clearml_server_tls",),
        "issuer",
        _ISSUER,
        _EXISTING.format("clearml_server"),
    ),
    Local(
        "suse_observability",
        "gpu_operator",
        ("suse_observability_gpu_metrics",),
        "true",
        ("true", "yes"),
        "or suse_observability_gpu_metrics: false",
    ),
    Local(
        "suse_security",
        "suse_storage",
        ("suse_security_storage_class", "platform_rwx_class"),
        "longhorn-rwx",
        ("longhorn-rwx",),
        "or another suse_security_storage_class",
    ),
)
