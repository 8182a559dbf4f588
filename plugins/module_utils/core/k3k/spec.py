# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""From options by their Ansible names to C(Cluster.spec) in the API's form (k3k.io/v1beta1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import names, quantity

#: The only mode this version makes.
MODE = "virtual"
#: The port on which servers, agents and the controller itself reach the API through its Service.
API_PORT = 443
#: What k3k takes when nothing is said.
DEFAULT_CLUSTER_CIDR, DEFAULT_SERVICE_CIDR = "10.52.0.0/16", "10.53.0.0/16"
DYNAMIC, EPHEMERAL = "dynamic", "ephemeral"
DEFAULT_STORAGE_SIZE = "2G"

#: Options that are copied as they are, and their fields. An empty value is the same as none.
_COPIED = {
    "version": "version",
    "servers": "servers",
    "cluster_cidr": "clusterCIDR",
    "service_cidr": "serviceCIDR",
    "cluster_dns": "clusterDNS",
    "node_selector": "nodeSelector",
    "priority_class": "priorityClass",
    "runtime_class_name": "runtimeClassName",
    "host_users": "hostUsers",
    "server_args": "serverArgs",
    "agent_args": "agentArgs",
    "server_affinity": "serverAffinity",
    "agent_affinity": "agentAffinity",
    "pod_security_context": "podSecurityContext",
}
_AMOUNTS = {"server_limit": "serverLimit", "worker_limit": "workerLimit"}
_RESOURCES = {"server_resources": "serverResources", "worker_resources": "workerResources"}
_ENVIRONMENTS = {"server_envs": "serverEnvs", "agent_envs": "agentEnvs"}
CUSTOM_CAS = {
    "server_ca": "serverCA",
    "client_ca": "clientCA",
    "request_header_ca": "requestHeaderCA",
    "etcd_server_ca": "etcdServerCA",
    "etcd_peer_ca": "etcdPeerCA",
    "service_account_token": "serviceAccountToken",
}

Options = Mapping[str, Any]


def given(value: Any) -> bool:
    """Whether an option says anything: C(0) and C(False) do, None and what is empty do not."""
    return value is not None and value not in ("", [], {}, ())


def expose_of(item: Options) -> dict[str, Any]:
    """The option C(expose) with its type filled in."""
    expose = {key: value for key, value in (item.get("expose") or {}).items() if given(value)}
    return {"type": "none", **expose}


def persistence_of(item: Options) -> dict[str, Any]:
    """The option C(persistence) with its type filled in, and the size of a dynamic one."""
    persistence = {key: value for key, value in (item.get("persistence") or {}).items() if given(value)}
    result = {"type": DYNAMIC, **persistence}
    if result["type"] == DYNAMIC:
        result.setdefault("storage_request_size", DEFAULT_STORAGE_SIZE)
    return result


def extended_resources(amounts: Any) -> dict[str, Any]:
    """The devices (GPUs, MIG slices, ...) in a map of resources."""
    if not isinstance(amounts, Mapping):
        return {}
    return {name: amount for name, amount in amounts.items() if names.is_extended_resource(str(name))}


def spec_of(item: Options, namespace: str, kubeconfig_host: str) -> dict[str, Any]:
    """Build the whole wanted C(spec): every field we own, none left to a default inside a list.

    namespace: of the Cluster, for references that do not state one. kubeconfig_host: is added to the TLS names.
    """
    spec: dict[str, Any] = {"mode": MODE, "servers": 1, "agents": item.get("agents") or 0}
    spec.update({field: item[option] for option, field in _COPIED.items() if given(item.get(option))})
    spec.update({field: _amounts(item[option]) for option, field in _AMOUNTS.items() if given(item.get(option))})
    for option, field in _RESOURCES.items():
        parts = {part: _amounts(amounts) for part, amounts in (item.get(option) or {}).items() if given(amounts)}
        if parts:
            spec[field] = parts
    for option, field in _ENVIRONMENTS.items():
        if given(item.get(option)):
            spec[field] = [_variable(variable) for variable in item[option]]
    spec["persistence"] = _persistence(persistence_of(item))
    expose = _expose(expose_of(item))
    if expose:
        spec["expose"] = expose
    sans = list(dict.fromkeys([*(item.get("tls_sans") or []), *([kubeconfig_host] if kubeconfig_host else [])]))
    if sans:
        spec["tlsSANs"] = sans
    spec.update(_references(item, namespace))
    if given(item.get("security_context")):
        # The field replaces the default as a whole; a server or agent that is not privileged cannot run containers.
        spec["securityContext"] = {"privileged": True, **item["security_context"]}
    return spec


def _references(item: Options, namespace: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    if given(item.get("token_secret")):
        result["tokenSecretRef"] = {"name": item["token_secret"], "namespace": namespace}
    if given(item.get("addons")):
        result["addons"] = [
            {"secretNamespace": addon.get("secret_namespace") or namespace, "secretRef": addon.get("secret_ref")}
            for addon in item["addons"]
        ]
    if given(item.get("secret_mounts")):
        result["secretMounts"] = [_mount(mount) for mount in item["secret_mounts"]]
    if given(item.get("custom_cas")):
        sources = {field: {"secretName": item["custom_cas"].get(option)} for option, field in CUSTOM_CAS.items()}
        result["customCAs"] = {"enabled": True, "sources": sources}
    return result


def _amounts(amounts: Any) -> Any:
    if not isinstance(amounts, Mapping):
        return amounts
    return {str(name): _amount(amount) for name, amount in amounts.items()}


def _amount(amount: Any) -> Any:
    try:
        return quantity.canonical(amount)
    except ValueError:
        return amount  # reported by the checks; the request is never sent


def _persistence(persistence: Options) -> dict[str, Any]:
    fields = {"type": "type", "storage_class_name": "storageClassName", "storage_request_size": "storageRequestSize"}
    return {field: persistence[option] for option, field in fields.items() if option in persistence}


def _expose(expose: Options) -> dict[str, Any]:
    ports = {
        field: expose[option]
        for option, field in (("server_port", "serverPort"), ("etcd_port", "etcdPort"))
        if option in expose
    }
    annotations = {"annotations": dict(expose["annotations"])} if "annotations" in expose else {}
    if expose["type"] == "node_port":
        return {"nodePort": ports, **annotations}
    if expose["type"] == "load_balancer":
        return {"loadBalancer": ports, **annotations}
    if expose["type"] == "ingress":
        fields = {"ingress_class_name": "ingressClassName", "ingress_annotations": "annotations"}
        ingress = {field: expose[option] for option, field in fields.items() if option in expose}
        return {"ingress": ingress, **annotations}
    return annotations


def _variable(variable: Options) -> dict[str, Any]:
    for option, field in (("secret_key_ref", "secretKeyRef"), ("config_map_key_ref", "configMapKeyRef")):
        reference = variable.get(option) or {}
        if reference:
            source = {field: {"name": reference.get("name"), "key": reference.get("key")}}
            return {"name": variable.get("name"), "valueFrom": source}
    return {"name": variable.get("name"), "value": variable.get("value") or ""}


def _mount(mount: Options) -> dict[str, Any]:
    result = {
        "secretName": mount.get("secret_name"),
        "mountPath": mount.get("mount_path"),
        "role": mount.get("role") or "all",
    }
    for option, field in (("name", "name"), ("sub_path", "subPath"), ("optional", "optional")):
        if given(mount.get(option)):
            result[field] = mount[option]
    if given(mount.get("items")):
        result["items"] = [{"key": item.get("key"), "path": item.get("path")} for item in mount["items"]]
    return result
