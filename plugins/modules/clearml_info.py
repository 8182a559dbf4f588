#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: clearml_info
short_description: Look at a ClearML server and into the companies of tenants
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Tells version, edition and features of the server, and the queues, workers (agents) and routers (application gateways)
    inside the companies of tenants.
options:
  tenants:
    description: The tenants to look into; none when not set.
    type: list
    elements: dict
    default: []
    suboptions:
      tenant:
        description: Id of the tenant.
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
  gather:
    description: What to read inside each company; one call each.
    type: list
    elements: str
    choices: [queues, workers, routers]
    default: [queues, workers, routers]
  last_seen:
    description: Workers that were not seen for so many seconds are left out.
    type: int
    default: 600
  concurrency:
    description: How many companies are read at the same time.
    type: int
    default: 16
extends_documentation_fragment:
  - ai_tenancy.platform.clearml_auth
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes.info
requirements:
  - kubernetes >= 29.0.0, when O(tenants[].store) is used
seealso:
  - module: ai_tenancy.platform.clearml_tenant_info
"""

EXAMPLES = r"""
- name: Which version runs, and are acme's agents connected
  ai_tenancy.platform.clearml_info:
    api_url: https://api.clearml.example.com
    access_key: "{{ clearml_access_key }}"
    secret_key: "{{ clearml_secret_key }}"
    tenants:
      - tenant: acme
        admin_email: platform+acme@example.com
    gather: [queues, workers]
"""

RETURN = r"""
server:
  description:
    - Version, build, api_version, feature_set (C(advanced) for Enterprise, C(basic) for open source) and features.
    - C(auth_cookie) is the name of the cookie in which browsers carry their login, which application gateways must know. It is
      empty when a O(token) was given, for only a login shows it.
  returned: success
  type: dict
  sample: {version: 3.30.0, build: "0", api_version: "2.37", feature_set: advanced, features: [queues], auth_cookie: allegro_token}
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
    queues:
      description: Each with id, name, display_name, tags, metadata and the number of waiting tasks.
      type: list
      elements: dict
      returned: with queues in O(gather)
    workers:
      description: Each with id, ip, the names of its queues, the id of its task and last_activity_time.
      type: list
      elements: dict
      returned: with workers in O(gather)
    routers:
      description: Each with router, url, version, uptime, last_update_timestamp and routes.
      type: list
      elements: dict
      returned: with routers in O(gather)
  sample:
    - item: acme
      changed: false
      actions: []
      queues: [{id: 1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f, name: 1xgpu, display_name: "", tags: [], metadata: {}, waiting: 0}]
      workers: []
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.info import all_inside, server
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.queues import parse_accesses
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
        "default": [],
        "options": CLEARML_ACCESS_OPTIONS,
    },
    "gather": {
        "type": "list",
        "elements": "str",
        "choices": ["queues", "workers", "routers"],
        "default": ["queues", "workers", "routers"],
    },
    "last_seen": {"type": "int", "default": 600},
    "concurrency": {"type": "int", "default": 16},
}


def work(context: Context) -> Report:
    """Read and report."""
    params = context.params
    accesses = parse_accesses(params["tenants"])
    secrets = context.secrets if any(access.store for access in accesses) else None
    report = Report(values={"server": server(context.clearml)})
    found = all_inside(context.clearml, secrets, accesses, params["gather"], params["last_seen"], params["concurrency"])
    for access, values in zip(accesses, found):
        report.items.append(ItemResult.of_answer(access.tenant, values))
    return report


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
