"""Rules that run by the calendar, where a deployment has switched them on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from referrals_facts import assessed, claim, earned, months, person
from referrals_memory import Referrals

from contracts.earnings import ClaimOpened, Easement
from contracts.notifications import AppointmentAttended, MessageRequested, MessageSent
from referrals import main
from referrals.policy_files import book_of, build, read_files

FILES = read_files()
ON = build({**FILES, "active": FILES["active"] + "- progression-appointment-due\n- no-contact-since\n"})
SETUP = replace(main.setup(), policy=ON.policy, book=book_of(ON))
SPANS = months(date(2026, 4, 8), 9)
CLOSED = SPANS[0][1] + timedelta(days=1)
"""The day the first period in work closed."""


def play(amount: int, periods: int, **changes: object) -> Referrals:
    """The same pay, period after period, told at each close; then days up to the next close."""
    made = Referrals(SPANS[0][0], SETUP)
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1", **changes))))
    for span in SPANS[:periods]:
        made.go_to(span[1] + timedelta(days=1))
        made.tell(assessed("C", span, earned("P1", amount)))
    made.go_to(SPANS[periods][1])
    return made


def raised(made: Referrals, rule: str) -> list[date]:
    flags = made.doc("C").person("P1").flags.values()
    return sorted(flag.raised_on for flag in flags if flag.rule_id == rule and flag.raised_on and flag.state != "withdrawn")


def kept(made: Referrals) -> None:
    made.tell(AppointmentAttended(appointment_id=f"a-{made.now}", case_id="none", claim_id="C", claimant_id="P1"))


def contacted(made: Referrals) -> None:
    ids = {"message_id": f"m-{made.now}", "case_id": "none", "claim_id": "C", "claimant_id": "P1"}
    how = {"template": "coach-message", "template_version": 1, "language": "en", "party": "claimant", "channel": "email"}
    made.tell(MessageRequested(**ids, **how, regarding=f"r-{made.now}"), MessageSent(**ids, provider_reference="r"))  # type: ignore[arg-type]


def test_an_appointment_is_proposed_eight_weeks_after_the_first_period_in_work_and_shown_at_once() -> None:
    made = play(84_000, 3)
    assert raised(made, "progression-appointment-due") == [CLOSED + timedelta(days=56)]
    [case] = made.cases("C", "P1")
    assert case.shown_on == CLOSED + timedelta(days=56)
    assert raised(play(84_000, 6), "progression-appointment-due") == [CLOSED + timedelta(days=56)], "once, until one is kept"


def test_a_kept_appointment_begins_the_eight_weeks_again() -> None:
    made = play(84_000, 2)
    kept(made)
    on = made.now.date()
    for n, span in enumerate(SPANS[2:6], 2):
        made.go_to(span[1] + timedelta(days=1))
        made.tell(assessed("C", span, earned("P1", 84_000 + n)))
    made.go_to(SPANS[6][1])
    assert raised(made, "progression-appointment-due")[-1] == on + timedelta(days=56)


def test_at_light_touch_an_optional_message_is_suggested_after_ninety_days_without_contact() -> None:
    quiet = play(150_000, 4)
    assert raised(quiet, "progression-appointment-due") == []
    assert raised(quiet, "no-contact-since") == [SPANS[3][1] + timedelta(days=7)], "stagnation ranks before it in its period"
    growing = Referrals(SPANS[0][0], SETUP)
    growing.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1"))))
    for n, span in enumerate(SPANS[:5]):
        growing.go_to(span[1] + timedelta(days=1))
        growing.tell(assessed("C", span, earned("P1", 100_000 + 12_000 * n)))
    assert raised(growing, "no-contact-since") == [CLOSED + timedelta(days=90)]
    [flag] = [flag for flag in growing.doc("C").person("P1").flags.values() if flag.rule_id == "no-contact-since"]
    assert flag.contact_basis == "voluntary"


def test_a_contact_makes_it_wait_another_ninety_days() -> None:
    made = Referrals(SPANS[0][0], SETUP)
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1"))))
    on = None
    for n, span in enumerate(SPANS[:7]):
        made.go_to(span[1] + timedelta(days=1))
        made.tell(assessed("C", span, earned("P1", 100_000 + 12_000 * n)))
        if n == 1:
            contacted(made)
            on = made.now.date()
    assert on is not None
    assert raised(made, "no-contact-since") == [on + timedelta(days=90)]


def test_an_easement_stops_it_and_the_next_period_asks_again() -> None:
    eased = Easement(from_=date(2026, 6, 1), no_contact_until=date(2026, 8, 1), voluntary_only=False)
    made = play(84_000, 4, easements=(eased,))
    assert raised(made, "progression-appointment-due") == [SPANS[3][1] + timedelta(days=7)]


def test_a_contact_after_it_does_not_make_it_untrue() -> None:
    made = play(84_000, 3)
    [case] = made.cases("C", "P1")
    ids = {"message_id": "m", "case_id": case.case_id, "claim_id": "C", "claimant_id": "P1"}
    how = {"template": "coach-message", "template_version": 1, "language": "en", "party": "claimant", "channel": "email"}
    made.tell(MessageRequested(**ids, **how, regarding="r"), MessageSent(**ids, provider_reference="r"))  # type: ignore[arg-type]
    made.tell(assessed("C", SPANS[1], earned("P1", 84_100), version=2))
    assert "ReasonChanged" not in made.types()
    assert "FlagWithdrawn" not in made.types()
