# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What a site may say about Rancher and its backups.

Rancher's chart takes a missing host name, an unknown source of the certificate and Let's Encrypt without an address without
a word (chart 2.15.0, rendered); so these are refused here, before anything changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..errors import Problems
from ..names import HOST_ALLOWED, is_dns_subdomain, is_email, is_host
from . import key_pairs

LETS_ENCRYPT, SECRET = "letsEncrypt", "secret"
FULL, BASIC = "rancher-resource-set-full", "rancher-resource-set-basic"
#: Fields of the backup chart's C(s3) that a site sets (chart rancher-backup 11.0.1).
S3_FIELDS = ("bucketName", "endpoint", "region", "folder", "endpointCA", "insecureTLSSkipVerify")
S3_KEYS = ("accessKey", "secretKey")

Settings = Mapping[str, Any]

_CRON = re.compile(r"@(hourly|daily|midnight|weekly|monthly|yearly|annually|every \S+)|[^\s@]+( [^\s@]+){4}")


def check(settings: Settings, now: datetime) -> Problems:
    """Collect what is wrong with the settings of the role, without its prefix.

    With C(hostname) the server's are checked, with a true C(backup) those of the backups. now: in UTC.
    """
    problems = Problems()
    if "hostname" in settings:
        _check_server(settings, now, problems)
    if settings.get("backup"):
        _check_backup(settings, problems)
    return problems


def _check_server(settings: Settings, now: datetime, problems: Problems) -> None:
    host, source = settings["hostname"], settings["tls_source"]
    if not is_host(host):
        problems.add("rancher_hostname", host, HOST_ALLOWED)
    # All agents know Rancher by the name under which it was installed.
    elif settings.get("installed_hostname") not in (None, "", host):
        there = f"'{settings['installed_hostname']}', because Rancher is installed under this name"
        problems.add("rancher_hostname", host, f"{there}, and all its agents know it by that")
    if not is_dns_subdomain(settings["ingress_class"]):
        problems.add("rancher_ingress_class", settings["ingress_class"], "the name of an IngressClass")
    email = settings["letsencrypt_email"]
    if source == LETS_ENCRYPT and not is_email(email):
        problems.add("rancher_letsencrypt_email", email, "an email address, with rancher_tls_source=letsEncrypt")
    _check_tls(settings, now, problems)


def _check_tls(settings: Settings, now: datetime, problems: Problems) -> None:
    source, authorities = settings["tls_source"], settings["tls_ca"]
    certificate, key = settings["tls_certificate"], settings["tls_key"]
    if source == SECRET:
        pair = key_pairs.KeyPair(certificate, key, authorities, settings["hostname"])
        key_pairs.check(pair, "rancher_tls_", now, problems)
    elif certificate or key:
        given = "rancher_tls_certificate" if certificate else "rancher_tls_key"
        problems.add(given, "(given)", "nothing, or rancher_tls_source=secret")
    if source == LETS_ENCRYPT and authorities:
        key_pairs.check_authorities(authorities, "rancher_tls_ca", now, problems)
    elif source not in (SECRET, LETS_ENCRYPT) and authorities:
        problems.add("rancher_tls_ca", "(given)", "nothing: Rancher makes its CA, with rancher_tls_source=rancher")
    # Agents that are strict trust only the CA that Rancher tells them (Rancher 2.15, agent-tls-mode).
    mode = settings["agent_tls_mode"]
    if mode == "strict" and source in (SECRET, LETS_ENCRYPT) and not authorities:
        problems.add("rancher_agent_tls_mode", mode, "system-store, or rancher_tls_ca with the CA of the certificate")


def _check_backup(settings: Settings, problems: Problems) -> None:
    s3, volume = settings["backup_s3"], settings["backup_volume"]
    if bool(s3) == bool(volume):
        found = "both" if s3 else "neither"
        problems.add("rancher_backup", found, "one of rancher_backup_s3 and rancher_backup_volume to put backups in")
    if s3:
        _check_s3(s3, settings["backup_s3_credentials"], problems)
    if settings["backup_resource_set"] == FULL and not settings["backup_encryption"]:
        problems.add(
            "rancher_backup_encryption",
            "",
            f"an EncryptionConfiguration, because backups hold Secrets; or rancher_backup_resource_set={BASIC}",
        )
    schedule, kept = settings["backup_schedule"], settings["backup_retention"]
    if not _CRON.fullmatch(str(schedule)):
        problems.add("rancher_backup_schedule", schedule, "five fields as in cron, or a word such as @midnight")
    if kept < 1:
        problems.add("rancher_backup_retention", kept, "1 or more")


def _check_s3(s3: Mapping[str, Any], credentials: Mapping[str, Any], problems: Problems) -> None:
    for name in ("bucketName", "endpoint"):
        if not s3.get(name):
            problems.add(f"rancher_backup_s3.{name}", s3.get(name, ""), "a text")
    for name in s3:
        if name not in S3_FIELDS:
            problems.add(f"rancher_backup_s3.{name}", s3[name], f"one of {', '.join(S3_FIELDS)}")
    endpoint = str(s3.get("endpoint") or "")
    if "://" in endpoint:
        problems.add("rancher_backup_s3.endpoint", endpoint, "host or host:port, without a scheme")
    given = sorted(name for name in credentials if credentials[name])
    if given and given != sorted(S3_KEYS):
        problems.add("rancher_backup_s3_credentials", given, f"{' and '.join(S3_KEYS)}, or nothing")
