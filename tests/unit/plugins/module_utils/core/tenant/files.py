# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Tenants files for the tests."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.tenant import parse_tenants_file

#: Uses most of the schema, and all ways in which values arrive: tiers, defaults, quoted numbers, references.
TEXT = """
apiVersion: tenancy/v1
fleet:
  capacity: {selector: "nvidia.com/gpu.present=true", reserve: {nvidia.com/gpu: 1}, overcommit_ratio: 1.5, check: warn}
  networks: {node_cidrs: [10.0.0.0/24], management_cidrs: [10.9.0.0/16]}
  minimum_versions: {k3k: 1.2.0, runc: 1.2.8}
  tiers:
    gold:
      cluster:
        agents: 2
        server_limit: {cpu: "4", memory: 8Gi}
        worker_limit: {cpu: 96, memory: 900Gi, nvidia.com/gpu: "8"}
      quota: {accelerators: {nvidia.com/gpu: 16}}
defaults:
  owner: {name: Operations, email: ops@example.com}
  cluster: {version: v1.34.4-k3s1, expose: {type: nodePort}, storage: {class: longhorn}}
  backup: {enabled: true, target: "s3://backups/tenants"}
tenants:
- id: acme
  display_name: ACME R&D
  tier: gold
  expires: 2027-03-31
  isolation: {node_selector: {tenant: acme}}
  cluster:
    servers: "3"
    expose: {type: ingress, host: acme.k8s.example, class: nginx}
    server_args: [--disable=traefik, "--kube-apiserver-arg=oidc-groups-prefix=oidc:"]
    registry_mirror: {endpoint: "https://registry.example", ca: {secret_ref: {name: mirror-ca, key: ca.crt}}}
    addons: [device-plugin, dcgm]
  quota:
    storage: {total: 2Ti, classes: {longhorn: 2Ti}}
    objects: {count/secrets: 50}
  network:
    allow_egress:
    - {cidr: 10.1.2.3/32, ports: [2049], why: NFS}
    - {cidr: 10.0.0.9/32, ports: [443], why: the registry lives on a node, override: true}
    ingress_hosts: ["*.acme.apps.example"]
    dns: [10.1.0.53]
  access:
    kubeconfig: {ttl: 30d, rotate_before: 168h}
    oidc: {issuer: "https://sso.example", client_id: acme, admin_groups: [acme-admins]}
  clearml:
    company: ACME
    admin: {email: a@acme.example}
    login: {domains: [acme.example], whitelist: [b@other.example]}
    queues:
    - {name: 1xGPU, gpu: 1, template: {nodeSelector: {a: b}, env: [{name: MODE, value: fast}]}}
    - {name: 8xGPU, gpu: 8, max_pods: 2}
    app_gateway: {host: acme-apps.example}
  labels: {example.com/team: research}
- id: beta
  tier: gold
  cluster: {agents: 1, worker_limit: {nvidia.com/gpu: 4}}
  isolation: {level: shared, accept_risk: "yes"}
  quota: {accelerators: {nvidia.com/gpu: 4}, guaranteed: {nvidia.com/gpu: 2}, cpu: 200}
  clearml: {admin: {email: b@beta.example}, agent: {max_gpus: 4}}
- id: sand
  isolation: {level: sandboxed, runtime_class: kata-qemu}
  cluster:
    storage: {type: ephemeral}
    external_datastore: {secret_ref: {name: datastore, key: endpoint}}
    expose: {type: none}
  clearml: {enabled: false}
- id: hosted
  isolation: {level: private, nodes: [gpu-7, gpu-8]}
  cluster: {mode: hcp, expose: {type: loadBalancer, host: 10.1.1.7, port: 443}}
  clearml: {enabled: false}
- id: gone
  state: absent
"""


def document() -> dict[str, Any]:
    """Return a fresh copy of the file above."""
    return copy.deepcopy(DOCUMENT)


def minimal(**tenant: Any) -> dict[str, Any]:
    """Return a file with one small tenant, changed by keyword."""
    base: dict[str, Any] = {
        "id": "acme",
        "owner": {"email": "a@acme.example"},
        "isolation": {"level": "shared"},
        "cluster": {"version": "v1.34.4-k3s1", "expose": {"type": "none"}},
        "clearml": {"enabled": False},
    }
    return {"apiVersion": "tenancy/v1", "tenants": [merged(base, tenant)]}


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return a deep merge of two mappings."""
    result = dict(base)
    for key, value in change.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return result


def messages(data: Any) -> str:
    """Return the whole message with which a file is refused; empty when it is accepted."""
    try:
        parse_tenants_file(data)
    except ConfigError as error:
        return str(error)
    return ""


def assert_refused(data: Any, *parts: str) -> None:
    """Assert that a file is refused for one mistake, and that its message has these parts."""
    with pytest.raises(ConfigError) as caught:
        parse_tenants_file(data)
    text = str(caught.value)
    assert len(caught.value.problems) == 1, text
    for part in parts:
        assert part in text, text


DOCUMENT: dict[str, Any] = yaml.safe_load(TEXT)
