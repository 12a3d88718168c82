"""The Notify sandbox, driven by Notify's own client."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest
from notifications_python_client.errors import HTTP503Error, HTTPError
from notifications_python_client.notifications import NotificationsAPIClient

from devstack import layout

if TYPE_CHECKING:
    from .conftest import Sandboxes

TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a"
ADDRESS = {"address_line_1": "Ada Example", "address_line_2": "1 Example Street", "address_line_3": "LS1 1AA"}


def _client(sandboxes: Sandboxes, timeout: float = 30) -> Any:
    official: Any = NotificationsAPIClient  # its package says it is typed; its functions are not
    return official(layout.NOTIFY_API_KEY, base_url=sandboxes.notify, timeout=timeout)


@pytest.fixture
def client(sandboxes: Sandboxes) -> Any:
    made = _client(sandboxes)
    yield made
    made.request_session.close()


def _reference() -> str:
    return str(uuid.uuid4())


def _fault(sandboxes: Sandboxes, mode: str, times: int = 1, delay_s: float = 30) -> None:
    httpx.put(f"{sandboxes.notify}/sandbox/faults", json={"mode": mode, "times": times, "delay_s": delay_s}).raise_for_status()


def test_an_email_is_accepted_found_by_reference_and_its_receipt_arrives(sandboxes: Sandboxes, client: Any) -> None:
    reference = _reference()
    words = {"subject": "Your appointment", "body": "Monday, 10 am"}
    sent = client.send_email_notification("ada@example.org", TEMPLATE, words, reference)
    assert (sent["reference"], sent["content"]["subject"], sent["content"]["body"]) == (reference, *words.values())
    assert sent["template"]["id"] == TEMPLATE
    receipt = sandboxes.receipts.wait_for(sent["id"])
    assert receipt["authorization"] == f"Bearer {layout.NOTIFY_RECEIPTS_TOKEN}"
    assert receipt["path"] == "/v1/notify/receipts"
    expected = {"id", "reference", "to", "status", "created_at", "completed_at", "sent_at", "notification_type", "template_id"}
    assert receipt.keys() >= expected
    assert (receipt["reference"], receipt["status"], receipt["notification_type"]) == (reference, "delivered", "email")
    found = client.get_all_notifications(reference=reference)["notifications"]
    assert [(one["id"], one["status"], one["email_address"]) for one in found] == [(sent["id"], "delivered", "ada@example.org")]
    assert client.get_notification_by_id(sent["id"])["subject"] == "Your appointment"


def test_a_text_message_to_a_failing_number_ends_in_permanent_failure(sandboxes: Sandboxes, client: Any) -> None:
    sent = client.send_sms_notification("07700 900002", TEMPLATE, {"body": "Hello"}, _reference())
    assert sandboxes.receipts.wait_for(sent["id"])["status"] == "permanent-failure"


def test_a_letter_needs_an_address_and_has_no_receipt(sandboxes: Sandboxes, client: Any) -> None:
    sent = client.send_letter_notification(TEMPLATE, {**ADDRESS, "subject": "S", "body": "B"}, _reference())
    follower = client.send_email_notification("ada@example.org", TEMPLATE, {}, _reference())
    sandboxes.receipts.wait_for(follower["id"])
    assert client.get_notification_by_id(sent["id"])["status"] == "received"
    assert sent["id"] not in {receipt["id"] for receipt in sandboxes.receipts.received}
    with pytest.raises(HTTPError) as refused:
        client.send_letter_notification(TEMPLATE, {"address_line_1": "Ada"})
    assert refused.value.status_code == 400
    assert refused.value.message == [{"error": "ValidationError", "message": "Address must be at least 3 lines"}]


@pytest.mark.parametrize(
    ("send", "message"),
    [
        (lambda c: c.send_sms_notification("12", TEMPLATE), "phone_number Not a UK mobile number"),
        (lambda c: c.send_email_notification("ada", TEMPLATE), "email_address Not a valid email address"),
        (lambda c: c.send_email_notification("ada@example.org", "7"), "template_id is not a valid UUID"),
        (lambda c: c.get_notification_by_id("7"), "id is not a valid UUID"),
    ],
)
def test_bad_input_is_a_validation_error_and_nothing_is_accepted(
    sandboxes: Sandboxes, client: Any, send: Any, message: str
) -> None:
    before = httpx.get(f"{sandboxes.notify}/sandbox/stats").json()["accepted"]
    with pytest.raises(HTTPError) as refused:
        send(client)
    assert refused.value.status_code == 400
    assert refused.value.message == [{"error": "ValidationError", "message": message}]
    assert httpx.get(f"{sandboxes.notify}/sandbox/stats").json()["accepted"] == before


def test_a_registered_template_is_filled_in_and_missing_values_are_named(sandboxes: Sandboxes, client: Any) -> None:
    template = _reference()
    new = {"type": "email", "subject": "For ((name))", "body": "On ((day))"}
    httpx.put(f"{sandboxes.notify}/sandbox/templates/{template}", json=new).raise_for_status()
    sent = client.send_email_notification("ada@example.org", template, {"name": "Ada", "day": "Monday"})
    assert (sent["content"]["subject"], sent["content"]["body"]) == ("For Ada", "On Monday")
    with pytest.raises(HTTPError) as refused:
        client.send_email_notification("ada@example.org", template, {"name": "Ada"})
    assert refused.value.message == [{"error": "BadRequestError", "message": "Missing personalisation: day"}]
    assert client.get_template(template)["version"] == 1


def _header(secret: str, issuer: str, issued: float) -> dict[str, str]:
    return {"Authorization": f"Bearer {jwt.encode({'iss': issuer, 'iat': int(issued)}, secret)}"}


def test_calls_without_a_good_key_are_refused_as_notify_words_it(sandboxes: Sandboxes) -> None:
    url, service, secret = f"{sandboxes.notify}/v2/notifications", layout.NOTIFY_SERVICE_ID, layout.NOTIFY_SECRET
    now = time.time()
    answers = [
        httpx.get(url),
        httpx.get(url, headers=_header(secret, "unknown", now)),
        httpx.get(url, headers=_header("another secret of thirty-six bytes ok", service, now)),
        httpx.get(url, headers=_header(secret, service, now - 120)),
        httpx.get(url, headers=_header(secret, service, now + 120)),
    ]
    clock = "Error: Your system clock must be accurate to within 30 seconds"
    assert [(one.status_code, one.json()["errors"][0]["message"]) for one in answers] == [
        (401, "Unauthorized: authentication token must be provided"),
        (403, "Invalid token: service not found"),
        (403, "Invalid token: API key not found"),
        (403, clock),
        (403, clock),
    ]


@pytest.mark.parametrize(
    ("mode", "status", "error"),
    [("error_500", 500, "Exception"), ("error_429", 429, "RateLimitError"), ("error_403", 403, "AuthError")],
)
def test_failures_on_request_have_notify_s_shape_and_accept_nothing(
    sandboxes: Sandboxes, client: Any, mode: str, status: int, error: str
) -> None:
    reference = _reference()
    _fault(sandboxes, mode)
    with pytest.raises(HTTPError) as refused:
        client.send_email_notification("ada@example.org", TEMPLATE, {}, reference)
    assert refused.value.status_code == status
    answer = refused.value.response
    assert answer is not None
    assert [one["error"] for one in answer.json()["errors"]] == [error]
    assert client.get_all_notifications(reference=reference)["notifications"] == []
    client.send_email_notification("ada@example.org", TEMPLATE, {}, reference)


def test_a_time_out_after_acceptance_leaves_a_message_that_can_be_found_by_reference(sandboxes: Sandboxes) -> None:
    client = _client(sandboxes, timeout=0.5)
    reference = _reference()
    try:
        _fault(sandboxes, "timeout_after_accept")
        with pytest.raises(HTTP503Error):
            client.send_email_notification("ada@example.org", TEMPLATE, {}, reference)
        assert len(client.get_all_notifications(reference=reference)["notifications"]) == 1
    finally:
        client.request_session.close()


def test_a_refused_receipt_is_sent_again(sandboxes: Sandboxes, client: Any) -> None:
    sandboxes.receipts.refuse_next = 1
    sent = client.send_email_notification("ada@example.org", TEMPLATE, {}, _reference())
    assert sandboxes.receipts.wait_for(sent["id"])["status"] == "delivered"


def test_every_accepted_send_is_open_to_inspection_and_repeats_are_counted(sandboxes: Sandboxes, client: Any) -> None:
    stats = httpx.get(f"{sandboxes.notify}/sandbox/stats").json()
    reference = _reference()
    for _ in range(2):
        client.send_sms_notification("07700900123", TEMPLATE, {"body": "Hello"}, reference)
    seen = httpx.get(f"{sandboxes.notify}/sandbox/sends", params={"reference": reference}).json()["items"]
    assert [(one["phone_number"], one["personalisation"]) for one in seen] == [("07700900123", {"body": "Hello"})] * 2
    after = httpx.get(f"{sandboxes.notify}/sandbox/stats").json()
    assert after["repeated_references"] == stats["repeated_references"] + 1


def test_pages_go_back_in_time(sandboxes: Sandboxes, client: Any) -> None:
    first, second = (client.send_sms_notification("07700900123", TEMPLATE, {"body": str(n)})["id"] for n in range(2))
    newest = client.get_all_notifications()["notifications"]
    assert [one["id"] for one in newest[:2]] == [second, first]
    assert client.get_all_notifications(older_than=second)["notifications"][0]["id"] == first
