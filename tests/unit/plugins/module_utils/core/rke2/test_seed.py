# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Who begins the cluster: a datastore that exists anywhere wins, and nobody ever begins a second one (RKE2-2)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.facts import Facts
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.seed import choose

NAMES = ("server-1", "server-2", "server-3")
JOINING = {"server": "https://k8s.example.com:9345"}


def host(datastore: bool = False, seed: bool = False, ca: str = "aa", joined: bool = False) -> Facts:
    config = {} if seed or not datastore else JOINING
    return Facts(datastore=datastore, config=config, ca_hash=ca if datastore else "", joined=joined or datastore)


def servers(*facts: Facts | None) -> dict[str, Facts | None]:
    return dict(zip(NAMES, facts, strict=True))


def test_the_first_of_the_inventory_begins_when_all_are_fresh() -> None:
    choice = choose(servers(host(), host(), host()), {}, NAMES)
    assert (choice.name, choice.fresh, choice.refusal) == ("server-1", True, "")


def test_the_seed_stays_the_seed() -> None:
    choice = choose(servers(host(True, seed=True), host(True), host(True)), {}, NAMES)
    assert (choice.name, choice.fresh) == ("server-1", False)
    # also when the inventory is sorted anew
    choice = choose({"server-9": host(True), "server-1": host(True, seed=True)}, {}, NAMES)
    assert choice.name == "server-1"


def test_a_wiped_seed_joins_the_others() -> None:
    choice = choose(servers(host(), host(True), host(True)), {}, NAMES)
    assert (choice.name, choice.fresh, choice.refusal) == ("", False, "")


def test_a_server_that_did_not_answer_may_hold_the_datastore() -> None:
    assert "server-3 did not answer and may have one" in choose(servers(host(), host(), None), {}, NAMES).refusal


def test_agents_remember_a_cluster_that_the_servers_lost() -> None:
    choice = choose(servers(host(), host(), host()), {"agent-1": host(joined=True)}, NAMES)
    assert "agent-1 belong to a cluster" in choice.refusal
    assert "etcd_restore" in choice.refusal


def test_two_clusters_in_one_inventory_are_refused() -> None:
    refusal = choose(servers(host(True, True, "aa"), host(True, True, "bb"), host()), {}, NAMES).refusal
    assert "different clusters" in refusal


def test_limit_does_not_choose_another_beginning() -> None:
    assert "begins on server-1, which --limit leaves out" in choose(servers(*[host()] * 3), {}, ("server-2",)).refusal


hosts = st.none() | st.builds(host, st.booleans(), st.booleans(), st.sampled_from(["aa", "bb"]), st.booleans())


@given(st.lists(hosts, min_size=1, max_size=5), st.lists(hosts, max_size=2), st.data())
def test_never_a_second_cluster(found: list[Facts | None], workers: list[Facts | None], data: st.DataObject) -> None:
    all_servers = {f"server-{number}": facts for number, facts in enumerate(found)}
    in_play = data.draw(st.lists(st.sampled_from(sorted(all_servers)), unique=True))
    choice = choose(all_servers, {f"agent-{number}": facts for number, facts in enumerate(workers)}, in_play)
    if choice.fresh:
        assert all(facts is not None and not facts.datastore for facts in found)
        assert not any(facts and facts.joined for facts in workers)
        assert choice.name in in_play
    holder = all_servers.get(choice.name)
    if choice.name and not choice.fresh:
        assert holder is not None
        assert holder.datastore
