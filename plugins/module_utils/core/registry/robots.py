# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Robot accounts: when one is made, changed, renewed, and when it needs another secret.

Harbor shows a secret only in the answer that makes it, and takes none with a new robot. But it takes one for a robot that is
there (C(PATCH /robots/{id})), and the same one any number of times. So the secret is made here, stored, and only then given to
Harbor: an answer that gets lost loses nothing, and the request can be sent again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from ..errors import RefusedError
from ..plan import CHANGE, CREATE, REMOVE, Difference, Plan, Step
from .answer import seconds_of
from .requests import ACCESS, ROTATE, RobotRequest

ROBOT, SECRET = "Robot", "RobotSecret"
#: In the description of our robots: others are never touched.
MARK = "Managed by ai-tenancy"
DAY = 24 * 3600
#: C(expires_at) of a robot without an end.
NEVER = -1

#: What asking the registry with the stored login told. UNASKED: it would tell nothing.
ACCEPTED, REFUSED, UNASKED = "accepted", "refused", "unasked"

#: A right: project, resource, action.
Right = tuple[str, str, str]


@dataclass(frozen=True)
class Robot:
    """A robot as Harbor lists it. name: with the prefix (C(robot$ci)). Times: seconds since the epoch; duration: days."""

    id: int
    name: str
    description: str = ""
    created_at: float = 0.0
    expires_at: float = NEVER
    duration: int = NEVER
    disabled: bool = False
    rights: frozenset[Right] = frozenset()


@dataclass(frozen=True)
class Login:
    """What the store holds. registry: host and port, as clients write them."""

    registry: str
    username: str
    password: str = field(repr=False)
    rotation_id: str = ""


@dataclass(frozen=True)
class RobotPlan:
    """What to do about one robot. makes_secret: a new secret is made, stored and given to Harbor, in this order."""

    plan: Plan
    creates: bool = False
    update: Optional[Mapping[str, Any]] = None
    makes_secret: bool = False


def robot_from(answer: Mapping[str, Any]) -> Robot:
    """Read one entry of C(GET /robots)."""
    rights = frozenset(
        (str(permission.get("namespace")), str(access.get("resource")), str(access.get("action")))
        for permission in answer.get("permissions") or ()
        for access in permission.get("access") or ()
    )
    return Robot(
        id=int(answer["id"]),
        name=str(answer["name"]),
        description=str(answer.get("description") or ""),
        created_at=seconds_of(answer.get("creation_time")) or 0.0,
        expires_at=float(answer.get("expires_at") or NEVER),
        duration=int(answer.get("duration") or NEVER),
        disabled=bool(answer.get("disable")),
        rights=rights,
    )


def plan_robot(
    request: RobotRequest, found: Optional[Robot], stored: Optional[Login], health: str, registry: str, now: float
) -> RobotPlan:
    """Plan one robot that is to be there.

    1. no robot: it is made, with a new secret, whatever the store holds;
    2. a robot of somebody else: RefusedError;
    3. no stored login, one for another registry, or one that Harbor refuses: a new secret (an interrupted run leaves this);
    4. C(rotation_id) differs from the stored one: a new secret;
    5. its end is near, past, none, or later than wanted: a new end, and with C(renew=rotate) a new secret when it is near;
    6. rights, or disabled: changed.

    health: L(ACCEPTED), L(REFUSED) or L(UNASKED): Harbor refuses a robot that is disabled or has expired in any case. registry: host
    and port. now: seconds since the epoch.
    """
    item = f"robot/{request.name}"
    if found is None:
        body = _body(request, request.name, request.valid_days)
        step = Step(CREATE, ROBOT, request.name, after=_shown(request, request.valid_days), body=body)
        return RobotPlan(Plan(item, (step, _secret_step(request, CREATE, "there is no robot yet"))), True, None, True)
    check_ours(found)
    due = _due(request, found, now)
    differences = _differences(request, found, due, now)
    why = _new_secret(request, stored, health, registry, due)
    steps: list[Step] = []
    update = None
    if differences:
        duration = _duration(request, found, now) if due.reason else found.duration
        update = _body(request, found.name, duration)
        before = {difference.path: difference.before for difference in differences}
        after = {difference.path: difference.after for difference in differences}
        steps.append(Step(CHANGE, ROBOT, request.name, "", differences, before, after, due.reason, update))
    if why:
        steps.append(_secret_step(request, CHANGE if stored else CREATE, why))
    return RobotPlan(Plan(item, tuple(steps)), False, update, bool(why))


def plan_removal(request: RobotRequest, found: Optional[Robot], stored: bool) -> Plan:
    """Plan one robot that is to go, with what is stored of it. Raises RefusedError for a robot of somebody else."""
    steps: list[Step] = []
    if found is not None:
        check_ours(found)
        steps.append(Step(REMOVE, ROBOT, request.name, before={"name": found.name}, reason="asked for"))
    if stored:
        steps.append(
            Step(REMOVE, SECRET, request.name, before={"store": str(request.store)}, reason="its robot is gone")
        )
    return Plan(f"robot/{request.name}", tuple(steps))


def listed(rights: frozenset[Right]) -> list[str]:
    """Rights for a person, in order."""
    return sorted(f"{project}: {resource} {action}" for project, resource, action in rights)


def days_left(found: Robot, now: float) -> Optional[int]:
    """Whole days until its end, negative after it; None when it has none."""
    return None if found.expires_at == NEVER else int((found.expires_at - now) // DAY)


def is_ours(found: Robot) -> bool:
    """Whether this collection made it."""
    return found.description.startswith(MARK)


def check_ours(found: Robot) -> None:
    """Raise RefusedError for a robot that was not made by this collection: its users would lose their login."""
    if not is_ours(found):
        raise RefusedError(
            f"There is a robot {found.name} that this collection did not make; it stays as it is.",
            "Choose another name, or delete that robot in Harbor.",
        )


@dataclass(frozen=True)
class _Due:
    """Whether a robot needs another end. reason: empty when it does not. near: it expires soon, or has expired."""

    reason: str = ""
    near: bool = False


def has_expired(found: Robot, now: float) -> bool:
    """Whether Harbor refuses the robot by now, with any secret."""
    return found.expires_at != NEVER and found.expires_at <= now


def _due(request: RobotRequest, found: Robot, now: float) -> _Due:
    if found.expires_at == NEVER:
        return _Due("it never expires")
    if has_expired(found, now):
        return _Due("it has expired", near=True)
    left = (found.expires_at - now) / DAY
    if left <= request.renew_before_days:
        return _Due(f"it expires in {left:.0f} days", near=True)
    # A day more comes from Harbor counting whole days from the robot's making.
    if left > request.valid_days + 1:
        return _Due(f"it expires in {left:.0f} days, later than it may")
    return _Due()


def _new_secret(request: RobotRequest, stored: Optional[Login], health: str, registry: str, due: _Due) -> str:
    if stored is None:
        return f"{request.store} does not hold its secret"
    if stored.registry != registry:
        return f"{request.store} is for {stored.registry}"
    if stored.rotation_id != request.rotation_id:
        return f"rotation_id changed from {stored.rotation_id or 'none'} to {request.rotation_id or 'none'}"
    if due.near and request.renew == ROTATE:
        return due.reason
    if health == REFUSED:
        return "Harbor does not accept the stored secret"
    return ""


def _differences(request: RobotRequest, found: Robot, due: _Due, now: float) -> tuple[Difference, ...]:
    wanted, there = _rights(request), found.rights
    result = []
    if wanted != there:
        result.append(Difference("rights", listed(there), listed(wanted)))
    if found.disabled:
        result.append(Difference("disabled", True, False))
    if due.reason:
        before = None if found.expires_at == NEVER else round((found.expires_at - now) / DAY)
        result.append(Difference("expires_in_days", before, request.valid_days))
    return tuple(result)


def _duration(request: RobotRequest, found: Robot, now: float) -> int:
    """Days from the robot's making to the wanted end: Harbor counts from there (src/server/v2.0/handler/robot.go)."""
    return math.ceil((now - found.created_at) / DAY + request.valid_days)


def _rights(request: RobotRequest) -> frozenset[Right]:
    return frozenset((project, *right) for project in request.projects for right in ACCESS[request.access])


def _shown(request: RobotRequest, days: int) -> dict[str, Any]:
    return {"name": request.name, "rights": listed(_rights(request)), "expires_in_days": days}


def _body(request: RobotRequest, name: str, duration: int) -> dict[str, Any]:
    access = [{"resource": resource, "action": action} for resource, action in ACCESS[request.access]]
    return {
        "name": name,
        "description": f"{MARK}: {request.access}",
        "level": "system",
        "duration": duration,
        "disable": False,
        "permissions": [
            {"kind": "project", "namespace": project, "access": access} for project in sorted(request.projects)
        ],
    }


def _secret_step(request: RobotRequest, action: str, reason: str) -> Step:
    after = {"store": str(request.store), "rotation_id": request.rotation_id}
    before = {"store": str(request.store)} if action == CHANGE else None
    return Step(action, SECRET, request.name, before=before, after=after, reason=reason)
