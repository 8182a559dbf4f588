# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Modules that run in the worker of their task do what they do in a process of their own (X-4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.playbooks import documents
from tests.integration.playbooks.conftest import Begun
from tests.integration.playbooks.documents import GPU
from tests.integration.playbooks.runner import Run, Site

pytestmark = pytest.mark.lab

LAUNCH = {"ai_tenancy_in_process": False}
LARGER = {"quota": {"accelerators": {"nvidia.com/gpu": 16}}}


def told(run: Run) -> list[tuple[str, str, Any]]:
    """Task, status and whole result of everything that the run did with our modules, in order."""
    return [
        (event["task"], event["status"], {**event["result"], "exception": None})
        for event in run.of("result")
        if event["action"].startswith("ai_tenancy.platform.")
    ]


def both(site: Site, *arguments: str) -> tuple[Run, Run]:
    """The same plan or unchanged run both ways."""
    here, launched = site.run("tenants", *arguments), site.run("tenants", *arguments, **LAUNCH)
    assert here.returncode == launched.returncode
    ways = [{event["in_process"] for event in run.of("launch")} for run in (here, launched)]
    assert ways == [{True}, {False}]
    assert here.launches == launched.launches
    return here, launched


def test_plans_are_the_same(three: Begun) -> None:
    three.site.declare(documents.three(**LARGER))
    here, launched = both(three.site, "--check", "--diff")
    assert here.ok
    assert GPU in here.changed_tenants()["gpu_quota"]
    assert here.diffs() == launched.diffs() != []
    assert told(here) == told(launched)


def test_refusals_are_the_same(three: Begun) -> None:
    three.site.declare(documents.three(cluster={"cluster_cidr": "10.60.0.0/16"}))
    here, launched = both(three.site)
    assert not here.ok
    assert here.failure == launched.failure != ""
    assert told(here) == told(launched)


def test_runs_are_the_same(three: Begun) -> None:
    """A change made here, taken back and made again by launched modules; then nothing is left for either way."""
    three.site.declare(documents.three(**LARGER))
    here = three.site.converge()
    three.site.declare(documents.three())
    three.site.converge(**LAUNCH)
    three.site.declare(documents.three(**LARGER))
    launched = three.site.converge(**LAUNCH)
    assert here.changed_tenants()["gpu_quota"] == {GPU}
    assert here.changed_tasks() == launched.changed_tasks()
    assert here.changed_tenants() == launched.changed_tenants()
    again, once_more = both(three.site)
    assert again.changed == once_more.changed == 0
    assert told(again) == told(once_more)
    three.site.declare(documents.three())
    three.site.converge()
