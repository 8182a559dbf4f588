# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From wish and state to stages: what is written in which order, and what is refused (TEN-7, TEN-9; traps 2, 3, 6, 10)."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k import planning
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.desired import cluster_body, policy_body
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.immutable import with_live_literals
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.planning import (
    ClusterPlan,
    Observed,
    plan_absent,
    plan_present,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.refusal import (
    Consent,
    reasons_against_removal,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.request import ClusterRequest, parse_clusters

from .objects import VERSION, Object, applied, namespace, request

YES = Consent(disruptive=True)
GPUS = {"cpu": 8, "nvidia.com/gpu": 8}


def live_of(wanted: ClusterRequest, **changes: Any) -> Object:
    """The Cluster after a request was carried out, with changed fields of its spec."""
    live = applied(cluster_body(wanted, wanted.spec))
    live["spec"].update(changes)
    return live


def seen_with(cluster: Object | None, **more: Any) -> Observed:
    policy = applied(policy_body(request()))
    return Observed(cluster, **{"namespace": namespace(), "policy": policy, **more})


def changed(before: dict[str, Any], after: dict[str, Any], consent: Consent = YES) -> ClusterPlan:
    """The plan from one set of options to another."""
    return plan_present(request(**after), seen_with(live_of(request(**before))), consent)


def sketch(plan: ClusterPlan) -> list[tuple[list[str], str]]:
    """Each stage as its writes, and what it waits for."""
    return [
        ([f"{step.action} {step.kind}" for step in stage.plan.steps], stage.until) for stage in plan.stages
    ]  # fmt: skip


def claim(number: int, **metadata: Any) -> Object:
    name = f"varlibrancherk3s-k3k-acme-server-{number}"
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "t-acme", **metadata}}


# -- creation -----------------------------------------------------------------------------------------------------------


def test_policy_and_namespace_come_first_and_must_be_in_force() -> None:
    """Trap 2: a pod that starts before the namespace is privileged is refused on a hardened host."""
    plan = plan_present(request(create_namespace=True), Observed(), Consent())
    assert sketch(plan) == [
        (["create VirtualClusterPolicy", "create Namespace"], planning.POLICY),
        (["create Cluster"], planning.READY),
    ]


def test_a_bound_namespace_is_enough() -> None:
    plan = plan_present(request(), seen_with(None), Consent())
    assert sketch(plan) == [(["create Cluster"], planning.READY)]


def test_policy_has_nothing_that_reaches_pods_or_quotas() -> None:
    spec = policy_body(request())["spec"]
    assert spec == {"allowedMode": "virtual", "podSecurityAdmissionLevel": "privileged", "disableNetworkPolicy": True}


def test_existing_namespace_is_bound_by_a_patch_of_one_label() -> None:
    loose = namespace()
    loose["metadata"]["labels"] = {"a": "b"}
    plan = plan_present(request(create_namespace=True), seen_with(None, namespace=loose), Consent())
    step = plan.stages[0].plan.steps[0]
    assert (step.kind, step.patch) == ("Namespace", True)
    assert step.body == {"metadata": {"labels": {"policy.k3k.io/policy-name": "t-acme"}}}


@pytest.mark.parametrize("leftover", ["cluster", "pods", "claims"])
def test_same_name_again_waits_for_what_is_left(leftover: str) -> None:
    """Trap 6: the new Service would select the old pods."""
    going = {"deletionTimestamp": "2026-11-21T00:00:00Z"}
    old = live_of(request())
    old["metadata"].update(going)
    pods = [{"metadata": {"name": "k3k-acme-server-0"}}]
    left = {"cluster": old, "pods": pods, "claims": [claim(0, **going)]}
    plan = plan_present(request(), seen_with(**{"cluster": None, leftover: left[leftover]}), Consent())
    assert sketch(plan) == [([], planning.FREE), (["create Cluster"], planning.READY)]


def test_volumes_that_were_kept_are_used_and_told() -> None:
    plan = plan_present(request(), seen_with(None, claims=[claim(0)]), Consent())
    assert sketch(plan) == [(["create Cluster"], planning.READY)]
    assert any("token" in text for text in plan.warnings)


def test_check_mode_tolerates_what_tenant_guard_has_not_written_yet() -> None:
    assert plan_present(request(), Observed(), Consent()).refusal
    plan = plan_present(request(), Observed(), Consent(check_mode=True))
    assert not plan.refusal
    assert sketch(plan)[-1] == (["create Cluster"], planning.READY)
    assert "tenant_guard" in plan.steps[-1].reason
    assert "Namespace" not in [step.kind for step in plan.steps]


def test_foreign_policies_are_refused() -> None:
    policy = applied(policy_body(request()))
    policy["spec"]["allowedMode"] = "shared"
    assert "allows mode shared" in str(plan_present(request(), seen_with(None, policy=policy), Consent()).refusal)
    policy = applied(policy_body(request()))
    policy["metadata"]["labels"]["ai-tenancy.platform/tenant"] = "globex"
    assert "belongs to tenant globex" in str(plan_present(request(), seen_with(None, policy=policy), YES).refusal)


# -- changes ------------------------------------------------------------------------------------------------------------

FREELY = [
    {"agents": 3},
    {"server_limit": {"cpu": "4", "memory": "8Gi"}},
    {"worker_limit": {"cpu": "8000m", "nvidia.com/gpu": "8"}, "agents": 2},
    {"server_args": ["--disable=traefik"], "agent_args": ["--v=2"]},
    {"expose": {"type": "node_port", "server_port": 30443}, "kubeconfig_server": "k8s.example.com"},
    {"expose": {"type": "ingress", "ingress_class_name": "nginx"}, "tls_sans": ["a.example.com"]},
    {"expose": {"type": "load_balancer"}},
    {"secret_mounts": [{"secret_name": "s", "mount_path": "/s", "sub_path": "f"}]},
    {"secret_mounts": [{"secret_name": "s", "mount_path": "/s"}]},
    {"server_envs": [{"name": "A", "value": "b"}], "node_selector": {"pool": "gpu"}},
    {"agent_affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}},
    {"servers": 3, "host_users": False, "priority_class": "high"},
]


@given(st.sampled_from(FREELY), st.sampled_from(FREELY))
def test_plan_of_what_was_applied_is_empty(before: dict[str, Any], after: dict[str, Any]) -> None:
    """plan(apply(plan(x))) writes nothing, whatever it came from (X-1)."""
    live = live_of(request(**before))
    wanted = request(**after)
    for stage in plan_present(wanted, seen_with(live), YES).stages:
        for step in stage.plan.steps:
            if step.kind == "Cluster" and not step.patch:
                live = applied(step.body, live)
    again = plan_present(wanted, seen_with(live), Consent())
    assert sketch(again) == [([], planning.READY)]
    assert live["spec"]["agents"] == wanted.spec["agents"]


def test_a_key_that_left_a_list_entry_is_seen() -> None:
    """Ownership says nothing about what is inside a list."""
    plan = changed(FREELY[7], FREELY[8])
    assert [part.path for part in plan.steps[0].differences] == ["spec.secretMounts"]


def test_quantities_are_compared_as_amounts() -> None:
    same = {"worker_limit": {"cpu": "8000m"}, "persistence": {"storage_request_size": "2000M"}}
    assert changed({"worker_limit": {"cpu": 8}}, same).steps == ()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"cluster_cidr": "10.99.0.0/16"}, "spec.clusterCIDR cannot be changed from unset to '10.99.0.0/16'"),
        ({"cluster_cidr": "10.99.0.0/16"}, {}, "spec.clusterCIDR cannot be changed from '10.99.0.0/16' to unset"),
        ({"service_cidr": "10.98.0.0/16"}, {"service_cidr": "10.97.0.0/16"}, "spec.serviceCIDR"),
        ({}, {"cluster_dns": "10.53.0.11"}, "spec.clusterDNS cannot be changed from unset"),
        ({}, {"persistence": {"type": "ephemeral"}}, "spec.persistence.type"),
        ({}, {"persistence": {"storage_class_name": "x"}}, "spec.persistence.storageClassName"),
        ({"persistence": {"storage_request_size": "20Gi"}}, {}, "storageRequestSize cannot be changed from '20Gi' to '2G'"),
        ({"token_secret": "a"}, {"token_secret": "b"}, "spec.tokenSecretRef"),
        ({}, {"version": "v1.36.0-k3s1"}, "skips a minor version; go through v1.35 first"),
        ({}, {"version": "v1.34.3-k3s1"}, "a downgrade from v1.34.4-k3s1"),
        ({}, {"version": "v1.34.4-rc1-k3s1"}, "a downgrade from v1.34.4-k3s1"),
    ],
)  # fmt: skip
def test_what_cannot_be_changed(before: dict[str, Any], after: dict[str, Any], said: str) -> None:
    """The API lets half of these pass and the cluster breaks; each names the old and the new value."""
    plan = changed(before, after)
    assert said in str(plan.refusal)
    assert plan.stages == ()
    assert plan.refused[0].action == "refuse"


def test_stating_what_is_in_force_anyway_is_no_change() -> None:
    after = {"cluster_cidr": "10.52.0.0/16", "cluster_dns": "10.53.0.10"}
    assert changed({}, after).refusal is None
    # and once it is stored it stays stored, though the request no longer says so
    live = live_of(request(**after))
    assert with_live_literals(request().spec, live)["clusterCIDR"] == "10.52.0.0/16"
    assert plan_present(request(), seen_with(live), Consent()).steps == ()


def test_the_live_text_of_a_size_is_sent() -> None:
    before = {"persistence": {"storage_request_size": "10Gi"}}
    live = live_of(request(**before))
    live["spec"]["persistence"]["storageRequestSize"] = "10240Mi"
    plan = plan_present(request(agents=1, **before), seen_with(live), Consent())
    assert plan.steps[0].body["spec"]["persistence"]["storageRequestSize"] == "10240Mi"


def test_downgrade_with_consent() -> None:
    plan = changed({}, {"version": "v1.33.9-k3s1"}, Consent(downgrade=True))
    assert plan.refusal is None
    assert changed({}, {"version": "v1.32.9-k3s1"}, Consent(downgrade=True)).refusal


def test_version_that_was_never_stated_is_the_hosts() -> None:
    live = live_of(request())
    del live["spec"]["version"]
    plan = plan_present(request(version="v1.36.1-k3s1"), seen_with(live), YES)
    assert "skips a minor version" in str(plan.refusal)


# -- agents with accelerators -------------------------------------------------------------------------------------------


def test_gpu_agents_go_and_come_back() -> None:
    before, after = {"agents": 2, "worker_limit": GPUS}, {"agents": 3, "worker_limit": {**GPUS, "cpu": 16}}
    refused = changed(before, after, Consent()).refusal
    assert "ends every job" in str(refused)
    assert "allow_disruptive" in refused.next_step if refused else False
    plan = changed(before, after)
    assert sketch(plan) == [(["change Cluster"], planning.NO_AGENTS), (["change Cluster"], planning.READY)]
    away, back = plan.steps
    assert (away.body["spec"]["agents"], back.body["spec"]["agents"]) == (0, 3)
    assert away.body["spec"]["workerLimit"] == back.body["spec"]["workerLimit"] == {"cpu": "16", "nvidia.com/gpu": "8"}
    assert [part.path for part in back.differences] == ["spec.agents"]
    assert away.reason.startswith("agents 2 -> 0")


@pytest.mark.parametrize(
    ("before", "after", "stages"),
    [
        ({"agents": 2, "worker_limit": GPUS}, {"agents": 3, "worker_limit": GPUS}, 1),  # scaling alone
        ({"agents": 2, "worker_limit": GPUS}, {"agents": 0, "worker_limit": {"cpu": 1}}, 1),  # to nothing
        ({"agents": 0, "worker_limit": GPUS}, {"agents": 2, "worker_limit": {**GPUS, "cpu": 9}}, 1),  # from nothing
        ({"agents": 2, "worker_limit": {"cpu": 1}}, {"agents": 2, "worker_limit": {"cpu": 2}}, 1),  # no accelerator
        ({"agents": 2, "worker_limit": {"cpu": 1}}, {"agents": 2, "worker_limit": {"cpu": 2}, "agent_update": "recreate"}, 2),
        ({"agents": 2, "worker_limit": GPUS}, {"agents": 2, "worker_limit": {**GPUS, "cpu": 9}, "agent_update": "rolling"}, 1),
        ({"agents": 2, "worker_limit": GPUS}, {"agents": 2, "worker_limit": GPUS, "server_args": ["--a"]}, 1),  # servers only
        ({"agents": 2, "worker_limit": {"cpu": 1}}, {"agents": 2, "worker_limit": GPUS}, 2),  # gets accelerators
        ({"agents": 2, "worker_limit": GPUS}, {"agents": 2, "worker_limit": GPUS, "version": "v1.35.0-k3s1"}, 2),
    ],
)  # fmt: skip
def test_when_agents_are_taken_away(before: dict[str, Any], after: dict[str, Any], stages: int) -> None:
    assert len(changed(before, after).stages) == stages
    if stages == 1:
        assert changed(before, after, Consent()).refusal is None


def test_a_mount_of_the_servers_does_not_touch_the_agents() -> None:
    agents = {"agents": 2, "worker_limit": GPUS}
    mount = {"secret_name": "audit", "mount_path": "/a", "role": "server"}
    assert len(changed(agents, {**agents, "secret_mounts": [mount]}).stages) == 1
    assert len(changed(agents, {**agents, "secret_mounts": [{**mount, "role": "all"}]}).stages) == 2


# -- ephemeral tenants (trap 3) ------------------------------------------------------------------------------------------

EPHEMERAL: dict[str, Any] = {"persistence": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    "change",
    [
        {"version": "v1.35.0-k3s1"},
        {"server_args": ["--a"]},
        {"server_envs": [{"name": "A", "value": "b"}]},
        {"server_limit": {"cpu": 2}},
        {"priority_class": "high"},
        {"node_selector": {"a": "b"}},
        {"addons": [{"secret_ref": "a"}]},
        {"secret_mounts": [{"secret_name": "a", "mount_path": "/a"}]},
    ],
)
def test_what_loses_an_ephemeral_tenant_needs_consent(change: dict[str, Any]) -> None:
    assert "loses everything" in str(changed(EPHEMERAL, {**EPHEMERAL, **change}, Consent()).refusal)
    assert changed(EPHEMERAL, {**EPHEMERAL, **change}).refusal is None
    assert changed({}, change, Consent()).refusal is None  # on a volume it is a restart


@pytest.mark.parametrize("change", [{"agents": 1}, {"tls_sans": ["a.example.com"]}, {"agent_args": ["--a"]}])
def test_what_does_not_restart_the_server_needs_none(change: dict[str, Any]) -> None:
    assert changed(EPHEMERAL, {**EPHEMERAL, **change}, Consent()).refusal is None


def test_a_policy_over_a_running_ephemeral_tenant_needs_consent() -> None:
    loose = namespace()
    del loose["metadata"]["labels"]["policy.k3k.io/policy-name"]
    policy = applied(policy_body(request()))
    policy["spec"]["defaultServerAffinity"] = {"nodeAffinity": {}}
    live = live_of(request(**EPHEMERAL))
    seen = seen_with(live, namespace=loose, policy=policy)
    wanted = request(create_namespace=True, **EPHEMERAL)
    assert "defaultServerAffinity" in str(plan_present(wanted, seen, Consent()).refusal)
    assert plan_present(wanted, seen, YES).refusal is None


# -- servers, exposure, failure -----------------------------------------------------------------------------------------


def test_more_servers_do_not_get_the_volumes_of_former_ones() -> None:
    live = live_of(request())
    seen = seen_with(live, claims=[claim(0), claim(1), claim(2)])
    plan = plan_present(request(servers=3), seen, Consent())
    assert sketch(plan) == [
        (["remove PersistentVolumeClaim"] * 2, planning.NO_CLAIMS),
        (["change Cluster"], planning.READY),
    ]
    assert plan.stages[0].names == (claim(1)["metadata"]["name"], claim(2)["metadata"]["name"])


def test_an_exposure_of_another_writer_goes_by_a_patch_with_null() -> None:
    """Trap 11: server-side apply leaves it, and the API allows one kind only."""
    live = live_of(request(), expose={"nodePort": {"serverPort": 31000}})
    foreign = {"f:spec": {"f:expose": {".": {}, "f:nodePort": {".": {}, "f:serverPort": {}}}}}
    live["metadata"]["managedFields"].append({"manager": "k3kcli", "operation": "Update", "fieldsV1": foreign})
    switch = plan_present(request(expose={"type": "load_balancer"}), seen_with(live), Consent()).steps
    assert (switch[0].patch, switch[0].body) == (True, {"spec": {"expose": {"nodePort": None}}})
    assert switch[1].body["spec"]["expose"] == {"loadBalancer": {}}
    nothing = plan_present(request(), seen_with(live), Consent()).steps
    assert [step.body for step in nothing] == [{"spec": {"expose": None}}]
    random_port = plan_present(request(expose={"type": "node_port"}), seen_with(live), Consent()).steps
    assert random_port[0].body == {"spec": {"expose": {"nodePort": {"serverPort": None}}}}


def test_our_own_exposure_is_switched_by_the_apply_alone() -> None:
    plan = changed({"expose": {"type": "node_port"}}, {"expose": {"type": "load_balancer"}})
    assert [step.patch for step in plan.steps] == [False]


def test_a_failed_cluster_that_is_as_wanted_is_shaken() -> None:
    """Trap 5: the back-off reaches minutes; any write ends it."""
    live = live_of(request())
    live["status"]["phase"] = "Failed"
    (step,) = plan_present(request(), seen_with(live), Consent()).steps
    assert step.patch is True
    assert step.body == {"metadata": {"annotations": {"ai-tenancy.platform/retry": "7"}}}
    # a write that is due anyway does the same
    (step,) = plan_present(request(agents=1), seen_with(live), Consent()).steps
    assert step.patch is False


def test_tls_names_need_a_restart_and_that_is_said() -> None:
    plan = changed({}, {"tls_sans": ["a.example.com"]})
    assert any("restarted" in text for text in plan.warnings)


def test_secret_looking_variables_of_a_live_object_are_masked() -> None:
    live = live_of(request(), serverEnvs=[{"name": "DB_PASSWORD", "value": "hunter2222"}])
    owned = live["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
    owned["f:serverEnvs"] = {}
    (step,) = plan_present(request(), seen_with(live), Consent()).steps
    assert "hunter2222" not in str((step.before, step.after, step.differences))


# -- removal --------------------------------------------------------------------------------------------------------------


def absent(**options: Any) -> ClusterRequest:
    return parse_clusters([{"tenant": "acme", "state": "absent", **options}])[0]


def test_removal_takes_the_cluster_then_the_policy() -> None:
    live = live_of(request(), serverEnvs=[])
    plan = plan_absent(absent(), seen_with(live, claims=[claim(0)]))
    assert sketch(plan) == [
        (["remove Cluster", "remove PersistentVolumeClaim"], planning.GONE),
        (["remove VirtualClusterPolicy"], planning.NO_POLICY),
    ]
    assert plan_absent(absent(policy_removal="never"), Observed()).stages == ()


def test_removal_that_is_under_way_is_waited_for() -> None:
    live = live_of(request())
    live["metadata"]["deletionTimestamp"] = "2026-11-21T00:00:00Z"
    assert sketch(plan_absent(absent(policy_removal="never"), seen_with(live))) == [([], planning.GONE)]


@pytest.mark.parametrize(
    ("removal", "others", "owner", "action"),
    [
        ("unused", (), "acme", "remove"),
        ("unused", ("cluster t-x/y",), "acme", "refuse"),
        ("unused", (), "globex", "refuse"),
        ("always", ("cluster t-x/y",), "globex", "remove"),
        ("never", (), "acme", ""),
    ],
)
def test_a_policy_in_use_stays(removal: str, others: tuple[str, ...], owner: str, action: str) -> None:
    """Trap 10: without it servers restart and parked clusters start."""
    policy = applied(policy_body(request()))
    policy["metadata"]["labels"]["ai-tenancy.platform/tenant"] = owner
    plan = plan_absent(absent(policy_removal=removal), Observed(policy=policy, others=others))
    assert [step.action for step in (*plan.steps, *plan.refused)] == ([action] if action else [])


def test_removal_needs_the_bindings_and_the_controller() -> None:
    """Trap 7: without them the finalizer stays, and neither status nor event says so."""
    running = [{"status": {"readyReplicas": 1}}]
    bindings: dict[str, Any] = {"k3k-kubelet-node": {}, "k3k-priorityclass": {}}
    assert reasons_against_removal(bindings, running, "k3k-system") == []
    missing = reasons_against_removal({**bindings, "k3k-priorityclass": None}, running, "k3k-system")
    assert "k3k-priorityclass is missing" in missing[0].text
    assert "is not ready" in reasons_against_removal(bindings, [{"status": {}}], "k3k-system")[0].text
    assert "controller_namespace" in reasons_against_removal(bindings, [], "elsewhere")[0].advice


def test_inputs_are_left_alone() -> None:
    live = live_of(request(agents=2, worker_limit=GPUS))
    before = copy.deepcopy(live)
    plan_present(request(agents=1, version="v1.35.0-k3s1", worker_limit=GPUS), seen_with(live), YES)
    assert live == before
    assert VERSION in str(before)
