# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Secrets of Kubernetes that are ours, as objects."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Optional

from .names import LABEL_MANAGED_BY, MANAGED_BY

OPAQUE, PULL_SECRET = "Opaque", "kubernetes.io/dockerconfigjson"
#: Key of a pull secret.
DOCKER_CONFIG = ".dockerconfigjson"


def secret_object(
    name: str,
    namespace: str,
    content: Mapping[str, str],
    kind: str = OPAQUE,
    labels: Optional[Mapping[str, str]] = None,
    annotations: Optional[Mapping[str, str]] = None,
) -> dict[str, Any]:
    """A Secret with the label that says that it is ours. content: text by key. kind: its type, Kubernetes' word for it."""
    metadata = {"name": name, "namespace": namespace, "labels": {**(labels or {}), LABEL_MANAGED_BY: MANAGED_BY}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": kind,
        "metadata": metadata if annotations is None else {**metadata, "annotations": dict(annotations)},
        "data": {key: base64.b64encode(text.encode()).decode() for key, text in content.items()},
    }


def docker_config(registry: str, username: str, password: str) -> dict[str, Any]:
    """A login as container runtimes read it, and kubectl create secret docker-registry writes it."""
    auth = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"auths": {registry: {"username": username, "password": password, "auth": auth}}}
