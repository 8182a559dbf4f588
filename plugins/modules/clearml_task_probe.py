#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: clearml_task_probe
short_description: Prove by a small task that the queues of tenants are served
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Puts a task of one line into a queue of each tenant, waits until all have run, and removes them. So everything between queue and
    pod is proven, the agent, its quota, the image and the way back.
  - A task that failed stays until the next run, for its log. Everything else is removed, also when the wait ends, and so is what an
    earlier run has left. Never reports a change.
  - In check mode it only looks whether the queues are there.
options:
  tenants:
    description: The tenants to try, each once.
    type: list
    elements: dict
    required: true
    suboptions:
      tenant:
        description: Id of the tenant.
        type: str
        required: true
      queue:
        description: Name of the queue.
        type: str
        required: true
      admin_email:
        description: Email of the company's administrator. Either this or O(tenants[].store) is needed.
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
  image:
    description: Image of the task's container; that of the agent when not set.
    type: str
    default: ''
  wait_timeout:
    description: How long to wait for all tasks together, in seconds.
    type: int
    default: 600
  wait_sleep:
    description: Longest pause between two looks, in seconds. The first looks come faster.
    type: int
    default: 5
  concurrency:
    description: How many companies are asked at the same time.
    type: int
    default: 16
extends_documentation_fragment:
  - ai_tenancy.platform.clearml_auth
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes.info
requirements:
  - kubernetes >= 29.0.0, when O(tenants[].store) is used
seealso:
  - module: ai_tenancy.platform.clearml_info
"""

EXAMPLES = r"""
- name: Does a task in acme's queue run
  ai_tenancy.platform.clearml_task_probe:
    api_url: https://api.clearml.example.com
    access_key: "{{ clearml_access_key }}"
    secret_key: "{{ clearml_secret_key }}"
    tenants:
      - tenant: acme
        queue: 1xgpu
        store: {namespace: t-acme, name: clearml-agent-credentials}
"""

RETURN = r"""
results:
  description: One entry per tenant, in the order of the input.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: Id of the tenant.
      type: str
      returned: always
    queue:
      description: Name of the queue.
      type: str
      returned: always
    status:
      description: Last status of the task; empty when there was none.
      type: str
      returned: always
  sample:
    - item: acme
      changed: false
      actions: []
      queue: 1xgpu
      status: completed
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.tasks import TaskProbes
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.task import parse_tasks
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.retry import Waiting
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    CLEARML_ACCESS_OPTIONS,
    CLEARML_OPTIONS,
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

ARGUMENT_SPEC = {
    **kubernetes_options(),
    **CLEARML_OPTIONS,
    "tenants": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {**CLEARML_ACCESS_OPTIONS, "queue": {"type": "str", "required": True}},
    },
    "image": {"type": "str", "default": ""},
    "wait_timeout": {"type": "int", "default": 600},
    "wait_sleep": {"type": "int", "default": 5},
    "concurrency": {"type": "int", "default": 16},
}


def work(context: Context) -> Report:
    """Try every tenant and report."""
    params = context.params
    requests = parse_tasks(params["tenants"])
    secrets = context.secrets if any(request.access.store for request in requests) else None
    waiting = None if context.check_mode else Waiting(context.clock, params["wait_timeout"], params["wait_sleep"])
    probes = TaskProbes(context.clearml, secrets, params["image"], params["concurrency"]).run(requests, waiting)
    return Report(
        [
            ItemResult(
                probe.request.access.tenant,
                values={"queue": probe.request.queue, "status": str(probe.task.get("status") or "")},
                error=probe.error,
            )
            for probe in probes
        ]
    )


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
