"""Worked cases, the earnings half: periods, raw, attributed, average, events, year-to-date checks, queries.

Facts are folded one by one in order of arrival, as the service does, with an evaluation at every period's end.
"""

from __future__ import annotations

from datetime import date, datetime
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from tests.support.earnings_cases import DAY, Script, cases, noon, payment, pence, pounds

from contracts.earnings import EarningsQueryRaised, EmploymentEnded, EmploymentStarted, PaymentInvalidated, PeriodAssessed
from contracts.ids import employer_id, employment_id, period_id
from earnings.model import Claim, Claimant, Contract, Determination, Order, Payment, PaymentKey, Source, Statement
from earnings.rules.average import expected_paydays, half_up
from earnings.rules.books import Member, keep
from earnings.rules.calendar import index_of, london_day, series
from earnings.rules.determinations import NotAllowed, record
from earnings.rules.employments import ytd_checks
from earnings.rules.evaluate import Context, evaluate, timeline
from earnings.rules.policy import Policy
from earnings.rules.quality import duplicate_employments
from earnings.rules.versions import judge_payment

CASES = cases()
CLAIM, PERSON = "C1", "P1"


def of_kind(kind: str) -> list[Any]:
    return [pytest.param(case["given"], case["expect"], id=case["id"]) for case in CASES if case["kind"] == kind]


@pytest.mark.parametrize(("given", "expect"), of_kind("ap-series"))
def test_periods_follow_regulation_21(given: dict[str, Any], expect: dict[str, Any]) -> None:
    periods = series(date.fromisoformat(given["entitlement_date"]), (), date(2100, 1, 1))[: given["count"]]
    assert [{"start": p.start.isoformat(), "end": p.end.isoformat()} for p in periods] == expect["periods"]


@pytest.mark.parametrize(("given", "expect"), of_kind("average"))
def test_regular_pay_averages_to_its_monthly_equivalent(given: dict[str, Any], expect: dict[str, Any]) -> None:
    policy = Policy()
    a_year = policy.paydays_a_year[given["frequency"]]
    threshold = Fraction(given["hours"]) * Fraction(given["rate"]) * 100 * 52 / 12
    average = Fraction(pence(given["payment"]) * a_year, 12)
    assert pounds(half_up(threshold)) == expect["threshold_exact"]
    assert pounds(half_up(average)) == expect["average"]
    assert (average >= threshold) is expect["met_by_average"]
    assert (pence(given["payment"]) >= threshold) is expect["met_by_one_payday"]
    every = policy.payday_every_days[given["frequency"]]
    year = series(date(2026, 1, 1), (), date(2026, 12, 31))
    paydays = [expected_paydays(date(2026, 1, 10), every, period.start, period.end) for period in year]
    assert sum(count * pence(given["payment"]) < threshold for count in paydays) == expect["aps_missed_of_12"]


@pytest.mark.parametrize(("given", "expect"), of_kind("period-series"))
def test_statements_move_boundaries_and_payments_follow(given: dict[str, Any], expect: dict[str, Any]) -> None:
    as_of = date.fromisoformat(given["as_of"])
    statements = tuple(
        Statement(
            statement_id=f"S{position}",
            order=Order(noon(date.fromisoformat(row["received_on"])), 0, position),
            start=date.fromisoformat(row["start"]),
            end=date.fromisoformat(row["end"]),
            source=Source("s", 0, position),
        )
        for position, row in enumerate(given.get("statements", ()))
        if date.fromisoformat(row["received_on"]) <= as_of
    )
    payments = tuple(
        payment(f"{position}", "E", date.fromisoformat(row["date"]), noon(date.fromisoformat(row["date"])), pence(row["amount"]))
        for position, row in enumerate(given.get("payments", ()))
        if date.fromisoformat(row["date"]) <= as_of
    )
    claim = Claim(contract=Contract((PERSON,), date.fromisoformat(given["entitlement_date"]), None, 7), statements=statements)
    member = Member(PERSON, Claimant(person="k"), payments)
    line = timeline(CLAIM, claim, [member], as_of, Policy())
    shown = []
    for index, period in enumerate(line.periods):
        closed = as_of > period.end
        row = {
            "start": period.start.isoformat(),
            "end": period.end.isoformat(),
            "dates": "statement" if period.explicit else "projected",
            "state": "closed" if closed else "open",
        }
        if "total" in expect["periods"][index]:
            row["total"] = pounds(sum(book.total(index) for book in line.books[0].jobs))
        shown.append(row)
    assert shown == expect["periods"]


class Story(Script):
    """One claimant's facts, folded in order of arrival; collects what the rules publish."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        self.policy = Policy(
            attribution_basis=given["attribution_basis"], correction_basis=given.get("correction_basis", "original_period")
        )
        self.claim = Claim(contract=Contract((PERSON,), self.first, None, 7))
        self.payments: list[Payment] = []
        self.keys: dict[str, PaymentKey] = {}
        self.published: list[msgspec.Struct] = []
        self.events: list[dict[str, Any]] = []
        self.latest: dict[date, PeriodAssessed] = {}

    def arrive(self, at: datetime, report: Payment) -> None:
        verdict = judge_payment(self.keys.get(report.payment_id), "k", report)
        position = next((n for n, known in enumerate(self.payments) if known.payment_id == report.payment_id), None)
        why: Any = "correction" if report.late_reason == "H" else "late_payment"
        if verdict == "duplicate":
            self.events.append({"type": "DuplicateIgnored", "payment": report.payment_id})
            return
        if verdict == "conflict":
            assert position is not None
            kept = self.payments[position]
            self.payments[position] = msgspec.structs.replace(kept, conflict=True)
            self.events.append(
                {
                    "type": "PaymentConflict",
                    "payment": report.payment_id,
                    "kept": pounds(kept.gross),
                    "other": pounds(report.gross),
                }
            )
        elif verdict == "invalidation":
            assert position is not None
            self.payments[position] = msgspec.structs.replace(self.payments[position], invalid_from=report.invalid_from)
            self.keys[report.payment_id] = PaymentKey("k", report.content, True)
            self.events.append({"type": "PaymentReversed", "payment": report.payment_id, "date": str(report.invalid_from)})
            why = "invalidation"
        else:
            self.payments.append(report)
            self.keys[report.payment_id] = PaymentKey("k", report.content)
        self.judge(at, why)

    def member(self) -> Member:
        return Member(PERSON, Claimant(person="k"), tuple(self.payments))

    def judge(self, at: datetime, why: Any) -> None:
        decision = evaluate(CLAIM, self.claim, [self.member()], Context(at, why, self.policy))
        self.claim = decision.claim
        self.published.extend(decision.payment_events)
        for event in decision.period_events:
            before = self.latest.get(event.start)
            old = None if before is None else before.claimants[0].attributed_pence
            new = event.claimants[0].attributed_pence
            self.latest[event.start] = event
            if event.why in ("correction", "invalidation") and old is not None and new is not None and old != new:
                self.events.append(
                    {
                        "type": "PeriodRevised",
                        "period": event.start.isoformat(),
                        "from_amount": pounds(old),
                        "to_amount": pounds(new),
                    }
                )

    def decide(self, row: dict[str, Any], at: datetime) -> None:
        line = timeline(CLAIM, self.claim, [self.member()], london_day(at), self.policy)
        index, _ = line.books[0].homes[row["payment"]]
        act = Determination(
            determination_id="d",
            payment_id=row["payment"],
            action="reallocate",
            legal_basis=row["ground"],
            decided_at=at,
            to_start=date.fromisoformat(row["to_period"]),
        )
        try:
            self.claim, events = record(CLAIM, self.claim, line.books, line.periods, act, self.policy)
        except NotAllowed as refused:
            self.events.append({"type": "ReallocationRefused", "payment": row["payment"], "reason": refused.code})
            return
        assert len(events) == 1
        self.events.append(
            {
                "type": "PaymentReallocated" if row["type"] == "reallocation" else "EarningsDetermined",
                "payment": row["payment"],
                "from_period": line.periods[index].start.isoformat(),
                "to_period": row["to_period"],
            }
        )
        self.judge(at, "determination")

    def told(self) -> list[dict[str, Any]]:
        """Events in the words of the cases: see "names" in the case files' conventions."""
        found = list(self.events)
        names = self.names(PERSON)
        ended: dict[str, date] = {}
        for event in self.published:
            if isinstance(event, EmploymentEnded):
                ended[event.employment_id] = event.ended_on
                found.append({"type": "EmploymentEnded", "employment": names[event.employment_id], "date": str(event.ended_on)})
        books = keep(self.member(), tuple(self.periods), (), self.policy)
        paid = {names[employment_id(PERSON, employer_id(b.job.employer), b.job.job)]: b.job.first_payday for b in books.jobs}
        for event in self.published:
            if isinstance(event, EmploymentStarted) and event.employment_id not in ended:
                left = [job for job, day in ended.items() if day <= event.started_on]
                if left:
                    found.append(
                        {
                            "type": "EmployerLinkMoved",
                            "from_employment": names[max(left, key=lambda job: ended[job])],
                            "to_employment": names[event.employment_id],
                            "date": str(paid[names[event.employment_id]]),
                        }
                    )
            if isinstance(event, PaymentInvalidated):
                assert any(known["type"] == "PaymentReversed" and known["payment"] == event.payment_id for known in found)
        for cause, start in self.queries():
            index = index_of(self.periods, start)
            assert index is not None
            if cause == "duplicate_employment":
                pairs = duplicate_employments(books, index)
                found.extend(
                    {
                        "type": "DuplicateEmploymentSuspected",
                        "employments": [names[employment_id(PERSON, employer_id(b.job.employer), b.job.job)] for b in pair],
                    }
                    for pair in pairs
                )
            if cause == "ytd_mismatch":
                found.extend(
                    {"type": "YtdMismatch", "payment": check.payment_id, "difference": pounds(check.reported - check.implied)}
                    for book in books.jobs
                    for check in ytd_checks(book.job)
                    if not check.matches
                )
        return found

    def queries(self) -> list[tuple[str, date]]:
        """Open queries about the periods of the case: (cause, first day)."""
        return [(q.cause, q.start) for q in self.claim.queries if q.resolved_at is None]


def play(given: dict[str, Any]) -> Story:
    story = Story(given)
    for at, report in sorted([*story.arrivals(), *((end, None) for end in story.ends)], key=lambda pair: pair[0]):
        if report is None:
            story.judge(at, "closed")
        else:
            story.arrive(at, report)
    for row in given.get("decisions", ()):
        story.decide(row, story.ends[-1] + DAY)
    return story


def by_type(events: list[dict[str, Any]]) -> list[Any]:
    return sorted(events, key=repr)


@pytest.mark.parametrize(("given", "expect"), of_kind("earnings"))
def test_a_period_holds_what_the_case_says(given: dict[str, Any], expect: dict[str, Any]) -> None:
    story = play(given)
    first = {period.start for period in story.periods}
    if "periods" in expect:
        shown = []
        for row in expect["periods"]:
            event = story.latest[date.fromisoformat(row["start"])]
            entry = event.claimants[0]
            assert event.period_id == period_id(CLAIM, event.start)
            average = entry.gross_monthly_average_pence
            shown.append(
                {
                    "start": event.start.isoformat(),
                    "end": event.end.isoformat(),
                    "raw": pounds(entry.gross_pence or 0),
                    "attributed": pounds(entry.attributed_pence or 0),
                    "average": None if average is None else pounds(average),
                }
            )
        assert shown == [{key: row[key] for key in shown[0]} for row in expect["periods"]]
    if "events" in expect:
        assert by_type(story.told()) == by_type(expect["events"])
    if "flags" in expect:
        asked = sorted((flag["cause"], flag["period"]) for flag in expect["flags"] if flag["rule"] == "earnings-query")
        assert sorted((cause, start.isoformat()) for cause, start in story.queries() if start in first) == asked
        raised = {event.query_id for event in story.published if isinstance(event, EarningsQueryRaised)}
        assert {query.query_id for query in story.claim.queries} <= raised


@pytest.mark.parametrize(("given", "expect"), [case for case in of_kind("earnings") if "periods" in case.values[1]])
def test_a_blocking_marker_stands_exactly_where_the_conclusion_is_withheld(given: dict[str, Any], expect: dict[str, Any]) -> None:
    story = play(given)
    for row in expect["periods"]:
        if row["status"] is None:
            continue
        quality = set(story.latest[date.fromisoformat(row["start"])].claimants[0].quality)
        assert bool(quality & story.policy.blocking) is (row["status"] == "withheld"), row["start"]


@pytest.mark.parametrize(("given", "expect"), [case for case in of_kind("earnings") if "ytd_checks" in case.values[1]])
def test_year_to_date_figures_are_checked_along_the_chain(given: dict[str, Any], expect: dict[str, Any]) -> None:
    story = play(given)
    books = keep(story.member(), tuple(story.periods), (), story.policy)
    checks = [
        {
            "payment": check.payment_id,
            "previous_ytd": pounds(check.previous),
            "implied": pounds(check.implied),
            "reported": pounds(check.reported),
            "result": "match" if check.matches else "mismatch",
        }
        for book in books.jobs
        for check in ytd_checks(book.job)
        if not check.payment_id.startswith("before-")
    ]
    assert checks == expect["ytd_checks"]


@pytest.mark.parametrize(("given", "expect"), [case for case in of_kind("earnings") if "attribution_dates" in case.values[1]])
def test_the_attribution_date_follows_the_basis(given: dict[str, Any], expect: dict[str, Any]) -> None:
    story = play(given)
    books = keep(story.member(), tuple(story.periods), (), story.policy)
    dates = {payment: item.on.isoformat() for payment, (_, item) in books.homes.items()}
    assert dates == expect["attribution_dates"]


@pytest.mark.parametrize(("given", "expect"), [case for case in of_kind("earnings") if "total" in case.values[1]])
def test_a_decision_moves_pay_and_loses_none(given: dict[str, Any], expect: dict[str, Any]) -> None:
    story = play(given)
    assert pounds(sum(event.claimants[0].attributed_pence or 0 for event in story.latest.values())) == expect["total"]
