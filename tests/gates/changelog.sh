#!/usr/bin/env bash
# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
# Gate: antsibull-changelog: fragments and configuration
set -euo pipefail
antsibull-changelog lint
