#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_guard
short_description: Fence tenants in on the host cluster
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Makes, repairs and removes what fences each tenant in on the host cluster. That is a namespace bound to the tenant's
    VirtualClusterPolicy, a service account C(default) without token, a LimitRange with defaults, NetworkPolicies that deny
    everything but named ways in and out, and an admission policy that lets only k3k's own pods run.
  - The admission policy C(ai-tenancy-k3k-pods-only) is one for all tenants. The images and the mode of a tenant stand on
    its namespace. A pod passes only when k3k's StatefulSet or agent Deployment made it, its one container runs an allowed
    image, it has no host network, PID, IPC, port or path, no token of a service account, and no other volumes than those
    of k3k. For a runtime class that begins with C(kata) the host path C(/dev/kmsg) is allowed too, because k3k mounts it.
  - NetworkPolicies and LimitRanges of this collection that are no longer declared are removed.
  - Takes all tenants in one call. A failure of one tenant does not stop the others; a mistake in the input stops all
    before anything is changed.
options:
  tenants:
    description: The tenants to fence in, or to remove.
    type: list
    elements: dict
    required: true
    suboptions:
      tenant:
        description: Id of the tenant.
        type: str
        required: true
      namespace:
        description: Namespace of the tenant on the host cluster; V(t-<tenant>) when not set.
        type: str
      state:
        description:
          - V(present) makes and repairs the fence.
          - V(absent) removes the namespace with everything in it, and waits for it. Refused while a virtual cluster lives
            in it, and when the namespace was not made for this tenant.
        type: str
        choices: [present, absent]
        default: present
      cluster_absent:
        description:
          - The virtual cluster is removed earlier in the same play. In check mode it then counts as gone, so that
            O(tenants[].state=absent) tells what a real run would do. Without effect in a real run.
        type: bool
        default: false
      labels:
        description: Labels of your own on all of the tenant's objects.
        type: dict
      limit_range:
        description: Defaults for containers that state nothing, so that a quota does not refuse them.
        type: dict
        suboptions:
          default:
            description: Limits by resource; C(cpu), C(memory) and C(ephemeral-storage).
            type: dict
          default_request:
            description: Requests by resource; C(cpu), C(memory) and C(ephemeral-storage).
            type: dict
      network:
        description: The tenant's ways in and out.
        type: dict
        suboptions:
          internet:
            description:
              - Open the internet, without private networks, O(networks) and link-local addresses.
              - IPv6 is opened only when one of O(networks) is an IPv6 network.
            type: bool
            default: false
          dns:
            description: DNS servers, V(host) for the host cluster's DNS pods, or IP addresses (node-local DNS, for example).
            type: list
            elements: str
            default: [host]
          expose:
            description:
              - How the virtual cluster's API is reached from outside, as in M(ai_tenancy.platform.k3k_cluster).
              - With V(node_port) and V(load_balancer), O(networks.node_cidrs) is needed.
            type: str
            choices: [none, node_port, load_balancer, ingress]
            default: none
          allow_egress:
            description: Named ways out.
            type: list
            elements: dict
            suboptions:
              cidr:
                description: Target network. Exactly one of this and O(tenants[].network.allow_egress[].namespace).
                type: str
              namespace:
                description: Target namespace on the host cluster.
                type: str
              ports:
                description: Ports, or ranges such as V(8000-8100).
                type: list
                elements: str
                required: true
              proto:
                description: Protocol.
                type: str
                choices: [TCP, UDP, SCTP]
                default: TCP
              why:
                description: What it is for, shown in the policy's annotation.
                type: str
              override:
                description:
                  - Allow a target that lies in one of O(networks), or in a namespace of the platform, on purpose. Needs
                    O(tenants[].network.allow_egress[].why).
                type: bool
                default: false
          allow_ingress:
            description: Named ways in.
            type: list
            elements: dict
            suboptions:
              cidr:
                description: Source network. Exactly one of this and O(tenants[].network.allow_ingress[].namespace).
                type: str
              namespace:
                description: Source namespace on the host cluster.
                type: str
              ports:
                description: Ports of the tenant's pods, or ranges such as V(8000-8100).
                type: list
                elements: str
                required: true
              proto:
                description: Protocol.
                type: str
                choices: [TCP, UDP, SCTP]
                default: TCP
              why:
                description: What it is for, shown in the policy's annotation.
                type: str
      admission:
        description: Which pods may run in the namespace.
        type: dict
        suboptions:
          images:
            description:
              - Images of k3k's servers and agents as they stand in the pods. A repository without tag allows all its tags and
                digests, C(repository:tag) and C(repository@sha256:...) allow exactly that.
            type: list
            elements: str
            default: [rancher/k3s]
          mode:
            description: V(enforce) refuses other pods, V(warn) lets them in with a warning, V(audit) only logs them.
            type: str
            choices: [enforce, warn, audit]
            default: enforce
  networks:
    description: Networks of the host cluster. No way out may touch them unless it says so on purpose.
    type: dict
    suboptions:
      pod_cidr:
        description: Pod networks of the host cluster, as C(cluster-cidr) of RKE2 states them.
        type: list
        elements: str
        default: [10.42.0.0/16]
      service_cidr:
        description: Service networks of the host cluster, as C(service-cidr) of RKE2 states them.
        type: list
        elements: str
        default: [10.43.0.0/16]
      node_cidrs:
        description: Networks of the nodes.
        type: list
        elements: str
        default: []
      management_cidrs:
        description: Networks of BMCs, switches and other management.
        type: list
        elements: str
        default: []
      metadata_cidrs:
        description: Networks of metadata services.
        type: list
        elements: str
        default: [169.254.0.0/16]
  controller_namespace:
    description: Namespace of the k3k controller.
    type: str
    default: k3k-system
  ingress_namespace:
    description: Namespace of the ingress controller; used for tenants exposed by V(ingress).
    type: str
    default: kube-system
  monitoring_namespace:
    description: Namespace of the monitoring that may reach API and kubelet of the tenants' virtual clusters; none when empty.
    type: str
    default: ''
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes
  - ai_tenancy.platform.write
  - ai_tenancy.platform.wait
requirements:
  - kubernetes >= 24.2.0
notes:
  - NetworkPolicies add up. They fence nothing in while the VirtualClusterPolicy lets k3k write its own policy, so set its
    C(disableNetworkPolicy) to V(true), as M(ai_tenancy.platform.k3k_cluster) does.
  - Whether a CNI applies network policies to traffic between pods and node addresses differs between CNIs. Prove it with
    probes.
  - Pod security labels of the namespace belong to k3k's policy controller and are not written here.
seealso:
  - module: ai_tenancy.platform.tenant_guard_info
  - module: ai_tenancy.platform.gpu_quota
  - module: ai_tenancy.platform.k3k_cluster
"""

EXAMPLES = r"""
- name: Fence two tenants in
  ai_tenancy.platform.tenant_guard:
    networks:
      node_cidrs: [192.0.2.0/24]
      management_cidrs: [198.51.100.0/24]
    tenants:
      - tenant: acme
        limit_range:
          default: {cpu: "4", memory: 8Gi}
          default_request: {cpu: "2", memory: 4Gi}
        network:
          expose: node_port
          allow_egress:
            - {cidr: 203.0.113.10/32, ports: [443], why: registry}
            - {namespace: clearml, ports: [8008, 8080, 8081], why: ClearML servers}
        admission:
          images: [registry.example.com/rancher/k3s]
      - tenant: globex
        network: {internet: true, expose: ingress}

- name: Remove what fenced a tenant in, after its virtual cluster is gone
  ai_tenancy.platform.tenant_guard:
    tenants:
      - {tenant: acme, state: absent}
"""

RETURN = r"""
common:
  description: What was done once for all tenants, that is the admission policy and its bindings.
  returned: always
  type: dict
  sample: {item: all tenants, changed: false, actions: []}
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
      description: Whether something was (in check mode, would be) written or removed.
      type: bool
      returned: always
    actions:
      description: Each write with action, kind, name, namespace, the fields that differ, and the reason of a removal.
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
    foreign_network_policies:
      description: NetworkPolicies in the namespace that this module did not write. Each may open what the fence closes.
      type: list
      elements: str
      returned: always
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
      namespace: t-acme
      state: present
      foreign_network_policies: []
      actions:
        - {action: create, kind: NetworkPolicy, name: default-deny, namespace: t-acme}
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.guard.request import parse_guard
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.apply import Writer
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.guard import Fenced, Guard
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    WAIT_OPTIONS,
    WRITE_OPTIONS,
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)


def _way(**extra: dict) -> dict:
    return {
        "type": "list",
        "elements": "dict",
        "options": {
            "cidr": {"type": "str"},
            "namespace": {"type": "str"},
            "ports": {"type": "list", "elements": "str", "required": True},
            "proto": {"type": "str", "choices": ["TCP", "UDP", "SCTP"], "default": "TCP"},
            "why": {"type": "str"},
            **extra,
        },
    }


def _cidrs(*default: str) -> dict:
    return {"type": "list", "elements": "str", "default": list(default)}


TENANT_OPTIONS = {
    "tenant": {"type": "str", "required": True},
    "namespace": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "cluster_absent": {"type": "bool", "default": False},
    "labels": {"type": "dict"},
    "limit_range": {
        "type": "dict",
        "options": {"default": {"type": "dict"}, "default_request": {"type": "dict"}},
    },
    "network": {
        "type": "dict",
        "options": {
            "internet": {"type": "bool", "default": False},
            "dns": {"type": "list", "elements": "str", "default": ["host"]},
            "expose": {
                "type": "str",
                "choices": ["none", "node_port", "load_balancer", "ingress"],
                "default": "none",
            },
            "allow_egress": _way(override={"type": "bool", "default": False}),
            "allow_ingress": _way(),
        },
    },
    "admission": {
        "type": "dict",
        "options": {
            "images": {"type": "list", "elements": "str", "default": ["rancher/k3s"]},
            "mode": {"type": "str", "choices": ["enforce", "warn", "audit"], "default": "enforce"},
        },
    },
}
ARGUMENT_SPEC = {
    **kubernetes_options(),
    **WRITE_OPTIONS,
    **WAIT_OPTIONS,
    "tenants": {"type": "list", "elements": "dict", "required": True, "options": TENANT_OPTIONS},
    "networks": {
        "type": "dict",
        "apply_defaults": True,
        "options": {
            "pod_cidr": _cidrs("10.42.0.0/16"),
            "service_cidr": _cidrs("10.43.0.0/16"),
            "node_cidrs": _cidrs(),
            "management_cidrs": _cidrs(),
            "metadata_cidrs": _cidrs("169.254.0.0/16"),
        },
    },
    "controller_namespace": {"type": "str", "default": "k3k-system"},
    "ingress_namespace": {"type": "str", "default": "kube-system"},
    "monitoring_namespace": {"type": "str", "default": ""},
}


def work(context: Context) -> Report:
    """Parse, fence in, report."""
    params = context.params
    request = parse_guard(params)
    writer = Writer(context.session, context.check_mode, params["force_conflicts"], params["concurrency"])
    common, fenced = Guard(context.session, writer, context.check_mode, context.waiting).converge(request)
    return Report(
        [_result(tenant) for tenant in fenced],
        common=ItemResult(common.item, common.done),
        warnings=[
            f"Tenant {tenant.fence.tenant}: NetworkPolicy {', '.join(tenant.foreign_policies)} in "
            f"{tenant.fence.namespace} is not this module's and may open what the fence closes."
            for tenant in fenced
            if tenant.foreign_policies
        ],
    )


def _result(fenced: Fenced) -> ItemResult:
    values = {
        "namespace": fenced.fence.namespace,
        "state": "present" if fenced.fence.present else "absent",
        "foreign_network_policies": list(fenced.foreign_policies),
    }
    return ItemResult(fenced.fence.tenant, fenced.outcome.done, values, error=fenced.outcome.error)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
