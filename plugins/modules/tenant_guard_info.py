#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_guard_info
short_description: Read what fences tenants in on the host cluster
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Reads the fence of each tenant back from the host cluster and names the gaps that are visible without the declaration.
  - It looks at objects. Whether they take effect is proved by probes.
options:
  tenants:
    description: Ids of the tenants to report; all that have a namespace when not set.
    type: list
    elements: str
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes.info
requirements:
  - kubernetes >= 24.2.0
seealso:
  - module: ai_tenancy.platform.tenant_guard
"""

EXAMPLES = r"""
- name: Read the fences of all tenants
  ai_tenancy.platform.tenant_guard_info:
  register: fences

- name: Stop when one has a gap
  ansible.builtin.assert:
    that: fences.results | rejectattr('fenced') | length == 0
"""

RETURN = r"""
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
      description: Whether the tenant has a namespace.
      type: bool
      returned: always
    namespace:
      description: Name of the namespace.
      type: str
      returned: when it exists
    phase:
      description: Phase of the namespace.
      type: str
      returned: when it exists
    policy:
      description: VirtualClusterPolicy to which the namespace is bound.
      type: str
      returned: when it exists
    admission:
      description: Mode and allowed images.
      type: dict
      returned: when it exists
    network_policies:
      description: Each with its name, whether this collection wrote it, what it opens, and whether it denies everything.
      type: list
      elements: dict
      returned: when it exists
    limit_ranges:
      description: Names of the LimitRanges.
      type: list
      elements: str
      returned: when it exists
    gaps:
      description: What is missing or open, in sentences.
      type: list
      elements: str
      returned: when it exists
    fenced:
      description: Whether there is no gap.
      type: bool
      returned: when it exists
  sample:
    - item: acme
      exists: true
      namespace: t-acme
      phase: Active
      policy: t-acme
      admission: {mode: enforce, images: [rancher/k3s]}
      network_policies: [{name: default-deny, ours: true, opens: "nothing, in both directions", denies_all: true}]
      limit_ranges: [tenant-limits]
      gaps: []
      fenced: true
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.guard import inspect
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

ARGUMENT_SPEC = {**kubernetes_options(), "tenants": {"type": "list", "elements": "str"}}


def work(context: Context) -> Report:
    """Read all, report the chosen."""
    found = inspect(context.session)
    chosen = context.params["tenants"]
    return Report(
        [
            ItemResult(tenant, values={"exists": tenant in found, **found.get(tenant, {})})
            for tenant in (sorted(found) if chosen is None else chosen)
        ]
    )


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
