"""A team checks a file of messages before publishing them: a verdict for each line, and nothing of what stands in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from earnings.cli import app
from earnings.validate import Validation, intake

RTI, CLAIMANT, STATEMENT = "hmrc.rti.payment-reported.v1", "db.core.claimant", "db.core.statement"
EASEMENT, CONDITIONALITY = "upstream.claimant.easement.v1", "upstream.claimant.conditionality.v1"
PAID: dict[str, Any] = {
    "schemaVersion": "rti-payment/1",
    "nationalInsuranceNumber": "QQ123456C",
    "hmrcOfficeNumber": "123",
    "employerPayeRef": "A246",
    "payrollId": "0012",
    "payFrequency": "M1",
    "paymentDate": "2026-06-26",
    "taxablePayInPeriod": 1020.05,
    "taxablePayToDate": 3060,
    "uniquePaymentId": "801",
    "hmrcReceiptTimestamp": "2026-06-26T08:14:05Z",
    "employerName1": "Private Name Ltd",
}
PERSON = {"nino": "QQ123456C", "firstName": "Privata", "createdDateTime": "2026-06-01T08:00:00Z"}
SEALED = {
    "dbObject": "AAAA",
    "encryption": {
        "keyEncryptionKeyId": "cloudhsm:1,2",
        "initialisationVector": "AAAAAAAAAAAAAAAAAAAAAA==",
        "encryptedEncryptionKey": "eA==",
    },
}


def enveloped(collection: str, document: Any, **message: Any) -> dict[str, Any]:
    body = {"@type": "MONGO_UPDATE", "_id": "id-1", "collection": collection, "dbObject": document, **message}
    return {"message": body, "timestamp": "2026-06-01T08:00:00Z"}


def verdict(*messages: Any, topic: str | None = None, real_ninos: bool = False) -> list[tuple[str, str | None]]:
    lines = [message if isinstance(message, bytes) else json.dumps(message).encode() for message in messages]
    checks = Validation(intake(None, real_ninos=real_ninos), topic)
    return [(found.outcome, found.reason) for found in checks.verdicts(lines)]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (PAID, ("usable", None)),
        ({**PAID, "paymentDate": "soon"}, ("quarantined", "bad_field:paymentDate")),
        ({**PAID, "schemaVersion": "rti-payment/9"}, ("quarantined", "bad_field:schemaVersion")),
        (b"{", ("quarantined", "not_json")),
        (b"[1]", ("quarantined", "not_an_object")),
        ({"something": "else"}, ("quarantined", "topic_not_told")),
        ({"claimant_id": "c", "channels_allowed": ["email"]}, ("unchecked", "read_by_notifications")),
        ({**PAID, "employerName2": "x" * (4 << 20)}, ("quarantined", "too_large")),
        (enveloped("claimant", PERSON), ("usable", None)),
        (enveloped("claimant", {**PERSON, "nino": "QQ1"}), ("quarantined", "bad_field:nino")),
        (enveloped("contract", {"people": []}), ("quarantined", "bad_field:people")),
        (enveloped("journal", {}), ("quarantined", "unknown_type")),
        (enveloped("claimant", PERSON, **{"@type": "MONGO_RENAME"}), ("quarantined", "unknown_type")),
        (enveloped("claimant", None, **SEALED), ("usable", "document_not_opened")),
        (enveloped("claimant", None, **{**SEALED, "encryption": {}}), ("quarantined", "bad_field:keyEncryptionKeyId")),
        (enveloped("statement", None, **{"@type": "MONGO_DELETE"}), ("usable", None)),
        ({"claimant_id": "a", "version": 1, "from": "2026-06-01", "voluntary_only": True}, ("usable", None)),
        ({"claimant_id": "a", "version": 1, "from": "2026-06-01", "age_band": "old"}, ("quarantined", "bad_field:age_band")),
    ],
)
def test_each_line_gets_the_verdict_that_the_service_would_give(message: Any, expected: tuple[str, str | None]) -> None:
    assert verdict(message) == [expected]


def test_two_lines_about_one_payment_are_held_against_each_other() -> None:
    taken_back = {**PAID, "paymentNoLongerValid": "2026-07-01"}
    other = {**PAID, "taxablePayInPeriod": 1}
    assert [found for found, _ in verdict(PAID, PAID, taken_back, other)] == ["usable", "duplicate", "usable", "quarantined"]
    assert verdict(PAID, other)[1] == ("quarantined", "payment_conflict")


def test_test_ninos_are_refused_where_production_refuses_them() -> None:
    assert verdict(PAID, real_ninos=True) == [("quarantined", "bad_field:nationalInsuranceNumber")]
    assert verdict({**PAID, "nationalInsuranceNumber": "AB123456C"}, real_ninos=True) == [("usable", None)]


def test_the_command_needs_no_settings_names_lines_and_repeats_nothing(tmp_path: Path) -> None:
    file = tmp_path / "messages.ndjson"
    lines = [PAID, {**PAID, "uniquePaymentId": "802", "payFrequency": "Privata"}, enveloped("claimant", PERSON)]
    file.write_text("\n\n".join(json.dumps(line) for line in lines) + "\n")
    done = CliRunner(env={"EARNINGS_DATABASE_URL": None, "DATA_KEY_SERVICE_URL": None}).invoke(app, ["validate", str(file)])
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        f"1\tusable\t-\t{RTI}",
        f"3\tquarantined\tbad_field:payFrequency\t{RTI}",
        f"5\tusable\t-\t{CLAIMANT}",
        "1 quarantined, 2 usable",
    ]
    assert "Priva" not in done.output


def test_a_file_without_faults_ends_well_and_a_topic_may_be_named(tmp_path: Path) -> None:
    file = tmp_path / "messages.ndjson"
    file.write_text(json.dumps(PAID))
    assert CliRunner().invoke(app, ["validate", str(file)]).exit_code == 0
    assert CliRunner().invoke(app, ["validate", str(file), "--topic", STATEMENT]).exit_code == 1
    assert CliRunner().invoke(app, ["validate", str(file), "--topic", "db.core.journal"]).exit_code == 2
