# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The laboratory's parts: their command lines and health addresses, computed from a description. Nothing runs here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from .description import CLUSTER_CIDR, PORTS, PROJECT, SERVICE_CIDR, Description

#: Pods that the virtual clusters' objects need at once; the components' own defaults (20 to 50 requests a second)
#: are made for clusters where a burst of hundreds of tenants is not the normal case.
QPS = "1000"

#: Workers of each controller that the tenants' objects pass through (defaults 1 to 10).
WORKERS = "20"


@dataclass(frozen=True)
class Part:
    """One process of the laboratory.

    name: also of its log and record. binary: the command that must be built for it, or None for Python.
    argv: full command line. health: URL that answers 200 when the part works, or None when it has none.
    client: file stem in pki/ of the certificate to ask with, or None. after_api: starts when the API server is ready.
    """

    name: str
    binary: str | None
    argv: tuple[str, ...]
    health: str | None
    client: str | None = None
    after_api: bool = True


def flags(**values: object) -> list[str]:
    """Return C(--some-name=value) for each keyword, in the order given."""
    return [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]


def etcd(lab: Description) -> Part:
    """The host cluster's etcd; virtual clusters' API servers use it too, each under a prefix of its own."""
    pki = lab.pki
    argv = flags(
        name="lab",
        data_dir=lab.state / "etcd",
        listen_client_urls=lab.url("etcd"),
        advertise_client_urls=lab.url("etcd"),
        listen_peer_urls=lab.url("etcd-peer"),
        initial_advertise_peer_urls=lab.url("etcd-peer"),
        initial_cluster=f"lab={lab.url('etcd-peer')}",
        cert_file=pki / "etcd.crt",
        key_file=pki / "etcd.key",
        trusted_ca_file=pki / "etcd-ca.crt",
        client_cert_auth="true",
        peer_cert_file=pki / "etcd.crt",
        peer_key_file=pki / "etcd.key",
        peer_trusted_ca_file=pki / "etcd-ca.crt",
        peer_client_cert_auth="true",
        # The data lives as long as the laboratory; waiting for the disk would only make tests slow.
        unsafe_no_fsync="true",
        quota_backend_bytes=8 << 30,
        log_level="warn",
    )
    kube = str(lab.binaries["kube"])
    return Part("etcd", "kube", (kube, "etcd", *argv), lab.url("etcd") + "/health", "etcd-client", after_api=False)


def kube_apiserver(lab: Description) -> Part:
    """The host cluster's API server, with the settings of RKE2 that a client can notice."""
    pki = lab.pki
    argv = flags(
        bind_address=lab.address,
        secure_port=PORTS["kube-apiserver"],
        advertise_address=lab.advertised_address,
        etcd_servers=lab.url("etcd"),
        etcd_cafile=pki / "etcd-ca.crt",
        etcd_certfile=pki / "etcd-client.crt",
        etcd_keyfile=pki / "etcd-client.key",
        client_ca_file=pki / "ca.crt",
        tls_cert_file=pki / "kube-apiserver.crt",
        tls_private_key_file=pki / "kube-apiserver.key",
        kubelet_certificate_authority=pki / "ca.crt",
        kubelet_client_certificate=pki / "kubelet-client.crt",
        kubelet_client_key=pki / "kubelet-client.key",
        service_account_key_file=pki / "service-account.pub",
        service_account_signing_key_file=pki / "service-account.key",
        service_account_issuer="https://kubernetes.default.svc.cluster.local",
        api_audiences="https://kubernetes.default.svc.cluster.local,rke2",
        requestheader_client_ca_file=pki / "front-proxy-ca.crt",
        requestheader_allowed_names="front-proxy-client",
        requestheader_extra_headers_prefix="X-Remote-Extra-",
        requestheader_group_headers="X-Remote-Group",
        requestheader_username_headers="X-Remote-User",
        proxy_client_cert_file=pki / "front-proxy-client.crt",
        proxy_client_key_file=pki / "front-proxy-client.key",
        enable_aggregator_routing="true",
        authorization_mode="Node,RBAC",
        anonymous_auth="false",
        # PodSecurity, ResourceQuota, LimitRanger and ValidatingAdmissionPolicy are on by default in 1.34.
        enable_admission_plugins=",".join(("NodeRestriction", *lab.options.extra_admission)),
        allow_privileged="true",
        service_cluster_ip_range=SERVICE_CIDR,
        service_node_port_range="30000-32767",
        profiling="false",
    )
    url = lab.url("kube-apiserver") + "/readyz"
    kube = str(lab.binaries["kube"])
    return Part("kube-apiserver", "kube", (kube, "kube-apiserver", *argv), url, "admin", after_api=False)


def component_flags(lab: Description, name: str) -> list[str]:
    """Return the flags that controller manager and scheduler share."""
    return flags(
        bind_address=lab.address,
        secure_port=PORTS[name],
        tls_cert_file=lab.pki / f"{name}-serving.crt",
        tls_private_key_file=lab.pki / f"{name}-serving.key",
        kubeconfig=lab.component_kubeconfig(name),
        # Only /healthz is asked, which needs no authentication.
        authentication_skip_lookup="true",
        leader_elect="false",
        kube_api_qps=QPS,
        kube_api_burst=QPS,
        profiling="false",
    )


def kube_controller_manager(lab: Description) -> Part:
    """The host cluster's controllers, with enough workers for hundreds of tenants at once."""
    name = "kube-controller-manager"
    workers = (
        "daemonset deployment endpoint gc namespace rc replicaset resource-quota service service-endpoint "
        "serviceaccount-token statefulset"
    )
    argv = component_flags(lab, name) + flags(
        cluster_cidr=CLUSTER_CIDR,
        # fleet.py gives each node its range.
        allocate_node_cidrs="false",
        configure_cloud_routes="false",
        root_ca_file=lab.pki / "ca.crt",
        service_account_private_key_file=lab.pki / "service-account.key",
        cluster_signing_cert_file=lab.pki / "ca.crt",
        cluster_signing_key_file=lab.pki / "ca.key",
        use_service_account_credentials="true",
        # What an API server that was killed has charged to a quota for nothing; by default this takes five minutes.
        resource_quota_sync_period="15s",
        **{f"concurrent-{worker}-syncs": WORKERS for worker in workers.split()},
    )
    kube = str(lab.binaries["kube"])
    return Part(name, "kube", (kube, name, *argv), lab.url(name) + "/healthz")


def kube_scheduler(lab: Description) -> Part:
    """The host cluster's scheduler."""
    name = "kube-scheduler"
    kube = str(lab.binaries["kube"])
    return Part(name, "kube", (kube, name, *component_flags(lab, name)), lab.url(name) + "/healthz")


def kwok(lab: Description) -> Part:
    """The player of the fleet's kubelets."""
    argv = flags(
        kubeconfig=lab.component_kubeconfig("kwok"),
        config=lab.state / "kwok.yaml",
        manage_all_nodes="false",
        manage_nodes_with_annotation_selector="kwok.x-k8s.io/node=fake",
        node_lease_duration_seconds=40,
        cidr=CLUSTER_CIDR,
        node_ip=lab.address,
        server_address=f"{lab.address}:{PORTS['kwok']}",
        v="WARN",
    )
    return Part("kwok", "kwok", (str(lab.binaries["kwok"]), *argv), lab.url("kwok", "http") + "/healthz")


def storage(lab: Description) -> Part:
    """The stand-in for Longhorn's provisioner."""
    argv = ("storage", *flags(kubeconfig=lab.component_kubeconfig("storage")))
    return Part("storage", "standins", (str(lab.binaries["standins"]), *argv), None)


def k3k(lab: Description) -> Part:
    """The stand-in for the k3k controller, which runs the virtual clusters' API servers as its children."""
    argv = flags(
        kubeconfig=lab.component_kubeconfig("k3k"),
        state_dir=lab.state / "k3k",
        kube_binary=lab.binaries["kube"],
        listen_address=lab.address,
        host_etcd=lab.url("etcd"),
        etcd_ca=lab.pki / "etcd-ca.crt",
        etcd_cert=lab.pki / "etcd-client.crt",
        etcd_key=lab.pki / "etcd-client.key",
        server_start=f"{lab.options.k3k_server_start:g}s",
        backoff_scale=f"{lab.options.k3k_backoff_scale:g}",
        crds=PROJECT / "tests" / "lab" / "k3k" / "crds",
    )
    if not lab.options.inner_api:
        argv.append("--no-inner-api")
    return Part("k3k", "standins", (str(lab.binaries["standins"]), "k3k", *argv), None)


def clearml(lab: Description) -> Part:
    """The stand-in for the ClearML Enterprise API server; it needs nothing of Kubernetes."""
    module = (sys.executable, "-m", "tests.lab.clearml")
    argv = flags(
        address=lab.address,
        port=PORTS["clearml"],
        cert=lab.pki / "clearml-serving.crt",
        key=lab.pki / "clearml-serving.key",
        state_dir=lab.state / "clearml",
        credentials_file=lab.credentials,
    )
    return Part("clearml", None, (*module, *argv), lab.url("clearml") + "/debug.ping", after_api=False)


#: In the order of starting; stopping is the reverse.
BUILDERS: dict[str, Callable[[Description], Part]] = {
    "etcd": etcd,
    "kube-apiserver": kube_apiserver,
    "clearml": clearml,
    "kube-controller-manager": kube_controller_manager,
    "kube-scheduler": kube_scheduler,
    "kwok": kwok,
    "storage": storage,
    "k3k": k3k,
}


def names(lab: Description) -> list[str]:
    """Return the names of the laboratory's parts in the order of starting."""
    return [name for name in BUILDERS if name != "clearml" or lab.options.clearml]


def all_parts(lab: Description) -> list[Part]:
    """Return the laboratory's parts in the order of starting."""
    return [BUILDERS[name](lab) for name in names(lab)]
