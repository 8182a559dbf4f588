#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: gpu_quota_info
short_description: Read quotas, their use, and the capacity of the host cluster
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Reads what tenants are granted, what they use and what is left, and what the nodes have beside it.
options:
  tenants:
    description: Ids of the tenants to report; all that have a quota when not set.
    type: list
    elements: str
  consumers:
    description: Also list the pods that hold accelerators.
    type: bool
    default: false
  accelerator_patterns:
    description: Regular expressions for the names of resources that are accelerators, as in M(ai_tenancy.platform.gpu_quota).
    type: list
    elements: str
  capacity_selector:
    description: Label selector of the nodes that count for the capacity; all when empty.
    type: str
    default: ''
  reserve:
    description: Accelerators that no tenant may be promised, by resource.
    type: dict
  overcommit_ratio:
    description: Sum of all limits divided by what the nodes have without the reserve, at the most.
    type: float
    default: 1.0
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes.info
requirements:
  - kubernetes >= 24.2.0
seealso:
  - module: ai_tenancy.platform.gpu_quota
"""

EXAMPLES = r"""
- name: Read the quotas of all tenants
  ai_tenancy.platform.gpu_quota_info:
  register: quotas

- name: Read one tenant's, with the pods that hold accelerators
  ai_tenancy.platform.gpu_quota_info:
    tenants: [acme]
    consumers: true
"""

RETURN = r"""
capacity:
  description: What the nodes have and what was promised, by accelerator.
  returned: success
  type: dict
  sample:
    nvidia.com/gpu:
      allocatable: 32
      reserved: 0
      guaranteed_total: 20
      ceiling_total: 20
      ratio: 0.625
      foreign_used: 0
      unreserved_free: 12
violations:
  description: Capacity rules that are broken as things stand, one line each.
  returned: success
  type: list
  elements: str
  sample: []
results:
  description: One entry per tenant, in the order of O(tenants), else by id.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: Id of the tenant.
      type: str
      returned: always
    exists:
      description: Whether the tenant has a quota.
      type: bool
      returned: always
    namespace:
      description: The tenant's namespace.
      type: str
      returned: always
    hard:
      description: Limits by accelerator.
      type: dict
      returned: when the accelerator quota exists
    used:
      description: Use by accelerator.
      type: dict
      returned: when the accelerator quota exists
    available:
      description: What is left, by accelerator.
      type: dict
      returned: when the accelerator quota exists
    over_quota:
      description: By how much use is above the limit; only those that are.
      type: dict
      returned: when the accelerator quota exists
    guaranteed:
      description: Guarantees by accelerator.
      type: dict
      returned: when the accelerator quota exists
    base:
      description: hard, used, available and over_quota of C(base-quota), by quota key.
      type: dict
      returned: when C(base-quota) exists
    drifted:
      description: Quotas whose limits or guarantees were changed by hand since they were written.
      type: list
      elements: str
      returned: always
    clearml:
      description: Values for the ClearML agent, that must follow the quota.
      type: dict
      returned: when the accelerator quota exists
    consumers:
      description: Pods that hold accelerators.
      type: list
      elements: dict
      returned: when O(consumers=true)
  sample:
    - item: acme
      exists: true
      namespace: t-acme
      hard: {nvidia.com/gpu: 16}
      used: {nvidia.com/gpu: 8}
      available: {nvidia.com/gpu: 8}
      over_quota: {}
      guaranteed: {nvidia.com/gpu: 16}
      drifted: []
      clearml: {report_max: 16, max_resources: 16}
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.names import namespace_of
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.capacity import assess
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.request import parse_quotas
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.result import of_live
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.quota import read_fleet
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    CAPACITY_OPTIONS,
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

ARGUMENT_SPEC = {
    **kubernetes_options(),
    **CAPACITY_OPTIONS,
    "tenants": {"type": "list", "elements": "str"},
    "consumers": {"type": "bool", "default": False},
}


def work(context: Context) -> Report:
    """Read all, report the chosen."""
    params = context.params
    _requests, rules = parse_quotas(params)
    fleet = read_fleet(context.session, ())
    assessment = assess(fleet, rules, ())
    homes = fleet.tenants
    chosen = sorted(homes) if params["tenants"] is None else params["tenants"]
    items = []
    for tenant in chosen:
        namespace = homes.get(tenant, namespace_of(tenant))
        values = of_live(namespace, fleet.holdings(namespace), params["consumers"])
        items.append(ItemResult(tenant, values=values))
    violations = [assessment.line(violation) for violation in assessment.report.violations]
    return Report(items, values={"capacity": assessment.as_dict(), "violations": violations})


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
