#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_release_repair
short_description: Give up Helm operations that were interrupted, so that the next one can begin
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - A Helm that is killed leaves its release C(pending) or C(uninstalling), and no later one touches it ("another operation is in
    progress"). This module marks such a revision C(failed), as Helm itself does when it fails and lives. Then
    M(kubernetes.core.helm) goes on from there. Nothing that the release installed is changed, and its history is kept.
  - A Helm that still works must not be disturbed. So an operation is given up only when its revision is older than
    O(older_than); until then the module waits, and looks whether the operation ends by itself.
options:
  releases:
    description: The releases to look at. One that is not interrupted is left alone.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the release.
        type: str
        required: true
      namespace:
        description: Namespace of the release.
        type: str
        required: true
  older_than:
    description: Seconds after which an operation that has not ended counts as interrupted.
    type: int
    default: 300
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes
requirements:
  - kubernetes >= 24.2.0
seealso:
  - module: ai_tenancy.platform.helm_release_info
"""

EXAMPLES = r"""
- name: Go on after an installation that was killed
  ai_tenancy.platform.helm_release_repair:
    releases:
      - {name: longhorn, namespace: longhorn-system}
"""

RETURN = r"""
results:
  description: One entry per release, in the order of O(releases).
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: C(namespace/name) of the release.
      type: str
      returned: always
    status:
      description: Status that was found at the end of the wait.
      type: str
      returned: always
  sample:
    - item: longhorn-system/longhorn
      changed: true
      status: pending-upgrade
"""

from datetime import datetime, timezone

from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.releases import repair
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    RELEASE_OPTIONS,
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

ARGUMENT_SPEC = {
    **kubernetes_options(),
    "releases": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": RELEASE_OPTIONS,
    },
    "older_than": {"type": "int", "default": 300},
}


def work(context: Context) -> Report:
    """Wait where it is due, then give up what is still interrupted."""
    params = context.params
    wanted = [(release["namespace"], release["name"]) for release in params["releases"]]
    outcomes = repair(
        context.session,
        wanted,
        params["older_than"],
        context.clock,
        lambda: datetime.now(timezone.utc),
        context.check_mode,
    )
    return Report([ItemResult.of_plan(outcome.plan, status=outcome.status) for outcome in outcomes])


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
