# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Secrets are masked everywhere, longest first (X-5)."""

from __future__ import annotations

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.redact import (
    MASK,
    Redactor,
    secrets_in_kubeconfig,
    texts_in,
)


def test_text_and_nested_data_are_masked() -> None:
    redactor = Redactor(["hunter2-long"])
    assert redactor.text("login with hunter2-long failed") == f"login with {MASK} failed"
    assert redactor.data({"a": ["x hunter2-long", {"b": "hunter2-long"}], "n": 1}) == {
        "a": [f"x {MASK}", {"b": MASK}],
        "n": 1,
    }


def test_a_secret_that_contains_another_leaves_nothing() -> None:
    redactor = Redactor(["secret-a", "secret-a-and-more"])
    assert "and-more" not in redactor.text("it is secret-a-and-more!")


def test_short_words_are_not_torn_out_of_text() -> None:
    redactor = Redactor(["", "abc"])
    assert redactor.text("abcdef") == "abcdef"
    assert redactor.secrets == ()


def test_every_text_of_nested_data_is_found() -> None:
    assert list(texts_in({"a": ["one", {"b": "two"}], "n": 1, "x": None})) == ["one", "two"]


def test_of_a_kubeconfig_keys_tokens_and_passwords_are_secret() -> None:
    users = [
        {"name": "one", "user": {"client-certificate-data": "crt", "client-key-data": "key", "token": ""}},
        {
            "name": "two",
            "user": {"username": "admin", "password": "word", "token": "token-2", "exec": {"command": "x"}},
        },
        {"name": "three", "user": None},
    ]
    assert list(secrets_in_kubeconfig({"users": users})) == ["key", "word", "token-2"]
    assert list(secrets_in_kubeconfig({"users": None})) == []
