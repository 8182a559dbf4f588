# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Where logins of robots are kept: Kubernetes Secrets with which pods can pull, or files of mode 0600."""

from __future__ import annotations

import os
from typing import Any, Optional

from ..core.errors import PlatformError
from ..core.registry import logins
from ..core.registry.requests import RobotRequest
from ..core.registry.robots import Login
from ..files import write_private
from ..store import SecretStore


class Kept:
    """What is kept of one robot, as it was found. login: None when nothing is, or nothing usable."""

    def __init__(self, request: RobotRequest, secrets: Optional[SecretStore]) -> None:
        """secrets: None only when no robot is kept in a Secret. Raises RefusedError for a Secret of somebody else."""
        self._request = request
        self._secrets = secrets
        self._live: Optional[dict[str, Any]] = None
        self._text: Optional[str] = None
        if request.store.path:
            self._text = _read(request.store.path)
            self.login = logins.from_text(self._text)
        else:
            self._live = self._there().get(request.store.namespace, request.store.name)
            self.login = logins.from_secret(request, self._live)

    @property
    def exists(self) -> bool:
        """Whether there is a Secret or a file."""
        return self._live is not None or self._text is not None

    def rehearse(self, login: Login) -> None:
        """Raise what L(write) would raise, as far as that can be known without writing. A namespace may come later."""
        if not self._request.store.path:
            self._there().rehearse(logins.to_secret(self._request, login), self._live, namespace_may_lack=True)

    def write(self, login: Login) -> None:
        """Keep this login instead. Raises ConflictError when another run was faster."""
        if self._request.store.path:
            self._text = logins.to_text(login)
            write_private(self._request.store.path, self._text)
        else:
            self._live = self._there().write(logins.to_secret(self._request, login), self._live)
        self.login = login

    def remove(self) -> None:
        """Keep nothing any more."""
        if not self._request.store.path:
            self._there().delete(self._request.store.namespace, self._request.store.name)
        elif os.path.exists(self._request.store.path):
            try:
                os.unlink(self._request.store.path)
            except OSError as error:
                raise PlatformError(f"Cannot remove {self._request.store.path}: {error.strerror}.") from error
        self._live = self._text = self.login = None

    def _there(self) -> SecretStore:
        if self._secrets is None:
            raise AssertionError("a Secret is wanted, but there is no place to keep it")
        return self._secrets


def _read(path: str) -> Optional[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise PlatformError(f"Cannot read {path}: {error}.", "Give another path, or remove that file.") from error
