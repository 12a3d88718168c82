"""Labels: what should be noticed about each person, told from what really happened to them.

Every label names the latent events that brought it about; a change of pay that no event explains is never a label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import takewhile
from typing import Any, Literal, get_args

from world import thresholds
from world.model import Claim, Job, LatentEvent, Person
from world.periods import Period, closed_by
from world.truth.amounts import LOOK_BACK, Evidence, TruePeriod, periods_of, true_periods
from world.truth.contactable import due_on, why_not

Rule = Literal["fell-below-aet", "sustained-fall", "newly-in-work", "stagnation-3", "stagnation-6", "crossed-above-aet"]
RULES: tuple[Rule, ...] = get_args(Rule)
FALLS: tuple[Rule, ...] = ("fell-below-aet", "sustained-fall")
LONG: frozenset[Rule] = frozenset({"sustained-fall", "stagnation-6"})
"""They need many periods in a row: one that is reported wrongly seldom makes the difference."""
STANDSTILLS: Mapping[Rule, int] = {"stagnation-6": 6, "stagnation-3": 3}
"""The stronger first: it stands for the other too. With the periods of each."""
Status = Literal["IWS", "LT", "WE"]

GROWTH_PERCENT = Fraction(5, 100)
GROWTH_HOURS = Fraction(1, 2)
RE_ENTRY_DAYS = 91
LASTS = 3
"""Conclusions in a row below the threshold that make a fall a lasting one."""
DOWN = frozenset({"hours_fall", "job_end", "strike", "unpaid_absence", "shift_pattern"})
UP = frozenset({"hours_rise", "raise", "job_start", "wage_floor_rise", "strike", "unpaid_absence", "shift_pattern"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """This person should be flagged under the rule for the period that begins on `start`."""

    rule: Rule
    claimant_id: str
    claim_id: str
    start: date
    end: date
    due_on: date
    because: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A known reason why a flag and a label may differ, or why there is no label."""

    claimant_id: str
    claim_id: str
    start: date
    rule: Rule | None
    cause: str
    detail: dict[str, Any]


@dataclass(slots=True)
class Findings:
    """Labels and notes of one claim, and each person's true periods with their status (None: withheld)."""

    labels: list[Label] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    periods: dict[str, list[tuple[TruePeriod, Status | None]]] = field(default_factory=dict)


def judge(
    claim: Claim,
    persons: Mapping[str, Person],
    jobs: Mapping[str, Sequence[Job]],
    evidence: Mapping[str, list[Evidence]],
    events: Mapping[str, Sequence[LatentEvent]] | None,
    last_day: date,
) -> Findings:
    """All labels of a claim whose due day is not after `last_day`. jobs, events: by person.

    events None: do not ask what brought a change about (for facts that never were, as first reported).
    """
    periods = [period for period in periods_of(claim, last_day) if due_on(period) <= last_day]
    people = {who: true_periods(jobs.get(who, ()), evidence, periods) for who in claim.people}
    findings = Findings()
    for who in claim.people:
        statuses = [_status(claim, persons, people, who, index) for index in range(len(periods))]
        findings.periods[who] = list(zip(people[who], statuses, strict=True))
        _Judge(
            claim,
            persons,
            persons[who],
            people,
            statuses,
            None if events is None else events.get(who, ()),
            jobs.get(who, ()),
            findings,
        ).run()
        findings.notes += [
            _cut_short(claim, who, period) for period in closed_by(claim.entitlement, last_day) if _cut(claim, period)
        ]
    return findings


def _cut(claim: Claim, period: Period) -> bool:
    """The claim closed before the period ended, so that the world says nothing of it; pay may still fall into it."""
    return claim.closed_on is not None and period.start < claim.closed_on < period.end


def _cut_short(claim: Claim, who: str, period: Period) -> Note:
    return Note(claimant_id=who, claim_id=claim.claim_id, start=period.start, rule=None, cause="claim_closed", detail={})


def _status(
    claim: Claim,
    persons: Mapping[str, Person],
    people: Mapping[str, list[TruePeriod]],
    who: str,
    index: int,
    at: date | None = None,
) -> Status | None:
    """Status in the period at index, under the thresholds of `at` (default: the period's own first day)."""
    mine = people[who][index]
    if any(periods[index].withheld for periods in people.values()):
        return None  # a partner's doubtful pay leaves the household's unknown
    day = at or mine.period.start
    own = mine.amount_pence
    together = sum(periods[index].amount_pence for periods in people.values())
    cet = sum(_cet(persons[person], day) for person in claim.people)
    if together >= cet:
        return "WE"
    single, couple = thresholds.aet(day)
    return "LT" if own >= single or (len(claim.people) == 2 and together >= couple) else "IWS"


def _cet(person: Person, day: date) -> int:
    facts = person.conditionality
    if facts is None:
        return thresholds.individual_cet(day, "nlw", None, "all_requirements")
    return thresholds.individual_cet(day, facts.age_band, facts.hours, facts.legal_group)


@dataclass(slots=True)
class _Judge:
    """One person through a claim's periods, in order."""

    claim: Claim
    persons: Mapping[str, Person]
    person: Person
    people: Mapping[str, list[TruePeriod]]
    statuses: list[Status | None]
    events: Sequence[LatentEvent] | None
    jobs: Sequence[Job]
    findings: Findings
    stands: set[Rule] = field(default_factory=set)
    """Rules labelled, or outranked by one that was, in the run that goes on."""

    def run(self) -> None:
        mine = self.people[self.person.person_id]
        before: int | None = None
        for index, now in enumerate(mine):
            if now.withheld:
                self.note(now.period, None, now.withheld)
            elif self.statuses[index] is None:
                self.note(now.period, None, "partner_withheld")
                self.newly(index)
            else:
                if before is not None:
                    self.compare(before, index)
                self.newly(index)
                before = index
                self.sustained(index)
            self.stagnation(index)

    def compare(self, before: int, index: int) -> None:
        """Falls and crossings: the status changed because this person's own pay moved that way."""
        mine = self.people[self.person.person_id]
        earlier, now = mine[before], mine[index]
        was, is_ = self.statuses[before], self.statuses[index]
        same_rules = _status(self.claim, self.persons, self.people, self.person.person_id, index, at=earlier.period.start)
        if was == is_:
            return
        if same_rules == was:
            self.note(now.period, None, "threshold_change", was=was, now=is_)
            return
        own_fell, own_rose = now.amount_pence < earlier.amount_pence, now.amount_pence > earlier.amount_pence
        single, couple = thresholds.aet(now.period.start)
        figures = {
            "amount_before_pence": earlier.amount_pence,
            "amount_pence": now.amount_pence,
            "threshold_pence": single,
            "couple_threshold_pence": couple if len(self.claim.people) == 2 else None,
            "status_before": was,
            "status": is_,
        }
        if was in ("LT", "WE") and is_ == "IWS" and now.amount_pence > 0:
            if own_fell and now.amount_pence < single:
                self.contact("fell-below-aet", now, self.causes(DOWN, index), figures)
            else:
                self.note(now.period, "fell-below-aet", "household_change")
        if was == "IWS" and is_ in ("LT", "WE") and earlier.amount_pence > 0:
            if own_rose:
                self.label("crossed-above-aet", now, self.causes(UP, index), figures)
            else:
                self.note(now.period, "crossed-above-aet", "household_change")

    def newly(self, index: int) -> None:
        """First pay that is beyond doubt, after a whole period without pay and without a job."""
        mine = self.people[self.person.person_id]
        now = mine[index]
        known = [earlier for earlier in mine[:index] if not earlier.withheld]
        if not now.pay_pence or not known or known[-1].pay_pence:
            return
        idle = []
        for earlier in reversed(known):
            if earlier.pay_pence:
                break
            if not earlier.open_job:
                idle.append(earlier.period.start)
        if not idle:
            if now.moved:
                self.note(now.period, "newly-in-work", "reported_late")
            return
        since, until = known[-1].period.end, now.period.end
        started = [job for job in self.jobs if job.real and since < job.started_on <= until]
        left = [job.ended_on for job in self.jobs if job.real and job.ended_on is not None and job.ended_on < now.period.start]
        if started and left and (started[0].started_on - max(left)).days <= RE_ENTRY_DAYS:
            self.note(now.period, "newly-in-work", "rapid_re_entry", gap_days=(started[0].started_on - max(left)).days)
            return
        figures = {"pay_pence": now.pay_pence, "idle_periods": [day.isoformat() for day in reversed(idle)]}
        self.contact("newly-in-work", now, self.causes(frozenset({"job_start"}), index), figures)

    def sustained(self, index: int) -> None:
        """Below the threshold for three conclusions in a row, with pay in each, after one above it; once until it is over."""
        mine = self.people[self.person.person_id]
        now = mine[index]
        if self.statuses[index] != "IWS":
            self.stands.discard("sustained-fall")
            return
        concluded = [place for place in range(index, -1, -1) if self.statuses[place] is not None]
        below = list(takewhile(lambda place: self.statuses[place] == "IWS" and mine[place].amount_pence > 0, concluded))
        base = concluded[len(below)] if len(concluded) > len(below) else None
        if base is None or self.statuses[base] == "IWS" or len(below) < LASTS or "sustained-fall" in self.stands:
            return
        same_rules = _status(self.claim, self.persons, self.people, self.person.person_id, index, at=mine[base].period.start)
        if same_rules != "IWS" or now.amount_pence >= mine[base].amount_pence:
            self.note(now.period, "sustained-fall", "threshold_change" if same_rules != "IWS" else "household_change")
            return
        figures = {"amount_before_pence": mine[base].amount_pence, "amount_pence": now.amount_pence, "periods": len(below)}
        if self.contact("sustained-fall", now, self.causes(DOWN, index, index - base + LOOK_BACK - 1), figures):
            self.stands.add("sustained-fall")

    def stagnation(self, index: int) -> None:
        """Three periods in a row, or six, at Light Touch in which own pay stood still; once each until the run ends."""
        mine = self.people[self.person.person_id]
        if self.statuses[index] is None:
            return
        if self.statuses[index] != "LT" or not mine[index].amount_pence:
            self.stands -= STANDSTILLS.keys()
            return
        for rule, periods in STANDSTILLS.items():
            if index + 1 >= periods:
                self.stands_still(rule, index, mine[index - periods + 1 : index + 1])

    def stands_still(self, rule: Rule, index: int, window: Sequence[TruePeriod]) -> None:
        statuses = self.statuses[index - len(window) + 1 : index + 1]
        if any(status != "LT" for status in statuses) or not all(period.amount_pence for period in window):
            return
        first, now = window[0], window[-1]
        percent = Fraction(now.amount_pence - first.amount_pence, first.amount_pence)
        gain = _floor_hours(now) - _floor_hours(first)
        if percent >= GROWTH_PERCENT and gain >= GROWTH_HOURS:
            self.stands.discard(rule)
            return
        if rule in self.stands or "stagnation-6" in self.stands:
            return
        figures = {
            "amounts_pence": [period.amount_pence for period in window],
            "growth_percent": round(float(percent * 100), 2),
            "hours_gain": round(float(gain), 2),
        }
        # Pay that stands still has no event behind it: what is listed are the small ones that were not enough.
        if self.contact(rule, now, self.causes(UP | DOWN, index), figures, needs_event=False):
            self.stands.add(rule)

    def causes(self, kinds: frozenset[str], index: int, back: int = LOOK_BACK) -> list[LatentEvent]:
        """Latent events of these kinds that could still move the amount of the period at index, or of those before it."""
        mine = self.people[self.person.person_id]
        # The first pay looked at is for work of up to a month before its period.
        since = mine[max(0, index - max(back, LOOK_BACK))].period.start - timedelta(days=31)
        return [event for event in self.events or () if event.kind in kinds and since <= event.day <= mine[index].period.end]

    def contact(
        self, rule: Rule, now: TruePeriod, causes: list[LatentEvent], figures: dict[str, Any], *, needs_event: bool = True
    ) -> bool:
        """Label for a rule that proposes contact, unless a fact of life forbids it. True when labelled."""
        stop: str | None = why_not(self.claim, self.person, now.period)
        if stop is None and rule in FALLS:
            if any(self.persons[who].self_employed_pence for who in self.claim.people):
                stop = "self_employed"
            elif now.strike:
                stop = "strike_or_absence"
        if stop is not None:
            self.note(now.period, rule, stop)
            return False
        return self.label(rule, now, causes, figures, needs_event=needs_event)

    def label(
        self, rule: Rule, now: TruePeriod, causes: list[LatentEvent], figures: dict[str, Any], *, needs_event: bool = True
    ) -> bool:
        late = self.late(now, LOOK_BACK + (LASTS if rule in LONG else 1))
        if needs_event and self.events is not None and not causes and not late:
            self.note(now.period, rule, "no_latent_event", **figures)
            return False
        self.findings.labels.append(
            Label(
                rule=rule,
                claimant_id=self.person.person_id,
                claim_id=self.claim.claim_id,
                start=now.period.start,
                end=now.period.end,
                due_on=due_on(now.period),
                because={**figures, "events": [event.event_id for event in causes], "late": late},
            )
        )
        return True

    def late(self, now: TruePeriod, back: int) -> list[str]:
        """Starts of the last so many periods into or out of which late reports moved pay: a fact that counts (reg 61)."""
        until = [period for period in self.people[self.person.person_id] if period.period.start <= now.period.start]
        return [period.period.start.isoformat() for period in until[-back:] if period.moved]

    def note(self, period: Period, rule: Rule | None, cause: str, **detail: Any) -> None:
        self.findings.notes.append(
            Note(
                claimant_id=self.person.person_id,
                claim_id=self.claim.claim_id,
                start=period.start,
                rule=rule,
                cause=cause,
                detail=detail,
            )
        )


def _floor_hours(period: TruePeriod) -> Fraction:
    """Weekly hours that the amount would buy at the wage floor."""
    return Fraction(period.amount_pence * 12, 52 * thresholds.wage_floor(period.period.start))
