# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What the tests of the playbooks share: two laboratories of their own, in which nobody else writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.integration.labs import laboratory
from tests.integration.playbooks import documents
from tests.integration.playbooks.runner import Run, Site
from tests.integration.playbooks.state import ClearML, Kubernetes
from tests.lab import Lab

#: NVIDIA nodes of the large laboratory, 8 cards each: enough for 300 tenants with one card.
MANY_NODES = 40


@pytest.fixture(scope="package")
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A laboratory in which every virtual cluster has its own API."""
    with laboratory(request.config, "-playbooks", k3k_server_start=1.0, k3k_stop=0.2) as instance:
        yield instance


@pytest.fixture(scope="package")
def large_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """A laboratory for many tenants: their clusters have no API, and their pods are ready at once."""
    options = {"inner_api": False, "nodes": MANY_NODES, "k3k_server_start": 0.2, "k3k_stop": 0.1}
    with laboratory(request.config, "-large", **options) as instance:
        yield instance


@dataclass
class World:
    """A site with its tenants, and what is on both APIs."""

    site: Site
    kubernetes: Kubernetes
    clearml: ClearML


@dataclass
class Begun(World):
    """Three tenants as declared; first_plan, first_run: how they came to be."""

    first_plan: Run
    first_run: Run
    planned: dict[str, object]
    since: int = 0


@pytest.fixture(scope="package")
def begun(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Begun:
    """The three tenants, made by a plan and a run on an empty laboratory."""
    site = Site(lab, tmp_path_factory.mktemp("three"))
    site.declare(documents.three())
    kubernetes, clearml = Kubernetes(lab), ClearML(lab)
    before = clearml.now()
    plan = site.plan()
    planned = {"objects": kubernetes.objects(), "writes": clearml.writes(before)}
    return Begun(site, kubernetes, clearml, plan, site.converge(), planned)


@pytest.fixture
def three(begun: Begun) -> Begun:
    """The three tenants as first declared; what an earlier test left otherwise is put back."""
    begun.site.declare(documents.three())
    return begun


@pytest.fixture
def crowd(large_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A site of its own on the large laboratory."""
    return World(Site(large_lab, tmp_path_factory.mktemp("crowd")), Kubernetes(large_lab), ClearML(large_lab))
