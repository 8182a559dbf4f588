#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: rke2_datastore
short_description: Save, delete and restore snapshots of an RKE2 server's etcd
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Works by RKE2's own commands on the server that it runs on.
  - V(restored) and V(removed) destroy data. No plan of the role C(rke2) leads to them; only the
    playbook C(etcd_restore) does, after a confirmation.
options:
  state:
    description:
      - V(saved) takes a snapshot called O(name), unless there is one by that name.
      - V(deleted) deletes the snapshot with exactly the name O(name).
      - V(restored) replaces the datastore by the snapshot O(path). etcd then has this server as its only member. Every server of
        the cluster must be down.
      - V(removed) removes the datastore but not the snapshots, so that the server joins the others anew.
    type: str
    choices: [saved, deleted, restored, removed]
    required: true
  name:
    description: Name of the snapshot, for V(saved) and V(deleted). RKE2 adds the node's name and the time.
    type: str
  path:
    description: The snapshot to restore, a file on this host; with O(s3) its name in the bucket that C(config.yaml) names.
    type: str
  s3:
    description: Restore from the S3 bucket of the configuration.
    type: bool
    default: false
  timeout:
    description: How long RKE2's command may take, in seconds.
    type: int
    default: 600
extends_documentation_fragment:
  - ai_tenancy.platform.attributes
notes:
  - A snapshot holds the cluster's own keys encrypted with the token. Keep the token with it; the one of the cluster that the
    snapshot is from must be configured before V(restored).
seealso:
  - module: ai_tenancy.platform.rke2_info
"""

EXAMPLES = r"""
- name: Save a snapshot before an upgrade
  ai_tenancy.platform.rke2_datastore:
    state: saved
    name: pre-v1.35.7

- name: Restore it on one server, while all are down
  ai_tenancy.platform.rke2_datastore:
    state: restored
    path: /var/lib/rancher/rke2/server/db/snapshots/pre-v1.35.7-server-1-1795000000
"""

RETURN = r"""
results:
  description: One entry with what was (in check mode, would be) done.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: V(datastore).
      type: str
      returned: always
    changed:
      description: Whether something was done.
      type: bool
      returned: always
    actions:
      description: Each step.
      type: list
      elements: dict
      returned: always
    snapshot:
      description: Name, path, size in bytes and creation (seconds since the epoch) of the snapshot.
      type: dict
      returned: with O(state=saved), when it exists
  sample:
    - item: datastore
      changed: true
      actions: [{action: create, kind: Snapshot, name: pre-v1.35.7}]
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2.datastore import Datastore
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import Context, ItemResult, Report, run_module

ARGUMENT_SPEC = {
    "state": {"type": "str", "choices": ["saved", "deleted", "restored", "removed"], "required": True},
    "name": {"type": "str"},
    "path": {"type": "str"},
    "s3": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 600},
}


def work(context: Context) -> Report:
    """One method for each state."""
    params = context.params
    datastore = Datastore(context.machine, context.check_mode, params["timeout"])
    result = ItemResult("datastore")
    if params["state"] == "saved":
        result.steps, snapshot = datastore.save(params["name"])
        if snapshot:
            result.values["snapshot"] = snapshot
    elif params["state"] == "deleted":
        result.steps = datastore.delete(params["name"])
    elif params["state"] == "restored":
        result.steps = datastore.restore(params["path"], params["s3"])
    else:
        result.steps = datastore.remove()
    return Report([result])


def main() -> None:
    """Entry point of the module."""
    needs = [("state", "saved", ["name"]), ("state", "deleted", ["name"]), ("state", "restored", ["path"])]
    run_module(ARGUMENT_SPEC, work, required_if=needs)


if __name__ == "__main__":
    main()
