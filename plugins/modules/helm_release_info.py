#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_release_info
short_description: Read many Helm releases at once, and what of the cluster decides whether charts suit it
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Reads the newest revision and the revision in effect of each release, whatever its status, with one LIST over all namespaces,
    from the Secrets in which Helm 3 keeps them. M(kubernetes.core.helm_info) needs three calls of C(helm) for each release.
  - No C(helm) command is needed.
options:
  releases:
    description: The releases to read.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the release.
        type: str
        required: true
      namespace:
        description: Namespace of the release.
        type: str
        required: true
  cluster:
    description: Also return RV(cluster).
    type: bool
    default: false
  objects:
    description: With O(cluster=true), objects whose being there is also told in RV(cluster).
    type: list
    elements: dict
    default: []
    suboptions:
      api_version:
        description: API version of the kind.
        type: str
        required: true
      kind:
        description: The kind.
        type: str
        required: true
      name:
        description: Name of the object.
        type: str
        required: true
      namespace:
        description: Namespace of the object; none for one of the cluster.
        type: str
      keys:
        description: Keys of a Secret or ConfigMap to look for. Values are never returned.
        type: list
        elements: str
        default: []
  health:
    description: Also judge the workloads of each release, and say why those that are not ready are not.
    type: bool
    default: false
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes.info
requirements:
  - kubernetes >= 24.2.0
seealso:
  - module: ai_tenancy.platform.helm_release_repair
  - module: kubernetes.core.helm
"""

EXAMPLES = r"""
- name: Read what is installed
  ai_tenancy.platform.helm_release_info:
    releases:
      - {name: cert-manager, namespace: cert-manager}
      - {name: longhorn, namespace: longhorn-system}
    cluster: true
  register: installed
"""

RETURN = r"""
cluster:
  description: What decides whether charts suit the cluster.
  returned: when O(cluster=true)
  type: dict
  contains:
    uid:
      description: Identity of the cluster, that of its namespace C(kube-system).
      type: str
      returned: always
    kubernetes_version:
      description: Version of the API server.
      type: str
      returned: always
    apis:
      description: API versions of the groups that it serves.
      type: list
      elements: str
      returned: always
    storage_classes:
      description: Names of the storage classes.
      type: list
      elements: str
      returned: always
    default_storage_classes:
      description: Those of them that are marked as default.
      type: list
      elements: str
      returned: always
    ingress_classes:
      description: The ingress classes, each with its controller.
      type: dict
      returned: always
    nodes:
      description: Number of nodes.
      type: int
      returned: always
    node_names:
      description: Their names.
      type: list
      elements: str
      returned: always
    node_resources:
      description: Names of the resources that at least one node offers to pods.
      type: list
      elements: str
      returned: always
    objects:
      description: Those of O(objects) that are there, each with those of its keys that are.
      type: list
      elements: dict
      returned: always
  sample:
    uid: 6b0a4c5e-6d0f-4a51-9d2b-0c1f0a7f3f5e
    kubernetes_version: v1.34.4+rke2r1
    apis: [apps/v1, helm.cattle.io/v1]
    storage_classes: [longhorn]
    default_storage_classes: [longhorn]
    ingress_classes: {nginx: k8s.io/ingress-nginx}
    nodes: 3
    node_names: [node-1, node-2, node-3]
    node_resources: [cpu, memory, nvidia.com/gpu, pods]
    objects: []
results:
  description: One entry per release, in the order of O(releases).
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: C(namespace/name) of the release.
      type: str
      returned: always
    status:
      description: Status of the newest revision; V(absent) when there is none.
      type: str
      returned: always
    revision:
      description: The newest revision.
      type: int
      returned: when there is one
    chart:
      description: Name of the chart.
      type: str
      returned: when there is a revision
    version:
      description: Version of the chart.
      type: str
      returned: when there is a revision
    app_version:
      description: Version of what the chart installs.
      type: str
      returned: when there is a revision
    description:
      description: What Helm wrote about the revision, such as why it failed.
      type: str
      returned: when there is a revision
    updated:
      description: When Helm began the revision.
      type: str
      returned: when there is a revision
    release_values:
      description: The values that were given, those that sound like secrets masked.
      type: dict
      returned: when there is a revision
    values_digest:
      description: Digest of the values as they are, to compare with.
      type: str
      returned: when there is a revision
    deployed_revision:
      description: The revision in effect.
      type: int
      returned: when there is one
    deployed_version:
      description: Version of the chart in effect.
      type: str
      returned: when there is one
    healthy:
      description: Whether all workloads of the revision in effect are rolled out.
      type: bool
      returned: when O(health=true)
    why:
      description: What is missing, and why.
      type: list
      elements: str
      returned: when O(health=true)
  sample:
    - item: cert-manager/cert-manager
      status: deployed
      revision: 3
      chart: cert-manager
      version: v1.21.1
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.releases import (
    judge_all,
    read,
    read_cluster,
    read_objects,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    RELEASE_OPTIONS,
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

ARGUMENT_SPEC = {
    **kubernetes_options(),
    "releases": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": RELEASE_OPTIONS,
    },
    "cluster": {"type": "bool", "default": False},
    "objects": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "api_version": {"type": "str", "required": True},
            "kind": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
        },
    },
    "health": {"type": "bool", "default": False},
}


def work(context: Context) -> Report:
    """Read everything that was asked for."""
    params = context.params
    observed = read(context.session, [(wanted["namespace"], wanted["name"]) for wanted in params["releases"]])
    health = judge_all(context.session, observed) if params["health"] else [{} for _release in observed]
    items = [
        ItemResult(f"{release.namespace}/{release.name}", values={**release.as_dict(), **judged})
        for release, judged in zip(observed, health)
    ]
    if not params["cluster"]:
        return Report(items)
    cluster = {**read_cluster(context.session), "objects": read_objects(context.session, params["objects"])}
    return Report(items, values={"cluster": cluster})


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
