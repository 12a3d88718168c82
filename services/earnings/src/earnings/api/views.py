"""What callers see, from documents. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from contracts.ids import employer_id, employment_id, period_id
from earnings.intake.documents import Names
from earnings.model import Claim, Claimant, Contract, Person
from earnings.rules import words
from earnings.rules.attribution import Placed, place
from earnings.rules.books import Books
from earnings.rules.calendar import Period
from earnings.rules.circumstances import status
from earnings.rules.employments import YtdCheck, employments, ytd_checks
from earnings.rules.policy import Policy


def claim_view(claim_id: str, contract: Contract, people: Mapping[str, Claimant | None], today: date) -> dict[str, Any]:
    """A claim and the people that the caller may see."""
    return {
        "claim_id": claim_id,
        "status": status(contract, today),
        "claimants": [
            {
                "claimant_id": person,
                "nino_known": claimant is not None and claimant.person is not None,
                "coach_id": None if claimant is None else claimant.coach_id,
                "office_id": None if claimant is None else claimant.office_id,
                "work_group": None if claimant is None else claimant.work_group,
            }
            for person, claimant in people.items()
        ],
        "entitlement_date": contract.entitlement,
        "start_date": contract.started,
        "suspension_date": contract.suspended_on,
        "closed_date": contract.closed_on,
        "closure_reason": contract.closure_reason,
        "payment_day": contract.payment_day,
        "couple": len(contract.people) == 2,
        "updated_at": contract.updated_at,
    }


def period_view(
    body: Mapping[str, Any],
    take_home: str | None,
    versions: Sequence[tuple[int, str, datetime]],
    only: frozenset[str] | None,
) -> dict[str, Any]:
    """A period as published. only: the people whose entry may be shown, without household figures; None shows all."""
    view = dict(body)
    view["take_home_pay"] = take_home
    view["versions"] = [{"version": version, "why": why, "assessed_at": at} for version, why, at in versions]
    if only is not None:
        view["claimants"] = [entry for entry in body["claimants"] if entry["claimant_id"] in only]
        for name in ("household_net_pence", "household_gross_pence", "take_home_pay", "statement_id"):
            view[name] = None
        if len(view["claimants"]) < len(body["claimants"]):
            view["evidence"] = []
    return view


def ledger_view(row: Sequence[Any]) -> dict[str, Any]:
    """A ledger row."""
    topic, partition, offset, record_id, received_at, outcome, reason = row
    return {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "record_id": record_id,
        "received_at": received_at,
        "outcome": outcome,
        "reason": reason,
    }


def query_view(row: Sequence[Any]) -> dict[str, Any]:
    """An earnings query."""
    names = (
        "query_id", "claim_id", "claimant_id", "period_id", "cause", "blocking", "raised_by", "state", "raised_at",
        "resolved_at", "resolution", "office_id",
    )  # fmt: skip
    return dict(zip(names, row, strict=True))


def payment_views(
    claimant_id: str, person: Person | None, homes: Sequence[tuple[str, Claim, Sequence[Period], Books]], policy: Policy
) -> list[dict[str, Any]]:
    """Every payment reported for a person, newest first, with where it counts and why.

    homes: (claim id, claim, its periods, the person's books on it), the claim that counts first.
    """
    rows = []
    general = place(() if person is None else person.payments, (), policy)
    checks = {check.payment_id: check for job in employments(general) for check in ytd_checks(job)}
    for item in general:
        payment = item.payment
        check = checks.get(payment.payment_id)
        settled: Placed | None = None
        employer = employer_id(payment.employer)
        view: dict[str, Any] = {
            "payment_id": payment.payment_id,
            "claimant_id": claimant_id,
            "claim_id": None,
            "employment_id": employment_id(claimant_id, employer, payment.job),
            "employer_id": employer,
            "employer_name": payment.employer_name,
            "payment_date": payment.paid_on,
            "received_at": payment.received_at,
            "frequency": payment.frequency,
            "gross_pence": payment.gross,
            "attribution_date": item.on,
            "attributed_pence": 0,
            "period_id": None,
            "period_start": None,
            "period_end": None,
            "rule": "outside_periods",
            "reason": "No assessment period of a known claim holds its date.",
            "late_reason": payment.late_reason,
            "no_longer_valid": payment.invalid_from,
            "conflict": payment.conflict,
            "version": None,
            "year_to_date_check": None if check is None else check_view(check),
        }
        for claim_id, claim, periods, books in homes:
            home = books.homes.get(payment.payment_id)
            if home is not None:
                index, settled = home
                published = claim.attributed.get(payment.payment_id)
                view |= {
                    "claim_id": claim_id,
                    "attributed_pence": settled.amount,
                    "period_id": period_id(claim_id, periods[index].start),
                    "period_start": periods[index].start,
                    "period_end": periods[index].end,
                    "rule": settled.rule,
                    "reason": settled.reason,
                    "version": None if published is None else published.version,
                }
                break
        dates = None if settled is None else (view["period_start"], view["period_end"])
        rows.append(view | {"explanation": words.of_payment(payment, settled, dates, check)})
    rows.sort(key=lambda view: (view["payment_date"], view["payment_id"]), reverse=True)
    return rows


def check_view(check: YtdCheck) -> dict[str, Any]:
    """What the year-to-date figures imply for a report, against what it says."""
    return {
        "previous_pence": check.previous,
        "implied_pence": check.implied,
        "reported_pence": check.reported,
        "matches": check.matches,
    }


def profile_view(claimant_id: str, names: Names | None, person: Person | None, policy: Policy) -> dict[str, Any]:
    """Names and payroll ids: personal data, for callers with `profiles:read` only."""
    jobs = []
    for job in employments(place(() if person is None else person.payments, (), policy)):
        employer = employer_id(job.employer)
        payroll = [item.payment.payroll_id for item in job.placed if item.payment.payroll_id is not None]
        jobs.append(
            {
                "employment_id": employment_id(claimant_id, employer, job.job),
                "employer_id": employer,
                "employer_name": job.employer_name,
                "payroll_id": payroll[-1] if payroll else None,
                "started_on": job.started_on,
                "ended_on": job.ended_on,
            }
        )
    full = None if names is None else " ".join(part for part in (names.first, names.last) if part) or None
    return {
        "claimant_id": claimant_id,
        "name": full,
        "first_name": None if names is None else names.first,
        "last_name": None if names is None else names.last,
        "employments": jobs,
    }
