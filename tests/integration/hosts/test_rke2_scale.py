# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Many agents in one run: they join in batches, and an unchanged run costs each of them no more than one of two (RKE2-3).

A laboratory of its own: one server and fifty agents, about 8 GiB of memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.hosts.clusters import Cluster
from tests.integration.hosts.conftest import laboratory
from tests.integration.hosts.site import launches
from tests.lab.hosts import HostSpec

COUNT = 50
#: A quarter of them.
BATCH = 12
AGENTS = [f"agent-{number}" for number in range(1, COUNT + 1)]
HOSTS = (
    HostSpec("server-1", "15.7", ("rke2_servers",)),
    *(HostSpec(name, ("15.7", "16.0")[number % 2], ("rke2_agents",)) for number, name in enumerate(AGENTS)),
)


@pytest.fixture(scope="module")
def crowd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Fifty-one hosts as just installed."""
    with laboratory(request.config, "scale", HOSTS) as lab:
        cluster = Cluster(lab, tmp_path_factory.mktemp("scale"))
        cluster.declare(rke2_serial_agents="25%")
        yield cluster


def test_agents_join_in_batches(crowd: Cluster) -> None:
    crowd.good("kubernetes", "--forks", "25")
    crowd.on.wait_ready("server-1", "server-1", *AGENTS)
    joining, most = set(), 0
    for _time, host, event in crowd.moments("start", "ready"):
        if host in AGENTS:
            joining = joining | {host} if event == "start" else joining - {host}
            most = max(most, len(joining))
    assert 1 < most <= BATCH


def test_one_agent_of_many_costs_as_much_as_one_of_two(crowd: Cluster) -> None:
    run = crowd.unchanged("--forks", "25")
    assert {launches(run)[agent] for agent in AGENTS} == {1}


def test_a_change_on_one_agent_touches_no_other(crowd: Cluster) -> None:
    before = crowd.starts()
    crowd.hosts["agent-7"] = {"rke2_host_config": {"kubelet-arg": ["max-pods=99"]}}
    crowd.good("kubernetes", "--forks", "25")
    assert crowd.starts() == {**before, "agent-7": before["agent-7"] + 1}
