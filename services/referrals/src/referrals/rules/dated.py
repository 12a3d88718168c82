"""Values that apply from a date on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

T = TypeVar("T")


class PolicyGap(LookupError):
    """No value is in force on that day. `name` is the list looked up."""

    def __init__(self, name: str, on: date) -> None:
        super().__init__(f"{name} has no value on {on.isoformat()}")
        self.name = name
        self.on = on


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One value, from its first day on; `until` (last day) only where nothing replaces it."""

    from_: date
    value: T
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Dated(Generic[T]):
    """A list of entries in date order, first days strictly rising."""

    name: str
    entries: tuple[Entry[T], ...]

    def __post_init__(self) -> None:
        days = [entry.from_ for entry in self.entries]
        if not days or any(later <= earlier for earlier, later in itertools.pairwise(days)):
            raise ValueError(f"{self.name}: first days must rise strictly")

    def __iter__(self) -> Iterator[Entry[T]]:
        return iter(self.entries)

    def at(self, on: date) -> T:
        """The value in force on that day. Raises PolicyGap before the first entry and after an end."""
        found = self.find(on)
        if found is None:
            raise PolicyGap(self.name, on)
        return found.value

    def find(self, on: date) -> Entry[T] | None:
        """The entry in force on that day, or None."""
        current = None
        for entry in self.entries:
            if entry.from_ <= on:
                current = entry
        return None if current is None or (current.until is not None and on > current.until) else current
