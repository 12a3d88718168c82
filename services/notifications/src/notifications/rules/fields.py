"""The values that fill a template, in each language. Times are London times, written so that no rule takes them for money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from contracts.vocabulary import PreferredLanguage
from notifications.model import Appointment
from notifications.rules.hours import LONDON
from notifications.rules.templates import Words, fill

USUAL_PURPOSE = "usual"


def date_text(moment: datetime, language: PreferredLanguage, words: Words) -> str:
    """`10 June 2026`, `10 Mehefin 2026`."""
    local = moment.astimezone(LONDON)
    return f"{local.day} {words.months[language][local.month - 1]} {local.year}"


def weekday_text(moment: datetime, language: PreferredLanguage, words: Words) -> str:
    """`Wednesday`, `Dydd Mercher`."""
    return words.weekdays[language][moment.astimezone(LONDON).weekday()]


def of_message(
    purpose: str, appointment: Appointment | None, office_name: str | None, words: Words
) -> Mapping[PreferredLanguage, Mapping[str, str]]:
    """All fields a template may use. office_name None: the office is not known by name."""
    return {language: _one(purpose, appointment, office_name, words, language) for language in ("en", "cy")}


def _one(
    purpose: str, appointment: Appointment | None, office_name: str | None, words: Words, language: PreferredLanguage
) -> Mapping[str, str]:
    fields = {f"label_{code}": texts[language] for code, texts in words.labels.items()}
    fields["purpose"] = words.purposes.get(purpose, words.purposes[USUAL_PURPOSE])[language]
    if appointment is not None:
        starts = appointment.starts_at
        office = office_name or words.office_unnamed[language]
        fields |= {
            "date": date_text(starts, language, words),
            "weekday": weekday_text(starts, language, words),
            "time": f"{starts.astimezone(LONDON):%H:%M}",
            "minutes": str(appointment.minutes),
            "place": fill(words.places[appointment.channel][language], {"office": office}),
            "answer_by": date_text(appointment.expires_at or starts, language, words),
        }
    return fields
