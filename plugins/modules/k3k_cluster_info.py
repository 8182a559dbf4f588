#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: k3k_cluster_info
short_description: Look at virtual clusters, and say why one is not ready
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Returns the virtual clusters of k3k on the host, whether each really runs as its spec says, and where it is reached.
  - For a cluster that is not ready, tells what is missing and the cause as far as pods, the agents' Deployment and events
    tell it; the status of k3k does not have it.
  - Never changes anything. The number of requests does not grow with the number of clusters, except for Services of
    clusters whose node port or load balancer address the host picked.
options:
  tenants:
    description: Ids of tenants; only their clusters.
    type: list
    elements: str
    default: []
  namespaces:
    description: Namespaces on the host; only clusters there.
    type: list
    elements: str
    default: []
  label_selectors:
    description: Label selectors that the Clusters must match.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes.info
requirements:
  - kubernetes >= 24.2.0
seealso:
  - module: ai_tenancy.platform.k3k_cluster
"""

EXAMPLES = r"""
- name: Look at all virtual clusters
  ai_tenancy.platform.k3k_cluster_info:
    kubeconfig: /etc/rancher/rke2/rke2.yaml
  register: clusters

- name: Name those that are not ready, and why
  ansible.builtin.debug:
    msg: "{{ item.item }}: {{ item.causes or item.reasons }}"
  loop: "{{ clusters.results | rejectattr('ready') }}"
  loop_control:
    label: "{{ item.item }}"

- name: Look at those of one tenant
  ai_tenancy.platform.k3k_cluster_info:
    tenants: [acme]
"""

RETURN = r"""
results:
  description: One entry per cluster, sorted by namespace and name.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: Name of the cluster.
      type: str
      returned: always
    tenant:
      description: Id of the tenant; empty for a cluster that this collection did not make.
      type: str
      returned: always
    namespace:
      description: Namespace on the host.
      type: str
      returned: always
    policy:
      description: VirtualClusterPolicy that the namespace is bound to, or empty.
      type: str
      returned: always
    phase:
      description: Phase that k3k shows. V(Ready) alone does not mean that it is.
      type: str
      returned: always
    ready:
      description: Whether all servers and agents run with the current spec and the phase is V(Ready).
      type: bool
      returned: always
    reasons:
      description: What is missing.
      type: list
      elements: str
      returned: always
    causes:
      description: Why it is missing, as far as it is known, each with code, text, advice and whether it is final.
      type: list
      elements: dict
      returned: always
    conditions:
      description: Conditions in the status of the Cluster.
      type: list
      elements: dict
      returned: always
    servers:
      description: Numbers C(wanted), C(updated), C(ready) and C(terminating).
      type: dict
      returned: always
    agents:
      description: Numbers C(wanted), C(updated), C(ready) and C(terminating).
      type: dict
      returned: always
    version:
      description: Image tag of k3s in the spec.
      type: str
      returned: always
    internal_url:
      description: Address of the API inside the host cluster.
      type: str
      returned: always
    external_url:
      description: Address from outside, with the first of the TLS names as host; empty when not exposed or not known.
      type: str
      returned: always
    node_port:
      description: Port on every host node, when exposed that way.
      type: int
      returned: always
    kubeconfig_secret:
      description: Secret in the namespace with the kubeconfig that k3k makes.
      type: str
      returned: always
    gpu_per_agent:
      description: Accelerators that each agent holds.
      type: dict
      returned: always
  sample:
    - item: acme
      tenant: acme
      namespace: t-acme
      policy: t-acme
      phase: Ready
      ready: false
      reasons: ["1 of 2 agents are ready, 2 with the current template"]
      causes:
        - code: unschedulable
          text: "pod k3k-acme-agent-5c cannot be scheduled: 0/6 nodes are available: 6 Insufficient nvidia.com/gpu."
          advice: Free or add nodes.
          final: true
      conditions: []
      servers: {wanted: 1, updated: 1, ready: 1, terminating: 0}
      agents: {wanted: 2, updated: 2, ready: 1, terminating: 0}
      version: v1.34.4-k3s1
      internal_url: https://k3k-acme-service.t-acme
      external_url: https://k8s.example.com:30443
      node_port: 30443
      kubeconfig_secret: k3k-acme-kubeconfig
      gpu_per_agent: {nvidia.com/gpu: 8}
"""

from dataclasses import asdict

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.summary import summary
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.k3k.survey import Found, survey
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

_TEXTS = {"type": "list", "elements": "str", "default": []}
ARGUMENT_SPEC = {**kubernetes_options(), "tenants": _TEXTS, "namespaces": _TEXTS, "label_selectors": _TEXTS}


def work(context: Context) -> Report:
    """Look and report."""
    params = context.params
    found = survey(context.session, params["tenants"], params["namespaces"], params["label_selectors"])
    return Report([_result(cluster) for cluster in found])


def _result(found: Found) -> ItemResult:
    facts = found.facts
    values = {
        "tenant": found.tenant,
        "policy": found.policy,
        **summary(facts, facts.spec, found.verdict, found.endpoints),
        "causes": [asdict(trouble) for trouble in found.verdict.troubles],
        "conditions": list(facts.status.get("conditions") or []),
    }
    return ItemResult(facts.name, values=values)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
