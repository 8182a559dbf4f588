#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: ansible-test sanity, without ignore files; also on Python 3.9, the oldest on managed hosts
set -euo pipefail
# ansible-test downloads pip from a server of its own and caches virtual environments in the home directory:
# it gets a home of its own, prepared from the package index.
home=$CACHE/ansible-test
python tests/gates/ansible_test_home.py "$home"
cd "$STAGE/ansible_collections/$NAMESPACE/$NAME"
rm -rf tests/output
version=$(python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
code=0
HOME=$home ansible-test sanity --python "$version" --color no || code=1

if oldest=$(. "$ROOT/scripts/lib.sh" && find_python 9 9); then
    mkdir -p "$WORK/bin"
    ln -sf "$oldest" "$WORK/bin/python3.9"
    HOME=$home PATH=$WORK/bin:$PATH ansible-test sanity --python 3.9 --color no --test compile --test import plugins/ || code=1
else
    echo "no Python 3.9 on this machine: only vermin (gate style) watches over it"
fi
exit $code
