#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_objects
short_description: Bring the objects of a platform layer to their declared state, stage by stage, and wait for its health
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Writes the objects that belong around a chart (namespaces with labels, pull secrets, Secrets, custom resources), and waits for what
    the chart brings. Stages are carried out in order. A stage's objects are written first, then what it waits for must hold; then
    the next stage begins. One call does all of it, so an unchanged layer costs one module launch.
  - Waiting ends early when a pod says that it cannot get ready by itself (image not found, not schedulable, broken configuration).
    The message names pod, container, reason, and the last warnings of the namespace.
  - In check mode, objects of kinds that a chart has yet to bring count as to be created, and nothing is waited for.
options:
  subject:
    description: What it is about, for messages.
    type: str
    default: platform
  namespace:
    description: Namespace of objects and waits that name none.
    type: str
    default: ''
  namespaces:
    description: Namespaces that must be there. They come before everything else.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the namespace.
        type: str
        required: true
      labels:
        description: Labels that it must carry; others on it are left alone.
        type: dict
  pull_secrets:
    description: Credentials of registries, each becomes a Secret of type C(kubernetes.io/dockerconfigjson).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Secret.
        type: str
        required: true
      namespace:
        description: Its namespace, O(namespace) when not set.
        type: str
      registry:
        description: Host of the registry, with a port where it has one.
        type: str
        required: true
      username:
        description: User or name of the service account.
        type: str
        required: true
      password:
        description: Password or token.
        type: str
        required: true
  secrets:
    description: Other Secrets that the chart or its objects need.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Secret.
        type: str
        required: true
      namespace:
        description: Its namespace, O(namespace) when not set.
        type: str
      type:
        description: Type of the Secret.
        type: str
        default: Opaque
      string_data:
        description: The content, as text by key.
        type: dict
        required: true
  stages:
    description: Objects, and what must hold after they were written.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: A word for the stage, for the result.
        type: str
        required: true
      state:
        description: V(absent) to remove the objects.
        type: str
        choices: [present, absent]
        default: present
      objects:
        description: Whole objects as in a manifest, but no Secrets. For one of the cluster set C(metadata.namespace) to V("").
        type: list
        elements: dict
        default: []
      wait:
        description: What must hold.
        type: list
        elements: dict
        default: []
        suboptions:
          until:
            description:
              - V(rollout) - all replicas of a Deployment, DaemonSet or StatefulSet are updated and available.
              - V(exists) and V(gone) - the object is there, or is not.
              - V(condition) - the condition O(stages[].wait[].condition) of its status is True.
              - V(field) - the field O(stages[].wait[].path) has O(stages[].wait[].value).
              - V(dry_run) - the API server with its webhooks would take O(stages[].wait[].body). Proves that a webhook serves.
            type: str
            choices: [rollout, exists, gone, condition, field, dry_run]
            default: rollout
          api_version:
            description: API version of the kind.
            type: str
          kind:
            description: The kind.
            type: str
          name:
            description: Name of the object.
            type: str
          name_prefix:
            description: All objects whose names begin so, where their names are made by an operator.
            type: str
          labels:
            description: Label selector, instead of a name.
            type: str
          namespace:
            description: Namespace, V("") for kinds of the cluster; O(namespace) when not set.
            type: str
          minimum:
            description: How many objects must be there at least.
            type: int
            default: 1
          condition:
            description: Type of the condition.
            type: str
          path:
            description: Dotted path of the field.
            type: str
          value:
            description: The value of the field, as text.
            type: str
          body:
            description: The object to try.
            type: dict
  wait_grace:
    description: Seconds for which a cause that does not heal by itself must last before the wait ends early.
    type: int
    default: 20
  check_waits:
    description: Whether to look, in check mode, if what is waited for is so by now. See RV(results[].lacks).
    type: bool
    default: false
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.write
  - ai_tenancy.platform.wait
  - ai_tenancy.platform.attributes
requirements:
  - kubernetes >= 24.2.0
seealso:
  - module: kubernetes.core.k8s
  - module: kubernetes.core.helm
"""

EXAMPLES = r"""
- name: Wait for cert-manager, then make an issuer
  ai_tenancy.platform.platform_objects:
    subject: cert-manager
    namespace: cert-manager
    stages:
      - name: workloads
        wait:
          - {api_version: apps/v1, kind: Deployment, name: cert-manager}
          - {api_version: apps/v1, kind: Deployment, name: cert-manager-webhook}
      - name: webhook
        wait:
          - until: dry_run
            body:
              apiVersion: cert-manager.io/v1
              kind: Issuer
              metadata: {name: probe, namespace: cert-manager}
              spec: {selfSigned: {}}
      - name: issuer
        objects:
          - apiVersion: cert-manager.io/v1
            kind: ClusterIssuer
            metadata: {name: selfsigned, namespace: ""}
            spec: {selfSigned: {}}
        wait:
          - {until: condition, api_version: cert-manager.io/v1, kind: ClusterIssuer, name: selfsigned, namespace: "", condition: Ready}
"""

RETURN = r"""
results:
  description: One entry per stage that was begun. The first is C(prepare) when there are namespaces or Secrets.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: Name of the stage.
      type: str
      returned: always
    actions:
      description: What was written.
      type: list
      elements: dict
      returned: always
    lacks:
      description: What is waited for and is not so, a phrase each.
      type: list
      elements: str
      returned: with O(check_waits), when nothing was waited for and something is not so
  sample:
    - item: issuer
      changed: true
      actions:
        - {action: create, kind: ClusterIssuer, name: selfsigned}
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.stages import parse_stages, secrets_of
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.stages import StageOutcome, Stages
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    PULL_SECRET_OPTIONS,
    WAIT_OPTIONS,
    WRITE_OPTIONS,
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

WAIT = {
    "until": {
        "type": "str",
        "choices": ["rollout", "exists", "gone", "condition", "field", "dry_run"],
        "default": "rollout",
    },
    "api_version": {"type": "str"},
    "kind": {"type": "str"},
    "name": {"type": "str"},
    "name_prefix": {"type": "str"},
    "labels": {"type": "str"},
    "namespace": {"type": "str"},
    "minimum": {"type": "int", "default": 1},
    "condition": {"type": "str"},
    "path": {"type": "str"},
    "value": {"type": "str"},
    "body": {"type": "dict"},
}
STAGE = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "objects": {"type": "list", "elements": "dict", "default": []},
    "wait": {"type": "list", "elements": "dict", "default": [], "options": WAIT},
}
ARGUMENT_SPEC = {
    **kubernetes_options(),
    **WRITE_OPTIONS,
    **WAIT_OPTIONS,
    "subject": {"type": "str", "default": "platform"},
    "namespace": {"type": "str", "default": ""},
    "namespaces": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "labels": {"type": "dict"}},
    },
    "pull_secrets": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": {**PULL_SECRET_OPTIONS, "namespace": {"type": "str"}},
    },
    "secrets": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": {
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "type": {"type": "str", "default": "Opaque"},
            "string_data": {"type": "dict", "required": True, "no_log": True},
        },
    },
    "stages": {"type": "list", "elements": "dict", "default": [], "options": STAGE},
    "wait_grace": {"type": "int", "default": 20},
    "check_waits": {"type": "bool", "default": False},
}


def work(context: Context) -> Report:
    """Carry out the stages."""
    params = context.params
    for secret in secrets_of(params):
        context.learn_secret(secret)
    stages = parse_stages(params)
    runner = Stages(
        context.session,
        context.check_mode,
        params["force_conflicts"],
        context.waiting,
        params["wait_grace"],
        params["concurrency"],
        params["check_waits"],
    )
    return Report([_result(outcome) for outcome in runner.carry_out(stages)])


def _result(outcome: StageOutcome) -> ItemResult:
    lacks = {"lacks": list(outcome.lacks)} if outcome.lacks else {}
    return ItemResult(outcome.stage.name, outcome.steps, lacks, error=outcome.error)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
