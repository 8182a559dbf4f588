# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What an HTTP answer of a ClearML API server means: its data, or one of our errors.

Every answer is an envelope C({meta, data}) whose C(result_code) is the HTTP status; C(result_subcode) tells the reason.
"Not found" is 400 with a subcode; an envelope with 404 means that this server does not have the call. Anything that is
not an envelope comes from something in front of the server (observed with the open-source API server 2.3.0).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any, Optional

from ..errors import AuthError, NotFoundError, PlatformError, RemoteError
from ..redact import MASK
from ..web import BAD_ANSWER, media_type, retry_after

#: The reasons (C(result_code/result_subcode)) that this collection tells apart; all others are shown as they come.
INVALID_ID = "400/10"
DUPLICATE = "400/801"
QUEUE_NOT_EMPTY = "400/702"
INVALID_QUEUE = "400/701"
#: The key to revoke is not there, or not this user's.
UNKNOWN_KEY = "400/300"
#: Also the answer for an identity that the server's configuration made: no credentials can be made for it.
INVALID_USER_ID = "400/301"

#: Bearer token no longer good (expired, revoked), and key or secret wrong.
_BAD_TOKEN = 30
_BAD_PAIR = (21, 22)
#: C(credentials__key=ABC), C(access_key=ABC): the server puts whole keys into its messages.
_KEYS_IN_TEXT = re.compile(r"\b((?:credentials__|access_|secret_)?key|secret|token)=[^\s,)]+")


def cookie_name(header: str) -> str:
    """The name in a C(Set-Cookie) header; empty when it sets none."""
    return header.partition(";")[0].partition("=")[0].strip()


class NoSuchCallError(NotFoundError):
    """The server does not have the call (older version, or open-source edition)."""


class RejectedPairError(AuthError):
    """Access key or secret key are not, or no longer, known to the server."""


class ExpiredTokenError(AuthError):
    """The bearer token expired or was revoked."""


def scrub(text: str) -> str:
    """Mask the keys that the server's messages may carry."""
    return _KEYS_IN_TEXT.sub(rf"\1={MASK}", text)


def read_answer(call: str, status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return C(data) of a good answer.

    call: for the message, C(service.action). headers: case-insensitive. Raises RejectedPairError, ExpiredTokenError,
    AuthError, NoSuchCallError, or RemoteError with C(reason) as C(code/subcode) or L(BAD_ANSWER).
    """
    envelope = _envelope(body)
    if envelope is None:
        raise _foreign(call, status, headers)
    meta = envelope["meta"]
    if status == 200:
        data = envelope.get("data")
        return data if isinstance(data, dict) else {}
    raise _refusal(call, status, meta, headers)


def has_reason(error: PlatformError, reason: str) -> bool:
    """True when the server refused with this C(code/subcode)."""
    return isinstance(error, RemoteError) and error.reason == reason


def claims_of(token: str) -> dict[str, Any]:
    """Read what a bearer token says (C(server_version), C(api_version), C(feature_set), C(identity)), unverified.

    It came over a trusted connection from the server itself. Returns an empty dict when it is not a JWT.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def _envelope(body: bytes) -> Optional[dict[str, Any]]:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    if isinstance(value, dict) and isinstance(value.get("meta"), dict) and "result_code" in value["meta"]:
        return value
    return None


def _foreign(call: str, status: int, headers: Mapping[str, str]) -> RemoteError:
    """The error for an answer that is not the API server's own."""
    kind = media_type(headers)
    if 300 <= status < 400:
        return RemoteError(
            f"{call}: redirected to {headers.get('Location', 'nowhere')} (HTTP {status}).",
            "api_url must be the API server itself, for example https://api.example.com; redirects are not followed.",
            status=status,
        )
    if status < 300:
        return RemoteError(
            f"{call}: the answer is not one of the ClearML API (HTTP {status}, {kind}; broken off?).",
            "Run again; if it stays, check that api_url is the API server and not the web page.",
            status=502,
            reason=BAD_ANSWER,
        )
    advice = "Check the ClearML API server and the ingress in front of it."
    if status == 404:
        advice = "Nothing serves the ClearML API there; check api_url."
    return RemoteError(
        f"{call}: HTTP {status} from something in front of the ClearML API server ({kind}).",
        advice,
        status=status,
        retry_after=retry_after(headers),
    )


def _refusal(call: str, status: int, meta: Mapping[str, Any], headers: Mapping[str, str]) -> PlatformError:
    subcode = int(meta.get("result_subcode") or 0)
    message = f"{call}: {scrub(str(meta.get('result_msg') or 'no message'))} (ClearML {status}/{subcode})."
    if status == 401 and subcode == _BAD_TOKEN:
        return ExpiredTokenError(message, "Log in again: give access_key and secret_key, or a new token.")
    if status == 401 and subcode in _BAD_PAIR:
        return RejectedPairError(message, "Check access_key and secret_key.")
    if status in (401, 403):
        return AuthError(message, "This needs the platform's credential (role system); a tenant's own is not enough.")
    if status == 404:
        return NoSuchCallError(message, "This ClearML server does not have the call: older version or other edition.")
    return RemoteError(message, status=status, reason=f"{status}/{subcode}", retry_after=retry_after(headers))
