#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: ansible-lint, profile production, no skips
set -euo pipefail
cd "$STAGE/ansible_collections/$NAMESPACE/$NAME"
ANSIBLE_COLLECTIONS_PATH=$STAGE ansible-lint --offline --strict --profile production
