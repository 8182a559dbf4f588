# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The keys of C(/etc/rancher/rke2/config.yaml): who may set them where, and what may never change.

Source: RKE2 documentation, server and agent configuration reference, releases 1.33 to 1.36.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import Problems

SERVER, AGENT = "server", "agent"

TEXT, FLAG, NUMBER, LIST = "str", "bool", "int", "list"
_ALLOWED = {
    TEXT: "a text (quote what YAML would read as something else)",
    FLAG: "true or false",
    NUMBER: "a whole number",
    LIST: "a text or a list of texts",
}


def _of(kind: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), kind)


#: Keys that a server and an agent both take.
_BOTH = {
    **_of(FLAG, "debug with-node-id disable-default-registry-endpoint selinux protect-kernel-defaults"),
    **_of(FLAG, "enable-pprof supervisor-metrics prime"),
    **_of(TEXT, "data-dir bind-address token token-file server node-name resolv-conf private-registry snapshotter"),
    **_of(
        TEXT,
        "default-runtime profile audit-policy-file pod-security-admission-config-file image-credential-provider-config",
    ),
    **_of(TEXT, "image-credential-provider-bin-dir container-runtime-endpoint system-default-registry log"),
    **_of(
        TEXT, "airgap-extra-registry cloud-provider-name cloud-provider-config node-name-from-cloud-provider-metadata"
    ),
    **_of(TEXT, "runtime-image kube-apiserver-image kube-controller-manager-image cloud-controller-manager-image"),
    **_of(TEXT, "kube-proxy-image kube-scheduler-image pause-image etcd-image kubelet-path"),
    **_of(LIST, "node-label node-taint node-ip node-external-ip node-internal-dns node-external-dns nonroot-devices"),
    **_of(
        LIST, "kubelet-arg kube-proxy-arg kube-proxy-extra-mount kube-proxy-extra-env control-plane-probe-configuration"
    ),
    **_of(LIST, "control-plane-resource-requests control-plane-resource-limits"),
    **_of(NUMBER, "v lb-server-port"),
    "vmodule": TEXT,
}
_SERVER_ONLY = {
    **_of(TEXT, "advertise-address cluster-cidr service-cidr service-node-port-range cluster-dns cluster-domain"),
    **_of(
        TEXT, "egress-selector-mode servicelb-namespace write-kubeconfig write-kubeconfig-mode write-kubeconfig-group"
    ),
    **_of(TEXT, "agent-token agent-token-file cluster-reset-restore-path helm-job-image"),
    **_of(TEXT, "etcd-snapshot-name etcd-snapshot-schedule-cron etcd-snapshot-dir etcd-snapshot-reconcile-interval"),
    **_of(TEXT, "etcd-s3-endpoint etcd-s3-endpoint-ca etcd-s3-access-key etcd-s3-secret-key etcd-s3-session-token"),
    **_of(
        TEXT, "etcd-s3-bucket etcd-s3-bucket-lookup-type etcd-s3-region etcd-s3-folder etcd-s3-proxy etcd-s3-timeout"
    ),
    **_of(TEXT, "etcd-s3-config-secret datastore-endpoint datastore-cafile datastore-certfile datastore-keyfile"),
    **_of(TEXT, "kine-tls secrets-encryption-provider advertise-port"),
    **_of(FLAG, "tls-san-security enable-servicelb cluster-reset etcd-disable-snapshots etcd-snapshot-compress"),
    **_of(FLAG, "etcd-expose-metrics etcd-s3 etcd-s3-skip-ssl-verify etcd-s3-insecure disable-scheduler"),
    **_of(
        FLAG, "disable-cloud-controller disable-kube-proxy disable-apiserver disable-controller-manager disable-etcd"
    ),
    **_of(FLAG, "embedded-registry"),
    **_of(NUMBER, "etcd-snapshot-retention etcd-s3-retention"),
    **_of(LIST, "tls-san cni ingress-controller disable kube-apiserver-arg etcd-arg kube-controller-manager-arg"),
    **_of(LIST, "kube-scheduler-arg kube-cloud-controller-manager-arg helm-controller-arg"),
    **{
        f"{component}-extra-{what}": LIST
        for component in (
            "kube-apiserver",
            "kube-scheduler",
            "kube-controller-manager",
            "etcd",
            "cloud-controller-manager",
        )
        for what in ("mount", "env")
    },
}
KEYS = {SERVER: {**_BOTH, **_SERVER_ONLY}, AGENT: _BOTH}

#: Keys that this collection sets, and the variable of the role that says what they become.
OWNED = {
    "server": "rke2_api_endpoint",
    "token": "rke2_token",
    "token-file": "rke2_token",
    "agent-token": "rke2_agent_token",
    "agent-token-file": "rke2_agent_token",
    "node-name": "rke2_node_name",
    "node-ip": "rke2_node_ip",
    "node-label": "rke2_node_labels",
    "node-taint": "rke2_node_taints",
    "cni": "rke2_cni",
    "ingress-controller": "rke2_ingress_controller",
    "cluster-cidr": "rke2_cluster_cidr",
    "service-cidr": "rke2_service_cidr",
    "cluster-dns": "rke2_cluster_dns",
    "cluster-domain": "rke2_cluster_domain",
    "tls-san": "rke2_tls_san_extra",
    "profile": "rke2_profile",
    "selinux": "rke2_selinux",
    "secrets-encryption-provider": "rke2_secrets_encryption_provider",
    "audit-policy-file": "rke2_audit_policy",
    "pod-security-admission-config-file": "rke2_pod_security",
    "private-registry": "rke2_registries",
    "cluster-reset": "the playbook etcd_restore",
    "cluster-reset-restore-path": "the playbook etcd_restore",
    "data-dir": "nothing: this collection keeps /var/lib/rancher/rke2 (a mount or a link there is fine)",
    "write-kubeconfig": "nothing: this collection reads /etc/rancher/rke2/rke2.yaml",
    "write-kubeconfig-mode": "nothing: the file is kept at 0600",
    **dict.fromkeys(
        ("etcd-disable-snapshots", "etcd-snapshot-schedule-cron", "etcd-snapshot-retention", "etcd-snapshot-compress"),
        "rke2_etcd_snapshot",
    ),
    **dict.fromkeys(("etcd-snapshot-dir", "etcd-snapshot-name"), "rke2_etcd_snapshot"),
    **dict.fromkeys([name for name in _SERVER_ONLY if name.startswith("etcd-s3")], "rke2_etcd_snapshot.s3"),
}

#: What a running cluster cannot change, and what RKE2 takes when the key is absent (RKE2 documentation, networking).
IMMUTABLE = {
    "cni": "canal",
    "cluster-cidr": "10.42.0.0/16",
    "service-cidr": "10.43.0.0/16",
    "cluster-dns": "",
    "cluster-domain": "cluster.local",
    "datastore-endpoint": "",
}
#: A server whose values differ from the others' is refused when it joins (RKE2 documentation, server configuration).
CRITICAL = (
    "cluster-cidr",
    "cluster-dns",
    "cluster-domain",
    "disable-cloud-controller",
    "disable-kube-proxy",
    "egress-selector-mode",
    "service-cidr",
)
#: Keys that count only when a node registers for the first time; later changes go through the API.
FIRST_REGISTRATION = ("node-label", "node-taint")
#: Values that must not be shown.
SECRET = (
    "token",
    "agent-token",
    "etcd-s3-access-key",
    "etcd-s3-secret-key",
    "etcd-s3-session-token",
    "datastore-endpoint",
)


def check_config(problems: Problems, path: str, config: Mapping[str, Any], node_type: str) -> None:
    """Note what is wrong with keys that a user gives beside the role's own variables.

    node_type: C(server), C(agent), or empty for a mapping that reaches both (then keys of servers are fine).
    """
    known = KEYS[node_type or SERVER]
    for name, value in config.items():
        key = str(name)[:-1] if str(name).endswith("+") else str(name)
        where = f"{path}.{name}"
        if key in OWNED:
            problems.add(where, _shown(key, value), f"not here; use {OWNED[key]}")
        elif key not in known:
            hint = "only on servers" if key in KEYS[SERVER] else "a key of RKE2's configuration file"
            problems.add(path, name, hint)
        elif not _fits(known[key], value):
            problems.add(where, _shown(key, value), _ALLOWED[known[key]])


def _shown(key: str, value: Any) -> Any:
    return "(hidden)" if key in SECRET else value


def _fits(kind: str, value: Any) -> bool:
    if kind == LIST:
        items = value if isinstance(value, (list, tuple)) else [value]
        return all(isinstance(item, (str, int)) and not isinstance(item, bool) for item in items)
    if kind == FLAG:
        return isinstance(value, bool)
    if kind == NUMBER:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Lay mappings over each other: maps merge, everything else is replaced.

    A key that ends with C(+) adds its list to what the layers below have, as in RKE2's own files.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            if name.endswith("+"):
                key = name[:-1]
                merged[key] = [*_items(merged.get(key)), *_items(value)]
            elif isinstance(value, Mapping) and isinstance(merged.get(name), Mapping):
                merged[name] = merge(merged[name], value)
            else:
                merged[name] = value
    return merged


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def immutable_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return what would change that cannot: key, value now, value wanted. Absent keys count with RKE2's defaults."""
    changes = []
    for key, default in IMMUTABLE.items():
        old, new = (_comparable(key, config, default) for config in (before, after))
        if old != new:
            changes.append((key, old, new))
    return changes


def _comparable(key: str, config: Mapping[str, Any], default: str) -> str:
    value = config.get(key)
    if key == "cluster-dns" and not value:
        return _default_dns(str(config.get("service-cidr") or IMMUTABLE["service-cidr"]))
    return ",".join(str(item) for item in _items(value)) or default


def _default_dns(service_cidr: str) -> str:
    """RKE2 takes the tenth address of the first service network."""
    import ipaddress

    try:
        return str(ipaddress.ip_network(service_cidr.split(",")[0], strict=False).network_address + 10)
    except ValueError:
        return ""
