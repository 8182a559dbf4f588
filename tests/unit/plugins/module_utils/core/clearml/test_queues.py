# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Queues: what is wanted and what differs (CML-3, TEN-8)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import queues as core
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError, RefusedError


def request(**changes: Any) -> core.QueueRequest:
    return core.parse_queues([{"tenant": "acme", "name": "1xgpu", "admin_email": "a@acme.example", **changes}])[0]


def test_all_mistakes_are_told_at_once() -> None:
    items = [
        {"tenant": "Acme", "name": "ab", "admin_email": "nobody"},
        {"tenant": "acme", "name": "queue"},
        {"tenant": "acme", "name": "queue", "admin_email": "a@acme.example", "store": {"name": "x"}},
        {"tenant": "beta", "name": "one", "admin_email": "a@beta.example"},
        {"tenant": "beta", "name": "two", "admin_email": "b@beta.example"},
    ]
    with pytest.raises(ConfigError) as caught:
        core.parse_queues(items)
    assert {problem.path for problem in caught.value.problems} == {
        "queues[Acme/ab].tenant",
        "queues[Acme/ab].name",
        "queues[Acme/ab].admin_email",
        "queues[acme/queue].admin_email",
        "queues[acme/queue].name",
        "queues[acme/queue].tenant",
        "queues[beta/two].tenant",
    }


def test_what_is_not_asked_for_is_left_alone() -> None:
    found = core.Queue("q1", "1xgpu", "c1", "Shown", ("a",), {"k": "v"})
    assert not core.plan_queue(request(), found).steps
    assert not core.plan_queue(request(tags=["a"], metadata={"k": "v"}, display_name="Shown"), found).steps


def test_only_what_differs_is_sent() -> None:
    found = core.Queue("q1", "1xgpu", "c1", "Shown", ("a",), {"k": "v"})
    step = core.plan_queue(request(tags=["b", "a"], metadata={"k": "v"}), found).steps[0]
    assert step.body == {"queue": "q1", "tags": ["a", "b"]}
    assert (step.before, step.after) == ({"tags": ["a"]}, {"tags": ["a", "b"]})


def test_a_queue_with_waiting_tasks_is_not_removed() -> None:
    found = core.Queue("q1", "1xgpu", waiting=2)
    with pytest.raises(RefusedError, match="2 waiting tasks"):
        core.plan_queue(request(state="absent"), found)
    assert core.plan_queue(request(state="absent", force=True), found).steps[0].body == {"queue": "q1", "force": True}
    assert not core.plan_queue(request(state="absent"), None).steps


texts = st.text(max_size=5)


@given(
    st.none() | texts,
    st.none() | st.lists(texts),
    st.none() | st.dictionaries(texts, texts),
    st.none() | st.builds(core.Queue, st.just("q1"), st.just("1xgpu"), display_name=texts, tags=st.tuples(texts)),
)
def test_after_the_plan_nothing_is_left_to_do(
    display: str | None, tags: list[str] | None, metadata: dict[str, str] | None, found: core.Queue | None
) -> None:
    wanted = request(display_name=display, tags=tags, metadata=metadata)
    there = {} if found is None else {
        "id": "q1", "name": "1xgpu", "display_name": found.display_name, "tags": list(found.tags), "metadata": {}
    }  # fmt: skip
    for step in core.plan_queue(wanted, found).steps:
        there = {**there, "id": "q1", **{key: value for key, value in step.body.items() if key != "queue"}}
    assert not core.plan_queue(wanted, core.queue_from(there)).steps
