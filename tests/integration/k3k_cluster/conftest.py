# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The module under test, and tenants that are gone after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.helpers import run_module
from tests.integration.k3k_homes import Home
from tests.integration.k3k_host import Kube
from tests.lab import Lab


@pytest.fixture(scope="module")
def kube(lab: Lab) -> Kube:
    return Kube.from_file(lab.kubeconfig)


@pytest.fixture
def home(kube: Kube) -> Iterator[Callable[[str], Home]]:
    """A tenant by the end of its name; nothing of it is left after the test."""
    made: list[Home] = []

    def make(suffix: str) -> Home:
        made.append(Home(kube, f"kc-{suffix}"))
        made[-1].free()
        return made[-1]

    yield make
    for item in made:
        item.clear()


@pytest.fixture(scope="module")
def k3k(lab: Lab) -> Callable[..., dict[str, Any]]:
    """Run k3k_cluster; quick looks, and a short grace for what does not heal."""

    def run(clusters: list[dict[str, Any]], check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        given = {"wait_sleep": 1, "wait_timeout": 90, "failed_grace": 4, **options}
        return run_module(
            "k3k_cluster", {"kubeconfig": str(lab.kubeconfig), "clusters": clusters, **given}, check, diff
        )

    return run
