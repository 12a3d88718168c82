"""Answers what-ifs one after the other, in a process of its own with low priority, started by whoever asks.

Only one such process works at a time; it ends when nothing waits. A question whose process died, or had no database, is begun
anew by the next; any other trouble with a question is its answer (`failed`), so that those behind it are answered.
"""

from __future__ import annotations

import subprocess
import sys
import threading

import msgspec
import psycopg
import structlog
from psycopg import Connection

from referrals.whatif import store
from referrals.whatif.compare import Row
from referrals.whatif.run import ask
from streaming.database import connector
from streaming.session import describe
from streaming.unit_of_work import is_infrastructure

log = structlog.get_logger()
_LOCK = 0x77686174  # "what": the advisory lock that the one working process holds
_BATCH = 2000


def answer_waiting(url: str) -> int:
    """Answer until nothing waits; returns how many were answered. 0 also when another process is at it."""
    count = 0
    with connector(url, "referrals what-if")() as conn:
        while _locked(conn):
            # Somebody may ask between the last look and the end of this process: look again after letting go.
            while (taken := store.take(conn)) is not None:
                _answer(conn, url, *taken)
                count += 1
            conn.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
            if conn.execute("SELECT 1 FROM what_if WHERE state = 'waiting'").fetchone() is None:
                break
    return count


def _locked(conn: Connection[tuple[bool]]) -> bool:
    row = conn.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
    return row is not None and row[0]


def _answer(conn: Connection[tuple[bool]], url: str, run_id: str, question: bytes) -> None:
    waiting: list[Row] = []
    kept = 0

    def put() -> None:
        nonlocal kept
        store.keep(conn, run_id, kept, waiting)
        kept += len(waiting)
        waiting.clear()

    def keep(row: Row) -> None:
        waiting.append(row)
        if len(waiting) >= _BATCH:
            put()

    try:
        report = ask(
            url,
            store.asked(question),
            progress=lambda done, of: store.progress(conn, run_id, done, of),
            keep=keep,
        )
        put()
        store.finish(conn, run_id, msgspec.json.encode(report))
    except Exception as error:
        if isinstance(error, psycopg.Error) and is_infrastructure(error):
            raise
        log.error("what_if.failed", run_id=run_id, error=describe(error))
        store.finish(conn, run_id, None)


def start() -> None:
    """Start a process that answers what waits, and do not wait for it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "referrals", "what-if-answer"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    # Collected when it ends, so that no dead process stays behind.
    threading.Thread(target=process.wait, name="what-if", daemon=True).start()
