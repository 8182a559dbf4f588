# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings of a ClearML server: every mistake in them, found before anything is asked or changed.

Names of variables and keys are those of the vendor's documentation of clearml-enterprise 11.0, those of the Secret are of
the open chart 7.14.4, which the vendor's goes back to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .. import names
from ..errors import Problems
from ..platform.settings import NOT_SHOWN, hidden
from ..tenant.secrets import is_secret_key
from .site import HOSTS, check_hosts, check_values

#: Keys of the Secret that the server's pods read.
CREDENTIALS = (
    "apiserver_key",
    "apiserver_secret",
    "fileserver_key",
    "fileserver_secret",
    "secure_auth_token_secret",
    "test_user_key",
    "test_user_secret",
)
SUPERVISOR_CREDENTIALS = ("supervisor_key", "supervisor_secret")

#: The server reads each variable as HOCON, where signs mean something and a number is no text.
_PLAIN = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9_-]{15,}")
_PLAIN_ALLOWED = "at least 16 letters, digits, '-' and '_', among them a letter"

#: Two underscores part the levels of a setting. With one, a text stands where the server expects a credential: its database
#: is then not set up, and it says so in its log only (open-source server 2.3.0, observed).
_ONE_UNDERSCORE = re.compile(
    r"CLEARML__secure__credentials__\w*[^_]_(role|user_key|user_secret|email|allow_login|sec_groups)", re.IGNORECASE
)
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Settings = Mapping[str, Any]


def check(settings: Settings) -> Problems:
    """Collect what is wrong with the settings of the role, without its prefix. Secrets are not repeated.

    settings: the variables of the role clearml_server, and C(own_envs), the names of the variables
    that the role itself sets, C(fileserver), the values of the file server, and C(definitions_there), whether the file
    mongodb_definitions is one.
    """
    problems = Problems()
    _check_names(settings, problems)
    _check_credentials(settings, problems)
    _check_envs(settings, problems)
    _check_storage(settings, problems)
    _check_values(settings, problems)
    return problems


def _check_names(settings: Settings, problems: Problems) -> None:
    domain, cookie = settings["base_domain"], settings["cookie_domain"]
    if not names.is_host(domain):
        problems.add("clearml_server_base_domain", domain, "a domain such as clearml.example.com")
        return  # the others are made of it
    if not names.is_host(cookie):
        problems.add("clearml_server_cookie_domain", cookie, "a domain such as clearml.example.com")
    check_hosts("clearml_server_hosts", settings["hosts"], problems)
    for name in HOSTS:
        host = settings["hosts"].get(name) or f"{name}.{domain}"
        if names.is_host(host) and names.is_host(cookie) and not f".{host}".endswith(f".{cookie}"):
            allowed = f"a domain above {host}, or its browser sends no cookie there"
            problems.add("clearml_server_cookie_domain", cookie, allowed)
    for name in ("secret", "tls_secret", "issuer"):
        if not names.is_dns_subdomain(settings[name]):
            problems.add(f"clearml_server_{name}", settings[name], "the name of an object")


def _check_credentials(settings: Settings, problems: Problems) -> None:
    given = settings["credentials"]
    wanted = credential_keys(settings["supervisor"])
    for key in given:
        if key not in (*CREDENTIALS, *SUPERVISOR_CREDENTIALS):
            problems.add(f"clearml_server_credentials.{key}", NOT_SHOWN, f"only {', '.join(wanted)}")
    for key in wanted if given else ():
        value = given.get(key)
        if not (isinstance(value, str) and _PLAIN.fullmatch(value)):
            problems.add(f"clearml_server_credentials.{key}", hidden(value), _PLAIN_ALLOWED)
    email = settings["supervisor_email"]
    if settings["supervisor"] and not names.is_email(email):
        problems.add("clearml_server_supervisor_email", email, "an email address such as platform@example.com")


def credential_keys(supervisor: bool) -> tuple[str, ...]:
    """The keys that the server's Secret must have."""
    return (*CREDENTIALS, *(SUPERVISOR_CREDENTIALS if supervisor else ()))


def _check_envs(settings: Settings, problems: Problems) -> None:
    seen = {name.lower() for name in settings["own_envs"]}
    for position, env in enumerate(settings["extra_envs"]):
        place, name = f"clearml_server_extra_envs[{position}]", str(env.get("name") or "")
        if not _ENV_NAME.fullmatch(name):
            problems.add(f"{place}.name", name, "the name of a variable")
        elif _ONE_UNDERSCORE.fullmatch(name):
            problems.add(f"{place}.name", name, f"{_two_underscores(name)}, with two underscores before the last word")
        elif name.lower() in seen:
            problems.add(f"{place}.name", name, "variables that neither the role nor another item sets")
        seen.add(name.lower())
        if set(env) not in ({"name", "value"}, {"name", "valueFrom"}):
            problems.add(place, ", ".join(sorted(env)), "name with either value or valueFrom")
        elif "value" in env and is_secret_key(name):
            problems.add(f"{place}.value", NOT_SHOWN, "valueFrom with a secretKeyRef, for it is a secret")
        elif "value" in env and not isinstance(env["value"], str):
            problems.add(f"{place}.value", env["value"], f"a text, {str(env['value']).lower()!r} in quotes")


def _two_underscores(name: str) -> str:
    match = _ONE_UNDERSCORE.fullmatch(name)
    last = match[1] if match else ""
    return f"{name[: -len(last) - 1]}__{last}"


def _check_storage(settings: Settings, problems: Problems) -> None:
    fileserver = settings["fileserver"]
    replicas, data = int(fileserver["replicaCount"]), fileserver["storage"]["data"]
    if replicas > 1 and data["accessMode"] != "ReadWriteMany":
        place = "clearml_server_values.fileserver.storage.data.accessMode"
        problems.add(place, data["accessMode"], f"ReadWriteMany, for the file server has {replicas} replicas")
    elif data["accessMode"] == "ReadWriteMany" and not settings["rwx_class"]:
        problems.add("clearml_server_rwx_class", "", "a storage class with ReadWriteMany, such as longhorn-rwx")
    path = settings["mongodb_definitions"]
    if path and not settings["definitions_there"]:
        problems.add("clearml_server_mongodb_definitions", path, "a file that exists")


def _check_values(settings: Settings, problems: Problems) -> None:
    """Values are kept in Helm's record, so a secret has no place in them; and a list replaces the role's."""
    values = settings["values"]
    check_values("clearml_server_values", values, "the Secret clearml_server_secret", problems)
    if "extraEnvs" in (values.get("apiserver") or {}):
        problems.add("clearml_server_values.apiserver.extraEnvs", "a list", "not here; use clearml_server_extra_envs")
