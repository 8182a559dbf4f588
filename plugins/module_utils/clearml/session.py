# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""One connection to a ClearML API server. The only place that sends requests to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ..clock import SYSTEM_CLOCK
from ..core.clearml.answer import ExpiredTokenError, NoSuchCallError, claims_of, cookie_name, read_answer
from ..core.errors import Problems
from ..core.retry import Backoff, Clock, retried
from ..web import Web, at_most_once, basic, check_connection


@dataclass(frozen=True)
class Caller:
    """Who a call is made as. The platform itself when nothing is set.

    act_as: id of a user whose company counts, with the platform's own role.
    become: id of a user whose company and role count.
    access_key, secret_key: a pair of its own instead of the platform's credential.
    """

    act_as: str = ""
    become: str = ""
    access_key: str = ""
    secret_key: str = ""

    def headers(self) -> dict[str, str]:
        """The headers that make the server see this caller. The server refuses both impersonation headers at once."""
        if self.become:
            return {"X-Clearml-Impersonate-As": self.become}
        if self.act_as:
            return {"X-Clearml-Act-As": self.act_as}
        return {}


PLATFORM = Caller()


class Session:
    """Calls to one server, safe to use from several threads.

    The platform's pair is exchanged for a bearer token at the first call and again when that expires, so that the
    secret travels once. learn_secret: called with every secret as soon as it is known.
    """

    def __init__(
        self, options: Mapping[str, Any], learn_secret: Callable[[str], None], clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """options: those of the documentation fragment C(clearml_auth). Raises ConfigError when they do not fit."""
        _check(options)
        self._web = Web(options, "the ClearML API server")
        self.url = self._web.url
        self.learn_secret = learn_secret
        self._pair = (options.get("access_key") or "", options.get("secret_key") or "")
        self._token = str(options.get("token") or "")
        #: Name of the cookie in which browsers carry a login; empty until this session has logged in by the pair.
        self.cookie_name = ""
        self._login_lock = threading.Lock()
        self._missing: set[str] = set()
        self._backoff = Backoff(clock, tries=int(options["retries"]) + 1)
        for secret in (*self._pair, self._token):
            if secret:
                learn_secret(secret)

    # -- calls --------------------------------------------------------------------------------------------------

    def read(self, call: str, data: Optional[Mapping[str, Any]] = None, caller: Caller = PLATFORM) -> dict[str, Any]:
        """Make a call that may be repeated after a fault: it reads, or it sets what is the same the second time.

        call: C(service.action). Returns the answer's data. Raises NoSuchCallError, AuthError, RemoteError,
        UnreachableError.
        """
        self._ensure_token(caller)
        return retried(lambda: self._authorized(call, data, caller), self._backoff)

    def write(self, call: str, data: Optional[Mapping[str, Any]] = None, caller: Caller = PLATFORM) -> dict[str, Any]:
        """Make a call that must not happen twice: repeated only when the server certainly did nothing.

        After an error for which C(core.web.unclear) is true the caller must look what happened.
        """
        self._ensure_token(caller)
        return at_most_once(lambda: self._authorized(call, data, caller), self._backoff)

    def offers(self, call: str) -> bool:
        """False when a call was tried before and this server does not have it."""
        return call not in self._missing

    def claims(self) -> dict[str, Any]:
        """What the bearer token tells about server and caller; logs in when that did not happen yet."""
        self._ensure_token(PLATFORM)
        return claims_of(self._token)

    # -- authorization ------------------------------------------------------------------------------------------

    def _authorized(self, call: str, data: Optional[Mapping[str, Any]], caller: Caller) -> dict[str, Any]:
        if caller.access_key:
            own = {"Authorization": basic(caller.access_key, caller.secret_key), **caller.headers()}
            return self._once(call, data, own)
        token = self._token
        try:
            return self._once(call, data, {"Authorization": f"Bearer {token}", **caller.headers()})
        except ExpiredTokenError:
            if not self._pair[0]:
                raise
            self._login(token)
        return self._once(call, data, {"Authorization": f"Bearer {self._token}", **caller.headers()})

    def _ensure_token(self, caller: Caller) -> None:
        if not self._token and not caller.access_key:
            retried(lambda: self._login(""), self._backoff)

    def _login(self, worn_out: str) -> None:
        """Get a new token, unless another thread replaced C(worn_out) meanwhile."""
        with self._login_lock:
            if self._token != worn_out:
                return
            token = str(self._once("auth.login", {}, {"Authorization": basic(*self._pair)}).get("token") or "")
            self.learn_secret(token)
            self._token = token

    # -- one request --------------------------------------------------------------------------------------------

    def _once(self, call: str, data: Optional[Mapping[str, Any]], headers: Mapping[str, str]) -> dict[str, Any]:
        answer = self._web.send(
            call,
            "POST",
            f"/{call}",
            {
                "Accept": "application/json",
                # With any other type the server takes the body for a form.
                "Content-Type": "application/json",
                "X-Clearml-Client": "ai_tenancy.platform",
                **headers,
            },
            json.dumps(dict(data or {})).encode(),
        )
        if call == "auth.login":
            self.cookie_name = cookie_name(answer.headers.get("Set-Cookie") or "") or self.cookie_name
        try:
            return read_answer(call, answer.status, answer.headers, answer.body)
        except NoSuchCallError:
            self._missing.add(call)
            raise


def _check(options: Mapping[str, Any]) -> None:
    """Raise ConfigError with every mistake in the connection options."""
    problems = Problems()
    check_connection(options, "the URL of the ClearML API server, for example https://api.example.com", problems)
    if not options.get("token"):
        for name in ("access_key", "secret_key"):
            if not options.get(name):
                problems.add(name, None, "the platform's credential: access_key and secret_key, or token")
    problems.raise_if_any("ClearML connection")
