# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Labels and taints by the API: ours come and go with the inventory, those of others stay (RKE2-4)."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.marks import apply, identity, patch_for

from .nodes import member

names = st.sampled_from(["a", "b.c/d", "e"])
values = st.sampled_from(["1", "2", ""])
labels = st.dictionaries(names, values)
taints = st.lists(
    st.sampled_from(["a=1:NoSchedule", "a=2:NoSchedule", "a:NoExecute", "b=x:NoSchedule", "c:PreferNoSchedule"]),
    unique_by=identity,
    max_size=3,
)


@given(labels, taints, labels, taints, labels, taints)
def test_converges_and_leaves_others_alone(
    theirs: Any, their_taints: Any, first: Any, first_taints: Any, second: Any, second_taints: Any
) -> None:
    start = member("n", labels=theirs, taints=tuple(their_taints))
    now = start
    for wanted, wanted_taints in ((first, first_taints), (second, second_taints)):
        patch = patch_for(now, wanted, wanted_taints)
        now = apply(now, patch) if patch else now
        assert patch_for(now, wanted, wanted_taints) is None
        assert {**now.labels, **wanted} == now.labels
        assert set(wanted_taints) <= set(now.taints)
        assert len({identity(taint) for taint in now.taints}) == len(now.taints)
    touched = {*first, *second}
    assert {name: value for name, value in theirs.items() if name not in touched}.items() <= now.labels.items()
    ours = {identity(taint) for taint in (*first_taints, *second_taints)}
    assert {taint for taint in their_taints if identity(taint) not in ours} <= set(now.taints)


def test_what_the_inventory_drops_is_removed() -> None:
    now = member("n", labels={"kubernetes.io/hostname": "n"})
    patch = patch_for(now, {"pool": "a"}, ["pool=a:NoSchedule"])
    assert patch is not None
    assert patch["spec"]["taints"] == [{"key": "pool", "value": "a", "effect": "NoSchedule"}]
    now = apply(now, patch)
    patch = patch_for(now, {}, [])
    assert patch is not None
    assert patch["metadata"]["labels"] == {"pool": None}
    now = apply(now, patch)
    assert (dict(now.labels), now.taints, dict(now.annotations)) == ({"kubernetes.io/hostname": "n"}, (), {})
