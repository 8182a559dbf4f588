# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a ClearML server of a given edition is, and what an operator may configure in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .errors import ApiError

#: Default and longest life of a bearer token in seconds (open-source API server 2.3.0: 30 days, 1 year).
TOKEN_EXPIRATION_DEFAULT = 2592000
TOKEN_EXPIRATION_MAXIMUM = 31536000


@dataclass(frozen=True)
class Profile:
    """One edition and version of the server.

    editions: which groups of calls exist: C(oss) (shared), C(enterprise) (system.*, login rules, ...), C(tenants).
    system_crosses_companies: role system may impersonate users of every company; in the open-source server only root may.
    """

    name: str
    server_version: str
    api_version: str
    feature_set: str
    cookie_name: str
    editions: frozenset[str]
    system_crosses_companies: bool

    @property
    def enterprise(self) -> bool:
        """Whether this is ClearML Enterprise."""
        return "enterprise" in self.editions


PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "enterprise-3.30",
            "3.30.0",
            "2.37",
            "advanced",
            "allegro_token",
            frozenset({"oss", "enterprise", "tenants"}),
            True,
        ),
        Profile(
            "enterprise-3.29", "3.29.0", "2.36", "advanced", "allegro_token", frozenset({"oss", "enterprise"}), True
        ),
        Profile("oss", "2.3.0", "2.34", "basic", "clearml_token_basic", frozenset({"oss"}), False),
    )
}


@dataclass
class Settings:
    """Configuration of the running server; L(update) changes it by the names of L(DEFAULTS)."""

    values: dict[str, Any] = field(default_factory=lambda: dict(DEFAULTS))

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def update(self, changes: dict[str, Any]) -> None:
        """Take over changed settings. Raises ApiError 400/12 for an unknown name or a wrong type, and changes nothing."""
        for name, value in changes.items():
            if name not in DEFAULTS:
                raise ApiError(400, 12, f"unknown setting '{name}', known: {', '.join(sorted(DEFAULTS))}")
            if type(value) is not type(DEFAULTS[name]):
                raise ApiError(400, 12, f"setting '{name}' takes a {type(DEFAULTS[name]).__name__}")
        self.values.update(changes)


#: Every setting with its default.
#: company.unique_names: C(CLEARML__apiserver__company__unique_names); without it companies of the same name are allowed.
#: company.deleted_names_reusable, company.deleted_emails_reusable: what a soft-deleted company leaves taken (not published).
#: applications.queue_mode: with C(per_tenant) a new company gets its own queue for applications.
#: credentials.*: cap per user; life in seconds (0: unlimited), administrators are exempt.
#: tokens.*: life of bearer tokens in seconds.
DEFAULTS: dict[str, Any] = {
    "company.unique_names": True,
    "company.deleted_names_reusable": True,
    "company.deleted_emails_reusable": True,
    "applications.queue_mode": "global",
    "credentials.max_per_user": 20,
    "credentials.default_expiration_sec": 0,
    "credentials.max_expiration_sec": 31536000,
    "tokens.default_expiration_sec": TOKEN_EXPIRATION_DEFAULT,
    "tokens.max_expiration_sec": TOKEN_EXPIRATION_MAXIMUM,
    "routers.timeout_sec": 60,
    "workers.timeout_sec": 600,
}
