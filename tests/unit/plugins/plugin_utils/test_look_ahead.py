# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Several modules asked in one task what they would do: nothing is changed, nothing is lost (X-4, X-5)."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.template import Templar

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.plan import Step
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import Context, ItemResult, Report, run_module
from ansible_collections.ai_tenancy.platform.plugins.plugin_utils.look_ahead import LookAheadAction

HERE = {"ansible_python_interpreter": sys.executable}
NAMES = ("tenant_guard_info", "gpu_quota_info")


class Look(LookAheadAction):
    """Two modules that the tests replace."""

    module_names = NAMES


class World:
    """What the two modules find, and how they were asked."""

    def __init__(self, **found: Report) -> None:
        self.found, self.asked = found, {}  # type: ignore[var-annotated]

    def module(self, name: str) -> Any:
        def work(context: Context) -> Report:
            self.asked[name] = {**context.params, "check_mode": context.check_mode}
            return self.found.get(name, Report())

        spec = {"host": {"type": "str"}, "names": {"type": "list", "elements": "str"}}
        return SimpleNamespace(main=lambda: run_module(spec, work))

    def look(self, variables: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        loader = DataLoader()
        given = {"host": "https://api.example", **{name: {"names": ["acme"]} for name in NAMES}, **options}
        shell = SimpleNamespace(tmpdir=None, get_option=lambda name: {"remote_tmp": "/tmp"}[name])
        action = Look(
            task=Task.load({"name": "a task", "action": {"module": "ansible.builtin.ping", **given}}),
            connection=SimpleNamespace(transport="local", become=None, socket_path=None, _shell=shell),
            play_context=PlayContext(),
            loader=loader,
            templar=Templar(loader, variables={}),
            shared_loader_obj=None,
        )
        action._modules = {name: self.module(name) for name in NAMES}  # type: ignore[misc]
        return action.run(task_vars=dict(HERE if variables is None else variables))


def test_each_gets_its_own_options_and_the_shared_ones_in_check_mode() -> None:
    world = World()
    result = world.look(gpu_quota_info={"names": ["globex"]})
    assert world.asked == {
        "tenant_guard_info": {"host": "https://api.example", "names": ["acme"], "check_mode": True},
        "gpu_quota_info": {"host": "https://api.example", "names": ["globex"], "check_mode": True},
    }
    assert result == {
        "changed": False, "due": False, "warnings": [],
        "tenant_guard_info": {"changed": False, "results": []}, "gpu_quota_info": {"changed": False, "results": []},
    }  # fmt: skip


def test_a_change_is_due_and_the_look_changed_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(
        [ItemResult("acme", steps=[Step("create", "Namespace", "t-acme")])], warnings=["a policy of another"]
    )
    result = World(tenant_guard_info=report).look()
    assert (result["changed"], result["due"]) == (False, True)
    assert result["tenant_guard_info"]["changed"]
    assert "[WARNING]: a policy of another" in capsys.readouterr().err


def test_failures_of_all_are_told_at_once() -> None:
    refused = {
        name: Report([ItemResult("acme", error=RefusedError(f"{name} says no.", "Ask again."))]) for name in NAMES
    }
    result = World(**refused).look()
    assert (result["failed"], result["due"]) == (True, True)
    assert result["msg"] == "tenant_guard_info says no. Ask again.\ngpu_quota_info says no. Ask again."
    assert all(result[name]["results"][0]["failed"] for name in NAMES)


def test_where_a_module_must_be_launched_each_is(monkeypatch: pytest.MonkeyPatch) -> None:
    launched = []

    def launch(self: Look, module_name: str, module_args: Any, task_vars: Any) -> dict[str, Any]:
        launched.append((module_name, module_args, self._task.check_mode))
        return {"changed": False, "results": [], "invocation": {}, "warnings": ["careful"], "_ansible_parsed": True}

    monkeypatch.setattr(Look, "_execute_module", launch)
    result = World().look({})
    options = {"host": "https://api.example", "names": ["acme"]}
    assert launched == [(f"ai_tenancy.platform.{name}", options, True) for name in NAMES]
    assert result["gpu_quota_info"] == {"changed": False, "results": []}
    assert result["warnings"] == ["careful", "careful"]


def test_an_option_that_is_missing_is_named() -> None:
    with pytest.raises(AnsibleActionFail, match="gpu_quota_info: None is not allowed; allowed: a dictionary"):
        World().look(gpu_quota_info=None)
