# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The side door for tests: faults, request log, settings, state. It needs the platform's credential (Basic)."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from .envelope import Response
from .errors import ApiError
from .faults import Faults
from .requestdata import Request
from .requestlog import RequestLog
from .settings import Settings
from .store import Store


class Control:
    """Answers requests below L(PREFIX) with plain JSON, without an envelope and without a trace in the request log."""

    PREFIX = "/_lab/"

    def __init__(
        self, store: Store, settings: Settings, faults: Faults, log: RequestLog, access_key: str, secret_key: str
    ) -> None:
        self._store = store
        self._settings = settings
        self._faults = faults
        self._log = log
        self._authorization = base64.b64encode(f"{access_key}:{secret_key}".encode()).decode()
        self._routes: dict[tuple[str, str], Callable[[Request], Any]] = {
            ("POST", "faults"): self._order_faults,
            ("GET", "faults"): lambda _request: self._faults.pending(),
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "requests"): self._requests,
            ("POST", "settings"): self._change_settings,
            ("GET", "settings"): lambda _request: self._settings.values,
            ("GET", "state"): lambda _request: self._state(),
            ("POST", "memberships"): self._join,
        }

    def handle(self, request: Request) -> Response:
        """Answer one request: 200 with the result, 400 with a message, 401 or 404."""
        if not self._is_platform(request):
            return _json(401, {"error": "the platform's credential is needed"})
        route = self._routes.get((request.method, request.path.removeprefix(self.PREFIX)))
        if route is None:
            known = [f"{method} {self.PREFIX}{name}" for method, name in self._routes]
            return _json(404, {"error": "no such control", "controls": known})
        try:
            return _json(200, route(request))
        except ApiError as error:
            return _json(400, {"error": error.message})
        except ValueError as error:
            return _json(400, {"error": f"not JSON, or not a number: {error}"})

    def _is_platform(self, request: Request) -> bool:
        kind, _blank, value = (request.headers["Authorization"] or "").partition(" ")
        return kind == "Basic" and hmac.compare_digest(value.encode(), self._authorization.encode())

    def _order_faults(self, request: Request) -> Any:
        self._faults.order(json.loads(request.body))
        return self._faults.pending()

    def _clear_faults(self, _request: Request) -> Any:
        self._faults.clear()
        return []

    def _requests(self, request: Request) -> Any:
        return self._log.since(int(parse_qs(request.query).get("since", ["0"])[0]))

    def _change_settings(self, request: Request) -> Any:
        self._settings.update(json.loads(request.body))
        return self._settings.values

    def _join(self, request: Request) -> Any:
        """Let a user join another company, as an invitation does: {user, company}."""
        wanted = json.loads(request.body)
        user = self._store.users.get(wanted.get("user", ""))
        if user is None:
            raise ApiError(400, 301, id=wanted.get("user"))
        company = self._store.company(wanted.get("company"))
        if company.id not in user.tenants:
            user.tenants.append(company.id)
        self._store.changed("users", user.id)
        self._store.save()
        return {"user": user.id, "tenants": user.tenants}

    def _state(self) -> dict[str, Any]:
        return {
            "companies": [
                {
                    "id": item.id,
                    "name": item.name,
                    "active": item.active,
                    "settings": item.settings,
                    "domains": item.domains,
                    "whitelist": item.whitelist,
                }
                for item in self._store.companies.values()
            ],
            "users": [
                {
                    "id": item.id,
                    "name": item.name,
                    "company": item.company,
                    "email": item.email,
                    "role": item.role,
                    "internal": item.internal,
                    "service": item.service,
                    "credentials": [
                        {"access_key": pair.key, "label": pair.label, "last_used": pair.last_used}
                        for pair in item.credentials
                    ],
                }
                for item in self._store.users.values()
            ],
            "queues": list(self._store.queues.values()),
            "tasks": [
                {name: task.get(name) for name in ("id", "name", "company", "status")}
                for task in self._store.tasks.values()
            ],
            "workers": [{"id": worker["id"], "company": worker["company"]} for worker in self._store.workers.values()],
            "routers": [
                {"router": item["router"], "company": item["company"]} for item in self._store.routers.values()
            ],
        }


def _json(status: int, value: Any) -> Response:
    return Response(status, json.dumps(value).encode())
