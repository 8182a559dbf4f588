# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Files of values that are secrets: what is in them is known, so that no difference shows it (X-5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.ai_tenancy.platform.plugins.module_utils.core.errors import RefusedError
from ansible_collections.ai_tenancy.platform.plugins.module_utils.kube.manifests import secret_texts


def test_the_texts_of_all_files_are_known(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"clearml": {"apiKey": "KEY", "apiSecret": "word"}}', encoding="utf-8")
    (tmp_path / "b").write_text("more: [text, 1]", encoding="utf-8")
    assert secret_texts([str(tmp_path / "a"), str(tmp_path / "b")]) == ["KEY", "word", "text"]
    assert secret_texts([]) == []


@pytest.mark.parametrize("content", [None, "{"])
def test_a_file_that_cannot_be_read_is_told_without_its_content(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "values"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(RefusedError, match="is no readable file of values"):
        secret_texts([str(path)])
