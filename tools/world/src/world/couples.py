"""Working lives of couples: their pay is judged together as well as apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from world import stories
from world.draft import Draft, DraftPerson

CoupleStory = Callable[[Draft, DraftPerson, DraftPerson], None]


def _together(draft: Draft) -> tuple[int, int]:
    """Two amounts, each below the single AET, together above the couple AET of 1,597 pounds."""
    first = draft.rng.randint(830_00, 985_00)
    total = draft.rng.randint(1601_00, 1644_00) if draft.rng.random() < 0.3 else draft.rng.randint(1650_00, first + 985_00)
    return first, total - first


def both_stand_still(draft: Draft, a: DraftPerson, b: DraftPerson) -> None:
    first, second = _together(draft)
    draft.hire(a, first)
    draft.hire(b, second)


def one_falls(draft: Draft, a: DraftPerson, b: DraftPerson) -> None:
    """One partner's hours are cut; both are below the couple AET, only one because of own pay."""
    first, second = _together(draft)
    draft.hire(b, second, frequency="M1")
    job = draft.hire(a, first, frequency="M1")
    period = draft.periods[stories.some_period(draft, 1, avoid=(3, 6))]
    job.change(job.month_before(period), monthly=1590_00 - second - draft.rng.randint(0, 300_00), kind="hours_fall")


def one_rises(draft: Draft, a: DraftPerson, b: DraftPerson) -> None:
    """One partner works more; both are above the couple AET, only one because of own pay."""
    first, second = draft.rng.randint(500_00, 800_00), draft.rng.randint(500_00, 700_00)
    draft.hire(b, second, frequency="M1")
    job = draft.hire(a, first, frequency="M1")
    period = draft.periods[stories.some_period(draft, 1)]
    job.change(job.month_before(period), monthly=1602_00 - second + draft.rng.randint(0, 250_00), kind="hours_rise")


def one_earner(draft: Draft, a: DraftPerson, b: DraftPerson) -> None:
    """One earns for both and stands still; the other never works."""
    draft.hire(a, draft.rng.randint(1610_00, 2300_00))


def second_earner(draft: Draft, a: DraftPerson, b: DraftPerson) -> None:
    """One earns a little; the other finds a first job."""
    draft.hire(a, draft.rng.randint(600_00, 940_00), frequency="M1", wage=draft.rng.randint(1290, 1500))
    stories.first_job(draft, b)


def both_low(draft: Draft, a: DraftPerson, b: DraftPerson) -> None:
    draft.hire(a, draft.rng.randint(350_00, 700_00))
    draft.hire(b, draft.rng.randint(350_00, 700_00))


COUPLES: Final[dict[CoupleStory, int]] = {
    both_stand_still: 8,
    one_falls: 8,
    one_rises: 7,
    one_earner: 5,
    second_earner: 8,
    both_low: 5,
}
"""How many of each (two people apiece) in a world of about 500 people."""
