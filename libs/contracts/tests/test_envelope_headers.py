"""The envelope is CloudEvents 1.0 in Kafka's binary mode, as the reference library reads and writes it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cloudevents.core.bindings import kafka as reference
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from contracts import envelope
from contracts.errors import EnvelopeError

NOW = datetime(2026, 6, 20, 12, 30, 15, 250000, UTC)


def outgoing(**changes: str) -> envelope.Headers:
    attributes = {
        "id": "e-1",
        "type": "PeriodAssessed",
        "source": "earnings",
        "subject": "period-1",
        "partition_key": "claim-1",
        "causation_id": "cause-1",
        "correlation_id": "first-1",
    }
    return envelope.headers(**{**attributes, **changes}, time=NOW)


def test_the_reference_library_reads_our_headers() -> None:
    message = reference.KafkaMessage(dict(outgoing()), b"claim-1", b'{"version": 2}')
    event = reference.from_binary(message, JSONFormat())
    assert isinstance(event, CloudEvent)
    assert (event.get_id(), event.get_type(), event.get_source(), event.get_subject()) == (
        "e-1",
        "PeriodAssessed",
        "earnings",
        "period-1",
    )
    assert event.get_time() == NOW
    assert event.get_datacontenttype() == "application/json"
    assert event.get_dataschema() == "urn:in-work-progression:event:PeriodAssessed"
    assert [event.get_extension(name) for name in ("partitionkey", "causationid", "correlationid")] == [
        "claim-1",
        "cause-1",
        "first-1",
    ]
    assert event.get_data() == {"version": 2}


def test_we_read_what_the_reference_library_writes() -> None:
    event = CloudEvent(
        attributes={
            "id": "x",
            "type": "upstream.claimant.easement.v1",
            "source": "/upstream/easements",
            "partitionkey": "claim-1",
        },
        data={"a": 1},
    )
    message = reference.to_binary(event, JSONFormat())
    found = envelope.parse(message.headers.items())
    assert (found.id, found.type, found.source) == ("x", "upstream.claimant.easement.v1", "/upstream/easements")
    assert found.partition_key == "claim-1"
    assert found.causation_id is None
    assert json.loads(message.value) == {"a": 1}


def test_headers_survive_the_way_there_and_back() -> None:
    headers = envelope.headers(
        id="e-2",
        type="CaseOpened",
        source="referrals",
        subject="case-1",
        time=NOW.astimezone(timezone(timedelta(hours=1))),
        partition_key="claim-1",
        causation_id="c",
        correlation_id="r",
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    found = envelope.parse(headers)
    assert found.time == NOW
    assert found.traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert ("ce_time", b"2026-06-20T12:30:15.250000Z") in headers


def test_all_header_names_are_the_documented_ones() -> None:
    assert [name for name, _ in outgoing()] == [
        "content-type",
        "ce_specversion",
        "ce_id",
        "ce_type",
        "ce_source",
        "ce_subject",
        "ce_time",
        "ce_partitionkey",
        "ce_causationid",
        "ce_correlationid",
        "ce_dataschema",
        "traceparent",
    ]


def test_a_chain_without_trace_context_is_one_trace_of_its_own() -> None:
    first, second, other = (
        envelope.parse(outgoing(id=number, correlation_id=chain)).traceparent
        for number, chain in (("1", "a"), ("2", "a"), ("3", "b"))
    )
    assert first == second != other
    assert first is not None
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", first)


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_type", "ce_source"])
def test_a_missing_attribute_is_named(name: str) -> None:
    with pytest.raises(EnvelopeError) as error:
        envelope.parse([pair for pair in outgoing() if pair[0] != name])
    assert (error.value.reason, error.value.field) == ("envelope_missing", name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_specversion", b"0.3"),
        ("ce_id", b""),
        ("ce_id", b"a\x00b"),
        ("ce_id", b"x" * 513),
        ("ce_type", b"\xff\xfe"),
        ("ce_time", b"yesterday"),
        ("ce_time", b"2026-06-20T12:00:00"),
    ],
)
def test_a_broken_attribute_is_named_without_its_value(name: str, value: bytes) -> None:
    headers = [pair for pair in outgoing() if pair[0] != name] + [(name, value)]
    with pytest.raises(EnvelopeError) as error:
        envelope.parse(headers)
    assert str(error.value) == f"envelope_invalid: {name}"


def test_header_names_are_read_in_any_case_and_empty_ones_count_as_absent() -> None:
    headers = [(name.upper(), value) for name, value in outgoing()] + [("CE_SUBJECT", None)]
    assert envelope.parse(headers).subject == "period-1"
