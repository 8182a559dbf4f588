# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a registry holds: read, and told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

from ..core.registry import robots as core
from ..core.registry.robots import Robot, robot_from
from ..core.result import ItemResult
from .projects import list_projects
from .session import Session


@dataclass
class Seen:
    """What was read, without any change. warnings: robots that end soon."""

    results: list[ItemResult] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def look(session: Session, now: float, expiring_days: Optional[int]) -> Seen:
    """Read all projects and robots. now: seconds since the epoch. expiring_days: warn of robots that end within."""
    seen = Seen()
    for name, project in sorted(list_projects(session).items()):
        values: dict[str, Any] = {"settings": dict(project.settings), "repositories": project.repositories}
        seen.results.append(ItemResult(f"project/{name}", values=values))
    robots = sorted((robot_from(entry) for entry in session.list("/robots")), key=lambda robot: robot.name)
    for robot in robots:
        seen.results.append(ItemResult(f"robot/{robot.name}", values=_told(robot, now)))
        left = core.days_left(robot, now)
        if expiring_days is not None and left is not None and left <= expiring_days:
            when = "has expired" if core.has_expired(robot, now) else f"expires in {left} days"
            seen.warnings.append(f"The robot {robot.name} {when}.")
    return seen


def _told(robot: Robot, now: float) -> dict[str, Any]:
    left = core.days_left(robot, now)
    return {
        "managed": core.is_ours(robot),
        "rights": core.listed(robot.rights),
        "disabled": robot.disabled,
        "expires_at": None if left is None else int(robot.expires_at),
        "days_left": left,
    }
