#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: gpu_quota
short_description: Grant tenants hard quotas of accelerators, CPU, memory, storage and objects
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Writes two ResourceQuotas into each tenant's namespace on the host cluster, C(accel-quota) for accelerators and, when
    O(quotas[].base) is given, C(base-quota) for the rest.
  - A ResourceQuota limits only what it lists. So every accelerator that any node has, and that is not granted, is listed
    with zero, and stays listed; so are the devices and claims of dynamic resource allocation.
  - Before anything is written, what all tenants together are promised is compared with what the nodes have. The quotas of
    tenants that are not in this call take part. When it does not fit, nothing at all is written.
  - A limit that would fall below what is in use is refused with the list of who uses it.
  - Takes all tenants in one call. A refused tenant does not stop the others; a mistake in the input stops all before
    anything is changed.
options:
  quotas:
    description: The quotas to grant or to remove.
    type: list
    elements: dict
    required: true
    suboptions:
      tenant:
        description: Id of the tenant.
        type: str
        required: true
      namespace:
        description: Namespace of the tenant on the host cluster; V(t-<tenant>) when not set. It must exist.
        type: str
      state:
        description: V(absent) removes both quotas. It is refused while pods use them, unless O(quotas[].on_reduce=force).
        type: str
        choices: [present, absent]
        default: present
      labels:
        description: Labels of your own on the quotas.
        type: dict
      resources:
        description:
          - Accelerators to grant, as plain resource names such as C(nvidia.com/gpu) or C(nvidia.com/mig-1g.10gb) with whole
            numbers. Names with C(requests.) or C(limits.) are refused, because only the plain name says what is meant.
        type: dict
      guaranteed:
        description: How many of them must always be there for the tenant; the same as O(quotas[].resources) when not set.
        type: dict
      device_classes:
        description: Devices by DeviceClass of dynamic resource allocation.
        type: dict
      resource_claims:
        description: How many ResourceClaims, and how many ResourceClaimTemplates, there may be.
        type: int
        default: 0
      base:
        description:
          - Limits on what is no accelerator. C(base-quota) is left as it is when this is not set, and is removed when it is an
            empty mapping.
        type: dict
        suboptions:
          cpu:
            description: CPUs, as requests and as limits.
            type: str
          memory:
            description: Memory, as requests and as limits.
            type: str
          pods:
            description: Number of pods that are not finished.
            type: int
          storage:
            description: Sum of the requests of all volume claims.
            type: str
          storage_classes:
            description: Sum of the requests by StorageClass. When set, every other StorageClass of the host cluster gets zero.
            type: dict
          objects:
            description: Numbers of objects, such as C(services.loadbalancers), C(persistentvolumeclaims) or C(count/secrets).
            type: dict
      on_reduce:
        description:
          - What happens when a limit would fall below what is in use.
          - V(refuse) fails for this tenant and names the pods, V(report) leaves that limit as it is and reports it, V(force)
            writes it. Pods that run are never touched; new ones are refused until use is below the limit.
        type: str
        choices: [refuse, report, force]
        default: refuse
      cluster:
        description:
          - The virtual cluster that is to live under the quota. It is checked that its pods fit, and with O(direction=lower) in
            check mode it counts as already in place.
        type: dict
        suboptions:
          servers:
            description: Number of servers.
            type: int
            default: 1
          agents:
            description: Number of agents.
            type: int
            default: 0
          server_limit:
            description: Limits of one server, by resource.
            type: dict
          worker_limit:
            description: Limits of one agent, by resource.
            type: dict
      isolation:
        description:
          - How far the tenant's nodes are its own. Decides whether the quota is reported as enforced or as accounting only,
            because a privileged pod, which every agent of k3k is, sees all devices of its node.
        type: str
        choices: [dedicated, private, sandboxed, shared]
      nodes:
        description: Names of the nodes that are the tenant's pool.
        type: list
        elements: str
      node_selector:
        description: Labels of the nodes that are the tenant's pool.
        type: dict
  direction:
    description:
      - Quotas must be raised before a virtual cluster grows and lowered after it shrank. Give the same declaration twice, with
        V(raise) before the cluster is changed and with V(lower) after it.
      - V(raise) makes quotas that are missing, raises limits, writes labels and guarantees, and lowers nothing.
      - V(lower) lowers limits, denies accelerators that nodes have gained, removes absent quotas, and raises nothing.
      - In check mode the two together tell each change once.
      - V(both) does all at once.
    type: str
    choices: [both, raise, lower]
    default: both
  unlisted:
    description: What happens with accelerators and device classes that a tenant was not granted.
    type: str
    choices: [zero, ignore]
    default: zero
  accelerator_patterns:
    description:
      - Regular expressions for the names of resources that are accelerators, each matched against the whole name.
      - By default the names of the device plug-ins of NVIDIA (whole, MIG, time-sliced), AMD, Intel, Habana and others.
    type: list
    elements: str
  capacity_check:
    description: Whether promises that the nodes cannot hold fail, only warn, or are not looked at.
    type: str
    choices: [fail, warn, 'off']
    default: fail
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
  wait:
    description: Wait for pods that are being deleted before a lower limit is refused, and until the limits are in force.
    type: bool
    default: true
  wait_sleep:
    description: Longest pause between two looks, in seconds. The first looks come faster.
    type: int
    default: 5
  wait_timeout:
    description: How long to wait, in seconds.
    type: int
    default: 60
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes
  - ai_tenancy.platform.write
requirements:
  - kubernetes >= 24.2.0
notes:
  - The quotas belong to this module, not to the VirtualClusterPolicy. Leave C(quota) out of the policy; k3k overwrites its own
    ResourceQuota and gives the full amount to every namespace that the policy binds.
  - A broken capacity rule fails only a call that raises the resource in question. Otherwise it is a warning, so that a node
    under repair does not block what has nothing to do with it.
seealso:
  - module: ai_tenancy.platform.gpu_quota_info
  - module: ai_tenancy.platform.tenant_guard
  - module: ai_tenancy.platform.k3k_cluster
"""

EXAMPLES = r"""
- name: Grant two tenants their quotas
  ai_tenancy.platform.gpu_quota:
    capacity_selector: nvidia.com/gpu.present=true
    quotas:
      - tenant: acme
        resources: {nvidia.com/gpu: 16}
        base:
          cpu: "208"
          memory: 1800Gi
          pods: 5
          storage: 2Ti
          storage_classes: {longhorn: 2Ti}
          objects: {services.nodeports: 0, services.loadbalancers: 0}
        cluster:
          agents: 2
          server_limit: {cpu: "4", memory: 8Gi}
          worker_limit: {cpu: "96", memory: 800Gi, nvidia.com/gpu: "8"}
        isolation: dedicated
        node_selector: {ai-tenancy.platform/pool: acme}
      - tenant: globex
        resources: {nvidia.com/gpu: 4, nvidia.com/mig-1g.10gb: 7}
        guaranteed: {nvidia.com/gpu: 2}

- name: Raise what is to be raised, before the virtual clusters grow
  ai_tenancy.platform.gpu_quota:
    direction: raise
    quotas: "{{ quotas }}"

- name: Lower what is to be lowered, after the virtual clusters shrank
  ai_tenancy.platform.gpu_quota:
    direction: lower
    quotas: "{{ quotas }}"

- name: Remove the quotas of a tenant that has left
  ai_tenancy.platform.gpu_quota:
    quotas:
      - {tenant: acme, state: absent}
"""

RETURN = r"""
capacity:
  description:
    - What the nodes have and what was promised, by accelerator, as it stands when the declaration is carried out.
  returned: success
  type: dict
  sample:
    nvidia.com/gpu:
      allocatable: 32
      reserved: 0
      guaranteed_total: 20
      ceiling_total: 20
      ratio: 0.625
      foreign_used: 2
      unreserved_free: 10
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
    changed:
      description: Whether a quota was (in check mode, would be) written or removed.
      type: bool
      returned: always
    actions:
      description: Each write, and with action V(refuse) each limit that was not lowered, with the reason.
      type: list
      elements: dict
      returned: always
    namespace:
      description: The tenant's namespace.
      type: str
      returned: always
    state:
      description: V(present) or V(absent).
      type: str
      returned: always
    quota:
      description: Name, namespace, uid and resourceVersion of the accelerator quota.
      type: dict
      returned: when it exists
    hard:
      description: Limits by accelerator.
      type: dict
      returned: when the accelerator quota exists
    used:
      description: Use by accelerator, as the quota controller counts it. Waiting pods count.
      type: dict
      returned: when the accelerator quota exists
    available:
      description: What is left, by accelerator.
      type: dict
      returned: when the accelerator quota exists
    over_quota:
      description: By how much use is above the limit, by accelerator or quota key; only those that are.
      type: dict
      returned: when the accelerator quota exists
    base:
      description: The same four of C(base-quota), by quota key.
      type: dict
      returned: when C(base-quota) exists
    pending_reduction:
      description:
        - Limits that are still to fall, by quota key, each with from (null where there is no limit yet), to and used.
        - After O(direction=raise) it is empty when O(direction=lower) would have nothing to do.
      type: dict
      returned: always
    consumers:
      description: Pods that keep a limit from falling, each with namespace, pod, node, phase, requests and since.
      type: list
      elements: dict
      returned: when there are any
    placement:
      description: Whether the agents can stand on the nodes of the pool, with feasible, needed and slots per node.
      type: dict
      returned: when O(quotas[].cluster) has agents with accelerators
    enforcement:
      description: V(hard) when tenants cannot reach devices beyond their quota, else V(accounting).
      type: str
      returned: when the tenant is granted accelerators
    enforcement_reasons:
      description: Why it is accounting only.
      type: list
      elements: str
      returned: when the tenant is granted accelerators
    clearml:
      description: Values for the ClearML agent, that must follow the quota, with report_max and max_resources.
      type: dict
      returned: when O(quotas[].state=present)
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
      actions: [{action: create, kind: ResourceQuota, name: accel-quota, namespace: t-acme}]
      namespace: t-acme
      state: present
      hard: {nvidia.com/gpu: 16, nvidia.com/mig-1g.10gb: 0}
      used: {nvidia.com/gpu: 0, nvidia.com/mig-1g.10gb: 0}
      available: {nvidia.com/gpu: 16, nvidia.com/mig-1g.10gb: 0}
      over_quota: {}
      pending_reduction: {}
      enforcement: hard
      enforcement_reasons: []
      clearml: {report_max: 16, max_resources: 16}
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.request import parse_quotas
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.quota.result import of_plan
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.apply import Writer
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.quota import Quotas
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    CAPACITY_OPTIONS,
    WAIT_OPTIONS,
    WRITE_OPTIONS,
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

QUOTA_OPTIONS = {
    "tenant": {"type": "str", "required": True},
    "namespace": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "labels": {"type": "dict"},
    "resources": {"type": "dict"},
    "guaranteed": {"type": "dict"},
    "device_classes": {"type": "dict"},
    "resource_claims": {"type": "int", "default": 0},
    "base": {
        "type": "dict",
        "options": {
            "cpu": {"type": "str"},
            "memory": {"type": "str"},
            "pods": {"type": "int"},
            "storage": {"type": "str"},
            "storage_classes": {"type": "dict"},
            "objects": {"type": "dict"},
        },
    },
    "on_reduce": {"type": "str", "choices": ["refuse", "report", "force"], "default": "refuse"},
    "cluster": {
        "type": "dict",
        "options": {
            "servers": {"type": "int", "default": 1},
            "agents": {"type": "int", "default": 0},
            "server_limit": {"type": "dict"},
            "worker_limit": {"type": "dict"},
        },
    },
    "isolation": {"type": "str", "choices": ["dedicated", "private", "sandboxed", "shared"]},
    "nodes": {"type": "list", "elements": "str"},
    "node_selector": {"type": "dict"},
}
ARGUMENT_SPEC = {
    **kubernetes_options(),
    **WRITE_OPTIONS,
    **WAIT_OPTIONS,
    **CAPACITY_OPTIONS,
    "wait_timeout": {"type": "int", "default": 60},
    "quotas": {"type": "list", "elements": "dict", "required": True, "options": QUOTA_OPTIONS},
    "direction": {"type": "str", "choices": ["both", "raise", "lower"], "default": "both"},
    "unlisted": {"type": "str", "choices": ["zero", "ignore"], "default": "zero"},
    "capacity_check": {"type": "str", "choices": ["fail", "warn", "off"], "default": "fail"},
}


def work(context: Context) -> Report:
    """Parse, grant, report."""
    params = context.params
    requests, rules = parse_quotas(params)
    writer = Writer(context.session, context.check_mode, params["force_conflicts"], params["concurrency"])
    result = Quotas(context.session, rules, writer, context.check_mode, context.waiting).converge(requests)
    items = []
    for granted in result.granted:
        done, error = granted.outcome.done, granted.outcome.error
        values = of_plan(granted.request, granted.plan, granted.live, result.assessment, error)
        items.append(ItemResult(granted.request.tenant, done, values, granted.plan.plan.refusals, error))
    return Report(items, values={"capacity": result.assessment.as_dict()}, warnings=result.warnings)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
