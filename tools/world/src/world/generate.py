"""A world from a seed: same seed and size, same world."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import cast
from uuid import UUID

from world import circumstances, names
from world.couples import COUPLES
from world.draft import Draft, DraftPerson
from world.model import Claim, Coach, Conditionality, Job, LatentEvent, LegalGroup, Payslip, Person, Report, World
from world.periods import ONE_DAY, Period, add_months, closed_by
from world.reports import Payroll, Rates
from world.stories import SINGLE
from world.truth.amounts import evidence_of
from world.truth.contactable import due_on
from world.truth.judge import Findings, judge

DEFAULT_START = date(2026, 3, 1)
"""March: the play holds the April rise of wage floors and thresholds, and every conclusion falls after 1 April 2026."""
MIN_MONTHS = 6
ENOUGH_PERIODS = 4
"""Closed periods that every story has room in; a play of MIN_MONTHS gives them to claims of its first month."""
SHOWN_DAYS = 9
PERSONS_PER_COACH = 90
TRIES = 40
APART_DAYS = 45
LONG_STANDSTILL = 6
"""Periods after which a claimant at Light Touch may be contacted once more."""
CONTACT_RULES = ("fell-below-aet", "newly-in-work", "stagnation-3")


def generate(
    seed: int = 1,
    claimants: int = 500,
    months: int = 8,
    start: date = DEFAULT_START,
    *,
    broken: bool = True,
    rates: Rates = Rates(),
) -> World:
    """A world of about `claimants` people from `start` for `months` months.

    broken: the feed also carries a few messages that cannot be used (listed in the truth file). rates: how much of the
    reporting goes wrong. Raises ValueError for a play too short for any conclusion, or outside the years of the world's
    thresholds.
    """
    if months < MIN_MONTHS:
        raise ValueError(f"months: at least {MIN_MONTHS}, because conclusions need several closed assessment periods")
    if claimants < 1:
        raise ValueError("claimants: at least 1")
    return _Maker(seed, claimants, start, add_months(start, months) - ONE_DAY, broken, rates).world()


class _Maker:
    def __init__(self, seed: int, claimants: int, start: date, end: date, broken: bool, rates: Rates) -> None:
        self.rng = Random(seed)
        self.rates = rates
        self.seed, self.claimants, self.start, self.end, self.broken = seed, claimants, start, end, broken
        self.employers = names.employers(self.rng, max(6, claimants // 12))
        self.job_numbers = itertools.count(1)
        self.payment_ids: Iterator[int] = itertools.count(self.rng.randint(8_000_000_000, 9_000_000_000), 7)
        self.ninos = itertools.count(self.rng.randint(100, 4000))
        self.coaches = tuple(
            Coach(coach_id=f"coach-{n + 1}", office_id=names.OFFICES[n % len(names.OFFICES)].office_id, minutes_per_day=370)
            for n in range(max(3, claimants // PERSONS_PER_COACH + 1))
        )
        self.erased = False
        self.persons: dict[str, Person] = {}
        self.claims: list[Claim] = []
        self.jobs: dict[str, Job] = {}
        self.slips: dict[str, Payslip] = {}
        self.reports: list[Report] = []
        self.events: list[LatentEvent] = []

    def world(self) -> World:
        for chosen in self._deck():
            self._settle(chosen)
        claim_of = {who: claim for claim in self.claims for who in claim.people}
        self.reports.sort(key=lambda report: (report.on, report.unique_id))
        return World(
            seed=self.seed,
            start=self.start,
            end=self.end,
            offices=names.OFFICES,
            coaches=self.coaches,
            employers=self.employers,
            persons=self.persons,
            claims=tuple(self.claims),
            jobs=self.jobs,
            slips=self.slips,
            reports=tuple(self.reports),
            events=tuple(sorted(self.events, key=lambda event: (event.day, event.event_id))),
            broken=self.broken,
            claim_of=claim_of,
        )

    def _deck(self) -> list[Callable[[Draft], None]]:
        """One card per claim, in proportion to the stories' weights, until there are enough people."""
        people = sum(SINGLE.values()) + 2 * sum(COUPLES.values())
        cards: list[tuple[float, int, Callable[[Draft], None]]] = []
        shares = [*((w, 1, _single(s)) for s, w in SINGLE.items()), *((w, 2, _couple(c)) for c, w in COUPLES.items())]
        for weight, size, card in shares:
            wanted = weight * self.claimants / people
            # Evenly spread ranks: any first part of the deck holds every story in about its share.
            cards.extend(((n + self.rng.random()) / wanted, size, card) for n in range(int(wanted) + 1))
        cards.sort(key=lambda item: item[0])
        deck, seated = [], 0
        for _, size, card in cards:
            if seated >= self.claimants:
                break
            deck.append(card)
            seated += size
        self.rng.shuffle(deck)
        return deck

    def _settle(self, play: Callable[[Draft], None]) -> None:
        """Draws a claim until one person's contact labels are not in neighbouring periods.

        Contact soon after contact is limited by what coaches did, which the world does not know.
        """
        for attempt in range(TRIES):
            draft = self._draft()
            play(draft)
            made = self._finish(draft)
            if circumstances.overlay(draft, made.findings, self.rng):
                made = self._finish(draft)
            if attempt + 1 == TRIES or not _crowded(made.findings):
                self._keep(made)
                return

    def _draft(self) -> Draft:
        rng = self.rng
        entitlement = self.start + timedelta(days=rng.randint(0, 27 if rng.random() < 0.93 else 30))
        later = add_months(entitlement, rng.randint(1, 2))
        if rng.random() < 0.08 and len(self._periods(later)) >= ENOUGH_PERIODS:
            entitlement = later
        return Draft(
            rng=rng,
            claim_id=_uuid(rng),
            entitlement=entitlement,
            end=self.end,
            periods=self._periods(entitlement),
            employers=self.employers,
            next_job=lambda: next(self.job_numbers),
        )

    def _periods(self, entitlement: date) -> list[Period]:
        """Periods whose conclusions are shown inside the play."""
        return [p for p in closed_by(entitlement, self.end) if p.end + timedelta(days=SHOWN_DAYS) <= self.end]

    def _finish(self, draft: Draft) -> _Made:
        return _Made(draft, Payroll(draft, Random(self.rng.random()), self.payment_ids, self.rates))

    def _keep(self, made: _Made) -> None:
        rng, draft = self.rng, made.draft
        arrives = draft.entitlement + timedelta(days=rng.choices([0, 1, 2, 4], [80, 10, 6, 4])[0])
        coach = rng.choice(self.coaches)
        for person in draft.people:
            self.persons[person.person_id] = circumstances.identity(
                made.person_facts(person),
                rng,
                nino=names.nino(next(self.ninos), rng),
                coach=coach,
                coaches=self.coaches,
                first_day=draft.entitlement,
                last_day=self.end,
            )
        erased = not self.erased and made.draft.people[0].story == "workless"
        self.erased = self.erased or erased
        claim = replace(made.claim, arrives_on=arrives, erased_on=self.end - timedelta(days=25) if erased else None)
        self.claims.append(claim)
        self.jobs.update({job.job_id: job for jobs in made.jobs.values() for job in jobs})
        self.slips.update(made.slips)
        self.reports.extend(made.reports)
        self.events.extend(draft.events())


class _Made:
    """A draft turned into facts, with what the truth says of it."""

    def __init__(self, draft: Draft, payroll: Payroll) -> None:
        self.draft = draft
        self.claim = Claim(
            claim_id=draft.claim_id,
            people=tuple(person.person_id for person in draft.people),
            entitlement=draft.entitlement,
            arrives_on=draft.entitlement,
            closed_on=draft.closed_on,
            closure_reason="CustomerRequested" if draft.closed_on else None,
            suspended=draft.suspended,
        )
        self.jobs = {person.person_id: [job.job for job in person.jobs] for person in draft.people}
        self.slips: dict[str, Payslip] = {}
        self.reports: list[Report] = []
        for person in draft.people:
            known_until = _reporting_ends(draft, person)
            for job in person.jobs:
                slips, reports = payroll.submit(job)
                kept = {slip.slip_id: slip for slip in slips if known_until is None or slip.payday <= known_until}
                self.slips.update(kept)
                self.reports.extend(report for report in reports if report.slip_id in kept)
        self.findings = self._judge()

    def person_facts(self, person: DraftPerson) -> Person:
        """The person's facts as far as the draft knows them; identity is added when the claim is kept."""
        group = cast(LegalGroup, person.legal_group)
        band = "age_18_to_20" if person.young else "nlw"
        return Person(
            person_id=person.person_id,
            nino="",
            first_name="",
            last_name="",
            office_id="",
            coach_id=None,
            contact=(),
            conditionality=Conditionality(age_band=band, hours=person.hours, legal_group=group),  # type: ignore[arg-type]
            easements=tuple(person.easements),
            self_employed_pence=person.self_employed_pence,
            died_on=person.died_on,
            death_known_on=person.death_known_on,
            nino_known_on=person.nino_known_on,
            story=person.story,
        )

    def _judge(self) -> Findings:
        persons = {person.person_id: self.person_facts(person) for person in self.draft.people}
        all_jobs = {job.job_id: job for jobs in self.jobs.values() for job in jobs}
        evidence = evidence_of(self.slips, self.reports, all_jobs)
        events: dict[str, list[LatentEvent]] = {}
        for event in self.draft.events():
            events.setdefault(event.person_id, []).append(event)
        return judge(self.claim, persons, self.jobs, evidence, events, self.draft.end)


def _reporting_ends(draft: Draft, person: DraftPerson) -> date | None:
    """Pay is reported to benefits for some days after a claim's or a life's end, no longer."""
    ends = [day + timedelta(days=10) for day in (draft.closed_on, person.died_on) if day is not None]
    return min(ends) if ends else None


def _crowded(findings: Findings) -> bool:
    """Whether contact about a label would come soon after other contact: about a label, or about six standing still."""
    due: dict[str, list[date]] = {}
    for label in findings.labels:
        if label.rule in CONTACT_RULES:
            due.setdefault(label.claimant_id, []).append(label.due_on)
    for who, periods in findings.periods.items():
        steady = 0
        for true, status in periods:
            steady = steady + 1 if status == "LT" and true.amount_pence else 0
            if steady == LONG_STANDSTILL:
                due.setdefault(who, []).append(due_on(true.period))
    return any((b - a).days < APART_DAYS for days in due.values() for a, b in itertools.pairwise(sorted(set(days))))


def _uuid(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))


def _single(story: Callable[[Draft, DraftPerson], None]) -> Callable[[Draft], None]:
    def play(draft: Draft) -> None:
        person = DraftPerson(_uuid(draft.rng), story=story.__name__)
        draft.people.append(person)
        story(draft, person)

    return play


def _couple(story: Callable[[Draft, DraftPerson, DraftPerson], None]) -> Callable[[Draft], None]:
    def play(draft: Draft) -> None:
        pair = [DraftPerson(_uuid(draft.rng), story=f"couple_{story.__name__}") for _ in range(2)]
        draft.people.extend(pair)
        story(draft, pair[0], pair[1])

    return play
