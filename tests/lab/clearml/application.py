# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""One request from path to answer: the call, the caller, the fields, the service, the envelope."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

from . import faults as faulty
from . import services  # noqa: F401 (fills the registry)  # pylint: disable=unused-import
from .control import Control
from .envelope import Meta, Response, failure, success
from .errors import ApiError
from .faults import Faults
from .identity import Authenticator, Identity, special_header
from .query import Scrolls
from .registry import OPEN, Call, check_data, check_role, find
from .requestdata import Request, parse_data, parse_path
from .requestlog import RequestLog
from .settings import Profile, Settings
from .store import AuthUser, Company, Store


@dataclass
class Context:
    """What a service may use while it answers one call.

    caller: the effective identity; calls that are open to all may be without one.
    now: seconds since the epoch. answer_headers: go out with the answer.
    """

    store: Store
    settings: Settings
    profile: Profile
    authenticator: Authenticator
    scrolls: Scrolls
    caller: Identity | None
    headers: Message
    remote_address: str
    now: float
    answer_headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def identity(self) -> Identity:
        """The effective identity of a call that needs one."""
        if self.caller is None:
            raise ApiError(401, 20)
        return self.caller

    @property
    def company(self) -> Company:
        """The company of the effective identity; everything that a call reads or changes lies in it."""
        return self.store.company(self.identity.company)

    def user(self, user_id: str | None) -> AuthUser:
        """Return a login entry of the caller's company, or of any company for root and system. Raises ApiError 400/301."""
        user = self.store.users.get(user_id or "")
        if user is None or not (self.is_system or user.company == self.identity.company):
            raise ApiError(400, 301, id=user_id)
        return user

    @property
    def is_system(self) -> bool:
        """Whether the caller stands above the companies."""
        return self.identity.role in ("root", "system")


class Application:
    """The server without its sockets. directory: where state and request log live. clock: current time, seconds."""

    def __init__(
        self,
        directory: Path,
        profile: Profile,
        access_key: str,
        secret_key: str,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.RLock()
        self._scrolls = Scrolls()
        self.profile = profile
        self.settings = Settings()
        self.store = Store(directory)
        self.store.seed(access_key, secret_key, clock())
        self.authenticator = Authenticator(self.store, profile)
        self.faults = Faults()
        self.log = RequestLog(directory / "requests.jsonl")
        self._control = Control(self.store, self.settings, self.faults, self.log, access_key, secret_key)

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request."""
        if request.path.startswith(Control.PREFIX):
            with self._lock:
                return self._control.handle(request)
        if request.method == "OPTIONS":
            return Response(200, b"", "text/html")
        if request.headers["Content-Encoding"]:
            text = f"Content encoding is not supported ({request.headers['Content-Encoding']})"
            return Response(415, text.encode(), "text/html")
        meta = Meta(trx=special_header(request.headers, "Trx") or "")
        try:
            version, name = parse_path(request.path)
        except ApiError as error:
            return self._record(request, meta, None, failure(meta, error), wrote=False, fault=None)
        meta.endpoint, meta.requested_version = name, version or self.profile.api_version
        return self._answer(request, meta)

    def close(self) -> None:
        """Close the log file and the database."""
        self.log.close()
        self.store.close()

    def _answer(self, request: Request, meta: Meta) -> Response:
        fault = self.faults.take(meta.endpoint)
        kind = fault.kind if fault else None
        if fault and fault.kind in faulty.INSTEAD:
            response = faulty.instead(fault, meta, request.path)
            return self._record(request, meta, self._readable(request), response, wrote=False, fault=kind)
        if fault and fault.kind == "slow":
            self._sleep(fault.delay)
        with self._lock:
            before = self.store.revision
            response = self._call(request, meta)
            wrote = self.store.revision != before
            self.store.save()
        if fault:
            response = faulty.afterwards(fault, response)
        return self._record(request, meta, self._readable(request), response, wrote=wrote, fault=kind)

    def _call(self, request: Request, meta: Meta) -> Response:
        try:
            found = find(meta.endpoint, meta.requested_version, self.profile.editions)
            meta.actual_version = found.since
            context = self._context(request, found)
            if found.roles is not OPEN:
                check_role(found, context.identity.role)
            data = check_data(found, parse_data(request), self.profile.enterprise)
            response = success(meta, found.handler(context, data))
            response.headers += context.answer_headers
            return response
        except ApiError as error:
            return failure(meta, error)
        except Exception as error:  # noqa: BLE001  a mistake of the stand-in, shown as the real server shows its own
            traceback.print_exc()
            return failure(meta, ApiError(500, 0, raw=f"General data error: err={type(error).__name__}"))

    def _context(self, request: Request, found: Call) -> Context:
        now = self._clock()
        caller = None
        try:
            caller = self.authenticator.authenticate(request.headers, request.remote_address, now)
        except ApiError:
            if found.roles is not OPEN:
                raise
        return Context(
            self.store,
            self.settings,
            self.profile,
            self.authenticator,
            self._scrolls,
            caller,
            request.headers,
            request.remote_address,
            now,
        )

    def _record(
        self, request: Request, meta: Meta, data: Any, response: Response, *, wrote: bool, fault: str | None
    ) -> Response:
        with self._lock:
            secrets = self.store.secrets()
        self.log.add(
            request,
            data,
            secrets,
            call=meta.endpoint,
            time=self._clock(),
            status=response.status,
            subcode=response.subcode,
            wrote=wrote,
            fault=fault,
        )
        return response

    @staticmethod
    def _readable(request: Request) -> Any:
        try:
            return parse_data(request)
        except ApiError:
            return None
