# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Projects of a registry: what is wanted beside what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from ..errors import RefusedError
from ..plan import CHANGE, CREATE, REMOVE, Difference, Plan, Step
from .requests import ProjectRequest

PROJECT = "Project"


@dataclass(frozen=True)
class Project:
    """A project as Harbor lists it. settings: its metadata, all of them texts. repositories: how many are in it."""

    id: int
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    repositories: int = 0


def project_from(answer: Mapping[str, Any]) -> Project:
    """Read one entry of C(GET /projects)."""
    return Project(
        id=int(answer["project_id"]),
        name=str(answer["name"]),
        settings={str(name): str(value) for name, value in (answer.get("metadata") or {}).items()},
        repositories=int(answer.get("repo_count") or 0),
    )


def plan_project(request: ProjectRequest, found: Optional[Project]) -> Plan:
    """Plan one project. Raises RefusedError when one with images in it is to go."""
    item = f"project/{request.name}"
    if not request.present:
        return Plan(item, _removal(request, found))
    wanted = _settings(request)
    if found is None:
        body = {"project_name": request.name, "metadata": wanted}
        return Plan(item, (Step(CREATE, PROJECT, request.name, after={"name": request.name, **wanted}, body=body),))
    differences = tuple(
        Difference(name, found.settings.get(name), value)
        for name, value in wanted.items()
        if found.settings.get(name) != value
    )
    if not differences:
        return Plan(item)
    before = {difference.path: difference.before for difference in differences}
    after = {difference.path: difference.after for difference in differences}
    # All of them: an update without C(public) would empty it (src/server/v2.0/handler/project.go: UpdateProject).
    body = {"metadata": wanted}
    return Plan(
        item, (Step(CHANGE, PROJECT, request.name, differences=differences, before=before, after=after, body=body),)
    )


def _settings(request: ProjectRequest) -> dict[str, str]:
    """The settings as Harbor keeps them: texts, by its names."""
    return {
        "public": _text(request.public),
        "auto_scan": _text(request.scan_on_push),
        "prevent_vul": _text(request.gate),
        "severity": request.severity,
    }


def _text(value: bool) -> str:
    return "true" if value else "false"


def _removal(request: ProjectRequest, found: Optional[Project]) -> tuple[Step, ...]:
    if found is None:
        return ()
    if found.repositories:
        raise RefusedError(
            f"Project {request.name} has {found.repositories} repositories; it stays.",
            "Delete them in Harbor first: images are not deleted by this.",
        )
    before = {"name": found.name, **found.settings}
    return (Step(REMOVE, PROJECT, request.name, before=before, reason="it is empty, and asked to go"),)
