# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The supervisor of this server, asked as C(rke2 token rotate) asks it.

That command takes the new token as an argument, where every user of the host can read it in /proc. The request behind it
takes it in its body (k3s-io/k3s, pkg/cli/token and pkg/server/handlers/token.go).
"""

from __future__ import annotations

import json
from typing import Optional
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url

from ...core.errors import AuthError, PlatformError, UnreachableError
from ...core.rke2 import places, token
from ..machine import Machine

_URL = f"https://127.0.0.1:{places.SUPERVISOR_PORT}"
#: The CA that signed the supervisor's certificate.
_CA = f"{places.TLS}/server-ca.crt"
_ROTATE = "/v1-rke2/token"
#: Answers only to who knows the servers' token.
_WHO_AM_I = "/db/info"


class Supervisor:
    """Requests with a server's token."""

    def __init__(self, machine: Machine) -> None:
        self._ca = machine.path(_CA)

    def accepts(self, secret: str) -> bool:
        """Whether a token is the servers' token now."""
        try:
            self._request("GET", _WHO_AM_I, secret)
        except AuthError:
            return False
        return True

    def rotate(self, old: str, new: str) -> None:
        """Replace the token. Nodes that run go on; what starts needs the new one. Raises AuthError when old is wrong."""
        self._request("PUT", _ROTATE, old, json.dumps({"newToken": token.password(new)}))

    def _request(self, method: str, path: str, secret: str, body: Optional[str] = None) -> None:
        try:
            answer = open_url(
                _URL + path,
                method=method,
                data=None if body is None else body.encode(),
                headers={"Content-Type": "application/json"},
                url_username="server",
                url_password=token.password(secret),
                force_basic_auth=True,
                ca_path=self._ca,
                use_proxy=False,
                timeout=60,
            )
            answer.read()
        except HTTPError as error:
            text = error.read().decode("utf-8", "replace")[:300]
            if error.code in (401, 403):
                raise AuthError("The supervisor does not accept this token.") from error
            raise PlatformError(f"The supervisor answers {error.code} to {method} {path}: {text}") from error
        except OSError as error:
            reason = getattr(error, "reason", error)
            raise UnreachableError(
                f"The supervisor of this server does not answer: {reason}", "Is it running?"
            ) from error
