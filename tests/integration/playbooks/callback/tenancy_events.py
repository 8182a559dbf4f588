# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Writes what happens in a run to a file, one JSON object a line, while it happens.

C(task): a task begins. C(launch): a module is really started, once for each process. C(result): how a task ended.
C(recap): the end of the run. The file is named by the environment variable AI_TENANCY_EVENTS.
"""

from __future__ import annotations

import functools
import json
import os
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase

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
    """Record every launch of a module. The processes that launch are forked from this one, so they inherit the change."""
    launch = ActionBase._execute_module

    @functools.wraps(launch)
    def recorded(self: ActionBase, *positional: Any, **named: Any) -> Any:
        name = named.get("module_name") or (positional[0] if positional else None) or self._task.action
        record(event="launch", module=name, task=self._task.get_name())
        return launch(self, *positional, **named)

    ActionBase._execute_module = recorded


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
               result=ended.result)  # fmt: skip

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
