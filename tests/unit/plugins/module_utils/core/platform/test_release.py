# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Helm's own records, read (PLAT-10, X-5, X-7)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import release

from .helm import observed, revision

SECRET = "hunter2-hunter2"
scalars = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=5))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
trees = st.dictionaries(st.text(max_size=4), values, max_size=4)


@given(trees)
def test_what_is_packed_is_read_back(document: dict[str, Any]) -> None:
    assert release.payload({"metadata": {}, "data": {"release": release.pack(document)}}) == document


@pytest.mark.parametrize(
    "data", [{}, {"release": "no base64!"}, {"release": "YWJj"}, {"release": release.pack({})[:-9]}]
)
def test_a_damaged_record_is_named_and_not_guessed(data: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="Secret ns/x does not hold a release of Helm 3"):
        release.payload({"metadata": {"name": "x", "namespace": "ns"}, "data": data})


def test_the_newest_revision_and_the_one_in_effect() -> None:
    found = observed(
        revision(3, "failed", version="1.3.0", description="timed out"), revision(2), revision(10, "failed")
    )
    assert (found["revision"], found["status"], found["deployed_revision"]) == (10, "failed", 2)
    assert observed(name="other") == {"name": "other", "namespace": "demo-system", "status": "absent"}
    assert observed(revision(1, "uninstalled"))["status"] == "absent"


def test_a_release_of_the_same_name_elsewhere_is_another() -> None:
    elsewhere = revision(1)
    elsewhere["metadata"]["namespace"] = "other"
    assert observed(elsewhere)["status"] == "absent"


@given(trees)
def test_the_digest_knows_nothing_of_order_and_spelling_of_numbers(tree: dict[str, Any]) -> None:
    digest = release.values_digest(tree)
    assert digest == release.values_digest(dict(reversed(list(tree.items()))))
    assert digest == release.values_digest(as_helm_stores(tree))
    assert digest != release.values_digest({**tree, "one key more": 1})


def as_helm_stores(value: Any) -> Any:
    """Whole numbers come back from Helm's JSON as floats."""
    if isinstance(value, dict):
        return {key: as_helm_stores(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_helm_stores(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_true_is_not_one() -> None:
    assert release.values_digest({"a": True}) != release.values_digest({"a": 1})


@given(st.sampled_from(["adminPassword", "TOKEN", "secretKey", "apiKey", "accessKeys"]), trees)
def test_no_text_below_a_key_that_sounds_like_a_secret_is_shown(key: str, tree: dict[str, Any]) -> None:
    given_values = {**tree, "outer": [{key: SECRET}, {key: {"deep": [SECRET]}}]}
    assert SECRET not in str(release.masked(given_values))
    assert SECRET not in str(observed(revision(values=given_values)))
    # The digest still tells that the secret is another one.
    other = {**tree, "outer": [{key: "another"}, {key: {"deep": [SECRET]}}]}
    assert release.values_digest(given_values) != release.values_digest(other)


def test_the_age_of_a_revision() -> None:
    now = datetime(2026, 11, 21, 10, 5, tzinfo=UTC)
    assert release.age(release.parse(revision(updated="2026-11-21T10:00:00.123456789Z")), now) == 300
    assert release.age(release.parse(revision(updated="2026-11-21T12:00:00+02:00")), now) == 300
    assert release.age(release.parse(revision(updated="soon")), now) == float("inf")
    assert release.age(None, now) == float("inf")


def test_giving_up_changes_status_and_description_and_nothing_else() -> None:
    before = revision(4, "pending-upgrade", values={"a": 1}, manifest="kind: Pod")
    patch = release.failed_patch(before, "interrupted")
    assert patch["metadata"] == {"resourceVersion": "41", "labels": {"status": "failed"}}
    after = {**before, "data": patch["data"]}
    old, new = release.payload(before), release.payload(after)
    assert (new["info"]["status"], new["info"]["description"]) == ("failed", "interrupted")
    old["info"] = new["info"] = {}
    assert old == new


def test_the_selector_leaves_out_what_is_only_history() -> None:
    assert release.selector(["a", "b"]) == "owner=helm,name in (a,b),status!=superseded"
