# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a Harbor knows: projects, robots, artifacts and their scans, in memory."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ADMIN = "admin"
REPORT = "application/vnd.security.vulnerability.report; version=1.1"
DAY = 24 * 3600


class Refusal(Exception):
    """An answer with Harbor's list of errors. code: C(CONFLICT), C(NOT_FOUND) and so on."""

    STATUS = {
        "BAD_REQUEST": 400, "UNAUTHORIZED": 401, "FORBIDDEN": 403, "NOT_FOUND": 404, "CONFLICT": 409, "PRECONDITION": 412,
        "UNKNOWN": 500,
    }  # fmt: skip

    def __init__(self, code: str, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status or self.STATUS[code]


@dataclass
class Project:
    id: int
    name: str
    metadata: dict[str, str]
    created: float


@dataclass
class Robot:
    """name: without the prefix. shown: the secret that only the answer to its making had."""

    id: int
    name: str
    secret: str
    description: str
    duration: int
    created: float
    expires: float
    permissions: list[dict[str, Any]]
    disabled: bool = False
    shown: str = ""


@dataclass
class Scan:
    """left: how often it is looked at before it is over."""

    report: str
    left: int
    ended: float = 0.0
    status: str = "Success"


@dataclass
class Artifact:
    id: int
    digest: str
    pushed: float
    tags: list[str] = field(default_factory=list)
    scan: Scan | None = None


class Store:
    """The state. clock: seconds since the epoch. Not thread-safe: the application calls it under one lock.

    findings: digest -> severity that a scan finds; C(Error) lets it fail. scan_looks: how long a scan takes, in looks.
    """

    def __init__(self, password: str, clock: Callable[[], float]) -> None:
        self.password = password
        self.clock = clock
        self.prefix = "robot$"
        self.projects: dict[str, Project] = {}
        self.robots: dict[int, Robot] = {}
        self.repositories: dict[tuple[str, str], dict[str, Artifact]] = {}
        self.findings: dict[str, str] = {}
        self.scan_looks = 1
        self._last_id = 0
        self.add_project("library", {"public": "true"})

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def moment(self, seconds: float) -> str:
        """A time as Harbor writes it."""
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds % 1 * 1000):03d}Z"

    # projects

    def add_project(self, name: str, metadata: dict[str, str]) -> Project:
        if name in self.projects:
            raise Refusal("CONFLICT", f"The project named {name} already exists")
        project = Project(self.next_id(), name, {"public": "false", **metadata}, self.clock())
        self.projects[name] = project
        return project

    def project(self, name: str) -> Project:
        if name not in self.projects:
            raise Refusal("NOT_FOUND", f"project {name} not found")
        return self.projects[name]

    def repositories_of(self, project: str) -> int:
        return sum(1 for owner, _name in self.repositories if owner == project)

    # robots

    def add_robot(self, body: dict[str, Any]) -> Robot:
        if any(robot.name == body["name"] for robot in self.robots.values()):
            raise Refusal("CONFLICT", f"robot account {body['name']} already exists")
        secret = "Shown1" + secrets.token_hex(13)
        now = self.clock()
        robot = Robot(
            self.next_id(), body["name"], secret, body.get("description") or "", body["duration"], now,
            -1 if body["duration"] == -1 else now + body["duration"] * DAY, body["permissions"], shown=secret,
        )  # fmt: skip
        self.robots[robot.id] = robot
        return robot

    def robot(self, robot_id: int) -> Robot:
        if robot_id not in self.robots:
            raise Refusal("NOT_FOUND", f"robot account {robot_id} not found")
        return self.robots[robot_id]

    def login(self, username: str, password: str) -> Robot | str | None:
        """Who this is: C(admin), a robot, or None. A robot that is disabled or has expired is nobody."""
        if username == ADMIN:
            return ADMIN if password == self.password else None
        for robot in self.robots.values():
            ended = robot.expires != -1 and robot.expires <= self.clock()
            if username == self.prefix + robot.name and password == robot.secret and not robot.disabled and not ended:
                return robot
        return None

    # artifacts

    def push(self, project: str, repository: str, tag: str, content: str = "") -> str:
        """Put an artifact into a repository, as a client would; return its digest. Scanned at once where that is wanted."""
        digest = "sha256:" + hashlib.sha256((content or f"{repository}:{tag}").encode()).hexdigest()
        artifact = self.ensure(project, repository, digest)
        self.tag(project, repository, artifact, tag)
        if self.project(project).metadata.get("auto_scan") == "true":
            self.begin_scan(artifact)
        return digest

    def ensure(self, project: str, repository: str, digest: str) -> Artifact:
        there = self.repositories.setdefault((project, repository), {})
        return there.setdefault(digest, Artifact(self.next_id(), digest, self.clock()))

    def tag(self, project: str, repository: str, artifact: Artifact, tag: str) -> None:
        """Attach a tag, and take it away from the artifact that had it."""
        for other in self.repositories[project, repository].values():
            other.tags = [name for name in other.tags if name != tag]
        artifact.tags.append(tag)

    def artifact(self, project: str, repository: str, reference: str) -> Artifact:
        there = self.repositories.get((project, repository), {})
        for artifact in there.values():
            if reference == artifact.digest or reference in artifact.tags:
                return artifact
        raise Refusal("NOT_FOUND", f"artifact {project}/{repository}:{reference} not found")

    def begin_scan(self, artifact: Artifact) -> None:
        if artifact.scan is not None and artifact.scan.left > 0:
            raise Refusal("CONFLICT", "a previous scan process is running")
        status = "Error" if self.findings.get(artifact.digest) == "Error" else "Success"
        artifact.scan = Scan(secrets.token_hex(8), self.scan_looks, status=status)

    def overview(self, artifact: Artifact) -> dict[str, Any]:
        """What C(scan_overview) says; each look brings a running scan nearer to its end."""
        scan = artifact.scan
        if scan is None:
            return {}
        if scan.left > 0:
            scan.left -= 1
            return {REPORT: {"report_id": scan.report, "scan_status": "Running", "complete_percent": 0}}
        scan.ended = scan.ended or self.clock()
        entry = {"report_id": scan.report, "scan_status": scan.status, "end_time": self.moment(scan.ended)}
        if scan.status == "Success":
            entry["severity"] = self.findings.get(artifact.digest, "None")
        return {REPORT: entry}
