# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Writes what happens in a run to a file, one JSON object a line, while it happens.

C(task): a task begins. C(launch): a module is really run, in a process of its own or (in_process) in the worker of its
task. C(result): how a task ended. C(recap): the end of the run. The file is named by the environment variable AI_TENANCY_EVENTS.
"""

from __future__ import annotations

import functools
import json
import os
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase

from ansible_collections.ai_tenancy.platform.plugins.plugin_utils.in_process import InProcessAction

DOCUMENTATION = """
name: tenancy_events
type: aggregate
short_description: Record the events of a run for tests
description: [Record the events of a run for tests.]
"""


def record(**event: Any) -> None:
    """Append one event; a line is written whole, whichever process writes it."""
    line = json.dumps(event, default=str) + "\n"
    descriptor = os.open(os.environ["AI_TENANCY_EVENTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def count_launches() -> None:
    """Record every run of a module. The processes that run it are forked from this one, so they inherit the change."""
    launch, run_here = ActionBase._execute_module, InProcessAction.run_here

    @functools.wraps(launch)
    def launched(self: ActionBase, *positional: Any, **named: Any) -> Any:
        name = named.get("module_name") or (positional[0] if positional else None) or self._task.action
        host = (named.get("task_vars") or {}).get("inventory_hostname", "")
        record(event="launch", module=name, task=self._task.get_name(), host=host, in_process=False)
        return launch(self, *positional, **named)

    @functools.wraps(run_here)
    def ran_here(self: InProcessAction, name: str, options: Any, task_vars: Any) -> Any:
        host = task_vars.get("inventory_hostname", "")
        record(event="launch", module=name, task=self._task.get_name(), host=host, in_process=True)
        return run_here(self, name, options, task_vars)

    ActionBase._execute_module = launched
    InProcessAction.run_here = ran_here


class CallbackModule(CallbackBase):
    """What Ansible finds here."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "tenancy_events"

    def __init__(self) -> None:
        super().__init__()
        count_launches()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        record(event="task", task=task.get_name(), action=task.resolved_action)

    def _ended(self, status: str, ended: Any) -> None:
        record(event="result", task=ended.task.get_name(), action=ended.task.resolved_action, status=status,
               host=ended.host.get_name(), result=ended.result)  # fmt: skip

    def v2_runner_on_ok(self, result: Any) -> None:
        self._ended("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._ended("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._ended("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._ended("unreachable", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        record(event="recap", hosts={host: stats.summarize(host) for host in stats.processed})
