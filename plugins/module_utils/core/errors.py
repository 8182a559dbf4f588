# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Everything that can go wrong, as types.

Low layers raise, only C(module_utils/module.py) and the filters turn an exception into what Ansible shows.
A mistake in an input is never an exception of its own: it is a L(Problem), collected, and reported with all others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: Longest rendering of a bad value inside a message, in characters.
MAX_VALUE_LENGTH = 80


@dataclass(frozen=True)
class Problem:
    """One mistake in an input.

    path: the field, in dotted form with the item's name, for example C(tenants[acme].cluster.servers).
    value: what was found there; never put a secret here.
    allowed: what would be right, as a short phrase.
    """

    path: str
    value: Any
    allowed: str

    def __str__(self) -> str:
        """Render as C(path: value is not allowed; allowed: ...)."""
        shown = repr(self.value)
        if len(shown) > MAX_VALUE_LENGTH:
            shown = shown[: MAX_VALUE_LENGTH - 3] + "..."
        return f"{self.path}: {shown} is not allowed; allowed: {self.allowed}"


class Problems:
    """A collector of L(Problem)s that keeps their order and drops repetitions."""

    def __init__(self) -> None:
        self._items: dict[str, Problem] = {}

    def add(self, path: str, value: Any, allowed: str) -> None:
        """Record one mistake; see L(Problem) for the arguments."""
        problem = Problem(path, value, allowed)
        self._items.setdefault(str(problem), problem)

    def extend(self, other: Problems) -> None:
        """Take over everything that C(other) collected."""
        for problem in other:
            self._items.setdefault(str(problem), problem)

    def __iter__(self) -> Any:
        return iter(list(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return bool(self._items)

    def raise_if_any(self, what: str) -> None:
        """Raise L(ConfigError) about C(what) (for example C(tenants file)) when something was collected."""
        if self._items:
            raise ConfigError(what, list(self._items.values()))


class PlatformError(Exception):
    """Base of all errors of the collection.

    message: what failed, on which object, in the words of the server where there are any.
    next_step: what the operator should do now; empty when the message says it.
    retryable: a later run of the same thing may succeed without any change by the operator.
    """

    retryable = False

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        separator = "\n" if "\n" in self.message else " "  # after a list, on a line of its own
        return f"{self.message}{separator}{self.next_step}".strip()

    @property
    def code(self) -> str:
        """A stable word for programs, derived from the class name: C(ConfigError) is C(config)."""
        return self.__class__.__name__.replace("Error", "").lower()


class ConfigError(PlatformError):
    """The input has mistakes. Nothing was changed and no request was sent."""

    def __init__(self, what: str, problems: list[Problem]) -> None:
        self.what = what
        self.problems = problems
        count = len(problems)
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(
            f"{what}: {count} mistake{'s' if count != 1 else ''}, nothing was changed.\n{lines}",
            "",
        )


class RefusedError(PlatformError):
    """The request is well-formed but would do harm (cut what is in use, lose data, change what cannot change)."""


class AuthError(PlatformError):
    """The server does not accept the credentials, or they may not do this."""


class NotFoundError(PlatformError):
    """The object does not exist."""


class ConflictError(PlatformError):
    """Another writer owns the field or changed the object in between.

    manager: the other field manager's name when the server said it, else an empty string.
    """

    def __init__(self, message: str, next_step: str = "", manager: str = "") -> None:
        super().__init__(message, next_step)
        self.manager = manager


class UnreachableError(PlatformError):
    """No answer at all: refused, reset, timed out, name not resolvable, TLS not trusted."""

    retryable = True


class RemoteError(PlatformError):
    """The server answered with an error.

    status: the HTTP status. reason: the server's machine-readable reason or an empty string.
    retry_after: seconds the server asked to wait, or None.
    """

    def __init__(
        self,
        message: str,
        next_step: str = "",
        status: int = 0,
        reason: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, next_step)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after

    @property
    def transient(self) -> bool:
        """True for answers after which the same idempotent call may be sent again."""
        return self.status in (408, 425, 429, 500, 502, 503, 504)


class StuckError(PlatformError):
    """Something will not get ready by itself: its system names a cause that somebody has to remove first."""


class WaitTimeoutError(PlatformError):
    """Something did not get ready in time; the message carries the last state that was seen."""

    retryable = True
