#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: clearml_queue
short_description: Manage queues in the ClearML companies of tenants
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Creates, changes and removes queues in the companies of tenants. Takes the queues of all tenants in one call; each
    company costs one list, and only what differs is written.
  - A queue that appears meanwhile (an agent and the enqueueing of a task also create queues) is brought into line.
options:
  queues:
    description: The queues.
    type: list
    elements: dict
    required: true
    suboptions:
      tenant:
        description: Id of the tenant.
        type: str
        required: true
      name:
        description: Name, at least three characters, unique within the company.
        type: str
        required: true
      state:
        description: Whether the queue exists.
        type: str
        choices: [present, absent]
        default: present
      display_name:
        description: Name that users see; not managed when not set.
        type: str
      tags:
        description: Tags, all of them; not managed when not set.
        type: list
        elements: str
      metadata:
        description: Metadata, all of it, as texts by name; not managed when not set.
        type: dict
      force:
        description: With O(queues[].state=absent), remove a queue although tasks wait in it. They become drafts.
        type: bool
        default: false
      admin_email:
        description:
          - Email of the company's administrator. The platform's credential acts in the company of that user.
          - Either this or O(queues[].store) is needed, the same for all queues of a tenant.
        type: str
      store:
        description: Secret with a pair of the tenant, used instead of the platform's credential.
        type: dict
        suboptions:
          namespace:
            description: Namespace; V(t-<tenant>) when not set.
            type: str
          name:
            description: Name of the Secret; V(clearml-agent) when not set.
            type: str
          access_key_key:
            description: Key of the access key inside the Secret.
            type: str
            default: agentk8sglue_key
          secret_key_key:
            description: Key of the secret key inside the Secret.
            type: str
            default: agentk8sglue_secret
      company:
        description: Name of the company. When set, it is an error when the administrator or the pair belongs to another one.
        type: str
  concurrency:
    description: How many companies are worked on at the same time.
    type: int
    default: 16
extends_documentation_fragment:
  - ai_tenancy.platform.clearml_auth
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes
requirements:
  - kubernetes >= 29.0.0, when O(queues[].store) is used
seealso:
  - module: ai_tenancy.platform.clearml_tenant
"""

EXAMPLES = r"""
- name: Queues by GPU count
  ai_tenancy.platform.clearml_queue:
    api_url: https://api.clearml.example.com
    access_key: "{{ clearml_access_key }}"
    secret_key: "{{ clearml_secret_key }}"
    queues:
      - tenant: acme
        company: ACME
        admin_email: platform+acme@example.com
        name: 1xgpu
        display_name: 1 GPU
        tags: [gpu]
      - tenant: acme
        company: ACME
        admin_email: platform+acme@example.com
        name: 8xgpu
        metadata:
          gpus: "8"

- name: Remove a queue
  ai_tenancy.platform.clearml_queue:
    api_url: https://api.clearml.example.com
    queues:
      - tenant: acme
        admin_email: platform+acme@example.com
        name: old
        state: absent
"""

RETURN = r"""
results:
  description: One entry per queue, in the order of the input.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: Tenant and name of the queue.
      type: str
      returned: always
    changed:
      description: Whether something was (in check mode, would be) changed.
      type: bool
      returned: always
    actions:
      description: What was done, each with action, kind, name and the changed fields.
      type: list
      elements: dict
      returned: always
    queue:
      description: Id of the queue and how many tasks wait in it.
      type: dict
      returned: with state=present, once it exists
    failed:
      description: Set when this queue failed.
      type: bool
      returned: on failure
    error:
      description: Code, message, next step and whether a re-run can help.
      type: dict
      returned: on failure
  sample:
    - item: acme/1xgpu
      changed: true
      actions: [{action: create, kind: Queue, name: 1xgpu}]
      queue: {id: 1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f, waiting: 0}
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.queues import Queues
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.queues import parse_queues
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    CLEARML_ACCESS_OPTIONS,
    CLEARML_OPTIONS,
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

_QUEUE = {
    **CLEARML_ACCESS_OPTIONS,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "display_name": {"type": "str"},
    "tags": {"type": "list", "elements": "str"},
    "metadata": {"type": "dict"},
    "force": {"type": "bool", "default": False},
}
ARGUMENT_SPEC = {
    **kubernetes_options(),
    **CLEARML_OPTIONS,
    "queues": {"type": "list", "elements": "dict", "required": True, "options": _QUEUE},
    "concurrency": {"type": "int", "default": 16},
}


def work(context: Context) -> Report:
    """Make every queue as wanted."""
    requests = parse_queues(context.params["queues"])
    secrets = context.secrets if any(request.access.store for request in requests) else None
    queues = Queues(context.clearml, secrets, context.check_mode)
    report = Report()
    for request, outcome in zip(requests, queues.converge(requests, context.params["concurrency"])):
        report.items.append(ItemResult(request.item, outcome.steps, outcome.values, error=outcome.error))
    return report


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
