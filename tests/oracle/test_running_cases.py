"""The worked cases once more, through running services: upstream's feed in, decisions and flags out.

Every case is a claim of its own on one platform whose clock stands after all of them; everything is known when it is judged.
Cases that say when something becomes known are told by the progression service's own tests, in days.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.support.foreign_feed import (
    CLAIMANT,
    CONDITIONALITY,
    CONTRACT,
    EASEMENT,
    RTI,
    STATEMENT,
    Foreign,
    Household,
)
from tests.support.story import eventually

from devstack.backends import Backends
from devstack.layout import Ports
from devstack.platform import Platform
from streaming.clock import advance

FOLDER = Path(__file__).parent / "cases"
FILES = ("aet", "cet", "couples", "outcomes", "progression", "patterns", "corrections", "attribution", "lifecycle")
NOW = datetime(2027, 3, 20, 9, tzinfo=UTC)
FIRST_POLICY_DAY = date(2022, 4, 6)
ELSEWHERE = {
    "X-14c": "another rounding than the one in force",
    "X-19b": "another rounding than the one in force",
    "X-08b": "another basis of correction than the one in force",
    "X-22": "a decision maker's move", "X-06b": "a decision maker's move",
    "X-44f": "a month without pay from an open job is a doubt when payroll data tell it",
    "X-56": "a dispute that is open before the period is judged",
    "X-10b": "which of two reports comes first",
    "X-36a": "known in two steps", "X-36b": "known in two steps", "X-36c": "known in two steps",
    "X-36d": "known in two steps", "X-36e": "known in two steps", "X-36f": "known in two steps",
}  # fmt: skip


def day(text: str) -> date:
    return date.fromisoformat(text)


def pence(text: str) -> int:
    return int(Fraction(text) * 100)


def later(start: date, months: int) -> date:
    month = start.year * 12 + start.month - 1 + months
    return date(month // 12, month % 12 + 1, start.day)


def runnable(case: dict[str, Any]) -> bool:
    """Judged by policy, with the basis of attribution in force, on days that the policy covers."""
    given = case["given"]
    match case["kind"]:
        case "earnings":
            start = day(given["ap"]["first_start"])
            return given["thresholds"] == "policy" and given["attribution_basis"] == "max" and start >= FIRST_POLICY_DAY
        case "couple":
            return True
        case "thresholds":
            return day(given["ap_start"]) >= FIRST_POLICY_DAY
        case _:
            return False


def load() -> list[dict[str, Any]]:
    cases = [case for name in FILES for case in yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))["cases"]]
    return [case for case in cases if runnable(case) and case["id"] not in ELSEWHERE]


CASES = load()


@dataclass
class Told:
    """One case as a claim. people: the case's name of a person → claimant id. paid: (person, day, pence) so far."""

    feed: Foreign
    case: dict[str, Any]
    house: Household
    people: dict[str, str]
    first: date
    year_to_date: dict[tuple[str, int], int] = field(default_factory=dict)
    payment_ids: dict[str, str] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)

    def pay(self, who: int, on: date, amount: int, job: dict[str, Any], **more: Any) -> None:
        """A report of one payday; the year to date runs on unless the case says it."""
        tax_year = on.year - ((on.month, on.day) < (4, 6))
        key = (f"{who}{job['id']}", tax_year)
        if more.get("uniquePaymentId") not in self.sent:  # the same report again says the same
            self.year_to_date[key] = self.year_to_date.get(key, 0) + amount
        self.sent.add(more.get("uniquePaymentId", ""))
        office, _, reference = job.get("paye", "123/A1").partition("/")
        report = self.house.payment(
            on,
            amount / 100,
            nationalInsuranceNumber=self.house.ninos[who] + "C",
            hmrcOfficeNumber=office,
            employerPayeRef=reference,
            payrollId=job.get("payroll_id", "1"),
            payFrequency=job.get("frequency", "M1"),
            **{"taxablePayToDate": self.year_to_date[key] / 100, **more},
        )
        if "start" in job:
            report["employmentStartDate"] = job["start"]
        self.feed.send(RTI, report, key=self.house.ninos[who].encode())


def open_claim(feed: Foreign, case: dict[str, Any]) -> Told:
    """The case's household, as upstream tells of it before any pay."""
    given = case["given"]
    household = given.get("household", "couple" if case["kind"] == "couple" else "single")
    eligible = [person for person in given.get("people", [{"id": "P1"}]) if person.get("eligible", True)]
    house = Household(couple=len(eligible) == 2)
    people = {person["id"]: claimant for person, claimant in zip(eligible, house.people, strict=True)}
    first = day(given["ap_start"] if case["kind"] == "thresholds" else given["ap"]["first_start"])
    told = Told(feed, case, house, people, first)
    house.entitlement = later(first, -1) if given.get("before") else first
    for place, person in enumerate(eligible):
        _circumstances(told, given, person, house.people[place], household)
    feed.ucfs(CONTRACT, house.claim, house.contract(coupleContract=len(eligible) == 2))
    if given.get("person", {}).get("self_employed"):
        # On a period with pay, so that the statement is not the only figure of its period.
        document = house.statement(house.entitlement, later(house.entitlement, 1) - timedelta(days=1))
        document["takeHomeBreakdown"]["selfEmployed"] = "100.00"
        feed.ucfs(STATEMENT, f"statement-{house.claim}", document)
    for place, person_id in enumerate(house.people):
        feed.ucfs(CLAIMANT, person_id, house.claimant(place))
    return told


def pay(told: Told) -> None:
    """Every payment of the case, in its order."""
    given = told.case["given"]
    eligible = [person for person in given.get("people", []) if person.get("eligible", True)]
    match told.case["kind"]:
        case "thresholds":
            for who, person in enumerate(eligible):
                told.pay(who, told.first + timedelta(days=12), pence(person["earnings"]), {"id": "E1"})
        case "couple":
            for who, person in enumerate(eligible):
                for n, amount in enumerate(person["amounts"] if any(map(pence, person["amounts"])) else []):
                    told.pay(who, later(told.first, n) + timedelta(days=12), pence(amount), {"id": "E1"})
        case _:
            _earnings(told, given)


def _earnings(told: Told, given: dict[str, Any]) -> None:
    jobs = given.get("employments", [{"id": "E1", "frequency": given.get("frequency", "M1")}])
    payments = list(given.get("payments", []))
    if series := given.get("payment_series"):
        for n in range(series["count"]):
            on = (day(series["first"]) + timedelta(days=n * series["every_days"])).isoformat()
            payments.append(
                {"employment": series["employment"], "payment_date": on, "received_date": on, "amount": series["amount"]}
            )
    for n, total in enumerate(given.get("period_totals", [])):
        on = (later(told.first, n) + timedelta(days=20)).isoformat()
        payments.append({"employment": "E1", "payment_date": on, "received_date": on, "amount": total})
    for job in jobs:
        _before(told, given, jobs, job, paid=any(p["employment"] == job["id"] for p in payments))
    for payment in payments:
        job = next(job for job in jobs if job["id"] == payment["employment"])
        _payment(told, payment, job, last=payment is [p for p in payments if p["employment"] == job["id"]][-1])


def _before(told: Told, given: dict[str, Any], jobs: list[dict[str, Any]], job: dict[str, Any], *, paid: bool) -> None:
    """What was known before the first period: the pay of the period before it, or a payday in no period at all."""
    before, known = given.get("before"), job.get("last_payday_before")
    first_job = job is jobs[0]
    if before is None and known is None:
        return
    if before is not None and (not before["employed"] or not first_job) and known is None:
        return
    on = day(known) if known else later(told.first, -1) + timedelta(days=20)
    amount = pence(before["amount"]) if before is not None and first_job else 100
    year_to_date = {"taxablePayToDate": float(job["ytd_before"])} if "ytd_before" in job else {}
    end = {"employmentEndDate": job["end"]} if "end" in job and not paid else {}
    told.pay(0, on, amount, job, apiAvailableTimestamp=f"{on}T08:00:00Z", **year_to_date, **end)


def _payment(told: Told, payment: dict[str, Any], job: dict[str, Any], *, last: bool) -> None:
    on = day(payment["payment_date"])
    received = payment.get("received_at") or f"{payment['received_date']}T08:00:00Z"
    more: dict[str, Any] = {"apiAvailableTimestamp": received, "hmrcReceiptTimestamp": received}
    if "id" in payment:
        more["uniquePaymentId"] = told.payment_ids.setdefault(payment["id"], told.house.payment(on)["uniquePaymentId"])
    for name, theirs in (("late_reason", "latePayeReportingReason"), ("periods_covered", "earningsPeriodsCovered"),
                         ("no_longer_valid", "paymentNoLongerValid")):  # fmt: skip
        if name in payment:
            more[theirs] = payment[name]
    if payment.get("strike_or_absence"):
        more["onStrikeWithinPayPeriod"] = "Y"
    if payment.get("after_leaving"):
        more["paymentAfterLeaving"] = "Y"
    if "ytd" in payment:
        more["taxablePayToDate"] = float(payment["ytd"])
    if "end" in job and last:
        more["employmentEndDate"] = job["end"]
    told.pay(0, on, pence(payment["amount"]), job, **more)


def _circumstances(told: Told, given: dict[str, Any], person: dict[str, Any], claimant_id: str, household: str) -> None:
    facts = {**person, **given.get("person", {})}
    if "age" in facts and facts["age"] is None:
        return  # upstream cannot say an unknown age: then it says nothing
    body = {
        "claimant_id": claimant_id,
        "version": 1,
        "from": "2022-01-01",
        "age_band": band(facts.get("age", 30), told.first),
        "expected_hours": facts.get("expected_hours", 35),
        "legal_group": facts.get("legal_group", "all_requirements"),
        "partner_ineligible": household == "couple_partner_ineligible" or given.get("partner_ineligible", False),
    }
    if "born" in facts:
        turned = day(facts["born"]).replace(year=day(facts["born"]).year + 21)
        told.feed.event(CONDITIONALITY, {**body, "age_band": "age_18_to_20"})
        body |= {"version": 2, "from": turned.isoformat()}
    told.feed.event(CONDITIONALITY, body)
    for version, eased in enumerate(given.get("easements", []), 1):
        until = None if eased["effect"] == "voluntary_only" else (day(eased["end"]) + timedelta(days=1)).isoformat()
        effect = {"no_contact_until": until, "voluntary_only": until is None, "review_on": None}
        told.feed.event(
            EASEMENT, {"claimant_id": claimant_id, "version": version, "from": eased["start"], "until": eased["end"], **effect}
        )


def band(age: int, on: date) -> str:
    if age >= (21 if on >= date(2024, 4, 1) else 23):
        return "nlw"
    return "age_21_to_22" if age >= 21 else "age_18_to_20"


# ---- what came of it ----


@dataclass
class Answers:
    """Reads decisions as an operator does, and the flag topic as anybody may."""

    http: httpx.Client

    def newest(self, claimant_id: str) -> dict[str, dict[str, Any]]:
        """First day of each period → the last decision made about it at its plan or re-check, in full."""
        path, found, cursor = f"/v1/claimants/{claimant_id}/decisions", {}, None
        while True:
            answer = self.http.get(path, params={"limit": 100, **({"cursor": cursor} if cursor else {})})
            assert answer.status_code == 200, answer.text
            for row in answer.json()["items"]:
                if row["step"] != "display":
                    found.setdefault(row["period_id"], row["decision_id"])
            cursor = answer.json()["next"]
            if cursor is None:
                break
        read = [self.http.get(f"/v1/decisions/{decision_id}").json() for decision_id in found.values()]
        return {decision["periods"][-1]["start"]: decision for decision in read}


@pytest.fixture(scope="module")
def platform(backends: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    var = tmp_path_factory.mktemp("oracle")
    begin = lambda: advance(backends.kafka.bootstrap, NOW)  # noqa: E731
    with Platform.start(
        var,
        backends,
        Ports.free(),
        clock="topic",
        database_prefix="oracle_",
        fresh=True,
        before_services=begin,
        services=("earnings", "referrals"),
    ) as started:
        yield started


@pytest.fixture(scope="module")
def told(platform: Platform) -> dict[str, Told]:
    """Every case's claim, told and worked through."""
    credentials = json.loads((platform.var_dir / "dev-credentials.json").read_text())
    feed = Foreign(
        platform.url("earnings"), platform.bootstrap, platform.data_key_service, credentials, platform.supervisor.environment
    )
    feed.clock = NOW - timedelta(days=1)
    cases = {case["id"]: open_claim(feed, case) for case in CASES}
    drain(platform)
    for one in cases.values():
        pay(one)
    drain(platform)
    feed.close()
    return cases


def drain(platform: Platform) -> None:
    """Everything sent is worked through by both services: twice the same answer."""
    seen: list[list[int]] = []

    def settled() -> bool:
        answers = [httpx.get(platform.url(name) + "/health/drained", timeout=10).json() for name in ("earnings", "referrals")]
        seen.append([answer.get("work") for answer in answers])
        return all(answer["drained"] for answer in answers) and len(seen) > 1 and seen[-1] == seen[-2]

    eventually(settled, "everything is worked through", 180)


@pytest.fixture(scope="module")
def answers(platform: Platform) -> Iterator[Answers]:
    found = json.loads((platform.var_dir / "dev-credentials.json").read_text())
    client = found["clients"]["operator"]
    form = {"grant_type": "client_credentials", "client_id": client["client_id"], "client_secret": client["client_secret"]}
    token = httpx.post(found["token_endpoint"], data=form, timeout=10).json()["access_token"]
    with httpx.Client(base_url=platform.url("referrals"), headers={"Authorization": f"Bearer {token}"}, timeout=15) as http:
        yield Answers(http)


def flags_of(start: str, decision: dict[str, Any]) -> list[tuple[str, str]]:
    result = decision["result"]
    queries = ["earnings-query"] * len([query for query in result["queries"] if query["cause"] != "ytd_mismatch"])
    return [(start, rule) for rule in (result["contact"], *result["outcomes"], *result["reviews"], *queries) if rule]


def wanted(case: dict[str, Any], person: str) -> list[tuple[str, str]]:
    flags = [flag for flag in case["expect"]["flags"] if flag.get("person", person) == person]
    return [(flag["period"], flag["rule"]) for flag in flags if flag.get("cause") != "ytd_mismatch"]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_services_conclude_what_the_case_says(case: dict[str, Any], told: dict[str, Told], answers: Answers) -> None:
    one = told[case["id"]]
    for person, claimant_id in one.people.items():
        found = answers.newest(claimant_id)
        if case["kind"] == "thresholds":
            [expected] = [row for row in case["expect"]["people"] if row["id"] == person]
            period = found[one.first.isoformat()]
            assert period["result"]["status"] == expected["status"]
            assert period["periods"][-1]["aet_pence"] == pence(case["expect"]["aet"]["single_used"])
            continue
        starts = [later(one.first, n).isoformat() for n in range(case["given"]["ap"]["count"])]
        statuses = [found[start]["result"]["status"] for start in starts]
        expect = case["expect"]
        if case["kind"] == "couple":
            assert statuses == expect["statuses"][person]
        elif "statuses" in expect:
            assert statuses == expect["statuses"]
        elif "periods" in expect:
            assert statuses == [period["status"] for period in expect["periods"]]
        flags = sorted(flag for start in starts for flag in flags_of(start, found[start]))
        if case["given"].get("before"):  # here a period like any other: windows may reach into it
            flags = [flag for flag in flags if not (flag[1] == "stagnation-3" and starts.index(flag[0]) < 2)]
        assert flags == sorted(wanted(case, person))
        if "suppressed" in expect:
            stops = [(start, stop["rule_id"], stop["guard"]) for start in starts for stop in found[start]["result"]["suppressed"]]
            assert stops == [(stop["period"], stop["rule"], stop["by"]) for stop in expect["suppressed"]]
