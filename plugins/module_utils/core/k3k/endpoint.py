# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Under which addresses a virtual cluster's API is reached.

The kubeconfig that k3k writes cannot be asked: with a node port it names the ClusterIP, which nobody outside reaches, and
an address that is not in the TLS names is silently replaced by another one (k3k controller v1.2.0-rc4, observed).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .. import names
from ..objects import Object
from .facts import Facts
from .spec import API_PORT


@dataclass(frozen=True)
class Endpoints:
    """internal: the URL inside the host cluster. external: from outside, empty when there is none or it is not known yet.

    node_port: the port on every host node, when exposed that way. warning: why the external URL may not work.
    """

    internal: str
    external: str = ""
    node_port: Optional[int] = None
    warning: str = ""


def exposure(spec: Mapping[str, Any]) -> str:
    """How a spec exposes the API: C(nodePort), C(loadBalancer), C(ingress) or an empty text."""
    expose = spec.get("expose") or {}
    return next((kind for kind in ("nodePort", "loadBalancer", "ingress") if expose.get(kind) is not None), "")


def needs_service(spec: Mapping[str, Any], host: str) -> bool:
    """Whether the address can only be learned from the Service: a port or an address that the host picked."""
    kind = exposure(spec)
    stated = ((spec.get("expose") or {}).get("nodePort") or {}).get("serverPort")
    return (kind == "nodePort" and not stated) or (kind == "loadBalancer" and not host)


def endpoints(facts: Facts, host: str, port: Optional[int], service: Optional[Object]) -> Endpoints:
    """Work out the addresses.

    host, port: how users reach it, as far as stated. service: the API's Service, where L(needs_service) says so.
    """
    spec, kind = facts.spec, exposure(facts.spec)
    internal = f"https://{facts.objects.service}.{facts.namespace}"
    if not kind:
        return Endpoints(internal)
    node_port = _node_port(spec, service) if kind == "nodePort" else None
    host = host or _host(kind, spec, service)
    outer = port or (node_port if kind == "nodePort" else API_PORT)
    if not host or not outer:
        return Endpoints(internal, node_port=node_port)
    shown = f"[{host}]" if ":" in host else host
    url = f"https://{shown}" + ("" if outer == API_PORT else f":{outer}")
    known = {*(spec.get("tlsSANs") or []), *(facts.status.get("tlsSANs") or [])}
    warning = "" if host in known else f"{host} is not among the TLS names; add it to tls_sans"
    return Endpoints(internal, url, node_port, warning)


def _node_port(spec: Mapping[str, Any], service: Optional[Object]) -> Optional[int]:
    stated = ((spec.get("expose") or {}).get("nodePort") or {}).get("serverPort")
    for entry in ((service or {}).get("spec") or {}).get("ports") or []:
        if entry.get("name") == "k3s-server-port" and entry.get("nodePort"):
            return int(entry["nodePort"])
    return int(stated) if stated else None


def _host(kind: str, spec: Mapping[str, Any], service: Optional[Object]) -> str:
    sans = [str(san) for san in spec.get("tlsSANs") or []]
    if kind == "ingress":
        return next((san for san in sans if names.is_host(san)), "")
    if kind == "loadBalancer":
        given = (((service or {}).get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
        return next((str(entry.get("ip") or entry.get("hostname") or "") for entry in given), "")
    return sans[0] if sans else ""
