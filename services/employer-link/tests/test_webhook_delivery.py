"""Webhooks: signed by the standard, ids only, again after failures, and silent once the consent has ended."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from employer_link import lookups, senders
from employer_link.delivery import BACKOFF
from streaming.liveness import Liveness


def _states(link: Any) -> list[tuple[str, int, str | None]]:
    return [
        (state, attempts, result)
        for state, attempts, result in link.rows("SELECT state, attempts, last_result FROM delivery ORDER BY next_at")
    ]


def test_a_message_verifies_with_the_reference_library_and_holds_ids_only(link: Any) -> None:
    link.known_case()
    secret = link.webhook()["secret"]
    e = link.shared()
    assert link.sends() == 1
    ((headers, body),) = link.hook.got
    assert Webhook(secret).verify(body, headers) == json.loads(body)
    feed = link.get("employer", "/v1/employer/events").json()["items"][-1]
    sent = json.loads(body)
    assert (sent["type"], sent["data"]) == ("EngagementShared", {"engagement_id": e, "event_id": feed["event_id"]})
    assert set(sent) == {"type", "timestamp", "data"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"Shared", b"Closed"), headers)
    assert _states(link) == [("sent", 1, "200")]


def test_failures_are_tried_again_later_with_the_same_id(link: Any) -> None:
    link.known_case()
    link.webhook()
    link.shared()
    link.hook.answers = [(500, {}), (429, {})]
    link.sends()
    assert link.sends() == 0, "the wait is not over"
    link.later(seconds=5)
    link.sends()
    link.later(minutes=5)
    link.sends()
    assert len({headers["webhook-id"] for headers, _ in link.hook.got}) == 1
    assert (len(link.hook.got), _states(link)) == (3, [("sent", 3, "200")])


def test_after_the_last_attempt_the_message_has_failed_and_the_feed_still_has_the_event(link: Any) -> None:
    link.known_case()
    link.webhook()
    link.shared()
    link.hook.answers = [(500, {})] * (len(BACKOFF) + 1)
    for pause in (timedelta(), *BACKOFF):
        link.later(seconds=int(pause.total_seconds()))
        link.sends()
    assert _states(link) == [("failed", len(BACKOFF) + 1, "500")]
    assert [item["type"] for item in link.get("employer", "/v1/employer/events").json()["items"]] == ["EngagementShared"]


@pytest.mark.parametrize("place", ["employer_link.delivery.Post.send", "employer_link.senders._may_go"])
def test_a_bug_on_one_message_is_a_failed_attempt_and_is_given_up_in_the_end(
    link: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    """The thread lives on whatever happens to one message, before the call or in it, and says no more than what kind it was."""

    def breaks(*_: Any, **__: Any) -> Any:
        raise UnicodeError(f"{link.hook.url} for Quinn Quartz")

    link.known_case()
    link.webhook()
    link.shared()
    monkeypatch.setattr(place, breaks)
    assert link.sends() == 1
    assert _states(link) == [("queued", 1, None)]
    assert link.sends() == 0, "the wait is not over"
    for pause in BACKOFF:
        link.later(seconds=int(pause.total_seconds()))
        link.sends()
    assert _states(link) == [("failed", len(BACKOFF) + 1, "UnicodeError")]
    said = capsys.readouterr()
    assert "UnicodeError" in said.out + said.err
    assert "Quartz" not in said.out + said.err


def test_a_message_whose_outcome_is_never_noted_is_given_up_too(link: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the process dies in each attempt."""

    class Died(BaseException):
        """No exception that the sender could answer."""

    def dies(*_: Any, **__: Any) -> Any:
        raise Died

    link.known_case()
    link.webhook()
    link.shared()
    monkeypatch.setattr("employer_link.senders.note", dies)
    for _ in range(len(BACKOFF) + 1):
        with pytest.raises(Died):
            link.sends()
        link.later(minutes=2)
    link.sends()
    assert (len(link.hook.got), _states(link)) == (len(BACKOFF) + 1, [("failed", len(BACKOFF) + 1, "not_noted")])


def test_what_is_queued_when_the_consent_ends_is_suppressed(link: Any) -> None:
    link.known_case()
    link.webhook()
    consent = link.consent()
    link.shared(consent)
    link.change("claimant", "DELETE", f"/v1/consents/{consent}", of=f"/v1/consents/{consent}")
    link.sends()
    assert link.hook.got == []
    assert _states(link) == [("suppressed", 0, "consent_ended")]


def test_a_retry_is_suppressed_too(link: Any) -> None:
    link.known_case()
    link.webhook()
    link.shared(link.consent(days=0))
    link.hook.answers = [(503, {})]
    link.sends()
    link.clock.value += timedelta(days=1)  # no timer has fired yet: the sender judges by the date itself
    link.sends()
    assert (len(link.hook.got), _states(link)) == (1, [("suppressed", 1, "consent_ended")])


def test_each_message_is_a_step_of_its_own_for_liveness(link: Any) -> None:
    """Several targets in a row that do not answer in time are no reason to restart the process."""
    stopping = threading.Event()
    failed: list[str] = []
    begun: list[int] = []

    class Watched(Liveness):
        def begin(self, name: str) -> None:
            begun.append(len(link.hook.got))
            super().begin(name)

        def end(self, name: str) -> None:
            super().end(name)
            stopping.set()

    link.known_case()
    for _ in range(3):
        link.webhook()
    link.shared()
    with link.sender() as sender:
        senders._loop(sender, "sender-0", Watched(30.0), stopping, lambda: failed.append("stopped"))
    assert (begun, len(link.hook.got), failed) == ([0, 0, 1, 2], 3, [])


def test_nothing_is_queued_for_a_draft_or_for_another_employer(link: Any) -> None:
    link.known_case()
    link.webhook("other-employer")
    link.webhook()
    link.opened()
    assert link.rows("SELECT count(*) FROM delivery") == [(0,)]


def test_removing_a_registration_stops_what_is_queued_for_it(link: Any) -> None:
    link.known_case()
    webhook = link.webhook()
    link.shared()
    (listed,) = link.get("employer", "/v1/employer/webhooks").json()["items"]
    assert set(listed) == {"webhook_id", "url", "created_at", "etag"}
    path = f"/v1/employer/webhooks/{webhook['webhook_id']}"
    assert link.call("other-employer", "DELETE", path, match=listed["etag"]).status_code == 404
    assert link.call("employer", "DELETE", path).status_code == 428
    assert link.call("employer", "DELETE", path, match=listed["etag"]).status_code == 204
    link.sends()
    assert (link.hook.got, _states(link)) == ([], [("suppressed", 0, "unregistered")])


def test_the_secret_is_shown_again_only_to_a_repeat_of_the_same_request_and_never_kept_in_clear(link: Any) -> None:
    body = {"url": link.hook.url}
    first = link.call("employer", "POST", "/v1/employer/webhooks", body, key="once")
    again = link.call("employer", "POST", "/v1/employer/webhooks", body, key="once")
    assert again.json() == first.json()
    assert first.json()["secret"].startswith("whsec_")
    for table in ("idempotency", "outbox", "audit"):
        assert first.json()["secret"] not in link.stored(table)
    assert len(link.get("employer", "/v1/employer/webhooks").json()["items"]) == 1


def test_a_target_that_answers_410_is_unregistered(link: Any) -> None:
    link.known_case()
    link.webhook()
    link.shared()
    link.hook.answers = [(410, {})]
    link.sends()
    assert _states(link) == [("failed", 1, "410")]
    assert link.get("employer", "/v1/employer/webhooks").json()["items"] == []


def test_a_redirect_is_not_followed(link: Any) -> None:
    link.known_case()
    link.webhook()
    link.shared()
    link.hook.answers = [(302, {"Location": link.hook.url})]
    link.sends()
    assert len(link.hook.got) == 1
    assert _states(link) == [("queued", 1, None)]


def test_without_the_local_exemption_this_machine_is_out_of_reach(link: Any) -> None:
    link.known_case()
    link.webhook()
    link.shared()
    link.sends(guarded=True)
    assert (link.hook.got, _states(link)) == ([], [("failed", 1, "blocked_target")])


@pytest.mark.parametrize(
    "url", ["http://example.org/h", "https://127.0.0.1/h", "https://[::1]/h", "ftp://example.org", "nonsense", "https://a..b/"]
)
def test_registering_a_private_or_plain_target_is_refused(link: Any, url: str) -> None:
    answer = link.call("employer", "POST", "/v1/employer/webhooks", {"url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "target-not-allowed")
    assert url not in answer.text


def test_what_is_queued_counts_as_undrained_until_it_is_sent(link: Any) -> None:
    link.known_case()
    link.webhook()
    link.shared()
    assert link.http.get("/health/drained").json()["queue"] == 1
    link.sends()
    assert link.http.get("/health/drained").json()["queue"] == 0


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("claim", "SELECT 'c-1'"),
        ("claimant", "SELECT 'cl-1'"),
        ("employer", "SELECT min(employer_id) FROM delivery"),
        ("delivery", "SELECT min(delivery_id) FROM delivery"),
    ],
)
def test_what_waits_for_an_operator_holds_up_nobody_else(link: Any, kind: str, query: str) -> None:
    """A message whose claim, person, employer or own document is parked is not taken and not counted until it is released."""
    link.known_case()
    link.webhook()
    link.shared()
    ((key,),) = link.rows(query)
    link.unit.conn.execute("INSERT INTO parked_root (kind, key, error) VALUES (%s, %s, 'a test')", (kind, key))
    assert lookups.deliveries_due(link.unit.conn, link.clock.now(), shard=0, shards=1, limit=1) == []
    assert (link.sends(), link.hook.got) == (0, [])
    health = link.http.get("/health/drained").json()
    assert (health["queue"], health["parked"]) == (0, 1)
    link.unit.conn.execute("DELETE FROM parked_root")
    assert link.http.get("/health/drained").json()["queue"] == 1
    assert link.sends() == 1
    assert _states(link) == [("sent", 1, "200")]


def test_a_message_parked_after_it_was_found_does_not_count_as_gone_on(link: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread pauses, as when there is nothing to do."""
    link.known_case()
    link.webhook()
    link.shared()
    found = lookups.deliveries_due(link.unit.conn, link.clock.now(), shard=0, shards=1, limit=1)
    assert len(found) == 1
    link.unit.conn.execute("INSERT INTO parked_root (kind, key, error) VALUES ('claim', 'c-1', 'a test')")
    monkeypatch.setattr(senders, "deliveries_due", lambda *_, **__: found)
    assert link.sends() == 0
    assert _states(link) == [("queued", 0, None)]
