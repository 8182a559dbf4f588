# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""How an HTTP request can end, whatever the server: not sent, not carried out, or with an outcome that nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from .errors import PlatformError, RemoteError, UnreachableError

#: The answer was broken off or is not in the server's own form, although the status says that all went well.
BAD_ANSWER = "bad answer"


class NotSentError(UnreachableError):
    """No connection came about, so the server cannot have seen the request: anything may be sent again."""


class UntrustedError(PlatformError):
    """The server's certificate is not trusted. Asking again does not help."""


def unclear(error: PlatformError) -> bool:
    """True when the server may have carried out the request although no good answer came back."""
    if isinstance(error, NotSentError):
        return False
    if isinstance(error, UnreachableError):
        return True
    return isinstance(error, RemoteError) and (error.status >= 500 or error.reason == BAD_ANSWER)


def not_carried_out(error: PlatformError) -> bool:
    """True when the server certainly did nothing, so that even a create may be sent again."""
    return isinstance(error, NotSentError) or (isinstance(error, RemoteError) and error.status == 429)


def retry_after(headers: Mapping[str, str]) -> Optional[float]:
    """The seconds that the server asked to wait; None when it did not say, or gave a date."""
    try:
        return float(headers["Retry-After"])
    except (KeyError, ValueError):
        return None


def media_type(headers: Mapping[str, str]) -> str:
    """The kind of the body without parameters, for messages."""
    return (headers.get("Content-Type") or "no content type").split(";")[0]
