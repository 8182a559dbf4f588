#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: antsibull-docs: documentation of plugins and roles, and every reference in it
set -euo pipefail
cd "$STAGE/ansible_collections/$NAMESPACE/$NAME"
ANSIBLE_COLLECTIONS_PATH=$STAGE antsibull-docs lint-collection-docs . --plugin-docs --validate-collection-refs=all
