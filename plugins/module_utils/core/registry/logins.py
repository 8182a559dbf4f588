# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The login of a robot as it is kept: in the form that container runtimes and Kubernetes read (C(.dockerconfigjson))."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Optional

from ..errors import RefusedError
from ..names import LABEL_MANAGED_BY, LABEL_PREFIX, MANAGED_BY
from ..secrets import DOCKER_CONFIG, PULL_SECRET, docker_config, secret_object
from .requests import RobotRequest
from .robots import Login

#: Label of the Secrets that hold logins of robots; its value is the name of the robot.
LABEL_ROBOT = LABEL_PREFIX + "registry-robot"
NOTE_ROTATION = LABEL_PREFIX + "registry-rotation-id"
#: Our part of a file, beside what other programs read.
_OURS = "ai-tenancy"


def to_text(login: Login) -> str:
    """A file that podman, skopeo and helm take as their authentication file."""
    return json.dumps({**_docker(login), _OURS: {"rotation_id": login.rotation_id}}, indent=2) + "\n"


def from_text(text: Optional[str]) -> Optional[Login]:
    """Read it back; None when it is missing or something else."""
    if text is None:
        return None
    try:
        data = json.loads(text)
        return _login(data, str(data[_OURS]["rotation_id"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def to_secret(request: RobotRequest, login: Login) -> dict[str, Any]:
    """A Secret with which pods can pull; user and password also by themselves."""
    content = {
        DOCKER_CONFIG: json.dumps(_docker(login)),
        "registry": login.registry,
        "username": login.username,
        "password": login.password,
    }
    notes = {NOTE_ROTATION: login.rotation_id} if login.rotation_id else {}
    labels = {LABEL_ROBOT: request.name}
    return secret_object(request.store.name, request.store.namespace, content, PULL_SECRET, labels, notes)


def from_secret(request: RobotRequest, secret: Optional[Mapping[str, Any]]) -> Optional[Login]:
    """Read it back; None when it is missing or incomplete. Raises RefusedError for a Secret of somebody else."""
    if secret is None:
        return None
    labels = secret["metadata"].get("labels") or {}
    if labels.get(LABEL_MANAGED_BY) != MANAGED_BY or labels.get(LABEL_ROBOT) != request.name:
        raise RefusedError(
            f"The Secret {request.store} belongs to something else; the login of robot {request.name} is not put into it.",
            "Choose another store, or delete that Secret.",
        )
    notes = secret["metadata"].get("annotations") or {}
    try:
        text = base64.b64decode((secret.get("data") or {})[DOCKER_CONFIG]).decode()
        return _login(json.loads(text), str(notes.get(NOTE_ROTATION) or ""))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return None


def _docker(login: Login) -> dict[str, Any]:
    return docker_config(login.registry, login.username, login.password)


def _login(data: Mapping[str, Any], rotation_id: str) -> Optional[Login]:
    ((registry, entry),) = data["auths"].items()
    if not entry["username"] or not entry["password"]:
        return None
    return Login(str(registry), str(entry["username"]), str(entry["password"]), rotation_id)
