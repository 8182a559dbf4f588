#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_changes_info
short_description: Look ahead at what would be changed or refused for tenants on the host cluster
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Asks M(ai_tenancy.platform.tenant_guard), M(ai_tenancy.platform.gpu_quota) and M(ai_tenancy.platform.k3k_cluster) what
    they would do, all in one task, and changes nothing.
  - Mostly nothing has changed since the last run. Then this one look replaces the tasks of all three, see RV(due).
  - The authentication options are passed on to each of them, with its own options.
  - This is an action plugin. It needs no other Python than those modules need.
options:
  tenant_guard:
    description: Options of M(ai_tenancy.platform.tenant_guard). C(module_defaults) of it are not used here.
    type: dict
    required: true
  gpu_quota:
    description: Options of M(ai_tenancy.platform.gpu_quota). C(module_defaults) of it are not used here.
    type: dict
    required: true
  k3k_cluster:
    description: Options of M(ai_tenancy.platform.k3k_cluster). C(module_defaults) of it are not used here.
    type: dict
    required: true
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes.info
requirements:
  - kubernetes >= 24.2.0
seealso:
  - module: ai_tenancy.platform.tenant_guard
  - module: ai_tenancy.platform.gpu_quota
  - module: ai_tenancy.platform.k3k_cluster
"""

EXAMPLES = r"""
- name: Is anything to be done for acme
  ai_tenancy.platform.tenant_changes_info:
    kubeconfig: /etc/rancher/rke2/rke2.yaml
    tenant_guard:
      tenants:
        - tenant: acme
    gpu_quota:
      quotas:
        - tenant: acme
          accelerators: {nvidia.com/gpu: 8}
    k3k_cluster:
      clusters:
        - name: acme
          version: v1.34.4-k3s1
  register: ahead

- name: Bring the virtual cluster to its declared state
  ai_tenancy.platform.k3k_cluster:
    kubeconfig: /etc/rancher/rke2/rke2.yaml
    clusters:
      - name: acme
        version: v1.34.4-k3s1
  when: ahead.due
"""

RETURN = r"""
due:
  description:
    - Whether anything is to be done. V(false) means that fences, quotas and virtual clusters are as declared, that the
      virtual clusters run, and that no quota is still to be lowered.
    - V(true) also when one of the modules failed.
  returned: always
  type: bool
  sample: false
tenant_guard:
  description: What M(ai_tenancy.platform.tenant_guard) returns in check mode, without its diff.
  returned: always
  type: dict
  sample: {changed: false, results: []}
gpu_quota:
  description: What M(ai_tenancy.platform.gpu_quota) returns in check mode, without its diff.
  returned: always
  type: dict
  sample: {changed: false, results: []}
k3k_cluster:
  description: What M(ai_tenancy.platform.k3k_cluster) returns in check mode, without its diff.
  returned: always
  type: dict
  sample: {changed: false, results: []}
"""
