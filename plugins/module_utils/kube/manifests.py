# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Rendered manifests of charts, against what is in the cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Optional

from ..bulk import for_all
from ..core.errors import RefusedError
from ..core.plan import Step
from ..core.platform import manifest
from ..core.platform.manifest import Identity
from ..core.redact import texts_in
from . import releases
from .discovery import Discovery
from .session import CONCURRENCY, Session

# It comes with the package kubernetes, whose absence every module tells before it gets here.
with contextlib.suppress(ImportError):
    import yaml


def documents(text: str) -> list[dict[str, Any]]:
    """The objects of a rendered manifest. Raises RefusedError when it is not YAML."""
    try:
        return manifest.objects_of(list(yaml.safe_load_all(text)))
    except yaml.YAMLError as error:
        raise RefusedError(f"The rendered manifest is not YAML: {str(error)[:200]}.") from error


def secret_texts(paths: Sequence[str]) -> list[str]:
    """Every text in these files of values. Raises RefusedError when one cannot be read."""
    found: list[str] = []
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                found += texts_in(yaml.safe_load(file))
        except (OSError, yaml.YAMLError) as error:
            raise RefusedError(f"{path} is no readable file of values ({type(error).__name__}).") from error
    return found


def difference(session: Session, namespace: str, name: str, rendered: str) -> list[Step]:
    """What an upgrade to the rendered manifest would change."""
    (observed,) = releases.read(session, [(namespace, name)])
    before = documents(observed.deployed.manifest) if observed.deployed else []
    wanted = [item for item in documents(rendered) if not _is_hook(item)]
    places = list(dict.fromkeys(manifest.identity(item, namespace) for item in [*wanted, *before]))
    discovery = Discovery(session)
    live = dict(zip(places, for_all(places, lambda place: _read(session, discovery, place), CONCURRENCY)))
    return manifest.steps(wanted, live, before, namespace)


def _is_hook(item: dict[str, Any]) -> bool:
    return "helm.sh/hook" in (item["metadata"].get("annotations") or {})


def _read(session: Session, discovery: Discovery, place: Identity) -> Optional[dict[str, Any]]:
    api_version, kind_name, namespace, name = place
    kind = discovery.find(api_version, kind_name)
    return session.get(kind, name, namespace if kind.namespaced else "") if kind else None
