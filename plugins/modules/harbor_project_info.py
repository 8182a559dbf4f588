#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_project_info
short_description: Tell the projects of Harbor and its robot accounts, and when these end
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Reads all projects and all robot accounts of the whole registry, with two lists.
  - Secrets are never returned; Harbor does not show them.
options:
  expiring_days:
    description: Warn of each robot that has expired, or will within so many days. None when not set.
    type: int
extends_documentation_fragment:
  - ai_tenancy.platform.harbor_auth
  - ai_tenancy.platform.attributes.info
seealso:
  - module: ai_tenancy.platform.harbor_project
"""

EXAMPLES = r"""
- name: Which robots end soon
  ai_tenancy.platform.harbor_project_info:
    api_url: https://registry.example.com
    api_password: "{{ vault_registry_admin }}"
    expiring_days: 14
  register: registry
"""

RETURN = r"""
results:
  description: One entry per project, then one per robot, each in the order of their names.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: C(project/) or C(robot/) and the name, that of a robot with Harbor's prefix.
      type: str
      returned: always
    settings:
      description: Settings of the project by Harbor's names, all of them texts.
      type: dict
      returned: for projects
    repositories:
      description: How many repositories are in the project.
      type: int
      returned: for projects
    managed:
      description: Whether M(ai_tenancy.platform.harbor_project) made the robot.
      type: bool
      returned: for robots
    rights:
      description: What it may do, each as project, resource and action.
      type: list
      elements: str
      returned: for robots
    disabled:
      description: Whether Harbor refuses it.
      type: bool
      returned: for robots
    expires_at:
      description: When it ends, in seconds since the epoch; C(null) for a robot without an end.
      type: int
      returned: for robots
    days_left:
      description: How many whole days are left until then; negative when it has ended; C(null) for a robot without an end.
      type: int
      returned: for robots
  sample:
    - item: project/production
      changed: false
      settings: {public: "false", auto_scan: "true", prevent_vul: "true", severity: medium}
      repositories: 12
    - item: robot/robot$nodes
      changed: false
      managed: true
      rights: ["production: repository pull"]
      disabled: false
      expires_at: 1803081600
      days_left: 90
"""

import time

from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    HARBOR_OPTIONS,
    Context,
    Report,
    run_module,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.registry.info import look

ARGUMENT_SPEC = {**HARBOR_OPTIONS, "expiring_days": {"type": "int"}}


def work(context: Context) -> Report:
    """Read projects and robots."""
    seen = look(context.harbor, time.time(), context.params["expiring_days"])
    return Report(seen.results, warnings=seen.warnings)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
