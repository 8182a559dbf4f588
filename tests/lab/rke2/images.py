# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Write the image archives of a release: images with one static program, made without a container engine."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: The sandbox of every pod, as RKE2 names it.
PAUSE = "rancher/mirrored-pause:3.6"
#: A server and a client for tests of the network, see tests/lab/go/cmd/pod.
POD = "rancher/lab-pod:1"


def archives(minor: int) -> Mapping[str, Sequence[str]]:
    """Return the archives of a release and the images in each.

    From 1.36 on, Traefik is in the core archive and ingress-nginx has one of its own; up to 1.35 it is the other way
    round (release notes of RKE2 1.36).
    """
    inside, beside = ("traefik", "ingress-nginx") if minor >= 36 else ("ingress-nginx", "traefik")
    controllers = {"traefik": "rancher/hardened-traefik:lab", "ingress-nginx": "rancher/nginx-ingress-controller:lab"}
    return {
        "core": (PAUSE, POD, controllers[inside]),
        "canal": ("rancher/hardened-calico:lab", "rancher/hardened-flannel:lab"),
        "calico": ("rancher/mirrored-calico-node:lab",),
        "cilium": ("rancher/mirrored-cilium-cilium:lab",),
        "flannel": ("rancher/hardened-flannel:lab",),
        "multus": ("rancher/hardened-multus-cni:lab",),
        beside: (controllers[beside],),
    }


def write(target: Path, names: Sequence[str], program: Path) -> None:
    """Write a "docker save" archive; all images have the same single layer with the program as /pod.

    names: repository:tag, without a registry; the archive gives them docker.io, as RKE2's does.
    """
    layer = layer_of(program)
    digest = hashlib.sha256(layer).hexdigest()
    configuration: dict[str, Any] = {
        "architecture": "amd64",
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {"Entrypoint": ["/pod"], "Env": ["PATH=/"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "laboratory"}],
    }
    blob = json.dumps(configuration, sort_keys=True).encode()
    config_name = f"{hashlib.sha256(blob).hexdigest()}.json"
    layer_name = f"{digest}/layer.tar"
    manifest = [{"Config": config_name, "RepoTags": [f"docker.io/{name}" for name in names], "Layers": [layer_name]}]
    with tarfile.open(target, "w") as archive:
        add(archive, layer_name, layer)
        add(archive, config_name, blob)
        add(archive, "manifest.json", json.dumps(manifest).encode())


def layer_of(program: Path) -> bytes:
    """Return the layer: a tar archive with the program, the same bytes at every build."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        add(archive, "pod", program.read_bytes(), mode=0o755)
        for directory in ("etc", "tmp", "dev", "proc", "sys"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
    return stream.getvalue()


def add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    """Add a file to an archive, without owner or time."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))
