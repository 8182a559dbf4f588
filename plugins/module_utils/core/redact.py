# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Keep secrets out of everything that a person or a log can see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MASK = "********"
#: A value shorter than this is not replaced inside text: it would tear ordinary words apart.
MIN_SECRET_LENGTH = 6


class Redactor:
    """Knows the secrets of this run and replaces them by a constant mask, in text and in nested data."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """Add one secret, as soon as it arrives. Longer ones are replaced first, so that no part survives."""
        if len(secret) >= MIN_SECRET_LENGTH and secret not in self._secrets:
            self._secrets.append(secret)
            self._secrets.sort(key=len, reverse=True)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is known so far, longest first."""
        return tuple(self._secrets)

    def text(self, text: str) -> str:
        """Return C(text) with every known secret masked."""
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def data(self, value: Any) -> Any:
        """Return a copy of nested data with every known secret masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.data(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.data(inner) for inner in value]
        return value


#: What a user of a kubeconfig has that nobody may see.
_OF_USER = ("token", "password", "client-key-data")


def secrets_in_kubeconfig(kubeconfig: Mapping[str, Any]) -> Iterator[str]:
    """Keys, tokens and passwords of all users of a kubeconfig, as they stand there."""
    for entry in kubeconfig.get("users") or []:
        for name, value in (entry.get("user") or {}).items():
            # Not an empty one: Ansible would mask every place between two letters.
            if name in _OF_USER and isinstance(value, str) and value:
                yield value


def texts_in(value: Any) -> Iterator[str]:
    """Every text in nested data, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts_in(inner)
