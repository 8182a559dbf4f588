#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: helm_release_diff
short_description: Show what an upgrade of a Helm release would change in the cluster
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Compares a rendered manifest (M(kubernetes.core.helm_template)) with the live objects, field by field, and with the objects of
    the revision in effect, so that objects which leave the chart are seen too. The content of Secrets is masked.
  - Fields that others own, such as a replica count that an autoscaler set, are only shown when the chart sets them.
  - Hooks are not part of it. Charts that render random values show these as changes; Helm would keep what it can look up.
options:
  name:
    description: Name of the release.
    type: str
    required: true
  namespace:
    description: Namespace of the release.
    type: str
    required: true
  manifest:
    description: The rendered manifest.
    type: str
    required: true
  secret_files:
    description: Files of values that are secrets. None of their texts is shown, wherever in the manifest it stands.
    type: list
    elements: path
    default: []
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes.info
attributes:
  diff_mode:
    support: full
requirements:
  - kubernetes >= 24.2.0
  - PyYAML
seealso:
  - module: kubernetes.core.helm_template
"""

EXAMPLES = r"""
- name: Render the chart
  kubernetes.core.helm_template:
    chart_ref: /srv/charts/cert-manager-v1.21.1.tgz
    release_name: cert-manager
    release_namespace: cert-manager
    release_values: {crds: {enabled: true}}
  register: rendered

- name: Show what would change
  ai_tenancy.platform.helm_release_diff:
    name: cert-manager
    namespace: cert-manager
    manifest: "{{ rendered.stdout }}"
  diff: true
"""

RETURN = r"""
changes:
  description: One line for each object that would be created, changed or removed.
  returned: success
  type: list
  elements: str
  sample:
    - 'change Deployment cert-manager/cert-manager: spec.replicas'
"""

from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.manifests import difference, secret_texts
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

ARGUMENT_SPEC = {
    **kubernetes_options(),
    "name": {"type": "str", "required": True},
    "namespace": {"type": "str", "required": True},
    # It may hold Secrets; what is shown of it goes through the mask.
    "manifest": {"type": "str", "required": True, "no_log": True},
    "secret_files": {"type": "list", "elements": "path", "default": [], "no_log": False},
}


def work(context: Context) -> Report:
    """Compare; nothing is written."""
    params = context.params
    for text in secret_texts(params["secret_files"]):
        context.learn_secret(text)
    steps = difference(context.session, params["namespace"], params["name"], params["manifest"])
    lines = [
        f"{step.action} {step.title}"
        + (f": {', '.join(difference.path for difference in step.differences)}" if step.differences else "")
        for step in steps
    ]
    shown = ItemResult(f"{params['namespace']}/{params['name']}", steps, changed=False)
    return Report([shown], values={"changes": lines})


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
