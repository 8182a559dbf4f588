# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""RKE2 on the machine that a module runs on: its release, files, unit, programs and datastore."""
