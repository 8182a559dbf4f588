# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Files with secrets on the controller: 0600 from their first byte on, and never half written (X-5)."""

from __future__ import annotations

import os
import tempfile

from .core.errors import PlatformError


def needs_writing(path: str, text: str) -> bool:
    """True when the file is missing, has other content, or can be read by others."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read() != text or bool(os.stat(path).st_mode & 0o077)
    except (OSError, UnicodeDecodeError):
        return True


def write_private(path: str, text: str) -> None:
    """Write C(text) to C(path) with mode 0600, in one step. Missing directories are made with mode 0700."""
    directory = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        # mkstemp makes the file with 0600; the rename puts it in place whole or not at all.
        handle, temporary = tempfile.mkstemp(dir=directory, prefix=".kubeconfig-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise PlatformError(f"Cannot write {path}: {error.strerror}.") from error
