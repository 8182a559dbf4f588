# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The ClearML stand-in, and a session with it whose time does not pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.session import Session
from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.tenants import Tenants
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.requests import parse_tenants
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.result import Outcome
from tests.lab.clearml.inprocess import Running, running
from tests.unit.plugins.module_utils.memory import MemorySecrets, Time


@dataclass
class World:
    """A ClearML server, Secrets, and one way to run clearml_tenant against them."""

    server: Running
    secrets: MemorySecrets = field(default_factory=MemorySecrets)
    time: Time = field(default_factory=Time)
    learned: list[str] = field(default_factory=list)
    now: float = 1_900_000_000.0

    def options(self, **changes: Any) -> dict[str, Any]:
        return {
            "api_url": self.server.url,
            "access_key": self.server.access_key,
            "secret_key": self.server.secret_key,
            "token": None,
            "ca_path": str(self.server.ca_file),
            "api_validate_certs": True,
            "timeout": 5,
            "retries": 3,
            **changes,
        }

    def session(self, **changes: Any) -> Session:
        return Session(self.options(**changes), self.learned.append, self.time.clock())

    def converge(self, *items: dict[str, Any], check_mode: bool = False, verify: bool = True) -> list[Outcome]:
        """Run clearml_tenant's work with a session of its own."""
        tenants = Tenants(self.session(), self.secrets, lambda: self.now, check_mode, verify)
        return tenants.converge(parse_tenants(list(items)), 4)

    def one(self, item: dict[str, Any], **options: Any) -> Outcome:
        return self.converge(item, **options)[0]

    def fault(self, *faults: dict[str, Any]) -> None:
        self.server.control("POST", "faults", list(faults))

    def calls(self) -> list[dict[str, Any]]:
        """All requests so far, as the server saw them."""
        return list(self.server.control("GET", "requests"))

    def state(self) -> dict[str, Any]:
        return dict(self.server.control("GET", "state"))

    def companies(self, name: str = "ACME") -> list[dict[str, Any]]:
        return [item for item in self.state()["companies"] if item["name"] == name]

    def admin(self, email: str = "a@acme.example") -> dict[str, Any]:
        (user,) = [item for item in self.state()["users"] if item["email"] == email]
        return dict(user)

    def access_keys(self, label: str = "ai-tenancy:acme:agent") -> list[str]:
        return [pair["access_key"] for pair in self.admin()["credentials"] if pair["label"] == label]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as instance:
        yield instance


@pytest.fixture
def world(server: Running) -> World:
    return World(server)


@pytest.fixture
def older(tmp_path: Path) -> Iterator[World]:
    """A server before 3.30: companies cannot be deleted by a call."""
    with running(tmp_path / "older", "enterprise-3.29") as instance:
        yield World(instance)


@pytest.fixture
def open_source(tmp_path: Path) -> Iterator[World]:
    with running(tmp_path / "oss", "oss") as instance:
        yield World(instance)
