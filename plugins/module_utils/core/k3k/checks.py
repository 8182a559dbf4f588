# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What is refused before any request is sent.

k3k has no admission webhook: the API server accepts nearly everything and the mistake shows up minutes later, as a
phase with a text that does not name the cause (k3k controller v1.2.0-rc4, observed). So all of it is checked here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, Union

from .. import names, quantity
from ..errors import Problems
from .spec import (
    API_PORT,
    CUSTOM_CAS,
    DEFAULT_CLUSTER_CIDR,
    DEFAULT_SERVICE_CIDR,
    EPHEMERAL,
    MODE,
    expose_of,
    extended_resources,
    given,
    persistence_of,
)
from .version import VERSION_ALLOWED, parse_version

Options = Mapping[str, Any]
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

_NODE_PORTS = range(30000, 32768)
_MODES = (
    "virtual; shared and hcp are not made by this version: in shared mode tenants have pods on the host's own "
    "kubelets, in hcp mode whole machines join, and neither is fenced in by the quotas and guards of this collection"
)
#: serverArgs are pasted into double quotes of a shell script and expanded unquoted: these would be split or run.
_SHELL = re.compile(r"""[\s"'$`\\*?\[\]]""")
#: Arguments and variables that carry a secret in plain text.
_SECRET_ARGUMENT = re.compile(
    r"-{1,2}(token|agent-token|etcd-s3-secret-key|etcd-s3-access-key|vpn-auth)(=|$)"
    r"|-{1,2}datastore-endpoint=[^/]*//[^/@]*:[^/@]*@"
)
_SECRET_VARIABLE = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|(API|ACCESS|PRIVATE)_?KEY)", re.IGNORECASE)
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_POD_LEVEL = ("cpu", "memory")


def check_spec(item: Options, path: str, problems: Problems) -> None:
    """Collect every mistake in one item that is to be present. path: how messages call the item."""
    _check_shape(item, path, problems)
    _check_networks(item, path, problems)
    _check_expose(item, path, problems)
    _check_persistence(item, path, problems)
    for role in ("server", "worker"):
        _check_resources(item, role, path, problems)
    _check_arguments(item, path, problems)
    for option in ("server_envs", "agent_envs"):
        _check_variables(item.get(option) or [], f"{path}.{option}", problems)
    _check_secrets(item, path, problems)
    _check_mounts(item.get("secret_mounts") or [], f"{path}.secret_mounts", problems)
    _check_pods(item, path, problems)


def plain_secrets(items: Sequence[Options]) -> list[str]:
    """The secrets that stand in plain text in a request. They are refused; until then nobody must see them."""
    found = []
    for item in items:
        for argument in [*(item.get("server_args") or []), *(item.get("agent_args") or [])]:
            if isinstance(argument, str) and _SECRET_ARGUMENT.match(argument):
                found.append(argument.partition("=")[2])
        for variable in [*(item.get("server_envs") or []), *(item.get("agent_envs") or [])]:
            if is_secret_variable(variable.get("name")):
                found.append(str(variable.get("value") or ""))
    return [secret for secret in found if secret]


def is_secret_variable(name: Any) -> bool:
    """Whether the name of an environment variable says that its value is a secret."""
    return isinstance(name, str) and _SECRET_VARIABLE.search(name) is not None


def _check_shape(item: Options, path: str, problems: Problems) -> None:
    mode = item.get("mode")
    if given(mode) and mode != MODE:
        problems.add(f"{path}.mode", mode, _MODES)
    if parse_version(item.get("version")) is None:
        problems.add(f"{path}.version", item.get("version"), VERSION_ALLOWED)
    servers = item.get("servers")
    if servers is not None and not (_is_int(servers) and servers >= 1 and servers % 2 == 1):
        problems.add(f"{path}.servers", servers, "1, 3, 5, ...: etcd needs an odd number to have a majority")
    agents = item.get("agents")
    if agents is not None and not (_is_int(agents) and agents >= 0):
        problems.add(f"{path}.agents", agents, "0 or more")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_networks(item: Options, path: str, problems: Problems) -> None:
    pods = _network(item, "cluster_cidr", DEFAULT_CLUSTER_CIDR, path, problems)
    services = _network(item, "service_cidr", DEFAULT_SERVICE_CIDR, path, problems)
    if pods and services and pods.overlaps(services):
        problems.add(f"{path}.service_cidr", str(services), f"a network apart from cluster_cidr {pods}")
    dns = item.get("cluster_dns")
    if not given(dns):
        return
    try:
        address = ipaddress.ip_address(str(dns))
    except ValueError:
        problems.add(f"{path}.cluster_dns", dns, "an IP address inside service_cidr")
        return
    if services and address not in services:
        problems.add(f"{path}.cluster_dns", dns, f"an IP address inside service_cidr {services}")


def _network(item: Options, option: str, default: str, path: str, problems: Problems) -> Union[Network, None]:
    value = item.get(option) or default
    try:
        return ipaddress.ip_network(str(value))
    except ValueError:
        problems.add(f"{path}.{option}", value, f"a network such as {default}, with no bit set behind the prefix")
        return None


def _check_expose(item: Options, path: str, problems: Problems) -> None:
    expose, path = expose_of(item), f"{path}.expose"
    kind = expose["type"]
    if kind not in ("none", "node_port", "load_balancer", "ingress"):
        problems.add(f"{path}.type", kind, "none, node_port, load_balancer or ingress")
        return
    for option, owners in (
        ("server_port", ("node_port", "load_balancer")),
        ("etcd_port", ("node_port", "load_balancer")),
        ("ingress_class_name", ("ingress",)),
        ("ingress_annotations", ("ingress",)),
    ):
        if option in expose and kind not in owners:
            problems.add(f"{path}.{option}", expose[option], f"only with type {' or '.join(owners)}")
    _check_ports(expose, item.get("servers") or 1, path, problems)
    if kind == "ingress" and not any(names.is_host(san) for san in item.get("tls_sans") or []):
        host = str(item.get("kubeconfig_server") or "").partition(":")[0]
        if not names.is_host(host):
            problems.add(f"{path}.type", kind, "ingress only with a DNS name in tls_sans: it is the ingress's host")


def _check_ports(expose: Options, servers: Any, path: str, problems: Problems) -> None:
    server_port, etcd_port = expose.get("server_port"), expose.get("etcd_port")
    if expose["type"] == "node_port":
        for option, port in (("server_port", server_port), ("etcd_port", etcd_port)):
            if port is not None and port not in _NODE_PORTS and not (option == "etcd_port" and port == 0):
                problems.add(f"{path}.{option}", port, "30000 to 32767; k3k silently drops a port outside of that")
        if server_port is not None and server_port == etcd_port:
            problems.add(f"{path}.etcd_port", etcd_port, "another port than server_port")
    if expose["type"] == "load_balancer":
        if server_port not in (None, API_PORT):
            problems.add(
                f"{path}.server_port", server_port, f"{API_PORT}: agents and the controller itself come in by that port"
            )
        if etcd_port not in (None, 0, 2379):
            problems.add(f"{path}.etcd_port", etcd_port, "2379, or 0 to not expose it")
    if etcd_port == 0 and _is_int(servers) and servers > 1:
        problems.add(
            f"{path}.etcd_port", 0, "2379 with more than one server: the controller removes etcd members through it"
        )


def _check_persistence(item: Options, path: str, problems: Problems) -> None:
    persistence, path = persistence_of(item), f"{path}.persistence"
    if persistence["type"] != EPHEMERAL:
        if persistence["type"] != "dynamic":
            problems.add(f"{path}.type", persistence["type"], "dynamic or ephemeral")
        _amount_problem(persistence.get("storage_request_size"), f"{path}.storage_request_size", problems, "20Gi")
        return
    for option in ("storage_class_name", "storage_request_size"):
        if option in persistence:
            problems.add(f"{path}.{option}", persistence[option], "only with type dynamic")
    if _is_int(item.get("servers")) and item["servers"] > 1:
        problems.add(
            f"{path}.type",
            EPHEMERAL,
            "dynamic with more than one server: without its data the first server starts a "
            "second cluster behind the same address",
        )


def _amount_problem(value: Any, path: str, problems: Problems, example: str) -> None:
    try:
        right = quantity.parse(value).value > 0
    except ValueError:
        right = False
    if not right:
        problems.add(path, value, f"a quantity above 0 such as {example}")


def _check_resources(item: Options, role: str, path: str, problems: Problems) -> None:
    limit, resources = item.get(f"{role}_limit") or {}, item.get(f"{role}_resources") or {}
    if given(limit) and any(given(part) for part in resources.values()):
        problems.add(
            f"{path}.{role}_resources", sorted(resources), f"not together with {role}_limit: k3k then drops the limits"
        )
    for name, amount in limit.items():
        _check_limit(f"{path}.{role}_limit", role, str(name), amount, problems)
    for part, amounts in resources.items():
        for name, amount in (amounts or {}).items():
            where = f"{path}.{role}_resources.{part}"
            if name not in _POD_LEVEL and not str(name).startswith("hugepages-"):
                hint = "accelerators go into worker_limit" if extended_resources({name: amount}) else "no others exist"
                problems.add(
                    f"{where}.{name}", amount, f"cpu, memory and hugepages-*, which a pod as a whole has; {hint}"
                )
            else:
                _amount_problem(amount, f"{where}.{name}", problems, "4 or 16Gi")


def _check_limit(path: str, role: str, name: str, amount: Any, problems: Problems) -> None:
    if name.startswith(("requests.", "limits.")):
        problems.add(f"{path}.{name}", amount, f"the resource's own name, {name.partition('.')[2]}")
    elif not names.is_resource_name(name):
        problems.add(f"{path}.{name}", amount, names.RESOURCE_NAME_ALLOWED)
    elif not extended_resources({name: amount}):
        _amount_problem(amount, f"{path}.{name}", problems, "4 or 16Gi")
    elif role == "server":
        problems.add(f"{path}.{name}", amount, "cpu and memory; accelerators go to the agents, in worker_limit")
    else:
        try:
            quantity.parse_count(amount, minimum=1)
        except ValueError:
            problems.add(f"{path}.{name}", amount, "a whole number of devices, 1 or more")


def _check_arguments(item: Options, path: str, problems: Problems) -> None:
    for option in ("server_args", "agent_args"):
        for index, argument in enumerate(item.get(option) or []):
            where = f"{path}.{option}[{index}]"
            if not isinstance(argument, str) or not argument:
                problems.add(where, argument, "a text that is not empty")
            elif _SECRET_ARGUMENT.match(argument):
                name = argument.partition("=")[0]
                problems.add(where, name, "no secret in plain text; put it into a Secret and mount it by secret_mounts")
            elif option == "server_args" and _SHELL.search(argument):
                problems.add(
                    where,
                    argument,
                    "no blanks, quotes, $, `, \\, *, ? or []: k3k pastes it into a shell script unescaped",
                )


def _check_variables(variables: Sequence[Options], path: str, problems: Problems) -> None:
    seen = set()
    for variable in variables:
        name = variable.get("name")
        where = f"{path}[{name}]"
        if not isinstance(name, str) or not _VARIABLE_NAME.fullmatch(name):
            problems.add(where, name, "the name of an environment variable")
        elif name in seen:
            problems.add(where, name, "each variable once")
        seen.add(name)
        sources = [key for key in ("value", "secret_key_ref", "config_map_key_ref") if given(variable.get(key))]
        if len(sources) > 1:
            problems.add(where, sources, "one of value, secret_key_ref and config_map_key_ref")
        if "value" in sources and is_secret_variable(name):
            problems.add(where, name, "no secret in plain text; take it from a Secret by secret_key_ref")
        for source in sources:
            if source != "value" and not all(given(variable[source].get(key)) for key in ("name", "key")):
                problems.add(f"{where}.{source}", variable[source], "name and key")


def _check_secrets(item: Options, path: str, problems: Problems) -> None:
    token = item.get("token_secret")
    if given(token) and not names.is_dns_subdomain(token):
        problems.add(f"{path}.token_secret", token, "the name of a Secret in the cluster's namespace")
    for index, addon in enumerate(item.get("addons") or []):
        if not names.is_dns_subdomain(addon.get("secret_ref")):
            problems.add(f"{path}.addons[{index}].secret_ref", addon.get("secret_ref"), "the name of a Secret")
    authorities = item.get("custom_cas") or {}
    if authorities:
        for option in CUSTOM_CAS:
            if not names.is_dns_subdomain(authorities.get(option)):
                problems.add(
                    f"{path}.custom_cas.{option}", authorities.get(option), "the name of a Secret; all six are needed"
                )


def _check_mounts(mounts: Sequence[Options], path: str, problems: Problems) -> None:
    volumes = set()
    for index, mount in enumerate(mounts):
        where, secret = f"{path}[{index}]", mount.get("secret_name")
        if not names.is_dns_subdomain(secret):
            problems.add(f"{where}.secret_name", secret, "the name of a Secret; k3k skips the mount without one")
        if not str(mount.get("mount_path") or "").startswith("/"):
            problems.add(
                f"{where}.mount_path", mount.get("mount_path"), "an absolute path; k3k skips the mount without"
            )
        name = mount.get("name")
        if given(name) and not names.is_dns_label(name):
            problems.add(f"{where}.name", name, names.DNS_LABEL_ALLOWED)
        volume = name or secret
        if volume in volumes:
            problems.add(f"{where}.name", volume, "a name of its own for each mount of the same Secret")
        volumes.add(volume)


def _check_pods(item: Options, path: str, problems: Problems) -> None:
    context = item.get("security_context") or {}
    if context.get("privileged") is False:
        problems.add(
            f"{path}.security_context.privileged", False, "true: k3s cannot start containers in a pod without it"
        )
    for key, value in (item.get("node_selector") or {}).items():
        if not names.is_label_key(key) or not names.is_label_value(value):
            problems.add(f"{path}.node_selector.{key}", value, names.LABEL_VALUE_ALLOWED)
    for san in item.get("tls_sans") or []:
        if not names.is_dns_subdomain(san) and not is_address(san):
            problems.add(f"{path}.tls_sans", san, "DNS names and IP addresses, with no port or scheme")


def is_address(value: Any) -> bool:
    """Whether a value is an IP address."""
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True
