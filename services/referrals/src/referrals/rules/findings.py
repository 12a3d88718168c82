"""What a rule found: its predicates, each by name and version, and the figures it rests on.

A predicate's meaning never changes: a new meaning is a new version (`own_pay_lower@2`), and the old one stays.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property

import msgspec


class Predicate(msgspec.Struct, frozen=True, array_like=True):
    """One named condition and whether it was met."""

    name: str
    met: bool


class Finding(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One rule on one period. figures: the person's own numbers only (pence as int, decimals as text)."""

    rule_id: str
    predicates: tuple[Predicate, ...]
    figures: dict[str, str | int] = {}

    @cached_property
    def holds(self) -> bool:
        return all(predicate.met for predicate in self.predicates)


def decimals(value: Fraction, places: int = 2) -> str:
    """Decimal text, half up (away from nil)."""
    scale = 10**places
    whole = (2 * abs(value.numerator) * scale + value.denominator) // (2 * value.denominator)
    sign = "-" if value < 0 and whole else ""
    return f"{sign}{whole // scale}.{whole % scale:0{places}d}" if places else f"{sign}{whole}"
