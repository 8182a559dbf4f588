# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Check what is to stand in C(registries.yaml) (RKE2 documentation, private registry configuration)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import Problems

_AUTH = ("username", "password", "auth", "token", "identity_token")
_TLS = {"ca_file": str, "cert_file": str, "key_file": str, "insecure_skip_verify": bool}
_ENDPOINT = re.compile(r"https?://[^\s/]+(/\S*)?")


def check_registries(problems: Problems, path: str, data: Mapping[str, Any]) -> None:
    """Note every mistake; secrets are never shown."""
    for name in data:
        if name not in ("mirrors", "configs"):
            problems.add(path, name, "mirrors, configs")
    for registry, mirror in _entries(problems, f"{path}.mirrors", data.get("mirrors")):
        _check_mirror(problems, f"{path}.mirrors[{registry}]", mirror)
    for registry, config in _entries(problems, f"{path}.configs", data.get("configs")):
        _check_access(problems, f"{path}.configs[{registry}]", config)


def _entries(problems: Problems, path: str, value: Any) -> list[tuple[str, Mapping[str, Any]]]:
    if value is None:
        return []
    if not isinstance(value, Mapping):
        problems.add(path, type(value).__name__, "a mapping by registry, '*' for all")
        return []
    found = []
    for registry, entry in value.items():
        if entry is not None and not isinstance(entry, Mapping):
            problems.add(f"{path}[{registry}]", type(entry).__name__, "a mapping")
        else:
            found.append((str(registry), entry or {}))
    return found


def _check_mirror(problems: Problems, path: str, mirror: Mapping[str, Any]) -> None:
    for name in mirror:
        if name not in ("endpoint", "rewrite"):
            problems.add(path, name, "endpoint, rewrite")
    endpoints = mirror.get("endpoint") or []
    for endpoint in endpoints if isinstance(endpoints, list) else [endpoints]:
        if not isinstance(endpoint, str) or not _ENDPOINT.fullmatch(endpoint):
            problems.add(f"{path}.endpoint", endpoint, "a list of URLs such as https://registry.example.com")
    for pattern in mirror.get("rewrite") or {}:
        try:
            re.compile(str(pattern))
        except re.error:
            problems.add(f"{path}.rewrite", pattern, "a regular expression")


def _check_access(problems: Problems, path: str, config: Mapping[str, Any]) -> None:
    for name in config:
        if name not in ("auth", "tls"):
            problems.add(path, name, "auth, tls")
    for name in config.get("auth") or {}:
        if name not in _AUTH:
            problems.add(f"{path}.auth", name, ", ".join(_AUTH))
    for name, value in (config.get("tls") or {}).items():
        if name not in _TLS:
            problems.add(f"{path}.tls", name, ", ".join(_TLS))
        elif not isinstance(value, _TLS[name]):
            problems.add(f"{path}.tls.{name}", value, "true or false" if _TLS[name] is bool else "a path on the node")
