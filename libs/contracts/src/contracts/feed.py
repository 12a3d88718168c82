"""What teams upstream may publish to the intake topics: the used fields, examples, and what becomes of messages that are bad.

The formats belong to their owners; here stands what this platform reads of them. Fields that are not named are never looked at.
The AsyncAPI file is made from this, and a test holds every example against the service's own reader.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts import topics


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A message as a team would write it. reason: None, or the code with which it is refused.

    payload: the value; of an encrypted one with its document in clear in `dbObject`, to be encrypted before it is sent.
    """

    name: str
    payload: Mapping[str, Any]
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One intake topic. used: field → what it must be. sealed: `dbObject` is encrypted with AES/CTR."""

    name: str
    summary: str
    used: Mapping[str, str]
    examples: tuple[Example, ...]
    sealed: bool = False


OUTCOMES: Mapping[str, str] = {
    "applied": "Used.",
    "superseded": "A newer version of the same record is known; kept in the ledger only.",
    "duplicate": "The same version with the same content was used before.",
    "pending": "Waits: a statement for its contract, a payment for its person, anything behind a fault of the platform.",
    "quarantined": "Cannot be used. The original bytes are kept with the reason; nothing behind it waits. Send a mended message "
    "at any time, or ask the operators to replay the kept one after a mend on the platform's side.",
    "ignored": "Not for this platform, or about nobody it knows: a payment not matched within 90 days, a deleted claim.",
}

REASONS: Mapping[str, str] = {
    "empty": "The value is empty. Send a MONGO_DELETE to delete a record.",
    "not_json": "The value is no JSON (UTF-8; NaN and Infinity are none).",
    "not_an_object": "JSON, but no object.",
    "too_deep": "Nested too deeply to be read.",
    "unknown_type": "`message.@type` is none of MONGO_INSERT, MONGO_UPDATE, MONGO_DELETE. Unknown CloudEvents types are ignored.",
    "bad_field:<name>": "A used field is missing or wrong; the name is given, never the value.",
    "data_key_refused": "The data key service does not know the encrypted key.",
    "not_decryptable": "What decrypting gives is no JSON object: another key or vector, or a broken document.",
    "envelope_missing:<header>": "A CloudEvents header is missing.",
    "envelope_invalid:<header>": "A CloudEvents header cannot be read.",
    "payment_conflict": "This payment id came before with other content. The first stays; a person looks at it. "
    "A correction needs an id of its own and late reason H.",
}

CHECK = "Check a file, one message a line, before publishing it: `python -m earnings validate FILE`."


def _envelope(collection: str, name: str, record_id: str, document: Mapping[str, Any] | None, **change: Any) -> dict[str, Any]:
    message: dict[str, Any] = {
        "@type": "MONGO_UPDATE",
        "_id": {name: record_id},
        "_lastModifiedDateTime": "2026-06-10T08:15:30.104+0000",
        "collection": collection,
        "db": "core",
    }
    if document is not None:
        message["dbObject"] = {"_id": {name: record_id}, **document, "createdDateTime": {"$date": "2026-06-01T01:10:11.928Z"}}
    return {"traceId": "t-1", "@type": "V4", "message": {**message, **change}, "timestamp": "2026-06-10T08:15:31.000+0000"}


_PERSON = {
    "firstName": "Ada",
    "lastName": "Example",
    "nino": "QQ123456C",
    "deliveryUnits": ["76783bd7-0000-4000-8000-b0379e7ae1d3"],
    "workCoach": {"type": "WORK_COACH", "id": "coach-9"},
    "currentWorkGroupOnCurrentContract": "INTENSIVE",
    "claimantDeathDetails": None,
}
_CLAIM = {
    "people": ["0f5c1a52-6d0e-4d9f-9c1b-3f5a6c7d8e90"],
    "entitlementDate": 20260510,
    "startDate": 20260510,
    "closedDate": None,
    "paymentDayOfMonth": 17,
}
_CALCULATED = {
    "people": [{"citizenId": "0f5c1a52-6d0e-4d9f-9c1b-3f5a6c7d8e90", "contractId": "c-1"}],
    "assessmentPeriod": {"assessmentPeriodId": "a-1", "contractId": "c-1", "startDate": 20260510, "endDate": 20260609},
    "takeHomePay": "812.40",
    "takeHomeBreakdown": {"rte": "812.40", "selfReported": "0.00", "selfEmployed": "0.00", "selfEmployedWithMif": "0.00"},
}
_PAID = {
    "schemaVersion": "rti-payment/1",
    "nationalInsuranceNumber": "QQ123456C",
    "hmrcOfficeNumber": "123",
    "employerPayeRef": "A246",
    "employerName1": "Example Bakery Ltd",
    "payrollId": "0012",
    "payFrequency": "M1",
    "paymentDate": "2026-05-26",
    "taxablePayInPeriod": 1020.05,
    "taxablePayToDate": 2040.1,
    "uniquePaymentId": "801",
    "hmrcReceiptTimestamp": "2026-05-26T08:14:05Z",
    "apiAvailableTimestamp": "2026-05-26T08:40:00Z",
}
_EASED = {"claimant_id": "0f5c1a52-6d0e-4d9f-9c1b-3f5a6c7d8e90", "version": 3, "from": "2026-06-01", "voluntary_only": False}
_EXPECTED = {"claimant_id": "0f5c1a52-6d0e-4d9f-9c1b-3f5a6c7d8e90", "version": 1, "from": "2026-05-10", "age_band": "nlw"}

_REACHED = {
    "claimant_id": "0f5c1a52-6d0e-4d9f-9c1b-3f5a6c7d8e90", "version": 2, "from": "2026-05-10", "until": None,
    "channels_allowed": ["email", "sms"], "email": "ada@example.com", "phone": "07700900123", "language": "en", "needs": [],
    "quiet_hours": [{"days": ["sat", "sun"], "from": "00:00", "to": "23:59"}],
}  # fmt: skip

_ENVELOPED = {
    "message.@type": "MONGO_INSERT, MONGO_UPDATE or MONGO_DELETE",
    "message._id": "the record's id: text or integer up to 128 characters, bare or in an object under its natural name",
    "message._lastModifiedDateTime": "which version is newer; null or absent: the document's createdDateTime counts",
    "message.encryption": "keyEncryptionKeyId `cloudhsm:<n>,<n>`, initialisationVector (16 bytes, base64) and the encrypted key",
    "message.dbObject": "the document, AES/CTR/NoPadding under the data key, base64; not read of a delete",
    "timestamp": "order of a delete",
}


def _sealed(
    collection: str, name: str, summary: str, used: Mapping[str, str], document: Mapping[str, Any], bad: Example
) -> Inbound:
    return Inbound(
        name=f"Ucfs{collection.capitalize()}Changed",
        summary=summary,
        used={**_ENVELOPED, **{f"dbObject.{field}": meaning for field, meaning in used.items()}},
        examples=(
            Example(name="a new version", payload=_envelope(collection, name, "r-1", document)),
            Example(name="deleted", payload=_envelope(collection, name, "r-1", None, **{"@type": "MONGO_DELETE"})),
            bad,
        ),
        sealed=True,
    )


FEED: Mapping[str, Inbound] = {
    topics.UCFS_CLAIMANT: _sealed(
        "claimant", "citizenId", "A person was inserted, changed or deleted in UC Full Service.",
        {"nino": "as at HMRC; null or blank: not known yet", "deliveryUnits": "first entry: the office",
         "workCoach.id": "the coach, if there is one", "firstName, lastName": "text", "claimantDeathDetails": "if set, has died",
         "currentWorkGroupOnCurrentContract": "text"},
        _PERSON,
        Example(name="a NINO that is none", payload=_envelope("claimant", "citizenId", "r-1", {**_PERSON, "nino": "QQ12"}),
                reason="bad_field:nino"),
    ),
    topics.UCFS_CONTRACT: _sealed(
        "contract", "contractId", "A claim was inserted, changed or deleted in UC Full Service.",
        {"people": "one or two citizen ids; two are a couple", "entitlementDate": "yyyymmdd, integer",
         "paymentDayOfMonth": "1 to 31", "startDate, closedDate": "yyyymmdd, integer, or null",
         "claimSuspension.suspensionDate": "a date: suspended from when it is set", "claimClosureReason": "text or null"},
        _CLAIM,
        Example(name="nobody on it", payload=_envelope("contract", "contractId", "c-1", {**_CLAIM, "people": []}),
                reason="bad_field:people"),
    ),
    topics.UCFS_STATEMENT: _sealed(
        "statement", "statementId", "A period's calculation was made, changed or deleted in UC Full Service.",
        {"assessmentPeriod": "contractId (or that of people[0]), assessmentPeriodId, startDate, endDate (yyyymmdd)",
         "takeHomePay": "pounds as text, or null", "takeHomeBreakdown": "rte, selfReported, selfEmployed, selfEmployedWithMif"},
        _CALCULATED,
        Example(name="ends before it begins",
                payload=_envelope("statement", "statementId", "r-1", {**_CALCULATED, "assessmentPeriod": {
                    **_CALCULATED["assessmentPeriod"], "endDate": 20260501}}),  # type: ignore[dict-item]
                reason="bad_field:assessmentPeriod.endDate"),
    ),
    topics.RTI_PAYMENT: Inbound(
        name="RtiPaymentReported",
        summary="HMRC received a report of one payment.",
        used={
            "schemaVersion": "rti-payment/1",
            "nationalInsuranceNumber": "two letters, six digits, suffix optional; prefix QQ outside production, and only there",
            "uniquePaymentId": "text of up to 38 digits; the same id with other content is a conflict",
            "hmrcOfficeNumber, employerPayeRef": "the PAYE reference",
            "payrollId or uniqueEmploymentSequenceNumber": "which job it is",
            "paymentDate": "yyyy-mm-dd",
            "taxablePayInPeriod, taxablePayToDate": "pounds, a number with at most two decimals",
            "employeePensionContributions": "pounds under net pay arrangements; counts as pay",
            "payFrequency": "W1 W2 W4 M1 M3 M6 MA IO IR",
            "hmrcReceiptTimestamp, apiAvailableTimestamp": "UTC, ending in Z; the second may be absent",
            "latePayeReportingReason": "A to H; H corrects the report of the same job and payday",
            "paymentNoLongerValid": "a date: the payment is taken back; the only thing that may be added under the same id",
            "earningsPeriodsCovered": "1 to 99",
            "employmentStartDate, employmentEndDate, employerName1, numberOfNormalHoursWorked": "optional",
            "paymentAfterLeaving, irregularPayment, onStrikeWithinPayPeriod, unpaidAbsencePayPeriod": "Y or absent",
        },
        examples=(
            Example(name="on time", payload=_PAID),
            Example(name="corrects it", payload={
                **_PAID, "uniquePaymentId": "802", "taxablePayInPeriod": 960.0, "taxablePayToDate": 1980.05,
                "latePayeReportingReason": "H", "hmrcReceiptTimestamp": "2026-06-03T09:02:11Z",
                "apiAvailableTimestamp": "2026-06-03T09:30:00Z"}),
            Example(name="never this person's", payload={**_PAID, "paymentNoLongerValid": "2026-06-20"}),
            Example(name="the same id, another amount", payload={**_PAID, "taxablePayInPeriod": 9.0}, reason="payment_conflict"),
            Example(name="an amount as text", payload={**_PAID, "uniquePaymentId": "803", "taxablePayInPeriod": "1,020.05"},
                    reason="bad_field:taxablePayInPeriod"),
        ),
    ),
    topics.CLAIMANT_EASEMENT: Inbound(
        name=topics.CLAIMANT_EASEMENT, summary="", used={},
        examples=(
            Example(name="no contact before a day", payload={**_EASED, "until": "2026-11-30", "no_contact_until": "2026-12-01"}),
            Example(name="without a version", payload={key: value for key, value in _EASED.items() if key != "version"},
                    reason="bad_field:version"),
        ),
    ),
    topics.CLAIMANT_CONDITIONALITY: Inbound(
        name=topics.CLAIMANT_CONDITIONALITY, summary="", used={},
        examples=(
            Example(name="35 hours", payload={**_EXPECTED, "expected_hours": 35, "legal_group": "all_requirements"}),
            Example(name="an age band that is none", payload={**_EXPECTED, "age_band": "old"}, reason="bad_field:age_band"),
        ),
    ),
}  # fmt: skip
"""By topic. What the two CloudEvents hold is in `upstream`."""

PREFERENCES = Inbound(
    name=topics.CONTACT_PREFERENCES, summary="", used={},
    examples=(
        Example(name="by email or text, not at weekends", payload=_REACHED),
        Example(name="in Welsh, by letter", payload={
            **_REACHED, "version": 3, "language": "cy", "channels_allowed": ["letter"], "email": None, "phone": None,
            "address": ["1 High Street", "Leeds", "LS1 1AA"]}),
        Example(name="a channel that is none", payload={**_REACHED, "channels_allowed": ["pigeon"]},
                reason="body_invalid:channels_allowed[0]"),
        Example(name="hours that are none", payload={**_REACHED, "quiet_hours": "at night"}, reason="body_invalid:quiet_hours"),
    ),
)  # fmt: skip
"""Read by notifications, which keeps what it cannot use as dead letters, with these reasons."""

DEAD_LETTER: Mapping[str, str] = {
    "used": "If it is the newest version for the person; older ones change nothing.",
    "dead letter": "Cannot be used. The original bytes are kept with the reason; nothing behind it waits. Send a mended message "
    "at any time, or ask the operators to replay the kept one after a mend on the platform's side.",
}
