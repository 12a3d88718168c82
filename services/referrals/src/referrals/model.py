"""What the service keeps of a claim: facts as they came, flags, cases, contacts. One document per claim is the lock root.

Money is pence, days are London days, instants are UTC. Structs are frozen; a change makes a new one.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

import msgspec

from contracts.earnings import Claim, ClaimClaimant, Easement, PeriodClaimant
from contracts.vocabulary import CaseOutcome, CaseState, ClaimStatus
from referrals.rules.filters import Filter
from referrals.rules.history import Ap
from referrals.rules.lifecycle import MOVES, Asked, Exemption, Version
from referrals.rules.support import Care
from referrals.rules.trials import Allotment

FlagState = Literal["planned", "raised", "shown", "met", "closed", "withdrawn"]
WaitingOn = Literal["us", "claimant", "employer"]

LIVE: frozenset[FlagState] = frozenset({"planned", "raised", "shown", "met"})


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """The newest version of a closed assessment period."""

    period_id: str
    start: date
    end: date
    version: int
    claimants: tuple[PeriodClaimant, ...]
    backfill: bool = False

    def person(self, claimant_id: str) -> PeriodClaimant | None:
        return next((person for person in self.claimants if person.claimant_id == claimant_id), None)


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why, as a code and in plain words. text_cy stays None until a Welsh text exists."""

    code: str
    text: str
    text_cy: str | None = None


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """One rule on one period. decision_id: the last decision about it. why: code of how it ended.

    by_guard: a guard stopped it for good in this period. reason_gone: the reason vanished after contact; the case stays.
    held: the mass-flag hold that it waits for, since held_at. signed_off: a person released it from one.
    since: for a rule that runs by the calendar, the day its days count from.
    """

    flag_id: str
    rule_id: str
    family: str
    period_id: str
    state: FlagState
    due_on: date
    revision: int = 0
    raised_on: date | None = None
    shown_on: date | None = None
    case_id: str | None = None
    priority: int = 0
    contact_basis: Literal["voluntary", "any"] = "voluntary"
    reasons: tuple[Reason, ...] = ()
    decision_id: str = ""
    why: str | None = None
    by_guard: bool = False
    reason_gone: bool = False
    held: str | None = None
    held_at: datetime | None = None
    signed_off: bool = False
    raised_at: datetime | None = None
    since: date | None = None

    @property
    def live(self) -> bool:
        return self.state in LIVE


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a case's history. event_id: the published event's id where there is one. details: codes and ids only.

    before, after: the case around a person's action; lines of one action share `action`, the first line's event_id.
    asked: one person wants it taken back. undone_by: event_id of the line that took it back.
    """

    at: datetime
    event: str
    by_role: str
    event_id: str = ""
    actor: str | None = None
    details: dict[str, Any] = {}
    action: str | None = None
    before: Version | None = None
    after: Version | None = None
    asked: Asked | None = None
    undone_by: str | None = None

    @property
    def undoable(self) -> bool:
        """A person's action that changed the case and stands."""
        return self.before is not None and self.before != self.after and self.undone_by is None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What a coach does about a claimant's flags. own_coach: a person chose the coach, so that upstream does not change it.

    resume: the state to return to after a hold. due_on: the day the next step is due. seen: its coach has opened or moved it.
    """

    case_id: str
    claimant_id: str
    state: CaseState
    flag_ids: tuple[str, ...]
    coach_id: str | None
    office_id: str | None
    opened_at: datetime
    shown_on: date
    due_on: date | None
    last_activity: date
    own_coach: bool = False
    waiting_on: WaitingOn = "us"
    unread: bool = True
    seen: bool = False
    contacted_at: datetime | None = None
    resume: CaseState | None = None
    held_until: date | None = None
    hold_code: str | None = None
    exempt: Exemption | None = None
    outcome: CaseOutcome | None = None
    closed_at: datetime | None = None
    explanation_due: bool = False
    requested: dict[str, Any] | None = None
    history: tuple[Entry, ...] = ()

    @property
    def open(self) -> bool:
        return self.state != "closed"

    @property
    def held(self) -> bool:
        return self.state == "held"

    @property
    def contacted(self) -> bool:
        return self.contacted_at is not None or "in_progress" in (self.state, self.resume)


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A contact begun by the service. ref: what it was about; an appointment's messages are one contact."""

    on: date
    kind: Literal["message", "recorded", "meeting"]
    ref: str


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """The last observation published for a period."""

    version: int
    gross_change_pence: int | None
    in_work: bool
    arm: str | None


class Contest(msgspec.Struct, frozen=True, kw_only=True):
    """The claimant says that earnings are wrong; period_id None: the periods that begin on or after `since`."""

    period_id: str | None
    why_code: str
    since: date
    open: bool = True

    def covers(self, period_id: str, start: date) -> bool:
        """An open contest about this period."""
        return self.open and (period_id == self.period_id if self.period_id is not None else start >= self.since)


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A doubt of the earnings service, or of a person: then it is an open dispute."""

    query_id: str
    period_id: str
    cause: str
    blocking: bool
    by_person: bool = False


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One claimant's part of the claim.

    settled: period → contact rules raised or outranked there. reviews: `rule/period` raised once. asked: message → what it
    is about, until it is sent. arm: of the experiment allotted last. carried: last conclusion on an earlier claim;
    outgrew_on: the day that one ended by earnings.
    """

    claimant_id: str
    flags: dict[str, Flag] = {}
    cases: dict[str, Case] = {}
    contacts: tuple[Contact, ...] = ()
    settled: dict[str, tuple[str, ...]] = {}
    reviews: tuple[str, ...] = ()
    observed: dict[str, Observed] = {}
    contests: tuple[Contest, ...] = ()
    queries: dict[str, Query] = {}
    asked: dict[str, str] = {}
    last_kept_appointment: date | None = None
    arm: str | None = None
    allotments: tuple[Allotment, ...] = ()
    carried: Ap | None = None
    care: Care = Care()
    outgrew_on: date | None = None

    def open_case(self) -> Case | None:
        return next((case for case in self.cases.values() if case.open), None)


class Departed(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who left the claim, or was said elsewhere to have left. What is concluded here of their periods goes with them.

    member: their entry in the newest snapshot that had them. to: the claim they moved to, once known. gone: a snapshot
    without them was seen. carried: the conclusion that they had brought here themselves.
    """

    member: ClaimClaimant | None = None
    to: str | None = None
    gone: bool = False
    carried: Ap | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How the claim stood from an instant on, as it became known: its status, who had died, and the easements of each person.

    easements: those who had any; None where it was not kept.
    """

    since: datetime
    status: ClaimStatus
    dead: tuple[str, ...] = ()
    easements: dict[str, tuple[Easement, ...]] | None = None


class OpenHold(msgspec.Struct, frozen=True, kw_only=True):
    """Mass flags are held: contact flags raised after `since` wait for sign-off."""

    hold_id: str
    since: datetime


class ClaimDoc(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one claim. claim None: its circumstances have not come yet, or it is erased.

    gone: periods that no longer exist, with the last version seen, so that a late duplicate does not bring them back.
    erased_version: the snapshot known when the claim was erased. standings: oldest first; for looking back only.
    """

    claim_id: str
    claim: Claim | None = None
    erased: bool = False
    erased_version: int = 0
    periods: dict[str, Period] = {}
    gone: dict[str, int] = {}
    people: dict[str, Person] = {}
    departed: dict[str, Departed] = {}
    erased_people: tuple[str, ...] = ()
    standings: tuple[Standing, ...] = ()

    def person(self, claimant_id: str) -> Person:
        """The person's part; an empty one before anything was kept."""
        return self.people.get(claimant_id) or Person(claimant_id=claimant_id)

    def member(self, claimant_id: str) -> ClaimClaimant | None:
        """The person's entry in the newest snapshot."""
        members = self.claim.claimants if self.claim is not None else ()
        return next((member for member in members if member.claimant_id == claimant_id), None)

    def find_case(self, case_id: str) -> tuple[Person, Case] | None:
        for person in self.people.values():
            if case_id in person.cases:
                return person, person.cases[case_id]
        return None

    def with_person(self, person: Person) -> ClaimDoc:
        return msgspec.structs.replace(self, people={**self.people, person.claimant_id: person})


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """Where a claimant's one open case is; kept under the claimant's own lock, because a person can be on two claims."""

    claim_id: str
    case_id: str


class SavedFilters(msgspec.Struct, frozen=True, kw_only=True):
    """One person's named filters of the worklist."""

    filters: dict[str, Filter] = {}


def with_flag(person: Person, flag: Flag) -> Person:
    return msgspec.structs.replace(person, flags={**person.flags, flag.flag_id: flag})


def with_case(person: Person, case: Case) -> Person:
    return msgspec.structs.replace(person, cases={**person.cases, case.case_id: case})


def case_flags(person: Person, case: Case) -> list[Flag]:
    """The case's flags that still count, strongest first."""
    flags = [person.flags[flag_id] for flag_id in case.flag_ids if flag_id in person.flags]
    return sorted((flag for flag in flags if flag.live), key=lambda flag: (flag.priority, flag.flag_id))


def strongest(person: Person, case: Case) -> Flag:
    """The flag that decides the case's place; of a case without live flags, the first one."""
    live = case_flags(person, case)
    return live[0] if live else person.flags[case.flag_ids[0]]


def allowed(case: Case) -> tuple[str, ...]:
    """The moves that are legal now."""
    undo = ("undo",) if any(entry.undoable for entry in case.history) else ()
    return (*MOVES[case.state], *undo)
