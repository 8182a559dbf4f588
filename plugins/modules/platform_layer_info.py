#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_layer_info
short_description: Look ahead at what would be changed or refused for a layer of the platform
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Judges the releases of a layer by what M(ai_tenancy.platform.helm_release_info) has found, and asks
    M(ai_tenancy.platform.platform_objects) what it would do around them, all in one task, and changes nothing.
  - Mostly nothing has changed since the last run. Then this one look replaces all tasks of the layer, see RV(due).
  - The authentication options are passed on.
  - This is an action plugin. It needs no other Python than M(ai_tenancy.platform.platform_objects) needs.
options:
  releases:
    description:
      - What the layer declares, one entry per chart, in the form of C(platform_release_wanted) of the role C(platform_release).
    type: list
    elements: dict
    required: true
  versions:
    description: The file of versions of the role C(platform_release).
    type: dict
    required: true
  choice:
    description: C(train), C(source), C(overrides), C(charts_dir), C(registry), C(allow_downgrade) and C(force_conflicts) of the site.
    type: dict
    required: true
  observed:
    description: The C(results) of M(ai_tenancy.platform.helm_release_info), by namespace and name with a slash between.
    type: dict
    required: true
  cluster:
    description: C(cluster) of M(ai_tenancy.platform.helm_release_info).
    type: dict
    required: true
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes.info
requirements:
  - kubernetes >= 24.2.0
seealso:
  - module: ai_tenancy.platform.helm_release_info
  - module: ai_tenancy.platform.platform_objects
"""

EXAMPLES = r"""
- name: Look at what is installed
  ai_tenancy.platform.helm_release_info:
    releases: "{{ versions | ai_tenancy.platform.platform_releases }}"
    cluster: true
  register: found

- name: Is anything to be done for cert-manager
  ai_tenancy.platform.platform_layer_info:
    kubeconfig: /etc/rancher/rke2/rke2.yaml
    releases:
      - chart: cert_manager
        values: {crds: {enabled: true}}
        after:
          - name: workloads
            wait:
              - {api_version: apps/v1, kind: Deployment, name: cert-manager}
    versions: "{{ versions }}"
    choice: {train: current, source: community}
    observed: "{{ dict(found.results | map(attribute='item') | zip(found.results)) }}"
    cluster: "{{ found.cluster }}"
  register: ahead
"""

RETURN = r"""
due:
  description:
    - Whether anything is to be done. V(false) means that every release is as declared and not failed or interrupted, that what
      belongs around it is as declared, and that everything holds that the layer waits for.
    - V(true) also when the API could not be asked.
  returned: always
  type: bool
  sample: false
refusals:
  description: Why the layer cannot be, a sentence each.
  returned: always
  type: list
  elements: str
  sample: ["longhorn: worker-9 is not a node of this cluster; there are: worker-1"]
charts:
  description: The charts that the layer wants, with C(key), C(version) and C(kubernetes), the range of versions that it supports.
  returned: always
  type: list
  elements: dict
  sample: [{key: cert_manager, version: v1.19.1, kubernetes: ">= 1.22.0-0"}]
"""
