# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The decision table for credentials, row by row, and which old keys go (CML-3)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import credentials as core
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.credentials import (
    CREATE,
    FINISH,
    KEEP,
    LOST,
    REJECTED,
    ROTATE,
    UNCHECKED,
    VALID,
    Key,
    StoredPair,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.requests import parse_tenants

NOW = 2_000_000_000.0
TENANT = parse_tenants(
    [
        {
            "id": "acme",
            "company": "ACME",
            "admin": {"email": "a@acme.example"},
            "credentials": [{"purpose": "agent", "rotation_id": "1"}],
        }
    ]
)[0]
REQUEST = TENANT.credentials[0]
STORED = StoredPair("KEY-NOW", "secret-now", "company-1", REQUEST.label, "1", NOW - 3600)
OURS = Key("KEY-OLD", REQUEST.label, "2026-01-01T00:00:00Z")
FOREIGN = Key("KEY-UI", "made in the web page", "2026-01-01T00:00:00Z")


def test_case_1_a_good_pair_stays_and_costs_no_list_of_keys() -> None:
    for health in (VALID, UNCHECKED):
        assert core.decide(REQUEST, STORED, health, (OURS,), NOW) == core.Decision(KEEP, 1)
        assert not core.needs_keys(REQUEST, STORED, health, NOW)


def test_case_2_a_pair_that_was_revoked_elsewhere_is_replaced() -> None:
    decision = core.decide(REQUEST, STORED, REJECTED, (), NOW)
    assert (decision.action, decision.case, decision.makes_pair) == (CREATE, 2, True)


def test_case_3_a_lost_secret_is_replaced_or_stops() -> None:
    assert core.decide(REQUEST, None, UNCHECKED, (OURS, FOREIGN), NOW).case == 3
    assert core.decide(REQUEST, None, UNCHECKED, (OURS,), NOW).action == CREATE
    strict = replace(REQUEST, on_lost_secret="fail")
    decision = core.decide(strict, None, UNCHECKED, (OURS,), NOW)
    assert (decision.action, decision.makes_pair) == (LOST, False)


def test_case_4_neither_secret_nor_key() -> None:
    decision = core.decide(replace(REQUEST, on_lost_secret="fail"), None, UNCHECKED, (FOREIGN,), NOW)
    assert (decision.action, decision.case) == (CREATE, 4)


@pytest.mark.parametrize(
    "changes",
    [
        {"rotate": "always"},
        {"rotation_id": "2"},
        {"rotate": "if_older_than", "max_age_days": 1},
    ],
)
def test_case_5_a_rotation_is_due(changes: dict[str, object]) -> None:
    old = replace(STORED, created_at=NOW - 86401)
    decision = core.decide(replace(REQUEST, **changes), old, VALID, (), NOW)  # type: ignore[arg-type]
    assert (decision.action, decision.case) == (ROTATE, 5)
    assert decision.reason


@pytest.mark.parametrize(
    "changes", [{"rotation_id": ""}, {"rotate": "if_older_than", "max_age_days": 1}, {"rotation_id": "1"}]
)
def test_no_rotation_is_due(changes: dict[str, object]) -> None:
    assert core.decide(replace(REQUEST, **changes), STORED, VALID, (), NOW).action == KEEP  # type: ignore[arg-type]


def test_case_5_the_second_phase_revokes_what_the_first_kept() -> None:
    kept = replace(STORED, previous_kept=True)
    assert core.decide(REQUEST, kept, VALID, (), NOW).action == KEEP
    assert core.decide(replace(REQUEST, revoke_old="immediately"), kept, VALID, (), NOW).action == FINISH


def test_case_6_a_key_that_a_killed_run_left_goes_with_the_next_pair() -> None:
    never_used = Key("KEY-LEFT", REQUEST.label)
    assert core.decide(REQUEST, None, UNCHECKED, (never_used,), NOW).case == 3
    assert core.to_revoke(REQUEST, None, (never_used, FOREIGN), "KEY-NEW") == ["KEY-LEFT"]


@pytest.mark.parametrize(
    ("policy", "gone"),
    [("immediately", ["KEY-NOW", "KEY-OLD"]), ("keep_one", ["KEY-OLD"]), ("never", [])],
)
def test_what_goes_after_a_rotation(policy: str, gone: list[str]) -> None:
    keys = (Key("KEY-NOW", REQUEST.label, "2026-02-01"), OURS, FOREIGN, Key("KEY-NEW", REQUEST.label))
    assert core.to_revoke(replace(REQUEST, revoke_old=policy), STORED, keys, "KEY-NEW") == gone


def test_keep_one_spares_the_last_used_when_the_secret_is_lost() -> None:
    keys = (OURS, Key("KEY-LATER", REQUEST.label, "2026-03-01"), Key("KEY-UNUSED", REQUEST.label))
    assert core.to_revoke(REQUEST, None, keys, "KEY-NEW") == ["KEY-OLD", "KEY-UNUSED"]


def test_a_changed_label_still_finds_the_old_keys() -> None:
    renamed = replace(REQUEST, label="other", revoke_old="immediately")
    assert core.to_revoke(renamed, STORED, (OURS, FOREIGN), "KEY-NEW") == ["KEY-OLD"]


def test_room_is_made_only_by_our_own_spare_keys() -> None:
    keys = (Key("KEY-NOW", REQUEST.label, "2026-02-01"), OURS, FOREIGN)
    assert core.keys_to_free(REQUEST, STORED, keys, 0, ["KEY-NOW"]) == []
    assert core.keys_to_free(REQUEST, STORED, keys, 4, ["KEY-NOW"]) == []
    assert core.keys_to_free(REQUEST, STORED, keys, 3, ["KEY-NOW"]) == ["KEY-OLD"]
    assert core.keys_to_free(REQUEST, STORED, keys, 2, ["KEY-NOW"]) is None
    assert core.keys_to_free(REQUEST, STORED, (FOREIGN,), 1, []) is None


def test_the_secret_says_whose_it_is_and_can_be_read_back() -> None:
    secret = core.secret_for(TENANT, REQUEST, STORED)
    assert secret["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "ai-tenancy",
        "ai-tenancy.platform/tenant": "acme",
        "ai-tenancy.platform/clearml-purpose": "agent",
    }
    assert core.pair_in(secret, REQUEST.store) == STORED
    assert core.store_of(secret) == REQUEST.store
    assert core.belongs_to(secret, "acme")
    assert not core.belongs_to(secret, "other")
    notes = str(secret["metadata"])
    assert STORED.secret_key not in notes
    assert STORED.access_key not in notes


@pytest.mark.parametrize(
    "data", [None, {}, {"agentk8sglue_key": "QQ=="}, {"agentk8sglue_key": "!", "agentk8sglue_secret": "!"},
             {"agentk8sglue_key": "", "agentk8sglue_secret": ""}]
)  # fmt: skip
def test_a_secret_without_a_whole_pair_holds_none(data: dict[str, str] | None) -> None:
    assert core.pair_in({"metadata": {}, "data": data}, REQUEST.store) is None
    assert core.pair_in(None, REQUEST.store) is None


def test_secrets_do_not_show_in_a_representation() -> None:
    assert "secret-now" not in repr(STORED)
    assert core.hint("ABCDEFGHIJKLMNOP") == "ABCD..."
    assert core.hint("short") == "..."


@given(
    st.sampled_from(["never", "if_older_than"]),
    st.sampled_from(["", "1", "2"]),
    st.none()
    | st.builds(replace, st.just(STORED), rotation_id=st.sampled_from(["", "1"]), created_at=st.floats(0, NOW)),
    st.sampled_from([VALID, REJECTED]),
    st.sampled_from(["immediately", "keep_one", "never"]),
)
def test_after_acting_nothing_is_left_to_do(
    rotate: str, rotation: str, stored: StoredPair | None, health: str, policy: str
) -> None:
    """C(decide) after what C(decide) asked for was done says KEEP."""
    request = replace(REQUEST, rotate=rotate, max_age_days=30, rotation_id=rotation, revoke_old=policy)
    decision = core.decide(request, stored, health, (), NOW)
    if decision.makes_pair:
        stored = StoredPair("KEY-NEW", "s", "company-1", request.label, rotation, NOW, policy != "immediately")
    elif decision.action == FINISH and stored is not None:
        stored = replace(stored, previous_kept=False)
    assert core.decide(request, stored, VALID, (), NOW).action == KEEP
