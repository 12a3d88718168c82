"""Worked cases of earnings, told to a running service as upstream would: one clock, fresh claims, messages in, API out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any

from tests.support.earnings_cases import DAY, Script, noon
from tests.support.foreign_feed import CLAIMANT, CONTRACT, NUMBERS, RTI, STATEMENT, Foreign, Household

from contracts.topics import EARNINGS_PAYMENT, EARNINGS_PERIOD
from devstack.demo.barrier import Barrier
from earnings.model import Payment
from earnings.rules.calendar import series, tax_year
from streaming.clock import advance

BEFORE = timedelta(hours=1)
LOOK = 9
"""The turn in which cases are read, after all that happens at the same moment."""
UNSEEN = 123_456
"""Pence already in a job's first year-to-date, so that a case which gives none has no first figure to check."""


@dataclass
class Seen:
    """A case as the API shows it when its last fact was told. Lists in order of time; ids are the case's own where it has any.

    answers: (decision, status, body) of each one asked for. outcomes: payment id → ledger outcome and reason of each message.
    events: (type, body) of all that was published of payments and periods.
    """

    house: Household
    names: dict[str, str] = field(default_factory=dict)
    payment_ids: dict[str, str] = field(default_factory=dict)
    periods: list[dict[str, Any]] = field(default_factory=list)
    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    queries: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[dict[str, Any], int, dict[str, Any]]] = field(default_factory=list)
    outcomes: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def entry(self, start: str) -> dict[str, Any]:
        """The person's entry of the period that begins on this day."""
        entry: dict[str, Any] = self.period(start)["claimants"][0]
        return entry

    def period(self, start: str) -> dict[str, Any]:
        """The period that begins on this day."""
        return next(period for period in self.periods if period["start"] == start)


Step = tuple[datetime, int, Callable[[], object]]


class Player:
    """Plays cases on one platform, all along one clock."""

    def __init__(self, feed: Foreign, barrier: Barrier) -> None:
        self.feed = feed
        self.barrier = barrier
        self.steps: list[Step] = []
        self.seen: dict[str, Seen] = {}

    def add(self, case: dict[str, Any]) -> None:
        """Write down what is to be told of a case, and when it is looked at."""
        house = Household()
        seen = self.seen[case["id"]] = Seen(house)
        given = case["given"]
        match case["kind"]:
            case "ap-series":
                first = date.fromisoformat(given["entitlement_date"])
                last = series(first, (), first + timedelta(days=31 * given["count"]))[given["count"] - 1]
                self._open(seen, first, noon(first))
                self._look(seen, noon(last.end + DAY))
            case "period-series":
                self._period_series(seen, given)
            case "average":
                script = Script(regular_year(given))
                self._told(seen, script)
            case _:
                self._told(seen, Script(given))

    def run(self) -> dict[str, Seen]:
        """Tell everything, moment by moment; each is done before the next begins."""
        self.steps.sort(key=lambda step: step[:2])
        for at, together in groupby(self.steps, key=lambda step: step[0]):
            advance(self.feed.bootstrap, at)
            self.barrier.wait(at)
            for turn, same in groupby(together, key=lambda step: step[1]):
                for _, _, act in same:
                    act()
                if turn != LOOK:
                    self.barrier.wait(at)
        by_claim = {seen.house.claim: seen for seen in self.seen.values()}
        for topic in (EARNINGS_PAYMENT, EARNINGS_PERIOD):
            for claim, name, body in self.feed.everything(topic):
                by_claim[claim].events.append((name, body))
        return self.seen

    def _told(self, seen: Seen, script: Script) -> None:
        arrivals = script.arrivals()
        seen.names = script.names(seen.house.people[0])
        self._open(seen, script.first, min([noon(script.first), *(at for at, _ in arrivals)]))
        for (at, report), to_date in zip(arrivals, year_to_date([report for _, report in arrivals]), strict=True):
            self._report(seen, at, report, to_date)
        end = max([script.ends[-1], *(at for at, _ in arrivals)])
        for row in script.given.get("decisions", ()):
            end += DAY
            self._step(end, 0, lambda row=row: self._decide(seen, row))
        self._look(seen, end)

    def _period_series(self, seen: Seen, given: dict[str, Any]) -> None:
        first, until = date.fromisoformat(given["entitlement_date"]), noon(date.fromisoformat(given["as_of"]))
        self._open(seen, first, noon(first))
        for row in given.get("statements", ()):
            at = noon(date.fromisoformat(row["received_on"]))
            document = seen.house.statement(date.fromisoformat(row["start"]), date.fromisoformat(row["end"]))
            if at <= until:
                self._step(at, 0, lambda document=document: self.feed.ucfs(STATEMENT, str(uuid.uuid4()), document))
        rows = [(date.fromisoformat(row["date"]), float(row["amount"])) for row in given.get("payments", ())]
        for number, (day, amount) in enumerate(rows):
            report = seen.house.payment(day, amount, taxablePayToDate=UNSEEN / 100 + sum(a for _, a in rows[: number + 1]))
            if noon(day) <= until:
                self._step(noon(day), 0, lambda report=report: self.feed.send(RTI, report))
        self._look(seen, until)

    def _step(self, at: datetime, turn: int, act: Callable[[], object]) -> None:
        self.steps.append((at.astimezone(UTC), turn, act))

    def _open(self, seen: Seen, first: date, before: datetime) -> None:
        house = seen.house
        house.entitlement = first
        self._step(before - BEFORE, 0, lambda: self.feed.ucfs(CLAIMANT, house.people[0], house.claimant()))
        self._step(before - BEFORE, 1, lambda: self.feed.ucfs(CONTRACT, house.claim, house.contract()))

    def _report(self, seen: Seen, at: datetime, report: Payment, to_date: int) -> None:
        number = seen.payment_ids.setdefault(report.payment_id, str(next(NUMBERS)))
        office, reference = report.employer.split("/")
        clock = report.received_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = {
            "uniquePaymentId": number,
            "hmrcOfficeNumber": office,
            "employerPayeRef": reference,
            "payrollId": report.payroll_id,
            "payFrequency": report.frequency,
            "taxablePayToDate": to_date / 100,
            "hmrcReceiptTimestamp": clock,
            "apiAvailableTimestamp": clock,
            "earningsPeriodsCovered": report.periods_covered,
            "latePayeReportingReason": report.late_reason,
            "employmentStartDate": None if report.started_on is None else report.started_on.isoformat(),
            "employmentEndDate": None if report.ended_on is None else report.ended_on.isoformat(),
            "paymentAfterLeaving": "Y" if report.after_leaving else None,
            "onStrikeWithinPayPeriod": "Y" if report.strike_or_absence else None,
            "paymentNoLongerValid": None if report.invalid_from is None else report.invalid_from.isoformat(),
        }
        told = seen.house.payment(report.paid_on, report.gross / 100, **fields)
        message = {name: value for name, value in told.items() if value is not None}
        self._step(at, 0, lambda: self.feed.send(RTI, message))

    def _decide(self, seen: Seen, row: dict[str, Any]) -> None:
        periods = self.feed.get(f"/v1/claims/{seen.house.claim}/periods", limit=100)["items"]
        asked = {
            "payment_id": seen.payment_ids[row["payment"]],
            "action": "reallocate",
            "to_period_id": next(period["period_id"] for period in periods if period["start"] == row["to_period"]),
            "legal_basis": row["ground"],
            "reason": "a worked case",
        }
        answer = self.feed.http.post(
            f"/v1/claims/{seen.house.claim}/determinations",
            json=asked,
            headers={"Authorization": f"Bearer {self.feed.token('decision-maker-1')}", "Idempotency-Key": str(uuid.uuid4())},
        )
        seen.answers.append((row, answer.status_code, answer.json()))

    def _look(self, seen: Seen, at: datetime) -> None:
        self._step(at, LOOK, lambda: self._read(seen))

    def _read(self, seen: Seen) -> None:
        house, feed = seen.house, self.feed
        seen.periods = feed.get(f"/v1/claims/{house.claim}/periods", limit=100)["items"][::-1]
        mine = {number: name for name, number in seen.payment_ids.items()}
        rows = feed.get(f"/v1/claimants/{house.people[0]}/payments", limit=100)["items"]
        seen.payments = {mine.get(row["payment_id"], row["payment_id"]): row for row in rows}
        seen.queries = [query for query in self._open_queries() if query["claim_id"] == house.claim]
        for name, number in seen.payment_ids.items():
            rows = feed.get("/v1/intake/messages", topic=RTI, record_id=number)["items"]
            seen.outcomes[name] = [(row["outcome"], row["reason"]) for row in rows]

    def _open_queries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            page = self.feed.get("/v1/queries", state="open", limit=200, **more)
            found += page["items"]
            if page["next"] is None:
                return found
            more = {"cursor": page["next"]}


def regular_year(given: dict[str, Any]) -> dict[str, Any]:
    """A case of kind `average` as one job that pays on every regular payday of a calendar year."""
    every = {"W1": 7, "W2": 14, "W4": 28}[given["frequency"]]
    first = date(2026, 1, 10)
    return {
        "ap": {"first_start": "2026-01-01", "day": 1, "count": 12},
        "employments": [{"id": "E1", "paye": "123/A246", "payroll_id": "1", "frequency": given["frequency"]}],
        "payment_series": {
            "employment": "E1",
            "first": first.isoformat(),
            "every_days": every,
            "count": (date(2026, 12, 31) - first).days // every + 1,
            "amount": given["payment"],
        },
    }


def year_to_date(reports: Sequence[Payment]) -> list[int]:
    """The year-to-date figure of each report in pence: the case's own, else one that fits the chain."""
    told: dict[tuple[str, int], int] = {}
    chain: dict[tuple[str, str], tuple[int, int]] = {}
    for report in reports:
        if (report.payment_id, report.gross) in told:
            continue  # the same report once more
        job, year = (report.employer, report.job), tax_year(report.paid_on)
        last_year, last = chain.get(job, (year, UNSEEN))
        before = last if last_year == year else 0
        figure = before + report.gross if report.year_to_date is None else report.year_to_date
        told[report.payment_id, report.gross], chain[job] = figure, (year, figure)
    return [told[report.payment_id, report.gross] for report in reports]
