"""What holds a claimant back and what is done about it: barriers, assessments, commitments, onward referrals, grants.

A person decides each of these; nothing here is ever made mandatory by a rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import msgspec

from referrals.rules.dated import Dated

Level = Literal["low", "medium", "high"]
Mandation = Literal["none", "voluntary", "mandatory"]
CommitmentState = Literal["offered", "accepted", "declined", "superseded"]
ReferralStatus = Literal["made", "accepted", "started", "completed", "declined", "withdrawn", "left"]
Skill = Literal["digital", "basic_skills"]
Grade = Literal["none", "basic", "confident"]

NEXT: dict[ReferralStatus, tuple[ReferralStatus, ...]] = {
    "made": ("accepted", "started", "declined", "withdrawn"),
    "accepted": ("started", "declined", "withdrawn"),
    "started": ("completed", "left"),
    "completed": (),
    "declined": (),
    "withdrawn": (),
    "left": (),
}
"""Onward referral: status → where it can go."""


class SupportType(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of support. nations empty: everywhere. open: by date."""

    id: str
    title: str
    helps: tuple[str, ...]
    suits: tuple[str, ...] = ()
    nations: tuple[str, ...] = ()
    mandatory: bool = False
    alternatives_first: bool = False
    open: Dated[bool]

    def takes(self, on: date) -> bool:
        """New referrals are taken on that day."""
        entry = self.open.find(on)
        return entry is not None and entry.value


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The support policy. kinds: of claimant → the approach. funds: purpose → barriers it is for."""

    barriers: tuple[str, ...]
    many_barriers: int
    kinds: Mapping[str, str]
    types: Mapping[str, SupportType]
    funds: Mapping[str, tuple[str, ...]]


class Barrier(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    level: Level
    on: date
    by: str
    resolved_on: date | None = None


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    skill: Skill
    grade: Grade
    on: date
    by: str


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """One thing agreed. activity: a code. mandatory only because a person said so."""

    activity: str
    mandatory: bool = False
    hours_per_week: int | None = None
    by: date | None = None


class Commitment(msgspec.Struct, frozen=True, kw_only=True):
    """One version: the coach writes it, the claimant accepts it. goal_pence: own goal for monthly gross pay."""

    commitment_id: str
    version: int
    items: tuple[Promise, ...]
    state: CommitmentState
    on: date
    by: str
    by_role: str
    goal_pence: int | None = None
    review_on: date | None = None
    answered_on: date | None = None


class OnwardReferral(msgspec.Struct, frozen=True, kw_only=True):
    referral_id: str
    type: str
    provider_id: str
    alternatives_considered: tuple[str, ...]
    mandation: Mandation
    status: ReferralStatus
    on: date
    by: str
    by_role: str


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """Money from the Flexible Support Fund."""

    grant_id: str
    purpose: str
    amount_pence: int
    office_id: str | None
    on: date
    by: str


class Care(msgspec.Struct, frozen=True, kw_only=True):
    """All of it for one person; outlasts their cases."""

    kind: str | None = None
    barriers: tuple[Barrier, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    referrals: tuple[OnwardReferral, ...] = ()
    grants: tuple[Grant, ...] = ()

    @property
    def open_barriers(self) -> tuple[Barrier, ...]:
        return tuple(barrier for barrier in self.barriers if barrier.resolved_on is None)

    @property
    def accepted(self) -> Commitment | None:
        """The commitment in force."""
        return next((one for one in self.commitments if one.state == "accepted"), None)


def complex_needs(care: Care, many: int) -> bool:
    """For a specialist or a longer look: many barriers, or one that weighs heavily."""
    found = care.open_barriers
    return len(found) >= many or any(barrier.level == "high" for barrier in found)


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Support that fits, and the barriers or the kind of claimant that it fits."""

    type: str
    title: str
    because: tuple[str, ...]


def matching(catalogue: Catalogue, care: Care, nation: str | None, on: date) -> list[Match]:
    """Open support that fits what was found, most reasons first. An unknown nation gets only what exists everywhere."""
    codes = [barrier.code for barrier in care.open_barriers]
    found = []
    for kind in catalogue.types.values():
        because = [code for code in codes if code in kind.helps]
        if care.kind is not None and care.kind in kind.suits:
            because.append(care.kind)
        if because and kind.takes(on) and (not kind.nations or nation in kind.nations):
            found.append(Match(type=kind.id, title=kind.title, because=tuple(because)))
    return sorted(found, key=lambda match: (-len(match.because), match.type))


def fund_purposes(catalogue: Catalogue, care: Care) -> list[str]:
    """Purposes of the fund that the person's barriers bring to mind."""
    codes = {barrier.code for barrier in care.open_barriers}
    return [purpose for purpose, barriers in catalogue.funds.items() if codes & set(barriers)]


def refusal(
    kind: SupportType | None, nation: str | None, on: date, mandation: Mandation, alternatives: Sequence[str]
) -> str | None:
    """Why a referral may not be made, as a code; None: it may. kind None: not in the catalogue, so only ever voluntary."""
    if kind is None:
        return "mandation-not-allowed" if mandation == "mandatory" else None
    if not kind.takes(on):
        return "closed-to-referrals"
    if kind.nations and nation not in kind.nations:
        return "not-in-this-nation"
    if kind.alternatives_first and not alternatives:
        return "alternatives-first"
    if mandation == "mandatory" and not kind.mandatory:
        return "mandation-not-allowed"
    return None


def offered(care: Care, written: Commitment) -> Care:
    """A new version. One that was only offered is replaced; one in force stays until the new one is accepted."""
    kept = tuple(msgspec.structs.replace(one, state="superseded") if one.state == "offered" else one for one in care.commitments)
    return msgspec.structs.replace(care, commitments=(*kept, written))


def answered(care: Care, commitment_id: str, accepts: bool, on: date) -> Care | None:
    """The claimant's answer to an offered version; None when there is nothing to answer."""
    if all(one.commitment_id != commitment_id or one.state != "offered" for one in care.commitments):
        return None

    def after(one: Commitment) -> Commitment:
        if one.commitment_id == commitment_id:
            return msgspec.structs.replace(one, state="accepted" if accepts else "declined", answered_on=on)
        if accepts and one.state == "accepted":
            return msgspec.structs.replace(one, state="superseded")
        return one

    return msgspec.structs.replace(care, commitments=tuple(after(one) for one in care.commitments))


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """An accredited provider as local managers keep it. districts empty: every district."""

    provider_id: str
    version: int
    name: str
    types: tuple[str, ...]
    nations: tuple[str, ...] = ()
    districts: tuple[str, ...] = ()
    accredited_until: date | None = None
    open: bool = True

    def offers(self, kind: str, district: str | None, on: date) -> bool:
        """Takes referrals of that type from that district on that day; an unknown district is not held against it."""
        accredited = self.accredited_until is None or on <= self.accredited_until
        here = not self.districts or district is None or district in self.districts
        return self.open and accredited and here and kind in self.types
