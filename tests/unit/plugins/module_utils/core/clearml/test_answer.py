# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What an HTTP answer of ClearML means (X-7), and that its keys are not repeated (X-5)."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import web
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.clearml import answer
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    AuthError,
    PlatformError,
    RemoteError,
    UnreachableError,
)

JSON = {"Content-Type": "application/json"}


def envelope(code: int, subcode: int = 0, message: str = "OK", data: Any = None) -> bytes:
    meta = {"result_code": code, "result_subcode": subcode, "result_msg": message, "error_data": {}}
    return json.dumps({"meta": meta, "data": data if data is not None else {}}).encode()


def refused(status: int, body: bytes, headers: dict[str, str] | None = None) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        answer.read_answer("queues.get_all", status, headers or JSON, body)
    return caught.value


def test_a_good_answer_gives_its_data() -> None:
    assert answer.read_answer("x.y", 200, JSON, envelope(200, data={"id": "1"})) == {"id": "1"}


@pytest.mark.parametrize(
    ("code", "subcode", "kind"),
    [
        (401, 22, answer.RejectedPairError),
        (401, 21, answer.RejectedPairError),
        (401, 30, answer.ExpiredTokenError),
        (401, 20, AuthError),
        (403, 20, AuthError),
        (404, 0, answer.NoSuchCallError),
        (400, 801, RemoteError),
        (500, 0, RemoteError),
    ],
)
def test_each_code_has_its_error(code: int, subcode: int, kind: type[PlatformError]) -> None:
    error = refused(code, envelope(code, subcode, "said so"))
    assert error.__class__ is kind
    assert "said so" in error.message
    assert f"{code}/{subcode}" in error.message


def test_not_found_is_told_from_no_such_call() -> None:
    """Something unknown is 400 with a subcode; a 404 without envelope comes from an ingress, not from the server."""
    assert answer.has_reason(refused(400, envelope(400, 701, "Invalid queue id")), answer.INVALID_QUEUE)
    page = refused(404, b"<html>default backend</html>", {"Content-Type": "text/html"})
    assert not isinstance(page, answer.NoSuchCallError)
    assert "api_url" in page.next_step


@pytest.mark.parametrize("status", [502, 503, 504, 413])
def test_a_page_of_an_ingress_is_not_parsed(status: int) -> None:
    error = refused(status, b"<html>Bad Gateway</html>", {"Content-Type": "text/html", "Retry-After": "3"})
    assert isinstance(error, RemoteError)
    assert (error.status, error.retry_after) == (status, 3.0)
    assert "text/html" in error.message


def test_a_redirect_says_where_it_would_go() -> None:
    error = refused(302, b"", {"Location": "https://app.example/login"})
    assert "https://app.example/login" in error.message
    assert "api_url must be the API server" in error.next_step


@pytest.mark.parametrize("body", [b'{"meta": {"result_code": 200', b"", b"<html></html>", b"[]", b'{"data": {}}'])
def test_a_broken_answer_is_unclear(body: bytes) -> None:
    error = refused(200, body)
    assert answer.has_reason(error, web.BAD_ANSWER)
    assert web.unclear(error)
    assert error.transient  # type: ignore[attr-defined]


def test_what_is_unclear_and_what_was_not_carried_out() -> None:
    assert web.unclear(UnreachableError("reset"))
    assert web.unclear(refused(500, envelope(500, 1, "General")))
    for error in (web.NotSentError("refused"), refused(429, b"Too Many Requests", {"Retry-After": "1"})):
        assert web.not_carried_out(error)
        assert not web.unclear(error)
    duplicate = refused(400, envelope(400, 801, "exists"))
    assert not web.unclear(duplicate)
    assert not web.not_carried_out(duplicate)


@pytest.mark.parametrize(
    "text",
    [
        "Invalid user (invalid access key): id=1, company=2, credentials__key=ABCDEFGH",
        "Access key not found: user=1, access_key=ABCDEFGH, company=2",
        "odd: secret=ABCDEFGH) token=ABCDEFGH",
    ],
)
def test_keys_in_messages_are_masked(text: str) -> None:
    message = refused(400, envelope(400, 300, text)).message
    assert "ABCDEFGH" not in message
    assert "=********" in message


def test_claims_are_read_without_the_key() -> None:
    body = base64.urlsafe_b64encode(b'{"server_version": "3.30.0"}').decode().rstrip("=")
    assert answer.claims_of(f"h.{body}.s") == {"server_version": "3.30.0"}


@given(st.text() | st.just("a.b.c") | st.just("a.W10.c"))
def test_claims_of_junk_are_empty(junk: str) -> None:
    assert answer.claims_of(junk) == {}


@given(st.integers(200, 599), st.binary())
def test_junk_never_crashes(status: int, body: bytes) -> None:
    with contextlib.suppress(PlatformError):
        answer.read_answer("x.y", status, {}, body)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("allegro_token=abc.def; Path=/; HttpOnly", "allegro_token"),
        ("clearml-token-k8s=x", "clearml-token-k8s"),
        ("", ""),
    ],
)
def test_the_name_of_the_login_cookie(header: str, name: str) -> None:
    assert answer.cookie_name(header) == name
