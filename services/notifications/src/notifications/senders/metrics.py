"""The sender's metrics, in one list. Labels are words of ours, never ids."""

from __future__ import annotations

from prometheus_client import Counter

CALLS = Counter("iwp_provider_calls_total", "Messages handed to the provider, by what it answered", ["answer"])
LOOK_UPS = Counter("iwp_provider_look_ups_total", "Look-ups by reference after an unknown result, by what was found", ["found"])
FAILED = Counter("iwp_sender_failures_total", "Messages on which the sender itself failed; they are tried again")
