#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: clearml_tenant
short_description: Manage ClearML companies, their administrators and their credentials
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Gives each tenant a company of its own in ClearML Enterprise, with a hidden administrator that the platform uses, limits
    and features, rules who may log in, and credentials (pairs of access key and secret key) that are kept in Kubernetes
    Secrets.
  - Takes all tenants in one call. A failure of one tenant does not stop the others. Results are in the order of the input.
  - ClearML shows a secret key once, in the answer that creates it. So the API server of Kubernetes is asked first whether
    the Secret may be written, then the pair is created and written at once. When the write fails the new pair is revoked
    again. A Secret is only created when absent and only replaced when nobody changed it meanwhile, so that of two runs at
    once one wins and the other uses its pair.
  - A credential is found again by its label at the server and by the access key in its Secret. A stored pair that the
    server no longer accepts is replaced. A missing Secret is replaced as O(tenants[].credentials[].on_lost_secret) says.
  - An existing company with the wanted name is taken over when the wanted administrator is in it, when a Secret of this
    tenant belongs to it, when O(tenants[].company_id) names it, or when nobody is in it (what an interrupted run leaves).
    When people are in it that this collection did not put there, it is refused. A server before 3.30 cannot tell whether
    there are people; then the company is taken over with a warning.
options:
  tenants:
    description: The tenants.
    type: list
    elements: dict
    required: true
    suboptions:
      id:
        description: Id of the tenant.
        type: str
        required: true
      company:
        description: Name of the company, at least three characters, compared exactly.
        type: str
        required: true
      company_id:
        description: Id of an existing company to take over, or to choose one where several have the same name.
        type: str
      state:
        description:
          - V(present) makes everything as wanted.
          - V(absent) revokes all credentials of the administrator, removes their Secrets, deletes the administrator and then
            the company. It is refused, before anything is removed, while workers are connected or tasks run.
        type: str
        choices: [present, absent]
        default: present
      admin:
        description: The administrator through whom the platform acts in the company. Created hidden, with the role admin.
        type: dict
        required: true
        suboptions:
          name:
            description: Name; V(<id>-admin) when not set.
            type: str
          email:
            description: Email. ClearML has each email once, over all companies; it is kept in lower case.
            type: str
            required: true
      allowed_users:
        description: How many users the company may have; not managed when not set.
        type: int
      features:
        description: Features of the company, all of them; not managed when not set.
        type: list
        elements: str
      exclude_features:
        description: Features that the company does not get, all of them; not managed when not set.
        type: list
        elements: str
      settings:
        description: Further settings of the company. Those that are not set are not managed.
        type: dict
        suboptions:
          allowed_service_users:
            description: How many service accounts the company may have.
            type: int
          allow_service_user_admins:
            description: Whether a service account may have the role admin.
            type: bool
          feature_set:
            description: Edition that the company sees.
            type: str
            choices: [basic, advanced]
          max_running_apps:
            description: How many applications may run at the same time.
            type: int
          admin_access_all_apps:
            description: Whether administrators see the applications of all users.
            type: bool
          app_access_by_owners:
            description: Applications that only their owners see.
            type: list
            elements: str
          supported_application_ids:
            description: Applications that the company may run.
            type: list
            elements: str
          supported_application_categories:
            description: Categories of applications that the company may run.
            type: list
            elements: str
          excluded_application_categories:
            description: Categories of applications that the company may not run.
            type: list
            elements: str
          cookie_options:
            description: Cookies of the company's users.
            type: dict
            suboptions:
              domain:
                description: Domain of the cookies, for a gateway outside the server's own domain.
                type: str
      domains:
        description:
          - Email domains whose users log in to this company, all of them; not managed when not set.
          - Managing O(tenants[].domains) or O(tenants[].whitelist) costs one more call for an unchanged tenant.
        type: list
        elements: str
      whitelist:
        description: Emails whose users log in to this company, all of them; not managed when not set.
        type: list
        elements: str
      credentials:
        description:
          - Credentials of the administrator. The Kubernetes API is only used when at least one tenant has some.
          - With O(tenants[].state=absent) all Secrets with pairs of the tenant are removed, provided that the Kubernetes API
            is used at all.
        type: list
        elements: dict
        default: []
        suboptions:
          purpose:
            description: What the credential is for, for example V(agent); unique within the tenant.
            type: str
            required: true
          label:
            description: Label at the server; V(ai-tenancy:<id>:<purpose>) when not set.
            type: str
          store:
            description: The Secret that keeps the pair.
            type: dict
            default: {}
            suboptions:
              namespace:
                description: Namespace; V(t-<id>) when not set. It must exist.
                type: str
              name:
                description: Name; V(clearml-<purpose>) when not set.
                type: str
              access_key_key:
                description: Key of the access key inside the Secret. The default is where the ClearML agent chart looks.
                type: str
                default: agentk8sglue_key
              secret_key_key:
                description: Key of the secret key inside the Secret. The default is where the ClearML agent chart looks.
                type: str
                default: agentk8sglue_secret
          rotate:
            description:
              - V(never) rotates only when O(tenants[].credentials[].rotation_id) changes.
              - V(always) rotates in every run.
              - V(if_older_than) rotates when the pair is older than O(tenants[].credentials[].max_age_days).
            type: str
            choices: [never, always, if_older_than]
            default: never
          max_age_days:
            description: Needed with O(tenants[].credentials[].rotate=if_older_than).
            type: int
          rotation_id:
            description: Any text. When it differs from that of the stored pair, the pair is rotated once.
            type: str
          on_lost_secret:
            description:
              - What to do when the server has a credential with the label, but no Secret holds it.
              - V(rotate) makes a new one. V(fail) fails, so that the Secret can be restored from a backup.
            type: str
            choices: [rotate, fail]
            default: rotate
          revoke_old:
            description:
              - What becomes of older credentials with the label when a new one is stored.
              - V(keep_one) keeps the one before, so that an agent that runs with it goes on until it is rolled. A later run
                with V(immediately) revokes it.
              - V(immediately) revokes all of them, V(never) none.
              - Bearer tokens made with a revoked credential live on until they expire (up to 30 days).
            type: str
            choices: [immediately, keep_one, never]
            default: keep_one
      confirm_name:
        description: Needed with O(tenants[].state=absent), must repeat the name of the company.
        type: str
      force:
        description: With O(tenants[].state=absent), delete even while workers are connected or tasks run.
        type: bool
        default: false
      delete_method:
        description:
          - V(auto) deletes the company by the API (server 3.30 and newer). Where the server cannot, everything that gives
            access is removed, the company stays, and the result tells how the vendor's jobs delete it.
          - V(api) fails, before anything is removed, where the server cannot.
          - V(jobs) leaves the company for the vendor's jobs in any case. They are never run by this module.
        type: str
        choices: [auto, api, jobs]
        default: auto
  verify_credentials:
    description:
      - Log in with each stored pair to prove that it is valid and belongs to the tenant's company. Costs one call per pair
        and run. Without it, a pair that was revoked elsewhere is not noticed.
    type: bool
    default: true
  concurrency:
    description: How many tenants are worked on at the same time.
    type: int
    default: 16
extends_documentation_fragment:
  - ai_tenancy.platform.clearml_auth
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes
requirements:
  - kubernetes >= 29.0.0, when credentials are managed
seealso:
  - module: ai_tenancy.platform.clearml_tenant_info
  - module: ai_tenancy.platform.clearml_queue
"""

EXAMPLES = r"""
- name: Companies of all tenants, with credentials for their agents
  ai_tenancy.platform.clearml_tenant:
    api_url: https://api.clearml.example.com
    access_key: "{{ clearml_access_key }}"
    secret_key: "{{ clearml_secret_key }}"
    kubeconfig: /etc/rancher/rke2/rke2.yaml
    tenants:
      - id: acme
        company: ACME
        admin:
          name: acme-admin
          email: platform+acme@example.com
        allowed_users: 20
        features: [queues, queue_management, experiments]
        domains: [acme.example]
        credentials:
          - purpose: agent
            store:
              namespace: t-acme
              name: clearml-agent-credentials

- name: Rotate, first step (the old pair stays valid until the agent was rolled)
  ai_tenancy.platform.clearml_tenant:
    api_url: https://api.clearml.example.com
    tenants:
      - id: acme
        company: ACME
        admin: {email: platform+acme@example.com}
        credentials:
          - purpose: agent
            rotation_id: "2026-11"

- name: Rotate, last step
  ai_tenancy.platform.clearml_tenant:
    api_url: https://api.clearml.example.com
    tenants:
      - id: acme
        company: ACME
        admin: {email: platform+acme@example.com}
        credentials:
          - purpose: agent
            rotation_id: "2026-11"
            revoke_old: immediately

- name: Offboard
  ai_tenancy.platform.clearml_tenant:
    api_url: https://api.clearml.example.com
    tenants:
      - id: acme
        company: ACME
        state: absent
        confirm_name: ACME
        admin: {email: platform+acme@example.com}
        credentials: [{purpose: agent}]
"""

RETURN = r"""
results:
  description: One entry per tenant, in the order of the input. Secrets are never returned.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: Id of the tenant.
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
    company:
      description: Id and name of the company.
      type: dict
      returned: with state=present, once it exists
    admin:
      description: Id and email of the administrator.
      type: dict
      returned: with state=present, once it exists
    credentials:
      description:
        - One entry per credential with purpose, label, secret (namespace and name of the Secret), action (C(keep), C(create),
          C(rotate) or C(finish)), access_key_hint (the first characters), rotation_id, previous_kept and created_at (seconds
          since the epoch).
      type: list
      elements: dict
      returned: with credentials
    retained:
      description: With O(tenants[].state=absent), what stays at the server and why, each with what and why.
      type: list
      elements: dict
      returned: with state=absent
    failed:
      description: Set when this tenant failed.
      type: bool
      returned: on failure
    error:
      description: Code, message, next step and whether a re-run can help.
      type: dict
      returned: on failure
  sample:
    - item: acme
      changed: true
      actions:
        - {action: create, kind: Company, name: ACME}
        - {action: create, kind: User, name: platform+acme@example.com}
        - {action: create, kind: Credential, name: "ai-tenancy:acme:agent", namespace: t-acme, reason: there is no pair yet}
      company: {id: 0b9a2c7d3f5e4a10b6c1d2e3f4a5b6c7, name: ACME}
      admin: {id: 7f0e5d4c3b2a19080f1e2d3c4b5a6978, email: platform+acme@example.com}
      credentials:
        - purpose: agent
          label: "ai-tenancy:acme:agent"
          secret: t-acme/clearml-agent-credentials
          action: create
          case: 4
          access_key_hint: P4EO...
          rotation_id: ""
          previous_kept: false
          created_at: 1795219200
"""

import time

from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.tenants import Tenants
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml.requests import parse_tenants
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    CLEARML_OPTIONS,
    CLEARML_STORE_OPTIONS,
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

_LIST = {"type": "list", "elements": "str"}
_SETTINGS = {
    "allowed_service_users": {"type": "int"},
    "allow_service_user_admins": {"type": "bool"},
    "feature_set": {"type": "str", "choices": ["basic", "advanced"]},
    "max_running_apps": {"type": "int"},
    "admin_access_all_apps": {"type": "bool"},
    "app_access_by_owners": _LIST,
    "supported_application_ids": _LIST,
    "supported_application_categories": _LIST,
    "excluded_application_categories": _LIST,
    "cookie_options": {"type": "dict", "options": {"domain": {"type": "str"}}},
}
_CREDENTIAL = {
    "purpose": {"type": "str", "required": True},
    "label": {"type": "str"},
    "store": {"type": "dict", "default": {}, "options": CLEARML_STORE_OPTIONS},
    "rotate": {"type": "str", "choices": ["never", "always", "if_older_than"], "default": "never"},
    "max_age_days": {"type": "int"},
    "rotation_id": {"type": "str"},
    "on_lost_secret": {"type": "str", "choices": ["rotate", "fail"], "default": "rotate", "no_log": False},
    "revoke_old": {"type": "str", "choices": ["immediately", "keep_one", "never"], "default": "keep_one"},
}
_TENANT = {
    "id": {"type": "str", "required": True},
    "company": {"type": "str", "required": True},
    "company_id": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "admin": {
        "type": "dict",
        "required": True,
        "options": {"name": {"type": "str"}, "email": {"type": "str", "required": True}},
    },
    "allowed_users": {"type": "int"},
    "features": _LIST,
    "exclude_features": _LIST,
    "settings": {"type": "dict", "options": _SETTINGS},
    "domains": _LIST,
    "whitelist": _LIST,
    "credentials": {"type": "list", "elements": "dict", "default": [], "options": _CREDENTIAL},
    "confirm_name": {"type": "str"},
    "force": {"type": "bool", "default": False},
    "delete_method": {"type": "str", "choices": ["auto", "api", "jobs"], "default": "auto"},
}
ARGUMENT_SPEC = {
    **kubernetes_options(),
    **CLEARML_OPTIONS,
    "tenants": {"type": "list", "elements": "dict", "required": True, "options": _TENANT},
    "verify_credentials": {"type": "bool", "default": True},
    "concurrency": {"type": "int", "default": 16},
}


def work(context: Context) -> Report:
    """Make every tenant as wanted."""
    requests = parse_tenants(context.params["tenants"])
    secrets = context.secrets if any(request.credentials for request in requests) else None
    tenants = Tenants(context.clearml, secrets, time.time, context.check_mode, context.params["verify_credentials"])
    report = Report()
    for request, outcome in zip(requests, tenants.converge(requests, context.params["concurrency"])):
        report.items.append(ItemResult(request.id, outcome.steps, outcome.values, error=outcome.error))
        report.warnings.extend(outcome.warnings)
    return report


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
