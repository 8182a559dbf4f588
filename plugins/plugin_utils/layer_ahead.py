# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Look ahead at one layer of the platform.

A layer costs some thirty tasks, whether it changes anything or not. Mostly nothing has changed, and one look that says so
spares them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ansible.errors import AnsibleActionFail

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform import ahead

from .look_ahead import LookAheadAction

#: The options of this task and what they must be. All others are how to reach the API.
_OWN = {"releases": list, "versions": Mapping, "choice": Mapping, "observed": Mapping, "cluster": Mapping}


class LayerAheadAction(LookAheadAction):
    """Judges what a layer would change, and asks C(module_names) about what belongs around its charts."""

    def run(self, tmp: Any = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        """Return C(due), C(refusals) and C(charts) of the layer. Raises AnsibleActionFail for bad options."""
        task_vars = task_vars or {}
        given = self._task.args
        wrong = [name for name, kind in _OWN.items() if not isinstance(given.get(name), kind)]
        if wrong:
            raise AnsibleActionFail(
                f"{', '.join(wrong)}: not allowed; allowed: releases as a list, the others as dictionaries"
            )
        result = self.begin(tmp, task_vars)
        situation = ahead.Situation(given["versions"], given["choice"], given["observed"], given["cluster"])
        looks = [ahead.look(release, situation) for release in given["releases"]]
        is_due = any(one.due for one in looks)
        if not is_due and not any(one.refusals for one in looks):
            is_due = any(ahead.is_open(self._around(one, task_vars)) for one in looks)
        return {**result, "changed": False, **ahead.summary(looks, is_due)}

    def _around(self, look: ahead.Look, task_vars: dict[str, Any]) -> Mapping[str, Any]:
        """What platform_objects would do around one release."""
        access = {name: value for name, value in self._task.args.items() if name not in _OWN}
        return self.ask(self.module_names[0], {**access, **look.objects}, task_vars)
