"""The watch in the database: counts what is raised, opens holds, and sends the answer of a hold to its flags."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from psycopg import Connection

from referrals.breaker.gate import Allowance
from referrals.breaker.holding import HoldAnswer
from referrals.desk import KIND, timer_id
from referrals.model import ClaimDoc, Flag, OpenHold, Person
from referrals.rules.evaluation import Book
from referrals.rules.schedule import mass_flag_hold
from streaming import due
from streaming.documents import Collision
from streaming.work import DueItem, derive_id

log = structlog.get_logger()
HOUR = timedelta(hours=1)


class Watch:
    """One process's watch. It remembers the busy hours of the past, which change once an hour."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._past: tuple[datetime, list[int]] | None = None

    def glance(self, conn: Connection[Any], now: datetime) -> Allowance:
        """For the service's Spec. An open hold is read shared: whoever answers it waits for the transactions that saw it."""
        row = conn.execute("SELECT hold_id, since FROM flag_hold WHERE state = 'open' FOR SHARE").fetchone()
        if row is not None:
            hold = OpenHold(hold_id=row[0], since=row[1])
            return Allowance(hold, 0, hold)
        return self._allowance(conn, now)[0]

    def _allowance(self, conn: Connection[Any], now: datetime) -> tuple[Allowance, int, float, float]:
        """(what may still be raised, raised in the rolling hour, median, limit), while no hold is open."""
        [(allow_until, closed_at, number)] = conn.execute(
            "SELECT max(allow_until), max(closed_at), count(*) FROM flag_hold"
        ).fetchall()
        parameters = self._book.parameters
        since = max(now - HOUR, closed_at) if closed_at is not None else now - HOUR
        [(count,)] = conn.execute(
            "SELECT count(*) FROM flag_watch WHERE raised_at > %s AND raised_at <= %s", (since, now)
        ).fetchall()
        median, limit, _ = mass_flag_hold(self._hourly(conn, now), count, parameters)
        within = max(parameters.band_floor - 1, int(limit))
        left = sys.maxsize if allow_until is not None and allow_until > now else max(0, within - count)
        # Two transactions that pass the band at once open the same hold.
        following = OpenHold(hold_id=derive_id("flag-hold", str(number)), since=since)
        return Allowance(None, left, following), count, median, limit

    def follow(self, conn: Connection[Any], docs: Iterable[tuple[ClaimDoc | None, ClaimDoc | None]]) -> None:
        """Note flags that were raised or held, forget those withdrawn, and open the hold that the first one waits for.

        docs: claims before and after the transaction.
        """
        rows: list[tuple[Any, ...]] = []
        over: list[tuple[str, str]] = []
        wanted: dict[str, datetime] = {}
        for before, after in docs:
            for person in after.people.values() if after is not None else ():
                then = before.people.get(person.claimant_id) if before is not None else None
                if after is None or then is person:
                    continue
                for flag in person.flags.values():
                    known = then.flags.get(flag.flag_id) if then is not None else None
                    if known is flag or flag.family == "outcome":
                        continue
                    if flag.state == "withdrawn":
                        over.append((after.claim_id, flag.flag_id))
                    elif _watched(flag) != (None if known is None else _watched(known)):
                        rows.append(_row(after, person, flag))
                        hold_id = _held(flag)  # one that ended keeps the name of its hold, which may be answered by now
                        if hold_id is not None and flag.held_at is not None:
                            wanted[hold_id] = flag.held_at
        for hold_id, held_at in wanted.items():
            self._open(conn, hold_id, held_at, sum(row[-2] is not None for row in rows))
        _keep(conn, rows)
        _drop(conn, over)

    def _open(self, conn: Connection[Any], hold_id: str, now: datetime, raised: int) -> None:
        """Make sure that the hold is there, and open until this transaction ends."""
        found = conn.execute("SELECT state FROM flag_hold WHERE hold_id = %s FOR SHARE", (hold_id,)).fetchone()
        if found is None:
            allowance, count, median, limit = self._allowance(conn, now)
            made = conn.execute(
                "INSERT INTO flag_hold (hold_id, state, since, opened_at, rolling_hour, median, band, rule_set)"
                " VALUES (%s, 'open', %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (hold_id, allowance.following.since, now, count + raised, median, limit, self._book.version),
            )
            if made.rowcount:
                log.warning("flags.held", hold_id=hold_id, rolling_hour=count + raised, median=median, band=limit)
            else:
                found = conn.execute("SELECT state FROM flag_hold WHERE hold_id = %s FOR SHARE", (hold_id,)).fetchone()
        if found is not None and found[0] != "open":
            raise Collision  # it was answered meanwhile: judge again with what is true now

    def _hourly(self, conn: Connection[Any], now: datetime) -> Sequence[int]:
        """Flags in each hour of the days before the one that is counted now; hours without any are left out."""
        upto = (now - HOUR).replace(minute=0, second=0, microsecond=0)
        if self._past is None or self._past[0] != upto:
            start = upto - timedelta(days=self._book.parameters.band_history_days)
            rows = conn.execute(
                "SELECT count(*) FROM flag_watch WHERE raised_at >= %s AND raised_at < %s GROUP BY date_trunc('hour', raised_at)",
                (start, upto),
            )
            self._past = (upto, [row[0] for row in rows])
        return self._past[1]


def _held(flag: Flag) -> str | None:
    return flag.held if flag.state in ("planned", "raised") else None


def _watched(flag: Flag) -> tuple[datetime | None, str | None]:
    """When it was raised by itself, and what it waits for."""
    return (None if flag.signed_off else flag.raised_at, _held(flag))


def _row(doc: ClaimDoc, person: Person, flag: Flag) -> tuple[Any, ...]:
    member = doc.member(person.claimant_id)
    periods = sorted(doc.periods.values(), key=lambda period: period.start)
    place = next((n for n, period in enumerate(periods) if period.period_id == flag.period_id), None)
    own = periods[place].person(person.claimant_id) if place is not None else None
    before = periods[place - 1].person(person.claimant_id) if place else None
    change = None
    if own is not None and before is not None and own.attributed_pence is not None and before.attributed_pence:
        change = round((own.attributed_pence / before.attributed_pence - 1) * 100)
    largest = max(own.employments, key=lambda job: job.gross_pence, default=None) if own is not None else None
    return (
        doc.claim_id,
        flag.flag_id,
        person.claimant_id,
        flag.rule_id,
        member.office_id if member is not None else None,
        largest.employer_id if largest is not None else None,
        change,
        *_watched(flag),
    )


def _keep(conn: Connection[Any], rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        conn.execute(
            "INSERT INTO flag_watch SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],"
            " %s::bigint[], %s::timestamptz[], %s::text[]) ON CONFLICT (claim_id, flag_id) DO UPDATE SET"
            " pay_change = excluded.pay_change, raised_at = excluded.raised_at, hold_id = excluded.hold_id",
            [list(column) for column in zip(*rows, strict=True)],
        )


def _drop(conn: Connection[Any], flags: Sequence[tuple[str, str]]) -> None:
    """Flags that were withdrawn: they wait for nothing, and nobody was flagged by them."""
    if flags:
        conn.execute(
            "DELETE FROM flag_watch w USING unnest(%s::text[], %s::text[]) AS u(c, f) WHERE w.claim_id = u.c AND w.flag_id = u.f",
            ([claim_id for claim_id, _ in flags], [flag_id for _, flag_id in flags]),
        )


def close(conn: Connection[Any], answer: HoldAnswer) -> None:
    """Close the hold, and wake every flag that belongs to it."""
    state = "released" if answer.answer == "release" else "discarded"
    conn.execute(
        "UPDATE flag_hold SET state = %s, closed_at = %s, closed_by = %s, reason = %s, allow_until = %s WHERE hold_id = %s",
        (state, answer.at, answer.by, answer.reason, answer.allow_until, answer.hold_id),
    )
    rows = conn.execute(
        "SELECT w.claim_id, w.claimant_id, w.flag_id FROM flag_watch w, flag_hold h WHERE h.hold_id = %s"
        " AND (w.hold_id = h.hold_id OR (%s AND w.raised_at > h.since AND w.raised_at <= h.closed_at))",
        (answer.hold_id, answer.answer == "discard"),
    ).fetchall()
    items = {}
    for claim_id, claimant_id, flag_id in rows:
        payload = {"claimant_id": claimant_id, "flag_id": flag_id, "answer": answer.answer}
        name = timer_id("sign-off", flag_id)
        items[name] = DueItem(name, (KIND, claim_id), answer.at, "sign-off", payload, answer.hold_id, answer.hold_id)
    due.write(conn, items, [])


def forget(conn: Connection[Any], people: Sequence[tuple[str, str]]) -> None:
    """Erasure."""
    conn.execute(
        "DELETE FROM flag_watch w USING unnest(%s::text[], %s::text[]) AS u(c, p) WHERE w.claim_id = u.c AND w.claimant_id = u.p",
        ([claim_id for claim_id, _ in people], [person for _, person in people]),
    )


# ---- queries ----

_HOLD = "hold_id, state, since, opened_at, rolling_hour, median, band, rule_set, closed_at, closed_by, reason, allow_until"


def holds(conn: Connection[Any], state: str | None, after: tuple[datetime, str] | None, limit: int) -> list[Mapping[str, Any]]:
    """Holds, newest first."""
    at, key = after or (None, None)
    cursor = conn.execute(
        f"SELECT {_HOLD} FROM flag_hold WHERE (%s::text IS NULL OR state = %s)"  # noqa: S608
        " AND (%s::timestamptz IS NULL OR (opened_at, hold_id) < (%s, %s)) ORDER BY opened_at DESC, hold_id DESC LIMIT %s",
        (state, state, at, at, key, limit),
    )
    names = _HOLD.split(", ")
    return [dict(zip(names, row, strict=True)) for row in cursor]


def hold(conn: Connection[Any], hold_id: str) -> Mapping[str, Any] | None:
    """One hold."""
    row = conn.execute(f"SELECT {_HOLD} FROM flag_hold WHERE hold_id = %s", (hold_id,)).fetchone()  # noqa: S608
    return None if row is None else dict(zip(_HOLD.split(", "), row, strict=True))


def report(conn: Connection[Any], hold_id: str) -> dict[str, Any]:
    """What the flags of the hold have in common: numbers only."""
    mine = (
        "FROM flag_watch w JOIN flag_hold h ON h.hold_id = %s AND (w.hold_id = h.hold_id"
        " OR (w.raised_at > h.since AND w.raised_at <= coalesce(h.closed_at, 'infinity')))"
    )

    def by(what: str, limit: int = 20) -> dict[str, int]:
        query = f"SELECT coalesce({what}, 'unknown'), count(*) {mine} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {limit}"
        return dict(conn.execute(query, (hold_id,)).fetchall())

    [(held, raised)] = conn.execute(
        f"SELECT count(w.hold_id), count(*) FILTER (WHERE w.hold_id IS NULL) {mine}",
        (hold_id,),
    ).fetchall()
    tens = "(floor(w.pay_change / 10.0) * 10)::int::text || ' to ' || (floor(w.pay_change / 10.0) * 10 + 10)::int::text || ' %%'"
    return {
        "held": held,
        "raised_before": raised,
        "by_rule": by("w.rule_id"),
        "by_office": by("w.office_id"),
        "by_employer": by("w.employer_id", 10),
        "by_pay_change": by(tens),
    }
