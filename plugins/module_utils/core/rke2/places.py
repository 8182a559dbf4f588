# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Where things of RKE2 lie on a host (RKE2 documentation, reference)."""

from __future__ import annotations

CONFIG_DIR = "/etc/rancher/rke2"
CONFIG = f"{CONFIG_DIR}/config.yaml"
#: Files here override ours; they belong to the administrator and to Rancher.
CONFIG_D = f"{CONFIG_DIR}/config.yaml.d"
TOKEN = f"{CONFIG_DIR}/token"
AGENT_TOKEN = f"{CONFIG_DIR}/agent-token"
REGISTRIES = f"{CONFIG_DIR}/registries.yaml"
AUDIT_POLICY = f"{CONFIG_DIR}/audit-policy.yaml"
POD_SECURITY = f"{CONFIG_DIR}/pod-security-admission.yaml"
KUBECONFIG = f"{CONFIG_DIR}/rke2.yaml"
#: What the last successful start read, written by this collection.
LAST_START = f"{CONFIG_DIR}/last-start.json"
CIS_SYSCTL = "/etc/sysctl.d/60-rke2-cis.conf"

DATA = "/var/lib/rancher/rke2"
BIN = f"{DATA}/bin"
IMAGES = f"{DATA}/agent/images"
MANIFESTS = f"{DATA}/server/manifests"
TLS = f"{DATA}/server/tls"
DATASTORE = f"{DATA}/server/db/etcd"
SNAPSHOTS = f"{DATA}/server/db/snapshots"
SERVER_TOKEN = f"{DATA}/server/token"
#: Written by an agent (and by a server for its own kubelet) once it has joined.
KUBELET = f"{DATA}/agent/kubelet.kubeconfig"

#: Where a release may be installed: tarball, tarball beside a mounted or read-only /usr/local, RPM.
TAR_ROOT, OPT_ROOT, RPM_ROOT = "/usr/local", "/opt/rke2", "/usr"
SUPERVISOR_PORT, API_PORT = 9345, 6443


def unit(node_type: str) -> str:
    """Name of the systemd unit of a server or an agent."""
    return f"rke2-{node_type}.service"


def environment_file(node_type: str) -> str:
    """File with the unit's environment; SLES keeps those in /etc/sysconfig."""
    return f"/etc/sysconfig/rke2-{node_type}"
