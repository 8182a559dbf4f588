# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The calls, one file per service. Importing this package fills L(registry.CALLS)."""

from __future__ import annotations

from . import (
    auth,
    credentials,
    events,
    login,
    projects,
    queues,
    routers,
    server,
    system,
    tasks,
    tenants,
    users,
    workers,
)

__all__ = [
    "auth",
    "credentials",
    "events",
    "login",
    "projects",
    "queues",
    "routers",
    "server",
    "system",
    "tasks",
    "tenants",
    "users",
    "workers",
]
