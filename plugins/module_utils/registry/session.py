# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""One connection to Harbor. The only place that sends requests to its API v2.0 and to its token service."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Optional
from urllib.parse import urlencode, urlsplit

from ..clock import SYSTEM_CLOCK
from ..core.errors import NotFoundError, Problems
from ..core.registry.answer import LoginRefusedError, read_answer
from ..core.retry import Backoff, Clock, retried
from ..web import Web, at_most_once, basic, check_connection

API = "/api/v2.0"
#: Entries per page; Harbor gives no more.
PAGE_SIZE = 100
#: Asks for the overview of a scan in the forms that scanners make (goharbor/harbor, api/v2.0/swagger.yaml).
REPORTS = (
    "application/vnd.security.vulnerability.report; version=1.1, "
    "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
)


class Session:
    """Requests to one Harbor, safe to use from several threads. learn_secret: is told every secret as soon as it is known."""

    def __init__(
        self, options: Mapping[str, Any], learn_secret: Callable[[str], None], clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """options: those of the documentation fragment C(harbor_auth). Raises ConfigError when they do not fit."""
        _check(options)
        self._web = Web(options, "Harbor")
        self.learn_secret = learn_secret
        self._user, self._password = str(options["api_user"]), str(options["api_password"])
        learn_secret(self._password)
        self._backoff = Backoff(clock, tries=int(options["retries"]) + 1)

    @property
    def registry(self) -> str:
        """Host and port, as clients write them before the name of an image."""
        return urlsplit(self._web.url).netloc

    def get(self, path: str, query: Optional[Mapping[str, str]] = None) -> Any:
        """Read one thing. path: below the API. Raises NotFoundError, LoginRefusedError, AuthError, RemoteError, UnreachableError."""
        return retried(lambda: self._once("GET", path, query), self._backoff)

    def list(self, path: str, query: Optional[Mapping[str, str]] = None) -> list[dict[str, Any]]:
        """Read all entries of a list, page by page."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            wanted = {**(query or {}), "page": str(page), "page_size": str(PAGE_SIZE)}
            entries = self.get(path, wanted) or []
            found.extend(entries)
            if len(entries) < PAGE_SIZE:
                return found
            page += 1

    def set(
        self,
        method: str,
        path: str,
        body: Optional[Mapping[str, Any]] = None,
        query: Optional[Mapping[str, str]] = None,
    ) -> Any:
        """Send what is the same the second time, so that it may be repeated after a fault."""
        return retried(lambda: self._once(method, path, query, body), self._backoff)

    def remove(self, path: str) -> None:
        """Delete one thing; it is no error when it is gone already, as after an answer that got lost."""
        try:
            self.set("DELETE", path)
        except NotFoundError:
            return

    def create(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send what must not happen twice. After an error for which C(core.web.unclear) is true look what happened."""
        return at_most_once(lambda: self._once("POST", path, None, body), self._backoff)

    def accepts(self, username: str, password: str) -> bool:
        """Whether the registry lets somebody in: what a client asks before its first pull."""
        self.learn_secret(password)
        path = "/service/token?" + urlencode({"service": "harbor-registry"})

        def ask() -> bool:
            what = f"login of {username}"
            answer = self._web.send(what, "GET", path, self._headers(username, password))
            try:
                read_answer(what, answer.status, answer.headers, answer.body)
            except LoginRefusedError:
                return False
            return True

        return retried(ask, self._backoff)

    def _once(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, str]] = None,
        body: Optional[Mapping[str, Any]] = None,
    ) -> Any:
        what = f"{method} {path}"
        headers = self._headers(self._user, self._password)
        payload = None if body is None else json.dumps(body).encode()
        if payload is not None:
            headers["Content-Type"] = "application/json"
        url = API + path + ("?" + urlencode(query) if query else "")
        answer = self._web.send(what, method, url, headers, payload)
        return read_answer(what, answer.status, answer.headers, answer.body)

    def _headers(self, username: str, password: str) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "Authorization": basic(username, password),
            "User-Agent": "ai_tenancy.platform",
            "X-Accept-Vulnerabilities": REPORTS,
            # A project whose name is a number is meant by its name.
            "X-Is-Resource-Name": "true",
        }


def _check(options: Mapping[str, Any]) -> None:
    """Raise ConfigError with every mistake in the connection options."""
    problems = Problems()
    check_connection(options, "the URL of the registry, for example https://registry.example.com", problems)
    for name in ("api_user", "api_password"):
        if not options.get(name):
            problems.add(name, None, "the login of somebody who administers Harbor")
    problems.raise_if_any("Connection to the registry")
