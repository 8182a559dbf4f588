# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""One request from path to answer: who asks, what for, and what comes back or goes wrong."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.lab.clearml import faults as faulty
from tests.lab.clearml.envelope import Meta, Response
from tests.lab.clearml.faults import Faults
from tests.lab.clearml.requestdata import Request
from tests.lab.clearml.requestlog import RequestLog

from .store import DAY, Refusal, Robot, Store

API = "/api/v2.0"
PAGE = b"<!doctype html><html><head><title>Harbor</title></head><body><harbor-app>Loading...</harbor-app></body></html>"
MAX_DURATION = 2**31 - 1
_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
_ARTIFACTS = r"/projects/([^/]+)/repositories/([^/]+)/artifacts"

Answer = tuple[int, Any]


class Application:
    """The server without its sockets. directory: where the request log lives. clock: seconds since the epoch."""

    def __init__(self, directory: Path, password: str, clock: Callable[[], float] = time.time) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.store = Store(password, clock)
        self.faults = Faults()
        self.log = RequestLog(directory / "requests.jsonl")
        self._lock = threading.RLock()
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = [
            (method, re.compile(pattern), handler)
            for method, pattern, handler in (
                ("GET", "/ping", lambda _request: (200, "Pong")),
                ("GET", "/health", lambda _request: (200, {"status": "healthy", "components": []})),
                ("GET", "/configurations", self._configurations),
                ("GET", "/projects", self._projects),
                ("POST", "/projects", self._make_project),
                ("PUT", "/projects/([^/]+)", self._change_project),
                ("DELETE", "/projects/([^/]+)", self._remove_project),
                ("GET", "/robots", self._robots),
                ("POST", "/robots", self._make_robot),
                ("GET", r"/robots/(\d+)", self._robot),
                ("PUT", r"/robots/(\d+)", self._change_robot),
                ("PATCH", r"/robots/(\d+)", self._set_secret),
                ("DELETE", r"/robots/(\d+)", self._remove_robot),
                ("POST", _ARTIFACTS, self._copy),
                ("GET", f"{_ARTIFACTS}/([^/]+)", self._artifact),
                ("POST", f"{_ARTIFACTS}/([^/]+)/scan", self._scan),
            )
        ]

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request."""
        name = f"{request.method} {request.path.removeprefix(API)}"
        fault = self.faults.take(name)
        if fault and fault.kind in faulty.INSTEAD:
            response = self._fault(fault, request)
        else:
            with self._lock:
                response = self._answer(request)
            if fault:
                response = faulty.afterwards(fault, response)
        body = json.loads(request.body) if request.body else None
        secrets = [self.store.password, *(robot.secret for robot in self.store.robots.values())]
        self.log.add(request, body, secrets, call=name, status=response.status, fault=fault.kind if fault else None)
        return response

    def close(self) -> None:
        """Close the log file."""
        self.log.close()

    @staticmethod
    def _fault(fault: faulty.Fault, request: Request) -> Response:
        if fault.kind == "error":
            return _refused(Refusal("UNKNOWN", "internal server error", fault.status))
        return faulty.instead(fault, Meta(), request.path)

    def _answer(self, request: Request) -> Response:
        try:
            if request.path == "/service/token":
                return self._token(request)
            if request.path == "/v2/":
                return self._registry(request)
            if not request.path.startswith(f"{API}/"):
                return Response(200, PAGE, "text/html")
            return _answered(*self._call(request))
        except Refusal as refusal:
            return _refused(refusal)

    def _call(self, request: Request) -> Answer:
        path = request.path.removeprefix(API)
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(path)
            if match and method == request.method:
                # A repository is escaped twice, the rest once.
                return handler(request, *(unquote(unquote(part)) for part in match.groups()))
        raise Refusal("NOT_FOUND", f"path {path} was not found")

    # -- who asks -----------------------------------------------------------------------------------------------

    def _caller(self, request: Request) -> Robot | str | None:
        kind, _blank, value = (request.headers["Authorization"] or "").partition(" ")
        if kind != "Basic":
            return None
        username, _colon, password = base64.b64decode(value).decode().partition(":")
        return self.store.login(username, password)

    def _need(self, request: Request, project: str = "", resource: str = "", action: str = "") -> None:
        """Let the administrator pass, and a robot that has this right in this project."""
        caller = self._caller(request)
        if caller is None:
            raise Refusal("UNAUTHORIZED", "unauthorized")
        if isinstance(caller, Robot):
            rights = {
                (permission["namespace"], access["resource"], access["action"])
                for permission in caller.permissions
                for access in permission["access"]
            }
            if (project, resource, action) not in rights:
                raise Refusal("FORBIDDEN", "forbidden")

    def _token(self, request: Request) -> Response:
        if self._caller(request) is None:
            return Response(401, b"", "text/plain")
        return _answered(200, {"token": "signed", "access_token": "", "expires_in": 1800, "issued_at": ""})

    def _registry(self, request: Request) -> Response:
        host = request.headers["Host"]
        headers = [
            ("Docker-Distribution-Api-Version", "registry/2.0"),
            ("Www-Authenticate", f'Bearer realm="https://{host}/service/token",service="harbor-registry"'),
        ]
        body = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "unauthorized: unauthorized"}]}).encode()
        return Response(401, body, headers=headers)

    def _configurations(self, request: Request) -> Answer:
        self._need(request)
        return 200, {"robot_name_prefix": {"editable": True, "value": self.store.prefix}}

    # -- projects -----------------------------------------------------------------------------------------------

    def _projects(self, request: Request) -> Answer:
        """All for the administrator; for a robot those that it has rights in, and public ones."""
        caller = self._caller(request)
        if caller is None:
            raise Refusal("UNAUTHORIZED", "unauthorized")
        own = {each["namespace"] for each in caller.permissions} if isinstance(caller, Robot) else None
        found = [
            {
                "project_id": project.id,
                "name": project.name,
                "metadata": project.metadata,
                "repo_count": self.store.repositories_of(project.name),
                "creation_time": self.store.moment(project.created),
            }
            for project in self.store.projects.values()
            if own is None or project.name in own or project.metadata["public"] == "true"
        ]
        return 200, _page(request, found)

    def _make_project(self, request: Request) -> Answer:
        self._need(request)
        body = json.loads(request.body)
        name = body.get("project_name") or ""
        if not _NAME.fullmatch(name):
            raise Refusal("BAD_REQUEST", "project name is not in lower case or contains illegal characters")
        self.store.add_project(name, body.get("metadata") or {})
        return 201, None

    def _change_project(self, request: Request, name: str) -> Answer:
        self._need(request)
        metadata = json.loads(request.body).get("metadata") or {}
        # C(public) has no "not given" in Harbor's model.
        self.store.project(name).metadata.update({"public": "", **metadata})
        return 200, None

    def _remove_project(self, request: Request, name: str) -> Answer:
        self._need(request)
        self.store.project(name)
        if self.store.repositories_of(name):
            raise Refusal("PRECONDITION", "the project contains repositories, can not be deleted")
        del self.store.projects[name]
        return 200, None

    # -- robots -------------------------------------------------------------------------------------------------

    def _shown(self, robot: Robot) -> dict[str, Any]:
        there = self.store.projects
        return {
            "id": robot.id,
            "name": self.store.prefix + robot.name,
            "description": robot.description,
            "level": "system",
            "duration": robot.duration,
            "expires_at": int(robot.expires),
            "disable": robot.disabled,
            "editable": True,
            "creation_time": self.store.moment(robot.created),
            "permissions": [each for each in robot.permissions if each["namespace"] in there],
        }

    def _robots(self, request: Request) -> Answer:
        self._need(request)
        return 200, _page(request, [self._shown(robot) for robot in self.store.robots.values()])

    def _robot(self, request: Request, robot_id: str) -> Answer:
        self._need(request)
        return 200, self._shown(self.store.robot(int(robot_id)))

    def _check_robot(self, body: dict[str, Any]) -> None:
        duration = body.get("duration")
        if not isinstance(duration, int) or not (duration == -1 or 0 < duration < MAX_DURATION):
            text = (
                f"bad request error duration input: {duration}, duration must be either -1(Never) or a positive integer"
            )
            raise Refusal("BAD_REQUEST", text)
        if body.get("level") not in ("system", "project"):
            raise Refusal("BAD_REQUEST", f"bad request error level input: {body.get('level')}")
        if not body.get("permissions"):
            raise Refusal("BAD_REQUEST", "bad request empty permission")
        for permission in body["permissions"]:
            self.store.project(permission["namespace"])

    def _make_robot(self, request: Request) -> Answer:
        self._need(request)
        body = json.loads(request.body)
        if not _NAME.fullmatch(body.get("name") or ""):
            raise Refusal("BAD_REQUEST", "robot name is not in lower case or contains illegal characters")
        self._check_robot(body)
        robot = self.store.add_robot(body)
        answer = {"id": robot.id, "name": self.store.prefix + robot.name, "secret": robot.secret}
        times = {"creation_time": self.store.moment(robot.created), "expires_at": int(robot.expires)}
        return 201, {**answer, **times}

    def _change_robot(self, request: Request, robot_id: str) -> Answer:
        self._need(request)
        robot, body = self.store.robot(int(robot_id)), json.loads(request.body)
        self._check_robot(body)
        if body["name"] != self.store.prefix + robot.name:
            raise Refusal("BAD_REQUEST", "cannot update the level or name of robot")
        if body["duration"] != robot.duration:
            robot.duration = body["duration"]
            robot.expires = -1 if robot.duration == -1 else robot.created + robot.duration * DAY
        robot.description, robot.disabled = body.get("description") or "", bool(body.get("disable"))
        robot.permissions = body["permissions"]
        return 200, None

    def _set_secret(self, request: Request, robot_id: str) -> Answer:
        self._need(request)
        robot, secret = self.store.robot(int(robot_id)), json.loads(request.body).get("secret") or ""
        good = 8 <= len(secret) <= 128 and all(re.search(kind, secret) for kind in ("[a-z]", "[A-Z]", r"\d"))
        if not good:
            raise Refusal("BAD_REQUEST", "the secret must be 8-128, inclusively, characters long")
        robot.secret = secret
        return 200, {"secret": ""}

    def _remove_robot(self, request: Request, robot_id: str) -> Answer:
        self._need(request)
        del self.store.robots[self.store.robot(int(robot_id)).id]
        return 200, None

    # -- artifacts ----------------------------------------------------------------------------------------------

    def _artifact(self, request: Request, project: str, repository: str, reference: str) -> Answer:
        self._need(request, project, "artifact", "read")
        self.store.project(project)
        artifact = self.store.artifact(project, repository, reference)
        asked = parse_qs(request.query)
        answer: dict[str, Any] = {"id": artifact.id, "digest": artifact.digest, "type": "IMAGE", "tags": None}
        if asked.get("with_tag", ["true"]) == ["true"] and artifact.tags:
            answer["tags"] = [{"name": name, "immutable": False} for name in artifact.tags]
        if asked.get("with_scan_overview") == ["true"]:
            overview = self.store.overview(artifact)
            if overview:
                answer["scan_overview"] = overview
        return 200, answer

    def _scan(self, request: Request, project: str, repository: str, reference: str) -> Answer:
        self._need(request, project, "scan", "create")
        self.store.begin_scan(self.store.artifact(project, repository, reference))
        return 202, None

    def _copy(self, request: Request, project: str, repository: str) -> Answer:
        self._need(request, project, "artifact", "create")
        self.store.project(project)
        origin = parse_qs(request.query).get("from", [""])[0]
        match = re.fullmatch(r"([^/]+)/(.+?)(?:@(sha256:[0-9a-f]{64})|:([\w.-]+))", origin)
        if not match:
            raise Refusal("BAD_REQUEST", f"invalid input: {origin}")
        self._need(request, match[1], "artifact", "read")
        source = self.store.artifact(match[1], match[2], match[3] or match[4])
        copied = self.store.ensure(project, repository, source.digest)
        for tag in source.tags:
            self.store.tag(project, repository, copied, tag)
        return 201, None


def _page(request: Request, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    asked = parse_qs(request.query)
    size = min(int(asked.get("page_size", ["10"])[0]), 100)
    first = (int(asked.get("page", ["1"])[0]) - 1) * size
    return entries[first : first + size]


def _answered(status: int, data: Any) -> Response:
    return Response(status, b"" if data is None else json.dumps(data).encode())


def _refused(refusal: Refusal) -> Response:
    body = {"errors": [{"code": refusal.code, "message": refusal.message}]}
    return Response(refusal.status, json.dumps(body).encode(), "application/json; charset=utf-8")
