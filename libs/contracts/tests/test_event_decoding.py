"""Every event has a golden example that decodes for ever; readers are open, bodies that break their type are named."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from contracts import envelope, generate
from contracts.errors import BodyError
from contracts.topics import EVENT_TYPES, PLATFORM_CLOCK, PROGRESSION_CASE, TOPICS

EXAMPLES = Path(str(files("contracts"))) / "examples"


def example(event_type: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((EXAMPLES / f"{event_type}.json").read_text(encoding="utf-8"))
    return body


def test_every_event_has_an_example_and_every_example_an_event() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == set(EVENT_TYPES)


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_the_golden_example_decodes_and_writes_back_the_same(event_type: str) -> None:
    body = example(event_type)
    event = envelope.decode(event_type, json.dumps(body).encode())
    assert type(event) is EVENT_TYPES[event_type]
    assert json.loads(msgspec.json.encode(event)) == body


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_the_golden_example_satisfies_the_committed_schema(event_type: str) -> None:
    schema = generate.committed_schema(event_type)
    assert schema is not None, f"run {generate.COMMAND}"
    jsonschema.validate(
        example(event_type), schema, cls=jsonschema.Draft202012Validator, format_checker=jsonschema.FormatChecker()
    )


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_a_field_from_the_future_is_ignored(event_type: str) -> None:
    body = example(event_type)
    known = envelope.decode(event_type, json.dumps(body).encode())
    assert envelope.decode(event_type, json.dumps({**body, "added_later": {"a": [1]}}).encode()) == known


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES))
def test_an_event_cannot_be_changed(event_type: str) -> None:
    event = envelope.decode(event_type, json.dumps(example(event_type)).encode())
    assert event is not None
    field = event.__struct_fields__[0]
    with pytest.raises(AttributeError, match="immutable"):
        setattr(event, field, None)


def test_an_unknown_type_is_no_event() -> None:
    assert envelope.decode("SomethingNew", b"not even json") is None


def test_a_type_that_the_topic_does_not_carry_is_no_event() -> None:
    body = json.dumps(example("CaseOpened")).encode()
    assert envelope.decode("CaseOpened", body, topic=PLATFORM_CLOCK) is None
    assert envelope.decode("CaseOpened", body, topic=PROGRESSION_CASE) is not None


@pytest.mark.parametrize(
    ("value", "reason", "field"),
    [
        (None, "body_empty", None),
        (b"", "body_empty", None),
        (b"{", "body_malformed", None),
        (b"\xff\xfe", "body_malformed", None),
        (b"[]", "body_invalid", None),
        (b"{}", "body_invalid", "office_id"),
    ],
)
def test_a_value_that_is_no_json_object_of_its_type_is_refused(value: bytes | None, reason: str, field: str | None) -> None:
    with pytest.raises(BodyError) as error:
        envelope.decode("OfficeChanged", value)
    assert (error.value.reason, error.value.field) == (reason, field)


@pytest.mark.parametrize(
    ("event_type", "change", "field"),
    [
        ("OfficeChanged", {"nation": "SECRET"}, "nation"),
        ("FlagRaised", {"due_at": "2026-06-20T00:00:00"}, "due_at"),
        ("FlagRaised", {"reasons": ["a", 7]}, "reasons[1]"),
        ("PaymentAttributed", {"gross_pence": 12.5}, "gross_pence"),
        ("PaymentAttributed", {"payment_date": "2026-02-30"}, "payment_date"),
        ("PlanAgreed", {"actions": [{"action_id": "a", "owner": "claimant"}]}, "actions[0].due_on"),
        ("upstream.claimant.easement.v1", {"claimant_id": "x" * 129}, "claimant_id"),
        ("upstream.claimant.easement.v1", {"from": None}, "from"),
    ],
)
def test_a_bad_field_is_named_but_its_value_is_not(event_type: str, change: dict[str, Any], field: str) -> None:
    with pytest.raises(BodyError) as error:
        envelope.decode(event_type, json.dumps({**example(event_type), **change}).encode())
    assert (error.value.reason, error.value.field) == ("body_invalid", field)
    assert "SECRET" not in str(error.value)


def test_platform_events_have_no_field_for_personal_data() -> None:
    private = {"name", "first_name", "surname", "nino", "email", "phone", "address", "notes", "text", "date_of_birth"}
    found = {
        (event_type, field.encode_name)
        for topic in TOPICS.values()
        if not topic.personal_data
        for event_type, struct in topic.events.items()
        for field in msgspec.structs.fields(struct)
        if field.encode_name in private
    }
    assert found == {("OfficeChanged", "name")}
