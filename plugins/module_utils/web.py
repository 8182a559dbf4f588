# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""HTTPS to one server by a pool of connections: what the rooms for ClearML and for the registry share.

It sends one request and returns what came back. Whether that is good, and whether to send it again, the rooms decide.
"""

from __future__ import annotations

import base64
import os
import ssl
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Optional, TypeVar

from .core.errors import PlatformError, Problems, UnreachableError
from .core.retry import Backoff, retried
from .core.web import NotSentError, UntrustedError, not_carried_out, unclear

try:
    import urllib3

    IMPORT_ERROR: Optional[str] = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

#: Requests at the same time.
CONCURRENCY = 16
#: How often a create is tried whose outcome was unclear; the server is asked before each further try.
TRIES = 3
#: Seconds to wait for a connection; for the answer it is the option C(timeout).
CONNECT_TIMEOUT = 5.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Answer:
    """What came back. headers: names without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Web:
    """Requests to one server, safe to use from several threads. Redirects are not followed."""

    def __init__(self, options: Mapping[str, Any], server: str) -> None:
        """options: api_url, api_validate_certs, ca_path and timeout, already checked. server: its name, for messages."""
        self.url = str(options["api_url"]).rstrip("/")
        self._server = server
        self._timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT, read=float(options["timeout"]))
        verify = bool(options["api_validate_certs"])
        if not verify:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._pool = urllib3.PoolManager(
            num_pools=2,
            maxsize=CONCURRENCY,
            cert_reqs="CERT_REQUIRED" if verify else "CERT_NONE",
            ca_certs=options.get("ca_path"),
            ssl_minimum_version=ssl.TLSVersion.TLSv1_2,
        )

    def send(
        self, what: str, method: str, path: str, headers: Mapping[str, str], body: Optional[bytes] = None
    ) -> Answer:
        """Send one request, once. what: its name in messages. path: with its first slash and its query.

        Raises NotSentError, UnreachableError or UntrustedError when there is no answer.
        """
        try:
            response = self._pool.request(
                method,
                self.url + path,
                body=body,
                headers=dict(headers),
                timeout=self._timeout,
                retries=False,
                redirect=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._no_answer(what, error) from error
        return Answer(response.status, response.headers, response.data)

    def _no_answer(self, what: str, error: Exception) -> PlatformError:
        if isinstance(error, urllib3.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return UntrustedError(
                f"{what}: the certificate of {self.url} is not trusted: {error}.",
                "Set ca_path to the PEM file of the CA that signed it.",
            )
        message = f"{what}: no answer from {self.url}: {error}."
        advice = f"Check that {self._server} runs and that api_url is right."
        connecting = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
        if isinstance(error, connecting):
            return NotSentError(message, advice)
        return UnreachableError(message, advice)


def basic(user: str, password: str) -> str:
    """The header C(Authorization) of a login by name and password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class _FinalError(Exception):
    """Carries an error past the retry loop, which only knows PlatformError."""

    def __init__(self, error: PlatformError) -> None:
        super().__init__(str(error))
        self.error = error


def at_most_once(call: Callable[[], Result], backoff: Backoff) -> Result:
    """Make a call that must not happen twice: repeated only when the server certainly did nothing.

    After an error for which C(core.web.unclear) is true the caller must look what happened.
    """

    def once() -> Result:
        try:
            return call()
        except PlatformError as error:
            if not_carried_out(error):
                raise
            raise _FinalError(error) from error

    try:
        return retried(once, backoff)
    except _FinalError as final:
        raise final.error from final.error.__cause__


def create_once(
    create: Callable[[], Result],
    find: Callable[[], Optional[Result]],
    is_taken: Callable[[PlatformError], bool],
    try_taken: bool = False,
) -> Result:
    """Make a thing, and only one: after an unclear answer, or when another run was faster, what is there counts.

    create: makes it, and may raise. find: what is there now; None when nothing is. is_taken: whether an error says that it is
    there already. try_taken: try again when it is said to be there and nothing is found. Raises what C(create) or C(find) raises.
    """
    for attempt in range(TRIES):
        try:
            return create()
        except PlatformError as error:
            if not unclear(error) and not is_taken(error):
                raise
            found = find()
            if found is not None:
                return found
            if attempt == TRIES - 1 or (is_taken(error) and not try_taken):
                raise
    raise AssertionError("unreachable")


def check_connection(options: Mapping[str, Any], allowed_url: str, problems: Problems) -> None:
    """Collect the mistakes in api_url, ca_path, retries and timeout. allowed_url: what api_url should be."""
    url = str(options.get("api_url") or "")
    if not url.startswith("https://") and not url.startswith("http://"):
        problems.add("api_url", url, allowed_url)
    if options.get("ca_path") and not os.path.isfile(options["ca_path"]):
        problems.add("ca_path", options["ca_path"], "an existing PEM file with CA certificates")
    if int(options["retries"]) < 0:
        problems.add("retries", options["retries"], "0 or more")
    if float(options["timeout"]) <= 0:
        problems.add("timeout", options["timeout"], "seconds, more than 0")
