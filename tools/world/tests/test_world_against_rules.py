"""Whoever reads only the feed and follows the progression rules to the letter agrees with the truth.

The reader below knows nothing of the world but its messages (bodies in clear). It is written from the rules' text, without
any code of the world or of the platform, so that an error in the feed, in the truth or in their relation shows.
"""

from __future__ import annotations

import calendar
import itertools
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from world import generate
from world.feed import Feed
from world.scoring import Flag, score
from world.truth import truth
from world.truth.judge import LONG

LONDON = ZoneInfo("Europe/London")
STEP = {"W1": 7, "W2": 14, "W4": 28}
YEARLY = {"W1": 52, "W2": 26, "W4": 13}


@dataclass
class Pay:
    """One payment as it stands after corrections."""

    job: str
    on: date
    payday: date
    pence: int
    frequency: str
    covered: int
    strike: bool
    started: date
    ended: date | None
    valid: bool = True
    conflict: bool = False


@dataclass
class Reader:
    """Folds the feed: claims, people, payments; remembers the day each fact became known."""

    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    known: dict[tuple[str, str], date] = field(default_factory=dict)
    suspensions: dict[str, list[tuple[date, bool]]] = field(default_factory=lambda: defaultdict(list))
    easements: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    conditionality: dict[str, dict[str, Any]] = field(default_factory=dict)
    self_employed: dict[str, bool] = field(default_factory=dict)
    pays: dict[str, dict[str, Pay]] = field(default_factory=lambda: defaultdict(dict))
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    newest: dict[tuple[str, str], str] = field(default_factory=dict)

    def read(self, day: date, topic: str, value: bytes, body: bytes | None) -> None:
        try:
            message = json.loads(value)
            document = None if body is None else json.loads(body)
        except ValueError:
            return
        if topic == "hmrc.rti.payment-reported.v1":
            self.payment(message)
        elif topic.endswith("easement.v1"):
            self.easements[message["claimant_id"]].append(message)
        elif topic.endswith("conditionality.v1"):
            self.conditionality[message["claimant_id"]] = message
        elif document is not None:
            self.document(day, topic, message["message"], document)

    def document(self, day: date, topic: str, head: dict[str, Any], document: dict[str, Any]) -> None:
        record = next(iter(head["_id"].values()))
        if head["@type"] == "MONGO_DELETE":
            self.claims.pop(record, None)
            return
        time = head["_lastModifiedDateTime"] or document["createdDateTime"]["$date"][:23] + "+0000"
        if head["@type"] == "MONGO_RENAME" or self.newest.get((topic, record), "") >= time:
            return
        self.newest[topic, record] = time
        if topic == "db.core.claimant":
            self.people[record] = document
            if document["claimantDeathDetails"]:
                self.known.setdefault((record, "dead"), day)
        elif topic == "db.core.contract":
            self.claims[record] = document
            if document["closedDate"]:
                self.known.setdefault((record, "closed"), day)
            self.suspensions[record].append((day, bool((document.get("claimSuspension") or {}).get("suspensionDate"))))
        elif topic == "db.core.statement" and record != "broken-statement":
            claim = document["assessmentPeriod"]["contractId"]
            self.self_employed[claim] = float(document["takeHomeBreakdown"]["selfEmployed"]) > 0

    def payment(self, p: dict[str, Any]) -> None:
        if not isinstance(p["taxablePayInPeriod"], (int, float)):
            return
        pays, payment_id = self.pays[p["nationalInsuranceNumber"][:8]], p["uniquePaymentId"]
        if payment_id in self.seen:
            first = self.seen[payment_id]
            if p == first:
                return
            if p.get("paymentNoLongerValid") and {**p, "paymentNoLongerValid": None} == {**first, "paymentNoLongerValid": None}:
                pays[payment_id].valid = False
            else:
                pays[payment_id].conflict = True
            return
        self.seen[payment_id] = p
        job = f"{p['hmrcOfficeNumber']}/{p['employerPayeRef']}#{p.get('uniqueEmploymentSequenceNumber', p.get('payrollId'))}"
        payday = date.fromisoformat(p["paymentDate"])
        pence = round(p["taxablePayInPeriod"] * 100) + round(p.get("employeePensionContributions", 0) * 100)
        if p.get("latePayeReportingReason") == "H":
            for earlier in pays.values():
                if earlier.job == job and earlier.payday == payday:
                    earlier.pence = pence
                    return
        received = datetime.fromisoformat(p["apiAvailableTimestamp"]).astimezone(LONDON).date()
        ended = p.get("employmentEndDate")
        pays[payment_id] = Pay(
            job=job,
            on=max(payday, received),
            payday=payday,
            pence=pence,
            frequency=p["payFrequency"],
            covered=p.get("earningsPeriodsCovered", 1),
            strike="onStrikeWithinPayPeriod" in p or "unpaidAbsencePayPeriod" in p,
            started=date.fromisoformat(p.get("employmentStartDate", p["paymentDate"])),
            ended=date.fromisoformat(ended) if ended else None,
        )


def periods(entitlement: int, last: date) -> list[tuple[date, date]]:
    day = date(entitlement // 10000, entitlement // 100 % 100, entitlement % 100)
    starts = []
    year, month = day.year, day.month
    while date(year, month, 1) <= last + timedelta(days=62):
        length = calendar.monthrange(year, month)[1]
        of_month = length if day.day == 31 else min(day.day, length)
        if day.day in (29, 30) and month == 2:
            of_month = 28 if length == 29 else 27
        starts.append(date(year, month, of_month))
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    spans = [(a, b - timedelta(days=1)) for a, b in itertools.pairwise(starts)]
    return [span for span in spans if span[1] + timedelta(days=7) <= last]


def half_up(value: Fraction) -> int:
    return int((value + Fraction(1, 2)) // 1)


def month_later(day: date) -> date:
    year, month = (day.year, day.month + 1) if day.month < 12 else (day.year + 1, 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


class Person:
    """Amounts and withheld periods of one person, from payments alone."""

    def __init__(self, pays: list[Pay], spans: list[tuple[date, date]]) -> None:
        self.spans = spans
        self.jobs: dict[str, list[Pay]] = defaultdict(list)
        for pay in sorted(pays, key=lambda p: p.payday):
            if pay.valid:
                self.jobs[pay.job].append(pay)
        self.ended = {job: next((p.ended for p in reversed(own) if p.ended), None) for job, own in self.jobs.items()}
        self.withheld = [False] * len(spans)
        for job, own in self.jobs.items():
            self.doubt(own, self.ended[job])

    def inside(self, own: list[Pay], index: int) -> list[Pay]:
        start, end = self.spans[index]
        return [p for p in own if start <= p.on <= end]

    def total(self, index: int) -> int:
        return sum(p.pence for own in self.jobs.values() for p in self.inside(own, index))

    def strike(self, index: int) -> bool:
        return any(p.strike for own in self.jobs.values() for p in self.inside(own, index))

    def open_job(self, index: int) -> bool:
        start, end = self.spans[index]
        return any(own[0].started <= end and (self.ended[job] or end) >= start for job, own in self.jobs.items())

    def doubt(self, own: list[Pay], ended: date | None) -> None:
        for index, (start, end) in enumerate(self.spans):
            here = self.inside(own, index)
            paid = sorted(p.pence for p in here if p.pence > 0)
            if own[0].frequency == "M1" and len(paid) == 2 and 2 * paid[0] >= paid[1]:
                self.withheld[index] = True
                for other in (index - 1, index + 1):
                    if 0 <= other < len(self.spans) and not sum(p.pence for p in self.inside(own, other)):
                        self.withheld[other] = True
            if any(p.covered > 1 or p.conflict for p in here):
                self.withheld[index] = True
            before = [p.payday for p in own if p.on < start]
            if not here and before and not (ended and ended <= end) and own[0].frequency != "IR":
                last = before[-1]
                due = month_later(last) if own[0].frequency == "M1" else last + timedelta(days=STEP[own[0].frequency])
                if due <= end <= due + timedelta(days=62):
                    self.withheld[index] = True

    def amount(self, index: int) -> int:
        return sum(self.of_job(own, self.ended[job], index) for job, own in self.jobs.items())

    def of_job(self, own: list[Pay], ended: date | None, index: int) -> int:
        frequency = own[0].frequency
        back = range(max(0, index - 2), index + 1)
        totals = [sum(p.pence for p in self.inside(own, i)) for i in back]
        if frequency == "M1" or (ended and ended <= self.spans[index][1]):
            return totals[-1]
        if frequency == "IR":
            return half_up(Fraction(sum(totals), len(totals)))
        first, step, count = own[0].payday, timedelta(days=STEP[frequency]), 0
        while first <= self.spans[index][1]:
            count += first >= self.spans[back[0]][0]
            first += step
        return half_up(Fraction(sum(totals) * YEARLY[frequency], 12 * count)) if count else 0


def figures(day: date) -> tuple[int, int, int, int]:
    """Single AET, couple AET, adult floor, floor of 18 to 20, in pence."""
    return (991_00, 1597_00, 1271, 1085) if day >= date(2026, 4, 1) else (952_00, 1534_00, 1221, 1000)


class Judge:
    """The rules over one claim."""

    def __init__(self, reader: Reader, claim_id: str, last: date) -> None:
        self.reader, self.claim_id = reader, claim_id
        self.claim = reader.claims[claim_id]
        self.spans = periods(self.claim["entitlementDate"], last)
        closed = self.claim["closedDate"]
        if closed:
            self.spans = [s for s in self.spans if int(s[1].strftime("%Y%m%d")) <= closed]
        self.ids = [p["citizenId"] if isinstance(p, dict) else p for p in self.claim["people"]]
        self.people = {who: Person(self.pays(who), self.spans) for who in self.ids}
        self.flags: set[Flag] = set()
        for who in self.ids:
            self.run(who)

    def pays(self, who: str) -> list[Pay]:
        nino = (self.reader.people[who]["nino"] or "")[:8]
        return list(self.reader.pays[nino].values())

    def status(self, who: str, index: int, at: date) -> str | None:
        if self.people[who].withheld[index]:
            return None
        own, together = self.people[who].amount(index), sum(p.amount(index) for p in self.people.values())
        single, couple, adult, young = figures(at)
        cet = 0
        for person in self.ids:
            facts = self.reader.conditionality.get(person, {})
            rate = young if facts.get("age_band") == "age_18_to_20" else adult
            cet += (facts.get("expected_hours") or 35) * rate * 52 // 1200 * 100
        if together >= cet:
            return "WE"
        return "LT" if own >= single or (len(self.ids) == 2 and together >= couple) else "IWS"

    def stopped(self, who: str, index: int, rule: str) -> bool:
        end = self.spans[index][1]
        plan, due, shown = (end + timedelta(days=n) for n in (1, 7, 9))
        for key in ((who, "dead"), (self.claim_id, "closed")):
            if key in self.reader.known and self.reader.known[key] < shown:
                return True
        for day in (plan, due, shown):
            states = [state for on, state in self.reader.suspensions[self.claim_id] if on < day]
            if states and states[-1]:
                return True
        if self.reader.conditionality.get(who, {}).get("legal_group") == "no_requirements":
            return True
        for easement in self.reader.easements[who]:
            first, until = date.fromisoformat(easement["from"]), date.fromisoformat(easement["until"])
            if not easement["voluntary_only"] and any(first <= day <= until for day in (due, shown)):
                return True
        fall = rule in ("fell-below-aet", "sustained-fall")
        return fall and (self.reader.self_employed.get(self.claim_id, False) or self.people[who].strike(index))

    def flag(self, who: str, index: int, rule: str) -> bool:
        if rule != "crossed-above-aet" and self.stopped(who, index, rule):
            return False
        self.flags.add(Flag(rule, who, self.spans[index][0]))
        return True

    def run(self, who: str) -> None:
        me, before = self.people[who], None
        raised: set[str] = set()
        for index, (start, _) in enumerate(self.spans):
            now = self.status(who, index, start)
            if now is None:
                continue
            amount = me.amount(index)
            if before is not None:
                was = self.status(who, before, self.spans[before][0])
                cause = was not in (now, self.status(who, index, self.spans[before][0]))
                earlier = me.amount(before)
                if cause and was != "IWS" and now == "IWS" and 0 < amount < earlier and amount < figures(start)[0]:
                    self.flag(who, index, "fell-below-aet")
                if cause and was == "IWS" and now != "IWS" and 0 < earlier < amount:
                    self.flag(who, index, "crossed-above-aet")
            before = index
            idle = index and not me.total(index - 1) and not me.open_job(index - 1)
            if idle and me.total(index) and not self.re_entry(me, index):
                self.flag(who, index, "newly-in-work")
            if now != "IWS":
                raised.discard("sustained-fall")
            elif "sustained-fall" not in raised and self.lasting(who, index) and self.flag(who, index, "sustained-fall"):
                raised.add("sustained-fall")
            if now != "LT" or not amount:
                raised -= {"stagnation-3", "stagnation-6"}
                continue
            for rule, back in (("stagnation-6", 5), ("stagnation-3", 2)):
                window = range(index - back, index + 1)
                if index < back or any(self.status(who, i, self.spans[i][0]) != "LT" or not me.amount(i) for i in window):
                    continue
                first = me.amount(index - back)
                hours = [Fraction(me.amount(i) * 12, 52 * figures(self.spans[i][0])[2]) for i in (index - back, index)]
                if Fraction(amount - first, first) >= Fraction(5, 100) and hours[1] - hours[0] >= Fraction(1, 2):
                    raised.discard(rule)
                elif not raised & {rule, "stagnation-6"} and self.flag(who, index, rule):
                    raised.add(rule)

    def lasting(self, who: str, index: int) -> bool:
        """Three conclusions or more below with pay, after one above that paid more; below under the thresholds of then too."""
        me, count = self.people[who], 0
        for i in range(index, -1, -1):
            status = self.status(who, i, self.spans[i][0])
            if status is None:
                continue
            if status != "IWS":
                same = self.status(who, index, self.spans[i][0]) == "IWS"
                return count >= 3 and me.amount(index) < me.amount(i) and same
            if not me.amount(i):
                return False
            count += 1
        return False

    def re_entry(self, me: Person, index: int) -> bool:
        start, end = self.spans[index]
        begun = [own[0].started for own in me.jobs.values() if start <= own[0].started <= end]
        left = [day for day in me.ended.values() if day and day < start]
        return bool(begun and left and (begun[0] - max(left)).days <= 91)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_literal_reader_of_the_feed_agrees_with_the_truth(seed: int) -> None:
    world = generate(seed)
    feed, reader = Feed(world), Reader()
    for day in feed.days():
        for message in feed.day(day):
            reader.read(day, message.topic, message.value, message.body)
    flags = {
        flag for claim_id in reader.claims if claim_id != "broken-contract" for flag in Judge(reader, claim_id, world.end).flags
    }
    for rule, result in score(truth(world), flags).items():
        assert result.labelled >= (25 if rule in LONG else 40), rule
        assert result.precision >= 0.98, (rule, result.differences)
        assert result.recall >= 0.98, (rule, result.differences)
