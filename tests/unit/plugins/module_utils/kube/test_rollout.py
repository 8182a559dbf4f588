# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""How long is waited, and when a wait ends early, with a clock that takes no time (PLAT-10, X-7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import (
    AuthError,
    PlatformError,
    StuckError,
    UnreachableError,
    WaitTimeoutError,
)
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.platform.readiness import Cause, Wait
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.retry import Clock, Waiting
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.rollout import wait_for_all

WAITS = [Wait("rollout", "apps/v1", "Deployment", "web", "ns")]
BROKEN = Cause("image", "pod ns/web-1, container main: ErrImagePull", "Check the registry.")
CRASHING = Cause("crash", "pod ns/web-1, container main: CrashLoopBackOff", "Read the log.", final=False)


class Played:
    """What a look at the cluster says, by the second. A PlatformError is raised."""

    def __init__(
        self, lacks: Callable[[float], Any], causes: Callable[[float], Sequence[Cause]] = lambda _now: ()
    ) -> None:
        self.time = 0.0
        self.clock = Clock(lambda: self.time, self._sleep, lambda: 0.5)
        self._lacks, self._causes = lacks, causes

    def _sleep(self, seconds: float) -> None:
        self.time += seconds

    def lacks(self, _waits: Any) -> Any:
        found = self._lacks(self.time)
        if isinstance(found, PlatformError):
            raise found
        return found

    def causes(self, _namespaces: Any) -> Any:
        return self._causes(self.time)

    def events(self, _namespaces: Any) -> list[str]:
        return ["Pod web-1: Failed: no such image"]

    def wait(self, timeout: float = 300.0, grace: float = 20.0) -> None:
        rollout: Any = self
        wait_for_all(rollout, WAITS, Waiting(self.clock, timeout, 5.0), grace, "demo")


def test_it_ends_as_soon_as_everything_holds() -> None:
    played = Played(lambda now: [] if now >= 42 else ["Deployment ns/web: 0 of 1 ready"])
    played.wait()
    assert 42 <= played.time < 48


def test_a_cause_that_does_not_heal_ends_it_after_the_grace() -> None:
    played = Played(lambda _now: ["Deployment ns/web: 0 of 1 ready"], lambda now: [BROKEN] if now >= 30 else [])
    with pytest.raises(StuckError) as caught:
        played.wait()
    assert 50 <= played.time < 60
    assert caught.value.message == (
        "demo will not get ready by itself: Deployment ns/web: 0 of 1 ready. "
        "Cause: pod ns/web-1, container main: ErrImagePull. Last events: Pod web-1: Failed: no such image."
    )
    assert caught.value.next_step == "Check the registry."


def test_a_cause_that_goes_away_is_forgotten() -> None:
    played = Played(
        lambda now: [] if now >= 100 else ["Deployment ns/web: 0 of 1 ready"],
        lambda now: [BROKEN] if int(now / 15) % 2 else [],
    )
    played.wait()
    assert played.time >= 100


def test_a_crash_may_heal_so_the_whole_time_is_waited() -> None:
    played = Played(lambda _now: ["Deployment ns/web: 0 of 1 ready"], lambda _now: [CRASHING])
    with pytest.raises(WaitTimeoutError, match=r"demo is not ready after 300 s: .* CrashLoopBackOff"):
        played.wait()
    assert played.time >= 300


def test_an_api_that_is_away_for_a_while_is_waited_for() -> None:
    played = Played(lambda now: UnreachableError("nothing answers") if now < 60 else [])
    played.wait()
    assert played.time >= 60


def test_an_api_that_stays_away_is_told_when_the_time_is_over() -> None:
    played = Played(lambda _now: UnreachableError("nothing answers"))
    with pytest.raises(WaitTimeoutError, match="demo: not ready after 300 s: nothing answers"):
        played.wait()


def test_what_no_wait_can_heal_is_told_at_once() -> None:
    played = Played(lambda _now: AuthError("the token has expired"))
    with pytest.raises(AuthError):
        played.wait()
    assert played.time == 0
