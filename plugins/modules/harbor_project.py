#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: harbor_project
short_description: Manage projects of Harbor, their scanning, and robot accounts whose logins are kept
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Gives Harbor (SUSE Private Registry) its projects, with scanning on push and a gate that holds grave images back, and robot
    accounts that expire, whose logins are kept in Kubernetes Secrets or in files.
  - Takes all projects and robots in one call. A failure of one does not stop the others. All mistakes are told at once, before
    any change, a robot for a project that is not there among them.
  - The secret of a robot is made here and kept first; then the robot is made, and Harbor gets the secret. So an answer that is lost
    loses no secret and makes no second robot. A run that was killed in between is finished by the next one. When Harbor refuses,
    what was kept before is kept again. Each stored login is tried once per run; one that Harbor does not accept is replaced.
  - A robot is renewed when its end is near. Robots that this collection did not make are never touched.
options:
  projects:
    description: The projects.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name, up to 63 characters of a-z and 0-9, between them single dots, underscores or dashes.
        type: str
        required: true
      state:
        description: V(absent) removes the project. It is refused as long as there are images in it.
        type: str
        choices: [present, absent]
        default: present
      public:
        description: Whether everybody may pull without a login.
        type: bool
        default: false
      scan_on_push:
        description: Whether each image is scanned for vulnerabilities when it comes.
        type: bool
        default: true
      prevent_vulnerable:
        description: Whether images with vulnerabilities from O(projects[].severity) up, and images that were not scanned, cannot be pulled.
        type: bool
        default: true
      severity:
        description: The least severity that O(projects[].prevent_vulnerable) holds back.
        type: str
        choices: [low, medium, high, critical]
        default: high
  robots:
    description: Robot accounts of the whole registry, with rights in the projects that they name.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name without Harbor's prefix (V(robot$)); as that of a project.
        type: str
        required: true
      state:
        description: V(absent) removes the robot, and what is kept of it.
        type: str
        choices: [present, absent]
        default: present
      projects:
        description: Names of its projects, of O(projects) or on the server. Needed with O(robots[].state=present).
        type: list
        elements: str
        default: []
      access:
        description:
          - What it may do in all of them. V(pull) for nodes and workloads, V(push) for who builds images (and pulls them).
          - V(promote) may also copy artifacts between its projects and order scans.
        type: str
        choices: [pull, push, promote]
        default: pull
      valid_days:
        description: For how many days it lives, from 1 to 3650; counted again from each renewal.
        type: raw
        default: 90
      renew_before_days:
        description: How many days before its end it is renewed; less than O(robots[].valid_days).
        type: raw
        default: 30
      renew:
        description:
          - V(rotate) gives it a new end and a new secret. The old secret ends at once, so what uses it must read the store again.
          - V(extend) gives it a new end only.
        type: str
        choices: [rotate, extend]
        default: rotate
      rotation_id:
        description: Any text. When it differs from that of the stored login, the robot gets a new secret, once.
        type: str
        default: ""
      store:
        description: Where its login is kept. Each place for one robot. Either a Secret or a file.
        type: dict
        required: true
        suboptions:
          namespace:
            description: Namespace of the Secret. It must exist.
            type: str
          name:
            description:
              - Name of the Secret. Pods can pull with it (type C(kubernetes.io/dockerconfigjson)); it also has the keys C(registry),
                C(username) and C(password).
            type: str
          path:
            description: File on the machine that runs this module, of mode 0600, which podman and helm take as their authentication file.
            type: str
  concurrency:
    description: How many items are worked on at the same time.
    type: int
    default: 8
extends_documentation_fragment:
  - ai_tenancy.platform.harbor_auth
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes
requirements:
  - kubernetes >= 29.0.0, when logins are kept in Secrets
seealso:
  - module: ai_tenancy.platform.harbor_project_info
  - module: ai_tenancy.platform.harbor_promote
"""

EXAMPLES = r"""
- name: Staging and production, with a login for the nodes and one for the builds
  ai_tenancy.platform.harbor_project:
    api_url: https://registry.example.com
    api_password: "{{ vault_registry_admin }}"
    kubeconfig: /etc/rancher/rke2/rke2.yaml
    projects:
      - name: staging
        prevent_vulnerable: false
      - name: production
        severity: medium
    robots:
      - name: nodes
        projects: [production]
        store: {namespace: harbor, name: robot-nodes}
      - name: builds
        projects: [staging]
        access: push
        valid_days: 30
        renew_before_days: 7
        store: {path: /etc/ai-tenancy/builds.json}

- name: Another secret for the builds, now
  ai_tenancy.platform.harbor_project:
    api_url: https://registry.example.com
    api_password: "{{ vault_registry_admin }}"
    robots:
      - name: builds
        projects: [staging]
        access: push
        rotation_id: "2026-11"
        store: {path: /etc/ai-tenancy/builds.json}
"""

RETURN = r"""
results:
  description: One entry per project, then one per robot, in the order of the input. Secrets are never returned.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: C(project/) or C(robot/) and the name.
      type: str
      returned: always
    changed:
      description: Whether something was (in check mode, would be) changed.
      type: bool
      returned: always
    actions:
      description: What was done, in order, each with action, kind, name and reason.
      type: list
      elements: dict
      returned: always
    name:
      description: Name of the robot with Harbor's prefix, by which it logs in.
      type: str
      returned: for robots that are to be there
    store:
      description: Where its login is kept.
      type: str
      returned: for robots
    expires_at:
      description: When it ends, in seconds since the epoch.
      type: int
      returned: for robots that are there
    days_left:
      description: How many whole days are left until then.
      type: int
      returned: for robots that are there
    failed:
      description: Set when this item failed.
      type: bool
      returned: on failure
    error:
      description: Code, message, next step and whether a re-run can help.
      type: dict
      returned: on failure
  sample:
    - item: project/production
      changed: true
      actions:
        - {action: create, kind: Project, name: production}
    - item: robot/nodes
      changed: true
      actions:
        - {action: create, kind: Robot, name: nodes}
        - {action: create, kind: RobotSecret, name: nodes, reason: there is no robot yet}
      name: robot$nodes
      store: harbor/robot-nodes
      expires_at: 1803081600
      days_left: 90
"""

import time

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.registry.requests import ACCESS, parse
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    HARBOR_OPTIONS,
    Context,
    Report,
    kubernetes_options,
    run_module,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.registry.projects import Registry
from ansible_collections.ai_tenancy.platform.plugins.module_utils.registry.robots import new_secret

_STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}
_PROJECT = {
    "name": {"type": "str", "required": True},
    "state": _STATE,
    "public": {"type": "bool", "default": False},
    "scan_on_push": {"type": "bool", "default": True},
    "prevent_vulnerable": {"type": "bool", "default": True},
    "severity": {"type": "str", "choices": ["low", "medium", "high", "critical"], "default": "high"},
}
_STORE = {"namespace": {"type": "str"}, "name": {"type": "str"}, "path": {"type": "str"}}
_ROBOT = {
    "name": {"type": "str", "required": True},
    "state": _STATE,
    "projects": {"type": "list", "elements": "str", "default": []},
    "access": {"type": "str", "choices": list(ACCESS), "default": "pull"},
    # Not int: all mistakes are told at once, and Ansible would stop at this one.
    "valid_days": {"type": "raw", "default": 90},
    "renew_before_days": {"type": "raw", "default": 30},
    "renew": {"type": "str", "choices": ["rotate", "extend"], "default": "rotate"},
    "rotation_id": {"type": "str", "default": ""},
    "store": {"type": "dict", "required": True, "options": _STORE},
}
ARGUMENT_SPEC = {
    **kubernetes_options(),
    **HARBOR_OPTIONS,
    "projects": {"type": "list", "elements": "dict", "default": [], "options": _PROJECT},
    "robots": {"type": "list", "elements": "dict", "default": [], "options": _ROBOT},
    "concurrency": {"type": "int", "default": 8},
}


def work(context: Context) -> Report:
    """Make every project and robot as wanted."""
    requests = parse(context.params["projects"], context.params["robots"])
    secrets = context.secrets if any(robot.store.namespace for robot in requests.robots) else None
    registry = Registry(context.harbor, secrets, time.time, new_secret, context.check_mode)
    outcomes = registry.converge(requests, context.params["concurrency"])
    return Report(outcomes)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
