# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Retry and waiting with a clock that takes no time (X-7)."""

from __future__ import annotations

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core import errors
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.retry import Backoff, Clock, retried, wait_for


class FakeClock:
    """Time passes only by sleeping; every sleep is remembered."""

    def __init__(self) -> None:
        self.time = 0.0
        self.sleeps: list[float] = []
        self.clock = Clock(now=lambda: self.time, sleep=self.sleep, chance=lambda: 1.0)

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.time += seconds


def failing(times: int, error: errors.PlatformError):
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "answer"

    return call, calls


def test_a_transient_error_is_retried_with_growing_pauses() -> None:
    fake = FakeClock()
    call, calls = failing(3, errors.UnreachableError("away"))
    assert retried(call, Backoff(fake.clock)) == "answer"
    assert len(calls) == 4
    assert fake.sleeps == [0.5, 1.0, 2.0]


def test_retry_after_of_the_server_is_honoured() -> None:
    fake = FakeClock()
    call, _calls = failing(1, errors.RemoteError("slow down", status=429, retry_after=7.0))
    assert retried(call, Backoff(fake.clock)) == "answer"
    assert fake.sleeps == [7.0]


@pytest.mark.parametrize(
    "error",
    [
        errors.RemoteError("no", status=422),
        errors.AuthError("no"),
        errors.ConflictError("no"),
        errors.NotFoundError(""),
    ],
)
def test_what_will_not_get_better_is_not_retried(error: errors.PlatformError) -> None:
    fake = FakeClock()
    call, calls = failing(9, error)
    with pytest.raises(type(error)):
        retried(call, Backoff(fake.clock))
    assert len(calls) == 1
    assert fake.sleeps == []


def test_tries_and_deadline_are_bounded() -> None:
    fake = FakeClock()
    call, calls = failing(99, errors.UnreachableError("away"))
    with pytest.raises(errors.UnreachableError):
        retried(call, Backoff(fake.clock, tries=4))
    assert len(calls) == 4
    call, calls = failing(99, errors.RemoteError("later", status=503, retry_after=3600))
    with pytest.raises(errors.RemoteError):
        retried(call, Backoff(fake.clock))
    assert len(calls) == 1


def test_wait_looks_fast_at_first_and_slower_later() -> None:
    fake = FakeClock()
    looks: list[float] = []

    def look() -> tuple[bool, str]:
        looks.append(fake.time)
        return fake.time > 30, "not yet"

    took = wait_for(look, fake.clock, timeout=60, interval=5)
    assert took > 30
    assert fake.sleeps[0] == pytest.approx(0.25)
    assert max(fake.sleeps) == 5
    assert fake.sleeps == sorted(fake.sleeps)


def test_wait_says_the_last_state_when_the_time_is_up() -> None:
    fake = FakeClock()
    with pytest.raises(errors.WaitTimeoutError, match="after 10 s: 1 of 2 agents run"):
        wait_for(lambda: (False, "1 of 2 agents run"), fake.clock, timeout=10)
    assert fake.time == pytest.approx(10, abs=0.1)
