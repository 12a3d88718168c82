"""Worked cases of earnings as facts in time: what their short forms stand for, before anything judges them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import yaml

from contracts.ids import employer_id, employment_id
from earnings.model import Payment, Source
from earnings.rules.calendar import LONDON, london_day, series

FOLDER = Path(__file__).parents[1] / "oracle" / "cases"
DAY = timedelta(days=1)


def cases(files: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The cases of these files, or of all."""
    chosen = sorted(FOLDER.glob("*.yaml")) if files is None else [FOLDER / f"{name}.yaml" for name in files]
    return [case for file in chosen for case in yaml.safe_load(file.read_text(encoding="utf-8"))["cases"]]


def pence(pounds: str) -> int:
    return round(Fraction(pounds) * 100)


def pounds(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), LONDON)


def payment(payment_id: str, job: str, paid_on: date, at: datetime, gross: int, **more: Any) -> Payment:
    """A report as the rules take it; its job is known by its payroll id."""
    fields: dict[str, Any] = {"employer": "123/A246", "frequency": "M1", "year_to_date": None} | more
    return Payment(
        payment_id=payment_id,
        job=job,
        payroll_id=job,
        paid_on=paid_on,
        received_at=at,
        received_on=london_day(at),
        submitted_at=at,
        gross=gross,
        taxable=gross,
        source=Source("rti", 0, 0),
        content=f"{job}|{paid_on}|{gross}".encode(),
        **fields,
    )


class Script:
    """A case of kind `earnings`: its periods, its jobs by the case's names, and the reports in order of arrival."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.first = date.fromisoformat(given["ap"]["first_start"])
        count = given["ap"]["count"]
        self.periods = series(self.first, (), self.first + timedelta(days=31 * count + 31))[:count]
        self.ends = [noon(period.end + DAY) for period in self.periods]
        self.jobs: dict[str, dict[str, Any]] = {job["id"]: job for job in given.get("employments", ())}
        if "period_totals" in given:
            self.jobs = {"E1": {"id": "E1", "paye": "123/A246", "payroll_id": "1", "frequency": given["frequency"]}}

    def names(self, claimant: str) -> dict[str, str]:
        """employment id → the case's name of the job."""
        return {employment_id(claimant, employer_id(job["paye"]), job["payroll_id"]): name for name, job in self.jobs.items()}

    def arrivals(self) -> list[tuple[datetime, Payment]]:
        """Every report with the moment it arrives. What was known before the first period is a report of one penny."""
        found = [self._seed(job) for job in self.jobs.values() if "last_payday_before" in job or "ytd_before" in job]
        for row in self._rows():
            found.extend(self._reports(row))
        return sorted(found, key=lambda pair: pair[0])

    def _rows(self) -> list[dict[str, Any]]:
        if "period_totals" in self.given:
            return [
                {"id": f"{n}", "employment": "E1", "payment_date": (p.start + 15 * DAY).isoformat(), "amount": total}
                for n, (p, total) in enumerate(zip(self.periods, self.given["period_totals"], strict=True))
            ]
        if "payment_series" in self.given:
            run = self.given["payment_series"]
            first = date.fromisoformat(run["first"])
            return [
                {
                    "id": f"{n}",
                    "employment": run["employment"],
                    "payment_date": (first + n * run["every_days"] * DAY).isoformat(),
                    "amount": run["amount"],
                }
                for n in range(run["count"])
            ]
        return list(self.given.get("payments", ()))

    def _seed(self, job: dict[str, Any]) -> tuple[datetime, Payment]:
        """What was known of a job before the first period: its last payday and year-to-date."""
        day = date.fromisoformat(job["last_payday_before"]) if "last_payday_before" in job else self.first - DAY
        ended = date.fromisoformat(job["end"]) if "end" in job else None
        ytd = pence(job["ytd_before"]) if "ytd_before" in job else None
        return noon(day), payment(
            f"before-{job['id']}", job["payroll_id"], day, noon(day), 1,
            employer=job["paye"], frequency=job["frequency"], year_to_date=ytd, ended_on=ended,
        )  # fmt: skip

    def _reports(self, row: dict[str, Any]) -> list[tuple[datetime, Payment]]:
        job = self.jobs[row["employment"]]
        paid_on = date.fromisoformat(row["payment_date"])
        at = noon(date.fromisoformat(row.get("received_date", row["payment_date"])))
        if "received_at" in row:
            at = datetime.fromisoformat(row["received_at"])
        ended = date.fromisoformat(job["end"]) if "end" in job else None
        report = payment(
            row["id"], job["payroll_id"], paid_on, at, pence(row["amount"]),
            employer=job["paye"],
            frequency=job["frequency"],
            year_to_date=pence(row["ytd"]) if "ytd" in row else None,
            late_reason=row.get("late_reason"),
            after_leaving=row.get("after_leaving", False),
            strike_or_absence=row.get("strike_or_absence", False),
            periods_covered=row.get("periods_covered", 1),
            started_on=date.fromisoformat(job["start"]) if "start" in job else None,
            ended_on=ended if ended is not None and paid_on >= ended and not row.get("after_leaving") else None,
        )  # fmt: skip
        found = [(at, report)]
        if "no_longer_valid" in row:
            day = date.fromisoformat(row["no_longer_valid"])
            found.append((noon(day), msgspec.structs.replace(report, invalid_from=day)))
        return found
