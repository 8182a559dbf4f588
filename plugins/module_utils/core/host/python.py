# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""Find a Python that Ansible can use, where no module can run yet."""

from __future__ import annotations

import re

#: Newest first. SLES 15's own python3 is 3.6, too old for ansible-core; SLES 16 has 3.13.
CANDIDATES = (*(f"/usr/bin/python3.{minor}" for minor in (13, 12, 11, 10, 9)), "/usr/bin/python3")
#: A path without anything that a shell would take for more than a path.
_PATH = re.compile(r"/[A-Za-z0-9._/+-]+")


def probe_command(interpreter: str = "") -> str:
    """Return a shell command that prints the path of a Python 3.9 or newer, or nothing, and always ends well.

    interpreter: the one that the inventory names, tried first; what is no plain path (such as C(auto)) is left out.
    """
    paths = [interpreter] if _PATH.fullmatch(interpreter) else []
    test = "import sys; sys.exit(sys.version_info < (3, 9))"
    return (
        f"for python in {' '.join([*paths, *CANDIDATES])}; do "
        f"""if [ -x "$python" ] && "$python" -c '{test}'; then echo "$python"; exit 0; fi; """
        "done; exit 0"
    )
