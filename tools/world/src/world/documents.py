"""UCFS documents as they stand on a day: claimant, contract, statement (before encryption).

Field names, encodings of dates, ids and money: the feed description. Both encodings of dates and ids are used, as upstream does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID, uuid5

from world.model import Claim, Person
from world.pay import half_up
from world.periods import Period

_IDS = UUID("1f0c54a6-5d3e-5c39-9a51-0d0f4b7b2c11")


def number(day: date | None) -> int | None:
    """yyyymmdd."""
    return None if day is None else day.year * 10000 + day.month * 100 + day.day


def pounds(pence: int) -> str:
    """String pounds with two decimals."""
    return f"{'-' if pence < 0 else ''}{abs(pence) // 100}.{abs(pence) % 100:02d}"


def mongo_date(at: datetime) -> dict[str, str]:
    """Date as an object."""
    return {"$date": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


def order_time(at: datetime) -> str:
    """Date as a string: milliseconds, offset without colon."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"


def derived_id(*parts: str) -> str:
    """Stable id of something that has no own fact in the world."""
    return str(uuid5(_IDS, "/".join(parts)))


def claimant(person: Person, day: date, *, version: int, created: datetime, modified: datetime) -> dict[str, Any]:
    """The person's document as upstream holds it on the day."""
    office, coach = person.office_id, person.coach_id
    for move in person.moves:
        if move.day <= day:
            office, coach = move.office_id, move.coach_id
    known = person.nino_known_on is None or person.nino_known_on <= day
    dead = person.death_known_on is not None and person.death_known_on <= day
    return {
        "_id": {"citizenId": person.person_id},
        "personId": derived_id("person", person.person_id),
        "firstName": person.first_name,
        "lastName": person.last_name,
        "nino": person.nino if known else None,
        "claimantProvidedNino": None,
        "deliveryUnits": [office],
        "workCoach": {"type": "WORK_COACH_NOT_REQUIRED"} if coach is None else {"type": "ALLOCATED", "id": coach},
        "supportingAgents": [],
        "currentWorkGroupOnCurrentContract": "INTENSIVE",
        "caseManager": None,
        "claimantDeathDetails": {"dateOfDeath": number(person.died_on)} if dead else None,
        "pilotGroup": None,
        "bookAppointmentStatus": "ALL_BOOKED",
        "anonymous": False,
        "hasVerifiedEmailId": True,
        "managedJourney": {"type": "REG_SINGLE", "currentStep": "COMPLETE"},
        "govUkVerifyStatus": "VERIFY_NOT_ATTEMPTED",
        "cisInterestStatus": "NOT_SET",
        "searchableNames": [person.first_name.lower(), person.last_name.lower()],
        "firstNameCaseInsensitive": person.first_name.lower(),
        "lastNameCaseInsensitive": person.last_name.lower(),
        "_version": version,
        "_entityVersion": 0,
        "createdDateTime": mongo_date(created),
        "_lastModifiedDateTime": mongo_date(modified),
    }


def contract(claim: Claim, day: date, payment_day: int, *, version: int, created: datetime, modified: datetime) -> dict[str, Any]:
    """The claim's document as upstream holds it on the day."""
    closed = claim.closed_on if claim.closed_on is not None and claim.closed_on <= day else None
    suspension = None
    if claim.suspended is not None:
        set_on, lifted_on = claim.suspended
        if set_on <= day and (lifted_on is None or day < lifted_on):
            suspension = set_on
    as_objects = len(claim.people) == 2
    document: dict[str, Any] = {
        "_id": {"contractId": claim.claim_id},
        "people": [{"citizenId": who, "contractId": claim.claim_id} if as_objects else who for who in claim.people],
        "assessmentPeriods": [],
        "declaredDate": number(claim.entitlement),
        "startDate": number(claim.entitlement),
        "entitlementDate": number(claim.entitlement),
        "closedDate": number(closed),
        "paymentDayOfMonth": payment_day,
        "claimClosureReason": claim.closure_reason if closed else None,
        "coupleContract": False,
        "contractType": "INITIAL",
        "contractTypes": [],
        "flags": [],
        "claimantsExemptFromWaitingDays": [],
        "annualVerificationEligibilityDate": None,
        "annualVerificationCompletionDate": None,
        "stillSingle": len(claim.people) == 1,
        "_version": version,
        "_entityVersion": 2,
        "createdDateTime": mongo_date(created),
        "_lastModifiedDateTime": order_time(modified),
    }
    if claim.suspended is not None:
        document["claimSuspension"] = {"suspensionDate": number(suspension)}
    return document


def net_pence(gross: int) -> int:
    """Rough take-home pay of a month: a fifth of tax and 8 % National Insurance above 1,048 pounds."""
    above = max(0, gross - 1048_00)
    return gross - half_up(Fraction(above * 28, 100))


def statement(
    claim: Claim,
    period: Period,
    payment_on: date,
    pay: Mapping[str, int],
    self_employed: int,
    *,
    version: int,
    created: datetime,
    modified: datetime,
) -> dict[str, Any]:
    """The statement of one closed period. pay: gross pence reported per person by the day of the statement."""
    net = sum(net_pence(gross) for gross in pay.values())
    start = period.start.isoformat()
    allowance = 628_10 if len(claim.people) == 2 else 424_90
    taken = half_up_share(net + self_employed)
    total = max(0, allowance - taken)
    return {
        "_id": {"statementId": derived_id("statement", claim.claim_id, start)},
        "people": [{"citizenId": who, "contractId": claim.claim_id} for who in claim.people],
        "assessmentPeriod": {
            "assessmentPeriodId": derived_id("period", claim.claim_id, start),
            "contractId": claim.claim_id,
            "startDate": number(period.start),
            "endDate": number(period.end),
            "paymentDate": number(payment_on),
            "processDate": None,
            "createdDateTime": mongo_date(created),
        },
        "takeHomePay": pounds(net + self_employed),
        "takeHomeBreakdown": {
            "rte": pounds(net),
            "selfReported": "0.00",
            "selfEmployed": pounds(self_employed),
            "selfEmployedWithMif": "0.00",
        },
        "standardAllowanceElement": pounds(allowance),
        "housingElement": "0.00",
        "childElement": "0.00",
        "workCapabilityElement": None,
        "capApplied": None,
        "numberEligibleChildren": 0,
        "otherIncomeAdjustment": "0.00",
        "totalAdjustments": pounds(taken),
        "sanctions": "0.00",
        "advances": "0.00",
        "deductions": "0.00",
        "preAdjustmentTotal": pounds(allowance),
        "totalPayment": pounds(total) if total else "0",
        "otherBenefitAwards": [],
        "type": "CALCULATED",
        "earningsSource": None,
        "_version": version,
        "_entityVersion": 4,
        "createdDateTime": mongo_date(created),
        "_lastModifiedDateTime": mongo_date(modified),
    }


def half_up_share(pence: int) -> int:
    """55 % of the earnings, the part that reduces the award."""
    return half_up(Fraction(pence * 55, 100))
