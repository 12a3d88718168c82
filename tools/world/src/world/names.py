"""Invented names, employers and places. NINOs start with QQ, a prefix that is never issued."""

from __future__ import annotations

import json
from importlib import resources
from random import Random
from typing import Final

from world.model import Employer, Office

_WORDS: Final = json.loads(resources.files("world").joinpath("data/names.json").read_text("utf-8"))
FIRST: Final[list[str]] = _WORDS["first"]
LAST: Final[list[str]] = _WORDS["last"]
_TRADES: Final[list[str]] = _WORDS["trades"]
_PLACES: Final[list[str]] = _WORDS["places"]

OFFICES: Final = (
    Office(office_id="76783bd7-0000-4000-8000-000000000001", name="Example Leeds Jobcentre", nation="england", district="North"),
    Office(office_id="76783bd7-0000-4000-8000-000000000002", name="Example Cardiff Jobcentre", nation="wales", district="Wales"),
    Office(office_id="76783bd7-0000-4000-8000-000000000003", name="Example Ayr Jobcentre", nation="scotland", district="West"),
)


def nino(number: int, rng: Random) -> str:
    """A well-formed test NINO, unique by number."""
    return f"QQ{number:06d}{rng.choice('ABCD')}"


def employers(rng: Random, count: int) -> tuple[Employer, ...]:
    """Payroll schemes with distinct PAYE references; a few references differ by case or punctuation only."""
    found = []
    for index in range(count):
        letter = rng.choice("ABCDEFGHJKLMNPRSTWZ")
        reference = f"{letter}{rng.randint(10, 99999)}" if index % 7 else f"{letter.lower()}Z/{rng.randint(1000, 9999)}"
        found.append(
            Employer(
                office_number=f"{rng.randint(1, 999):03d}",
                reference=reference,
                name=f"Example {_PLACES[index % len(_PLACES)]} {_TRADES[index % len(_TRADES)]}"[:28],
            )
        )
    return tuple({e.paye_reference: e for e in found}.values())
