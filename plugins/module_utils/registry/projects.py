# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Bring projects and robots of a registry to their wanted state.

Per run: one list of projects, one of robots, one look at the configuration. Per unchanged robot: one login that proves it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Optional
from urllib.parse import quote

from ..bulk import for_each
from ..core.errors import PlatformError, RefusedError
from ..core.plan import CREATE, REMOVE, Step
from ..core.registry.answer import is_conflict
from ..core.registry.projects import Project, plan_project, project_from
from ..core.registry.requests import ProjectRequest, Requests, RobotRequest, check_projects
from ..core.registry.robots import robot_from
from ..core.result import ItemResult
from ..store import SecretStore
from ..web import create_once
from .robots import Robots
from .session import Session


def list_projects(session: Session) -> dict[str, Project]:
    """All projects, by their names."""
    found = [project_from(entry) for entry in session.list("/projects")]
    return {project.name: project for project in found}


class Registry:
    """One run against one registry. now: seconds since the epoch. secrets: None when no robot is kept in a Secret."""

    def __init__(
        self,
        session: Session,
        secrets: Optional[SecretStore],
        now: Callable[[], float],
        new_secret: Callable[[], str],
        check_mode: bool,
    ) -> None:
        self._session = session
        self._secrets = secrets
        self._now = now
        self._new_secret = new_secret
        self._check_mode = check_mode

    def converge(self, requests: Requests, concurrency: int) -> list[ItemResult]:
        """Do all of it; outcomes in the order of projects, then robots. Raises ConfigError before any change."""
        try:
            there = list_projects(self._session)
        except PlatformError:
            # What is wrong for certain comes first: it is wrong whether the server answers or not.
            requests.problems.raise_if_any("Registry")
            raise
        check_projects(requests, there)
        robots = Robots(self._session, self._secrets, self._now, self._new_secret, self._check_mode)
        if requests.robots:
            robots.look([robot_from(entry) for entry in self._session.list("/robots")])
        outcomes: dict[str, ItemResult] = {}

        def projects(wanted: Sequence[ProjectRequest]) -> None:
            done = for_each(wanted, lambda each: self._project(each, there.get(each.name)), concurrency)
            _collect(outcomes, [f"project/{each.name}" for each in wanted], done)

        def accounts(wanted: Sequence[RobotRequest]) -> None:
            done = for_each(wanted, lambda each: robots.converge(each, _without(outcomes, each)), concurrency)
            _collect(outcomes, [f"robot/{each.name}" for each in wanted], done)

        projects([each for each in requests.projects if each.present])
        accounts(requests.robots)
        # Last: a robot that goes, too, must not name a project that is gone.
        projects([each for each in requests.projects if not each.present])
        order = [f"project/{each.name}" for each in requests.projects] + [
            f"robot/{each.name}" for each in requests.robots
        ]
        return [outcomes[item] for item in order]

    def _project(self, request: ProjectRequest, found: Optional[Project]) -> ItemResult:
        plan = plan_project(request, found)
        for step in plan.writes if not self._check_mode else ():
            self._write_project(request, step)
        return ItemResult(plan.item, list(plan.writes))

    def _write_project(self, request: ProjectRequest, step: Step) -> None:
        path = "/projects/" + quote(request.name, safe="")
        if step.action == CREATE:
            self._create_project(request, step)
        elif step.action == REMOVE:
            self._session.remove(path)
        else:
            self._session.set("PUT", path, step.body)

    def _create_project(self, request: ProjectRequest, step: Step) -> None:
        """Create a project, and only one: after an unclear answer, or when another run was faster, what is there counts."""

        def appeared() -> Optional[bool]:
            found = list_projects(self._session).get(request.name)
            if found is None:
                return None
            for difference in plan_project(request, found).writes:
                self._write_project(request, difference)
            return True

        def create() -> bool:
            self._session.create("/projects", step.body)
            return True

        create_once(create, appeared, is_conflict, try_taken=True)


def _collect(outcomes: dict[str, ItemResult], items: Sequence[str], done: Sequence[object]) -> None:
    for item, result in zip(items, done):
        if isinstance(result, PlatformError):
            result = ItemResult(item, error=result)
        if isinstance(result, ItemResult):
            outcomes[item] = result


def _without(outcomes: Mapping[str, ItemResult], request: RobotRequest) -> Optional[PlatformError]:
    """The error for a robot whose project could not be made; None when it has all of them."""
    failed = [name for name in request.projects if _failed(outcomes, name)] if request.present else []
    if not failed:
        return None
    return RefusedError(f"Robot {request.name} waits for the projects {', '.join(failed)}.", "See why they failed.")


def _failed(outcomes: Mapping[str, ItemResult], project: str) -> bool:
    outcome = outcomes.get(f"project/{project}")
    return outcome is not None and outcome.error is not None
