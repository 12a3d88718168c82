"""The three parties over HTTP, on a real database."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from contracts import earnings, reference, topics
from employer_link.model import EMPLOYER_FIELDS


def test_from_consent_to_a_finished_plan(link: Any) -> None:
    link.known_case()
    e = link.agreed()
    view = link.employer_view(e).json()
    assert tuple(view) == EMPLOYER_FIELDS
    assert (view["employee_name"], view["payroll_id"], view["state"]) == ("Quinn Quartz", "PAY-7", "agreed")
    assert (view["next_mover"], view["due_on"]) == ("employer", "2026-06-29")
    (action,) = view["plan"]["actions"]
    link.later(days=28)
    assert link.get("coach", f"/v1/engagements/{e}").json()["state"] == "following_up"
    assert link.move("employer", e, "actions", {"action_id": action["action_id"]}).status_code == 200
    closed = link.move("coach", e, "close", {"reason": "completed"})
    assert (closed.json()["state"], closed.json()["next_mover"], closed.json()["due_on"]) == ("closed", None, None)
    assert link.names() == [
        "ConsentGiven", "EngagementOpened", "EmployerInvited", "EngagementShared", "EngagementAnswered",
        "EngagementApproved", "EngagementApproved", "EngagementApproved", "PlanAgreed", "ActionDue", "ActionDone",
        "EngagementClosed",
    ]  # fmt: skip
    assert not {"employee_name", "payroll_id"} & set(link.employer_view(e).json())


def test_nothing_personal_is_published_or_kept(link: Any) -> None:
    link.known_case()
    link.agreed()
    link.employer_view(link.get("employer", "/v1/employer/engagements").json()["items"][0]["engagement_id"])
    for table in ("outbox", "document", "idempotency", "audit", "employer_event", "engagement"):
        text = link.stored(table)
        assert "Quinn" not in text, table
        assert "PAY-7" not in text, table


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        (["ask"], {"ask"}),
        (["employee_name"], {"employee_name"}),
        (["payroll_id", "plan"], {"payroll_id", "plan"}),
        (["coach_contact"], {"coach_contact"}),
    ],
)
def test_the_employer_sees_only_consented_fields(link: Any, fields: list[str], seen: set[str]) -> None:
    link.known_case()
    e = link.shared(link.consent(*fields))
    always = {"engagement_id", "state", "consent_expires_on", "next_mover", "due_on"}
    assert set(link.employer_view(e).json()) == always | seen
    (item,) = link.get("employer", "/v1/employer/engagements").json()["items"]
    assert set(item) == always | seen


def test_names_are_asked_for_only_when_consented(link: Any) -> None:
    link.known_case()
    e = link.shared(link.consent("ask"))
    link.employer_view(e)
    assert link.earnings.asked == []


def test_without_earnings_names_wait_and_say_so(link: Any) -> None:
    link.known_case()
    e = link.shared()
    link.earnings.down = True
    answer = link.employer_view(e)
    assert (answer.status_code, answer.json()["code"]) == (503, "names-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    moved = link.call("employer", "POST", f"/v1/employer/engagements/{e}/answer", {"answer": "training"}, match="*")
    assert moved.status_code == 200


def test_a_draft_does_not_exist_for_its_employer_not_even_when_it_ends(link: Any) -> None:
    link.known_case()
    e = link.opened()
    for _ in ("while it is a draft", "and after"):
        assert link.employer_view(e).status_code == 404
        assert link.get("employer", "/v1/employer/engagements").json() == {"items": [], "next": None}
        assert link.get("employer", "/v1/employer/events").json() == {"items": [], "next": None}
        if link.names()[-1] != "EngagementClosed":
            assert link.move("coach", e, "close", {"reason": "declined"}).status_code == 200


def test_another_organisation_finds_nothing_and_that_is_audited(link: Any) -> None:
    link.known_case()
    e = link.shared()
    tag = link.employer_view(e).headers["etag"]
    cursor = link.get("employer", "/v1/employer/events").json()["items"][-1]["cursor"]
    base = f"/v1/employer/engagements/{e}"
    answers = [
        link.get("other-employer", base),
        link.http.get(base, headers={"Authorization": f"Bearer {link.token('other-employer')}", "If-None-Match": tag}),
        link.call("other-employer", "POST", f"{base}/answer", {"answer": "none"}, match=tag),
        link.call("other-employer", "POST", f"{base}/approve", {}, match=tag),
        link.call("other-employer", "POST", f"{base}/actions", {"action_id": "x"}, match=tag),
    ]
    assert [answer.status_code for answer in answers] == [404] * 5
    assert {answer.json()["code"] for answer in answers} == {"not-found"}
    assert link.get("other-employer", "/v1/employer/engagements").json()["items"] == []
    assert link.get("other-employer", "/v1/employer/events", cursor=cursor).json() == {"items": [], "next": None}
    denied = link.rows("SELECT count(*) FROM audit WHERE actor = 'other-employer' AND NOT granted AND reason = 'not_theirs'")
    assert denied == [(5,)]
    assert link.get("coach", f"/v1/engagements/{e}").json()["state"] == "shared"


def test_an_idempotency_key_is_each_organisations_own(link: Any) -> None:
    link.known_case()
    e = link.shared()
    path = f"/v1/employer/engagements/{e}/answer"
    tag = link.employer_view(e).headers["etag"]
    first = link.call("employer", "POST", path, {"answer": "training"}, match=tag, key="same")
    assert link.call("employer", "POST", path, {"answer": "training"}, match=tag, key="same").json() == first.json()
    assert link.names().count("EngagementAnswered") == 1
    assert link.call("employer", "POST", path, {"answer": "none"}, match=tag, key="same").status_code == 422
    assert link.call("other-employer", "POST", path, {"answer": "training"}, match=tag, key="same").status_code == 404


def test_the_end_of_consent_shows_nothing_more_not_even_a_stored_answer(link: Any) -> None:
    link.known_case()
    consent = link.consent()
    e = link.shared(consent)
    path = f"/v1/employer/engagements/{e}/answer"
    tag = link.employer_view(e).headers["etag"]
    assert link.call("employer", "POST", path, {"answer": "training"}, match=tag, key="k").status_code == 200
    withdrawn = link.change("claimant", "DELETE", f"/v1/consents/{consent}", of=f"/v1/consents/{consent}")
    assert withdrawn.json()["state"] == "withdrawn"
    for answer in (
        link.employer_view(e),
        link.call("employer", "POST", path, {"answer": "training"}, match=tag, key="k"),
        link.call("employer", "POST", f"/v1/employer/engagements/{e}/approve", {}, match=tag),
    ):
        assert answer.status_code == 410
        assert set(answer.json()) == {"type", "title", "status", "code", "detail", "trace_id"}
    assert link.get("employer", "/v1/employer/engagements").json()["items"] == []
    assert link.names()[-2:] == ["ConsentWithdrawn", "EngagementClosed"]
    last = link.get("employer", "/v1/employer/events").json()["items"][-1]
    assert (last["type"], last["engagement_id"]) == ("EngagementClosed", e)


def test_a_consent_expires_by_timer_after_its_last_day(link: Any) -> None:
    link.known_case()
    e = link.shared(link.consent(days=10))
    link.later(days=10)
    assert link.employer_view(e).status_code == 200
    link.later(days=1)
    assert link.employer_view(e).status_code == 410
    assert link.names()[-2:] == ["ConsentExpired", "EngagementClosed"]
    assert link.published()[-1][1]["reason"] == "consent_ended"


def test_do_not_contact_my_employer_stops_everything_at_once(link: Any) -> None:
    link.known_case()
    e = link.shared()
    path = "/v1/claimants/cl-1/employer-contact"
    assert link.call("claimant", "PUT", path, {"employer_id": None, "allowed": False}).status_code == 428
    put = link.change("claimant", "PUT", path, {"employer_id": None, "allowed": False}, of=path)
    assert (put.status_code, put.json()["allowed"]) == (200, False)
    assert link.employer_view(e).status_code == 410
    assert link.names()[-3:] == ["EmployerContactForbidden", "ConsentWithdrawn", "EngagementClosed"]
    body = {
        "claimant_id": "cl-1", "employer_id": link.employer_id, "fields": ["ask"], "purpose": "p",
        "expires_on": "2026-07-01", "wording_version": "1",
    }  # fmt: skip
    refused = link.call("claimant", "POST", "/v1/consents", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "employer-contact-forbidden")


def test_a_coach_records_on_behalf_and_the_claimant_undoes_it_alone(link: Any) -> None:
    link.known_case()
    body = {
        "claimant_id": "cl-1", "employer_id": link.employer_id, "fields": ["ask"], "purpose": "more_hours",
        "expires_on": "2026-07-01", "wording_version": "1",
    }  # fmt: skip
    assert link.call("coach", "POST", "/v1/consents", body).json()["code"] == "on-behalf-required"
    behalf = {"on_behalf_of": "cl-1", "reason": "has no phone", "evidence": "form seen"}
    given = link.call("coach", "POST", "/v1/consents", body | behalf).json()
    assert (given["given_by"], given["on_behalf"]["coach_id"]) == ("on_behalf", "co-1")
    assert link.published()[-1][1]["given_by"] == "on_behalf"
    (seen,) = link.get("claimant", "/v1/claimants/cl-1/consents").json()["items"]
    assert seen["consent_id"] == given["consent_id"]
    gone = link.call("claimant", "DELETE", f"/v1/consents/{given['consent_id']}", match=seen["etag"])
    assert gone.json()["state"] == "withdrawn"
    assert "form seen" not in str(link.rows("SELECT value FROM outbox"))


def test_neither_the_partner_nor_a_coach_elsewhere_can_look_or_act(link: Any) -> None:
    link.known_case()
    consent = link.consent()
    e = link.opened(consent)
    for role in ("other-claimant", "far-coach"):
        for path in (
            f"/v1/consents/{consent}",
            f"/v1/engagements/{e}",
            "/v1/claimants/cl-1/employer-contact",
            "/v1/claimants/cl-1/engagements",
            "/v1/claimants/cl-1/consents",
        ):
            assert link.get(role, path).status_code == 404, (role, path)
        assert link.call(role, "DELETE", f"/v1/consents/{consent}", match="*").status_code == 404
        assert link.call(role, "POST", f"/v1/engagements/{e}/approve", {}, match="*").status_code == 404
    assert link.get("far-coach", "/v1/engagements").json()["items"] == []
    assert link.get("operator", f"/v1/engagements/{e}").status_code == 403
    assert link.get("employer", f"/v1/engagements/{e}").status_code == 403
    assert link.get("claimant", f"/v1/employer/engagements/{e}").status_code == 403


def test_breaking_the_glass_opens_the_record_and_is_on_record(link: Any) -> None:
    link.known_case()
    e = link.opened()
    headers = {"X-Break-Glass-Reason": "duty cover, claimant in the office"}
    assert link.call("far-coach", "GET", f"/v1/engagements/{e}", headers=headers).status_code == 200
    ((reason,),) = link.rows("SELECT reason FROM audit WHERE actor = 'far-coach' AND granted")
    assert reason.startswith("break-glass")
    assert link.call("far-coach", "POST", f"/v1/engagements/{e}/share", {}, match="*", headers=headers).status_code == 404


def test_access_ends_when_the_coach_moves_or_stops(link: Any) -> None:
    link.known_case()
    e = link.opened()
    assert link.get("far-coach", f"/v1/engagements/{e}").status_code == 404
    moved = reference.CoachChanged(
        coach_id="co-9", version=1, offices=("of-1",), active=True, trained_in_work=True, minutes_per_day=370
    )
    link.hears(topics.PROGRESSION_REFERENCE, moved, key="coach:co-9")
    assert link.get("far-coach", f"/v1/engagements/{e}").status_code == 200
    stopped = msgspec.structs.replace(moved, coach_id="co-1", active=False)
    link.hears(topics.PROGRESSION_REFERENCE, stopped, key="coach:co-1")
    assert link.get("coach", f"/v1/engagements/{e}").status_code == 404
    assert link.get("coach", "/v1/engagements").json()["items"] == []


def test_illegal_moves_say_what_is_allowed(link: Any) -> None:
    link.known_case()
    e = link.shared()
    refused = link.move("coach", e, "share")
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal-move")
    assert refused.json()["allowed"] == ["amend", "contacts", "close"]
    link.move("employer", e, "answer", {"answer": "training"})
    assert link.move("coach", e, "approve").json()["code"] == "coach-approves-last"


def test_a_stale_etag_is_refused(link: Any) -> None:
    link.known_case()
    e = link.opened()
    tag = link.get("coach", f"/v1/engagements/{e}").headers["etag"]
    assert link.call("coach", "POST", f"/v1/engagements/{e}/share", {}).status_code == 428
    assert link.call("coach", "POST", f"/v1/engagements/{e}/share", {}, match=tag).status_code == 200
    assert link.call("coach", "POST", f"/v1/engagements/{e}/amend", {"ask": "training"}, match=tag).status_code == 412


def test_the_cap_spares_the_employer_until_it_is_overridden_with_a_reason(link: Any) -> None:
    link.known_case()
    e = link.shared()
    call = {"channel": "phone", "outcome": "reached"}
    link.later(days=1)
    assert link.move("coach", e, "contacts", call).status_code == 200
    link.later(days=1)
    refused = link.move("coach", e, "contacts", call)
    assert (refused.status_code, refused.json()["next_allowed_on"]) == (409, "2026-07-01")
    assert link.move("coach", e, "contacts", call | {"override_reason": "they asked for a call"}).status_code == 200
    assert "they asked" not in str(link.rows("SELECT value FROM outbox"))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/consents", {"claimant_id": "cl-1", "extra": 1}),
        ("/v1/engagements", {"case_id": "k-1", "employer_id": "x", "consent_id": "y", "ask": "money"}),
    ],
)
def test_undocumented_bodies_are_refused_without_an_echo(link: Any, path: str, body: dict[str, Any]) -> None:
    link.known_case()
    role = "claimant" if path.endswith("consents") else "coach"
    answer = link.call(role, "POST", path, body)
    assert answer.status_code == 422
    assert "money" not in answer.text


def test_fields_outside_the_allow_list_are_invalid(link: Any) -> None:
    link.known_case()
    body = {
        "claimant_id": "cl-1", "employer_id": link.employer_id, "fields": ["nino"], "purpose": "p",
        "expires_on": "2026-07-01", "wording_version": "1",
    }  # fmt: skip
    answer = link.call("claimant", "POST", "/v1/consents", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-field")
    assert link.call("claimant", "POST", "/v1/consents", body | {"fields": ["ask"], "nino": "QQ"}).status_code == 422


def test_the_feed_is_paged_by_cursor_and_goes_on_from_any_item(link: Any) -> None:
    link.known_case()
    link.agreed()
    whole = link.get("employer", "/v1/employer/events").json()["items"]
    assert set(whole[0]) == {"event_id", "type", "engagement_id", "employer_id", "at", "cursor"}
    paged: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = link.get("employer", "/v1/employer/events", limit=2, **({"cursor": cursor} if cursor else {})).json()
        paged += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [item["event_id"] for item in paged] == [item["event_id"] for item in whole]
    resumed = link.get("employer", "/v1/employer/events", cursor=whole[2]["cursor"]).json()["items"]
    assert [item["event_id"] for item in resumed] == [item["event_id"] for item in whole[3:]]


def test_coaches_find_employers_by_name_and_by_paye_reference(link: Any) -> None:
    link.known_case()
    (by_name,) = link.get("coach", "/v1/employers", q="quartz").json()["items"]
    assert by_name == {"employer_id": link.employer_id, "name": "Quartz & Sons", "paye_scheme": None}
    (by_scheme,) = link.get("coach", "/v1/employers", q="123/A246").json()["items"]
    assert by_scheme["paye_scheme"] == "123/A246"
    assert link.get("coach", "/v1/employers", q="no%such").json()["items"] == []
    link.webhook()
    (now_known,) = link.get("coach", "/v1/employers", q="quartz").json()["items"]
    assert now_known["paye_scheme"] == "123/A246"


def test_lists_for_coach_and_claimant_carry_the_etag_of_the_item(link: Any) -> None:
    link.known_case()
    e = link.opened()
    lists = [("coach", "/v1/engagements"), ("claimant", "/v1/engagements"), ("claimant", "/v1/claimants/cl-1/engagements")]
    for role, path in lists:
        (item,) = link.get(role, path).json()["items"]
        single = link.get(role, f"/v1/engagements/{e}")
        assert item.pop("etag") == single.headers["etag"]
        assert item == single.json()
    assert link.get("coach", "/v1/engagements", state="closed").json()["items"] == []
    assert link.get("coach", "/v1/engagements", state="nonsense").status_code == 422
    assert link.get("coach", "/v1/engagements", colour="red").status_code == 422


def test_facts_from_other_services_close_engagements(link: Any) -> None:
    link.known_case()
    e = link.shared()
    ended = earnings.EmploymentEnded(
        claim_id="c-1", claimant_id="cl-1", employment_id="j-1", employer_id=link.employer_id, ended_on=date(2026, 5, 31)
    )
    link.hears(topics.EARNINGS_PAYMENT, ended, event_id="twice")
    link.hears(topics.EARNINGS_PAYMENT, ended, event_id="twice")
    assert [body["reason"] for kind, body in link.published() if kind == "EngagementClosed"] == ["job_ended"]
    assert set(link.employer_view(e).json()) & {"employee_name", "payroll_id"} == set()


def test_an_older_snapshot_changes_nothing(link: Any) -> None:
    link.known_case()
    link.snapshot(5, "cl-1", "cl-2")
    e = link.shared()
    link.snapshot(4)
    assert link.get("coach", f"/v1/engagements/{e}").json()["state"] == "shared"
    link.snapshot(6, "cl-2")
    assert link.published()[-1][1]["reason"] == "claim_closed"
    assert link.employer_view(e).status_code == 410


@pytest.mark.parametrize("whole_claim", [True, False])
def test_erasure_leaves_no_row_about_the_person(link: Any, whole_claim: bool) -> None:
    link.known_case()
    e = link.shared()
    if whole_claim:
        link.hears(topics.EARNINGS_CIRCUMSTANCES, earnings.ClaimErased(claim_id="c-1"))
    else:
        link.snapshot(2, "cl-2", kind=earnings.ClaimantErased, claimant_id="cl-1")
    assert link.names()[-2:] == ["ConsentExpired", "EngagementClosed"]
    assert link.employer_view(e).status_code == 410
    assert link.get("coach", f"/v1/engagements/{e}").status_code == 404
    for table in ("person", "consent", "engagement"):
        assert link.stored(table, "claimant_id = 'cl-1'") == "[]", table
    stored = msgspec.msgpack.decode(link.rows("SELECT state FROM document WHERE kind = 'claim'")[0][0])
    assert stored.pop("erased_people") == ([] if whole_claim else ["cl-1"])
    assert "cl-1" not in str(stored)
    late = earnings.EmploymentEnded(
        claim_id="c-1", claimant_id="cl-1", employment_id="j-1", employer_id=link.employer_id, ended_on=date(2026, 5, 31)
    )
    if whole_claim:
        link.hears(topics.EARNINGS_PAYMENT, late)
        assert "cl-1" not in str(link.rows("SELECT state FROM document WHERE kind = 'claim'"))


def test_broken_and_foreign_records_are_told_apart(link: Any) -> None:
    link.known_case()
    case = earnings.EmploymentEnded(
        claim_id="c-1", claimant_id="cl-1", employment_id="j-1", employer_id="e", ended_on=date(2026, 5, 31)
    )
    assert link.hears(topics.EARNINGS_PAYMENT, case, key="another-claim").bad == 1
    assert link.rows("SELECT reason FROM dead_letter") == [("key_mismatch",)]
    unknown = earnings.EarningsQueryResolved(claim_id="c-1", claimant_id="cl-1", query_id="q", resolution="r")
    assert link.hears(topics.EARNINGS_PAYMENT, unknown).bad == 0
