"""Stories of pay whose decisions are released: together they make every rule hold at least once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec
from referrals_facts import assessed, claim, earned, months, person
from referrals_memory import Referrals

from contracts.earnings import ClaimOpened, Conditionality, Easement, PeriodClaimant
from referrals.rules.evaluation import Inputs

SPANS = months(date(2026, 1, 8), 9)
EASED = Easement(from_=date(2026, 3, 1), no_contact_until=date(2026, 6, 1), voluntary_only=False)
TAILORED = Conditionality(
    from_=date(2020, 1, 1), age_band="nlw", expected_hours=25, legal_group="all_requirements", partner_ineligible=False
)

STORIES: dict[str, list[int]] = {
    "falls and stays below": [105_000, 105_000, 84_000, 83_000, 82_000, 81_000],
    "rises, stays, works enough": [84_000, 105_000, 118_000, 132_000, 200_000],
    "stands still": [105_000] * 8,
    "the rate rises past the pay": [96_000, 96_000, 96_000, 96_000, 96_000],
}


def decisions() -> Iterator[tuple[str, Inputs]]:
    """(name, inputs) of every evaluation of every story."""
    for name, amounts in STORIES.items():
        yield from _told(name, [[earned("P1", amount)] for amount in amounts])
    left = earned("P1", 0)
    ended = [msgspec.structs.replace(job, ended_on=SPANS[1][0]) for job in left.employments]
    gone = earned("P1", 0, in_work=False)
    gone = msgspec.structs.replace(gone, employments=tuple(ended))
    new = earned("P1", 105_000, job="job-2")
    begun = [msgspec.structs.replace(job, started_on=SPANS[2][0]) for job in new.employments]
    back = msgspec.structs.replace(new, employments=(*ended, *begun))
    yield from _told("a job ends and another begins", [[earned("P1", 105_000)], [gone], [back]])
    none = earned("P1", 0, job=None)
    yield from _told("begins to work", [[none], [none], [earned("P1", 60_000)]])
    couple = [(90_000, 64_000), (90_000, 62_000), (90_000, 90_000)]
    yield from _told("a partner's pay moves", [[earned("P1", a), earned("P2", b)] for a, b in couple], people=2)
    fallen = [[earned("P1", 105_000)], [earned("P1", 84_000)], [earned("P1", 84_000)]]
    yield from _told("falls under an easement", fallen, easements=(EASED,))
    yield from _told("falls, self-employed", fallen, self_employed=True)
    yield from _told("falls with tailored hours", fallen, conditionality=(TAILORED,))
    doubtful = [[earned("P1", 105_000)], [earned("P1", 84_000, quality=("payday_overdue",))], [earned("P1", 84_000)]]
    yield from _told("falls in doubt", doubtful)


def _told(name: str, periods: list[list[PeriodClaimant]], people: int = 1, **changes: object) -> Iterator[tuple[str, Inputs]]:
    made = Referrals(SPANS[0][0])
    members = [person(f"P{n + 1}", **changes) for n in range(people)]
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", *members)))
    for span, entries in zip(SPANS, periods, strict=False):
        made.go_to(span[1] + timedelta(days=1))
        made.tell(assessed("C", span, *entries))
    made.go_to(SPANS[len(periods) - 1][1] + timedelta(days=20))
    for number, row in enumerate(made.service.rows["decision"]):
        yield f"{name}, {number}", row["record"].inputs
