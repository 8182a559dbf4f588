# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""The file that keeps the state over a restart: documents by collection and key, in SQLite."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


class Database:
    """Writes cost only what has changed, and a killed process loses nothing that was answered.

    The file has mode 0600, for it holds secrets. Not thread-safe, but may be used by one thread after another.
    """

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS documents (collection TEXT, key TEXT, body TEXT, PRIMARY KEY (collection, key))"
        )

    def load(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield collection, key and document of everything, in the order of its first writing."""
        rows = self._connection.execute("SELECT collection, key, body FROM documents ORDER BY rowid")
        for collection, key, body in rows:
            yield collection, key, json.loads(body)

    def write(self, changes: Iterable[tuple[str, str, dict[str, Any] | None]]) -> None:
        """Write new and changed documents and delete those that are None, all or none of them."""
        self._connection.execute("BEGIN")
        for collection, key, document in changes:
            if document is None:
                self._connection.execute("DELETE FROM documents WHERE collection = ? AND key = ?", (collection, key))
            else:
                self._connection.execute(
                    "INSERT INTO documents VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
                    (collection, key, json.dumps(document)),
                )
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
