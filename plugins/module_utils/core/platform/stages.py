# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The objects around a chart as stages: read from a request, all mistakes collected."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

from ..errors import Problems
from ..names import LABEL_MANAGED_BY, MANAGED_BY, is_dns_subdomain
from ..objects import Object
from ..plan import CHANGE, REPLACE, Plan, Step
from ..secrets import DOCKER_CONFIG, OPAQUE, PULL_SECRET, docker_config, secret_object
from .readiness import Wait, parse_wait

#: Fields that the API server never changes, in kinds whose objects may go and come without harm: what was made by a storage
#: class does not depend on it any more (Kubernetes, pkg/apis/storage/validation).
_IMMUTABLE = {"StorageClass": ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode")}


@dataclass(frozen=True)
class Stage:
    """Objects that are written in their order, then what must hold. absent: the objects are removed instead.

    title: for messages, C(layer cert_manager).
    """

    name: str
    objects: tuple[dict[str, Any], ...] = ()
    waits: tuple[Wait, ...] = ()
    absent: bool = False
    title: str = ""


def parse_stages(params: Mapping[str, Any]) -> list[Stage]:
    """Read the options of the module. Raises ConfigError with all mistakes.

    The first stage, C(prepare), has the namespaces, the pull secrets and the other Secrets.
    """
    problems = Problems()
    namespace, subject = params.get("namespace") or "", params.get("subject") or "platform"
    prepared = [*_namespaces(params, problems), *_pull_secrets(params, problems), *_secrets(params, problems)]
    result = [Stage("prepare", tuple(prepared), title=subject)] if prepared else []
    for number, data in enumerate(params.get("stages") or []):
        place = f"stages[{data.get('name') or number}]"
        objects = [
            _object(body, f"{place}.objects[{position}]", namespace, problems)
            for position, body in enumerate(data.get("objects") or [])
        ]
        waits = [
            parse_wait(wait, f"{place}.wait[{position}]", namespace, problems)
            for position, wait in enumerate(data.get("wait") or [])
        ]
        absent = data.get("state") == "absent"
        name = str(data.get("name") or number)
        result.append(Stage(name, tuple(objects), tuple(wait for wait in waits if wait), absent, subject))
    problems.raise_if_any(f"Objects of {subject}")
    return result


def with_replacements(plan: Plan, live: Optional[Object]) -> Plan:
    """A plan for one object, with its change as a replacement where the API server refuses changes.

    live: the object as read. One that is not ours is never replaced; the API server then says what is wrong.
    """
    labels = ((live or {}).get("metadata") or {}).get("labels") or {}
    if labels.get(LABEL_MANAGED_BY) != MANAGED_BY:
        return plan
    return Plan(plan.item, tuple(_replacement(step) for step in plan.steps))


def _replacement(step: Step) -> Step:
    roots = {re.split(r"[.\[]", difference.path)[0] for difference in step.differences}
    fixed = sorted(roots & set(_IMMUTABLE.get(step.kind, ())))
    if step.action != CHANGE or not fixed:
        return step
    return replace(step, action=REPLACE, reason=f"{', '.join(fixed)} cannot be changed; what exists keeps its own")


def _managed(body: Mapping[str, Any]) -> dict[str, Any]:
    metadata = dict(body.get("metadata") or {})
    metadata["labels"] = {**(metadata.get("labels") or {}), LABEL_MANAGED_BY: MANAGED_BY}
    return {**body, "metadata": metadata}


def _object(body: Mapping[str, Any], place: str, namespace: str, problems: Problems) -> dict[str, Any]:
    metadata = dict(body.get("metadata") or {})
    for name in ("apiVersion", "kind"):
        if not isinstance(body.get(name), str):
            problems.add(f"{place}.{name}", body.get(name), "must be given")
    if not metadata.get("name"):
        problems.add(f"{place}.metadata.name", metadata.get("name"), "must be given")
    if body.get("kind") == "Secret":
        problems.add(f"{place}.kind", "Secret", "Secrets stand in secrets, where their content is masked")
    if metadata.get("namespace") == "":  # said to be of the cluster
        del metadata["namespace"]
    elif namespace:
        metadata.setdefault("namespace", namespace)
    return _managed({**body, "metadata": metadata})


def _namespaces(params: Mapping[str, Any], problems: Problems) -> list[dict[str, Any]]:
    result = []
    for data in params.get("namespaces") or []:
        if not is_dns_subdomain(data["name"]):
            problems.add("namespaces.name", data["name"], "a name of a namespace")
        # Not labelled as ours: a namespace may have been there before, and others may keep something in it.
        labels = {"labels": dict(data["labels"])} if data.get("labels") else {}
        result.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": data["name"], **labels}})
    return result


def _secrets(params: Mapping[str, Any], problems: Problems) -> list[dict[str, Any]]:
    result = []
    for data in params.get("secrets") or []:
        content = data.get("string_data") or {}
        empty = [key for key, value in content.items() if not value]
        if not content or empty:
            problems.add(f"secrets[{data['name']}].string_data", empty or "nothing", "a text for each key")
        named = {key: str(value) for key, value in content.items()}
        result.append(secret_object(data["name"], _namespace(data, params), named, data.get("type") or OPAQUE))
    return result


def _pull_secrets(params: Mapping[str, Any], problems: Problems) -> list[dict[str, Any]]:
    result = []
    for data in params.get("pull_secrets") or []:
        for name in ("registry", "username", "password"):
            if not data.get(name):
                problems.add(f"pull_secrets[{data['name']}].{name}", "", "must be given")
        login = docker_config(*(str(data.get(name) or "") for name in ("registry", "username", "password")))
        content = {DOCKER_CONFIG: json.dumps(login, sort_keys=True)}
        result.append(secret_object(data["name"], _namespace(data, params), content, PULL_SECRET))
    return result


def _namespace(data: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    return str(data.get("namespace") or params.get("namespace") or "")


def secrets_of(params: Mapping[str, Any]) -> Sequence[str]:
    """Every text in the request that nobody may see."""
    found = [
        str(value)
        for data in params.get("secrets") or []
        for value in (data.get("string_data") or {}).values()
        if value
    ]
    for data in params.get("pull_secrets") or []:
        if data.get("password"):
            found.append(str(data["password"]))
    return found
