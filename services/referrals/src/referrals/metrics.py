"""Metrics of this service beside the shell's. No ids in labels."""

from __future__ import annotations

from prometheus_client import Counter

CASELOAD_PASSED = Counter("iwp_referrals_caseload_passed_total", "Coaches who came to have more open cases than planned")
