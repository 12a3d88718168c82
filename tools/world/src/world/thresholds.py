"""The world's own dated table of thresholds and wage floors, in pence, each with its source.

Written down here, not read from the platform's policy data: two independent copies that must agree.
"""

from __future__ import annotations

from datetime import date
from typing import Final, TypeVar

_T = TypeVar("_T")

# From each day on: hourly floor from 21 years (National Minimum Wage rates of that April) and for ages 18 to 20.
_WAGE_FLOOR: Final = (
    (date(2025, 4, 1), {"nlw": 1221, "age_18_to_20": 1000}),
    (date(2026, 4, 1), {"nlw": 1271, "age_18_to_20": 1085}),
)
# Administrative earnings threshold: 18 hours (single) and 29 hours (couple, combined) at the adult floor, a month,
# down to the pound (SI 2013/376 reg 99(6) as amended by SI 2024/536).
_AET: Final = (
    (date(2025, 4, 1), (952_00, 1534_00)),
    (date(2026, 4, 1), (991_00, 1597_00)),
)
_USUAL_HOURS: Final = {
    "all_requirements": 35,
    "work_preparation": 16,
    "work_focused_interview_only": 16,
    "no_requirements": 35,
}


def _on(table: tuple[tuple[date, _T], ...], day: date) -> _T:
    current = [value for since, value in table if since <= day]
    if not current:
        raise LookupError(f"no figure for {day}: the world starts on or after {table[0][0]}")
    return current[-1]


def wage_floor(day: date, age_band: str = "nlw") -> int:
    """Pence an hour."""
    return _on(_WAGE_FLOOR, day)[age_band]


def aet(day: date) -> tuple[int, int]:
    """(single, couple) amounts in pence for a period that starts on the day."""
    return _on(_AET, day)


def individual_cet(day: date, age_band: str, hours: int | None, legal_group: str) -> int:
    """Conditionality earnings threshold of one person (reg 90): hours at the floor of their age, down to the pound."""
    expected = _USUAL_HOURS[legal_group] if hours is None else hours
    return expected * wage_floor(day, age_band) * 52 // 12 // 100 * 100
