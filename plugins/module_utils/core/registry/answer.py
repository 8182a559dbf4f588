# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What an HTTP answer of Harbor's API v2.0 means: its data, or one of our errors.

A refusal is C({"errors": [{"code": "CONFLICT", "message": "..."}]}) (goharbor/harbor, src/lib/http/error.go). Reads answer
with JSON, writes mostly with nothing. Anything else comes from something else: an ingress, or Harbor's own web page, which
answers 200 with HTML at every path that the API does not have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Optional

from ..errors import AuthError, NotFoundError, PlatformError, RemoteError
from ..web import BAD_ANSWER, media_type, retry_after

#: Harbor's words for the refusals that are told apart (src/lib/errors/const.go), as L(RemoteError)'s reason.
CONFLICT, PRECONDITION = "CONFLICT", "PRECONDITION"

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


class LoginRefusedError(AuthError):
    """User or password are not, or no longer, accepted: HTTP 401. What the user may not do is a plain AuthError (403)."""


def read_answer(what: str, status: int, headers: Mapping[str, str], body: bytes) -> Any:
    """Return the decoded body of a good answer, None when it has none.

    what: the request, for the message. headers: case-insensitive. Raises LoginRefusedError, AuthError, NotFoundError or
    RemoteError, with Harbor's code or BAD_ANSWER as its reason.
    """
    try:
        data = json.loads(body) if body.strip() else None
    except ValueError:
        raise _foreign(what, status, headers) from None
    if status < 300:
        return data
    refusals = data.get("errors") if isinstance(data, dict) else None
    if not isinstance(refusals, list) or not all(isinstance(each, dict) for each in refusals):
        raise _foreign(what, status, headers)
    raise _refusal(what, status, refusals, headers)


def is_conflict(error: PlatformError) -> bool:
    """True when Harbor has something of that name already."""
    return isinstance(error, RemoteError) and error.reason == CONFLICT


def seconds_of(moment: Any) -> Optional[float]:
    """Seconds since the epoch of one of Harbor's times (C(2026-11-21T10:00:00.123Z)); None when it is none."""
    match = _TIME.fullmatch(str(moment or ""))
    if match is None:
        return None
    # Before Python 3.11 fromisoformat knows neither Z nor every length of fractions.
    return datetime.fromisoformat(match[1] + ("+00:00" if match[2] == "Z" else match[2])).timestamp()


def _refusal(what: str, status: int, refusals: list[dict[str, Any]], headers: Mapping[str, str]) -> PlatformError:
    code = str(refusals[0].get("code") or "") if refusals else ""
    said = "; ".join(str(each.get("message") or "no message") for each in refusals) or "no message"
    message = f"{what}: {said} (Harbor {status}{' ' + code if code else ''})."
    if status == 401:
        return LoginRefusedError(
            message, "Check api_user and api_password. The first password counts until somebody changed it in Harbor."
        )
    if status == 403:
        return AuthError(message, "This needs a user who administers Harbor, or a robot that may do this.")
    if status == 404:
        return NotFoundError(message)
    return RemoteError(message, status=status, reason=code, retry_after=retry_after(headers))


def _foreign(what: str, status: int, headers: Mapping[str, str]) -> PlatformError:
    """The error for an answer that is not of Harbor's API."""
    kind = media_type(headers)
    if status == 401:
        # The token service refuses a login without a body.
        return LoginRefusedError(f"{what}: the login is refused (HTTP 401).", "Check api_user and api_password.")
    if 300 <= status < 400:
        return RemoteError(
            f"{what}: redirected to {headers.get('Location', 'nowhere')} (HTTP {status}).",
            "api_url must be the registry itself, for example https://registry.example.com; redirects are not followed.",
            status=status,
        )
    if status < 300:
        return RemoteError(
            f"{what}: the answer is not one of Harbor's API (HTTP {status}, {kind}; broken off?).",
            "Run again; if it stays, check that api_url is Harbor and no other page.",
            status=502,
            reason=BAD_ANSWER,
        )
    advice = "Check Harbor and the ingress in front of it."
    message = f"{what}: HTTP {status} from something in front of Harbor ({kind})."
    if status == 404:
        # As long as an ingress has not heard of Harbor it answers 404, so this is worth asking again, as 503 is.
        return RemoteError(message, "Nothing serves Harbor's API there; check api_url.", status=503)
    return RemoteError(message, advice, status=status, retry_after=retry_after(headers))
