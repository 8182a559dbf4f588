# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Do one thing for many items at once: bounded concurrency, results in input order, one failure stops no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, Union

from .core.errors import PlatformError

Item = TypeVar("Item")
Result = TypeVar("Result")


def for_each(
    items: Sequence[Item], call: Callable[[Item], Result], concurrency: int
) -> list[Union[Result, PlatformError]]:
    """Call C(call) for every item; where it raises a PlatformError, that error stands in the result list."""

    def guarded(item: Item) -> Union[Result, PlatformError]:
        try:
            return call(item)
        except PlatformError as error:
            return error

    if len(items) <= 1 or concurrency <= 1:
        return [guarded(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(concurrency, len(items))) as pool:
        return list(pool.map(guarded, items))


def for_all(items: Sequence[Item], call: Callable[[Item], Result], concurrency: int) -> list[Result]:
    """As C(for_each), where only all results together are of use: raises the first error, once all are done."""
    found = []
    for result in for_each(items, call, concurrency):
        if isinstance(result, PlatformError):
            raise result
        found.append(result)
    return found
