#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_objects
short_description: Bring objects inside the virtual clusters of many tenants to their declared state, and read the Helm releases there
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Goes into the virtual cluster of each tenant, all at the same time, by the kubeconfig that M(ai_tenancy.platform.k3k_kubeconfig)
    keeps in the tenant's namespace. Writes a namespace, copies of Secrets of the tenant's namespace, pull secrets and stages as
    M(ai_tenancy.platform.platform_objects) does, and reads Helm releases as M(ai_tenancy.platform.helm_release_info) does.
  - One call does it for all tenants. On the host it costs one LIST.
  - In check mode a virtual cluster that is not there yet counts as empty.
options:
  tenants:
    description: The tenants, each once.
    type: list
    elements: dict
    required: true
    suboptions:
      tenant:
        description: Id of the tenant.
        type: str
        required: true
      namespace:
        description: Its namespace on the host; V(t-<tenant>) when not set.
        type: str
      inside:
        description: The namespace inside its virtual cluster, of everything that names none.
        type: str
        required: true
      state:
        description: V(absent) to write nothing and only to read releases. A virtual cluster that is not reached then counts as empty.
        type: str
        choices: [present, absent]
        default: present
      labels:
        description: Labels that the namespace inside must carry.
        type: dict
      secrets:
        description: Names of Secrets with the tenant's label in its namespace on the host, that are copied inside.
        type: list
        elements: str
        default: []
      releases:
        description: Helm releases inside to read.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the release.
            type: str
            required: true
          namespace:
            description: Its namespace, O(tenants[].inside) when not set.
            type: str
          secret_values:
            description:
              - Values of the release that come from a Secret, for a chart that knows no existing one. They are compared with the
                Secret and left out of what is returned; where one differs a mark stands in its place.
            type: dict
            suboptions:
              secret:
                description: Name of the Secret with the tenant's label in its namespace on the host.
                type: str
                required: true
              keys:
                description: Dotted path of each value, and the key of the Secret that it has.
                type: dict
                default: {}
              digest:
                description: Dotted path of a value that gets a digest of the Secret, so that what reads the Secret only at its
                  start is started anew when that changes.
                type: str
      stages:
        description: Objects, and what must hold after they were written, as in M(ai_tenancy.platform.platform_objects).
        type: list
        elements: dict
        default: []
      host_stages:
        description: The same in the tenant's namespace on the host; with O(tenants[].state=absent) too.
        type: list
        elements: dict
        default: []
  pull_secrets:
    description: Credentials of registries, which every tenant gets.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Secret.
        type: str
        required: true
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
  kubeconfig_dir:
    description:
      - Folder into which the kubeconfig of each tenant is written (0600), C(<tenant>.yaml), and for each release with
        O(tenants[].releases[].secret_values) a file with these, C(<tenant>.<release>.yaml); for a program that needs files.
        Nothing is written when not set. Meant for a temporary folder, so it counts as no change, and is done in check mode too.
      - A folder in the temporary directory whose name begins as P(ai_tenancy.platform.run_folder#filter) says goes at the next call
        of this module when its run was killed, with a warning; not in check mode.
    type: path
  wait_grace:
    description: Seconds for which a cause that does not heal by itself must last before the wait ends early.
    type: int
    default: 20
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.write
  - ai_tenancy.platform.wait
  - ai_tenancy.platform.attributes
requirements:
  - kubernetes >= 24.2.0
seealso:
  - module: ai_tenancy.platform.platform_objects
  - module: ai_tenancy.platform.k3k_kubeconfig
"""

EXAMPLES = r"""
- name: A namespace with the tenant's credentials, and what is installed there
  ai_tenancy.platform.tenant_objects:
    tenants:
      - tenant: acme
        inside: clearml
        secrets: [clearml-agent-credentials]
        releases: [{name: clearml-enterprise-agent}]
  register: inside
"""

RETURN = r"""
results:
  description: One entry per tenant, in the order of the input.
  returned: always
  type: list
  elements: dict
  contains:
    item:
      description: Id of the tenant.
      type: str
      returned: always
    actions:
      description: What was written.
      type: list
      elements: dict
      returned: always
    reachable:
      description: Whether the virtual cluster is there. Only in check mode, or with O(tenants[].state=absent), it may not be.
      type: bool
      returned: when it did not fail
    releases:
      description: The releases as M(ai_tenancy.platform.helm_release_info) returns them, in the order of the input.
      type: list
      elements: dict
      returned: when it did not fail
    kubeconfig:
      description: Path of the kubeconfig; empty when none was written.
      type: str
      returned: when it did not fail
    values_files:
      description: Paths of the files with values that are secrets.
      type: list
      elements: str
      returned: when it did not fail
  sample:
    - item: acme
      changed: true
      actions: [{action: create, kind: Namespace, name: clearml}]
      reachable: true
      releases: [{name: clearml-enterprise-agent, namespace: clearml, status: absent}]
      kubeconfig: ""
      values_files: []
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import PlatformError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.inside import parse_inside
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.stages import secrets_of
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.inside import How, Inside
from ansible_collections.ai_tenancy.platform.plugins.module_utils.leftovers import sweep
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

ARGUMENT_SPEC = {
    **kubernetes_options(),
    **WRITE_OPTIONS,
    **WAIT_OPTIONS,
    "tenants": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "tenant": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "inside": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "labels": {"type": "dict"},
            "secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "releases": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "name": {"type": "str", "required": True},
                    "namespace": {"type": "str"},
                    "secret_values": {
                        "type": "dict",
                        "no_log": False,
                        "options": {
                            "secret": {"type": "str", "required": True, "no_log": False},
                            "keys": {"type": "dict", "default": {}, "no_log": False},
                            "digest": {"type": "str"},
                        },
                    },
                },
            },
            "stages": {"type": "list", "elements": "dict", "default": []},
            "host_stages": {"type": "list", "elements": "dict", "default": []},
        },
    },
    "pull_secrets": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": PULL_SECRET_OPTIONS,
    },
    "kubeconfig_dir": {"type": "path"},
    "wait_grace": {"type": "int", "default": 20},
}


def work(context: Context) -> Report:
    """Go into every virtual cluster."""
    params = context.params
    for secret in secrets_of(params):
        context.learn_secret(secret)
    requests = parse_inside(params)
    how = How(
        check_mode=context.check_mode,
        force=params["force_conflicts"],
        waiting=context.waiting,
        grace=params["wait_grace"],
        kubeconfig_dir=params["kubeconfig_dir"] or "",
        concurrency=params["concurrency"],
    )
    report = Report()
    if not context.check_mode:
        report.warnings += [
            f"removed {path}: a run that was killed left it, with kubeconfigs in it" for path in sweep()
        ]
    for request, found in zip(requests, Inside(context.session, how, context.learn_secret).carry_out(requests)):
        if isinstance(found, PlatformError):
            report.items.append(ItemResult(request.tenant, error=found))
            continue
        values = {
            "reachable": found.reachable,
            "releases": [release.as_dict() for release in found.releases],
            "kubeconfig": found.kubeconfig,
            "values_files": found.values_files,
        }
        report.items.append(ItemResult(request.tenant, tuple(found.steps), values, error=found.error))
    return report


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
