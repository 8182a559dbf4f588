# Copyright: (c) 2026, ai_tenancy contributors
# SPDX-License-Identifier: Apache-2.0
"""What listens at the gateway of a host laboratory: web server, registration, time, load balancer. One process each."""
