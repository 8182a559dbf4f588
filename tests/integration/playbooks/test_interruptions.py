# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Runs that die, servers that die, and runs that meet (X-4, X-7): the next run ends it, and nothing is there twice."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.playbooks.conftest import Begun, World
from tests.integration.playbooks.documents import document, small
from tests.integration.playbooks.runner import Going
from tests.integration.playbooks.state import Kubernetes

pytestmark = pytest.mark.lab

VICTIM = "pb-victim"
COMPANY = "Victim Works"
SECRETS = f"/api/v1/namespaces/t-{VICTIM}/secrets"


@pytest.fixture(scope="module")
def victim(begun: Begun) -> Begun:
    """A site with one tenant that does not exist yet, and has everything that a phase can make."""
    clearml = {"enabled": True, "company": COMPANY, "admin": {"name": "victim-admin", "email": "it@victim.example"}}
    clearml["queues"] = [{"name": "only", "gpu": 0}]
    begun.site.declare(document(small(VICTIM, clearml=clearml)))
    return begun


def in_kubernetes(path: str) -> Callable[[Begun], bool]:
    """As soon as this exists on the host cluster."""
    return lambda world: world.kubernetes.api.get(path) is not None


def called(name: str) -> Callable[[Begun], bool]:
    """As soon as ClearML has carried out a call for the victim."""
    return lambda world: any(
        entry.get("wrote")
        and name in entry["path"]
        and ("ictim" in str(entry["body"]) or "label" in str(entry["body"]))
        for entry in world.clearml.requests(world.since)
    )


#: Moments at which power is lost, in the order in which a tenant reaches them: each right after a first write.
MOMENTS = {
    "guard": in_kubernetes(f"/api/v1/namespaces/t-{VICTIM}"),
    "quota": in_kubernetes(f"/api/v1/namespaces/t-{VICTIM}/resourcequotas/accel-quota"),
    "company": called("system.create_company"),
    "credentials": called("auth.create_credentials"),
    "cluster": in_kubernetes(f"/apis/k3k.io/v1beta1/namespaces/t-{VICTIM}/clusters/{VICTIM}"),
    "kubeconfig": in_kubernetes(f"{SECRETS}/tenant-kubeconfig"),
}
#: What ClearML is made to be slow in, so that a run is killed before it.
NEXT = {"company": "auth.create_user"}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_is_killed(victim: Begun, moment: str) -> None:
    """The same tenant again and again, so that every run has to go on from what a killed one left."""
    victim.since = victim.clearml.now()
    assert not MOMENTS[moment](victim), "an earlier run got too far"
    if moment in NEXT:
        victim.clearml.order({"call": NEXT[moment], "kind": "slow", "delay": 5})
    going = victim.site.start("tenants")
    going.until(lambda: MOMENTS[moment](victim), moment)
    going.kill()
    assert going.finish().returncode == -9


def test_after_all_the_kills_a_run_converges_and_nothing_is_there_twice(victim: Begun) -> None:
    victim.site.converge()
    again = victim.site.converge()
    assert again.changed == 0
    victim.clearml.assert_whole(COMPANY, "it@victim.example", victim.kubernetes.clearml_pair(VICTIM))
    probed = victim.site.run("tenants_verify")
    assert probed.ok, probed.failure
    assert victim.site.run("tenant_offboard", tenant_offboard_confirm=VICTIM).ok


def many(prefix: str, count: int, **change: Any) -> dict[str, Any]:
    """A file with tenants that are not exposed, so that nothing waits for a virtual cluster's API."""
    closed = {"cluster": {"expose": {"type": "none"}}, **change}
    return document(*(small(f"{prefix}{number:03}", **closed) for number in range(1, count + 1)))


def tenants_of(kubernetes: Kubernetes, prefix: str) -> list[str]:
    """Ids of the tenants that have a namespace."""
    names = [item["metadata"]["name"] for item in kubernetes.api.items("/api/v1/namespaces")]
    return sorted(name[2:] for name in names if name.startswith(f"t-{prefix}"))


def test_without_the_api_server_a_run_says_so(crowd: World) -> None:
    crowd.site.declare(many("aw-", 1))
    crowd.site.lab.stop("kube-apiserver")
    try:
        run = crowd.site.run("tenants")
    finally:
        crowd.site.lab.start("kube-apiserver")
    assert not run.ok
    assert run.changed == 0
    assert f"no answer from {crowd.site.lab.api_url}" in run.failure
    assert "Check that the API server runs" in run.failure
    assert tenants_of(crowd.kubernetes, "aw-") == []


def test_the_api_server_dies_in_the_middle_of_thirty_tenants(crowd: World) -> None:
    crowd.site.declare(many("mi-", 30))
    going = crowd.site.start("tenants")
    going.until(lambda: len(tenants_of(crowd.kubernetes, "mi-")) > 5, "some of the tenants")
    crowd.site.lab.kill("kube-apiserver")
    time.sleep(1)
    crowd.site.lab.start("kube-apiserver")
    first = going.finish()
    if not first.ok:
        assert "run again" in first.failure.lower()
    before = crowd.kubernetes.uids()
    crowd.site.converge()
    after = crowd.kubernetes.uids()
    assert {name: after.get(name) for name in before} == before, "something was made anew"
    made = tenants_of(crowd.kubernetes, "mi-")
    assert len(made) == 30
    assert {crowd.kubernetes.cluster(tenant)["status"]["phase"] for tenant in made} == {"Ready"}
    assert crowd.site.converge().changed == 0


def test_two_runs_at_once_for_the_same_tenants(crowd: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    mark = uuid.uuid4().hex[:4]
    file = document(
        *(
            small(
                f"tw-{mark}-{number}",
                cluster={"expose": {"type": "none"}},
                clearml={
                    "enabled": True,
                    "company": f"Two {mark} {number}",
                    "admin": {"name": f"admin-{mark}-{number}", "email": f"{number}@{mark}.example"},
                    "queues": [{"name": "only", "gpu": 0}],
                },
            )
            for number in (1, 2, 3)
        )
    )
    crowd.site.declare(file)
    both: list[Going] = [crowd.site.start("tenants"), crowd.site.start("tenants")]
    for run in [going.finish(allowed="Another run made") for going in both]:
        assert run.ok or "run again" in run.failure.lower(), run.failure
    crowd.site.converge()
    assert crowd.site.converge().changed == 0
    for number in (1, 2, 3):
        pair = crowd.kubernetes.clearml_pair(f"tw-{mark}-{number}")
        crowd.clearml.assert_whole(f"Two {mark} {number}", f"{number}@{mark}.example", pair)
