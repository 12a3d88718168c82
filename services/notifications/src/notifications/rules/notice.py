"""Notice periods in clear working days (rule minimum-notice) and bank holidays by the office's nation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Literal

Nation = Literal["england", "wales", "scotland", "northern_ireland"]
Delivery = Literal["digital", "letter"]
BankHolidays = Mapping[Nation, Collection[date]]

SATURDAY = 5


def is_working_day(day: date, holidays: Collection[date]) -> bool:
    """Monday to Friday without the bank holidays given."""
    return day.weekday() < SATURDAY and day not in holidays


def clear_working_days(offered_on: date, meeting_on: date, holidays: Collection[date]) -> int:
    """Working days strictly between the two days."""
    between = (offered_on + timedelta(days=n) for n in range(1, (meeting_on - offered_on).days))
    return sum(is_working_day(day, holidays) for day in between)


def first_day_with_notice(offered_on: date, working_days: int, holidays: Collection[date]) -> date:
    """The first day that has `working_days` clear working days since the offer."""
    day = offered_on + timedelta(days=1)
    left = working_days
    while left > 0:
        left -= is_working_day(day, holidays)
        day += timedelta(days=1)
    return day
