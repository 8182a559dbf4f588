# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Run a module where Ansible already is: in the controller's worker process, instead of in a process of its own.

A module that only talks to an API gains nothing by being packed, started and thrown away. That costs more than half a
second for each task, whatever the task does, and most of it goes to imports. Ansible loads an action plugin before it
forks the worker that runs the task. So what the action plugin imports is paid once and inherited by every worker.

The module stays what it is: its C(main()) gets its options as JSON and answers with JSON on standard output, as in a
process of its own. Nothing of it is known here. Where the task must run somewhere else, or as someone else, Ansible runs
the module as any other.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, ClassVar, Optional

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils import basic
from ansible.module_utils.common.json import Direction, get_module_decoder, get_module_encoder
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.plugins.loader import filter_loader

from .collector import collector_paused

#: The variable that turns this off for a play, a host or a task.
SWITCH = "ai_tenancy_in_process"
#: How Ansible writes options and results of a Python module as JSON.
_PROFILE = "legacy"
COLLECTION = "ai_tenancy.platform"


class InProcessAction(NormalAction):
    """Runs C(module_name) of C(plugins/modules) in this process if that makes no difference, else as Ansible does.

    module_names: all modules that the action runs, when that is more than one.
    """

    module_name: ClassVar[str] = ""
    module_names: ClassVar[tuple[str, ...]] = ()
    _modules: ClassVar[Mapping[str, ModuleType]]

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        cls._modules = {name: _loaded_for_good(name) for name in cls.module_names or (cls.module_name,) if name}

    def run(self, tmp: Any = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Return the module's result. Raises AnsibleError when the module raises anything."""
        task_vars = task_vars or {}
        if self.reason_to_launch(task_vars):
            return super().run(tmp, task_vars)
        # What NormalAction does before it starts the module.
        result = super(NormalAction, self).run(tmp, task_vars)
        result.update(self.run_here(self.module_name, self._task.args, task_vars))
        return result

    def reason_to_launch(self, task_vars: Mapping[str, Any]) -> str:
        """Why the module must get a process of its own; empty when it may run here."""
        task, connection = self._task, self._connection
        reasons = {
            f"{SWITCH} is false": not boolean(self._templar.template(task_vars.get(SWITCH, True))),
            "it does not run on the controller": connection.transport != "local" or task.delegate_to,
            "it runs as another user": self._play_context.become,
            "it runs in the background": task.async_val,
            "it has an environment of its own": any(task.environment or ()),
            "it runs with another Python": not _is_this_python(self._interpreter(task_vars)),
            "its files are to be kept": C.DEFAULT_KEEP_REMOTE_FILES,
        }
        return next((reason for reason, holds in reasons.items() if holds), "")

    def _interpreter(self, task_vars: Mapping[str, Any]) -> str:
        """The Python that Ansible would start, as it is written in the inventory or the configuration."""
        configured = C.config.get_config_value("INTERPRETER_PYTHON", variables=task_vars)
        return str(self._templar.template(configured))

    def run_here(self, name: str, given: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """Run the C(main()) of the module C(name) with these options, and return what it answers."""
        options = dict(given)
        self._update_module_args(f"{COLLECTION}.{name}", options, task_vars)
        with collector_paused(), _options(options), contextlib.redirect_stdout(io.StringIO()) as answer:
            try:
                self._modules[name].main()
            except SystemExit:
                pass  # how exit_json and fail_json end
            except Exception as error:
                # In the words of Ansible about a launched module.
                raise AnsibleError("Module failed.") from error
        lines = answer.getvalue().strip().splitlines()
        if not lines:
            raise AnsibleError(f"The module {name} ended without a result.")
        decoder = get_module_decoder(_PROFILE, Direction.MODULE_TO_CONTROLLER)
        result: dict[str, Any] = json.loads(lines[-1], cls=decoder)
        return result


def _loaded_for_good(module_name: str) -> ModuleType:
    """Import a module with all it needs, so that every worker that is forked from here on has it.

    The garbage collector is kept out of it: what is imported stays to the end. A collection in a worker that looked at it
    all the same would copy all memory that worker and main process share.
    """
    with collector_paused():
        # Ansible loads the filters of a collection anew in each worker that uses one of them, unless they are there.
        # Where no collection is loaded (a tool that only reads this file) there are none.
        with contextlib.suppress(KeyError):
            filter_loader.get(f"{COLLECTION}.tenant_requests")
        module = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{module_name}")
        gc.freeze()
    return module


def _is_this_python(interpreter: str) -> bool:
    """Whether this is the Python that runs Ansible. bin/python and bin/python3 of one virtual environment are the same."""

    def identity(path: str) -> tuple[str, str]:
        return os.path.realpath(os.path.dirname(path)), os.path.realpath(path)

    return os.path.isabs(interpreter) and identity(interpreter) == identity(sys.executable)


@contextlib.contextmanager
def _options(options: Mapping[str, Any]) -> Iterator[None]:
    """Let the next AnsibleModule read these options, as it reads those that come with a launched module."""
    before = basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE
    encoder = get_module_encoder(_PROFILE, Direction.CONTROLLER_TO_MODULE)
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}, cls=encoder).encode()
    basic._ANSIBLE_PROFILE = _PROFILE
    try:
        yield
    finally:
        basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = before
