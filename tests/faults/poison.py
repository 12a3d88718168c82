"""Records that no service can use, each bad in its own way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.faults.reading import POISON
from tests.faults.sending import Outbound

from contracts import topics

DEPTH = 200_000
DIGITS = "digits"


def upstream(claimant: Outbound, payment: Outbound, easement: Outbound) -> Iterator[Outbound]:
    """Made from good messages of the three shapes; note: what is wrong with it."""

    def enveloped(note: str, topic: str, **changes: Any) -> Outbound:
        whole = json.loads(claimant.value or b"")
        whole["message"] |= changes
        return Outbound(topic, b"poison", json.dumps(whole).encode(), (), note)

    def paid(note: str, **changes: Any) -> Outbound:
        whole = {**json.loads(payment.value or b""), "uniquePaymentId": "7700000001", **changes}
        return Outbound(topics.RTI_PAYMENT, payment.key, json.dumps(whole).encode(), (), note)

    def raw(note: str, topic: str, value: bytes | None) -> Outbound:
        return Outbound(topic, b"poison", value, (), note)

    encryption = json.loads(claimant.value or b"")["message"]["encryption"] | {"encryptedEncryptionKey": "eA=="}
    yield raw("bytes that are no text", topics.UCFS_CLAIMANT, b"\xff\xfe\x00\x80 nothing")
    yield raw("half of a JSON text", topics.RTI_PAYMENT, (payment.value or b"")[:80])
    yield raw("an array", topics.RTI_PAYMENT, b"[1, 2]")
    yield raw("depth", topics.UCFS_CONTRACT, b'{"message": ' + b"[" * DEPTH + b"]" * DEPTH + b"}")
    yield raw("an empty value", topics.UCFS_STATEMENT, b"")
    yield raw("a tombstone", topics.UCFS_CONTRACT, None)
    yield paid("NaN", taxablePayInPeriod=float("nan"))
    endless = paid("an endless number", taxablePayInPeriod=DIGITS)
    yield replace(endless, value=(endless.value or b"").replace(f'"{DIGITS}"'.encode(), b"9" * 5000))
    yield paid("a missing field", paymentDate=None)
    yield paid("a schema from the future", schemaVersion="rti-payment/9")
    yield paid("NUL in an id", uniquePaymentId="77\x00")
    yield enveloped("NUL in a record id", topics.UCFS_CLAIMANT, _id={"citizenId": "a\x00b"})
    yield enveloped("a lone surrogate in an id", topics.UCFS_CONTRACT, _id={"contractId": "\ud800"})
    yield enveloped("an unknown change", topics.UCFS_CLAIMANT, _id={"citizenId": "p"}, **{"@type": "MONGO_RENAME"})
    yield enveloped("rubbish inside", topics.UCFS_STATEMENT, _id={"statementId": "p"}, dbObject="AAAA")
    yield enveloped("a key that nobody made", topics.UCFS_CLAIMANT, _id={"citizenId": "p"}, encryption=encryption)
    yield Outbound(easement.topic, easement.key, b'{"version": "two"}', easement.headers, "a text for a number")
    yield Outbound(easement.topic, easement.key, easement.value, easement.headers[1:], "a missing header")


def platform(claim_id: str) -> Iterator[Outbound]:
    """For topics between services, under the key of a claim that lives."""

    def event(note: str, topic: str, name: str, value: bytes | None) -> Outbound:
        attributes = {"specversion": "1.0", "id": f"poison-{note}", "type": name, "source": POISON}
        headers = tuple((f"ce_{key}", text.encode()) for key, text in attributes.items())
        return Outbound(topic, claim_id.encode(), value, headers, note)

    yield event("bytes", topics.EARNINGS_PERIOD, "PeriodAssessed", b"\xff\xfe")
    yield event("no fields", topics.EARNINGS_PERIOD, "PeriodAssessed", b"{}")
    yield event("NUL in the claim id", topics.EARNINGS_CIRCUMSTANCES, "ClaimErased", b'{"claim_id": "a\\u0000b"}')
    yield event("depth", topics.EARNINGS_CIRCUMSTANCES, "ClaimChanged", b"[" * DEPTH + b"]" * DEPTH)
    yield Outbound(topics.EARNINGS_PERIOD, claim_id.encode(), b"{}", (), "no headers")


def foreign(easement: Outbound, claim_id: str) -> Iterator[Outbound]:
    """Types that nobody here knows: not broken, not ours."""
    headers = tuple((name, b"upstream.something.else.v1" if name == "ce_type" else value) for name, value in easement.headers)
    yield Outbound(easement.topic, easement.key, easement.value, headers, "unknown CloudEvents type upstream")
    attributes = {"specversion": "1.0", "id": "foreign-1", "type": "PeriodForecast", "source": POISON}
    named = tuple((f"ce_{key}", text.encode()) for key, text in attributes.items())
    yield Outbound(topics.EARNINGS_PERIOD, claim_id.encode(), b'{"claim_id": "x"}', named, "unknown event type")
