#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: clearml_tenant_info
short_description: Look at ClearML companies and their credentials
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Tells what ClearML has for tenants. After an offboarding it proves that nothing is left.
  - Secrets are never returned.
options:
  tenants:
    description: The tenants to look for; all companies of the server when not set.
    type: list
    elements: dict
    suboptions:
      id:
        description: Id of the tenant.
        type: str
        required: true
      company:
        description: Name of the company, compared exactly.
        type: str
        required: true
      admin_email:
        description: Email of the administrator, to look for that user too.
        type: str
  gather:
    description:
      - What to read. Each of V(settings), V(running) and V(people) costs one call per company.
      - V(login) needs O(tenants[].admin_email).
      - V(running) and V(people) are C(null) on a server before 3.30.
      - V(credentials) lists the Secrets that hold pairs, and uses the Kubernetes API.
    type: list
    elements: str
    choices: [settings, login, people, running, credentials]
    default: [settings]
  verify_credentials:
    description: With V(credentials) in O(gather), log in with each pair to tell whether it is valid.
    type: bool
    default: false
  concurrency:
    description: How many companies are read at the same time.
    type: int
    default: 16
extends_documentation_fragment:
  - ai_tenancy.platform.clearml_auth
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes.info
requirements:
  - kubernetes >= 29.0.0, with V(credentials) in O(gather)
seealso:
  - module: ai_tenancy.platform.clearml_tenant
"""

EXAMPLES = r"""
- name: Which companies are there
  ai_tenancy.platform.clearml_tenant_info:
    api_url: https://api.clearml.example.com
    access_key: "{{ clearml_access_key }}"
    secret_key: "{{ clearml_secret_key }}"
  register: companies

- name: Is anything left of acme
  ai_tenancy.platform.clearml_tenant_info:
    api_url: https://api.clearml.example.com
    kubeconfig: /etc/rancher/rke2/rke2.yaml
    gather: [credentials]
    tenants:
      - id: acme
        company: ACME
        admin_email: platform+acme@example.com
"""

RETURN = r"""
results:
  description: One entry per tenant, in the order of the input, or per company.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: Id of the tenant, or name of the company when O(tenants) is not set.
      type: str
      returned: always
    exists:
      description: Whether the company exists.
      type: bool
      returned: always
    company:
      description: Id and name.
      type: dict
      returned: when it exists
    duplicates:
      description: Ids of all companies with the name.
      type: list
      elements: str
      returned: when there are several
    admin:
      description: Id, email, role and company_id of the administrator; null when there is no such user.
      type: dict
      returned: with admin_email
    settings:
      description: Settings by the names of C(system.update_company_settings).
      type: dict
      returned: with settings in O(gather)
    login:
      description: The domains and the emails (whitelist) whose users log in to the company.
      type: dict
      returned: with login in O(gather)
    people:
      description: Emails of the people in the company and of those invited.
      type: list
      elements: str
      returned: with people in O(gather)
    running:
      description: Counts of tasks, app_tasks, pipeline_tasks, connected_workers and active_routes.
      type: dict
      returned: with running in O(gather)
    credentials:
      description:
        - One entry per Secret with purpose, secret (namespace and name), complete, label, company_id, rotation_id,
          previous_kept, created_at (seconds since the epoch), access_key_hint and, with O(verify_credentials), valid.
      type: list
      elements: dict
      returned: with credentials in O(gather)
  sample:
    - item: acme
      changed: false
      actions: []
      exists: true
      company: {id: 0b9a2c7d3f5e4a10b6c1d2e3f4a5b6c7, name: ACME}
      settings: {allowed_users: 20}
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.info import Subject, TenantFacts
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
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
        "options": {
            "id": {"type": "str", "required": True},
            "company": {"type": "str", "required": True},
            "admin_email": {"type": "str"},
        },
    },
    "gather": {
        "type": "list",
        "elements": "str",
        "choices": ["settings", "login", "people", "running", "credentials"],
        "default": ["settings"],
    },
    "verify_credentials": {"type": "bool", "default": False},
    "concurrency": {"type": "int", "default": 16},
}


def work(context: Context) -> Report:
    """Read and report."""
    params = context.params
    secrets = context.secrets if "credentials" in params["gather"] else None
    facts = TenantFacts(context.clearml, secrets, params["gather"], params["verify_credentials"])
    if params["tenants"] is None:
        found = facts.of_all(params["concurrency"])
    else:
        subjects = [
            Subject(each["id"], each["company"], (each["admin_email"] or "").lower()) for each in params["tenants"]
        ]
        found = list(zip([each["id"] for each in params["tenants"]], facts.of(subjects, params["concurrency"])))
    return Report([ItemResult.of_answer(item, values) for item, values in found])


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
