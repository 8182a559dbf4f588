# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Decisions about a registration (HOST-2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import ConfigError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.host import registration

STATUS = json.dumps(
    [
        {"identifier": "SLES", "version": "15.7", "arch": "x86_64", "status": "Registered", "regcode": "SECRET-CODE"},
        {"identifier": "sle-module-basesystem", "version": "15.7", "arch": "x86_64", "status": "Registered"},
        {"identifier": "sle-module-containers", "version": "15.7", "arch": "x86_64", "status": "Not Registered"},
    ]
)
PEM = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"


def request(version: str = "15.7", **params: Any) -> registration.Request:
    given = {"state": "present", "method": "scc", "regcode": "CODE", **params}
    return registration.parse_request(given, "sles", version, "x86_64")


def test_only_what_is_missing_is_registered() -> None:
    wanted = request(products=["sle-module-basesystem", "sle-module-containers", "PackageHub/15.7/x86_64"])
    status = registration.read_status(STATUS)
    assert status is not None
    plan = registration.plan(wanted, status, "SLES")
    assert not plan.base
    assert plan.products == ("sle-module-containers/15.7/x86_64", "PackageHub/15.7/x86_64")
    assert registration.plan(request(), status, "SLES").needed is False
    assert registration.plan(request(), [], "SLES").base


def test_codes_are_left_out_of_the_status_and_known_for_masking() -> None:
    assert "SECRET-CODE" not in str(registration.read_status(STATUS))
    assert registration.codes_in_status(STATUS) == ["SECRET-CODE"]
    assert registration.read_status("no json") is None
    assert registration.codes_in_status("{}") == []


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"method": "rmt", "url": "rmt.example.com"}, "url: 'rmt.example.com'"),
        ({"regcode": ""}, "regcode"),
        ({"url": "https://rmt.example.com"}, "use method rmt"),
        ({"products": ["a b"]}, "products: 'a b'"),
        ({"product_regcodes": {"sle-ha": "X"}}, "product_regcodes: 'sle-ha/15.7/x86_64'"),
        ({"method": "mlm"}, "bootstrap_url"),
        ({"method": "mlm", "bootstrap_url": "http://m/x.sh"}, "the script is run as root"),
        ({"method": "mlm", "bootstrap_url": "https://m/x.sh", "bootstrap_sha256": "1"}, "bootstrap_sha256"),
        ({"ca_fingerprint": "12:34"}, "ca_fingerprint"),
        ({"ca_certificate": "x"}, "ca_certificate"),
    ],
)
def test_mistakes(params: dict[str, Any], part: str) -> None:
    with pytest.raises(ConfigError) as error:
        request(**params)
    assert part in str(error.value)


def test_sles_16_has_no_modules() -> None:
    with pytest.raises(ConfigError, match=r"SLES 16\.0 has no modules"):
        request("16.0", products=["sle-module-containers"])
    assert request("16.0", products=["PackageHub"]).products == ("PackageHub/16.0/x86_64",)


def test_an_unsupported_system_is_refused() -> None:
    with pytest.raises(ConfigError, match="SLES 15 SP6"):
        registration.parse_request({"state": "present", "method": "scc", "regcode": "x"}, "debian", "12", "x86_64")


def test_fingerprints() -> None:
    shown = registration.certificate_fingerprint(PEM)
    assert shown is not None
    assert len(shown) == 64
    colons = ":".join(shown[i : i + 2] for i in range(0, 64, 2)).lower()
    assert registration.plain_fingerprint(f"SHA256 Fingerprint={colons}".replace(" Fingerprint", "")) == shown
    assert registration.plain_fingerprint(colons) == shown
    assert registration.certificate_fingerprint("x") is None


def test_servers_are_compared_by_what_they_mean() -> None:
    assert registration.same_server("", "https://scc.suse.com/")
    assert not registration.same_server("https://rmt.example.com", "")
    assert (
        registration.configured_url("---\nurl: https://rmt.example.com/\ninsecure: false\n")
        == "https://rmt.example.com"
    )
    assert registration.configured_url("# url: x\n") == ""


@pytest.mark.parametrize("code", sorted(registration.EXIT_CODES))
def test_every_exit_code_is_explained(code: int) -> None:
    meaning, next_step = registration.explain(code)
    assert meaning
    assert next_step
    assert "99" in registration.explain(99)[0]
