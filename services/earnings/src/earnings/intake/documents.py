"""The documents inside UC Full Service envelopes, read into the platform's own shapes. Unknown fields are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from earnings.intake.checks import (
    BadField,
    calendar_day,
    identifier,
    instant,
    items,
    mapping,
    optional_text,
    pounds_text,
    whole_number,
)
from earnings.intake.identity import Pseudonyms
from earnings.model import Claimant, Contract, Order, Source, Statement
from earnings.rules.calendar import london_day
from streaming.crypto import FieldCipher

LONGEST_PERIOD_DAYS = 124
_NAME = 512


class Names(msgspec.Struct, frozen=True, array_like=True):
    """A person's names; only ever stored encrypted."""

    first: str
    last: str


def claimant(document: Mapping[str, Any], record_id: str, order: Order, pseudonyms: Pseudonyms, cipher: FieldCipher) -> Claimant:
    """A person. A null, blank or absent NINO is not an error. Raises BadField."""
    nino = document.get("nino")
    person = None
    if nino is not None and not (isinstance(nino, str) and not nino.strip()):
        person = pseudonyms.person(nino) if isinstance(nino, str) else None
        if person is None:
            raise BadField("nino")
    units = items(document, "deliveryUnits")
    coach = mapping(document, "workCoach").get("id")
    names = Names(_name(document, "firstName"), _name(document, "lastName"))
    return Claimant(
        order=order,
        person=person,
        coach_id=None if coach is None or coach == "" else identifier(coach, "workCoach.id"),
        office_id=identifier(units[0], "deliveryUnits") if units else None,
        work_group=optional_text(document, "currentWorkGroupOnCurrentContract"),
        dead=document.get("claimantDeathDetails") not in (None, {}, [], "", False),
        sealed_names=cipher.encrypt(msgspec.msgpack.encode(names), record_id.encode()),
    )


def _name(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _NAME:
        raise BadField(name)
    return value.encode(errors="replace").decode()


def person_id(entry: object) -> str:
    """A citizen id in `people`: bare, or in an object."""
    return identifier(entry.get("citizenId") if isinstance(entry, dict) else entry, "people")


def contract(document: Mapping[str, Any]) -> Contract:
    """A claim. Two people are a couple, whatever `coupleContract` says. Raises BadField."""
    people = tuple(dict.fromkeys(person_id(entry) for entry in items(document, "people")))
    if not 1 <= len(people) <= 2:
        raise BadField("people")
    entitlement = calendar_day(document, "entitlementDate")
    if entitlement is None:
        raise BadField("entitlementDate")
    payment_day = whole_number(document, "paymentDayOfMonth", 1, 31)
    if payment_day is None:
        raise BadField("paymentDayOfMonth")
    return Contract(
        people=people,
        entitlement=entitlement,
        started=calendar_day(document, "startDate"),
        payment_day=payment_day,
        closed_on=calendar_day(document, "closedDate"),
        closure_reason=optional_text(document, "claimClosureReason"),
        suspended_on=_suspension(mapping(document, "claimSuspension")),
    )


def _suspension(suspension: Mapping[str, Any]) -> date | None:
    """A calendar date, or a moment: which of upstream's two forms is used here was not seen."""
    value = suspension.get("suspensionDate")
    if value is None or isinstance(value, int):
        return calendar_day(suspension, "suspensionDate")
    moment = instant(value, "suspensionDate")
    return None if moment is None else london_day(moment)


ELEMENTS = (
    "standardAllowanceElement", "housingElement", "childElement", "disabledChildElement", "childcareElement", "carerElement",
    "workCapabilityElement",
)  # fmt: skip
UNEARNED = ("otherIncomeAdjustment", "capitalAdjustment")


def statement_claim(document: Mapping[str, Any]) -> str:
    """The claim a statement belongs to: its period's contract, else that of its first person."""
    found = mapping(document, "assessmentPeriod").get("contractId")
    if found is None:
        people = items(document, "people")
        first = people[0] if people else None
        found = first.get("contractId") if isinstance(first, dict) else None
    return identifier(found, "assessmentPeriod.contractId")


def statement(document: Mapping[str, Any], record_id: str, order: Order, source: Source) -> Statement:
    """One period's calculation. Raises BadField."""
    period = mapping(document, "assessmentPeriod")
    start, end = calendar_day(period, "startDate"), calendar_day(period, "endDate")
    if start is None:
        raise BadField("assessmentPeriod.startDate")
    if end is None or not 0 <= (end - start).days <= LONGEST_PERIOD_DAYS:
        raise BadField("assessmentPeriod.endDate")
    upstream_period = period.get("assessmentPeriodId")
    breakdown = mapping(document, "takeHomeBreakdown")
    net = pounds_text(document, "takeHomePay")
    self_employed = [pounds_text(breakdown, name) or 0 for name in ("selfEmployed", "selfEmployedWithMif")]
    return Statement(
        statement_id=record_id,
        order=order,
        start=start,
        end=end,
        source=source,
        upstream_period_id=None if upstream_period is None else identifier(upstream_period, "assessmentPeriodId"),
        take_home=document.get("takeHomePay"),
        net=net,
        employed=pounds_text(breakdown, "rte"),
        self_reported=pounds_text(breakdown, "selfReported"),
        self_employed=any(amount > 0 for amount in self_employed),
        maximum=_maximum(document),
        allowance=_allowance(document),
    )


def _maximum(document: Mapping[str, Any]) -> int | None:
    """The elements of the award less unearned income; None where it is not shown. A field that cannot be read only means that:
    it serves a marker, and no figure."""
    try:
        if pounds_text(document, "standardAllowanceElement") is None:
            return None
        elements = sum(pounds_text(document, name) or 0 for name in ELEMENTS)
        return max(0, elements - sum(pounds_text(document, name) or 0 for name in UNEARNED))
    except BadField:
        return None


def _allowance(document: Mapping[str, Any]) -> str | None:
    """For a household with a child or limited capability for work: the lower allowance with help for housing, else the higher."""
    try:
        limited = bool(pounds_text(document, "workCapabilityElement"))
        if not limited and not whole_number(document, "numberEligibleChildren", 0, 99):
            return None
        return "with_housing" if pounds_text(document, "housingElement") else "without_housing"
    except BadField:
        return None
