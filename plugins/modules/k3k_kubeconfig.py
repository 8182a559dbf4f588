#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: k3k_kubeconfig
short_description: Issue and revoke the kubeconfigs of tenant administrators
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Issues a kubeconfig for the administrator of each virtual cluster, signed inside that cluster by a certificate signing
    request. The user is C(<tenant>-admin) in a group of its own which is bound to C(cluster-admin) inside the virtual
    cluster; it is never C(system:masters) and has no rights on the host cluster.
  - The kubeconfig is kept in the Secret C(tenant-kubeconfig) in the tenant's namespace on the host cluster, so that every
    controller finds the same one, and is written to O(kubeconfigs[].dest) when that is set.
  - A new one is issued when none exists, when the virtual cluster is a new one, when address, group or lifetime changed,
    and when it expires in less than O(kubeconfigs[].rotate_before). Otherwise nothing is sent to the virtual cluster.
  - Takes all tenants in one call. A failure of one tenant does not stop the others.
options:
  kubeconfigs:
    description: The kubeconfigs to issue or revoke.
    type: list
    elements: dict
    required: true
    suboptions:
      tenant:
        description: Id of the tenant.
        type: str
        required: true
      state:
        description:
          - V(present) issues when due.
          - V(absent) takes the rights inside the virtual cluster away and removes the Secret and the file.
        type: str
        choices: [present, absent]
        default: present
      namespace:
        description: Namespace of the virtual cluster on the host; V(t-<tenant>) when not set.
        type: str
      cluster:
        description: Name of the virtual cluster; the tenant's id when not set.
        type: str
      server:
        description:
          - URL under which the virtual cluster's API is reached, from here and by the tenant.
          - Needed to issue. To revoke, the address that was handed out counts when it is not set.
        type: str
      unreachable:
        description:
          - What to do when a credential is to be revoked and the virtual cluster does not answer.
          - V(remove) removes Secret and file all the same; right when the virtual cluster is deleted next.
        type: str
        choices: [fail, remove]
        default: fail
      dest:
        description: File on the controller to write, with mode V(0600). Missing directories are made with mode V(0700).
        type: path
      ttl:
        description: Lifetime of the credential in seconds, from 600 to one year.
        type: int
        default: 2592000
      rotate_before:
        description: A credential that expires in less than this many seconds is issued anew.
        type: int
        default: 604800
      group:
        description: Name of the group inside the virtual cluster; the generation is added to it.
        type: str
        default: tenant-admins
  concurrency:
    description: How many virtual clusters are talked to at the same time.
    type: int
    default: 8
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes
requirements:
  - kubernetes >= 24.2.0
  - PyYAML
  - cryptography >= 42
seealso:
  - module: ai_tenancy.platform.k3k_cluster
"""

EXAMPLES = r"""
- name: Hand the administrators their kubeconfigs
  ai_tenancy.platform.k3k_kubeconfig:
    kubeconfig: /etc/rancher/rke2/rke2.yaml
    kubeconfigs:
      - tenant: acme
        server: https://k8s.acme.example:30443
        dest: /root/kubeconfigs/acme.yaml
        ttl: 2592000

- name: Take the rights of an administrator away
  ai_tenancy.platform.k3k_kubeconfig:
    kubeconfigs:
      - tenant: acme
        state: absent
        dest: /root/kubeconfigs/acme.yaml
"""

RETURN = r"""
results:
  description: One entry per kubeconfig, in the order of the input. The kubeconfig itself is never returned.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: Id of the tenant.
      type: str
      returned: always
    changed:
      description: Whether something was (in check mode, would be) issued, written or removed.
      type: bool
      returned: always
    actions:
      description: What was done, each with action, kind, name and reason.
      type: list
      elements: dict
      returned: always
    path:
      description: The file, when O(kubeconfigs[].dest) is set.
      type: str
      returned: when set
    server:
      description: Address in the kubeconfig.
      type: str
      returned: always
    secret:
      description: Namespace and name of the Secret that keeps the kubeconfig.
      type: str
      returned: always
    expires_at:
      description: When the credential expires, in seconds since the epoch.
      type: int
      returned: when issued
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
      changed: true
      actions: [{action: create, kind: Kubeconfig, name: acme, reason: none was issued yet}]
      server: https://k8s.acme.example:30443
      secret: t-acme/tenant-kubeconfig
      expires_at: 1798000000
"""

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.access import parse_access
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import PlatformError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube import access
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

ARGUMENT_SPEC = {
    **kubernetes_options(),
    "kubeconfigs": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "tenant": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "namespace": {"type": "str"},
            "cluster": {"type": "str"},
            "server": {"type": "str"},
            "unreachable": {"type": "str", "choices": ["fail", "remove"], "default": "fail"},
            "dest": {"type": "path"},
            "ttl": {"type": "int", "default": 2592000},
            "rotate_before": {"type": "int", "default": 604800},
            "group": {"type": "str", "default": "tenant-admins"},
        },
    },
    "concurrency": {"type": "int", "default": 8},
}


def work(context: Context) -> Report:
    """Issue, keep or revoke each kubeconfig; unchanged ones cost only their share of two LISTs."""
    if access.IMPORT_ERROR:
        raise PlatformError(missing_required_lib("cryptography and PyYAML"))
    requests = parse_access(context.params["kubeconfigs"])
    keeper = access.Kubeconfigs(context.session, context.clock, context.check_mode)
    items = []
    for request, outcome in zip(requests, keeper.converge(requests, context.params["concurrency"])):
        if isinstance(outcome, PlatformError):
            items.append(ItemResult(request.tenant, error=outcome))
        else:
            items.append(ItemResult(request.tenant, outcome.steps, outcome.values))
    return Report(items)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
