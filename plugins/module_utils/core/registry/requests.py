# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What is wanted of a registry: projects and robot accounts, read from a module's options, all mistakes found at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .. import names
from ..errors import Problems

#: Names of projects and robots (goharbor/harbor, src/server/v2.0/handler/robot.go: validateName; projects alike).
_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
MAX_NAME_LENGTH = 63
NAME_ALLOWED = f"1-{MAX_NAME_LENGTH} characters of a-z and 0-9, between them single '.', '_' or '-'"
#: Days that a robot may live. Harbor also has robots without an end (-1); none is made here.
MAX_VALID_DAYS = 3650
#: What a robot may do in its projects: resource and action by Harbor's names (src/common/rbac/const.go).
ACCESS: dict[str, tuple[tuple[str, str], ...]] = {
    "pull": (("repository", "pull"),),
    "push": (("repository", "pull"), ("repository", "push")),
    "promote": (
        ("repository", "pull"), ("repository", "push"), ("artifact", "read"), ("artifact", "create"), ("scan", "create"),
    ),
}  # fmt: skip
#: What is renewed before a robot expires: secret and end, or the end alone.
ROTATE, EXTEND = "rotate", "extend"


@dataclass(frozen=True)
class ProjectRequest:
    """One wanted project. severity: images with a vulnerability from this one up are not given out, with C(gate)."""

    name: str
    present: bool = True
    public: bool = False
    scan_on_push: bool = True
    gate: bool = True
    severity: str = "high"


@dataclass(frozen=True)
class StoreRequest:
    """Where the login of a robot is kept: a Kubernetes Secret, or a file of mode 0600 on the machine that runs the module."""

    namespace: str = ""
    name: str = ""
    path: str = ""

    def __str__(self) -> str:
        return self.path or f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class RobotRequest:
    """One wanted robot account, of the whole registry, with rights in some projects. Times in days."""

    name: str
    store: StoreRequest
    projects: tuple[str, ...] = ()
    access: str = "pull"
    present: bool = True
    valid_days: int = 90
    renew_before_days: int = 30
    renew: str = ROTATE
    rotation_id: str = ""


@dataclass(frozen=True)
class Requests:
    """All that is wanted, with the mistakes found so far: what the server has is looked at before they are told."""

    projects: tuple[ProjectRequest, ...]
    robots: tuple[RobotRequest, ...]
    problems: Problems


def name_problem(value: Any) -> Optional[str]:
    """What would be allowed when a value cannot be the name of a project or robot, else None."""
    fits = isinstance(value, str) and len(value) <= MAX_NAME_LENGTH and _NAME.fullmatch(value)
    return None if fits else NAME_ALLOWED


def parse(projects: Sequence[Mapping[str, Any]], robots: Sequence[Mapping[str, Any]]) -> Requests:
    """Turn the options C(projects) and C(robots) into requests. Raises nothing: see L(check_projects)."""
    problems = Problems()
    found = Requests(
        tuple(_project(item, problems) for item in projects),
        tuple(_robot(item, problems) for item in robots),
        problems,
    )
    _once("projects", "name", [project.name for project in found.projects], problems)
    _once("robots", "name", [robot.name for robot in found.robots], problems)
    _once("robots", "store", [str(robot.store) for robot in found.robots if str(robot.store) != "/"], problems)
    return found


def check_projects(requests: Requests, on_server: Iterable[str]) -> None:
    """Raise ConfigError with every mistake, now that it is known which projects there are."""
    problems = requests.problems
    staying = {project.name for project in requests.projects if project.present}
    going = {project.name for project in requests.projects if not project.present}
    known = (set(on_server) | staying) - going
    for robot in requests.robots:
        for project in robot.projects if robot.present else ():
            if project not in known:
                allowed = "a project in projects or on the server" + (
                    ", and not one that is to go" if project in going else ""
                )
                problems.add(f"robots[{robot.name}].projects", project, allowed)
    problems.raise_if_any("Registry")


def _project(item: Mapping[str, Any], problems: Problems) -> ProjectRequest:
    name = str(item["name"])
    allowed = name_problem(name)
    if allowed:
        problems.add(f"projects[{name}].name", name, allowed)
    return ProjectRequest(
        name=name,
        present=item.get("state", "present") == "present",
        public=bool(item.get("public", False)),
        scan_on_push=bool(item.get("scan_on_push", True)),
        gate=bool(item.get("prevent_vulnerable", True)),
        severity=str(item.get("severity") or "high"),
    )


def _robot(item: Mapping[str, Any], problems: Problems) -> RobotRequest:
    name = str(item["name"])
    path = f"robots[{name}]"
    allowed = name_problem(name)
    if allowed:
        problems.add(f"{path}.name", name, allowed)
    present = item.get("state", "present") == "present"
    projects = tuple(dict.fromkeys(str(project) for project in item.get("projects") or ()))
    if present and not projects:
        problems.add(f"{path}.projects", [], "one project or more")
    valid = _days(item.get("valid_days", 90), f"{path}.valid_days", 1, MAX_VALID_DAYS, problems)
    # Renewed in every run when it were as long as the robot lives.
    before = _days(item.get("renew_before_days", 30), f"{path}.renew_before_days", 0, max(valid - 1, 0), problems)
    return RobotRequest(
        name=name,
        store=_store(item.get("store") or {}, f"{path}.store", problems),
        projects=tuple(sorted(projects)),
        access=str(item.get("access") or "pull"),
        present=present,
        valid_days=valid,
        renew_before_days=before,
        renew=str(item.get("renew") or ROTATE),
        rotation_id=str(item.get("rotation_id") or ""),
    )


def _days(value: Any, path: str, least: int, most: int, problems: Problems) -> int:
    """A number of days; a text of digits counts, as variables from a command line are texts."""
    number = int(value) if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value) else value
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        problems.add(path, value, f"a whole number of days from {least} to {most}")
        return most
    return number


def _store(item: Mapping[str, Any], path: str, problems: Problems) -> StoreRequest:
    store = StoreRequest(str(item.get("namespace") or ""), str(item.get("name") or ""), str(item.get("path") or ""))
    if bool(store.path) == bool(store.namespace or store.name):
        problems.add(path, str(store), "either namespace and name of a Secret, or path of a file")
    elif store.path:
        if not store.path.startswith("/"):
            problems.add(f"{path}.path", store.path, "an absolute path")
    else:
        if not names.is_dns_label(store.namespace):
            problems.add(f"{path}.namespace", store.namespace, names.DNS_LABEL_ALLOWED)
        if not names.is_dns_subdomain(store.name):
            problems.add(f"{path}.name", store.name, names.DNS_SUBDOMAIN_ALLOWED)
    return store


def _once(option: str, field: str, values: Sequence[str], problems: Problems) -> None:
    for value in dict.fromkeys(values):
        if values.count(value) > 1:
            problems.add(f"{option}[].{field}", value, "each one once")
