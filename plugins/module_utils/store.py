# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What is expected of the place where secrets are kept. C(kube/secrets.py) is the one that there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional, Protocol

Secret = Mapping[str, Any]


class SecretStore(Protocol):
    """Kubernetes Secrets, written only when nobody else changed them meanwhile."""

    def list(self, selector: str) -> list[dict[str, Any]]:
        """All Secrets that match a label selector."""

    def get(self, namespace: str, name: str) -> Optional[dict[str, Any]]:
        """One Secret, or None."""

    def rehearse(self, secret: Secret, live: Optional[Secret], namespace_may_lack: bool) -> None:
        """Raise what L(write) would raise, without writing."""

    def write(self, secret: Secret, live: Optional[Secret]) -> dict[str, Any]:
        """Create (C(live) is None) or replace. Raises ConflictError when another writer was faster."""

    def delete(self, namespace: str, name: str) -> bool:
        """Delete one Secret; False when it was not there."""
