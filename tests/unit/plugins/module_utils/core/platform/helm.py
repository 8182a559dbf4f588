# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Revisions of Helm releases as Helm 3 stores them, for tests."""

from __future__ import annotations

from typing import Any

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import release


def revision(number: int = 1, status: str = "deployed", name: str = "demo", **more: Any) -> dict[str, Any]:
    """The Secret of one revision. more: values, version, chart, manifest, updated, description."""
    document = {
        "name": name,
        "version": number,
        "namespace": "demo-system",
        "info": {
            "status": status,
            "description": more.get("description", ""),
            "last_deployed": more.get("updated", "2026-11-21T10:00:00.123456789Z"),
        },
        "chart": {"metadata": {"name": more.get("chart", "demo"), "version": more.get("version", "1.2.0")}},
        "config": more.get("values", {}),
        "manifest": more.get("manifest", ""),
    }
    labels = {"owner": "helm", "name": name, "status": status, "version": str(number)}
    secret_name = f"sh.helm.release.v1.{name}.v{number}"
    metadata = {"name": secret_name, "namespace": "demo-system", "labels": labels, "resourceVersion": "41"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"release": release.pack(document)}}


def observed(*secrets: dict[str, Any], name: str = "demo") -> dict[str, Any]:
    """What helm_release_info says about the release that these revisions make up."""
    return release.observe(secrets, [("demo-system", name)])[0].as_dict()
