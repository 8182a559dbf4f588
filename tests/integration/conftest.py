# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Integration tests share one laboratory; those of the playbooks have their own, see playbooks/conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.labs import laboratory
from tests.lab import Lab


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lab: needs the laboratory (scripts/lab)")


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The laboratory that most tests share."""
    with laboratory(request.config) as instance:
        yield instance
