"""Every metric of the HTTP side, in one list. Labels are methods, route templates and classes of status; never ids."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("iwp_http_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "iwp_http_request_seconds",
    "Request from first byte read to last byte written",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10),
)
IN_PROGRESS = Gauge("iwp_http_requests_in_progress", "Requests being served")
REJECTED_TOKENS = Counter("iwp_http_tokens_rejected_total", "Access tokens refused, by cause", ["cause"])
BREAK_GLASS = Counter("iwp_http_break_glass_total", "Records opened outside the caller's office, with a reason")
