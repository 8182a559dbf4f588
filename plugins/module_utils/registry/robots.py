# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""One robot account after the other: look, decide, store the secret, and only then write to Harbor.

Order of a new secret: keep it, make or change the robot, give the secret to Harbor, log in with it. What follows the first may
be sent again, by this run or the next one. When Harbor refuses for certain, what was kept before is kept again.
"""

from __future__ import annotations

import secrets as chance
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

from ..core.errors import PlatformError, StuckError
from ..core.registry import robots as core
from ..core.registry.answer import is_conflict
from ..core.registry.requests import RobotRequest
from ..core.registry.robots import Login, Robot, RobotPlan, robot_from
from ..core.result import ItemResult
from ..core.web import unclear
from ..store import SecretStore
from ..web import create_once
from .session import Session
from .stores import Kept

#: Characters of a secret: Harbor takes 8 to 128.
SECRET_LENGTH = 40
#: What Harbor puts before the names of robots when nobody changed it.
DEFAULT_PREFIX = "robot$"


def new_secret() -> str:
    """Make a secret with a small letter, a capital and a digit, as Harbor wants it (src/controller/robot: IsValidSec)."""
    letters = string.ascii_letters + string.digits
    while True:
        secret = "".join(chance.choice(letters) for _position in range(SECRET_LENGTH))
        if any(map(str.islower, secret)) and any(map(str.isupper, secret)) and any(map(str.isdigit, secret)):
            return secret


class Robots:
    """The robots of one registry in one run."""

    def __init__(
        self,
        session: Session,
        secrets: Optional[SecretStore],
        now: Callable[[], float],
        make_secret: Callable[[], str],
        check_mode: bool,
    ) -> None:
        self._session = session
        self._secrets = secrets
        self._now = now
        self._make_secret = make_secret
        self._check_mode = check_mode
        self._prefix = DEFAULT_PREFIX
        self._there: dict[str, Robot] = {}

    def look(self, found: Sequence[Robot]) -> None:
        """Take over the list of robots, and ask what stands before their names."""
        self._there = {robot.name: robot for robot in found}
        answer = self._session.get("/configurations") or {}
        self._prefix = str((answer.get("robot_name_prefix") or {}).get("value") or DEFAULT_PREFIX)

    def converge(self, request: RobotRequest, obstacle: Optional[PlatformError]) -> ItemResult:
        """Bring one robot to its wanted state. obstacle: why it cannot be."""
        if obstacle is not None:
            raise obstacle
        found = self._there.get(self._full(request))
        kept = Kept(request, self._secrets)
        if not request.present:
            return self._remove(request, found, kept)
        return self._provide(request, found, kept)

    def _full(self, request: RobotRequest) -> str:
        return self._prefix + request.name

    def _remove(self, request: RobotRequest, found: Optional[Robot], kept: Kept) -> ItemResult:
        plan = core.plan_removal(request, found, kept.exists)
        if not self._check_mode:
            if found is not None:
                self._session.remove(f"/robots/{found.id}")
            if kept.exists:
                kept.remove()
        return ItemResult(plan.item, list(plan.writes), {"store": str(request.store)})

    def _provide(self, request: RobotRequest, found: Optional[Robot], kept: Kept) -> ItemResult:
        if kept.login is not None:
            self._session.learn_secret(kept.login.password)
        health = self._health(found, kept.login)
        decided = core.plan_robot(request, found, kept.login, health, self._session.registry, self._now())
        if decided.makes_secret:
            found = self._with_secret(request, found, kept, decided)
        elif decided.update is not None and found is not None and not self._check_mode:
            found = self._change(found.id, decided.update)
        values: dict[str, Any] = {"name": self._full(request), "store": str(request.store)}
        left = core.days_left(found, self._now()) if found is not None else None
        if found is not None and left is not None:
            values.update(expires_at=int(found.expires_at), days_left=left)
        return ItemResult(decided.plan.item, list(decided.plan.writes), values)

    def _change(self, robot_id: int, body: Mapping[str, Any]) -> Robot:
        """Change a robot, and read it as it is then."""
        self._session.set("PUT", f"/robots/{robot_id}", body)
        return self._read(robot_id)

    def _read(self, robot_id: int) -> Robot:
        return robot_from(self._session.get(f"/robots/{robot_id}"))

    def _health(self, found: Optional[Robot], login: Optional[Login]) -> str:
        if found is None or login is None or found.disabled or core.has_expired(found, self._now()):
            return core.UNASKED
        return core.ACCEPTED if self._session.accepts(login.username, login.password) else core.REFUSED

    def _with_secret(
        self, request: RobotRequest, found: Optional[Robot], kept: Kept, decided: RobotPlan
    ) -> Optional[Robot]:
        """Carry out a plan with a new secret. Returns the robot as it is then; in check mode as it was."""
        before = kept.login
        login = Login(self._session.registry, self._full(request), self._make_secret(), request.rotation_id)
        self._session.learn_secret(login.password)
        if self._check_mode:
            kept.rehearse(login)
            return found
        kept.write(login)
        try:
            if found is None:
                found = self._create(request, decided)
            elif decided.update is not None:
                found = self._change(found.id, decided.update)
            self._session.set("PATCH", f"/robots/{found.id}", {"secret": login.password})
        except PlatformError as error:
            if not unclear(error):
                self._keep_again(kept, before, error)
            raise
        if not self._session.accepts(login.username, login.password):
            raise StuckError(
                f"Harbor took the secret of robot {login.username}, but does not let it in.",
                f"Look at the robot in Harbor; its login is kept in {request.store}.",
            )
        return found

    def _keep_again(self, kept: Kept, before: Optional[Login], error: PlatformError) -> None:
        """Harbor has refused the new secret: what was good before is kept again. When even that fails, say so."""
        try:
            if before is not None:
                kept.write(before)
            else:
                kept.remove()
        except PlatformError as second:
            error.message += f" What was kept before could not be put back either: {second.message}"

    def _create(self, request: RobotRequest, decided: RobotPlan) -> Robot:
        """Make a robot, and only one: after an unclear answer, or when another run was faster, the one that is there counts."""
        body = decided.plan.writes[0].body

        def create() -> Robot:
            answer = self._session.create("/robots", body)
            # Replaced at once by our own, but nobody should see it meanwhile.
            self._session.learn_secret(str(answer.get("secret") or ""))
            return self._read(int(answer["id"]))

        def appeared() -> Optional[Robot]:
            found = self._find(request)
            if found is None:
                return None
            core.check_ours(found)
            return self._change(found.id, {**body, "name": found.name})

        return create_once(create, appeared, is_conflict, try_taken=True)

    def _find(self, request: RobotRequest) -> Optional[Robot]:
        for entry in self._session.list("/robots"):
            if entry.get("name") == self._full(request):
                return robot_from(entry)
        return None
