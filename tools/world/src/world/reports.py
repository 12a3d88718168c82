"""What employers submit about each payslip, and when: on time, late, wrong first, twice, or for the wrong person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from world.draft import Draft, DraftJob, Misreport
from world.model import Payslip, Report, ReportKind
from world.pay import payslips, pension_pence
from world.periods import ONE_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Shares of payslips whose reporting goes wrong, besides what the stories hold.

    late: reported up to 3 days after payday, within the period; with `beyond`, up to 20 days and also after it.
    conflicts: reported again under the same id with another amount.
    """

    corrections: float = 0.03
    late: float = 0.05
    duplicates: float = 0.05
    conflicts: float = 0.0
    beyond: bool = False


def tax_year_start(day: date) -> date:
    """The 6 April on or before the day."""
    start = date(day.year, 4, 6)
    return start if start <= day else date(day.year - 1, 4, 6)


class Payroll:
    """Reports of one claim's jobs. Ids are unique over the world and rise with no gap rule."""

    def __init__(self, draft: Draft, rng: Random, ids: Iterator[int], rates: Rates) -> None:
        self._draft = draft
        self._rates = rates
        self._rng = rng
        self._ids = ids

    def true_slips(self, job: DraftJob) -> list[Payslip]:
        """The job's payslips after everything that happened to single paydays."""
        changed = (self._draft.replaced.get(slip.slip_id, slip) for slip in job.slips())
        return [slip for slip in changed if slip is not None]

    def submit(self, job: DraftJob) -> tuple[list[Payslip], list[Report]]:
        """The job's true payslips (nil where the pay was never this person's) and all reports about them."""
        slips = self.true_slips(job)
        history = [s for s in payslips(job.job, date(2025, 4, 6), self._draft.entitlement - ONE_DAY) if job.job.real]
        plans = {slip.slip_id: self._plan(job, slip) for slip in slips}
        reports: list[Report] = []
        for slip in slips:
            reports.extend(self._reports(job.job.pension_percent, slip, [*history, *slips], plans))
        if not job.job.real:
            slips = [replace(slip, gross_pence=0) for slip in slips]
        return slips, reports

    def _plan(self, job: DraftJob, slip: Payslip) -> Misreport | None:
        """How the payslip is misreported first, if it is."""
        planned = self._draft.misreports.get(slip.slip_id)
        if planned is not None:
            return planned
        special = slip.slip_id in self._draft.conflicts or slip.slip_id in self._draft.late or not job.job.real
        if special or self._rng.random() >= self._rates.corrections or slip.gross_pence < 200_00:
            return None
        put_right = slip.payday + timedelta(days=self._rng.randint(2, 20))
        if put_right >= self._draft.end:
            return None
        return Misreport(slip.gross_pence + self._rng.choice([-1, 1]) * self._rng.randint(1_00, 9_00), put_right)

    def _reports(self, pension: int, slip: Payslip, known: Iterable[Payslip], plans: dict[str, Misreport | None]) -> list[Report]:
        rng, draft = self._rng, self._draft
        plan = plans[slip.slip_id]
        on = max(draft.late.get(slip.slip_id, self._day(slip)), draft.entitlement)
        reason = rng.choice([None, "G", "F"]) if on > slip.payday else None
        first = slip.gross_pence if plan is None else plan.first_pence
        original = Report(
            slip_id=slip.slip_id,
            unique_id=str(next(self._ids)),
            kind="original",
            gross_pence=first,
            ytd_pence=_year_to_date(pension, slip, known, plans, on, first),
            said_on=on,
            on=on,
            late_reason=reason,
        )
        reports = [original]
        if rng.random() < self._rates.duplicates:
            reports.append(_again(original, "duplicate", on + timedelta(days=rng.randint(0, 2))))
        if slip.slip_id in draft.conflicts:
            other = draft.conflicts[slip.slip_id]
            reports.append(_again(original, "conflict", on + ONE_DAY, gross=other))
        elif self._rates.conflicts and plan is None and rng.random() < self._rates.conflicts:
            reports.append(_again(original, "conflict", on + ONE_DAY, gross=slip.gross_pence + rng.randint(10_00, 50_00)))
        put_right_on = on if plan is None else max(plan.put_right_on, on + ONE_DAY)  # nothing is put right before it is said
        if plan is not None and plan.away:
            reports.append(_again(original, "invalidation", put_right_on, invalid_since=put_right_on))
        elif plan is not None:
            reports.append(
                Report(
                    slip_id=slip.slip_id,
                    unique_id=str(next(self._ids)),
                    kind="correction",
                    gross_pence=slip.gross_pence,
                    ytd_pence=_year_to_date(pension, slip, known, plans, put_right_on, slip.gross_pence),
                    said_on=put_right_on,
                    on=put_right_on,
                    late_reason="H",
                )
            )
        return [report for report in reports if report.on <= draft.end]

    def _day(self, slip: Payslip) -> date:
        """On payday or just before; sometimes late, but not beyond the end of the period unless the rates say so."""
        if self._rng.random() < self._rates.late:
            late = slip.payday + timedelta(days=self._rng.randint(1, 20 if self._rates.beyond else 3))
            period = next((p for p in self._draft.periods if p.holds(slip.payday)), None)
            if period is not None and (period.holds(late) or self._rates.beyond):
                return late
        return slip.payday - timedelta(days=self._rng.choice([0, 0, 0, 1, 2]))


def _again(report: Report, kind: ReportKind, on: date, *, gross: int | None = None, invalid_since: date | None = None) -> Report:
    return Report(
        slip_id=report.slip_id,
        unique_id=report.unique_id,
        kind=kind,
        gross_pence=report.gross_pence if gross is None else gross,
        ytd_pence=report.ytd_pence,
        said_on=report.said_on,
        on=on,
        late_reason=report.late_reason,
        invalid_since=invalid_since,
    )


def _year_to_date(
    pension: int, slip: Payslip, known: Iterable[Payslip], plans: dict[str, Misreport | None], on: date, own: int
) -> int:
    """Taxable pay of the tax year up to the payslip as the payroll believes it on the day."""
    since = tax_year_start(slip.payday)
    believed = [own]
    for other in known:
        if since <= other.payday < slip.payday:
            plan = plans.get(other.slip_id)
            wrong = plan is not None and not plan.away and plan.put_right_on > on
            believed.append(plan.first_pence if plan is not None and wrong else other.gross_pence)
    return sum(gross - pension_pence(gross, pension) for gross in believed)
