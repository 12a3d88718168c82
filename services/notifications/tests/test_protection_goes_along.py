"""A claimant goes to another claim: what protects them there is what protected them before."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from tests.support.memory_platform import MemoryService

from contracts.earnings import Claim, ClaimantMoved
from contracts.upstream import ContactPreferences
from notifications import policy, timers
from notifications.acts import moving, people
from notifications.consumers.handle import handle
from notifications.consumers.prepare import prepare
from notifications.main import CONSUMED, KINDS
from notifications.model import ClaimDoc, Contact, Dispute
from notifications.setup import Setup
from streaming.crypto import FieldCipher
from streaming.records import Cause
from streaming.spec import Spec

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
SETUP = Setup(policy=policy.current(), cipher=FieldCipher("A" * 43 + "="))


def preferences(claim_id: str, version: int, claimant_id: str = "p") -> Any:
    reach: dict[str, Any] = {"channels_allowed": ("email",), "email": f"{version}@example.test", "language": "en"}
    return people.seal(
        SETUP, claim_id, ContactPreferences(claimant_id=claimant_id, version=version, from_=date(2026, 1, 1), **reach)
    )


def moved(source: ClaimDoc, target: ClaimDoc | None, times: int = 1) -> tuple[ClaimDoc, ClaimDoc]:
    service = MemoryService(
        Spec("notifications", KINDS, dict.fromkeys(CONSUMED, prepare), partial(handle, SETUP), partial(timers.fire, SETUP))
    )
    service.docs[("claim", "c")] = source
    if target is not None:
        service.docs[("claim", "d")] = target
    days: dict[str, Any] = {"entitlement_date": date(2026, 1, 1), "payment_day": 7, "couple": False}
    event = ClaimantMoved(
        claim_id="d", claim=Claim(claim_id="d", version=1, status="open", claimants=(), **days),
        claimant_id="p", from_claim_id="c", to_claim_id="d",
    )  # fmt: skip
    for n in range(times):
        work = service.work(Cause(f"move-{n}", "t"), NOW)
        moving.take_along(work, SETUP, event)
        service.keep(work.effects)
    return service.docs[("claim", "c")], service.docs.get(("claim", "d"), ClaimDoc(claim_id="d"))


def test_preferences_contacts_and_disputes_go_along_once_and_the_partners_stay() -> None:
    mine, other = (Contact(claimant_id=who, at=NOW) for who in ("p", "q"))
    contested, partners = (Dispute(claimant_id=who, period_id="x") for who in ("p", "q"))
    known = ClaimDoc(
        claim_id="c",
        preferences=(preferences("c", 1), preferences("c", 1, "q")),
        contacts=(mine, other),
        disputes=(contested, partners),
    )
    source, target = moved(known, None, times=2)
    [brought] = target.preferences
    details = people.details(SETUP, "d", brought)
    assert details is not None
    assert (brought.claimant_id, details.email) == ("p", "1@example.test")
    assert (target.contacts, target.disputes) == ((mine,), (contested,))
    assert (source.disputes, len(source.preferences)) == ((partners,), 2)


def test_what_is_known_under_the_new_claim_is_not_replaced_by_what_is_older() -> None:
    source = ClaimDoc(claim_id="c", preferences=(preferences("c", 2),))
    _, target = moved(source, ClaimDoc(claim_id="d", preferences=(preferences("d", 3),)))
    assert [item.version for item in target.preferences] == [3]


def test_nothing_is_brought_of_somebody_who_was_erased() -> None:
    source = ClaimDoc(claim_id="c", preferences=(preferences("c", 2),))
    _, target = moved(source, ClaimDoc(claim_id="d", erased_claimants=("p",)))
    assert target.preferences == ()
