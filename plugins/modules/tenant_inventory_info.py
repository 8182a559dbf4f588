#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_inventory_info
short_description: List everything that belongs to a tenant on the host cluster
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Lists what carries the tenant's label on the host cluster, what lives in its namespace, and what refers to it from
    elsewhere (persistent volumes, subjects in the bindings of k3k).
  - It is the proof of an offboarding; afterwards it must return nothing, or only what is retained with a reason.
  - It does not look into ClearML; use M(ai_tenancy.platform.clearml_tenant_info) for that.
options:
  tenants:
    description: The tenants to look for.
    type: list
    elements: dict
    required: true
    suboptions:
      tenant:
        description: Id of the tenant.
        type: str
        required: true
      namespace:
        description: Its namespace; V(t-<tenant>) when not set.
        type: str
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes.info
requirements:
  - kubernetes >= 24.2.0
seealso:
  - module: ai_tenancy.platform.tenant_guard
"""

EXAMPLES = r"""
- name: What does acme have on the host cluster
  ai_tenancy.platform.tenant_inventory_info:
    tenants:
      - tenant: acme
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
    empty:
      description: Whether nothing was found but what is retained for a stated reason.
      type: bool
      returned: always
    found:
      description: Each thing with kind, name, namespace, how it was found, and why it is retained if it is.
      type: list
      elements: dict
      returned: always
  sample:
    - item: acme
      empty: false
      found:
        - {kind: Namespace, name: t-acme, found_by: label}
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.names import namespace_of
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.belongings import collect
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

ARGUMENT_SPEC = {
    **kubernetes_options(),
    "tenants": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {"tenant": {"type": "str", "required": True}, "namespace": {"type": "str"}},
    },
}


def work(context: Context) -> Report:
    """Collect and report."""
    tenants = [
        (item["tenant"], item["namespace"] or namespace_of(item["tenant"])) for item in context.params["tenants"]
    ]
    report = Report()
    for (tenant, _namespace), found in zip(tenants, collect(context.session, tenants)):
        values = {
            "found": [belonging.as_dict() for belonging in found],
            "empty": all(belonging.retained for belonging in found),
        }
        report.items.append(ItemResult(tenant, values=values))
    return report


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
