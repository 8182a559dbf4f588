# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Offboarding: what is asked for, and the record with its chain of checksums (TEN-9)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import errors, record
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.leaving import leaving

TENANT: dict[str, Any] = {
    "id": "acme",
    "state": "present",
    "namespace": "t-acme",
    "cluster": {"name": "main"},
    "clearml": {"enabled": True, "company": "ACME", "admin": {"email": "a@acme.example"}},
}


def test_a_declared_tenant_is_removed_with_its_own_names() -> None:
    parts = leaving([TENANT], "acme", "acme")
    assert parts["cluster"] == {
        "tenant": "acme", "namespace": "t-acme", "state": "absent", "name": "main", "policy_removal": "always",
    }  # fmt: skip
    assert parts["company"]["confirm_name"] == "ACME"
    assert parts["still_declared"]


def test_a_tenant_that_is_gone_from_the_file_is_removed_by_its_id() -> None:
    parts = leaving([], "acme", "acme", "ACME", "a@acme.example")
    assert parts["place"] == {"tenant": "acme", "namespace": "t-acme"}
    assert parts["company"]["company"] == "ACME"
    assert not parts["still_declared"]
    assert "company" not in leaving([], "acme", "acme")


@pytest.mark.parametrize(
    ("identity", "confirm", "company", "word"),
    [
        ("", "", "", "tenant_offboard_confirm"),
        ("acme", "", "", "tenant_offboard_confirm"),
        ("acme", "acmee", "", "once more"),
        ("kube-system", "kube-system", "", "tenant_offboard_id"),
        ("gone", "gone", "Gone", "tenant_offboard_company"),
    ],
)
def test_without_a_clear_confirmation_nothing_is_asked_for(
    identity: str, confirm: str, company: str, word: str
) -> None:
    with pytest.raises(errors.ConfigError, match=word):
        leaving([TENANT], identity, confirm, company)


def test_the_record_says_whether_it_is_complete_and_chains_to_the_one_before() -> None:
    results = [{"results": [{"actions": [{"action": "remove", "kind": "Pod", "name": "x"}, {"action": "refuse"}]}]}, {}]
    left = {"host": [{"kind": "PersistentVolume", "name": "v", "retained": "its reclaim policy is Retain"}]}
    made = record.record_of("acme", {"host": []}, left, record.actions_of(results), "abc")
    assert made["complete"]
    assert made["retained"][0]["name"] == "v"
    assert made["actions"] == [{"action": "remove", "kind": "Pod", "name": "x"}]
    assert made["previous_sha256"] == "abc"
    assert made["sha256"] == record.checksum(made)
    assert made["sha256"] != record.checksum({**made, "tenant": "other"})


def test_something_left_makes_the_record_incomplete() -> None:
    made = record.record_of("acme", {}, {"clearml": [{"kind": "ClearML user", "name": "u"}]}, [], "")
    assert not made["complete"]


def test_companies_and_users_are_told_as_belongings() -> None:
    result = {"results": [{"exists": True, "company": {"name": "A", "id": "1"}, "admin": {"email": "e", "id": "2"}}]}
    assert [item["kind"] for item in record.companies_of(result)] == ["ClearML company", "ClearML user"]
    assert record.companies_of({"skipped": True}) == []
