#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: clusters on hosts: restore, tokens, certificates, removal; fifty agents; and the laboratory's own RKE2 (root, podman)
set -euo pipefail
exec bash tests/gates/hosts.sh tests/integration/hosts/test_rke2_{day_two,standin,scale}.py
