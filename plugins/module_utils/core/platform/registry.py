# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The settings of the layer suse_registry (Harbor): what is wrong with them.

Harbor's chart looks at little: a secret key of the wrong length, an external database without a host and a TLS Secret without a name are
all rendered, and fail at run time (goharbor/harbor-helm 1.19.1). So they are looked at here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import Problems
from ..registry.requests import parse
from .release import ABSENT
from .settings import BCRYPT, NOT_SHOWN, check_seed, check_sizes, hidden

EXTERNAL = "external"
#: The user in the htpasswd entry that the chart's parts log in with (goharbor/harbor-helm, registry.credentials.username).
REGISTRY_USER = "harbor_registry_user"
#: Claims whose size can be set.
CLAIMS = ("registry", "jobservice", "database", "redis", "trivy")
#: Characters of the key with which Harbor encrypts stored credentials (goharbor/harbor-helm, secretKey), and of the seed at least.
KEY_LENGTH, SEED_LENGTH = 16, 32

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_URL = re.compile(rf"https://{_LABEL}(\.{_LABEL})*(:\d+)?")
_HOST_PORT = re.compile(r"[^\s:/]+:\d+(,[^\s:/]+:\d+)*")
_HTPASSWD = re.compile(f"{REGISTRY_USER}:{BCRYPT}")
#: It goes into SQL and into a list of settings between quotes (goharbor/harbor, make/photon/db/initdb.sh).
_DATABASE_PASSWORD = re.compile(r"[A-Za-z0-9_-]{16,128}")
_SSL_MODES = ("disable", "require", "verify-ca", "verify-full")
#: The variable from which the database's image takes its password, and how a person changes it in a database that has another
#: (the password is asked for, so it is in no list of processes and in no history).
_VARIABLE = "POSTGRES_PASSWORD"
BY_HAND = r"kubectl -n harbor exec -it harbor-database-0 -- psql -U postgres -c '\password postgres'"


def check(settings: Mapping[str, Any]) -> Problems:
    """Collect what is wrong with the settings of the role, without its prefix. Secrets are not repeated.

    C(release): what is installed, as helm_release_info returns it; empty or left out when nothing is, or nobody looked.
    """
    problems = Problems()
    if not _URL.fullmatch(settings["url"]):
        problems.add(
            "suse_registry_url",
            settings["url"],
            "https://host or https://host:port, in small letters, nothing after it",
        )
    _check_contents(settings, problems)
    if settings["mode"] == EXTERNAL:
        return problems
    _check_secrets(settings, problems)
    _check_storage(settings, problems)
    _check_servers(settings, problems)
    if not settings["database"] and not settings.get("database_password_set"):
        _check_installed(settings.get("release") or {}, problems)
    return problems


def _check_contents(settings: Mapping[str, Any], problems: Problems) -> None:
    """Projects and robots, as far as that can be told without asking the registry."""
    projects, robots = settings.get("projects") or (), settings.get("robots") or ()
    for problem in parse(projects, robots).problems:
        problems.add(f"suse_registry_{problem.path}", problem.value, problem.allowed)
    if (projects or robots) and not settings.get("api_password"):
        problems.add(
            "suse_registry_api_password", "", "the password of suse_registry_api_user, for projects and robots"
        )


def _check_secrets(settings: Mapping[str, Any], problems: Problems) -> None:
    password = settings["admin_password"]
    kinds = (r"[a-z]", r"[A-Z]", r"\d")
    if not 8 <= len(password) <= 128 or not all(re.search(kind, password) for kind in kinds):
        problems.add(
            "suse_registry_admin_password",
            hidden(password),
            "8 to 128 characters, among them a small letter, a capital and a digit (Harbor's rule)",
        )
    if len(settings["secret_key"]) != KEY_LENGTH:
        shown = f"{len(settings['secret_key'])} characters"
        problems.add("suse_registry_secret_key", shown, f"exactly {KEY_LENGTH} characters; never change them later")
    check_seed("suse_registry_seed", settings["seed"], SEED_LENGTH, problems)
    if not settings["password"]:
        problems.add("suse_registry_password", "", "a password; it belongs to suse_registry_htpasswd")
    if not _HTPASSWD.fullmatch(settings["htpasswd"]):
        problems.add(
            "suse_registry_htpasswd",
            hidden(settings["htpasswd"]),
            f"the output of: htpasswd -nbB {REGISTRY_USER} <suse_registry_password>",
        )
    if settings["tls"] == "existing":
        for part in ("certificate", "key", "token_certificate", "token_key"):
            text = settings[part]
            if "-----BEGIN" not in text:
                problems.add(
                    f"suse_registry_{part}",
                    hidden(text),
                    "text in PEM form, with suse_registry_tls=existing",
                )
    elif not settings["issuer"]:
        problems.add("suse_registry_issuer", "", "the name of a ClusterIssuer, with suse_registry_tls=issuer")


def _check_storage(settings: Mapping[str, Any], problems: Problems) -> None:
    check_sizes("suse_registry_sizes", settings["sizes"], CLAIMS, "500Gi", problems)
    store = settings["s3"]
    if store:
        _check_keys("suse_registry_s3", store, ("bucket", "region"), ("regionendpoint",), problems)
        for name in ("access_key", "secret_key"):
            if not settings["s3_credentials"].get(name):
                problems.add(f"suse_registry_s3_credentials.{name}", "", "must be given, with suse_registry_s3")
        if settings["shared_storage_class"]:
            problems.add(
                "suse_registry_shared_storage_class", settings["shared_storage_class"], "nothing, with suse_registry_s3"
            )


def _check_servers(settings: Mapping[str, Any], problems: Problems) -> None:
    database, redis = settings["database"], settings["redis"]
    if database:
        _check_keys("suse_registry_database", database, ("host", "username"), ("port", "name", "sslmode"), problems)
        if database.get("sslmode", "require") not in _SSL_MODES:
            problems.add("suse_registry_database.sslmode", database["sslmode"], f"one of {', '.join(_SSL_MODES)}")
        if not settings["database_password"]:
            problems.add("suse_registry_database_password", "", "must be given, with suse_registry_database")
    elif not _DATABASE_PASSWORD.fullmatch(settings["database_password"]):
        problems.add(
            "suse_registry_database_password",
            hidden(settings["database_password"]),
            "16 to 128 letters, digits, '-' and '_', for the database in the cluster; never change it later",
        )
    if redis:
        _check_keys("suse_registry_redis", redis, ("addr",), ("username", "sentinel_master"), problems)
        if redis.get("addr") and not _HOST_PORT.fullmatch(str(redis["addr"])):
            problems.add("suse_registry_redis.addr", redis["addr"], "host:port, several with commas")


def _check_installed(release: Mapping[str, Any], problems: Problems) -> None:
    """A database keeps the password of its first start. That of a Harbor which this role did not install is not ours.

    The chart's default is published, and a password of its own stands in the values (goharbor/harbor-helm,
    database.internal.password). Ours comes by the environment, in every revision that the role wrote.
    """
    values = release.get("release_values") or {}
    database = values.get("database") or {}
    if release.get("status", ABSENT) == ABSENT or database.get("type", "internal") != "internal":
        return
    variables = (database.get("internal") or {}).get("extraEnvVars") or []
    if not any(one.get("name") == _VARIABLE and one.get("valueFrom") for one in variables):
        problems.add(
            "suse_registry_database_password_set",
            False,
            "true, once its database has suse_registry_database_password: the Harbor that is installed has another "
            f"password there, and would not reach it after the upgrade. Give it yours: {BY_HAND}",
        )


def _check_keys(
    place: str, found: Mapping[str, Any], needed: tuple[str, ...], further: tuple[str, ...], problems: Problems
) -> None:
    for name in needed:
        if not found.get(name):
            problems.add(f"{place}.{name}", found.get(name), "must be given")
    for name in sorted(set(found) - {*needed, *further}):
        problems.add(f"{place}.{name}", NOT_SHOWN, f"only {', '.join((*needed, *further))}")
