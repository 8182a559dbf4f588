#!/usr/bin/python
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# May be combined with code under the GNU General Public License, version 3 or later (Ansible, kubernetes.core).

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_probe
short_description: Prove quota and isolation of tenants by trying what must be refused
version_added: 1.0.0
author: ai_tenancy contributors (@ai-tenancy)
description:
  - Tries what a tenant must not be able to do, and passes only when it was refused by the mechanism that is meant to
    refuse it.
  - Pods are tried by server-side dry runs, which pass through all of admission but are not kept. So the probes are safe in
    production, and change nothing.
  - Fails when a probe fails that is named in O(tenants[].fail_on).
options:
  tenants:
    description: The tenants to probe.
    type: list
    elements: dict
    required: true
    suboptions:
      tenant:
        description: Id of the tenant.
        type: str
        required: true
      namespace:
        description: Its namespace; V(t-<tenant>) when not set.
        type: str
      cluster:
        description: Its virtual cluster; the tenant's id when not set.
        type: str
      isolation:
        description: Its isolation level; with V(shared) or V(sandboxed) shared nodes are reported as V(leak).
        type: str
        choices: [dedicated, private, sandboxed, shared]
        default: dedicated
      accept_risk:
        description: Whether the tenants file accepts the risk of shared nodes.
        type: bool
        default: false
      company:
        description: Name of its ClearML company, for the probe V(C1).
        type: str
      credentials_secret:
        description: Secret in its namespace with the ClearML credentials of its agent, for the probe V(C1).
        type: str
      probes:
        description:
          - Which probes to run; all when not set.
          - V(Q1) an agent above the accelerator quota, V(Q2) an agent with an accelerator that was not granted, V(Q3) a pod
            that k3k did not make and a pod with a host path, V(K1) the administrator's kubeconfig, V(C1) the ClearML
            credentials, V(P4) other tenants and platform pods on the tenant's nodes.
        type: list
        elements: str
      fail_on:
        description: Probes whose failure makes the module fail; all when not set.
        type: list
        elements: str
  concurrency:
    description: How many tenants are probed at the same time.
    type: int
    default: 8
  api_url:
    description:
      - URL of the ClearML API server. Needed only for the probe V(C1).
      - Taken from the environment variable E(CLEARML_API_HOST) when not set.
    required: false
extends_documentation_fragment:
  - ai_tenancy.platform.clearml_auth
  - kubernetes.core.k8s_auth_options
  - ai_tenancy.platform.attributes.info
requirements:
  - kubernetes >= 24.2.0
  - cryptography >= 42
"""

EXAMPLES = r"""
- name: Prove quota and placement of two tenants
  ai_tenancy.platform.tenant_probe:
    tenants:
      - tenant: acme
        probes: [Q1, Q2, Q3, P4]
      - tenant: globex
        isolation: shared
        accept_risk: true
        probes: [Q1, Q2, Q3, P4]
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
    probes:
      description:
        - Each probe with C(id), C(status), what it shows and the detail.
        - C(status) is V(passed), V(failed), V(leak) (a known risk that the declaration accepts) or V(skipped).
      type: list
      elements: dict
      returned: always
    passed:
      description: Number of probes that passed.
      type: int
      returned: always
    total:
      description: Number of probes that gave an answer (all but the skipped).
      type: int
      returned: always
  sample:
    - item: acme
      passed: 1
      total: 1
      probes:
        - id: Q1
          status: passed
          shows: an agent above the accelerator quota is refused by the host cluster
          detail: an agent with nvidia.com/gpu=17 was refused
"""

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.ai_tenancy.platform.plugins.module_utils.bulk import for_each
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import PlatformError, RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.probes import (
    PASSED,
    SKIPPED,
    Finding,
    ProbeRequest,
    failures,
    parse_probes,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube import probes as kube_probes
from ansible_collections.ai_tenancy.platform.plugins.module_utils.module import (
    CLEARML_OPTIONS,
    Context,
    ItemResult,
    Report,
    kubernetes_options,
    run_module,
)

ARGUMENT_SPEC = {
    **kubernetes_options(),
    **CLEARML_OPTIONS,
    "api_url": {**CLEARML_OPTIONS["api_url"], "required": False},
    "tenants": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "tenant": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "cluster": {"type": "str"},
            "isolation": {
                "type": "str",
                "choices": ["dedicated", "private", "sandboxed", "shared"],
                "default": "dedicated",
            },
            "accept_risk": {"type": "bool", "default": False},
            "company": {"type": "str"},
            "credentials_secret": {"type": "str", "no_log": False},
            "probes": {"type": "list", "elements": "str"},
            "fail_on": {"type": "list", "elements": "str"},
        },
    },
    "concurrency": {"type": "int", "default": 8},
}


def work(context: Context) -> Report:
    """Run every probe of every tenant; one tenant's failure does not stop the others."""
    if kube_probes.IMPORT_ERROR:
        raise PlatformError(missing_required_lib("cryptography and PyYAML"))
    requests = parse_probes(context.params["tenants"])
    host = kube_probes.HostProbes(context.session)
    companies = _company_probes(context, requests, host)

    def one(request: ProbeRequest) -> list[Finding]:
        return [companies.answer(request) if probe == "C1" else host.answer(request, probe) for probe in request.probes]

    report = Report()
    for request, found in zip(requests, for_each(requests, one, context.params["concurrency"])):
        report.items.append(_item(request, found))
    return report


def _company_probes(context, requests, host):
    """The ClearML side, only when some tenant asks for it."""
    asking = [request for request in requests if "C1" in request.probes]
    if not asking:
        return None
    from ansible_collections.ai_tenancy.platform.plugins.module_utils.clearml.probes import CompanyProbes

    secrets = {request.tenant: host.secret(request.namespace, request.credentials_secret) for request in asking}
    return CompanyProbes(context.clearml, asking, secrets)


def _item(request: ProbeRequest, found) -> ItemResult:
    if isinstance(found, PlatformError):
        return ItemResult(request.tenant, error=found, values={"probes": [], "passed": 0, "total": 0})
    values = {
        "probes": [finding.as_dict() for finding in found],
        "passed": sum(finding.status == PASSED for finding in found),
        "total": sum(finding.status != SKIPPED for finding in found),
    }
    failed = failures(request, found)
    text = "; ".join(f"{finding.probe}: {finding.detail}" for finding in failed)
    error = RefusedError(f"{len(failed)} probes failed: {text}.") if failed else None
    return ItemResult(request.tenant, values=values, error=error)


def main() -> None:
    """Entry point of the module."""
    run_module(ARGUMENT_SPEC, work)


if __name__ == "__main__":
    main()
