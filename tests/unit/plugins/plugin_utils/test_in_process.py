# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A module run in the worker of its task: when that is allowed, and that it is the same module."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.module_utils import basic
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.template import Templar, trust_as_template

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.plan import Step
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import Context, ItemResult, Report, run_module
from ansible_collections.ai_tenancy.platform.plugins.plugin_utils.in_process import InProcessAction

SPEC = {
    "name": {"type": "str", "required": True},
    "count": {"type": "int", "default": 1},
    "token": {"type": "str", "no_log": True},
}
HERE = {"ansible_python_interpreter": sys.executable}


class Action(InProcessAction):
    """An action whose module the tests replace."""

    module_name = "gpu_quota_info"


def action(
    work: Callable[[Context], Report] = lambda context: Report(),
    connection: str = "local",
    play_context: PlayContext | None = None,
    variables: dict[str, Any] | None = None,
    **task: Any,
) -> Action:
    """An action as Ansible makes it, with a module that does C(work)."""
    loader, play_context = DataLoader(), play_context or PlayContext()
    made = Action(
        task=Task.load({"name": "a task", "action": {"module": "ansible.builtin.ping", "name": "acme"}, **task}),
        connection=SimpleNamespace(
            transport=connection,
            become=None,
            socket_path=None,
            _shell=SimpleNamespace(tmpdir=None, get_option=lambda name: {"remote_tmp": "/tmp"}[name]),
        ),
        play_context=play_context,
        loader=loader,
        templar=Templar(loader, variables=variables or {}),
        shared_loader_obj=None,
    )
    made._modules = {made.module_name: SimpleNamespace(main=lambda: run_module(SPEC, work))}  # type: ignore[misc,dict-item]
    return made


def run(work: Callable[[Context], Report], **task: Any) -> dict[str, Any]:
    return action(work, **task).run(task_vars=HERE)


# -- when ---------------------------------------------------------------------------------------------------------


def test_a_task_on_the_controller_runs_here() -> None:
    assert action().reason_to_launch(HERE) == ""


def test_another_name_of_the_same_python_is_the_same(tmp_path: Path) -> None:
    home = Path(sys.executable).parent
    names = [home / "python", home / "python3"]
    same = [name for name in names if name.exists() and os.path.samefile(name, sys.executable)]
    assert same
    for name in same:
        assert action().reason_to_launch({"ansible_python_interpreter": str(name)}) == ""


@pytest.mark.parametrize(
    ("variables", "how", "reason"),
    [
        ({**HERE, "ai_tenancy_in_process": False}, {}, "ai_tenancy_in_process is false"),
        ({**HERE, "ai_tenancy_in_process": "no"}, {}, "ai_tenancy_in_process is false"),
        (HERE, {"connection": "ssh"}, "it does not run on the controller"),
        (HERE, {"delegate_to": "elsewhere"}, "it does not run on the controller"),
        (HERE, {"async": 10}, "it runs in the background"),
        (HERE, {"environment": {"HTTPS_PROXY": "http://proxy.example"}}, "it has an environment of its own"),
        ({"ansible_python_interpreter": "/nowhere/bin/python3"}, {}, "it runs with another Python"),
        ({"ansible_python_interpreter": "auto_silent"}, {}, "it runs with another Python"),
        ({}, {}, "it runs with another Python"),
    ],
)
def test_a_task_that_belongs_elsewhere_is_launched(
    variables: dict[str, Any], how: dict[str, Any], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched = {"changed": False, "launched": True}
    monkeypatch.setattr(NormalAction, "run", lambda self, tmp=None, task_vars=None: launched)
    made = action(lambda context: pytest.fail("it ran here"), **how)
    assert made.reason_to_launch(variables) == reason
    assert made.run(task_vars=variables) is launched


def test_another_user_is_no_matter_of_ours() -> None:
    become = PlayContext()
    become.become = True
    assert action(play_context=become).reason_to_launch(HERE) == "it runs as another user"


def test_the_switch_and_the_interpreter_may_be_templates() -> None:
    interpreter = trust_as_template("{{ ansible_playbook_python }}")
    for wanted, reason in ((True, ""), (False, "ai_tenancy_in_process is false")):
        known = {"wanted": wanted, "ansible_playbook_python": sys.executable}
        variables = {
            "ansible_python_interpreter": interpreter,
            "ai_tenancy_in_process": trust_as_template("{{ wanted }}"),
        }
        assert action(variables=known).reason_to_launch(variables) == reason


# -- the same module ------------------------------------------------------------------------------------------------


def test_options_and_result_are_plain_data() -> None:
    seen: dict[str, Any] = {}

    def work(context: Context) -> Report:
        seen.update(context.params)
        return Report([ItemResult("acme", values={"tuple": (1, 2), "keys": {1: "a"}})])

    result = run(work)
    assert (seen["name"], seen["count"]) == ("acme", 1)
    assert seen["name"].__class__ is str  # not one of the classes in which Ansible keeps its tags
    assert result["changed"] is False
    assert result["results"] == [{"item": "acme", "changed": False, "actions": [], "tuple": [1, 2], "keys": {"1": "a"}}]


@pytest.mark.parametrize("check", [True, False])
def test_check_and_diff_mode_reach_the_module(check: bool) -> None:
    def work(context: Context) -> Report:
        assert context.check_mode is check
        return Report([ItemResult("acme", [Step("create", "Namespace", "t-acme", after={"a": "b"})])])

    result = run(work, check_mode=check, diff=check)
    assert result["changed"]
    assert ("diff" in result) is check


def test_wrong_options_are_refused_in_ansible_s_words() -> None:
    def work(context: Context) -> Report:
        raise AssertionError("it ran")

    made = action(work)
    made._task.args = {"count": 1}
    result = made.run(task_vars=HERE)
    assert result["failed"]
    assert "missing required arguments: name" in result["msg"]


def test_secrets_do_not_come_back() -> None:
    def work(context: Context) -> Report:
        context.learn_secret("learned-secret")
        return Report(values={"said": "given-secret and learned-secret"})

    made = action(work)
    made._task.args = {"name": "acme", "token": "given-secret"}
    written = json.dumps(made.run(task_vars=HERE), default=str)
    assert "given-secret" not in written
    assert "learned-secret" not in written
    assert "********" in written


def test_a_refusal_is_a_failed_result() -> None:
    def work(context: Context) -> Report:
        raise RefusedError("Tenant acme uses 4 GPUs.", "Stop them.")

    result = run(work)
    assert result["failed"]
    assert result["msg"] == "Tenant acme uses 4 GPUs. Stop them."
    assert result["error"]["next_step"] == "Stop them."


def test_an_exception_reads_as_from_a_launched_module() -> None:
    def work(context: Context) -> Report:
        raise ZeroDivisionError("a mistake of ours")

    with pytest.raises(AnsibleError, match=r"Module failed.*a mistake of ours"):
        run(work)


def test_a_module_without_a_result_is_an_error() -> None:
    made = action()
    made._modules = {made.module_name: SimpleNamespace(main=lambda: None)}  # type: ignore[misc,dict-item]
    with pytest.raises(AnsibleError, match="without a result"):
        made.run(task_vars=HERE)


def test_what_a_library_prints_is_not_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    def work(context: Context) -> Report:
        print("{}\nnoise")
        return Report([ItemResult("acme")])

    assert [item["item"] for item in run(work)["results"]] == ["acme"]
    assert capsys.readouterr().out == ""


def test_the_options_of_a_task_stay_its_own() -> None:
    made = action()
    before = dict(made._task.args)
    made.run(task_vars=HERE)
    assert made._task.args == before
    assert basic._ANSIBLE_ARGS is None
