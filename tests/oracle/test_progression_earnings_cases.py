"""Worked cases of kind `earnings`, `correction-effect` and `period-series`: statuses, flags, guards and observations.

The earnings half of a case (totals, averages, markers of doubt) is its own table; here it is the input: totals are summed
from the payments known, averages and doubts are taken from the case. Events and year-to-date checks are not judged here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
import yaml

from referrals.policy_files import book_of, shipped
from referrals.rules import schedule
from referrals.rules import thresholds as limits
from referrals.rules.evaluation import Evaluation, Inputs, evaluate
from referrals.rules.findings import decimals
from referrals.rules.guards import EasementEffect, GuardFacts
from referrals.rules.history import Ap, Job, withhold_neighbours

FOLDER = Path(__file__).parent / "cases"
FILES = ("aet", "cet", "outcomes", "progression", "lifecycle", "patterns", "corrections", "attribution", "assessment-periods")
RULES = shipped()
BOOK = book_of(RULES)
P = RULES.parameters
LONDON = ZoneInfo("Europe/London")
FAR = date(9999, 12, 31)
ELSEWHERE = {"X-61a": "a series of periods without flags belongs to the earnings service"}


def load() -> list[dict[str, Any]]:
    return [case for name in FILES for case in yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))["cases"]]


CASES = load()


def of(kind: str) -> list[Any]:
    chosen = [case for case in CASES if case["kind"] == kind and case["id"] not in ELSEWHERE]
    return [pytest.param(case["given"], case["expect"], id=case["id"]) for case in chosen]


def pence(text: str) -> int:
    return int(Fraction(text) * 100)


def day(text: str) -> date:
    return date.fromisoformat(text)


def later(start: date, months: int) -> date:
    month = start.year * 12 + start.month - 1 + months
    return date(month // 12, month % 12 + 1, start.day)


def test_every_case_of_these_kinds_is_run_or_named_with_a_reason() -> None:
    kinds = ("earnings", "correction-effect", "period-series")
    ids = {case["id"] for case in CASES if case["kind"] in kinds}
    assert len(ids) == 65
    assert set(ELSEWHERE) <= ids


# ---- from a case to the history of periods ----


@dataclass
class Given:
    """A case with what was known on a day."""

    case: dict[str, Any]
    known_on: date = FAR
    doubts: dict[str, set[str]] = field(default_factory=dict)
    averages: dict[str, int] = field(default_factory=dict)

    def received(self, payment: dict[str, Any]) -> date:
        if "received_at" in payment:
            return datetime.fromisoformat(payment["received_at"]).astimezone(LONDON).date()
        return day(payment["received_date"])

    def employments(self) -> list[dict[str, Any]]:
        short = {"id": "E1", "frequency": self.case.get("frequency", "M1")}
        return list(self.case.get("employments", [short]))

    def payments(self) -> list[dict[str, Any]]:
        """Known payments in order of arrival, the series and the short form written out."""
        given = list(self.case.get("payments", []))
        if series := self.case.get("payment_series"):
            for n in range(series["count"]):
                on = (day(series["first"]) + timedelta(days=n * series["every_days"])).isoformat()
                row = {"id": f"S{n}", "employment": series["employment"], "payment_date": on, "received_date": on}
                given.append({**row, "amount": series["amount"]})
        for n, total in enumerate(self.case.get("period_totals", [])):
            on = (later(day(self.case["ap"]["first_start"]), n) + timedelta(days=20)).isoformat()
            given.append({"id": f"T{n}", "employment": "E1", "payment_date": on, "received_date": on, "amount": total})
        return [payment for payment in given if self.received(payment) <= self.known_on]

    def shares(self) -> list[tuple[date, dict[str, Any], int]]:
        """(attribution date, payment, pence) after duplicates, corrections, reversals and decisions."""
        rows: dict[str, tuple[date, dict[str, Any], int]] = {}
        for payment in self.payments():
            reversed_on = payment.get("no_longer_valid")
            if payment["id"] in rows or (reversed_on is not None and day(reversed_on) <= self.known_on):
                continue
            on = self.attributed_on(payment)
            amount = pence(payment["amount"])
            first = self.corrected(payment, rows)
            if first is not None and self.case.get("correction_basis", "original_period") == "original_period":
                on, _, _ = rows.pop(first)
            elif first is not None:
                amount -= rows[first][2]
            rows[payment["id"]] = (on, payment, amount)
        frequency = {job["id"]: job["frequency"] for job in self.employments()}
        for decision in self.case.get("decisions", []):
            _, payment, amount = rows[decision["payment"]]
            if decision["type"] == "determination" or frequency[payment["employment"]] == "M1":
                rows[decision["payment"]] = (day(decision["to_period"]), payment, amount)
        return list(rows.values())

    def attributed_on(self, payment: dict[str, Any]) -> date:
        paid, received = day(payment["payment_date"]), self.received(payment)
        return {"max": max(paid, received), "received_date": received, "payment_date": paid}[self.case["attribution_basis"]]

    def corrected(self, payment: dict[str, Any], rows: dict[str, tuple[date, dict[str, Any], int]]) -> str | None:
        if payment.get("late_reason") != "H":
            return None
        same = ("employment", "payment_date")
        return next((key for key, (_, other, _) in rows.items() if all(other[k] == payment[k] for k in same)), None)

    def history(self, spans: list[tuple[date, date]] | None = None) -> tuple[Ap, ...]:
        first, count = day(self.case["ap"]["first_start"]), self.case["ap"]["count"]
        spans = spans or [(later(first, n), later(first, n + 1) - timedelta(days=1)) for n in range(count)]
        aps = [self.before(first)] if "before" in self.case else []
        aps += [self.period(start, end) for start, end in spans]
        return withhold_neighbours(aps)

    def period(self, start: date, end: date) -> Ap:
        shares = [share for share in self.shares() if start <= share[0] <= end]
        total = max(0, sum(amount for _, _, amount in shares))
        jobs = []
        for job in self.employments():
            if "start" in job and day(job["start"]) > end:
                continue
            own = [share for share in shares if share[1]["employment"] == job["id"]]
            jobs.append(
                Job(
                    employment_id=job["id"],
                    gross=sum(amount for _, _, amount in own),
                    paydays=sum(amount > 0 for _, _, amount in own),
                    frequency=job["frequency"],
                    started_on=day(job["start"]) if "start" in job else None,
                    ended_on=day(job["end"]) if "end" in job and day(job["end"]) <= end else None,
                )
            )
        doubts = self.doubts.get(start.isoformat(), set())
        self_employed = bool(self.case.get("person", {}).get("self_employed"))
        open_job = any(job.ended_on is None for job in jobs)
        return Ap(
            period_id=start.isoformat(),
            start=start,
            end=end,
            amount=self.averages.get(start.isoformat(), total),
            attributed=total,
            household=self.averages.get(start.isoformat(), total),
            thresholds=self.thresholds(start),
            blocking=tuple(sorted(doubts & set(P.blocking))),
            markers=tuple(sorted(doubts - set(P.blocking))),
            in_work=total > 0 or open_job or self_employed,
            self_employed=self_employed,
            jobs=tuple(jobs),
        )

    def before(self, first: date) -> Ap:
        start, known = later(first, -1), self.case["before"]
        amount = pence(known["amount"])
        ap = Ap(
            period_id="before",
            start=start,
            end=first - timedelta(days=1),
            amount=amount,
            attributed=amount,
            household=amount,
            thresholds=self.thresholds(start),
            in_work=known["employed"],
            carried=True,
        )
        assert ap.status == known["status"]
        return ap

    def thresholds(self, start: date) -> limits.Thresholds | None:
        wanted = self.case["thresholds"]
        if wanted == "none":
            return None
        assert wanted == "policy"
        person = self.case.get("person", {})
        band: str | None = "nlw"
        if person.get("born"):
            born = day(person["born"])
            age = start.year - born.year - ((start.month, start.day) < (born.month, born.day))
            band = limits.band_of_age(RULES.policy, age, start)
        basis = limits.Basis(
            age_band=band,
            expected_hours=person.get("expected_hours", 35),
            legal_group=person.get("legal_group", "all_requirements"),
        )
        return limits.thresholds(RULES.policy, basis, None, start)

    def guards(self, start: str) -> GuardFacts:
        person = self.case.get("person", {})
        ap_end = later(day(start), 1) - timedelta(days=1)
        struck = [p for p in self.payments() if p.get("strike_or_absence")]
        return GuardFacts(
            legal_group=person.get("legal_group"),
            self_employed=bool(person.get("self_employed")),
            disputed=any(dispute["period"] == start for dispute in self.case.get("disputes", [])),
            strike=any(day(start) <= self.attributed_on(p) <= ap_end for p in struck),
            easements=tuple(
                easement(e) for e in self.case.get("easements", []) if day(e.get("known_on", e["start"])) <= self.known_on
            ),
        )


def easement(fact: dict[str, Any]) -> EasementEffect:
    last = day(fact["end"])
    voluntary = fact.get("effect") == "voluntary_only"
    return EasementEffect(
        from_=day(fact["start"]),
        until=last,
        no_contact_until=None if voluntary else last + timedelta(days=1),
        voluntary_only=voluntary,
    )


def with_doubts(given: dict[str, Any], expect: dict[str, Any]) -> Given:
    """Doubts and averages are the earnings half of the case."""
    result = Given(given)
    for flag in expect.get("flags", []):
        if flag["rule"] == "earnings-query":
            result.doubts.setdefault(flag["period"], set()).add(flag["cause"])
    for period in expect.get("periods", []):
        if period.get("average") is not None:
            result.averages[period["start"]] = pence(period["average"])
    return result


def judge_all(given: Given, history: tuple[Ap, ...], steps: tuple[str, ...] = ("plan", "recheck")) -> dict[str, Evaluation]:
    """Every closed period in order, each as of its due date."""
    settled: dict[str, tuple[str, ...]] = {}
    results = {}
    for place, ap in enumerate(history):
        if ap.carried:
            continue
        as_of = schedule.due_on(ap.end, P) if "recheck" in steps else schedule.plan_on(ap.end, P)
        inputs = Inputs(
            claim_id="C",
            claimant_id="P1",
            period_id=ap.period_id,
            steps=steps,  # type: ignore[arg-type]
            as_of=as_of,
            known_at=datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC),
            aps=history[: place + 1],
            settled=settled,
            guards=given.guards(ap.period_id),
            arm=given.case.get("arm"),
        )
        # What is decided is decided from the bytes of its record.
        record = msgspec.msgpack.decode(msgspec.msgpack.encode(inputs), type=Inputs)
        results[ap.period_id] = evaluate(record, BOOK)
        settled = {
            **settled,
            ap.period_id: tuple(filter(None, (results[ap.period_id].contact, *results[ap.period_id].outranked))),
        }
    return results


def flags_of(results: dict[str, Evaluation]) -> list[dict[str, Any]]:
    flags: list[dict[str, Any]] = []
    for period, result in results.items():
        for rule in filter(None, (result.contact, *result.outcomes, *result.reviews)):
            figures = dict(result.figures(rule))
            if "shortfall_pence" in figures:
                figures["shortfall"] = decimals(Fraction(int(figures["shortfall_pence"]), 100))
            flags.append({"rule": rule, "period": period, **figures})
        flags += [{"rule": "earnings-query", "period": period, "cause": query.cause} for query in result.queries]
    return flags


# ---- the tables ----


@pytest.mark.parametrize(("given", "expect"), of("earnings"))
def test_statuses_flags_guards_and_observations(given: dict[str, Any], expect: dict[str, Any]) -> None:
    if "two_step" in expect:
        check_two_step(given, expect["two_step"])
        return
    known = with_doubts(given, expect)
    history = known.history()
    closed = [ap for ap in history if not ap.carried]
    results = judge_all(known, history)
    found_statuses = [ap.status if ap.thresholds is None else ap.status or "withheld" for ap in closed]
    for period, ap, status in zip(expect.get("periods", []), closed, found_statuses, strict=bool(expect.get("periods"))):
        assert (ap.start, ap.end, ap.attributed) == (day(period["start"]), day(period["end"]), pence(period["attributed"]))
        assert status == period["status"]
    if "statuses" in expect:
        assert found_statuses == expect["statuses"]
    flags = flags_of(results)
    assert sorted(short(flag) for flag in flags) == sorted(short(flag) for flag in expect["flags"])
    for wanted in expect["flags"]:
        found = next(flag for flag in flags if short(flag) == short(wanted))
        assert {key: found.get(key) for key in wanted} == wanted
    for absent in expect.get("not_flags", []):
        assert absent not in [flag["rule"] for flag in flags]
    if "suppressed" in expect:
        stops = [{"rule": s.rule_id, "period": p, "by": s.guard} for p, result in results.items() for s in result.suppressed]
        assert stops == expect["suppressed"]
    if "review_tasks" in expect:
        reviews = [easement(e).review_on() for e in given["easements"]]
        assert [on.isoformat() for on in reviews if on] == expect["review_tasks"]
    if "nlw_hours" in expect:
        hours = [decimals(limits.nlw_hours(ap.amount or 0, ap.thresholds.nlw)) for ap in closed if ap.thresholds]
        assert hours == expect["nlw_hours"]
    if "observations" in expect:
        seen = [{"period": p, **msgspec.structs.asdict(result.observation)} for p, result in results.items()]
        assert seen == expect["observations"]


def short(flag: dict[str, Any]) -> tuple[str, str, str]:
    return flag["period"], flag["rule"], flag.get("cause", "")


def check_two_step(given: dict[str, Any], expect: dict[str, Any]) -> None:
    period, ran = given["two_step"]["period"], day(given["two_step"]["run_on"])
    end = later(day(period), 1) - timedelta(days=1)
    planned_on = schedule.plan_on(end, P)
    # Planned at the start of the plan day: that day's arrivals are not known yet.
    at_plan = Given(given, known_on=planned_on - timedelta(days=1))
    planned = judge_all(at_plan, at_plan.history(), steps=("plan",))[period].contact
    at_due = Given(given, known_on=ran)
    found = judge_all(at_due, at_due.history())[period].contact
    assert {
        "planned_on": planned_on.isoformat(),
        "planned": [planned] if planned else [],
        "due_on": schedule.due_on(end, P).isoformat(),
        "as_of": schedule.due_on(end, P).isoformat(),
        "at_due": [found] if found else [],
        "outcome": "confirmed" if found == planned else "withdrawn",
    } == expect


@pytest.mark.parametrize(("given", "expect"), of("correction-effect"))
def test_what_a_correction_does_to_a_flag(given: dict[str, Any], expect: dict[str, Any]) -> None:
    rule, period = given["flag"]["rule"], given["flag"]["period"]
    known = Given(given["earnings"], known_on=day(given["state_on"]))
    assert judge_all(known, known.history())[period].contact == rule
    after = Given(given["earnings"], known_on=day(given["corrected_on"]))
    holds = judge_all(after, after.history())[period].holds(rule)
    effect = schedule.correction_effect(given["state"], holds)
    stays = effect == "stays"
    assert {
        "holds_after": holds,
        "result": effect,
        "events": [{"type": "FlagWithdrawn", "key": [given["claimant"], rule, period]}] if effect == "withdrawn" else [],
        "reviews": [{"rule": "reason-changed", "period": period}] if stays else [],
        "explanation_due": stays,
    } == expect


@pytest.mark.parametrize(("given", "expect"), of("period-series"))
def test_flags_follow_their_periods_when_a_boundary_moves(given: dict[str, Any], expect: dict[str, Any]) -> None:
    as_of = day(given["as_of"])
    first = day(given["entitlement_date"])
    closed = [(day(p["start"]), day(p["end"])) for p in expect["periods"] if p["state"] == "closed"]
    projected = [(later(first, n), later(first, n + 1) - timedelta(days=1)) for n in range(12)]
    now = keys(given, closed)
    without_statement = keys(given, [span for span in projected if span[1] < as_of])
    assert now == expect["flags"]
    assert [key for key in without_statement if key not in now] == expect["withdrawn"]
    assert [key for key in now if key not in without_statement] == expect["raised"]


def keys(given: dict[str, Any], spans: list[tuple[date, date]]) -> list[list[str]]:
    payments = [
        {"id": str(n), "employment": "E1", "payment_date": p["date"], "received_date": p["date"], "amount": p["amount"]}
        for n, p in enumerate(given["payments"])
    ]
    case = {
        "ap": {"first_start": given["entitlement_date"], "count": 0},
        "thresholds": "policy",
        "attribution_basis": "max",
        "payments": payments,
    }
    doubts = {}
    for start, end in spans:
        paydays = [day(p["payment_date"]) for p in payments if day(p["payment_date"]) < start]
        paid = any(start <= day(p["payment_date"]) <= end for p in payments)
        if not paid and paydays and later(max(paydays), 1) <= end:
            doubts[start.isoformat()] = {"payday_overdue"}
    known = Given(case, known_on=day(given["as_of"]), doubts=doubts)
    return [[given["claimant"], flag["rule"], flag["period"]] for flag in flags_of(judge_all(known, known.history(spans)))]
