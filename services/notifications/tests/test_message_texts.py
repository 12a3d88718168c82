"""The released texts keep the wording rules, in both languages and on every channel."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest
import yaml

from contracts.vocabulary import Language, MessageChannel
from notifications import policy, texts
from notifications.model import Appointment
from notifications.rules import fields
from notifications.rules.preferences import BadPreferences, address_lines, channel_for, weekly
from notifications.rules.templates import MissingField, Template, fill, languages, render
from notifications.rules.wording import judge
from notifications.texts import BadTemplate, read

SAMPLE = Appointment(
    appointment_id="a",
    case_id="case",
    claimant_id="p",
    coach_id="coach",
    office_id="office",
    starts_at=datetime(2026, 6, 10, 9, 30, tzinfo=UTC),
    minutes=40,
    channel="face_to_face",
    private_room=False,
    contact_basis="voluntary",
    purpose="progression",
    language=None,
    state="offered",
    offered_at=datetime(2026, 6, 1, tzinfo=UTC),
    expires_at=datetime(2026, 6, 8, tzinfo=UTC),
)
VALUES = fields.of_message("progression", SAMPLE, "Leeds Park Place Jobcentre", texts.words())
ALL = [
    pytest.param(template, language, channel, id=f"{template.template} {language} {channel}")
    for template in texts.templates().values()
    for language in get_args(Language)
    for channel in get_args(MessageChannel)
    if channel != "sms" or template.en.sms is not None
]


@pytest.mark.parametrize(("template", "language", "channel"), ALL)
def test_every_released_text_is_allowed(template: Template, language: Any, channel: Any) -> None:
    text = render(template, language, channel, VALUES)
    verdict = judge(
        policy.current().wording,
        basis=template.basis,
        channel=channel,
        text=f"{text.subject}\n{text.body}",
        items=text.items if template.basis == "mandatory" else None,
        figures_of_others=["690.00", "700.00", "1590.00"],
        languages=languages(language),
    )
    assert verdict.allowed, verdict
    assert "((" not in text.body
    assert (language == "en") == ("anogwr" not in text.body.lower() and "eich" not in text.body.lower())


@pytest.mark.parametrize(("template", "language", "channel"), ALL)
def test_a_text_message_fits_in_a_few_parts(template: Template, language: Any, channel: Any) -> None:
    if channel == "sms":
        assert len(render(template, language, channel, VALUES).body) <= 918


def test_a_missing_welsh_text_fails_the_check() -> None:
    good: dict[str, Any] = {
        "template": "t",
        "version": 1,
        "about": "other",
        "basis": "voluntary",
        "counts_as_contact": False,
        "en": {"read_by_speaker": True, "subject": "s", "body": "b"},
        "cy": {"read_by_speaker": False, "subject": "p", "body": "c"},
    }
    assert read("t.v1.yaml", yaml.safe_dump(good)).cy.body == "c"
    without = {name: value for name, value in good.items() if name != "cy"}
    empty = good | {"cy": good["cy"] | {"body": " "}}
    shorter = good | {"en": good["en"] | {"sms": "only English"}}
    for broken in (without, empty, shorter):
        with pytest.raises(BadTemplate):
            read("t.v1.yaml", yaml.safe_dump(broken))
    with pytest.raises(BadTemplate):
        read("other.v1.yaml", yaml.safe_dump(good))


def test_welsh_that_no_speaker_has_read_goes_out_with_the_english() -> None:
    template = texts.newest("appointment-offer")
    assert not template.cy.read_by_speaker
    assert [template.speakable(language) for language in ("en", "cy", "both")] == ["en", "both", "both"]


def test_values_are_never_interpreted_and_a_missing_one_is_an_error() -> None:
    assert fill("at ((office))", {"office": "((date)) House"}) == "at ( (date) ) House"
    with pytest.raises(MissingField):
        fill("at ((office))", {})


def test_times_are_london_times() -> None:
    assert (VALUES["en"]["time"], VALUES["en"]["weekday"], VALUES["en"]["date"]) == ("10:30", "Wednesday", "10 June 2026")
    assert (VALUES["cy"]["weekday"], VALUES["cy"]["date"]) == ("Dydd Mercher", "10 Mehefin 2026")


@pytest.mark.parametrize(
    ("sent", "lines"),
    [
        (None, ()),
        ("1 High Street\nLeeds\nLS1 1AA", ("1 High Street", "Leeds", "LS1 1AA")),
        ("1 High Street, Leeds , LS1 1AA", ("1 High Street", "Leeds", "LS1 1AA")),
        (["1 High Street", "", "LS1 1AA"], ("1 High Street", "LS1 1AA")),
        ({"postcode": "LS1 1AA", "line_1": "1 High Street", "city": None}, ("1 High Street", "LS1 1AA")),
    ],
)
def test_an_address_is_read_in_the_forms_it_comes_in(sent: Any, lines: tuple[str, ...]) -> None:
    assert address_lines(sent) == lines


@pytest.mark.parametrize("sent", [5, [1, 2], {"line_1": {}}])
def test_an_unreadable_address_is_named(sent: Any) -> None:
    with pytest.raises(BadPreferences, match="address"):
        address_lines(sent)


@pytest.mark.parametrize("sent", ["mornings", [{"days": ["mon"], "from": "9", "to": "10:00"}], [{"from": "09:00"}], 7])
def test_unreadable_hours_are_named(sent: Any) -> None:
    with pytest.raises(BadPreferences, match="quiet_hours"):
        weekly(sent, "quiet_hours")


def test_one_pair_of_hours_counts_for_every_day() -> None:
    (hours,) = weekly({"from": "21:00", "to": "08:00"}, "quiet_hours")
    assert len(hours.days) == 7


def test_nobody_is_reached_without_preferences() -> None:
    assert channel_for(None, None, texts.newest("coach-message")) is None
