"""One message and a provider that misbehaves: sent once, or failed and said so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from notifications_rig import Rig, eventually

SENT = ["MessageRequested", "MessageSent", "MessageDelivered"]
SENDER, API = "notifications-sender", "notifications-api"


@contextmanager
def no_receipts(rig: Rig) -> Iterator[None]:
    """The API is away, so that no receipt tells what became of a message."""
    rig.platform.supervisor.stop(API)
    try:
        yield
    finally:
        rig.platform.supervisor.restart(API)


def types_are(rig: Rig, name: str, *expected: str) -> None:
    eventually(lambda: sorted(rig.types(name)) == sorted(expected), f"{expected}; there is {sorted(rig.types(name))}")


@pytest.mark.parametrize("mode", ["error_500", "error_429", "timeout_after_accept", "timeout_before_accept"])
def test_a_provider_that_fails_at_first_gets_the_message_once(rig: Rig, mode: str) -> None:
    name = rig.person()
    with no_receipts(rig):
        rig.fault(mode, times=1, delay_s=2.0)
        rig.contact(name, channel="message")
        eventually(lambda: "MessageSent" in rig.types(name), "it is sent")
        assert len(rig.sends(name)) == 1
    types_are(rig, name, *SENT)
    rig.drain()
    assert len(rig.sends(name)) == 1


def test_a_refused_address_is_final(rig: Rig) -> None:
    name = rig.person()
    rig.fault("error_400", times=1)
    rig.contact(name, channel="message")
    types_are(rig, name, "MessageRequested", "MessageFailed")
    rig.drain()
    assert rig.sends(name) == []
    assert dict(rig.events(name))["MessageFailed"]["failure"] == "permanent"


@pytest.mark.parametrize("point", ["before_effect", "after_provider_accept", "after_commit"])
def test_a_sender_killed_at_any_point_sends_once(rig: Rig, point: str) -> None:
    name = rig.person()
    rig.platform.supervisor.restart(SENDER, {"CRASH_AT": point})
    with no_receipts(rig):
        rig.contact(name, channel="message")
        eventually(lambda: not rig.platform.supervisor.alive(SENDER), "the sender dies at its point")
        rig.platform.supervisor.restart(SENDER, {"CRASH_AT": ""})
        eventually(lambda: "MessageSent" in rig.types(name), "it is sent")
        assert len(rig.sends(name)) == 1
    types_are(rig, name, *SENT)
    rig.drain()
    assert len(rig.sends(name)) == 1
    assert rig.query("SELECT count(*) FROM send_queue WHERE claim_id = %s", name) == [(0,)]


def test_two_senders_send_each_message_once(rig: Rig) -> None:
    names = [rig.person() for _ in range(4)]
    supervisor = rig.platform.supervisor
    second = supervisor.program(SENDER)
    supervisor.start(type(second)(name="second-sender", argv=second.argv, env={"METRICS_PORT": "0"}))
    try:
        for name in names:
            rig.contact(name)
        for name in names:
            types_are(rig, name, "AppointmentOffered", *SENT)
            assert len(rig.sends(name)) == 1
    finally:
        supervisor.stop("second-sender")


def test_receipts_need_the_bearer_move_forward_only_and_count_once(rig: Rig) -> None:
    name = rig.person()
    rig.contact(name, channel="message")
    types_are(rig, name, *SENT)
    send = rig.sends(name)[0]
    receipt = {"id": send["id"], "reference": send["reference"], "status": "delivered", "to": "somebody@example.test"}
    path, token = "/v1/notify/receipts", {"Authorization": f"Bearer {rig.platform.environment['NOTIFY_RECEIPTS_TOKEN']}"}
    assert rig.http.post(path, json=receipt).status_code == 401
    assert rig.http.post(path, json=receipt, headers={"Authorization": "Bearer guess"}).status_code == 401
    assert rig.http.post(path, json=receipt, headers=rig.claimant(name)).status_code == 401
    assert rig.http.post(path, json=receipt, headers=token).json() == {"status": "ok"}
    assert rig.http.post(path, json=receipt | {"status": "temporary-failure"}, headers=token).json() == {"status": "ok"}
    assert rig.http.post(path, json=receipt | {"reference": "unknown"}, headers=token).json() == {"status": "ignored"}
    rig.drain()
    types_are(rig, name, *SENT)
    listed = rig.http.get(f"/v1/claimants/{name}-person/messages", headers=rig.claimant(name)).json()["items"]
    assert [(item["state"], item["attempts"]) for item in listed] == [("delivered", 1)]


def test_a_failed_delivery_is_published(rig: Rig) -> None:
    name = rig.person()
    rig.preferences(name, version=2, email="perm-fail@simulator.notify")
    rig.drain()
    rig.contact(name, channel="message")
    types_are(rig, name, "MessageRequested", "MessageSent", "MessageFailed")


def test_nothing_is_sent_while_the_service_is_catching_up(rig: Rig) -> None:
    name = rig.person()
    supervisor, coach = rig.platform.supervisor, rig.own_coach(name)
    slots = rig.http.get(f"/v1/coaches/{name}-coach/slots?from={rig.a_monday()}", headers=coach).json()["items"]
    supervisor.restart(SENDER, {"SENDER_BRAKE_LAG": "1"})
    started = supervisor.log(SENDER).read_text().count("sender.starting")
    eventually(lambda: _brake(rig, started) == [False], "the brake is off")
    supervisor.stop("notifications-worker")
    try:
        rig.contact(name)
        eventually(lambda: _brake(rig, started) == [False, True], "the brake is on")
        body = {"case_id": f"{name}-case", "slot_id": slots[0]["slot_id"]}
        booked = rig.http.post("/v1/appointments", json=body, headers=coach | {"Idempotency-Key": f"{name}-book"})
        assert booked.status_code == 201, booked.text
        waits = rig.http.get("/health/drained").json()
        assert (waits["drained"], waits["lag"], waits["queue"]) == (False, 1, 1)
        assert rig.sends(name) == []
    finally:
        supervisor.restart("notifications-worker")
    eventually(lambda: rig.sends(name), "the offer is sent after all")
    supervisor.restart(SENDER, {"SENDER_BRAKE_LAG": "2000"})


def _brake(rig: Rig, started: int) -> list[bool]:
    """What the sender that was started last said of its brake."""
    text = rig.platform.supervisor.log(SENDER).read_text().split("sender.starting")[started]
    said = (json.loads(line) for line in text.splitlines()[1:] if '"sender.brake"' in line)
    return [entry["on"] for entry in said]
