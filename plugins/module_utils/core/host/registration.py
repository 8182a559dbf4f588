# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Registration of a SLES host: what is wanted, what SUSEConnect says, and what is to be done (HOST-2)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Optional
from urllib.parse import urlsplit

from ..errors import Problems
from ..support import find_operating_system, operating_systems_text

SCC, RMT, MLM, NONE = "scc", "rmt", "mlm", "none"
METHODS = (SCC, RMT, MLM, NONE)
#: Where SUSEConnect registers without C(--url) (SUSE/connect-ng).
SCC_URL = "https://scc.suse.com"
REGISTERED = "Registered"
#: Modules are a thing of SLES 15; 16 has one repository for all (SLES 16 release notes).
_MODULE_PREFIX = "sle-module-"
_PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9._-]*(/\d+(\.\d+)?/[a-z0-9_]+)?")
_FINGERPRINT = re.compile(r"[0-9A-F]{64}")

#: Exit codes of SUSEConnect (SUSE/connect-ng), with what to do.
EXIT_CODES = {
    64: ("the registration server refuses the connection", "check url, network, proxy and firewall"),
    66: ("the registration server gave an answer that cannot be read", "check url: something else may answer there"),
    67: ("the registration server refuses the request", "check code, product names and subscription"),
    69: ("the host is not registered", "nothing to do"),
    70: ("a base product cannot be removed alone", "unregister the whole host"),
    71: ("the host is not registered, so it cannot report", "register it first"),
    7: ("zypper is locked by another program", "wait for it to end, then run again"),
}


@dataclass(frozen=True)
class Product:
    """A product as SUSEConnect names it."""

    identifier: str
    version: str
    arch: str
    status: str = ""

    @property
    def triplet(self) -> str:
        """Name, version and architecture, as C(SUSEConnect -p) takes them."""
        return f"{self.identifier}/{self.version}/{self.arch}"


@dataclass(frozen=True)
class Request:
    """What is wanted. codes: registration codes of products, by triplet; secret."""

    method: str
    url: str = SCC_URL
    products: tuple[str, ...] = ()
    codes: Mapping[str, str] = field(default_factory=dict, repr=False)


def parse_request(params: Mapping[str, Any], os_id: str, os_version: str, arch: str) -> Request:
    """Check the options of the module suse_registration on a host with this system. Raises ConfigError."""
    problems = Problems()
    method = params["method"]
    if method not in METHODS:
        problems.add("method", method, ", ".join(METHODS))
    if method in (SCC, RMT) and find_operating_system(os_id, os_version) is None:
        problems.add("(this host)", f"{os_id} {os_version}", operating_systems_text())
    url = str(params.get("url") or "").rstrip("/")
    if method == RMT and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        problems.add("url", url, "the address of the RMT server, such as https://rmt.example.com")
    if method == SCC and url not in ("", SCC_URL):
        problems.add("url", url, f"nothing with method {SCC}; use method {RMT} for a server of your own")
    if method == SCC and params["state"] == "present" and not params.get("regcode"):
        problems.add("regcode", "", "the registration code of SUSE Customer Center (keep it in a vault)")
    products = tuple(_triplet(name, os_version, arch, problems) for name in params.get("products") or ())
    codes = {
        _triplet(name, os_version, arch, problems): str(code)
        for name, code in (params.get("product_regcodes") or {}).items()
    }
    for name in codes:
        if name not in products:
            problems.add("product_regcodes", name, "products that stand in products too")
    _check_bootstrap(params, problems)
    fingerprint = params.get("ca_fingerprint")
    if fingerprint and not _FINGERPRINT.fullmatch(plain_fingerprint(fingerprint)):
        problems.add("ca_fingerprint", fingerprint, "a SHA-256 fingerprint: 64 hexadecimal digits, colons allowed")
    if params.get("ca_certificate") and certificate_fingerprint(params["ca_certificate"]) is None:
        problems.add("ca_certificate", "(text)", "a certificate in PEM form")
    problems.raise_if_any("registration")
    return Request(method, url or SCC_URL, tuple(dict.fromkeys(products)), codes)


def _triplet(name: Any, version: str, arch: str, problems: Problems) -> str:
    """Complete a bare name by the version and architecture of the host."""
    text = str(name)
    if not _PRODUCT.fullmatch(text):
        problems.add("products", name, "names such as sle-module-containers or sle-module-containers/15.7/x86_64")
        return text
    if text.startswith(_MODULE_PREFIX) and version.split(".")[0] not in ("15", ""):
        problems.add("products", text, f"nothing: SLES {version} has no modules, all packages are in one repository")
    return text if "/" in text else f"{text}/{version}/{arch}"


def _check_bootstrap(params: Mapping[str, Any], problems: Problems) -> None:
    url, digest = str(params.get("bootstrap_url") or ""), str(params.get("bootstrap_sha256") or "")
    if params["method"] != MLM:
        return
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        problems.add(
            "bootstrap_url", url, "the script's address, such as https://mlm.example.com/pub/bootstrap/sles.sh"
        )
    elif urlsplit(url).scheme == "http" and not digest:
        problems.add("bootstrap_url", url, "https, or bootstrap_sha256 with it: the script is run as root")
    if digest and not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
        problems.add("bootstrap_sha256", digest, "64 hexadecimal digits")


def read_status(text: str) -> Optional[list[Product]]:
    """Read the JSON of C(SUSEConnect -s); None when it is none. Codes that stand in it are not taken over."""
    try:
        entries = json.loads(text)
    except ValueError:
        return None
    if not isinstance(entries, list):
        return None
    keys = ("identifier", "version", "arch", "status")
    return [Product(*(str(entry.get(key, "")) for key in keys)) for entry in entries if isinstance(entry, Mapping)]


def codes_in_status(text: str) -> list[str]:
    """Return the registration codes that C(SUSEConnect -s) prints in clear, so that they can be masked."""
    try:
        entries = json.loads(text)
    except ValueError:
        return []
    found = (
        [entry.get("regcode") for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    )
    return [code for code in found if isinstance(code, str)]


@dataclass(frozen=True)
class Plan:
    """What is to be done. base: register the host. products: triplets to add. registered: as it stands."""

    registered: bool
    base: bool
    products: tuple[str, ...]

    @property
    def needed(self) -> bool:
        """Whether anything is to be done."""
        return self.base or bool(self.products)


def plan(request: Request, status: Sequence[Product], base: str) -> Plan:
    """Compare the wanted products with the status. base: identifier of the base product, such as C(SLES)."""
    here = {product.triplet for product in status if product.status == REGISTERED}
    registered = any(product.identifier == base and product.status == REGISTERED for product in status)
    missing = tuple(name for name in request.products if name not in here)
    return Plan(registered, not registered, missing)


def same_server(left: str, right: str) -> bool:
    """Tell whether two addresses name the same registration server; an empty one is SUSE Customer Center."""
    one, other = (urlsplit((url or SCC_URL).rstrip("/")) for url in (left, right))
    return (one.scheme, one.hostname, one.port, one.path) == (other.scheme, other.hostname, other.port, other.path)


def configured_url(text: str) -> str:
    """Return C(url) of /etc/SUSEConnect, a flat YAML file; empty when it has none."""
    match = re.search(r"""^url:\s*["']?([^"'\s#]+)""", text, re.MULTILINE)
    return match[1].rstrip("/") if match else ""


def explain(code: int) -> tuple[str, str]:
    """Return what an exit code of SUSEConnect means, and what to do."""
    return EXIT_CODES.get(code, (f"SUSEConnect ended with code {code}", "read the message; other codes are zypper's"))


def plain_fingerprint(text: Any) -> str:
    """Return a fingerprint as 64 upper-case digits, whatever stands around and between them."""
    return re.sub(r"^(SHA-?256)[ =:]*|[\s:]", "", str(text).strip(), flags=re.IGNORECASE).upper()


def certificate_fingerprint(pem: str) -> Optional[str]:
    """Return the SHA-256 fingerprint of the first certificate in a PEM text, or None when there is none."""
    match = re.search(r"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", str(pem), re.DOTALL)
    if match is None:
        return None
    try:
        der = base64.b64decode("".join(match[1].split()), validate=True)
    except ValueError:
        return None
    return hashlib.sha256(der).hexdigest().upper()
