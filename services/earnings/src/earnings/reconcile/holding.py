"""What was seen, held against the ledger, inside the database: memory stays flat however long the log is.

Each check is a question whose answer is the list of messages that are not explained. Order of processing is known only
within a partition, and only while the log still holds a record's whole past, so checks that need more are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from psycopg import Connection

from contracts import topics
from earnings.reconcile.looking import Seen
from streaming.broker import Bounds, Partition

TABLES = """
CREATE TEMP TABLE seen (
    topic text NOT NULL, part bigint NOT NULL, "offset" bigint NOT NULL, day date NOT NULL, record_id text, form text NOT NULL,
    reason text, rank bigint, content text, whole boolean NOT NULL, mark boolean NOT NULL,
    PRIMARY KEY (topic, part, "offset"));
CREATE TEMP TABLE log (topic text NOT NULL, part bigint NOT NULL, first bigint NOT NULL, next bigint NOT NULL,
    PRIMARY KEY (topic, part));
"""

EVENTS = (topics.CLAIMANT_EASEMENT, topics.CLAIMANT_CONDITIONALITY)
OUTSIDE = ("never_matched", "claim_deleted", "claimant_deleted")
SEALED = ("data_key_refused", "not_decryptable")
"""Why a message that looks whole from outside is refused all the same: what only opening it shows."""


class Unexplained(NamedTuple):
    """A message (or a ledger row without one) for which the ledger has no answer that its topic bears out."""

    topic: str
    partition: int
    offset: int
    record_id: str | None
    outcome: str | None
    reason: str | None
    finding: str


def prepare(conn: Connection[Any]) -> None:
    """The tables of this session."""
    for statement in TABLES.split(";\n"):
        if statement.strip():
            conn.execute(statement)


def add(conn: Connection[Any], rows: Iterable[Seen]) -> None:
    """Keep what was seen."""
    with conn.cursor().copy("COPY seen FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row._replace(content=None if row.content is None else row.content.hex()))  # type: ignore[arg-type]


def limits(conn: Connection[Any], bounds: Mapping[Partition, Bounds], reached: Mapping[Partition, int]) -> None:
    """What part of each partition was read; then everything is ready for checks."""
    with conn.cursor().copy("COPY log FROM STDIN") as copy:
        for (topic, part), found in bounds.items():
            copy.write_row((topic, part, found.begin, reached[topic, part]))
    conn.execute("ANALYZE seen")


_ROW = 'topic, part, "offset", record_id, outcome, reason, finding'

ROWS = f"""
SELECT {_ROW} FROM (
  SELECT s.topic, s.part, s."offset", s.record_id, l.outcome, l.reason, s.form,
    CASE
      WHEN l.topic IS NULL AND s."offset" >= coalesce(p.next_offset, 0) THEN 'not taken in yet'
      WHEN l.topic IS NULL THEN 'no ledger row'
      WHEN s.form = 'bad' AND l.outcome <> 'quarantined' THEN 'cannot be used (' || s.reason || ') but was not quarantined'
      WHEN s.form = 'bad' AND l.reason IS DISTINCT FROM s.reason THEN 'quarantined for another reason than ' || s.reason
      WHEN s.form = 'ignored' AND l.outcome <> 'ignored' THEN 'is not for this service (' || s.reason || ')'
      WHEN l.outcome = 'quarantined' AND d.topic IS NULL THEN 'quarantined without a dead letter'
      WHEN s.form = 'good' AND l.outcome = 'quarantined' AND NOT (
        (s.topic = %(rti)s AND l.reason = 'payment_conflict')
        OR (NOT s.whole AND (l.reason = ANY(%(sealed)s) OR l.reason LIKE 'bad_field:%%')))
        THEN 'quarantined, though it can be used'
      WHEN s.form = 'good' AND l.outcome = 'ignored' AND NOT coalesce(l.reason = ANY(%(outside)s), false)
        THEN 'ignored, though it is for this service'
      WHEN l.outcome = 'pending' AND l.reason = 'parked' AND i.topic IS NULL THEN 'parked, but nothing is kept of it'
      WHEN l.outcome = 'pending' AND l.reason IS DISTINCT FROM 'parked' AND s.topic <> ALL(%(waiting)s)
        THEN 'pending, though such messages never wait'
      WHEN l.outcome NOT IN ('applied', 'superseded', 'duplicate', 'pending', 'quarantined', 'ignored') THEN 'no such outcome'
      WHEN l.record_id IS DISTINCT FROM s.record_id THEN 'the ledger names another record'
    END AS finding
  FROM seen s
  LEFT JOIN ledger l USING (topic, part, "offset")
  LEFT JOIN progress p ON p.topic = s.topic AND p.part = s.part AND p.consumer = 'earnings'
  LEFT JOIN dead_letter d ON (d.topic, d.part, d."offset") = (s.topic, s.part, s."offset")
  LEFT JOIN parked_item i ON (i.topic, i.part, i."offset") = (s.topic, s.part, s."offset")
) found WHERE finding IS NOT NULL
UNION ALL
SELECT l.topic, l.part, l."offset", l.record_id, l.outcome, l.reason, 'a ledger row without a message'
FROM ledger l JOIN log g ON g.topic = l.topic AND g.part = l.part AND l."offset" >= g.first AND l."offset" < g.next
LEFT JOIN seen s ON (s.topic, s.part, s."offset") = (l.topic, l.part, l."offset") WHERE s.topic IS NULL
"""  # noqa: S608 - no value is put into the text

USABLE = """
CREATE TEMP TABLE usable ON COMMIT DROP AS
WITH blurred AS (
  SELECT l.topic, l.record_id FROM ledger l JOIN log g ON g.topic = l.topic AND g.part = l.part AND l."offset" < g.first
  UNION SELECT s.topic, s.record_id FROM seen s JOIN dead_letter d USING (topic, part, "offset") WHERE d.replayed_at IS NOT NULL
), unjudged AS (
  SELECT topic, record_id FROM seen WHERE form = 'good' AND rank IS NULL AND topic <> %(rti)s
  UNION SELECT e.topic, s.record_id FROM seen s, unnest(%(events)s::text[]) AS e(topic)
  WHERE s.topic = %(claimants)s AND s.content = %(deleted)s
)
SELECT s.*, l.outcome, l.reason AS why, l.outcome IN ('applied', 'pending', 'ignored') AS used,
  EXISTS (SELECT FROM blurred b WHERE b.topic = s.topic AND b.record_id = s.record_id) AS blurred
FROM seen s JOIN ledger l USING (topic, part, "offset")
WHERE s.form = 'good' AND l.reason IS DISTINCT FROM 'parked' AND l.reason IS DISTINCT FROM 'claimant_deleted'
  AND (l.outcome <> 'quarantined' OR l.reason = 'payment_conflict')
  AND NOT EXISTS (SELECT FROM unjudged u WHERE u.topic = s.topic AND u.record_id = s.record_id)
"""

_FIRST = """
    min(part) OVER record = max(part) OVER record
      AND row_number() OVER (PARTITION BY topic, record_id ORDER BY part, "offset") = 1 AS first,
"""

VERSIONS = f"""
SELECT topic, part, "offset", record_id, outcome, why, finding FROM (
  SELECT w.*, CASE
    WHEN first AND NOT used AND NOT blurred AND NOT (outcome = 'superseded' AND topic = %(statements)s)  -- while it waited
      THEN 'first of its record, but not used'
    WHEN rank = top AND NOT told AND NOT blurred THEN 'newest of its record, but not used'
    WHEN outcome = 'superseded' AND rank = top AND at_this_time = 1 AND NOT blurred THEN 'superseded, but nothing is newer'
    WHEN outcome = 'duplicate' AND NOT blurred AND (at_this_time = 1 OR (all_whole AND equal = 1)) THEN 'duplicate of nothing'
    WHEN before > rank AND outcome NOT IN ('superseded', 'quarantined') AND NOT blurred THEN 'used after a newer version'
    WHEN used AND one_content AND uses > 1 THEN 'used twice'
  END AS finding FROM (
    SELECT u.*, {_FIRST} max(rank) OVER record AS top, count(*) OVER moment AS at_this_time, bool_or(used) OVER moment AS told,
      bool_and(whole) OVER moment AS all_whole, min(content) OVER moment = max(content) OVER moment AS one_content,
      count(*) FILTER (WHERE used) OVER moment AS uses,
      count(*) OVER (PARTITION BY topic, record_id, rank, content) AS equal,
      max(rank) OVER (PARTITION BY topic, record_id, part ORDER BY "offset" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        AS before
    FROM usable u WHERE topic <> %(rti)s
    WINDOW record AS (PARTITION BY topic, record_id), moment AS (PARTITION BY topic, record_id, rank)) w
) found WHERE finding IS NOT NULL
"""  # noqa: S608

PAYMENTS = f"""
SELECT topic, part, "offset", record_id, outcome, why, finding FROM (
  SELECT w.*, CASE
    WHEN first AND NOT used AND NOT blurred THEN 'first report of its id, but not used'
    WHEN NOT told AND NOT blurred THEN 'no report of its id was used'
    WHEN outcome = 'superseded' THEN 'a payment is never superseded'
    WHEN outcome = 'duplicate' AND equal = 1 AND NOT blurred THEN 'duplicate of nothing'
    WHEN outcome = 'quarantined' AND equal = everything AND NOT blurred THEN 'conflicts with nothing'
    WHEN used AND NOT mark AND plain_uses > 1 THEN 'used twice'
    WHEN used AND equal_uses < uses THEN 'used, though another report of its id says otherwise'
  END AS finding FROM (
    SELECT u.*, {_FIRST} bool_or(used) OVER record AS told, count(*) OVER record AS everything,
      count(*) FILTER (WHERE used) OVER record AS uses, count(*) FILTER (WHERE used AND NOT mark) OVER record AS plain_uses,
      count(*) OVER same AS equal, count(*) FILTER (WHERE used) OVER same AS equal_uses
    FROM usable u WHERE topic = %(rti)s
    WINDOW record AS (PARTITION BY topic, record_id), same AS (PARTITION BY topic, record_id, content)) w
) found WHERE finding IS NOT NULL
"""  # noqa: S608


def unexplained(conn: Connection[Any], deleted: bytes) -> list[Unexplained]:
    """Messages that the ledger does not explain. Inside a transaction; `limits` was called. deleted: content of a delete."""
    values = {
        "rti": topics.RTI_PAYMENT,
        "claimants": topics.UCFS_CLAIMANT,
        "events": list(EVENTS),
        "statements": topics.UCFS_STATEMENT,
        "waiting": [topics.RTI_PAYMENT, topics.UCFS_STATEMENT],
        "sealed": list(SEALED),
        "outside": list(OUTSIDE),
        "deleted": deleted.hex(),
    }
    found = [Unexplained(*row) for row in conn.execute(ROWS, values)]
    conn.execute(USABLE, values)
    named = {row[:3] for row in found}
    for question in (VERSIONS, PAYMENTS):
        found += [Unexplained(*row) for row in conn.execute(question, values) if row[:3] not in named]
    return sorted(found, key=lambda row: row[:3])
