# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""A certificate that could not serve is refused, with the reason (PLAT-2)."""

from __future__ import annotations

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import Problems
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.key_pairs import (
    KeyPair,
    check,
    check_authorities,
)

from .pairs import NOW, issue

HOST = "rancher.example.com"
ROOT = issue("root")
MIDDLE = issue("middle", ROOT)
SERVER = issue("server", MIDDLE, (HOST,))
OTHER = issue("other")


def found(pair: KeyPair) -> list[str]:
    problems = Problems()
    check(pair, "tls_", NOW, problems)
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    "pair",
    [
        KeyPair(SERVER.pem + MIDDLE.pem, SERVER.key, ROOT.pem, HOST),
        KeyPair(SERVER.pem + MIDDLE.pem + ROOT.pem, SERVER.key, ROOT.pem, HOST),
        KeyPair(SERVER.pem, SERVER.key, OTHER.pem + MIDDLE.pem, HOST),
        KeyPair(SERVER.pem, SERVER.key, "", HOST),
        KeyPair(issue("any", ROOT, ("*.example.com",)).pem, "", "", HOST),
    ],
    ids=["chain", "with root", "one of two", "known CA", "wildcard"],
)
def test_a_pair_that_serves(pair: KeyPair) -> None:
    expected = (
        [] if pair.key else ["tls_key: '' is not allowed; allowed: a private key in PEM form, without a password"]
    )
    assert found(pair) == expected


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        (KeyPair(SERVER.pem, OTHER.key), "tls_key: '(not shown)' is not allowed; allowed: the key of the first"),
        (KeyPair("nonsense", SERVER.key), "tls_certificate: 'nonsense...' is not allowed; allowed: certificates in PEM"),
        (KeyPair(SERVER.pem, "nonsense"), "tls_key: '(not shown)' is not allowed; allowed: a private key in PEM form"),
        (KeyPair(SERVER.pem, SERVER.key, "", "b.example.org"), "'rancher.example.com' is not allowed; allowed: a certificate for b"),
        (KeyPair(OTHER.pem, OTHER.key, "", HOST), "tls_certificate: 'no name' is not allowed"),
        (KeyPair(SERVER.pem, SERVER.key, ROOT.pem), "tls_ca: 'CN=root' is not allowed; allowed: the CA that issued tls_certificate: CN=middle"),
        (KeyPair(SERVER.pem + OTHER.pem, SERVER.key), "tls_certificate: 'CN=other' is not allowed; allowed: after each"),
        (KeyPair(SERVER.pem, SERVER.key, "x"), "tls_ca: 'x...' is not allowed"),
    ],
)  # fmt: skip
def test_a_pair_that_does_not_serve(pair: KeyPair, text: str) -> None:
    (one,) = found(pair)
    assert text in one
    assert "PRIVATE" not in one


def test_time_counts_for_every_certificate() -> None:
    old = issue("old", ends=-1)
    early = issue("early", old, begins=1, ends=2)
    assert found(KeyPair(early.pem + old.pem, early.key)) == [
        "tls_certificate: 'CN=early, begins 2026-11-22' is not allowed; allowed: certificates that are valid already",
        "tls_certificate: 'CN=old, ended 2026-11-20' is not allowed; allowed: certificates that are still valid",
    ]
    problems = Problems()
    check_authorities(old.pem, "ca", NOW, problems)
    assert [str(problem).partition(" is not")[0] for problem in problems] == ["ca: 'CN=old, ended 2026-11-20'"]
