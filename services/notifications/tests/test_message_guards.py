"""What stops a message at the moment of sending, and in which order it is named."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.earnings import Claim, ClaimClaimant, Easement
from contracts.reference import WeeklyHours
from contracts.vocabulary import Weekday
from notifications import texts
from notifications.model import Appointment, Case, ClaimDoc, Contact, Dispute, Message
from notifications.rules.sending import BurdenCap, Go, Stop, Wait, judge, polite_time

NOW = datetime(2026, 8, 25, 9, tzinfo=UTC)
CAP = BurdenCap(contacts=2, days=30)


def person(**changes: Any) -> ClaimClaimant:
    return replace(ClaimClaimant(claimant_id="p", self_employed=False, dead=False, nino_known=True), **changes)


def claim(status: Any = "open", **changes: Any) -> Claim:
    return Claim(
        claim_id="c",
        version=1,
        status=status,
        couple=False,
        entitlement_date=date(2026, 1, 1),
        payment_day=1,
        claimants=(person(**changes),),
    )


def doc(**changes: Any) -> ClaimDoc:
    case = Case(case_id="case", claimant_id="p", coach_id=None, office_id=None)
    return replace(ClaimDoc(claim_id="c", snapshot=claim(), cases={"case": case}), **changes)


def message(template: str = "coach-message", **changes: Any) -> Message:
    made = Message(
        message_id="m",
        case_id="case",
        claimant_id="p",
        party="claimant",
        template=template,
        template_version=1,
        language="en",
        channel="email",
        purpose="usual",
        regarding="case",
        seat=0,
        state="requested",
        requested_at=NOW,
        due_at=NOW,
    )
    return replace(made, **changes)


def ruling(known: ClaimDoc, asked: Message | None = None) -> Any:
    asked = asked or message()
    return judge(known, asked, texts.templates()[asked.template, 1], NOW, CAP)


def ended(how: str) -> dict[str, Case]:
    return {"case": Case(case_id="case", claimant_id="p", coach_id=None, office_id=None, ended=how)}


def contacts(*days_ago: int) -> tuple[Contact, ...]:
    return tuple(Contact(claimant_id="p", at=NOW - timedelta(days=days)) for days in days_ago)


NO_CONTACT = Easement(from_=date(2026, 8, 1), no_contact_until=date(2026, 9, 1), voluntary_only=False)
VOLUNTARY = Easement(from_=date(2026, 8, 1), until=date(2026, 8, 25), voluntary_only=True)


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({"erased": True, "snapshot": None}, "erased"),
        ({"erased_claimants": ("p",)}, "erased"),
        ({"snapshot": None}, "not_on_claim"),
        ({"snapshot": replace(claim(), claimants=())}, "not_on_claim"),
        ({"snapshot": claim(dead=True)}, "died"),
        ({"snapshot": claim("closed")}, "claim_closed"),
        ({"snapshot": claim("suspended")}, "claim_suspended"),
        ({"cases": ended("withdrawn")}, "case_withdrawn"),
        ({"cases": ended("closed")}, "case_closed"),
        ({"snapshot": claim(easements=(NO_CONTACT,))}, "easement"),
        ({"disputes": (Dispute(claimant_id="p", period_id=None),)}, "dispute"),
        ({"contacts": contacts(0, 29)}, "burden_cap"),
        ({"snapshot": claim("closed", dead=True), "cases": ended("closed"), "contacts": contacts(1, 2)}, "died"),
        ({"snapshot": claim(easements=(NO_CONTACT,)), "contacts": contacts(1, 2)}, "easement"),
    ],
)
def test_the_first_reason_to_stop_is_named(known: dict[str, Any], why: str) -> None:
    assert ruling(doc(**known)) == Stop(why)


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"contacts": contacts(1, 30)},
        {"contacts": (*contacts(1), Contact(claimant_id="partner", at=NOW))},
        {"disputes": (Dispute(claimant_id="partner", period_id=None),)},
        {"snapshot": claim(easements=(VOLUNTARY,))},
        {"snapshot": claim(easements=(replace(NO_CONTACT, no_contact_until=date(2026, 8, 25)),))},
    ],
)
def test_otherwise_it_goes(known: dict[str, Any]) -> None:
    assert ruling(doc(**known)) == Go()


def test_answers_are_not_contacts_but_wait_for_the_end_of_an_easement() -> None:
    answer = message("consent-recorded")
    busy = doc(contacts=contacts(1, 2), disputes=(Dispute(claimant_id="p", period_id=None),))
    assert ruling(busy, answer) == Go()
    waits = ruling(doc(snapshot=claim(easements=(NO_CONTACT,))), answer)
    assert isinstance(waits, Wait)
    assert waits.until == datetime(2026, 9, 1, 8, tzinfo=UTC)


def test_a_mandatory_notice_is_stopped_by_a_voluntary_only_easement_up_to_its_last_day() -> None:
    notice = message("appointment-notice")
    assert ruling(doc(snapshot=claim(easements=(VOLUNTARY,))), notice) == Stop("easement")
    over = replace(VOLUNTARY, until=date(2026, 8, 24))
    assert ruling(doc(snapshot=claim(easements=(over,))), notice) == Go()


@pytest.mark.parametrize(
    ("template", "state", "seat", "result"),
    [
        ("appointment-offer", "offered", 0, Go()),
        ("appointment-offer", "declined", 0, Stop("appointment_declined")),
        ("appointment-offer", "booked", 0, Stop("appointment_booked")),
        ("appointment-offer", "offered", 1, Stop("appointment_moved")),
        ("appointment-booked", "booked", 0, Go()),
        ("appointment-booked", "cancelled", 0, Stop("appointment_cancelled")),
        ("appointment-notice", "booked", 0, Go()),
        ("appointment-cancelled", "cancelled", 0, Go()),
    ],
)
def test_a_message_about_an_appointment_goes_only_while_it_is_true(template: str, state: Any, seat: int, result: Any) -> None:
    about = Appointment(
        appointment_id="a",
        case_id="case",
        claimant_id="p",
        coach_id="k",
        office_id=None,
        starts_at=NOW + timedelta(days=3),
        minutes=40,
        channel="phone",
        private_room=False,
        contact_basis="voluntary",
        purpose="usual",
        language=None,
        state=state,
        offered_at=NOW,
        expires_at=None,
        seat=seat,
    )
    assert ruling(doc(appointments={"a": about}), message(template, regarding="a")) == result


@pytest.mark.parametrize(
    ("known", "result"),
    [
        ({"cases": ended("closed")}, Go()),
        ({"snapshot": replace(claim(), claimants=())}, Go()),
        ({"snapshot": claim("closed")}, Go()),
        ({"snapshot": claim("suspended")}, Go()),
        ({"snapshot": claim("closed", dead=True)}, Stop("died")),
        ({"erased_claimants": ("p",)}, Stop("erased")),
        ({"snapshot": None, "erased": True}, Stop("erased")),
    ],
)
def test_only_death_and_erasure_stop_the_word_that_an_appointment_is_cancelled(known: dict[str, Any], result: Any) -> None:
    assert ruling(doc(**known), message("appointment-cancelled")) == result


EVERY_DAY: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NIGHT = (WeeklyHours(days=EVERY_DAY, from_="21:00", to="08:00"),)
SHIFT = (WeeklyHours(days=("tue",), from_="08:00", to="16:00"),)


@pytest.mark.parametrize(
    ("moment", "quiet", "working", "sent"),
    [
        (NOW, (), (), NOW),
        (NOW.replace(hour=21), NIGHT, (), datetime(2026, 8, 26, 7, tzinfo=UTC)),
        (NOW.replace(hour=3), NIGHT, SHIFT, NOW.replace(hour=15)),
        (NOW, (), SHIFT, NOW.replace(hour=15)),
        (NOW, (WeeklyHours(days=EVERY_DAY, from_="00:00", to="24:00"),), (), NOW),
    ],
)
def test_quiet_and_working_hours_are_kept_free(moment: datetime, quiet: Any, working: Any, sent: datetime) -> None:
    assert polite_time(moment, quiet, working) == sent
