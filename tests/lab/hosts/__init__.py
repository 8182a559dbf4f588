# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The host laboratory: containers that boot systemd and look like SUSE Linux Enterprise Server, reached over SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .lab import HostLab
    from .spec import HostSpec

__all__ = ["HostLab", "HostSpec"]


def __getattr__(name: str) -> Any:
    """Import on first use: the services of a laboratory live in this package too, and do not need the manager."""
    if name == "HostLab":
        from .lab import HostLab

        return HostLab
    if name == "HostSpec":
        from .spec import HostSpec

        return HostSpec
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
