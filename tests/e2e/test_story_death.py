"""Dora dies before the meeting she was asked to. Nothing more is sent, and the case ends."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.foreign_feed import CLAIMANT
from tests.support.story import Story, eventually

from contracts import topics


def test_nothing_is_sent_after_a_death_is_known(story: Callable[..., Story]) -> None:
    dora = story()
    for months, pounds in ((4, 1100.0), (3, 1100.0), (2, 700.0)):
        dora.pay(dora.months_ago(months, 20), pounds, taxablePayToDate=pounds)
    dora.open_claim(dora.months_ago(4))
    case = eventually(lambda: next(iter(dora.worklist()), None), "a case on the worklist")

    dora.feed.ucfs(CLAIMANT, dora.house.people[0], dora.document(claimantDeathDetails={"dateOfDeath": 20261101}))
    dora.await_event(topics.EARNINGS_CIRCUMSTANCES, "ClaimantChanged")
    eventually(lambda: not dora.worklist() or None, "an empty worklist")

    path = f"/v1/cases/{case['case_id']}"
    contact = {"purpose": "progression", "contact_basis": "voluntary", "channel": "phone", "minutes": None, "language": None}
    assert dora.coach.act("referrals", f"{path}/contact", contact, on=path).status_code == 409
    assert [name for name, _ in dora.published(topics.NOTIFICATIONS_MESSAGE)] == []
    assert [name for name, _ in dora.published(topics.NOTIFICATIONS_APPOINTMENT)] == []
