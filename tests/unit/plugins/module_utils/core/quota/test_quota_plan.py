# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Plans of quotas: idempotent, never below use without consent, told once (TEN-4, TEN-7, X-1, X-4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.plan import (
    ACCELERATOR_QUOTA,
    BASE_QUOTA,
    CutBelowUseError,
    Holdings,
    QuotaPlan,
    cuts_that_wait,
    guaranteed_of,
    plan_quotas,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.request import (
    BOTH,
    LOWER,
    RAISE,
    ClusterShape,
    QuotaRequest,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.result import account, drifted
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.usage import Consumer, consumers
from tests.unit.live import applied

GPU, KEY = "nvidia.com/gpu", "requests.nvidia.com/gpu"


def request(gpus: int = 8, **options: Any) -> QuotaRequest:
    given_options = {"resources": {GPU: gpus}, "guaranteed": {GPU: gpus}, **options}
    return QuotaRequest("acme", "t-acme", **given_options)


def wanted(gpus: int = 8, **more: str) -> dict[str, dict[str, str]]:
    return {ACCELERATOR_QUOTA: {KEY: str(gpus), **more}}


def after(plan: QuotaPlan, found: Holdings) -> Holdings:
    """What is found after the plan was carried out."""
    quotas = dict(found.quotas)
    for step in plan.plan.writes:
        if step.action == "remove":
            del quotas[step.name]
        else:
            quotas[step.name] = applied(step.body)
    return Holdings(quotas, found.consumers)


def standing(gpus: int = 8, pods: tuple[Consumer, ...] = (), **options: Any) -> Holdings:
    empty = Holdings(consumers=pods)
    return after(plan_quotas(request(gpus, **options), wanted(gpus), Holdings(), BOTH), empty)


def pod(name: str, gpus: int, leaving: bool = False, node: str = "gpu-1") -> Consumer:
    container = {"name": "a", "resources": {"requests": {GPU: gpus}, "limits": {GPU: gpus}}}
    metadata: dict[str, Any] = {"name": name, "namespace": "t-acme", "creationTimestamp": "2026-01-01T00:00:00Z"}
    if leaving:
        metadata["deletionTimestamp"] = "2026-01-01T01:00:00Z"
    spec = {"nodeName": node, "containers": [container]}
    return consumers([{"metadata": metadata, "spec": spec, "status": {"phase": "Running"}}])[0]


hards = st.dictionaries(
    st.sampled_from([KEY, "requests.amd.com/gpu", "count/resourceclaims.resource.k8s.io"]),
    st.integers(0, 4).map(str),
    min_size=1,
)
bases = st.none() | st.dictionaries(st.sampled_from(["requests.cpu", "pods"]), st.sampled_from(["1", "1000m", "2"]))


def both(accelerators: dict[str, str], base: dict[str, str] | None) -> dict[str, dict[str, str]]:
    return {ACCELERATOR_QUOTA: accelerators, **({} if base is None else {BASE_QUOTA: base})}


@given(hards, bases, hards, bases)
def test_a_carried_out_plan_leaves_nothing_to_do(a: Any, b: Any, c: Any, d: Any) -> None:
    first = after(plan_quotas(request(), both(a, b), Holdings(), BOTH), Holdings())
    target = both(c, d)
    second = after(plan_quotas(request(), target, first, BOTH), first)
    assert plan_quotas(request(), target, second, BOTH).plan.steps == ()
    # the same end by way of the two halves
    raising = plan_quotas(request(), target, first, RAISE)
    raised = after(raising, first)
    assert bool(raising.pending) == bool(plan_quotas(request(), target, raised, LOWER).plan.steps)
    halves = after(plan_quotas(request(), target, raised, LOWER), raised)
    for direction in (BOTH, RAISE, LOWER):
        assert plan_quotas(request(), target, halves, direction).plan.steps == ()


def test_lowering_below_use_names_who_is_in_the_way() -> None:
    found = standing(8, (pod("agent-1", 4), pod("agent-2", 4, node="gpu-2"), pod("server-0", 0)))
    with pytest.raises(CutBelowUseError) as error:
        plan_quotas(request(4), wanted(4), found, BOTH)
    text = str(error.value)
    assert "from 8 to 4 (8 in use)" in text
    assert "pod agent-1 on gpu-1, Running, since 2026-01-01T00:00:00Z: 4 nvidia.com/gpu" in text
    assert [consumer.pod for consumer in error.value.consumers] == ["agent-1", "agent-2"]
    assert error.value.code == "refused"


def test_what_only_the_api_server_counts_is_no_matter_of_agents() -> None:
    hard = {BASE_QUOTA: {"services.loadbalancers": "1", "services.nodeports": "2"}}
    live = after(plan_quotas(request(), hard, Holdings(), BOTH), Holdings()).quotas[BASE_QUOTA]
    found = Holdings({BASE_QUOTA: {**live, "status": {"used": {"services.loadbalancers": "1"}}}})
    with pytest.raises(CutBelowUseError) as error:
        plan_quotas(request(), {BASE_QUOTA: {"services.loadbalancers": "0", "services.nodeports": "0"}}, found, BOTH)
    assert "services.loadbalancers from 1 to 0 (1 in use)" in str(error.value)
    assert "playbook clearml_gateways" in str(error.value)
    assert "agents" not in str(error.value)


def test_a_long_list_is_cut_in_the_message_only() -> None:
    found = standing(30, tuple(pod(f"agent-{index}", 1) for index in range(30)))
    with pytest.raises(CutBelowUseError) as error:
        plan_quotas(request(4), wanted(4), found, BOTH)
    assert "and 20 more" in str(error.value)
    assert len(error.value.consumers) == 30


def test_down_to_what_is_in_use_is_fine() -> None:
    found = standing(8, (pod("agent-1", 4),))
    assert plan_quotas(request(4), wanted(4), found, BOTH).plan.changed


def test_report_changes_nothing_of_it() -> None:
    found = standing(8, (pod("agent-1", 8),))
    plan = plan_quotas(request(4, on_reduce="report"), wanted(4), found, BOTH)
    assert not plan.plan.changed
    assert plan.plan.refusals[0].reason.startswith("not lowered below use")
    assert plan.pending[KEY].as_dict() == {"from": "8", "to": "4", "used": "8"}
    assert plan.hard[ACCELERATOR_QUOTA][KEY] == "8"
    assert plan.guaranteed[GPU] == 8
    # what is not in the way is done all the same
    more = plan_quotas(request(4, on_reduce="report"), wanted(4, **{"requests.amd.com/gpu": "2"}), found, BOTH)
    assert [difference.path for difference in more.plan.writes[0].differences if "hard" in difference.path] == [
        "spec.hard.requests.amd.com/gpu"
    ]


def test_force_writes_it() -> None:
    found = standing(8, (pod("agent-1", 8),))
    plan = plan_quotas(request(4, on_reduce="force"), wanted(4), found, BOTH)
    assert plan.plan.writes[0].body["spec"]["hard"][KEY] == "4"
    assert not plan.pending


def test_an_accelerator_that_is_denied_anew_may_be_in_use() -> None:
    """A key that a quota does not have yet is unlimited: adding it lowers."""
    found = standing(8, (pod("agent-1", 0), _holding("agent-2", "requests.amd.com/gpu")))
    with pytest.raises(CutBelowUseError, match=r"requests\.amd\.com/gpu from unlimited to 0 \(1 in use\)"):
        plan_quotas(request(8), wanted(8, **{"requests.amd.com/gpu": "0"}), found, BOTH)
    # and so may everything, where there is no quota yet
    with pytest.raises(CutBelowUseError):
        plan_quotas(request(1), wanted(1), Holdings(consumers=(pod("agent-1", 4),)), RAISE)


def _holding(name: str, key: str) -> Consumer:
    container = {"name": "a", "resources": {"requests": {key.removeprefix("requests."): "1"}}}
    metadata = {"name": name, "namespace": "t-acme"}
    return consumers([{"metadata": metadata, "spec": {"containers": [container]}, "status": {}}])[0]


def test_raise_does_not_refuse_but_tells_what_is_pending() -> None:
    found = standing(8, (pod("agent-1", 8),))
    plan = plan_quotas(request(4), wanted(4), found, RAISE)
    assert plan.pending[KEY].after == "4"
    hard = [difference for difference in plan.plan.steps[0].differences if "hard" in difference.path]
    assert hard == [], "only the guarantee and the fingerprint are written"


def test_check_of_lower_trusts_the_declared_cluster() -> None:
    found = standing(16, (pod("agent-1", 8), pod("agent-2", 8)))
    fits = request(8, cluster=ClusterShape(agents=1, worker_limit={GPU: "8"}))
    assert plan_quotas(fits, wanted(8), found, LOWER, trust_declared=True).plan.changed
    with pytest.raises(CutBelowUseError):
        plan_quotas(fits, wanted(8), found, LOWER)
    with pytest.raises(CutBelowUseError):
        plan_quotas(request(8), wanted(8), found, LOWER, trust_declared=True)


def test_use_is_counted_from_pods_because_the_status_lags() -> None:
    found = standing(8, (pod("agent-1", 4),))
    found.quotas[ACCELERATOR_QUOTA]["status"]["used"] = {KEY: "8"}
    assert plan_quotas(request(4), wanted(4), found, BOTH).plan.changed


def test_what_pods_do_not_show_is_taken_from_the_status() -> None:
    base = {BASE_QUOTA: {"requests.storage": "10Gi"}}
    found = after(plan_quotas(request(), base, Holdings(), BOTH), Holdings())
    found.quotas[BASE_QUOTA]["status"]["used"] = {"requests.storage": "5Gi"}
    with pytest.raises(CutBelowUseError, match="5Gi in use"):
        plan_quotas(request(), {BASE_QUOTA: {"requests.storage": "1Gi"}}, found, BOTH)


def test_only_leaving_pods_are_waited_for() -> None:
    leaving = standing(8, (pod("agent-1", 4), pod("agent-2", 4, leaving=True)))
    assert [cut.key for cut in cuts_that_wait(request(4), wanted(4), leaving, LOWER)] == [KEY]
    staying = standing(8, (pod("agent-1", 4), pod("agent-2", 4)))
    assert cuts_that_wait(request(4), wanted(4), staying, LOWER) == []
    assert cuts_that_wait(request(4), wanted(4), leaving, RAISE) == []
    absent = QuotaRequest("acme", "t-acme", present=False)
    assert cuts_that_wait(absent, {}, standing(8, (pod("agent-2", 4, leaving=True),)), BOTH)
    assert cuts_that_wait(absent, {}, leaving, BOTH) == []


def test_absent_refuses_while_used() -> None:
    absent = QuotaRequest("acme", "t-acme", present=False)
    used = standing(8, (pod("agent-1", 8),))
    with pytest.raises(CutBelowUseError, match="agent-1"):
        plan_quotas(absent, {}, used, BOTH)
    assert plan_quotas(absent, {}, used, RAISE).plan.steps == ()
    forced = QuotaRequest("acme", "t-acme", present=False, on_reduce="force")
    assert [step.action for step in plan_quotas(forced, {}, used, BOTH).plan.steps] == ["remove"]
    reported = QuotaRequest("acme", "t-acme", present=False, on_reduce="report")
    assert not plan_quotas(reported, {}, used, BOTH).plan.changed
    leaving = QuotaRequest("acme", "t-acme", present=False, cluster=ClusterShape(servers=0))
    assert plan_quotas(leaving, {}, used, LOWER, trust_declared=True).plan.changed
    assert plan_quotas(absent, {}, Holdings(), BOTH).plan.steps == ()


def test_what_another_writer_added_is_not_ours() -> None:
    found = standing(8)
    found.quotas[ACCELERATOR_QUOTA]["spec"]["hard"]["services"] = "5"
    for direction in (BOTH, RAISE, LOWER):
        assert plan_quotas(request(8), wanted(8), found, direction).plan.steps == ()


def test_labels_and_guarantees_are_told_by_raise_alone() -> None:
    found = standing(8)
    changed = request(8, guaranteed={GPU: 2}, labels={"team": "red"})
    assert plan_quotas(changed, wanted(8), found, RAISE).plan.changed
    assert not plan_quotas(changed, wanted(8), found, LOWER).plan.changed


def test_a_quota_without_limits_is_removed() -> None:
    base = {BASE_QUOTA: {"pods": "3"}}
    found = after(plan_quotas(request(), base, Holdings(), BOTH), Holdings())
    assert [step.action for step in plan_quotas(request(), {BASE_QUOTA: {}}, found, RAISE).plan.steps] == ["remove"]
    assert plan_quotas(request(), {BASE_QUOTA: {}}, found, LOWER).plan.steps == ()
    assert plan_quotas(request(), {}, found, BOTH).plan.steps == (), "a quota that is not named stays"


def test_a_change_by_hand_shows_in_the_fingerprint() -> None:
    live = standing(8).quotas[ACCELERATOR_QUOTA]
    assert not drifted(live)
    live["spec"]["hard"][KEY] = "80"  # type: ignore[index]
    assert drifted(live)


@pytest.mark.parametrize("text", ["", "junk", "[]", '{"nvidia.com/gpu": "x"}'])
def test_an_unreadable_guarantee_counts_in_full(text: str) -> None:
    live = standing(8).quotas[ACCELERATOR_QUOTA]
    live["metadata"]["annotations"]["ai-tenancy.platform/guaranteed"] = text
    assert guaranteed_of(live) == {GPU: 8}


def test_accounts() -> None:
    live = standing(8).quotas[ACCELERATOR_QUOTA]
    live["status"]["used"] = {KEY: "10"}  # type: ignore[index]
    assert account(live) == {"hard": {GPU: 8}, "used": {GPU: 10}, "available": {GPU: 0}, "over_quota": {GPU: 2}}
    base = {
        "metadata": {"name": BASE_QUOTA},
        "spec": {"hard": {"requests.memory": "4Gi", "pods": "3"}},
        "status": {"used": {"requests.memory": "1Gi", "pods": "5"}},
    }
    assert account(base) == {
        "hard": {"requests.memory": "4Gi", "pods": "3"},
        "used": {"requests.memory": "1Gi", "pods": "5"},
        "available": {"requests.memory": "3Gi", "pods": "0"},
        "over_quota": {"pods": "2"},
    }
