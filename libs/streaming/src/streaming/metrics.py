"""Every metric of the shell, in one list. Labels carry topics, partitions and step names; never ids."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
RECORDS_EACH = (1, 10, 50, 100, 500, 1000, 2000, 4000, 8000)

RECORDS = Counter("iwp_records_total", "Records consumed, by topic and outcome", ["topic", "outcome"])
CHUNK_SECONDS = Histogram(
    "iwp_chunk_seconds",
    "One merged chunk from BEGIN to COMMIT",
    buckets=SECONDS,
)
CHUNK_RECORDS = Histogram("iwp_chunk_records", "Records in one merged chunk", buckets=RECORDS_EACH)
REDONE = Counter("iwp_transactions_redone_total", "Transactions rolled back and redone, by cause", ["cause"])
FENCED = Counter("iwp_chunks_fenced_total", "Chunks whose offset row had moved", ["what"])
DEAD_LETTERS = Counter("iwp_dead_letters_total", "Records quarantined, by topic and reason", ["topic", "reason"])
PARKED = Counter("iwp_parked_total", "Roots parked")
TIMERS = Counter("iwp_timers_fired_total", "Due items fired, by name", ["name"])
COMMANDS = Counter("iwp_commands_total", "Commands, by result", ["result"])
LAG_RECORDS = Gauge("iwp_lag_records", "Records not yet applied", ["topic"])
LAG_SECONDS = Gauge("iwp_lag_seconds", "Age of the oldest record not yet applied", ["topic"])
PARKED_ROOTS = Gauge("iwp_parked_roots", "Roots that wait for an operator")
OUTBOX_OLDEST_SECONDS = Gauge("iwp_outbox_oldest_seconds", "Age of the oldest unpublished event")
RELAYED = Counter("iwp_relayed_total", "Events published", ["topic"])
RELAY_LEADER = Gauge("iwp_relay_leader", "1 while this relay holds the lease")
