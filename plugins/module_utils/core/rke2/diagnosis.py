# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Why a node does not come up: one cause and one next step, from the end of its journal.

The words are those of RKE2 and k3s (rancher/rke2, k3s-io/k3s, log messages).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: How many lines of the journal are shown when no cause is known.
TAIL = 12


@dataclass(frozen=True)
class Diagnosis:
    """cause: one sentence. next_step: what to do. lasting: it does not go away by itself, waiting on is no use."""

    cause: str
    next_step: str
    lasting: bool


@dataclass(frozen=True)
class _Pattern:
    expression: str
    cause: str
    next_step: str
    lasting: bool = True


_PATTERNS = (
    _Pattern(
        r"critical configuration (value )?mismatch|critical config.* mismatch",
        "a setting that must be equal on all servers differs from the cluster's",
        "Compare cluster-cidr, service-cidr, cluster-dns, cluster-domain, disable-kube-proxy and egress-selector-mode.",
    ),
    _Pattern(
        r"bootstrap data already found and encrypted with different token|failed to validate token|token CA hash does not"
        r"|token does not match the server|not authorized.*token|invalid.*token|401 Unauthorized",
        "the cluster does not accept this node's token",
        "Check rke2_token; after a rotation all nodes need the new one (playbook rotate_token).",
    ),
    _Pattern(
        r"[Nn]ode password (rejected|validation failed)|duplicate hostname",
        "the cluster knows another host by this node's name (its node password differs)",
        "Remove the old Node (playbook node_remove), or give this host a name of its own.",
    ),
    _Pattern(
        r"invalid value.*profile|invalid flag.*profile|missing required user: etcd|invalid kernel parameter",
        "the host does not meet what profile cis asks for",
        "Check user etcd and the values of 60-rke2-cis.conf in /proc/sys.",
    ),
    _Pattern(r"no space left on device", "a disk is full", "Make room below /var/lib/rancher and /var/lib/kubelet."),
    _Pattern(
        r"address already in use",
        "another program listens on a port that RKE2 needs",
        "See who does: ss -ltnp | grep -E '6443|9345|2379|2380|10250'.",
    ),
    _Pattern(
        r"flag provided but not defined|yaml: |failed to parse config|invalid configuration",
        "RKE2 does not understand its configuration",
        "Check /etc/rancher/rke2/config.yaml and config.yaml.d for the key that is named.",
    ),
    _Pattern(
        r"was removed from the cluster|member .* has already been removed|has been permanently removed",
        "this server's etcd member was removed from the cluster",
        "Remove its datastore, so that it joins anew: stop the unit and delete /var/lib/rancher/rke2/server/db.",
    ),
    _Pattern(
        r"too many learner members",
        "another server is joining at the same time",
        "Wait until it is there, then run again.",
        lasting=False,
    ),
    _Pattern(
        r"x509: certificate (has expired|.*not yet valid)",
        "a certificate is not valid now",
        "Check the clock (chronyc tracking), then rotate_certificates.",
    ),
    _Pattern(
        r"connection refused|i/o timeout|no route to host|context deadline exceeded|no such host",
        "the node does not reach the server that it joins",
        "Check rke2_api_endpoint, its load balancer (ports 6443 and 9345), DNS and firewalls.",
        lasting=False,
    ),
)


def diagnose(journal: str) -> Diagnosis:
    """Find the cause in the journal of a unit; the last line that matches something counts."""
    lines = [line for line in journal.splitlines() if line.strip()]
    for line in reversed(lines):
        for pattern in _PATTERNS:
            if re.search(pattern.expression, line):
                return Diagnosis(f"{pattern.cause}: {_message(line)}", pattern.next_step, pattern.lasting)
    tail = "\n".join(_message(line) for line in lines[-TAIL:])
    return Diagnosis(f"its journal ends with\n{tail}" if tail else "its journal is empty", "", False)


def _message(line: str) -> str:
    """The message of a line in logrus' form, else the line, cut."""
    match = re.search(r'msg="((?:[^"\\]|\\.)*)"', line)
    text = match[1].replace('\\"', '"') if match else line.strip()
    return text if len(text) <= 300 else text[:297] + "..."
