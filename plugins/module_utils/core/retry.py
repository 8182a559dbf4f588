# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Retry and waiting. Time and chance come from outside, so that tests take no time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from .errors import PlatformError, RemoteError, UnreachableError, WaitTimeoutError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Clock:
    """Where time comes from. now: seconds, monotonic. sleep: seconds. chance: a number from 0 to 1."""

    now: Callable[[], float]
    sleep: Callable[[float], None]
    chance: Callable[[], float]


@dataclass(frozen=True)
class Backoff:
    """How long to pause between tries: C(delay) seconds, times C(factor) each time, at most C(cap), with jitter.

    tries: how often at the most. deadline: seconds after which no further try begins.
    """

    clock: Clock
    tries: int = 6
    delay: float = 0.5
    factor: float = 2.0
    cap: float = 15.0
    deadline: float = 60.0

    def pauses(self) -> Iterator[float]:
        """Yield the pauses between the tries, in seconds, each between half and the whole of its nominal length."""
        nominal = self.delay
        for _unused in range(self.tries - 1):
            yield nominal * (0.5 + self.clock.chance() / 2)
            nominal = min(nominal * self.factor, self.cap)


def transient(error: PlatformError) -> bool:
    """True when the same idempotent request may be sent again after C(error)."""
    return isinstance(error, UnreachableError) or (isinstance(error, RemoteError) and error.transient)


def retried(call: Callable[[], Result], backoff: Backoff) -> Result:
    """Call until it answers; only for idempotent calls. Raises the last error when tries or time are used up.

    A server's Retry-After is honoured, up to the deadline.
    """
    clock = backoff.clock
    end = clock.now() + backoff.deadline
    for pause in backoff.pauses():
        try:
            return call()
        except PlatformError as error:
            if not transient(error):
                raise
            asked = getattr(error, "retry_after", None)
            pause = max(pause, asked) if asked is not None else pause
            if clock.now() + pause > end:
                raise
            clock.sleep(pause)
    return call()


def wait_for(
    look: Callable[[], tuple[bool, str]],
    clock: Clock,
    timeout: float,
    interval: float = 5.0,
) -> float:
    """Look again and again until C(look) says it is done; returns the seconds it took.

    look: returns (done, state); state is what a person reads when the time is up. timeout, interval: seconds; the first
    looks come faster than C(interval), growing from a twentieth of it. Raises WaitTimeoutError with the last state.
    """
    start = clock.now()
    pause = interval / 20
    while True:
        done, state = look()
        passed = clock.now() - start
        if done:
            return passed
        if passed >= timeout:
            raise WaitTimeoutError(f"not ready after {timeout:g} s: {state}")
        clock.sleep(min(pause, max(timeout - passed, 0.01)))
        pause = min(pause * 1.5, interval)


@dataclass(frozen=True)
class Waiting:
    """How to wait, as the user said. timeout, interval: seconds, as in L(wait_for)."""

    clock: Clock
    timeout: float
    interval: float

    def until(self, look: Callable[[], tuple[bool, str]]) -> float:
        """Look until it is done; see L(wait_for)."""
        return wait_for(look, self.clock, self.timeout, self.interval)
