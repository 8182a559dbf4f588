# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Pack the stand-in charts into the files that Helm takes."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
SHARED = HERE / "shared"


def names() -> list[str]:
    """Return the names of all stand-in charts."""
    return sorted(path.parent.name for path in HERE.glob("*/Chart.yaml"))


def pack(name: str, directory: Path, version: str = "", **metadata: str) -> Path:
    """Write C(<name>-<version>.tgz) into a directory and return its path.

    version: another one than in Chart.yaml, for tests of upgrades; the appVersion follows it. metadata: other fields of
    Chart.yaml. The same content gives the same bytes.
    """
    source = HERE / name
    chart = yaml.safe_load((source / "Chart.yaml").read_text(encoding="utf-8"))
    if version:
        chart.update(version=version, appVersion=version)
    chart.update(metadata)
    files = {"Chart.yaml": yaml.safe_dump(chart, sort_keys=False)}
    for inner in ("values.yaml", "objects.tpl"):
        files[inner] = (source / inner).read_text(encoding="utf-8")
    # As in the real charts: Helm installs what is in this folder before anything else, and never removes it.
    if (source / "crds.yaml").exists():
        kinds = yaml.safe_load((source / "crds.yaml").read_text(encoding="utf-8"))
        files["crds/crds.yaml"] = yaml.safe_dump_all(map(_definition, kinds), sort_keys=False)
    for path in sorted(SHARED.glob("*.tpl")):
        files[f"templates/{path.stem}.yaml"] = path.read_text(encoding="utf-8")
    target = directory / f"{name}-{chart['version']}.tgz"
    directory.mkdir(parents=True, exist_ok=True)
    # tarfile itself writes the time into the head of gzip.
    with (
        gzip.GzipFile(target, "wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for inner, text in sorted(files.items()):
            content = text.encode()
            entry = tarfile.TarInfo(f"{name}/{inner}")
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return target


def _definition(kind: dict[str, str]) -> dict[str, Any]:
    """The definition of a kind, from what C(shared/objects.tpl) takes in short too: group, version, kind, plural, scope."""
    names = {"kind": kind["kind"], "plural": kind["plural"], "singular": kind["kind"].lower()}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {
        "name": kind["version"], "served": True, "storage": True, "subresources": {"status": {}}, "schema": schema,
    }  # fmt: skip
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind['plural']}.{kind['group']}"},
        "spec": {"group": kind["group"], "scope": kind["scope"], "names": names, "versions": [version]},
    }


def pack_all(directory: Path) -> dict[str, Path]:
    """Pack every stand-in chart."""
    return {name: pack(name, directory) for name in names()}
