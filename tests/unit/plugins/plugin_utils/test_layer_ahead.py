# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""One task that looks at a whole layer of the platform (X-4, X-5, PLAT-1)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.template import Templar

from ansible_collections.ai_tenancy.platform.plugins.plugin_utils.layer_ahead import LayerAheadAction

VERSIONS = {
    "charts": {
        "web": {"release": "web", "namespace": "front", "chart": "web", "version": "1.2.0",
                "sources": {"community": {"repository": "https://charts.example.com"}}},
    },
    "trains": {"current": {}},
}  # fmt: skip
CLUSTER = {
    "kubernetes_version": "v1.34.4", "node_names": [], "node_resources": [], "storage_classes": [],
    "default_storage_classes": [], "ingress_classes": {}, "apis": [],
}  # fmt: skip
THERE = {"status": "deployed", "revision": 1, "chart": "web", "version": "1.2.0", "values_digest": ""}
OBJECTS = {"subject": "ingress", "after": [{"name": "settings"}]}


class Look(LayerAheadAction):
    """An action whose module the tests replace."""

    module_names = ("gpu_quota_info",)
    answer: dict[str, Any] = {"changed": False, "results": []}

    def ask(self, name: str, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        self.asked = {**options, "name": name, "check_mode": self._task.check_mode}
        return self.answer


def action(**options: Any) -> Look:
    loader = DataLoader()
    given = {
        "host": "https://api.example", "releases": [OBJECTS], "versions": VERSIONS, "observed": {"front/web": THERE},
        "choice": {"train": "current", "source": "community"}, "cluster": CLUSTER, **options,
    }  # fmt: skip
    return Look(
        task=Task.load({"name": "a task", "action": {"module": "ansible.builtin.ping", **given}}),
        connection=SimpleNamespace(
            transport="local", become=None, socket_path=None, _shell=SimpleNamespace(tmpdir=None)
        ),
        play_context=PlayContext(),
        loader=loader,
        templar=Templar(loader, variables={}),
        shared_loader_obj=None,
    )


def test_what_belongs_around_a_release_is_asked_for_in_check_mode() -> None:
    look = action()
    assert look.run(task_vars={}) == {"changed": False, "due": False, "refusals": [], "charts": []}
    assert (look.asked["name"], look.asked["check_mode"], look.asked["host"]) == (
        "gpu_quota_info",
        True,
        "https://api.example",
    )
    assert (look.asked["subject"], look.asked["stages"]) == ("ingress", [{"name": "settings"}])
    assert not {"releases", "versions", "choice", "observed", "cluster"} & set(look.asked)


@pytest.mark.parametrize("answer", [{"changed": True}, {"failed": True}, {"results": [{"lacks": ["a pod"]}]}])
def test_what_is_to_be_written_or_waited_for_makes_it_due(answer: dict[str, Any]) -> None:
    look = action()
    look.answer = answer
    assert look.run(task_vars={})["due"] is True


def test_nobody_is_asked_when_the_answer_is_known() -> None:
    look = action(releases=[{"chart": "web", "values": {"size": 3}}])
    result = look.run(task_vars={})
    assert (result["due"], result["charts"]) == (True, [{"key": "web", "version": "1.2.0", "kubernetes": None}])
    assert not hasattr(look, "asked")
    look = action(releases=[{"chart": "none"}])
    assert "'none' is not allowed" in look.run(task_vars={})["refusals"][0]
    assert not hasattr(look, "asked")


def test_options_that_are_missing_are_named() -> None:
    with pytest.raises(AnsibleActionFail, match="releases, cluster: not allowed; allowed: releases as a list"):
        action(releases="x", cluster=None).run(task_vars={})
