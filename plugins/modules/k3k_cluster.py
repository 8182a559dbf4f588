#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: k3k_cluster
short_description: Create, change and remove the virtual clusters of tenants
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Manages virtual clusters of k3k in mode V(virtual), each with the VirtualClusterPolicy of its namespace, and waits until
    all servers and agents of each really run with what was asked for. The phase that k3k shows is not believed alone. It
    says V(Ready) before a change is carried out, and says nothing about agents.
  - Takes all clusters in one call. They are worked on side by side, and a failure of one does not stop the others.
  - The policy allows mode V(virtual) only, makes the namespace privileged (without which this mode cannot work), and
    switches off the network policy of k3k, which allows more than that of M(ai_tenancy.platform.tenant_guard). It has no
    quota; M(ai_tenancy.platform.gpu_quota) owns these.
  - What cannot be changed in a running virtual cluster is refused with the old and the new value, and never tried.
  - Agents that hold accelerators are replaced by taking all of them away first, because k3k's rolling update needs one more
    agent than the quota has and would never end. This ends every job on them and needs O(allow_disruptive).
  - When a cluster is found in phase V(Failed) though it is as wanted, the controller is made to try again at once.
options:
  clusters:
    description: The virtual clusters.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the Cluster, up to 41 characters; O(clusters[].tenant) when not set.
          - One of O(clusters[].name) and O(clusters[].tenant) must be set.
        type: str
      tenant:
        description: Id of the tenant, for the label C(ai-tenancy.platform/tenant); O(clusters[].name) when not set.
        type: str
      namespace:
        description: Namespace on the host; V(t-<tenant>) when not set. It must exist and be bound to the policy.
        type: str
      create_namespace:
        description: Create the namespace, or bind an existing one that is not bound, instead of refusing.
        type: bool
        default: false
      policy:
        description: Name of the VirtualClusterPolicy; the namespace's name when not set.
        type: str
      policy_removal:
        description:
          - With O(clusters[].state=absent), when the policy is removed too.
          - V(unused) only when it was made for this tenant and nothing else uses it, V(always) in any case, V(never) not.
        type: str
        choices: [unused, always, never]
        default: unused
      state:
        description:
          - V(present) creates or changes.
          - V(absent) removes the cluster with its volumes, and waits until its pods and volumes are gone.
        type: str
        choices: [present, absent]
        default: present
      mode:
        description: V(virtual) is the only one this version makes.
        type: str
        default: virtual
      version:
        description: Image tag of k3s such as V(v1.34.4-k3s1); needed with O(clusters[].state=present).
        type: str
      servers:
        description: Number of servers, odd. One server starts again by itself after a loss of power, three need help.
        type: int
        default: 1
      agents:
        description: Number of agents.
        type: int
        default: 0
      agent_update:
        description:
          - How agents get a changed pod template.
          - V(recreate) takes all away first, V(rolling) replaces one by one and needs quota and room for one more, V(auto)
            recreates agents that hold accelerators.
        type: str
        choices: [auto, rolling, recreate]
        default: auto
      server_limit:
        description: Limits of each server, for example C(cpu) and C(memory).
        type: dict
      worker_limit:
        description: Limits of each agent; the only place for accelerators such as C(nvidia.com/gpu).
        type: dict
      server_resources:
        description: Requests and limits of each server's pod as a whole, instead of O(clusters[].server_limit).
        type: dict
        suboptions: &resources
          requests:
            description: Requests; C(cpu), C(memory) and hugepages only.
            type: dict
          limits:
            description: Limits; C(cpu), C(memory) and hugepages only.
            type: dict
      worker_resources:
        description: Requests and limits of each agent's pod as a whole, instead of O(clusters[].worker_limit).
        type: dict
        suboptions: *resources
      cluster_cidr:
        description: Network of the pods inside, V(10.52.0.0/16) when not set. Cannot be changed.
        type: str
      service_cidr:
        description: Network of the services inside, V(10.53.0.0/16) when not set. Cannot be changed.
        type: str
      cluster_dns:
        description: Address of the DNS service inside, the tenth of O(clusters[].service_cidr) when not set. Cannot be
          changed.
        type: str
      persistence:
        description: Where the servers keep their data. Cannot be changed.
        type: dict
        suboptions:
          type:
            description:
              - V(dynamic) on a volume.
              - V(ephemeral) in the pod, so that each restart of the server loses everything; with one server only.
            type: str
            choices: [dynamic, ephemeral]
            default: dynamic
          storage_class_name:
            description: Storage class; the default one when not set.
            type: str
          storage_request_size:
            description: Size of each volume, V(2G) when not set.
            type: str
      expose:
        description: How the API is reached from outside of the host cluster.
        type: dict
        suboptions:
          type:
            description: Kind of exposure. V(ingress) needs an ingress controller that passes TLS through.
            type: str
            choices: [none, node_port, load_balancer, ingress]
            default: none
          server_port:
            description:
              - Port of the API. A node port is 30000-32767, picked by the host when not set; a load balancer's is 443.
              - Choose node ports from 30000-30085. Kubernetes picks the random ones (also that of etcd) from above as long
                as there are free ones.
            type: int
          etcd_port:
            description: Port of etcd, which k3k exposes too; V(0) does not expose it, with one server only.
            type: int
          ingress_class_name:
            description: Class of the ingress.
            type: str
          ingress_annotations:
            description: Annotations on the ingress.
            type: dict
          annotations:
            description: Annotations on the Service (k3k 1.2). Those that are taken away here stay on it.
            type: dict
      kubeconfig_server:
        description:
          - Host name or address, with C(:port) when it is another port, under which users reach the API. It is added to the
            TLS names and used for RV(results[].external_url).
          - When not set, the first of O(clusters[].tls_sans), or the address of the load balancer.
        type: str
      tls_sans:
        description: Further names and addresses in the API's certificate. With an ingress the first DNS name is its host.
        type: list
        elements: str
      server_args:
        description: Further arguments of k3s servers. k3k pastes them into a shell script, so blanks, quotes, C($) and the
          like are refused.
        type: list
        elements: str
      agent_args:
        description: Further arguments of k3s agents.
        type: list
        elements: str
      server_envs:
        description: Environment variables of the servers.
        type: list
        elements: dict
        suboptions: &environment
          name:
            description: Name.
            type: str
            required: true
          value:
            description: Value; never a secret.
            type: str
          secret_key_ref:
            description: Take the value from a Secret in the namespace.
            type: dict
            suboptions: &reference
              name:
                description: Name of the object.
                type: str
                required: true
              key:
                description: Key inside it.
                type: str
                required: true
          config_map_key_ref:
            description: Take the value from a ConfigMap in the namespace.
            type: dict
            suboptions: *reference
      agent_envs:
        description: Environment variables of the agents.
        type: list
        elements: dict
        suboptions: *environment
      addons:
        description: Secrets with manifests that k3s applies inside.
        type: list
        elements: dict
        suboptions:
          secret_ref:
            description: Name of the Secret.
            type: str
            required: true
          secret_namespace:
            description: Its namespace, from where k3k copies it once; the cluster's own when not set.
            type: str
      secret_mounts:
        description: Secrets of the namespace that are mounted into the pods.
        type: list
        elements: dict
        suboptions:
          secret_name:
            description: Name of the Secret.
            type: str
            required: true
          name:
            description: Name of the volume, needed when a Secret is mounted twice (k3k 1.2).
            type: str
          mount_path:
            description: Where.
            type: str
            required: true
          sub_path:
            description: Mount this file of it only. Such a mount does not follow changes of the Secret.
            type: str
          role:
            description: In which pods.
            type: str
            choices: [server, agent, all]
            default: all
          optional:
            description: Start the pods without the Secret too.
            type: bool
          items:
            description: Keys and the files they become; all when not set.
            type: list
            elements: dict
            suboptions:
              key:
                description: Key in the Secret.
                type: str
                required: true
              path:
                description: File under O(clusters[].secret_mounts[].mount_path).
                type: str
                required: true
      token_secret:
        description: Secret in the namespace, key C(token), with the join token. Cannot be changed. Without it k3k makes one.
        type: str
      custom_cas:
        description: Secrets in the namespace with own certificate authorities, all six. Cannot be changed.
        type: dict
        suboptions:
          server_ca: &authority
            description: Name of the Secret.
            type: str
            required: true
          client_ca: *authority
          request_header_ca: *authority
          etcd_server_ca: *authority
          etcd_peer_ca: *authority
          service_account_token: *authority
      node_selector:
        description: Labels of the host nodes that servers and agents may run on.
        type: dict
      server_affinity:
        description: Affinity of the servers, in the form of the Kubernetes API.
        type: dict
      agent_affinity:
        description: Affinity of the agents, in the form of the Kubernetes API.
        type: dict
      priority_class:
        description: Priority class of the servers; k3k gives none to agents.
        type: str
      runtime_class_name:
        description: Runtime class of servers and agents.
        type: str
      host_users:
        description: V(false) runs the pods in user namespaces.
        type: bool
      security_context:
        description: Security context of the containers, in the form of the Kubernetes API. C(privileged) stays V(true).
        type: dict
      pod_security_context:
        description: Security context of the pods, in the form of the Kubernetes API (k3k 1.2).
        type: dict
  allow_disruptive:
    description: Consent to what ends jobs (agents taken away to be replaced) or loses an ephemeral virtual cluster.
    type: bool
    default: false
  allow_downgrade:
    description: Consent to an older version, at most one minor version back.
    type: bool
    default: false
  controller_namespace:
    description: Namespace of the k3k controller, which must run before a cluster is removed.
    type: str
    default: k3k-system
  failed_grace:
    description:
      - How long, in seconds, a cause must last that does not go away by itself (image not found, quota exceeded, no node,
        phase V(Failed) of a running server), before the item fails without waiting for O(wait_timeout).
    type: int
    default: 60
  wait:
    description:
      - Wait until servers and agents are ready, or everything is gone.
      - What must hold between two writes of the same cluster is waited for in any case.
    type: bool
    default: true
  wait_sleep:
    description: Longest pause between two looks, in seconds. The first looks come faster.
    type: int
    default: 5
  wait_timeout:
    description: How long to wait for all clusters together, in seconds.
    type: int
    default: 900
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.write
  - ai_tenancy.platform.attributes
requirements:
  - kubernetes >= 24.2.0
  - k3k >= 1.1.0 on the host cluster; 1.2.0 for what is marked so
  - cgroup v2 on every host node
notes:
  - Agents are privileged pods and see every device of their node. Give tenants with accelerators whole nodes.
  - A change of O(clusters[].tls_sans) gets into the served certificate only when the server pods are restarted.
seealso:
  - module: ai_tenancy.platform.k3k_cluster_info
  - module: ai_tenancy.platform.k3k_kubeconfig
  - module: ai_tenancy.platform.gpu_quota
  - module: ai_tenancy.platform.tenant_guard
"""

EXAMPLES = r"""
- name: Two tenants, one of them with accelerators on nodes of its own
  ai_tenancy.platform.k3k_cluster:
    kubeconfig: /etc/rancher/rke2/rke2.yaml
    clusters:
      - tenant: acme
        version: v1.34.4-k3s1
        servers: 1
        agents: 2
        server_limit: {cpu: "4", memory: 8Gi}
        worker_limit: {cpu: "96", memory: 900Gi, nvidia.com/gpu: 8}
        node_selector: {ai-tenancy.platform/tenant: acme}
        persistence: {storage_class_name: longhorn, storage_request_size: 20Gi}
        expose: {type: node_port, server_port: 30443}
        kubeconfig_server: k8s.example.com
      - tenant: globex
        version: v1.34.4-k3s1
        agents: 1
        persistence: {storage_class_name: longhorn, storage_request_size: 20Gi}

- name: A new version for agents with accelerators, at a time agreed with the tenant
  ai_tenancy.platform.k3k_cluster:
    clusters:
      - tenant: acme
        version: v1.35.1-k3s1
        agents: 2
        worker_limit: {cpu: "96", memory: 900Gi, nvidia.com/gpu: 8}
        persistence: {storage_class_name: longhorn, storage_request_size: 20Gi}
    allow_disruptive: true

- name: Remove a virtual cluster with its volumes and its policy
  ai_tenancy.platform.k3k_cluster:
    clusters:
      - tenant: acme
        state: absent
"""

RETURN = r"""
results:
  description: One entry per cluster, in the order of the input.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: Name of the cluster.
      type: str
      returned: always
    tenant:
      description: Id of the tenant.
      type: str
      returned: always
    namespace:
      description: Namespace on the host.
      type: str
      returned: always
    changed:
      description: Whether something was (in check mode, would be) written.
      type: bool
      returned: always
    actions:
      description: What was done, each with action, kind, name, fields and reason; refused wishes have the action C(refuse).
      type: list
      elements: dict
      returned: always
    pending:
      description: What was planned and not done because the item failed before. A re-run does it.
      type: list
      elements: dict
      returned: always
    phase:
      description: Phase that k3k shows; V(Absent) when there is no Cluster.
      type: str
      returned: always
    ready:
      description: Whether all servers and agents run with the wanted spec and the phase is V(Ready).
      type: bool
      returned: always
    reasons:
      description: Why it is not ready.
      type: list
      elements: str
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
      description: Image tag of k3s.
      type: str
      returned: always
    policy:
      description: Name of the VirtualClusterPolicy.
      type: str
      returned: always
    internal_url:
      description: Address of the API inside the host cluster.
      type: str
      returned: when it exists
    external_url:
      description: Address of the API from outside; empty when not exposed, or not known yet.
      type: str
      returned: when it exists
    node_port:
      description: Port on every host node, when exposed that way.
      type: int
      returned: when it exists
    kubeconfig_secret:
      description: Secret in the namespace with the kubeconfig that k3k makes (system:masters; do not hand it out).
      type: str
      returned: always
    gpu_per_agent:
      description: Accelerators that each agent holds.
      type: dict
      returned: always
    warnings:
      description: What to know about this cluster.
      type: list
      elements: str
      returned: always
    failed:
      description: Set when this item failed.
      type: bool
      returned: on failure
    error:
      description: Code, message, next step and whether a re-run can help.
      type: dict
      returned: on failure
  sample:
    - item: acme
      tenant: acme
      namespace: t-acme
      changed: false
      actions: []
      pending: []
      phase: Ready
      ready: true
      reasons: []
      servers: {wanted: 1, updated: 1, ready: 1, terminating: 0}
      agents: {wanted: 2, updated: 2, ready: 2, terminating: 0}
      version: v1.34.4-k3s1
      policy: t-acme
      internal_url: https://k3k-acme-service.t-acme
      external_url: https://k8s.example.com:30443
      node_port: 30443
      kubeconfig_secret: k3k-acme-kubeconfig
      gpu_per_agent: {nvidia.com/gpu: 8}
      warnings: []
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.checks import plain_secrets
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.readiness import Verdict, judge_ready
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.refusal import Consent
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.request import parse_clusters
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.k3k.summary import summary
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.retry import Waiting
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.apply import Writer
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.k3k.clusters import Clusters, Progress
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.k3k.waiting import Patience, Waiter
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    WAIT_OPTIONS,
    WRITE_OPTIONS,
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

_TEXTS = {"type": "list", "elements": "str"}
_NAME = {"type": "str", "required": True}
_RESOURCES = {"type": "dict", "options": {"requests": {"type": "dict"}, "limits": {"type": "dict"}}}
# Names of Secrets and of keys in them are no secrets.
_OPEN_NAME = {**_NAME, "no_log": False}
_REFERENCE = {"type": "dict", "no_log": False, "options": {"name": _NAME, "key": _OPEN_NAME}}
_ENVIRONMENT = {
    "type": "list",
    "elements": "dict",
    "options": {
        "name": _NAME,
        "value": {"type": "str"},
        "secret_key_ref": _REFERENCE,
        "config_map_key_ref": _REFERENCE,
    },
}
_CLUSTER = {
    "name": {"type": "str"},
    "tenant": {"type": "str"},
    "namespace": {"type": "str"},
    "create_namespace": {"type": "bool", "default": False},
    "policy": {"type": "str"},
    "policy_removal": {"type": "str", "choices": ["unused", "always", "never"], "default": "unused"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "mode": {"type": "str", "default": "virtual"},
    "version": {"type": "str"},
    "servers": {"type": "int", "default": 1},
    "agents": {"type": "int", "default": 0},
    "agent_update": {"type": "str", "choices": ["auto", "rolling", "recreate"], "default": "auto"},
    "server_limit": {"type": "dict"},
    "worker_limit": {"type": "dict"},
    "server_resources": _RESOURCES,
    "worker_resources": _RESOURCES,
    "cluster_cidr": {"type": "str"},
    "service_cidr": {"type": "str"},
    "cluster_dns": {"type": "str"},
    "persistence": {
        "type": "dict",
        "options": {
            "type": {"type": "str", "choices": ["dynamic", "ephemeral"], "default": "dynamic"},
            "storage_class_name": {"type": "str"},
            "storage_request_size": {"type": "str"},
        },
    },
    "expose": {
        "type": "dict",
        "options": {
            "type": {
                "type": "str",
                "choices": ["none", "node_port", "load_balancer", "ingress"],
                "default": "none",
            },
            "server_port": {"type": "int"},
            "etcd_port": {"type": "int"},
            "ingress_class_name": {"type": "str"},
            "ingress_annotations": {"type": "dict"},
            "annotations": {"type": "dict"},
        },
    },
    "kubeconfig_server": {"type": "str"},
    "tls_sans": _TEXTS,
    "server_args": _TEXTS,
    "agent_args": _TEXTS,
    "server_envs": _ENVIRONMENT,
    "agent_envs": _ENVIRONMENT,
    "addons": {
        "type": "list",
        "elements": "dict",
        "options": {"secret_ref": _OPEN_NAME, "secret_namespace": {"type": "str", "no_log": False}},
    },
    "secret_mounts": {
        "type": "list",
        "elements": "dict",
        "no_log": False,
        "options": {
            "secret_name": _OPEN_NAME,
            "name": {"type": "str"},
            "mount_path": _NAME,
            "sub_path": {"type": "str"},
            "role": {"type": "str", "choices": ["server", "agent", "all"], "default": "all"},
            "optional": {"type": "bool"},
            "items": {
                "type": "list",
                "elements": "dict",
                "options": {"key": _OPEN_NAME, "path": _NAME},
            },
        },
    },
    "token_secret": {"type": "str", "no_log": False},
    "custom_cas": {
        "type": "dict",
        "options": {
            "server_ca": _NAME,
            "client_ca": _NAME,
            "request_header_ca": _NAME,
            "etcd_server_ca": _NAME,
            "etcd_peer_ca": _NAME,
            "service_account_token": _OPEN_NAME,
        },
    },
    "node_selector": {"type": "dict"},
    "server_affinity": {"type": "dict"},
    "agent_affinity": {"type": "dict"},
    "priority_class": {"type": "str"},
    "runtime_class_name": {"type": "str"},
    "host_users": {"type": "bool"},
    "security_context": {"type": "dict"},
    "pod_security_context": {"type": "dict"},
}
ARGUMENT_SPEC = {
    **kubernetes_options(),
    **WRITE_OPTIONS,
    **WAIT_OPTIONS,
    "wait_timeout": {"type": "int", "default": 900},
    "clusters": {"type": "list", "elements": "dict", "required": True, "options": _CLUSTER},
    "allow_disruptive": {"type": "bool", "default": False},
    "allow_downgrade": {"type": "bool", "default": False},
    "controller_namespace": {"type": "str", "default": "k3k-system"},
    "failed_grace": {"type": "int", "default": 60},
}


def work(context: Context) -> Report:
    """Parse, plan, carry out and wait, report."""
    params = context.params
    for secret in plain_secrets(params["clusters"]):
        context.learn_secret(secret)
    requests = parse_clusters(params["clusters"])
    writer = Writer(context.session, context.check_mode, params["force_conflicts"], params["concurrency"])
    consent = Consent(params["allow_disruptive"], params["allow_downgrade"], context.check_mode)
    clusters = Clusters(context.session, writer, consent, params["controller_namespace"])
    progress = clusters.plan(requests)
    if context.check_mode:
        clusters.rehearse(progress)
    else:
        waiting = Waiting(context.clock, params["wait_timeout"], params["wait_sleep"])
        patience = Patience(waiting, params["failed_grace"], params["wait"])
        Waiter(clusters, patience).run(progress)
    clusters.look(progress)
    clusters.locate(progress)
    results = [_result(item) for item in progress]
    # Said again with every change, but not by each run that finds everything as it should be.
    changed = [result for result in results if result.is_changed()]
    warnings = [f"{result.item}: {text}" for result in changed for text in result.values["warnings"]]
    return Report(results, warnings=warnings)


def _result(item: Progress) -> ItemResult:
    request, facts = item.request, item.facts
    verdict = judge_ready(facts, request.policy) if request.present else Verdict(False)
    values = {
        "tenant": request.tenant,
        "policy": request.policy,
        # In check mode there may be no Cluster yet.
        **summary(facts, facts.spec or request.spec, verdict, item.endpoints),
        "pending": [step.summary() for step in item.open_steps],
        "warnings": list(item.plan.warnings),
    }
    if item.endpoints and item.endpoints.warning:
        values["warnings"].append(item.endpoints.warning)
    return ItemResult(request.name, item.done, values, item.plan.refused, item.error)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
