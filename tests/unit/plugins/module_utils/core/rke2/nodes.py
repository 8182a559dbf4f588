# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Hosts of a cluster as the tests need them: fresh, running as declared, or wiped; without a machine."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2 import cluster
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.declaration import (
    Surroundings,
    parse,
    settings_of,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.facts import (
    LABEL_CONTROL_PLANE,
    LABEL_ETCD,
    Facts,
    Member,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.files import files_of, start_digests

ROOT = Path(__file__).resolve().parents[6]
VERSION = "v1.34.10+rke2r1"
NEWER = "v1.35.7+rke2r1"
TOKEN = "7f3c1e9a5b2d4c6e8f0a"
CA_HASH = "ab" * 32
SLES_15 = {"id": "sles", "version": "15.7", "variant": ""}


def variables(**changes: Any) -> dict[str, Any]:
    """The role's defaults without their prefix, with what has none filled in."""
    defaults = yaml.safe_load((ROOT / "roles" / "rke2" / "defaults" / "main.yml").read_text(encoding="utf-8"))
    declared = {name.removeprefix("rke2_"): value for name, value in defaults.items()}
    return {**declared, "version": VERSION, "token": TOKEN, "api_endpoint": "k8s.example.com", **changes}


def fresh(name: str, **changes: Any) -> Facts:
    """A prepared host that never had RKE2."""
    return replace(Facts(node_name=name, architecture="amd64", root="/usr/local", os=SLES_15), **changes)


def member(name: str, server: bool = False, version: str = VERSION, **changes: Any) -> Member:
    """A healthy Node."""
    labels = {LABEL_CONTROL_PLANE: "true", LABEL_ETCD: "true"} if server else {}
    whole = Member(name, True, version, server, True if server else None, labels=labels)
    return replace(whole, **changes)


def running(
    name: str, node_type: str, raw: dict[str, Any], seed: bool = False, members: tuple[Member, ...] = (), **changes: Any
) -> Facts:
    """A node that is exactly as ``raw`` declares it."""
    server = "" if seed else raw["api_endpoint"]
    settings = settings_of(
        parse(Problems(), name, node_type, raw), Surroundings(server, "" if seed else CA_HASH, False, False)
    )
    files = files_of(settings)
    on_disk = {
        file.path: {
            "digest": hashlib.sha256(file.text.encode()).hexdigest(),
            "mode": f"{file.mode:04o}",
            "ours": "true",
        }
        for file in files
        if file.text is not None
    }
    is_server = node_type == "server"
    whole = fresh(
        name,
        installed=raw["version"],
        method="tar",
        type=node_type,
        active={node_type: "active"},
        enabled={node_type: True},
        running=raw["version"],
        datastore=is_server,
        joined=True,
        ca_hash=CA_HASH if is_server else "",
        last_start={"version": raw["version"], "type": node_type, "files": start_digests(files)},
        files=on_disk,
        config={key: value for key, value in settings.config.items() if key != "token-file"},
        api_ready=is_server,
        nodes=members,
    )
    return replace(whole, **changes)


def cluster_of(raw: dict[str, Any], servers: int = 3, agents: int = 2) -> list[cluster.Node]:
    """A cluster that is as declared."""
    names = [f"server-{number + 1}" for number in range(servers)]
    workers = [f"agent-{number + 1}" for number in range(agents)]
    members = tuple(
        [member(name, True, raw["version"]) for name in names] + [member(n, False, raw["version"]) for n in workers]
    )
    nodes = [
        cluster.Node(name, "server", name, running(name, "server", raw, seed=name == names[0], members=members), raw)
        for name in names
    ]
    return nodes + [cluster.Node(name, "agent", name, running(name, "agent", raw), raw) for name in workers]


def changed(cluster_nodes: list[cluster.Node], name: str, **changes: Any) -> list[cluster.Node]:
    """The same nodes, with other facts of one."""
    return [
        replace(node, facts=replace(node.facts, **changes)) if node.name == name and node.facts else node
        for node in cluster_nodes
    ]


def declared(nodes: list[cluster.Node], raw: dict[str, Any], *names: str) -> list[cluster.Node]:
    """The same nodes with other variables, of all or of some."""
    return [replace(node, raw=raw) if not names or node.name in names else node for node in nodes]


def silent(nodes: list[cluster.Node], *names: str) -> list[cluster.Node]:
    """The same nodes, some of which did not answer."""
    return [replace(node, facts=None, raw=None) if node.name in names else node for node in nodes]


def limited(nodes: list[cluster.Node], *names: str) -> list[cluster.Node]:
    """The same nodes under ``--limit``: of the others, only servers are looked at."""
    return [
        node if node.name in names else replace(node, raw=None, facts=node.facts if node.type == "server" else None)
        for node in nodes
    ]
