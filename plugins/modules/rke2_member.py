#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: rke2_member
short_description: Gate, drain, welcome, label or remove a Node of an RKE2 cluster
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Works on Nodes by the kubectl of a server, so it runs on a server whose API answers, also when it is about another host.
  - What a person has cordoned stays cordoned. The module's own cordon carries an annotation, so that a run that was interrupted
    between drain and return can be resumed.
options:
  name:
    description: Name of the Node. Needed unless O(state=marked).
    type: str
  state:
    description:
      - V(healthy) waits until every server but O(name) is Ready with a vote in etcd, and is refused when that does not come. It is
        the gate before a server goes down or joins.
      - V(drained) cordons and drains the Node, when another Node can take its pods. When that fails, the Node is schedulable again.
      - V(ready) waits until the Node is Ready in O(version), and takes back the cordon of V(drained).
      - V(marked) brings labels and taints of O(nodes) about.
      - V(absent) drains, waits until no volume is attached, removes the etcd member and deletes the Node. It is refused for the
        last server, when another server is not healthy, and when an even number of servers would be left.
    type: str
    choices: [healthy, drained, ready, marked, absent]
    required: true
  version:
    description: The version that the kubelet must have, for V(ready).
    type: str
    default: ''
  nodes:
    description: Nodes whose labels and taints are looked after, for V(marked).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Node.
        type: str
        required: true
      labels:
        description: Labels. One that this module set earlier and that is not here any more is removed; others are left alone.
        type: dict
        default: {}
      taints:
        description: Taints, as C(key=value:Effect), by the same rule.
        type: list
        elements: str
        default: []
  drain:
    description: How to drain.
    type: dict
    default: {}
    suboptions:
      timeout:
        description: Seconds to wait for the pods to go.
        type: int
        default: 300
      grace_period:
        description: Seconds that a pod gets to end; its own when not set.
        type: int
      force:
        description: Also delete pods that no controller will create again.
        type: bool
        default: false
      delete_emptydir_data:
        description: Also evict pods with emptyDir volumes; that data is lost.
        type: bool
        default: true
      disable_eviction:
        description: When PodDisruptionBudgets hold the drain up, delete the pods past them.
        type: bool
        default: false
  joining:
    description: With V(healthy), Nodes of servers without a datastore, that are about to join themselves; they do not count.
    type: list
    elements: str
    default: []
  allow_even:
    description: With V(absent), consent to an even number of servers being left.
    type: bool
    default: false
  lost:
    description:
      - With V(absent), the host is gone with its disk; neither pods nor volumes on it are waited for, and an even number of servers
        is fine, because the host is replaced.
    type: bool
    default: false
extends_documentation_fragment:
  - ai_tenancy.platform.wait
  - ai_tenancy.platform.attributes
seealso:
  - module: ai_tenancy.platform.rke2_node
"""

EXAMPLES = r"""
- name: Go on only when the other servers are healthy
  ai_tenancy.platform.rke2_member:
    state: healthy
    name: server-2

- name: Take the pods off an agent
  ai_tenancy.platform.rke2_member:
    state: drained
    name: agent-1
    drain: {timeout: 600}
  delegate_to: server-1

- name: Label a node
  ai_tenancy.platform.rke2_member:
    state: marked
    nodes:
      - name: agent-1
        labels: {ai-tenancy.platform/pool: acme}
        taints: [ai-tenancy.platform/pool=acme:NoSchedule]
  delegate_to: server-1
"""

RETURN = r"""
results:
  description: One entry with what was (in check mode, would be) done.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: Name of the Node; V(nodes) for several.
      type: str
      returned: always
    changed:
      description: Whether a Node was changed.
      type: bool
      returned: always
    actions:
      description: Each change.
      type: list
      elements: dict
      returned: always
  sample:
    - item: agent-1
      changed: true
      actions: [{action: change, kind: Node, name: agent-1, reason: its node is restarted or removed}]
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2.members import Members
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    WAIT_OPTIONS,
    Context,
    ItemResult,
    Report,
    run_module,
)

ARGUMENT_SPEC = {
    **WAIT_OPTIONS,
    "name": {"type": "str"},
    "state": {"type": "str", "choices": ["healthy", "drained", "ready", "marked", "absent"], "required": True},
    "version": {"type": "str", "default": ""},
    "nodes": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "labels": {"type": "dict", "default": {}},
            "taints": {"type": "list", "elements": "str", "default": []},
        },
    },
    "drain": {
        "type": "dict",
        "default": {},
        "apply_defaults": True,
        "options": {
            "timeout": {"type": "int", "default": 300},
            "grace_period": {"type": "int"},
            "force": {"type": "bool", "default": False},
            "delete_emptydir_data": {"type": "bool", "default": True},
            "disable_eviction": {"type": "bool", "default": False},
        },
    },
    "joining": {"type": "list", "elements": "str", "default": []},
    "allow_even": {"type": "bool", "default": False},
    "lost": {"type": "bool", "default": False},
}


def work(context: Context) -> Report:
    """One method for each state."""
    params = context.params
    members = Members(context.machine, context.check_mode, context.waiting)
    state, name, steps = params["state"], params["name"], []
    if state == "healthy":
        members.require_healthy(name, params["joining"])
    elif state == "drained":
        steps = members.drain(name, params["drain"])
    elif state == "ready":
        steps = members.welcome(name, params["version"])
    elif state == "marked":
        steps = members.mark(params["nodes"])
    else:
        steps = members.remove(name, params["allow_even"], params["drain"], params["lost"])
    return Report([ItemResult(name or "nodes", steps)])


def main() -> None:
    """Entry point of the module."""
    named = [("state", state, ["name"]) for state in ("healthy", "drained", "ready", "absent")]
    run_module(ARGUMENT_SPEC, work, required_if=[*named, ("state", "marked", ["nodes"])])


if __name__ == "__main__":
    main()
