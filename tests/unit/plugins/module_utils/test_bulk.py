# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""One thing for many items at once (X-7)."""

from __future__ import annotations

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.bulk import for_all, for_each
from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import NotFoundError

done: list[int] = []


def half(number: int) -> int:
    done.append(number)
    if number % 2:
        raise NotFoundError(f"{number} is odd")
    return number // 2


@pytest.mark.parametrize("concurrency", [1, 4])
def test_results_stand_in_the_order_of_the_items_and_errors_among_them(concurrency: int) -> None:
    first, second, third = for_each([2, 3, 4], half, concurrency)
    assert (first, third) == (1, 2)
    assert isinstance(second, NotFoundError)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_all_or_the_first_error_once_all_are_done(concurrency: int) -> None:
    assert for_all([2, 4, 6], half, concurrency) == [1, 2, 3]
    done.clear()
    with pytest.raises(NotFoundError, match="3 is odd"):
        for_all([2, 3, 5, 8], half, concurrency)
    assert sorted(done) == [2, 3, 5, 8]
