"""Worked cases for thresholds, couples, steps, contact limits, expiry and calendar rules of the progression service.

Cases of kind `earnings`, `correction-effect` and `period-series` are in test_progression_earnings_cases.py. Kinds of the
progression files that neither table runs are listed in `ELSEWHERE` with the reason, and counted.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from referrals.policy_files import book_of, shipped
from referrals.rules import contact_limits, schedule
from referrals.rules import thresholds as limits
from referrals.rules.evaluation import Inputs, evaluate
from referrals.rules.findings import decimals
from referrals.rules.guards import EasementEffect, GuardFacts, first_stop
from referrals.rules.history import Ap
from referrals.rules.rule_set import Cap

FOLDER = Path(__file__).parent / "cases"
FILES = ("aet", "cet", "couples", "outcomes", "progression", "steps", "lifecycle", "patterns")
RULES = shipped()
BOOK = book_of(RULES)
P = RULES.parameters

TABLE = (
    "thresholds", "threshold-dates", "couple", "steps", "burden-cap", "mass-flag-band", "expiry", "claim-restart",
    "contact-schedule", "consecutive-below",
)  # fmt: skip
OTHER_TABLE = ("earnings", "correction-effect")
ELSEWHERE = {"X-21": "averaging of pay belongs to the earnings service"}


def load() -> list[dict[str, Any]]:
    return [case for name in FILES for case in yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))["cases"]]


CASES = load()


def pence(text: str) -> int:
    return int(Fraction(text) * 100)


def of(kind: str) -> list[Any]:
    return [pytest.param(case["given"], case["expect"], id=case["id"]) for case in CASES if case["kind"] == kind]


def test_every_case_of_these_files_is_run_here_or_named_with_a_reason() -> None:
    left = {case["id"] for case in CASES if case["kind"] not in TABLE + OTHER_TABLE}
    assert left == set(ELSEWHERE)
    assert sum(case["kind"] in TABLE for case in CASES) == 56


# ---- thresholds ----


def basis(person: dict[str, Any], household: dict[str, Any], on: date) -> limits.Basis:
    age = person.get("age", 30)
    ineligible = household.get("partner_ineligible", False)
    return limits.Basis(
        age_band=None if age is None else limits.band_of_age(RULES.policy, age, on),
        expected_hours=person.get("expected_hours", 35),
        partner_ineligible=True if household["household"] == "couple_partner_ineligible" else ineligible,
    )


@pytest.mark.parametrize(("given", "expect"), of("thresholds"))
def test_thresholds_and_status_of_each_person(given: dict[str, Any], expect: dict[str, Any]) -> None:
    on = date.fromisoformat(given["ap_start"])
    single, couple = limits.aet(RULES.policy, on, given.get("aet_rounding"))
    aet = {"single_exact": decimals(single.exact / 100), "single_used": decimals(Fraction(single.used, 100))}
    if given["household"] != "single":
        aet |= {"couple_exact": decimals(couple.exact / 100), "couple_used": decimals(Fraction(couple.used, 100))}
    assert aet == expect["aet"]
    eligible = [person for person in given["people"] if person.get("eligible", True)]
    household = sum(pence(person["earnings"]) for person in given["people"])
    if "cet" in expect:
        parts = {p["id"]: limits.cet_person(RULES.policy, basis(p, given, on), on)[0] for p in eligible}
        assert expect["cet"]["people"] == [
            {"id": key, "exact": decimals(part.exact / 100), "used": decimals(Fraction(part.used, 100))}
            for key, part in parts.items()
        ]
        if "joint_used" in expect["cet"]:
            total = limits.joint(RULES.policy, list(parts.values()), on, given.get("couple_rounding"))
            assert decimals(total.exact / 100) == expect["cet"]["joint_exact"]
            assert decimals(Fraction(total.used, 100)) == expect["cet"]["joint_used"]
    found = []
    for person in eligible:
        partner = next((basis(other, given, on) for other in eligible if other is not person), None)
        mine = limits.thresholds(
            RULES.policy,
            basis(person, given, on),
            partner,
            on,
            aet_rounding=given.get("aet_rounding"),
            couple_rounding=given.get("couple_rounding"),
        )
        own = pence(person["earnings"])
        row: dict[str, Any] = {
            "id": person["id"],
            "aet_met_by": limits.aet_met_by(own, household, mine),
            "status": limits.status_of(own, household, mine),
        }
        if mine.assumed:
            row |= {"cet_basis": mine.cet_basis, "assumed": list(mine.assumed), "wording": "voluntary"}
        found.append(row)
    assert found == expect["people"]
    if "hours_to_reach_aet" in expect:
        wanted = expect["hours_to_reach_aet"]
        assert decimals(limits.nlw_hours(single.used, pence(wanted["rate"]))) == wanted["hours"]
    for person in given["people"]:
        if "weekly" in person:
            weekly = Fraction(person["weekly"]["hours"]) * Fraction(person["weekly"]["rate"])
            assert decimals(weekly) == expect["weekly_pay"]
            assert decimals(weekly * 52 / 12) == person["earnings"]


@pytest.mark.parametrize(("given", "expect"), of("threshold-dates"))
def test_the_threshold_in_force_on_a_date(given: dict[str, Any], expect: dict[str, Any]) -> None:
    rows = []
    for row in given["rows"]:
        mine = limits.thresholds(RULES.policy, limits.Basis(), None, date.fromisoformat(row["date"]))
        status = limits.status_of(pence(row["earnings"]), pence(row["earnings"]), mine)
        rows.append({"date": row["date"], "aet": decimals(Fraction(mine.aet_single, 100)), "status": status})
    assert rows == expect["rows"]


@pytest.mark.parametrize(("given", "expect"), of("consecutive-below"))
def test_the_transitional_protection_counter(given: dict[str, Any], expect: dict[str, Any]) -> None:
    counters, ended = limits.below_in_a_row([pence(a) for a in given["amounts"]], pence(given["aet"]), given["periods"])
    assert {"counters": counters, "ended_after": ended} == expect


# ---- couples ----


@pytest.mark.parametrize(("given", "expect"), of("couple"))
def test_each_partner_is_judged_on_the_own_amount(given: dict[str, Any], expect: dict[str, Any]) -> None:
    starts = month_starts(date.fromisoformat(given["ap"]["first_start"]), given["ap"]["count"] + 1)
    totals = [sum(pence(person["amounts"][n]) for person in given["people"]) for n in range(given["ap"]["count"])]
    statuses: dict[str, list[Any]] = {}
    flags = []
    for person in given["people"]:
        aps = [
            Ap(
                period_id=starts[n].isoformat(),
                start=starts[n],
                end=starts[n + 1] - timedelta(days=1),
                amount=pence(amount),
                attributed=pence(amount),
                household=totals[n],
                thresholds=limits.thresholds(RULES.policy, limits.Basis(), limits.Basis(), starts[n]),
                in_work=True,
            )
            for n, amount in enumerate(person["amounts"])
        ]
        statuses[person["id"]] = [ap.status for ap in aps]
        settled: dict[str, tuple[str, ...]] = {}
        for n, ap in enumerate(aps):
            as_of = schedule.due_on(ap.end, P)
            result = evaluate(
                Inputs(
                    claim_id="C",
                    claimant_id=person["id"],
                    period_id=ap.period_id,
                    steps=("plan", "recheck"),
                    as_of=as_of,
                    known_at=midnight(as_of),
                    aps=tuple(aps[: n + 1]),
                    settled=settled,
                    guards=GuardFacts(),
                ),
                BOOK,
            )
            settled[ap.period_id] = tuple(filter(None, (result.contact, *result.outranked)))
            for rule in filter(None, (result.contact, *result.outcomes, *result.reviews)):
                flag = {"person": person["id"], "rule": rule, "period": ap.period_id}
                figures = result.figures(rule)
                if rule == "fell-below-aet":
                    flag["shortfall"] = decimals(Fraction(int(figures["shortfall_pence"]), 100))
                    flag["shortfall_hours"] = str(figures["shortfall_hours"])
                if rule == "stagnation-3":
                    flag["growth_percent"] = str(figures["growth_percent"])
                flags.append(flag)
    assert statuses == expect["statuses"]
    assert sorted(flags, key=str) == sorted(expect["flags"], key=str)
    for absent in expect.get("not_flags", []):
        assert not any(flag["person"] == absent["person"] and flag["rule"] == absent["rule"] for flag in flags)


def month_starts(first: date, count: int) -> list[date]:
    """Cycles of days up to the 28th; the others are the earnings service's cases."""
    assert first.day <= 28
    months = [first.year * 12 + first.month - 1 + n for n in range(count)]
    return [date(month // 12, month % 12 + 1, first.day) for month in months]


def midnight(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=UTC)


# ---- steps ----


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


@pytest.mark.parametrize(("given", "expect"), of("steps"))
def test_guards_are_judged_at_the_steps_they_name(given: dict[str, Any], expect: dict[str, Any]) -> None:
    rule = RULES.rules[given["rule"]]
    end = date.fromisoformat(given["ap_end"])
    due = schedule.due_on(end, P)
    ran = day(given.get("recheck_run_on")) or due
    shown = schedule.show_on(end, ran, P)
    moments = [("plan", schedule.plan_on(end, P), None), ("recheck", ran, due), ("display", shown, None)]
    if "send_on" in given:
        moments.append(("send", date.fromisoformat(given["send_on"]), None))
    steps: list[dict[str, Any]] = []
    case: str | None = None
    allowed = None
    for step, on, as_of in moments:
        facts = guard_facts(given, on)
        judged = as_of or on
        stop = first_stop(step, rule, facts, judged, guards=BOOK.guards, order=BOOK.guard_order, parameters=P)  # type: ignore[arg-type]
        row = {"step": step, "on": on.isoformat(), "as_of": judged.isoformat(), "result": "go"}
        if stop == "guard-open-case":
            row |= {"result": "append", "by": stop}
            case = facts.open_case
        elif stop is not None:
            row |= {"result": "stop", "by": stop}
            if stop in ("guard-recent-contact", "guard-burden-cap"):
                allowed = contact_limits.next_allowed(facts.contacts, judged, P)
        elif step == "display":
            case = "new"
        steps.append(row)
        if row["result"] == "stop":
            break
    assert steps == expect["steps"]
    assert case == expect["case"]
    assert (allowed and allowed.isoformat()) == expect["next_allowed_on"]


def guard_facts(given: dict[str, Any], on: date) -> GuardFacts:
    """What is known on the day a step happens."""

    def known(fact: dict[str, Any], start: str) -> bool:
        return date.fromisoformat(fact.get("known_on", fact.get(start, "0001-01-01"))) <= on

    case = given.get("open_case")
    return GuardFacts(
        stops=tuple(
            s["what"]
            for s in given.get("stops", [])
            if known(s, "known_on") and not (s.get("lifted_on", "9999") <= on.isoformat())
        ),
        easements=tuple(easement(e) for e in given.get("easements", []) if known(e, "start")),
        contacts=tuple(date.fromisoformat(c) for c in given.get("contacts", []) if c <= on.isoformat()),
        open_case=case["id"] if case and not (case.get("closed_on", "9999") <= on.isoformat()) else None,
        basis=given.get("basis", "voluntary"),
    )


def easement(fact: dict[str, Any]) -> EasementEffect:
    last = date.fromisoformat(fact["end"])
    voluntary = fact.get("effect") == "voluntary_only"
    return EasementEffect(
        from_=date.fromisoformat(fact["start"]),
        until=last,
        no_contact_until=None if voluntary else last + timedelta(days=1),
        voluntary_only=voluntary,
    )


@pytest.mark.parametrize(("given", "expect"), of("burden-cap"))
def test_the_burden_cap_counts_days_back_from_the_day_judged(given: dict[str, Any], expect: dict[str, Any]) -> None:
    cap: Cap = P.claimant_cap if given["party"] == "claimant" else P.employer_cap
    allowed, following = [], []
    for test in given["tests"]:
        place = test.get("establishment")
        contacts = [date.fromisoformat(c["on"]) for c in given["contacts"] if c.get("establishment") == place]
        on = date.fromisoformat(test["on"])
        allowed.append(not contact_limits.cap_reached(contacts, on, cap))
        free = contact_limits.cap_allows_on(contacts, on, cap)
        following.append(free and free.isoformat())
    assert {"allowed": allowed, "next_allowed_on": following} == expect


@pytest.mark.parametrize(("given", "expect"), of("mass-flag-band"))
def test_a_burst_of_flags_is_held_for_sign_off(given: dict[str, Any], expect: dict[str, Any]) -> None:
    hourly = [entry["flags"] for entry in given["history"] for _ in range(entry["hours"])]
    median, limit, hold = schedule.mass_flag_hold(hourly, given["rolling_hour"], P)
    assert {"median": f"{median:.2f}", "limit": f"{limit:.2f}", "hold": hold} == expect


@pytest.mark.parametrize(("given", "expect"), of("expiry"))
def test_flags_and_idle_cases_expire_on_their_day(given: dict[str, Any], expect: dict[str, Any]) -> None:
    activity = [date.fromisoformat(d) for d in given["activity"]]
    rows = []
    for text in given["test_dates"]:
        expires = schedule.expires_on(given["of"], activity, date.fromisoformat(text), P)
        rows.append({"on": text, "expires_on": expires.isoformat(), "expired": expires <= date.fromisoformat(text)})
    assert rows == expect["tests"]


@pytest.mark.parametrize(("given", "expect"), of("claim-restart"))
def test_a_return_within_six_months_keeps_the_history(given: dict[str, Any], expect: dict[str, Any]) -> None:
    ended, start = date.fromisoformat(given["ended_on"]), date.fromisoformat(given["new_start"])
    assert schedule.restart_deadline(ended, P.restart_months).isoformat() == expect["deadline"]
    assert schedule.claim_restart(ended, given["end_reason"] == "earnings", start, P) is expect["review"]


@pytest.mark.parametrize(("given", "expect"), of("contact-schedule"))
def test_rules_that_run_by_the_calendar(given: dict[str, Any], expect: dict[str, Any]) -> None:
    due = schedule.cadence_due_on(given["rule"], date.fromisoformat(given["since"]), given["status"], given["in_work"], P)
    assert (due and due.isoformat()) == expect["due_on"]
    effects = [easement(e) for e in given.get("easements", [])]
    assert [schedule.cadence_raised(due, date.fromisoformat(d), effects) for d in given["test_dates"]] == expect["raised"]
