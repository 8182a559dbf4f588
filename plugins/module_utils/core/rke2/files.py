# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The files that make up a node's configuration: what stands in them, with which mode, and which ask for a restart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Optional

from . import places, token, yamltext
from .keys import FIRST_REGISTRATION, SECRET, SERVER

COMMENT = """Written by ai_tenancy.platform, role rke2; the next run puts changes made here back.
Own settings: variables rke2_config, rke2_server_config, rke2_agent_config, rke2_host_config."""
_MARK = f"# {COMMENT.splitlines()[0]}\n"

#: What profile C(cis) insists on before RKE2 starts (RKE2 documentation, CIS hardening guide).
CIS_SYSCTLS = {
    "vm.panic_on_oom": "0",
    "vm.overcommit_memory": "1",
    "kernel.panic": "10",
    "kernel.panic_on_oops": "1",
}


@dataclass(frozen=True)
class NodeFile:
    """One file. text: None when it must not be there (only one of ours is removed).

    mode: permission bits. restart: RKE2 reads it at start only. secret: its text must not be shown as it is.
    """

    path: str
    text: Optional[str]
    mode: int = 0o600
    restart: bool = True
    secret: bool = False

    @property
    def digest(self) -> str:
        """What a start depends on; empty for a file that is not there or that a start does not depend on."""
        return "" if self.text is None or not self.restart else start_digest(self.path, self.text)


@dataclass(frozen=True)
class Settings:
    """Everything that a node's files are made from; the options of the module C(rke2_config).

    type: C(server) or C(agent). config: keys of config.yaml as they are to stand there. token, agent_token: secrets.
    registries, audit_policy, pod_security: documents, empty for none. environment: of the unit. manifests: name -> text
    of what the server applies. custom_ca: path below the server's tls folder -> text, only for a new cluster.
    """

    type: str
    config: Mapping[str, Any] = field(default_factory=dict)
    token: str = field(default="", repr=False)
    agent_token: str = field(default="", repr=False)
    registries: Mapping[str, Any] = field(default_factory=dict, repr=False)
    audit_policy: Mapping[str, Any] = field(default_factory=dict)
    pod_security: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    manifests: Mapping[str, str] = field(default_factory=dict)
    custom_ca: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def secrets(self) -> list[str]:
        """Every secret that stands in one of the files."""
        found = [
            self.token,
            self.agent_token,
            *(text for name, text in self.custom_ca.items() if name.endswith(".key")),
        ]
        found += [str(self.config[key]) for key in SECRET if self.config.get(key)]
        for registry in (self.registries.get("configs") or {}).values():
            auth = (registry or {}).get("auth") or {}
            found += [str(value) for name, value in auth.items() if name != "username"]
        return [secret for secret in found if secret]


def files_of(settings: Settings) -> list[NodeFile]:
    """Return the files of a node, in the order in which they are written: config.yaml last, it names the others."""
    return list(_files(settings))


def _files(settings: Settings) -> Iterator[NodeFile]:
    server = settings.type == SERVER
    yield NodeFile(places.TOKEN, f"{settings.token}\n" if settings.token else None, secret=True)
    if server:
        yield NodeFile(places.AGENT_TOKEN, f"{settings.agent_token}\n" if settings.agent_token else None, secret=True)
    yield _document(places.REGISTRIES, settings.registries)
    if server:
        yield _document(places.AUDIT_POLICY, settings.audit_policy)
        yield _document(places.POD_SECURITY, settings.pod_security)
        for name, text in settings.manifests.items():
            # the server applies them when they change, without a restart (RKE2 documentation, auto-deploying manifests)
            yield NodeFile(f"{places.MANIFESTS}/{name}", text, restart=False)
    yield _environment(settings)
    if settings.config.get("profile") == "cis":
        text = _MARK + "".join(f"{name} = {value}\n" for name, value in CIS_SYSCTLS.items())
        yield NodeFile(places.CIS_SYSCTL, text, 0o644, restart=False)
    yield NodeFile(places.CONFIG, yamltext.dump(settings.config, COMMENT))


def _document(path: str, data: Mapping[str, Any]) -> NodeFile:
    return NodeFile(path, yamltext.dump(data, COMMENT) if data else None)


def _environment(settings: Settings) -> NodeFile:
    lines = [f"{name}={_quoted(str(value))}\n" for name, value in settings.environment.items()]
    return NodeFile(places.environment_file(settings.type), _MARK + "".join(lines) if lines else None)


def _quoted(value: str) -> str:
    """As systemd reads it in an EnvironmentFile: in double quotes, where backslash protects the four signs."""
    for sign in '\\"$`':
        value = value.replace(sign, "\\" + sign)
    return f'"{value}"'


def is_ours(path: str, text: str) -> bool:
    """Whether a file was written by this collection, so that it may be removed. Token files can have no comment."""
    return path in (places.TOKEN, places.AGENT_TOKEN) or text.startswith(_MARK)


def digest(text: str) -> str:
    """Return the SHA-256 of a file's text; bytes that are not UTF-8 count as they stand on disk."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def start_digest(path: str, text: str) -> str:
    """Return the digest of what a start depends on.

    In config.yaml that is not the keys that count at registration only; of a token it is the secret, not the CA's hash.
    """
    relevant = text
    if path == places.CONFIG:
        relevant = yamltext.without_keys(text, FIRST_REGISTRATION)
    elif path in (places.TOKEN, places.AGENT_TOKEN):
        relevant = token.password(text)
    return digest(relevant)


def start_digests(files: list[NodeFile]) -> dict[str, str]:
    """Return path -> digest of the files that a start depends on, without those that are not there."""
    return {file.path: file.digest for file in files if file.digest}


#: Every path whose content a start of RKE2 depends on.
WATCHED = (
    places.CONFIG,
    places.TOKEN,
    places.AGENT_TOKEN,
    places.REGISTRIES,
    places.AUDIT_POLICY,
    places.POD_SECURITY,
    places.environment_file("server"),
    places.environment_file("agent"),
)
