# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""When a virtual cluster is ready, and why it is not: the phase alone lies, and the cause is elsewhere (traps 1, 4, 5, 7)."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k import planning
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.desired import cluster_body
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.endpoint import endpoints, needs_service
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.facts import Facts
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.readiness import judge, judge_ready
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.summary import summary
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.troubles import troubles

from .objects import VERSION, Object, applied, namespace, pod, request, running

GOING = {"deletionTimestamp": "2026-11-21T00:00:00Z"}


def cluster_with(**options: Any) -> Object:
    wanted = request(**options)
    return applied(cluster_body(wanted, wanted.spec))


def with_status(workload: Object, **status: Any) -> Object:
    return {**workload, "status": {**workload["status"], **status}}


def with_phase(cluster: Object, phase: str, message: str = "") -> Object:
    result = copy.deepcopy(cluster)
    result["status"].update(phase=phase, conditions=[{"type": "Ready", "status": "False", "message": message}])
    return result


def ready_one(**options: Any) -> Facts:
    return running(cluster_with(**options))


# -- ready ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"servers": 3, "agents": 2, "worker_limit": {"cpu": "2000m", "nvidia.com/gpu": 8}},
        {"server_args": ["--disable=traefik", "--a=b"], "agent_args": ["--v=2"], "priority_class": "high"},
        {"server_envs": [{"name": "A", "value": "b"}], "node_selector": {"a": "b"}, "host_users": False},
    ],
)
def test_ready(options: dict[str, Any]) -> None:
    verdict = judge_ready(ready_one(**options), "t-acme")
    assert verdict.missing == ()
    assert verdict.done
    assert verdict.troubles == ()


def test_phase_ready_is_not_enough() -> None:
    """Each of these is there while the phase says Ready."""
    facts = ready_one(agents=2)
    servers, agents = facts.servers, facts.agents
    assert servers is not None
    assert agents is not None
    old = pod("k3k-acme-server-0", "server", metadata=GOING)
    for lie, said in (
        (replace(facts, servers=None), "has not made the servers' StatefulSet"),
        (replace(facts, agents=None), "has not made the agents' Deployment"),
        (replace(facts, servers=with_status(servers, observedGeneration=2)), "roll-out of the servers has not begun"),
        (replace(facts, servers=with_status(servers, updatedReplicas=0)), "0 with the current template"),
        (replace(facts, servers=with_status(servers, readyReplicas=None)), "0 of 1 servers are ready"),
        (replace(facts, pods=(*facts.pods, old)), "1 old server pods are still going"),
        (replace(facts, agents=with_status(agents, readyReplicas=1)), "1 of 2 agents are ready"),
        (replace(facts, agents=with_status(agents, observedGeneration=2)), "roll-out of the agents has not begun"),
        (replace(facts, agents=with_status(agents, replicas=3)), "3 agent pods instead of 2"),
    ):
        verdict = judge_ready(lie, "t-acme")
        assert lie.phase == "Ready"
        assert not verdict.done
        assert said in " ".join(verdict.missing)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"version": "v1.35.0-k3s1"}, "version"),
        ({"servers": 3}, "servers"),
        ({"agents": 3}, "agents"),
        ({"server_limit": {"cpu": 2}}, "serverLimit"),
        ({"worker_limit": {"nvidia.com/gpu": 4}}, "workerLimit"),
        ({"server_args": ["--other"]}, "serverArgs"),
        ({}, "serverArgs"),  # taken away
        ({"agent_args": ["--other"]}, "agentArgs"),
        ({"server_envs": [{"name": "A", "value": "b"}]}, "serverEnvs"),
        ({"node_selector": {"a": "b"}}, "nodeSelector"),
        ({"host_users": False}, "hostUsers"),
        ({"priority_class": "high"}, "priorityClass"),
        ({"addons": [{"secret_ref": "a"}]}, "addons"),
        ({"secret_mounts": [{"secret_name": "a", "mount_path": "/a"}]}, "secretMounts"),
        ({"agent_affinity": {"nodeAffinity": {"x": "y"}}}, "agentAffinity"),
    ],
)
def test_a_change_that_the_controller_has_not_seen_yet(change: dict[str, Any], field: str) -> None:
    """Trap 1: for half a minute after a patch everything looks ready, but the templates are the old ones."""
    before = {"server_args": ["--disable=traefik"], "agents": 1}
    facts = replace(
        running(cluster_with(**before)), cluster=cluster_with(**{**before, **change} if change else {"agents": 1})
    )
    verdict = judge_ready(facts, "t-acme")
    assert any(text.startswith("the controller has not taken over") and field in text for text in verdict.missing)


def test_what_a_policy_adds_is_waited_for() -> None:
    """Trap 2: the status names the affinity before the template has it; the servers restart then."""
    cluster = cluster_with()
    affinity = {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}
    cluster["status"]["policy"]["serverAffinity"] = affinity
    facts = running(cluster)
    assert "serverAffinity" in judge_ready(facts, "t-acme").missing[0]
    assert facts.servers is not None
    facts.servers["spec"]["template"]["spec"]["affinity"] = affinity
    assert judge_ready(facts, "t-acme").done


def test_the_policy_must_be_in_force() -> None:
    assert "policy other is not in force" in judge_ready(ready_one(), "other").state


def test_amounts_of_the_pod_as_a_whole_are_not_compared() -> None:
    """An API server without the feature drops them; that would be waited for in vain."""
    assert judge_ready(ready_one(server_resources={"limits": {"cpu": 1}}), "t-acme").done


def test_deleted_or_absent_is_not_ready() -> None:
    facts = ready_one()
    assert judge_ready(replace(facts, cluster=None)).state == "the Cluster does not exist"
    cluster = cluster_with()
    cluster["metadata"].update(GOING)
    assert judge_ready(replace(facts, cluster=cluster)).state == "the Cluster is being deleted"


# -- causes -----------------------------------------------------------------------------------------------------------------


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}}]}


def unschedulable(message: str) -> dict[str, Any]:
    return {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]}


@pytest.mark.parametrize(
    ("status", "code", "final"),
    [
        (waiting("ImagePullBackOff", 'Back-off pulling image "rancher/k3s:v9"'), "image", True),
        (waiting("InvalidImageName", "couldn't parse image name"), "image", True),
        (waiting("CreateContainerConfigError", 'secret "a" not found'), "container", True),
        (waiting("CrashLoopBackOff"), "crash", False),
        (waiting("ContainerCreating"), None, False),
        (unschedulable("0/3 nodes are available: 3 Insufficient nvidia.com/gpu."), "unschedulable", True),
        (unschedulable("pod has unbound immediate PersistentVolumeClaims"), "volume", False),
    ],
)
def test_pods_say_why(status: dict[str, Any], code: str | None, final: bool) -> None:
    """Trap 4: the Cluster says no more than C(server not ready)."""
    facts = ready_one()
    assert facts.servers is not None
    servers = with_status(facts.servers, readyReplicas=0)
    stuck = replace(facts, servers=servers, pods=(pod("k3k-acme-server-0", "server", **status),))
    verdict = judge_ready(
        replace(stuck, cluster=with_phase(cluster_with(), "Provisioning", "server not ready")), "t-acme"
    )
    assert [trouble.code for trouble in verdict.troubles] == ([code] if code else [])
    assert bool(verdict.final) is final


def test_agents_say_why_in_a_condition() -> None:
    facts = ready_one(agents=2)
    assert facts.agents is not None
    message = 'pods "k3k-acme-agent-x" is forbidden: exceeded quota: accel-quota, requested: requests.nvidia.com/gpu=8'
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    facts = replace(facts, agents=with_status(facts.agents, readyReplicas=1, conditions=[failure]))
    (trouble,) = troubles(facts)
    assert (trouble.code, trouble.final) == ("quota", True)
    assert "accel-quota" in trouble.text
    assert "agent_update: recreate" in trouble.advice


@pytest.mark.parametrize(
    ("used", "code"), [(({"limits": {"cpu": "4"}}, {"limits": {"cpu": "4"}}), "quota"), (({"limits": {"cpu": "4"}},), "quota count")]
)  # fmt: skip
def test_a_quota_is_not_believed_against_the_pods_that_exist(used: tuple[Object, ...], code: str) -> None:
    """A charge for a pod that never came to be goes away by itself, so the cluster may still get ready."""
    facts = ready_one(agents=2)
    assert facts.agents is not None
    message = (
        'pods "k3k-acme-agent-x" is forbidden: exceeded quota: base-quota, requested: limits.cpu=4, used: limits.cpu=8, '
        "limited: limits.cpu=8"
    )
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    pods = tuple(
        {"metadata": {"name": f"p-{number}"}, "spec": {"containers": [{"name": "k3s", "resources": resources}]}}
        for number, resources in enumerate(used)
    )
    agents = with_status(facts.agents, readyReplicas=1, conditions=[failure])
    (trouble,) = troubles(replace(facts, agents=agents, pods=pods))
    assert (trouble.code, trouble.final) == (code, code == "quota")


def event(kind: str, name: str, reason: str, message: str, **about: str) -> Object:
    involved = {"kind": kind, "name": name, "namespace": "t-acme", **about}
    return {"metadata": {"namespace": "t-acme"}, "involvedObject": involved, "reason": reason, "message": message}


@pytest.mark.parametrize(
    ("about", "code"),
    [
        (event("StatefulSet", "k3k-acme-server", "FailedCreate", "violates PodSecurity", uid="uid-k3k-acme-server"), "security"),
        (event("StatefulSet", "k3k-acme-server", "FailedCreate", "exceeded quota: q", uid="uid-k3k-acme-server"), "quota"),
        (event("StatefulSet", "k3k-acme-server", "FailedCreate", "webhook said no", uid="uid-k3k-acme-server"), "create"),
        (event("StatefulSet", "k3k-acme-server", "FailedCreate", "exceeded quota: q", uid="of an earlier life"), None),
        (event("PersistentVolumeClaim", "varlibrancherk3s-k3k-acme-server-0", "FailedBinding", "no storage class"), "claim"),
        (event("PersistentVolumeClaim", "varlibrancherk3s-k3k-other-server-0", "FailedBinding", "no storage class"), None),
    ],
)  # fmt: skip
def test_events_say_why(about: Object, code: str | None) -> None:
    """Trap 4: for the StatefulSet and the volumes nothing else does."""
    facts = ready_one()
    assert facts.servers is not None
    starting = replace(facts, servers=with_status(facts.servers, readyReplicas=0), pods=(), events=(about, about))
    assert [trouble.code for trouble in troubles(starting)] == ([code] if code else [])
    assert troubles(replace(facts, events=(about,))) == []  # old news: it runs now


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("failed executing '/v1-k3s/config': status code: 401 Unauthorized", "Secret k3k-acme-token"),
        ("StatefulSet is invalid: spec: Forbidden: updates to statefulset spec for fields", "persistence"),
        ('VirtualClusterPolicy.k3k.io "ghost" not found', "policy"),
        ('Secret "nope" not found', "Make this Secret"),
        ("failed to get server groups: lookup a.example.com: no such host", "resolve and reach"),
        ("something new", "what the message says"),
    ],
)
def test_failed_tells_what_to_do(message: str, advice: str) -> None:
    facts = replace(ready_one(), cluster=with_phase(cluster_with(), "Failed", message))
    (trouble,) = judge_ready(facts, "t-acme").troubles
    assert (trouble.code, trouble.final) == ("failed", True)
    assert message in trouble.text
    assert advice in trouble.advice


def test_a_secret_that_the_controller_is_about_to_write_is_no_failure() -> None:
    """Trap 2: Failed for a moment when the server is up; longer where many clusters come up at once."""
    message = 'failed creating virtual client: Secret "k3k-acme-kubeconfig" not found'
    facts = replace(ready_one(), cluster=with_phase(cluster_with(), "Failed", message))
    (trouble,) = troubles(facts)
    assert not trouble.final
    assert "writes this Secret itself" in trouble.advice
    other = replace(facts, cluster=with_phase(cluster_with(), "Failed", 'Secret "ca" not found'))
    assert [one.final for one in troubles(other)] == [True]


def test_failed_while_a_server_starts_is_not_final() -> None:
    """Trap 5: where packets to it are dropped, the phase is Failed until the server answers; that takes minutes."""
    facts = ready_one()
    assert facts.servers is not None
    starting = replace(
        facts,
        cluster=with_phase(cluster_with(), "Failed", "context deadline exceeded"),
        servers=with_status(facts.servers, readyReplicas=0),
    )
    assert judge_ready(starting, "t-acme").final is None


def test_refused_by_the_controllers_own_validation() -> None:
    facts = Facts("acme", "t-acme", with_phase(cluster_with(), "Pending", "cluster validation error: mode"))
    final = judge_ready(facts).final
    assert final is not None
    assert final.code == "validation"


def test_no_controller_is_told() -> None:
    cluster = cluster_with()
    cluster["metadata"]["finalizers"], cluster["status"] = [], {"phase": "Unknown"}
    final = judge_ready(Facts("acme", "t-acme", cluster)).final
    assert final is not None
    assert final.code == "controller"


# -- the other conditions -----------------------------------------------------------------------------------------------------


def test_agents_are_gone_when_their_pods_are() -> None:
    none = ready_one(agents=0)
    assert judge(planning.NO_AGENTS, none).done
    left = replace(none, pods=(*none.pods, pod("k3k-acme-agent-x", "agent", metadata=GOING)))
    assert judge(planning.NO_AGENTS, left).missing == ("1 agent pods are still there",)
    assert not judge(planning.NO_AGENTS, ready_one(agents=1)).done


def test_gone_means_pods_and_volumes_too() -> None:
    """Trap 6: the Cluster vanishes within a second, its pods half a minute later, its volumes after them."""
    facts = ready_one()
    kept = {"metadata": {"name": "varlibrancherk3s-k3k-acme-server-0", "namespace": "t-acme"}}
    going = {"metadata": {**kept["metadata"], **GOING}}
    empty = replace(facts, cluster=None, pods=())
    assert not judge(planning.GONE, facts).done
    assert judge(planning.GONE, replace(facts, cluster=None)).state == "1 pods of the old cluster are still there"
    assert not judge(planning.GONE, replace(empty, claims=(kept,))).done
    assert judge(planning.GONE, empty).done
    # a volume that was kept on purpose does not stand in the way of a new cluster, one that is going does
    assert judge(planning.FREE, replace(empty, claims=(kept,))).done
    assert not judge(planning.FREE, replace(empty, claims=(going,))).done


@pytest.mark.parametrize("until", [planning.GONE, planning.FREE])
def test_a_removal_that_hangs_is_explained(until: str) -> None:
    """Trap 7: only the finalizer shows it."""
    cluster = cluster_with()
    cluster["metadata"].update(GOING)
    final = judge(until, replace(ready_one(), cluster=cluster)).final
    assert final is not None
    assert "cluster.k3k.io/finalizer" in final.text
    assert "k3k-priorityclass" in final.advice
    stuck = pod("k3k-acme-server-2", "server", metadata={**GOING, "finalizers": ["etcdpod.k3k.io/finalizer"]})
    final = judge(until, replace(ready_one(), cluster=None, pods=(stuck,))).final
    assert final is not None
    assert "kubectl -n t-acme patch pod k3k-acme-server-2" in final.advice


def test_other_conditions() -> None:
    facts = Facts("acme", "t-acme", namespace_object=namespace(), policy={"metadata": {"name": "t-acme"}})
    assert judge(planning.POLICY, facts).done
    bare = replace(facts, namespace_object={"metadata": {"name": "t-acme"}})
    assert judge(planning.POLICY, bare).final is not None
    assert not judge(planning.NO_POLICY, facts).done
    claim = {"metadata": {"name": "c", "namespace": "t-acme"}}
    assert not judge(planning.NO_CLAIMS, replace(facts, claims=(claim,)), names=["c"]).done
    assert judge(planning.NO_CLAIMS, replace(facts, claims=(claim,)), names=["d"]).done


# -- addresses ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "service", "external"),
    [
        ({}, None, ""),
        ({"expose": {"type": "node_port", "server_port": 30443}, "kubeconfig_server": "a.example"}, None, "https://a.example:30443"),
        ({"expose": {"type": "node_port"}, "kubeconfig_server": "192.0.2.1"}, 31555, "https://192.0.2.1:31555"),
        ({"expose": {"type": "node_port"}, "kubeconfig_server": "192.0.2.1"}, None, ""),
        ({"expose": {"type": "node_port"}, "kubeconfig_server": "[2001:db8::1]:6443"}, 31555, "https://[2001:db8::1]:6443"),
        ({"expose": {"type": "node_port", "server_port": 30443}, "tls_sans": ["b.example"]}, None, "https://b.example:30443"),
        ({"expose": {"type": "load_balancer"}, "kubeconfig_server": "a.example"}, None, "https://a.example"),
        ({"expose": {"type": "load_balancer"}, "tls_sans": ["192.0.2.9"]}, "192.0.2.9", "https://192.0.2.9"),
        ({"expose": {"type": "load_balancer"}}, None, ""),
        ({"expose": {"type": "ingress"}, "tls_sans": ["192.0.2.9", "a.example"]}, None, "https://a.example"),
    ],
)  # fmt: skip
def test_addresses(options: dict[str, Any], service: Any, external: str) -> None:
    wanted = request(**options)
    facts = running(applied(cluster_body(wanted, wanted.spec)))
    live: Object | None = None
    if isinstance(service, int):
        live = {
            "spec": {
                "ports": [{"name": "k3s-etcd-port", "nodePort": 1}, {"name": "k3s-server-port", "nodePort": service}]
            }
        }
    elif service:
        live = {"status": {"loadBalancer": {"ingress": [{"ip": service}]}}}
    assert needs_service(wanted.spec, wanted.kubeconfig_host) or live is None
    found = endpoints(facts, wanted.kubeconfig_host, wanted.kubeconfig_port, live)
    assert found.internal == "https://k3k-acme-service.t-acme"
    assert found.external == external
    assert found.warning == ""


def test_an_address_that_the_certificate_does_not_have_is_told() -> None:
    facts = running(cluster_with(expose={"type": "load_balancer"}))
    live = {"status": {"loadBalancer": {"ingress": [{"hostname": "lb.example"}]}}}
    assert "tls_sans" in endpoints(facts, "", None, live).warning


def test_summary() -> None:
    facts = ready_one(agents=2, worker_limit={"nvidia.com/gpu": 8, "cpu": 4})
    said = summary(facts, facts.spec, judge_ready(facts, "t-acme"), endpoints(facts, "", None, None))
    assert said["gpu_per_agent"] == {"nvidia.com/gpu": 8}
    assert said["agents"] == {"wanted": 2, "updated": 2, "ready": 2, "terminating": 0}
    assert (said["phase"], said["ready"], said["version"]) == ("Ready", True, VERSION)
