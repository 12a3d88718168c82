"""Open cases against what a coach is planned for, and why somebody still waits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import msgspec
import structlog
import yaml
from psycopg import Connection
from psycopg.rows import dict_row
from pydantic import BaseModel, ConfigDict

from contracts.reference import CoachChanged
from referrals import metrics
from referrals.policy_schema import Series
from referrals.rules.dated import Dated, Entry

log = structlog.get_logger()


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    cases_per_coach: Series[int]
    minutes_of_first_interview: Series[int]


class Planning(msgspec.Struct, frozen=True):
    """Planning figures by day: cases at a time for a coach, and minutes of an in-work interview."""

    cases: Dated[int]
    minutes: Dated[int]


@cache
def planning() -> Planning:
    """The figures that ship with the package. Raises pydantic.ValidationError."""
    text = resources.files("referrals").joinpath("policy", "caseload.yaml").read_text(encoding="utf-8")
    file = _File.model_validate(yaml.safe_load(text))
    return Planning(
        _dated("cases_per_coach", file.cases_per_coach), _dated("minutes_of_first_interview", file.minutes_of_first_interview)
    )


def _dated(name: str, series: Series[int]) -> Dated[int]:
    return Dated(name, tuple(Entry(value.from_, value.value, value.until) for value in series.values))


def of_coaches(
    conn: Connection[Any], today: date, *, office: str | None = None, coach: str | None = None
) -> list[dict[str, Any]]:
    """One row per active coach of an office, or one coach: cases by state, the planned number, and whether it is passed."""
    usual = planning().cases.at(today)
    with conn.cursor(row_factory=dict_row) as cursor:
        coaches = cursor.execute(
            "SELECT coach_id, active, trained_in_work, specialisms, minutes_per_day, max_cases FROM coach"
            " WHERE (%(office)s::text IS NULL OR (offices @> ARRAY[%(office)s::text] AND active))"
            " AND (%(coach)s::text IS NULL OR coach_id = %(coach)s) ORDER BY coach_id",
            {"office": office, "coach": coach},
        ).fetchall()
        counted = cursor.execute(
            "SELECT coach_id, state, count(*) AS n FROM worklist WHERE coach_id = ANY(%s) AND state <> 'closed' GROUP BY 1, 2",
            ([row["coach_id"] for row in coaches],),
        ).fetchall()
    by_coach: dict[str, dict[str, int]] = {}
    for row in counted:
        by_coach.setdefault(row["coach_id"], {})[row["state"]] = row["n"]
    return [_load(row, by_coach.get(row["coach_id"], {}), usual) for row in coaches]


def _load(coach: dict[str, Any], by_state: dict[str, int], usual: int) -> dict[str, Any]:
    planned = coach.pop("max_cases") or usual
    cases = sum(by_state.values())
    return {**coach, "cases": cases, "planned_cases": planned, "over": cases > planned, "by_state": by_state}


def watch(conn: Connection[Any], gained: Mapping[str, int]) -> None:
    """Tell when a coach came to have more open cases than planned. gained: cases that each coach got just now."""
    if not gained:
        return
    rows = conn.execute(
        "SELECT w.coach_id, count(*), (SELECT max_cases FROM coach c WHERE c.coach_id = w.coach_id), current_date FROM worklist w"
        " WHERE w.coach_id = ANY(%s) AND w.state <> 'closed' GROUP BY 1",
        (list(gained),),
    )
    for coach_id, cases, max_cases, today in rows:
        planned = max_cases or planning().cases.at(today)
        if cases > planned >= cases - gained[coach_id]:
            metrics.CASELOAD_PASSED.inc()
            log.warning("caseload.passed", coach_id=coach_id, cases=cases, planned=planned)


def contacts_a_day(coach: CoachChanged | None, today: date) -> int | None:
    """First interviews that the coach's day holds; None: no coach, or nothing known of them."""
    return None if coach is None else coach.minutes_per_day // planning().minutes.at(today)
