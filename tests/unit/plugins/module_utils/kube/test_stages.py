# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Stages that are only looked at: nothing is waited for, and what is not so yet is told (X-4, PLAT-10)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import UnreachableError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.readiness import Wait
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.stages import Stage
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.stages import Stages

WAIT = Wait("rollout", "apps/v1", "Deployment", "web", "ns")
STAGES = [Stage("workloads", waits=(WAIT,)), Stage("webhook", waits=(WAIT,))]


def stages(lacks: Any, check_waits: bool) -> Stages:
    session: Any = SimpleNamespace()
    found = Stages(session, True, False, None, 20, check_waits=check_waits)
    found._rollout = SimpleNamespace(lacks=lacks)  # type: ignore[assignment]
    return found


@pytest.mark.parametrize(("check_waits", "told"), [(True, ("Deployment ns/web: 0 of 1 ready",)), (False, ())])
def test_each_stage_tells_what_is_not_so_and_only_when_asked(check_waits: bool, told: tuple[str, ...]) -> None:
    outcomes = stages(lambda _waits: ["Deployment ns/web: 0 of 1 ready"], check_waits).carry_out(STAGES)
    assert [outcome.lacks for outcome in outcomes] == [told, told]
    assert [outcome.error for outcome in outcomes] == [None, None]


def test_a_cluster_that_cannot_be_asked_is_an_error() -> None:
    def away(_waits: Any) -> list[str]:
        raise UnreachableError("nobody answers", "")

    (outcome,) = stages(away, True).carry_out(STAGES)
    assert outcome.error is not None
    assert outcome.error.message == "nobody answers"
