#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: rke2_info
short_description: Read the state of RKE2 on a host, and on a server the cluster's Nodes
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Reads in one launch what is installed, what runs, what the last successful start read, and which files stand there now.
  - Judges nothing. The filter P(ai_tenancy.platform.rke2_plan#filter) makes a plan out of the facts of all hosts.
  - Needs nothing on the host but Python; secrets are not returned.
options:
  gather:
    description: What to read beside the host itself.
    type: list
    elements: str
    choices: [nodes, certificates, snapshots]
    default: [nodes, certificates, snapshots]
extends_documentation_fragment:
  - ai_tenancy.platform.attributes.info
seealso:
  - module: ai_tenancy.platform.rke2_config
  - module: ai_tenancy.platform.rke2_node
  - module: ai_tenancy.platform.rke2_member
"""

EXAMPLES = r"""
- name: Read the state of RKE2
  ai_tenancy.platform.rke2_info:
    gather: [nodes, certificates]
  register: rke2

- name: Warn about certificates that end soon
  ansible.builtin.debug:
    msg: "{{ rke2.facts.certificates | selectattr('days', 'lt', 60) }}"
"""

RETURN = r"""
facts:
  description: What was found.
  returned: always
  type: dict
  contains:
    node_name:
      description: Name of this host's Node.
      type: str
      returned: always
    architecture:
      description: As in the names of release files, such as V(amd64).
      type: str
      returned: always
    installed:
      description: Version of the program on disk, empty for none.
      type: str
      returned: always
    method:
      description: V(tar), V(rpm), or empty.
      type: str
      returned: always
    conflict:
      description: Set when RKE2 is installed more than once.
      type: str
      returned: always
    root:
      description: Folder of the installation, or where a tarball would go.
      type: str
      returned: always
    type:
      description: V(server), V(agent), or empty for a host that is no node.
      type: str
      returned: always
    active:
      description: Active state of the two units.
      type: dict
      returned: always
    enabled:
      description: Whether the two units start at boot.
      type: dict
      returned: always
    running:
      description: Version of the process that runs, also when the file was replaced since; empty for none.
      type: str
      returned: always
    datastore:
      description: Whether etcd has been at work here.
      type: bool
      returned: always
    joined:
      description: Whether the node has credentials of a cluster.
      type: bool
      returned: always
    ca_hash:
      description: SHA-256 of the cluster's CA, on servers.
      type: str
      returned: always
    last_start:
      description: Version and digests of the files that the last successful start read.
      type: dict
      returned: always
    files:
      description: Digest, mode and origin of each file, by path.
      type: dict
      returned: always
    config:
      description: Keys of C(config.yaml) that cannot change on a running cluster, and C(server).
      type: dict
      returned: always
    overrides:
      description: Keys of this collection that a file in C(config.yaml.d) sets too.
      type: dict
      returned: always
    api_ready:
      description: Whether the API server of this host answered.
      type: bool
      returned: always
    nodes:
      description: The cluster's Nodes, with readiness, version, labels, taints and the vote in etcd.
      type: list
      elements: dict
      returned: always
    os:
      description: Id, version and variant of os-release.
      type: dict
      returned: always
    selinux:
      description: V(enforcing), V(permissive) or V(disabled).
      type: str
      returned: always
    selinux_policy:
      description: Whether the policy for RKE2 is installed.
      type: bool
      returned: always
    certificates:
      description: Path, end, days that are left, and whether it is an authority.
      type: list
      elements: dict
      returned: when O(gather) has V(certificates)
    snapshots:
      description: Name, path, size in bytes and creation (seconds since the epoch) of the snapshots on this disk.
      type: list
      elements: dict
      returned: when O(gather) has V(snapshots)
  sample:
    node_name: server-1
    architecture: amd64
    installed: v1.35.7+rke2r1
    method: tar
    conflict: ""
    root: /usr/local
    type: server
    active: {server: active, agent: inactive}
    enabled: {server: true, agent: false}
    running: v1.35.7+rke2r1
    datastore: true
    joined: true
    api_ready: true
"""

import time

from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2.looking import look
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import Context, Report, run_module

ARGUMENT_SPEC = {
    "gather": {
        "type": "list",
        "elements": "str",
        "choices": ["nodes", "certificates", "snapshots"],
        "default": ["nodes", "certificates", "snapshots"],
    },
}


def work(context: Context) -> Report:
    """Look, and return."""
    return Report(values={"facts": look(context.machine, context.params["gather"], time.time())})


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
