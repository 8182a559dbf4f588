# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Tests on hosts share one host laboratory of three servers and two agents; where it cannot run, they are skipped.

AI_TENANCY_TEST_LAB   beginning of the laboratory's name (default: test); hosts-... is added
AI_TENANCY_KEEP_LAB   1: leave it up afterwards, so that the next run starts at once
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.lab.hosts import HostLab, HostSpec
from tests.lab.hosts import prerequisites as machine
from tests.lab.progress import Progress

#: Both releases are among the servers and among the agents.
HOSTS = (
    HostSpec("server-1", "15.7", ("rke2_servers",)),
    HostSpec("server-2", "16.0", ("rke2_servers",)),
    HostSpec("server-3", "15.7", ("rke2_servers",)),
    HostSpec("agent-1", "15.7", ("rke2_agents",), disks=(1024,)),
    HostSpec("agent-2", "16.0", ("rke2_agents",)),
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "hosts: needs hosts (root, podman, mmdebstrap; see docs/hosts.md)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this directory; skip it where hosts cannot run.

    The tests of the laboratory come first: nothing else counts when it is not sound, and whether the machine's settings
    go back shows only while no other host laboratory is up.
    """
    items.sort(key=lambda item: item.path.name != "test_lab_hosts.py")
    here = os.path.dirname(__file__)
    reason = machine.reason()
    for item in items:
        if str(item.path).startswith(here + os.sep):
            item.add_marker(pytest.mark.hosts)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@contextmanager
def laboratory(config: pytest.Config, suffix: str, hosts: Sequence[HostSpec]) -> Iterator[HostLab]:
    """A host laboratory for the block. suffix: end of its name."""
    capture = config.pluginmanager.getplugin("capturemanager")
    assert capture is not None  # pytest's own plugin
    name = f"{os.environ.get('AI_TENANCY_TEST_LAB', 'test')}-{suffix}"
    with capture.global_and_fixture_disabled():  # the first time takes minutes: show it
        instance = HostLab.up(name, hosts, Progress())
    try:
        yield instance
    finally:
        if os.environ.get("AI_TENANCY_KEEP_LAB") != "1":
            instance.down()


@pytest.fixture(scope="package")
def hosts_lab(request: pytest.FixtureRequest) -> Iterator[HostLab]:
    """Three servers and two agents, shared by all; its snapshot "fresh" is the state of hosts just installed."""
    with laboratory(request.config, "hosts", HOSTS) as instance:
        if "fresh" not in instance.snapshots():
            instance.snapshot("fresh")
        yield instance


@pytest.fixture(scope="module")
def fresh_hosts(hosts_lab: HostLab) -> HostLab:
    """The shared laboratory, all hosts as just installed when the module begins."""
    hosts_lab.restore("fresh")
    return hosts_lab
