# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong or would do harm is refused before the first write, in words that help (X-2, X-6)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.playbooks import documents, mistakes
from tests.integration.playbooks.conftest import Begun
from tests.integration.playbooks.documents import GPU
from tests.integration.playbooks.mistakes import MISTAKES, Mistake
from tests.integration.playbooks.runner import Run
from tests.integration.playbooks.state import Nothing

pytestmark = pytest.mark.lab

CARD = "nvidia.com/gpu"


def refused(world: Begun, document: documents.Document) -> Run:
    """Run with a file that must be refused without any write."""
    world.site.declare(document)
    with Nothing(world.site.lab):
        run = world.site.run("tenants")
    assert not run.ok
    assert run.changed == 0
    return run


@pytest.fixture(scope="module")
def judged(begun: Begun) -> Run:
    """A run with every mistake at once, which wrote nothing."""
    return refused(begun, mistakes.all_mistakes())


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_each_mistake_is_named_with_field_value_and_what_is_allowed(judged: Run, mistake: Mistake) -> None:
    lines = [line.strip().removeprefix("- ") for line in judged.failure.splitlines()]
    found = [line for line in lines if line.startswith(f"{mistake.place}: {mistake.value}")]
    assert found, judged.failure
    assert any(mistake.allowed in line.partition("allowed: ")[2] for line in found), found


def test_all_mistakes_are_told_at_once_before_any_module_runs(judged: Run) -> None:
    assert judged.launches == []
    assert "nothing was changed" in judged.failure
    # The pair with one company also shares its administrator, the one with one id its namespace.
    assert f"{len(MISTAKES) + 2} mistakes" in judged.failure


def test_a_secret_in_plain_text_is_not_shown_again(judged: Run) -> None:
    assert "Wint3r" not in judged.output


def test_more_guarantees_than_the_nodes_have_are_refused(three: Begun) -> None:
    document = documents.three()
    document["tenants"].append(documents.tenant("pb-greedy", ["gpu-a-3"], CARD, quota={"accelerators": {CARD: 32}}))
    run = refused(three, document)
    for part in ("nothing was changed", f"{CARD}: 40 guaranteed", "32", GPU, "pb-greedy"):
        assert part in run.failure


@pytest.mark.parametrize(
    ("change", "field", "values"),
    [
        ({"cluster": {"cluster_cidr": "10.60.0.0/16"}}, "clusterCIDR", ("10.52.0.0/16", "10.60.0.0/16")),
        ({"cluster": {"storage": {"size": "40Gi"}}}, "storageRequestSize", ("20Gi", "40Gi")),
    ],
)
def test_what_cannot_be_changed_in_a_live_cluster_is_refused(
    three: Begun, change: dict[str, Any], field: str, values: tuple[str, ...]
) -> None:
    run = refused(three, documents.three(**change))
    for part in (GPU, field, *values):
        assert part in run.failure
    assert "new" in run.failure  # what would be needed: a new cluster


def test_a_quota_is_not_lowered_below_its_use(three: Begun) -> None:
    """Which pods hold it is told where pods do, see the tests of gpu_quota; Secrets are held by none."""
    three.site.declare(documents.three(quota={"objects": {"secrets": 50}}))
    three.site.converge()
    run = refused(three, documents.three(quota={"objects": {"secrets": 1}}))
    for part in (GPU, "not lowered", "secrets from 50 to 1", "in use"):
        assert part in run.failure
    three.site.declare(documents.three())
    three.site.converge()


def test_a_plan_tells_the_same_refusal(three: Begun) -> None:
    three.site.declare(documents.three(cluster={"cluster_cidr": "10.60.0.0/16"}))
    with Nothing(three.site.lab):
        run = three.site.run("tenants", "--check", "--diff")
    assert not run.ok
    assert "clusterCIDR" in run.failure
