"""Templates and what becomes of them: `((field))` is replaced by a value, nothing else is interpreted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from contracts.vocabulary import AppointmentChannel, ContactBasis, Language, MessageChannel, PreferredLanguage

About = Literal["offer", "notice", "booking", "cancellation", "other"]
Both = dict[PreferredLanguage, str]
_FIELD = re.compile(r"\(\((\w+)\)\)")


class Text(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One language of a template. items: the eight statements of a mandatory notice. sms None: not fit for one."""

    read_by_speaker: bool
    subject: str
    body: str
    sms: str | None = None
    items: dict[str, str] = {}


class Template(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A released text never changes: a new wording is a new version. Both languages are always there."""

    template: str
    version: int
    about: About
    basis: ContactBasis
    counts_as_contact: bool
    en: Text
    cy: Text

    def text(self, language: PreferredLanguage) -> Text:
        """The text in one language."""
        return self.en if language == "en" else self.cy

    def speakable(self, language: Language) -> Language:
        """Welsh that no speaker has read yet goes out together with the English, never alone."""
        return "both" if language == "cy" and not self.cy.read_by_speaker else language


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Month and weekday names from January and Monday on; phrases by code. Every entry has both languages."""

    months: dict[PreferredLanguage, list[str]]
    weekdays: dict[PreferredLanguage, list[str]]
    places: dict[AppointmentChannel, Both]
    office_unnamed: Both
    purposes: dict[str, Both]
    labels: dict[str, Both]


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """What is handed to the provider. items: the statements of a mandatory notice, for its check."""

    subject: str
    body: str
    items: dict[str, str]


class MissingField(Exception):
    """The template names a field that has no value. A bug in the template or its caller."""


def languages(language: Language) -> tuple[PreferredLanguage, ...]:
    """The languages that a text in `language` is made of, Welsh first."""
    return ("cy", "en") if language == "both" else (language,)


def fill(text: str, fields: Mapping[str, str]) -> str:
    """Replace the fields. A value is never interpreted: brackets in it are taken apart. Raises MissingField."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in fields:
            raise MissingField(match[1])
        return fields[match[1]].replace("((", "( (").replace("))", ") )")

    return _FIELD.sub(value, text)


def render(
    template: Template, language: Language, channel: MessageChannel, fields: Mapping[PreferredLanguage, Mapping[str, str]]
) -> Rendered:
    """The text for a channel. Raises MissingField; ValueError for a channel the template has no text for."""
    subjects: list[str] = []
    bodies: list[str] = []
    items: dict[str, str] = {}
    for each in languages(language):
        text, values = template.text(each), fields[each]
        subjects.append(fill(text.subject, values))
        if channel == "sms":
            if text.sms is None:
                raise ValueError(f"{template.template} is not for text messages")
            bodies.append(fill(text.sms, values))
            continue
        stated = {name: fill(item, values) for name, item in text.items.items()}
        items = stated if not items else {name: stated[name] and items[name] for name in items}
        lines = [fill(text.body, values).strip(), *(f"{values[f'label_{name}']}: {item}" for name, item in stated.items())]
        bodies.append("\n\n".join(line for line in lines if line))
    between = "\n\n" if channel == "sms" else "\n\n---\n\n"
    return Rendered(subject=" / ".join(subjects), body=between.join(bodies), items=items)
