#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible).

from __future__ import annotations

DOCUMENTATION = r"""
module: rke2_config
short_description: Write all configuration files of an RKE2 node
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Writes C(config.yaml), the token files, C(registries.yaml), audit and pod security documents, manifests and the unit's
    environment in one launch, each whole and with mode 0600. C(config.yaml.d) is left to the administrator and to Rancher.
  - A key that a running cluster cannot change (C(cni), the networks, the domain, the datastore) is compared with the file on
    disk and refused before anything is written.
  - Restarts nothing. Whether a restart is due, M(ai_tenancy.platform.rke2_info) tells by what the last start read.
  - With profile V(cis) or V(etcd) it also prepares the host (user C(etcd), kernel parameters).
options:
  type:
    description: What the host is in the cluster.
    type: str
    choices: [server, agent]
    required: true
  config:
    description: Content of C(config.yaml), in RKE2's own keys.
    type: dict
    required: true
  token:
    description: Token of the cluster, written to a file of its own; C(token-file) in O(config) must name it.
    type: str
  agent_token:
    description: Token for agents only, on servers.
    type: str
  registries:
    description: Content of C(registries.yaml); the file is removed when this is empty and this module wrote it.
    type: dict
    default: {}
  audit_policy:
    description: An audit policy of Kubernetes, on servers.
    type: dict
    default: {}
  pod_security:
    description: An AdmissionConfiguration with the pod security defaults, on servers.
    type: dict
    default: {}
  environment:
    description: Environment of the unit, such as proxies.
    type: dict
    default: {}
  manifests:
    description: Files that servers apply, by name. Removing one here removes neither the file nor its objects.
    type: dict
    default: {}
  custom_ca:
    description:
      - Text of own CA files, by their path below C(server/tls). Written only while the host has no datastore.
    type: dict
    default: {}
extends_documentation_fragment:
  - ai_tenancy.platform.attributes
seealso:
  - module: ai_tenancy.platform.rke2_node
"""

EXAMPLES = r"""
- name: Write the configuration of an agent
  ai_tenancy.platform.rke2_config:
    type: agent
    config:
      server: https://k8s.example.com:9345
      token-file: /etc/rancher/rke2/token
    token: "{{ vault_rke2_token }}"
    registries:
      mirrors:
        docker.io:
          endpoint: [https://registry.example.com]
"""

RETURN = r"""
results:
  description: One entry with what was (in check mode, would be) written.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: V(server) or V(agent).
      type: str
      returned: always
    changed:
      description: Whether a file, user or kernel parameter changed.
      type: bool
      returned: always
    actions:
      description: Each file, user and kernel parameter that changed.
      type: list
      elements: dict
      returned: always
  sample:
    - item: agent
      changed: true
      actions: [{action: create, kind: File, name: /etc/rancher/rke2/config.yaml}]
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.rke2.files import Settings
from ansible_collections.ai_tenancy.platform.plugins.module_utils.host.rke2.writing import Files
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import Context, ItemResult, Report, run_module

ARGUMENT_SPEC = {
    "type": {"type": "str", "choices": ["server", "agent"], "required": True},
    "config": {"type": "dict", "required": True},
    "token": {"type": "str", "no_log": True},
    "agent_token": {"type": "str", "no_log": True},
    "registries": {"type": "dict", "default": {}},
    "audit_policy": {"type": "dict", "default": {}},
    "pod_security": {"type": "dict", "default": {}},
    "environment": {"type": "dict", "default": {}},
    "manifests": {"type": "dict", "default": {}},
    "custom_ca": {"type": "dict", "default": {}},
}


def work(context: Context) -> Report:
    """Write what differs."""
    params = context.params
    secrets = {name: params[name] or "" for name in ("token", "agent_token")}
    settings = Settings(**{**{name: params[name] for name in ARGUMENT_SPEC}, **secrets})
    for secret in settings.secrets:
        context.learn_secret(secret)
    steps = Files(context.machine, context.check_mode).converge(settings)
    return Report([ItemResult(settings.type, steps)])


def main() -> None:
    """Entry point of the module."""
    # Secrets stand deep inside of dictionaries: what the module was given is not written to the host's log.
    run_module(ARGUMENT_SPEC, work, no_log=True)


if __name__ == "__main__":
    main()
