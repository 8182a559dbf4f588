#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: rke2_node
short_description: Install, start, restart, stop or uninstall RKE2 on a host
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Installs a release natively, by tarball or by zypper, online or from a folder. Every checksum is verified before the first
    file of the host is touched; the program is swapped by a rename, and what runs goes on until its restart.
  - Queues start and restart, and waits with a bound until the node is what it shall be. A server must be active, answer on the
    supervisor's port, have a ready API server, and a Node that is Ready in this version with a vote in etcd. An agent must be
    active in this version; whether its Node is Ready, a server tells (M(ai_tenancy.platform.rke2_member)).
  - When the time is up, or earlier when the journal names a cause that lasts, it fails with one diagnosis.
options:
  type:
    description: What the host is in the cluster.
    type: str
    choices: [server, agent]
    required: true
  state:
    description:
      - V(installed) only installs. V(started) also starts the unit when it is down, V(restarted) always.
      - V(stopped) stops the unit; pods and, on a server, etcd go on unless O(kill).
      - V(absent) runs RKE2's own uninstall script. All data of the node is gone then.
    type: str
    choices: [installed, started, restarted, stopped, absent]
    default: started
  version:
    description: Release, such as V(v1.35.7+rke2r1). Needed unless the node goes down.
    type: str
  method:
    description: How to install. It cannot change on a host that has RKE2.
    type: str
    choices: [tar, rpm]
    default: tar
  source:
    description:
      - Where the files of a release come from. A URL that has a folder for each version, or a folder on the host with one release
        or with a folder for each version.
    type: str
    default: https://github.com/rancher/rke2/releases/download
  source_ca_path:
    description: CA of the server behind O(source), a file on the host; the system's CAs when not set.
    type: path
  source_checksum:
    description: SHA-256 of the release's list of checksums, to trust a mirror only as far as this.
    type: str
  images:
    description:
      - Place the image archives of the release's core and of these parts (network plug-ins, ingress controllers) on the host, for
        a site without a way out. Nothing is placed when not set.
    type: list
    elements: str
  rpm_repository:
    description:
      - Base URL of the repositories, to which RKE2's own folders are added; with a slash at its end, one repository with all
        packages. V({minor}) stands for the minor version.
    type: str
    default: https://rpm.rancher.io/rke2/stable
  rpm_key:
    description: URL or file with the key that signed packages and repository.
    type: str
    default: https://rpm.rancher.io/public.key
  rotate_certificates:
    description: With O(state=restarted), renew the node's certificates between stop and start.
    type: bool
    default: false
  kill:
    description: With O(state=stopped), also end everything that RKE2 started, by its own script.
    type: bool
    default: false
extends_documentation_fragment:
  - ai_tenancy.platform.wait
  - ai_tenancy.platform.attributes
notes:
  - The program that was there before is kept beside the new one, as C(rke2.ai-tenancy-previous).
  - Repositories are enabled only while this installs, so that C(zypper update) does not upgrade the cluster by accident.
seealso:
  - module: ai_tenancy.platform.rke2_config
"""

EXAMPLES = r"""
- name: Install and start a server
  ai_tenancy.platform.rke2_node:
    type: server
    version: v1.35.7+rke2r1

- name: Install from a folder on the host, with all images, and do not start
  ai_tenancy.platform.rke2_node:
    type: agent
    state: installed
    version: v1.35.7+rke2r1
    source: /srv/rke2
    images: [canal, traefik]
"""

RETURN = r"""
results:
  description: One entry with what was (in check mode, would be) done. On failure too, with what was done before.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: V(server) or V(agent).
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
    ca_hash:
      description: SHA-256 of the cluster's CA, on a server that has started.
      type: str
      returned: success
    failed:
      description: Set when it failed.
      type: bool
      returned: on failure
    error:
      description: Code, message, next step and whether a re-run can help.
      type: dict
      returned: on failure
  sample:
    - item: server
      changed: true
      actions:
        - {action: create, kind: Release, name: RKE2 by tar}
        - {action: change, kind: Unit, name: rke2-server.service, reason: start}
      ca_hash: 2f9c1a4c4c0d4c5d8f3f8d7f8f0a6a1b2c3d4e5f60718293a4b5c6d7e8f90a1b
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import PlatformError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2 import places, token
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.release import PUBLIC_SOURCE
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2.node import Node
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    WAIT_OPTIONS,
    Context,
    ItemResult,
    Report,
    run_module,
)

ARGUMENT_SPEC = {
    **WAIT_OPTIONS,
    "type": {"type": "str", "choices": ["server", "agent"], "required": True},
    "state": {
        "type": "str",
        "choices": ["installed", "started", "restarted", "stopped", "absent"],
        "default": "started",
    },
    "version": {"type": "str"},
    "method": {"type": "str", "choices": ["tar", "rpm"], "default": "tar"},
    "source": {"type": "str", "default": PUBLIC_SOURCE},
    "source_ca_path": {"type": "path"},
    "source_checksum": {"type": "str"},
    "images": {"type": "list", "elements": "str"},
    "rpm_repository": {"type": "str", "default": "https://rpm.rancher.io/rke2/stable"},
    "rpm_key": {"type": "str", "default": "https://rpm.rancher.io/public.key", "no_log": False},
    "rotate_certificates": {"type": "bool", "default": False},
    "kill": {"type": "bool", "default": False},
}


def work(context: Context) -> Report:
    """Reach the state; what was done before a failure is told too."""
    params = context.params
    node = Node(context.machine, params, context.check_mode, context.waiting)
    result = ItemResult(params["type"])
    try:
        node.reach(params["state"])
        result.values["ca_hash"] = token.ca_hash(context.machine.value(places.SERVER_TOKEN))
    except PlatformError as error:
        result.error = error
    result.steps = node.steps
    return Report([result])


def main() -> None:
    """Entry point of the module."""
    needs_version = [("state", state, ["version"]) for state in ("installed", "started", "restarted")]
    run_module(ARGUMENT_SPEC, work, required_if=needs_version)


if __name__ == "__main__":
    main()
