# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The REST API of NeuVector's controllers, reached through the API server, so that nothing of it is exposed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Optional

from ..core.errors import AuthError, PlatformError, RefusedError
from .session import Session

#: Service and port as the chart names them, with C(controller.apisvc.type) set (chart core 2.11.0).
_SERVICE = "https:neuvector-svc-controller-api:controller-api"


class NeuVector:
    """One login. Sessions are few (32 for each user), so it is always ended."""

    def __init__(self, session: Session, namespace: str) -> None:
        self._session = session
        self._root = f"/api/v1/namespaces/{namespace}/services/{_SERVICE}/proxy"
        self._token = ""

    @contextmanager
    def logged_in(self, username: str, password: str, learn: Callable[[str], None]) -> Iterator[NeuVector]:
        """Log in for a block. learn: is told the token, which nobody may see."""
        body = {"client_ip": "", "password": {"username": username, "password": password}}
        try:
            answer = self._request("POST", "/v1/auth", body)
        except AuthError as error:
            raise AuthError(
                f"NeuVector does not accept the login of {username}: {error.message}",
                "Check user and password, and whether the user may reach services through the API server.",
            ) from error
        self._token = str((answer.get("token") or {}).get("token") or "")
        learn(self._token)
        try:
            if answer.get("need_to_reset_password"):
                raise RefusedError(f"NeuVector wants another password of {username}.", "Log in and change it first.")
            yield self
        finally:
            # A login that cannot be ended ends by itself; what happened before it is what counts.
            with suppress(PlatformError):
                self._request("DELETE", "/v1/auth")

    def services(self) -> dict[str, Any]:
        """All services with their modes."""
        return self._request("GET", "/v1/service")

    def events(self) -> dict[str, Any]:
        """Violations, incidents and threats that are kept."""
        return self._request("GET", "/v1/log/security")

    def summary(self) -> dict[str, Any]:
        """Numbers of the whole."""
        return self._request("GET", "/v1/system/summary")

    def leaders(self) -> int:
        """How many controllers say that they lead."""
        found = self._request("GET", "/v1/controller").get("controllers") or []
        return sum(1 for controller in found if controller.get("leader"))

    def set_mode(self, services: Sequence[str], mode: str) -> None:
        """Set the policy mode of services, for their network and their processes."""
        body = {"config": {"services": list(services), "policy_mode": mode}}
        self._request("PATCH", "/v1/service/config", body)

    def _request(self, method: str, path: str, body: Optional[Mapping[str, Any]] = None) -> dict[str, Any]:
        headers = {"X-Auth-Token": self._token} if self._token else {}
        return self._session.request(method, self._root + path, body=body, repeatable=method == "GET", headers=headers)
