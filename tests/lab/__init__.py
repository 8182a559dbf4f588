# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The laboratory: a real Kubernetes control plane with played nodes, and stand-ins for k3k, storage and ClearML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .errors import LabError
    from .manager import Lab

__all__ = ["Lab", "LabError"]


def __getattr__(name: str) -> Any:
    """Import on first use: the stand-ins live in this package too, and do not need the manager."""
    if name == "Lab":
        from .manager import Lab

        return Lab
    if name == "LabError":
        from .errors import LabError

        return LabError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
