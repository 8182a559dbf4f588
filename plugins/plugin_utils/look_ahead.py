# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Ask several modules in one task what they would do.

Each task costs a worker, and each worker the reading of the same options and a new connection. Mostly nothing has changed,
and one look that says so spares all tasks that would only find the same again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import outcome

from .in_process import COLLECTION, InProcessAction

#: What Ansible adds to a module's result that nobody needs of a mere look; diffs are shown by the tasks that change.
_ASIDE = ("invocation", "diff", "warnings", "exception")


class LookAheadAction(InProcessAction):
    """Runs all of C(module_names) in check mode. The task has an option with the name of each, and what all share.

    What asks in another way uses C(begin) and C(ask) in a C(run) of its own.
    """

    def run(self, tmp: Any = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Return C(due), and the result of each module by its name; failed when a module failed."""
        task_vars = task_vars or {}
        result = self.begin(tmp, task_vars)
        found = {name: self.ask(name, self._options_of(name), task_vars) for name in self.module_names}
        result.update(changed=False, due=outcome.due(found.values()), **{name: _plain(found[name]) for name in found})
        # Of a launched module; one that runs here has said them already.
        result["warnings"] = [text for one in found.values() for text in one.get("warnings") or []]
        failed = [str(one.get("msg", "")) for one in found.values() if one.get("failed")]
        if failed:
            result.update(failed=True, msg="\n".join(failed))
        return result

    def begin(self, tmp: Any, task_vars: dict[str, Any]) -> dict[str, Any]:
        """What every action does first. From here on modules only look."""
        self._task.check_mode = True  # of this worker's own copy of the task
        result: dict[str, Any] = super(NormalAction, self).run(tmp, task_vars)
        return result

    def ask(self, name: str, options: dict[str, Any], task_vars: dict[str, Any]) -> Mapping[str, Any]:
        """What the module C(name) would do with these options."""
        if not self.reason_to_launch(task_vars):
            return self.run_here(name, options, task_vars)
        answer: Mapping[str, Any] = self._execute_module(f"{COLLECTION}.{name}", options, task_vars=task_vars)
        return answer

    def _options_of(self, name: str) -> dict[str, Any]:
        """The options that all share, and those of the module. Raises AnsibleActionFail when they are missing."""
        own = self._task.args.get(name)
        if not isinstance(own, Mapping):
            raise AnsibleActionFail(f"{name}: {own!r} is not allowed; allowed: a dictionary with the module's options")
        shared = {key: value for key, value in self._task.args.items() if key not in self.module_names}
        return {**shared, **own}


def _plain(result: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key not in _ASIDE and not key.startswith("_ansible")}
