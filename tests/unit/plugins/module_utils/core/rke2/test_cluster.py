# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The plan over all nodes: nothing when all is as declared, one restart for one change, and refusals before any change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError, RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2 import places
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.cluster import Node, plan_cluster
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.facts import ANNOTATION_CORDONED

from .nodes import (
    NEWER,
    VERSION,
    changed,
    cluster_of,
    declared,
    fresh,
    limited,
    member,
    running,
    silent,
    variables,
)

RAW = variables()


def kinds(nodes: list[Node], **options: Any) -> dict[str, str]:
    """What is due, by host; only hosts with something to do."""
    plan = plan_cluster(nodes, **options)
    return {name: one.kind or "write" for name, one in plan.nodes.items() if one.due}


def refusal(nodes: list[Node], **options: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        plan_cluster(nodes, **options)
    return str(caught.value)


def mistakes(nodes: list[Node], **options: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        plan_cluster(nodes, **options)
    return str(caught.value)


def new_hosts(raw: dict[str, Any], servers: int = 3, agents: int = 2) -> list[Node]:
    names = [("server", f"server-{number + 1}") for number in range(servers)]
    names += [("agent", f"agent-{number + 1}") for number in range(agents)]
    return [Node(name, kind, name, fresh(name), raw) for kind, name in names]


# --- what is due ---


def test_a_cluster_from_nothing() -> None:
    plan = plan_cluster(new_hosts(RAW))
    assert kinds(new_hosts(RAW)) == {
        "server-1": "init",
        "server-2": "join",
        "server-3": "join",
        "agent-1": "join",
        "agent-2": "join",
    }
    assert "server" not in plan.nodes["server-1"].settings.config
    assert plan.nodes["server-2"].settings.config["server"] == "https://k8s.example.com:9345"
    assert all(one.install for one in plan.nodes.values())


def test_nothing_is_due_when_all_is_as_declared() -> None:
    plan = plan_cluster(cluster_of(RAW))
    assert [one.summary for one in plan.nodes.values()] == ["as declared"] * 5
    assert plan.marks == []


def test_a_single_node_needs_no_endpoint() -> None:
    raw = variables(api_endpoint="")
    assert kinds(new_hosts(raw, 1, 1)) == {"server-1": "init", "agent-1": "join"}
    plan = plan_cluster(new_hosts(raw, 1, 1))
    assert plan.nodes["agent-1"].settings.config["server"] == "https://server-1:9345"


def test_a_change_on_one_server_restarts_that_one() -> None:
    raw = variables(host_config={"kubelet-arg": ["max-pods=200"]})
    assert kinds(declared(cluster_of(RAW), raw, "server-2")) == {"server-2": "restart"}


def test_a_run_killed_between_file_and_restart_is_resumed() -> None:
    """The files are as declared, but the last start did not read them."""
    raw = variables(host_config={"kubelet-arg": ["max-pods=200"]})
    nodes = [
        replace(node, facts=running(node.name, "server", raw, members=node.facts.nodes), raw=raw)
        if node.name == "server-2" and node.facts
        else node
        for node in cluster_of(RAW)
    ]
    old = next(node.facts.last_start for node in cluster_of(RAW) if node.name == "server-2" and node.facts)
    assert kinds(nodes) == {}
    assert kinds(changed(nodes, "server-2", last_start=old)) == {"server-2": "restart"}


def test_a_file_that_somebody_changed_is_put_back_with_a_restart_only_if_a_start_read_it() -> None:
    nodes = cluster_of(RAW)
    files = {**nodes[1].facts.files, places.CONFIG: {"digest": "x", "mode": "0600", "ours": "true"}}  # type: ignore[union-attr]
    plan = plan_cluster(changed(nodes, "server-2", files=files))
    assert plan.nodes["server-2"].write == (places.CONFIG,)
    assert plan.nodes["server-2"].kind == ""


def test_labels_and_taints_need_no_restart() -> None:
    raw = variables(node_labels={"example.com/pool": "a"}, node_taints=["example.com/pool=a:NoSchedule"])
    nodes = declared(cluster_of(RAW), raw, "agent-1")
    plan = plan_cluster(nodes)
    assert plan.nodes["agent-1"].kind == ""
    assert [one["name"] for one in plan.marks] == ["agent-1"]


def test_a_manifest_is_written_without_a_restart() -> None:
    raw = variables(manifests={"x.yaml": "kind: List\n"})
    assert kinds(declared(cluster_of(RAW), raw)) == dict.fromkeys(("server-1", "server-2", "server-3"), "write")


def test_manual_restarts_are_only_told() -> None:
    raw = variables(host_config={"debug": True}, restart_policy="manual")
    plan = plan_cluster(declared(cluster_of(RAW), raw, "server-2"))
    assert plan.nodes["server-2"].kind == ""
    assert any("server-2" in warning for warning in plan.warnings)


def test_a_node_that_was_left_drained_is_brought_back() -> None:
    nodes = cluster_of(RAW)
    members = tuple(
        replace(one, unschedulable=True, annotations={ANNOTATION_CORDONED: "true"}) if one.name == "agent-1" else one
        for one in nodes[0].facts.nodes  # type: ignore[union-attr]
    )
    for name in ("server-1", "server-2", "server-3"):
        nodes = changed(nodes, name, nodes=members)
    assert kinds(nodes) == {"agent-1": "write"}
    assert plan_cluster(nodes).nodes["agent-1"].cordoned


def test_a_server_that_is_down_is_started() -> None:
    assert kinds(changed(cluster_of(RAW), "server-2", active={}, running="")) == {"server-2": "start"}


def test_a_wiped_host_joins_and_its_old_node_is_forgotten() -> None:
    nodes = cluster_of(RAW)
    nodes[0] = replace(nodes[0], facts=fresh("server-1"))
    plan = plan_cluster(nodes)
    assert {name: one.kind for name, one in plan.nodes.items() if one.due} == {"server-1": "join"}
    assert plan.nodes["server-1"].stale
    assert plan.nodes["server-1"].settings.config["server"] == "https://k8s.example.com:9345"


def test_a_new_agent_under_limit() -> None:
    nodes = [*cluster_of(RAW), Node("agent-3", "agent", "agent-3", fresh("agent-3"), RAW)]
    assert kinds(limited(nodes, "agent-3")) == {"agent-3": "join"}


# --- upgrades ---


def test_an_upgrade_needs_its_playbook() -> None:
    nodes = declared(cluster_of(RAW), variables(version=NEWER))
    assert "ai_tenancy.platform.rke2_upgrade" in refusal(nodes)
    assert kinds(nodes, intent="upgrade") == dict.fromkeys(
        ("server-1", "server-2", "server-3", "agent-1", "agent-2"), "upgrade"
    )


def test_a_half_upgraded_node_is_only_restarted() -> None:
    nodes = changed(declared(cluster_of(RAW), variables(version=NEWER)), "server-1", installed=NEWER)
    one = plan_cluster(nodes, "upgrade").nodes["server-1"]
    assert (one.install, one.kind) == (False, "upgrade")


@pytest.mark.parametrize(
    ("now", "wanted", "why"),
    [
        ("v1.33.13+rke2r2", NEWER, "more than one minor"),
        (NEWER, VERSION, "a downgrade needs a restored snapshot"),
    ],
)
def test_steps_that_are_refused(now: str, wanted: str, why: str) -> None:
    text = refusal(declared(cluster_of(variables(version=now)), variables(version=wanted)), intent="upgrade")
    assert why in text
    assert text.count("\n  - ") == 5, "each node is named"


def test_agents_are_not_upgraded_before_the_servers() -> None:
    nodes = limited(declared(cluster_of(RAW), variables(version=NEWER)), "agent-1")
    assert "upgrade all servers first" in refusal(nodes, intent="upgrade")


# --- refusals ---


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"cni": "cilium"}, "cni"),
        ({"cluster_cidr": "10.50.0.0/16"}, "cluster-cidr"),
        ({"service_cidr": "10.51.0.0/16"}, "service-cidr"),
        ({"cluster_domain": "other.local"}, "cluster-domain"),
        ({"cluster_dns": "10.43.0.20"}, "cluster-dns"),
        ({"server_config": {"datastore-endpoint": "postgres://u:p@h/db"}}, "datastore-endpoint"),
    ],
)
def test_what_a_running_cluster_cannot_change(change: dict[str, Any], key: str) -> None:
    text = refusal(declared(cluster_of(RAW), variables(**change)))
    assert f"server-1: {key} is " in text
    assert "nothing was changed" in text


def test_an_unreachable_server_stops_what_would_touch_another() -> None:
    raw = variables(server_config={"debug": True})
    nodes = silent(declared(cluster_of(RAW), raw), "server-3")
    assert "server-3 did not answer, so no server may be touched (due: server-1, server-2)" in refusal(nodes)


def test_an_unreachable_server_does_not_stop_what_touches_none() -> None:
    nodes = [*silent(cluster_of(RAW), "server-3"), Node("agent-3", "agent", "agent-3", fresh("agent-3"), RAW)]
    assert kinds(nodes) == {"agent-3": "join"}


def test_an_unreachable_agent_stops_nobody() -> None:
    assert kinds(silent(cluster_of(RAW), "agent-1")) == {}


def test_the_method_of_an_installed_node_cannot_change() -> None:
    assert "installed by tar, rke2_install_method says rpm" in refusal(
        declared(cluster_of(RAW), variables(install_method="rpm"))
    )


def test_selinux_without_policy() -> None:
    nodes = new_hosts(RAW)
    nodes[0] = replace(nodes[0], facts=fresh("server-1", selinux="enforcing"))
    assert "server-1 enforces SELinux and has no policy for RKE2" in refusal(nodes)


def test_a_server_does_not_become_an_agent() -> None:
    nodes = cluster_of(RAW)
    nodes[3] = replace(nodes[3], facts=running("agent-1", "server", RAW))
    assert "agent-1 is a server" in refusal(nodes)


def test_critical_settings_are_equal_on_all_servers() -> None:
    nodes = declared(new_hosts(RAW), variables(host_config={"egress-selector-mode": "disabled"}), "server-3")
    assert "egress-selector-mode must be equal on all servers" in refusal(nodes)


# --- mistakes, all at once ---


def test_all_mistakes_in_one_message() -> None:
    raw = variables(
        version="latest",
        token="short",
        api_endpoint="",
        cni="weave",
        cluster_cidr="10.42.0.0/8",
        node_taints=["nonsense"],
        server_config={"token": "x", "no-such-key": 1, "tls-san": []},
        registries={"mirrors": {"docker.io": {"endpoint": ["registry"]}}},
    )
    text = mistakes(new_hosts(raw, 2, 1))
    for part in (
        "rke2_version: 'latest'",
        "rke2_token: '(hidden)'",
        "server-1: rke2_api_endpoint",
        "rke2_cni: 'weave'",
        "rke2_cluster_cidr: '10.42.0.0/8'",
        "rke2_node_taints: 'nonsense'",
        "rke2_server_config.token: '(hidden)' is not allowed; allowed: not here; use rke2_token",
        "rke2_server_config: 'no-such-key'",
        "use rke2_tls_san_extra",
        "rke2_registries.mirrors[docker.io].endpoint",
        "inventory group rke2_servers: 2 is not allowed",
    ):
        assert part in text, part
    assert "short" not in text


@pytest.mark.parametrize(
    "token", ["", "short", "defaultSecret12345", "aaaaaaaaaaaaaaaaaaaaaaaa", "with a blank 1234567"]
)
def test_tokens_that_are_none(token: str) -> None:
    text = mistakes(new_hosts(variables(token=token)))
    assert "rke2_token" in text
    assert not token or token not in text


def test_two_servers_by_consent() -> None:
    assert kinds(new_hosts(RAW, 2, 0), allow_even=True) == {"server-1": "init", "server-2": "join"}


def test_no_server_at_all() -> None:
    assert "no host in rke2_servers" in mistakes(new_hosts(RAW, 0, 1))


def test_one_version_for_all() -> None:
    assert "rke2_version" in mistakes(declared(new_hosts(RAW), variables(version=NEWER), "agent-2"))


# --- properties ---


@settings(max_examples=30, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "host_config": st.sampled_from([{"debug": True}, {"kubelet-arg": ["a=b"]}]),
            "tls_san_extra": st.lists(st.sampled_from(["a.example.com", "10.9.9.9"]), unique=True),
            "node_taints": st.just(["a.b/c=d:NoSchedule"]),
            "environment": st.just({"HTTPS_PROXY": 'http://u:p"$@proxy:3128'}),
            "profile": st.sampled_from(["", "cis"]),
            "etcd_snapshot": st.just({"schedule": "0 * * * *", "s3": {"bucket": "b", "secret_key": "geheim-123"}}),
            "agent_token": st.just("0a1b2c3d4e5f6a7b8c9d"),
        },
    )
)
def test_after_the_plan_was_carried_out_nothing_is_due(change: dict[str, Any]) -> None:
    assert kinds(cluster_of(variables(**change))) == {}


def test_members_are_never_invented() -> None:
    assert member("a").healthy
    assert not member("a", ready=False).healthy
    assert not member("a", server=True, voter=False).healthy


def test_the_nodes_of_two_clusters_are_not_made_one() -> None:
    """Two inventories that were given together have their hosts in the same groups."""
    other = new_hosts({**RAW, "cluster_name": "workload-1"}, servers=1, agents=0)
    nodes = [*new_hosts({**RAW, "cluster_name": "management"}, 2, 0), replace(other[0], name="other-1")]
    assert (
        "rke2_cluster_name: ['management', 'workload-1'] is not allowed; allowed: the same value on all nodes; an inventory "
        "has the nodes of one cluster, so run the playbook once for each"
    ) in mistakes(nodes)
