# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From one file to isolated tenants and back (TEN-1, TEN-2, TEN-3, TEN-5, X-1, X-2, X-4).

The tests stand in the order of a tenant's life, on the same three tenants; each leaves them as it found them.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.k3k_host import Kube
from tests.integration.playbooks import documents
from tests.integration.playbooks.conftest import Begun
from tests.integration.playbooks.documents import AMD, GPU, MIG
from tests.integration.playbooks.runner import Run
from tests.integration.playbooks.state import Nothing

pytestmark = pytest.mark.lab

CARD = "requests.nvidia.com/gpu"
#: Where the collection keeps notes on its own objects.
NOTES = "metadata/annotations/ai-tenancy.platform/"


def field_changes(diffs: list[dict[str, Any]]) -> list[tuple[str, Any, Any]]:
    """Every leaf that differs between the two sides of the diffs."""
    found: list[tuple[str, Any, Any]] = []

    def compare(path: str, before: Any, after: Any) -> None:
        if isinstance(before, dict) and isinstance(after, dict):
            for key in sorted({*before, *after}):
                compare(f"{path}/{key}" if path else key, before.get(key), after.get(key))
        elif before != after:
            found.append((path, before, after))

    for diff in diffs:
        compare("", *(_parsed(diff[side]) for side in ("before", "after")))
    return found


def specs_written(run: Run) -> list[str]:
    """The kinds of the objects whose spec was changed, in order; notes in annotations are left out."""
    return [
        action["kind"]
        for event in run.of("result")
        if event["result"].get("changed")
        for item in event["result"].get("results") or ()
        for action in item.get("actions") or ()
        if any(field.startswith("spec.") for field in action.get("fields") or ())
    ]


def _parsed(side: Any) -> Any:
    return yaml.safe_load(side) if isinstance(side, str) else side


def test_a_plan_on_an_empty_platform_shows_everything_and_writes_nothing(begun: Begun) -> None:
    assert begun.planned == {"objects": {}, "writes": []}
    assert begun.first_plan.changed > 0
    shown = begun.first_plan.changed_tenants()
    assert all(
        shown[module] == {GPU, MIG, AMD} for module in ("tenant_guard", "gpu_quota", "clearml_tenant", "k3k_cluster")
    )
    assert begun.first_plan.diffs()


def test_the_plan_is_what_the_run_does(begun: Begun) -> None:
    assert begun.first_plan.changed_tenants() == {
        module: tenants for module, tenants in begun.first_run.changed_tenants().items() if module != "tenant_probe"
    }


def test_every_tenant_has_what_was_declared(three: Begun) -> None:
    assert three.kubernetes.quota(GPU) == {CARD: "8"} | three.kubernetes.quota(GPU)
    assert three.kubernetes.quota(MIG)["requests.nvidia.com/mig-1g.10gb"] == "56"
    assert three.kubernetes.quota(AMD)["requests.amd.com/gpu"] == "8"
    assert {"PB-GPU", "PB-MIG", "PB-AMD"} <= set(three.clearml.companies())
    for tenant in (GPU, MIG, AMD):
        assert three.kubernetes.cluster(tenant)["status"]["phase"] == "Ready"


def test_the_kubeconfigs_work_and_nobody_else_can_read_them(three: Begun) -> None:
    for tenant in (GPU, MIG, AMD):
        path = Path(three.site.variables["tenants_kubeconfig_dir"]) / f"{tenant}.yaml"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        kubeconfig = yaml.safe_load(path.read_text(encoding="utf-8"))
        nodes = Kube(kubeconfig).items("/api/v1/nodes")
        assert any(node["metadata"]["name"].startswith(f"k3k-{tenant}-agent") for node in nodes)


def test_a_second_run_changes_nothing(three: Begun) -> None:
    with Nothing(three.site.lab):
        run = three.site.converge()
    assert (run.changed, run.changed_tasks(), run.diffs()) == (0, [], [])


def test_a_second_plan_is_empty(three: Begun) -> None:
    with Nothing(three.site.lab):
        plan = three.site.plan()
    assert (plan.changed, plan.changed_tasks(), plan.diffs()) == (0, [], [])


def test_verify_proves_every_tenant_and_changes_nothing(three: Begun) -> None:
    for turn in (1, 2):
        with Nothing(three.site.lab):
            run = three.site.run("tenants_verify")
        assert run.ok, run.failure
        (result,) = run.results("tenant_probe")
        found = {item["item"]: {probe["id"]: probe["status"] for probe in item["probes"]} for item in result["results"]}
        passed = dict.fromkeys(("Q1", "Q2", "Q3", "K1", "C1", "P4"), "passed")
        assert found == {GPU: passed, MIG: passed, AMD: passed}
        if turn == 2:
            assert run.changed == 0
    kept = json.loads((three.site.directory / "reports" / "verify.json").read_text(encoding="utf-8"))
    assert len(kept["results"]) == 3


def test_the_report_tells_granted_used_and_free(three: Begun) -> None:
    with Nothing(three.site.lab):
        assert three.site.run("tenants_report").ok
        again = three.site.run("tenants_report")
    assert again.ok
    assert again.changed == 0
    report = json.loads((three.site.directory / "reports" / "tenants.json").read_text(encoding="utf-8"))
    by_id = {entry["id"]: entry for entry in report["tenants"]}
    assert set(by_id) == {GPU, MIG, AMD}
    card = by_id[GPU]["accelerators"]["nvidia.com/gpu"]
    assert (card["granted"], card["used"], card["free"]) == (8, 8, 0)
    table = (three.site.directory / "reports" / "tenants.txt").read_text(encoding="utf-8")
    assert all(tenant in table for tenant in (GPU, MIG, AMD))


def test_a_raised_quota_is_planned_and_done_alone(three: Begun) -> None:
    document = documents.three(quota={"accelerators": {"nvidia.com/gpu": 16}})
    three.site.declare(document)
    with Nothing(three.site.lab):
        plan = three.site.plan()
    assert plan.changed_tenants() == {"gpu_quota": {GPU}}
    shown = field_changes(plan.diffs())
    assert [change for change in shown if not change[0].startswith(NOTES)] == [(f"spec/hard/{CARD}", "8", "16")]
    assert len(shown) == 3  # and two annotations: what is guaranteed, and the fingerprint
    before = three.kubernetes.versions()
    run = three.site.converge()
    assert {module: who for module, who in run.changed_tenants().items() if module != "tenant_probe"} == {
        "gpu_quota": {GPU}
    }
    after = three.kubernetes.versions()
    assert {name for name in after if after[name] != before.get(name)} == {f"resourcequotas t-{GPU}/accel-quota"}
    assert three.kubernetes.quota(GPU)[CARD] == "16"
    assert three.site.converge().changed == 0


def test_a_lowered_quota_is_done_alone(three: Begun) -> None:
    with Nothing(three.site.lab, [MIG, AMD]):
        run = three.site.converge()
    assert {module: who for module, who in run.changed_tenants().items() if module != "tenant_probe"} == {
        "gpu_quota": {GPU}
    }
    assert three.kubernetes.quota(GPU)[CARD] == "8"


def test_agents_and_their_quota_grow_and_shrink_in_the_right_order(three: Begun) -> None:
    """Quota before agents on the way up, agents before quota on the way down; never a moment that is refused."""
    three.site.declare(documents.three(cluster={"agents": 2}, quota={"accelerators": {"nvidia.com/gpu": 16}}))
    with Nothing(three.site.lab, [MIG, AMD]):
        grown = three.site.converge()
    assert specs_written(grown) == ["ResourceQuota", "ResourceQuota", "Cluster"]
    assert three.kubernetes.cluster(GPU)["spec"]["agents"] == 2
    assert three.kubernetes.quota(GPU)[CARD] == "16"
    assert three.site.converge().changed == 0

    three.site.declare(documents.three())
    shrunk = three.site.converge()
    assert specs_written(shrunk) == ["Cluster", "ResourceQuota", "ResourceQuota"]
    assert three.kubernetes.cluster(GPU)["spec"]["agents"] == 1
    assert three.kubernetes.quota(GPU)[CARD] == "8"


def test_only_chosen_tenants_are_touched(three: Begun) -> None:
    three.site.declare(documents.three(quota={"accelerators": {"nvidia.com/gpu": 16}}))
    with Nothing(three.site.lab):
        run = three.site.converge(tenants_only=[MIG])
    assert run.changed == 0


def test_a_queue_is_added(three: Begun) -> None:
    document = documents.three()
    document["tenants"][1]["clearml"]["queues"].append({"name": "nightly", "gpu": 0})
    three.site.declare(document)
    since = three.clearml.now()
    run = three.site.converge()
    assert run.changed_tenants()["clearml_queue"] == {f"{MIG}/nightly"}
    assert [call.rpartition("/")[2] for call in three.clearml.writes(since)] == ["queues.create"]
    assert three.site.converge().changed == 0
