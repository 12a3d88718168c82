"""One claim on the desk while a cause works on it: the document, the unit of work, and the events that leave.

Everything that changes the aggregate goes through here, so that a change and its event are never apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import msgspec

from contracts.topics import PROGRESSION_CASE, PROGRESSION_FLAG, PROGRESSION_OUTCOME
from referrals.inputs import history
from referrals.london import day_of, start_of
from referrals.model import ClaimDoc, Person
from referrals.rules.evaluation import Book
from referrals.rules.history import Ap
from referrals.rules.rule_set import Policy
from referrals.rules.support import Catalogue
from referrals.rules.trials import Experiment
from streaming.work import DueItem, Work, derive_id

SEAT = "claimant"
KIND = "claim"
COACH = "coach"
OFFICE = "office"
FILTERS = "filters"
PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Setup:
    """Policy, support policy and rule books, built once in `main`. book: in force until further notice. earlier: those before,
    with last days."""

    policy: Policy
    book: Book
    support: Catalogue
    earlier: tuple[tuple[date, Book], ...] = ()
    experiments: tuple[Experiment, ...] = ()

    def book_on(self, day: date) -> Book:
        """The rule book in force on a day. Every step of a period uses the one of the period's last day."""
        return next((book for until, book in self.earlier if day <= until), self.book)


class Desk:
    """The claim's document in one unit of work. `save` hands it back."""

    def __init__(self, work: Work, claim_id: str, setup: Setup) -> None:
        self.work = work
        self.claim_id = claim_id
        self.setup = setup
        self._loaded: ClaimDoc | None = work.get(KIND, claim_id)
        self.doc = self._loaded or ClaimDoc(claim_id=claim_id)
        self._histories: dict[str, tuple[tuple[object, ...], tuple[Ap, ...]]] = {}

    @property
    def known(self) -> bool:
        """The claim has a document."""
        return self._loaded is not None

    @property
    def today(self) -> date:
        """The London day on which this runs."""
        return day_of(self.work.now)

    @property
    def quiet(self) -> bool:
        """Nothing leaves for a claim that is erased or not known yet."""
        return self.doc.claim is None or self.doc.erased

    def person(self, claimant_id: str) -> Person:
        return self.doc.person(claimant_id)

    def history(self, claimant_id: str) -> tuple[Ap, ...]:
        """The person's closed periods; worked out again only when the facts they rest on are others."""
        facts = (self.doc.claim, self.doc.periods, self.person(claimant_id).carried)
        known = self._histories.get(claimant_id)
        if known is None or any(then is not now for then, now in zip(known[0], facts, strict=True)):
            known = (facts, history(self.doc, claimant_id, self.setup.policy, self.setup.book.parameters))
            self._histories[claimant_id] = known
        return known[1]

    def keep(self, person: Person) -> Person:
        """Put the person's new state into the document."""
        self.doc = self.doc.with_person(person)
        return person

    def save(self) -> None:
        if self.doc is not self._loaded:
            self.work.put(KIND, self.claim_id, self.doc)

    def emit_flag(self, event: msgspec.Struct, flag_id: str) -> None:
        self.work.emit(PROGRESSION_FLAG, self.claim_id, event, subject=flag_id)

    def emit_case(self, event: msgspec.Struct, subject: str) -> str:
        """Returns the published event's id."""
        return self.work.emit(PROGRESSION_CASE, self.claim_id, event, subject=subject)

    def emit_outcome(self, event: msgspec.Struct, subject: str) -> None:
        self.work.emit(PROGRESSION_OUTCOME, self.claim_id, event, subject=subject)

    def at(self, timer: str, key: str, on: date, **payload: str) -> None:
        """Set or move the timer of that name and key to the start of a London day."""
        due_at: datetime = start_of(on)
        self.work.schedule(DueItem(timer_id(timer, key), (KIND, self.claim_id), due_at, timer, payload))

    def drop(self, timer: str, key: str) -> None:
        self.work.cancel(timer_id(timer, key))


def timer_id(timer: str, key: str) -> str:
    """Business key of a timer: setting it again moves it."""
    return derive_id("referrals", timer, key)
