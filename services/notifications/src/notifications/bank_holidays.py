"""Bank holidays of the four nations, from the maintained `holidays` library. Never kept as figures of our own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

import holidays

from notifications.rules.notice import BankHolidays, Nation

SUBDIVISIONS: Mapping[Nation, str] = {"england": "ENG", "wales": "WLS", "scotland": "SCT", "northern_ireland": "NIR"}


@cache
def _of_year(nation: Nation, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv=SUBDIVISIONS[nation], years=year))


@cache
def around(year: int) -> BankHolidays:
    """Bank holidays of every nation in this year and the next."""
    return {nation: _of_year(nation, year) | _of_year(nation, year + 1) for nation in SUBDIVISIONS}
