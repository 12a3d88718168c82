"""A payroll clerk's mistake made Ben look worse off. The correction takes the flag back before anybody calls him."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.story import Story, eventually

from contracts import topics


def test_a_correction_before_contact_withdraws_the_flag_and_the_case(story: Callable[..., Story]) -> None:
    ben = story()
    for months, pounds in ((4, 1000.0), (3, 1060.0)):
        ben.pay(ben.months_ago(months, 20), pounds, taxablePayToDate=pounds)
    wrong = ben.pay(ben.months_ago(2, 20), 700.0, taxablePayToDate=700.0)
    ben.open_claim(ben.months_ago(4))
    case = eventually(lambda: next(iter(ben.worklist()), None), "a case on the worklist")
    flag = ben.await_event(topics.PROGRESSION_FLAG, "FlagRaised", rule_id="fell-below-aet")

    ben.pay(ben.months_ago(2, 20), 1130.0, taxablePayToDate=1130.0, latePayeReportingReason="H")

    withdrawn = ben.await_event(topics.PROGRESSION_FLAG, "FlagWithdrawn", flag_id=flag["flag_id"])
    assert withdrawn["why"]
    assert eventually(lambda: not ben.worklist() or None, "an empty worklist")
    closed = ben.coach.seen("referrals", f"/v1/cases/{case['case_id']}")
    assert (closed["state"], closed["outcome"]) == ("closed", "withdrawn")
    periods = ben.feed.get(f"/v1/claims/{ben.house.claim}/periods")["items"]
    corrected = next(
        period for period in periods if wrong["paymentDate"] >= period["start"] and wrong["paymentDate"] <= period["end"]
    )
    assert corrected["claimants"][0]["attributed_pence"] == 113_000
    assert [name for name, _ in ben.published(topics.NOTIFICATIONS_MESSAGE)] == [], "nobody was told anything"


def test_a_correction_after_contact_keeps_the_case_and_tells_the_coach(story: Callable[..., Story]) -> None:
    cat = story()
    for months, pounds in ((4, 1000.0), (3, 1060.0), (2, 700.0)):
        cat.pay(cat.months_ago(months, 20), pounds, taxablePayToDate=pounds)
    cat.open_claim(cat.months_ago(4))
    case = eventually(lambda: next(iter(cat.worklist()), None), "a case on the worklist")
    path = f"/v1/cases/{case['case_id']}"
    cat.coach.does("referrals", f"{path}/record-contact", {"channel": "phone", "outcome": "reached"}, on=path)
    cat.await_event(topics.PROGRESSION_CASE, "ContactRecorded")

    cat.pay(cat.months_ago(2, 20), 1130.0, taxablePayToDate=1130.0, latePayeReportingReason="H")

    cat.await_event(topics.PROGRESSION_CASE, "ReasonChanged")
    after = cat.coach.seen("referrals", path)
    assert after["state"] != "closed"
    assert after["unread"] is True
    assert after["explanation_due"] is True
    assert "FlagWithdrawn" not in [name for name, _ in cat.published(topics.PROGRESSION_FLAG)]
