"""F15: upstream sends older and newer shapes of its messages, newer services publish more fields, a document is from another
version: the facts stay the same, or the process says what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import psycopg
import pytest
from tests.faults.checker import Checker
from tests.faults.reading import rows
from tests.faults.report import Cell
from tests.faults.sending import Outbound
from tests.faults.stage import Theatre, until

from contracts import topics
from world.messages import Message

FUTURE = {"fromTheFuture": {"nested": [1, None, {"deep": "é"}], "big": 10**30}, "Extra": 1.5e300}

UNUSED = ("_version", "_entityVersion", "searchableNames", "flags", "contractTypes", "pilotGroup", "_lastModifiedDateTime")


def newer(message: Message) -> Message:
    """Fields nobody knows, in the envelope, the document and the headers."""
    value: bytes = msgspec.json.encode({**json.loads(message.value), **FUTURE})
    headers = (*message.headers, ("ce_sampledrate", b"1"), ("x-new", b"\xff")) if message.headers else ()
    if message.body is None:
        return replace(message, value=value, headers=headers)
    envelope = {**json.loads(value), "@type": "V7", "version": "core-9"}
    envelope["message"] |= {"schemaHint": "v7"}
    body = {**_object(message.body), **FUTURE}
    return replace(message, value=msgspec.json.encode(envelope), body=json.dumps(body).encode())


def older(message: Message) -> Message:
    """Bare ids and people, dates as texts, no fields but those in use."""
    if message.body is None:
        return message
    envelope = json.loads(message.value)
    envelope.pop("traceId"), envelope.pop("unitOfWorkId")
    envelope["message"]["_id"] = next(iter(envelope["message"]["_id"].values()))
    body = _object(message.body)
    for name in (
        "_version",
        "_entityVersion",
        "searchableNames",
        "flags",
        "contractTypes",
        "pilotGroup",
        "_lastModifiedDateTime",
    ):
        body.pop(name, None)
    if isinstance(body.get("createdDateTime"), dict):
        body["createdDateTime"] = body["createdDateTime"]["$date"]
    if message.topic == topics.UCFS_CONTRACT and "people" in body:
        body["people"] = [one["citizenId"] if isinstance(one, dict) else {"citizenId": one} for one in body["people"]]
    return replace(message, value=json.dumps(envelope).encode(), body=json.dumps(body).encode())


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def test_f15_older_and_newer_shapes_say_the_same(theatre: Theatre, checker: Checker, cell: Cell) -> None:
    shapes = {older: 0, newer: 0}

    def drifted(messages: list[Outbound]) -> list[Outbound]:
        plan = []
        for message in messages:
            shape = theatre.random.choice([older, newer])
            meant = theatre.meaning(message)
            if not _object(meant.value) or (meant.body is not None and not _object(meant.body)):
                plan.append(message)  # broken on purpose, in a way of its own
                continue
            shapes[shape] += 1
            plan.append(replace(theatre.seal(shape(meant)), stands_for=message))
        return plan

    leg = theatre.leg(arrange=drifted)
    cell.events, cell.recoveries = leg.events, [leg.recovery_s]
    cell.faults += [f"{count} messages in {shape.__name__} shapes" for shape, count in shapes.items()]
    cell.anomalies = checker.anomalies()
    cell.verify()


def test_f15_events_of_a_newer_service_are_read_by_older_ones(theatre: Theatre, checker: Checker, cell: Cell) -> None:
    """The newest event of every type once more, under its id, with fields, headers and a schema nobody knows yet."""
    newest = {event.type: event for event in theatre.topics.read() if event.type and not event.repeat}
    plan = []
    for event in newest.values():
        value = msgspec.json.encode({**event.body, **FUTURE, "big": 1})
        headers = [(name, data) for name, data in event.record.headers if name != "ce_dataschema"]
        headers += [("ce_dataschema", b"urn:in-work-progression:event:v9"), ("ce_newattribute", b"1")]
        plan.append(Outbound(event.topic, event.key.encode(), value, tuple(headers), event.type))
    letters = _letters(theatre)
    theatre.feeder.send(plan)
    theatre.barrier.wait(theatre.now)
    cell.events, cell.faults = len(plan), [f"newer shapes of {len(plan)} types of event"]
    cell.anomalies = checker.anomalies()
    if _letters(theatre) != letters:
        cell.anomalies["I8 isolation"] = [f"dead letters: {letters} before, {_letters(theatre)} after"]
    cell.verify()
    assert len(plan) >= 8


def _letters(theatre: Theatre) -> dict[str, int]:
    return {service: rows(url, "SELECT count(*) FROM dead_letter")[0][0] for service, url in theatre.stage.databases.items()}


@pytest.mark.long
def test_f15_a_document_of_another_version_stops_the_worker_until_it_can_be_read(
    theatre: Theatre, checker: Checker, cell: Cell
) -> None:
    url, name = theatre.stage.databases["earnings"], "earnings-worker"
    log = theatre.stage.supervisor.log(name)
    seen = log.stat().st_size

    def arm() -> None:
        with psycopg.connect(url) as conn:
            conn.execute("UPDATE document SET schema = schema + 98")
        cell.faults.append("documents of schema 99")

    def strike() -> None:
        supervisor = theatre.stage.supervisor
        until(lambda: not supervisor.alive(name), 20, "the worker stops")
        assert supervisor.exit_code(name) == 1
        assert b"has schema 99, this version reads 1" in log.read_bytes()[seen:]
        with psycopg.connect(url) as conn:
            conn.execute("UPDATE document SET schema = schema - 98")
        theatre.restart(name)

    leg = theatre.leg(arm=arm, strike=strike)
    cell.events, cell.recoveries = leg.events, [leg.recovery_s]
    cell.anomalies = checker.anomalies()
    cell.verify()
