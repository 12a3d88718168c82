"""What a text to a claimant may not say (rules N1, N2, N3, N8)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

import msgspec

from contracts.vocabulary import ContactBasis

TextChannel = Literal["letter", "email", "sms", "journal"]

_POUND_SIGN = "£"
_NUMBER = re.compile(r"(?<![\d.,])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\d]|,\d{3}|\.\d)")
_WITH_PENCE = re.compile(r"(?<![\d.])\d[\d,]*\.\d{2}(?!\d|\.\d)")


class WordingRules(msgspec.Struct, frozen=True, kw_only=True):
    """words: per language, those a voluntary text never uses. items: what a mandatory notice states."""

    words: Mapping[str, tuple[str, ...]]
    items: tuple[str, ...]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Everything wrong with a text; nothing wrong = allowed. figures: as given in `figures_of_others`."""

    words: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    sms: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the text may be sent."""
        return not (self.words or self.missing or self.figures or self.sms)


def threatening_words(text: str, words: Sequence[str]) -> tuple[str, ...]:
    """N1: the forbidden words found, as whole words in any case, in the order of the list."""
    return tuple(word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE))


def missing_items(items: Mapping[str, str], wanted: Sequence[str]) -> tuple[str, ...]:
    """N2: the statements that are absent or empty, in the order of the list."""
    return tuple(item for item in wanted if not items.get(item, "").strip())


def has_amount(text: str) -> bool:
    """N3: a pound sign, or an amount with pence."""
    return _POUND_SIGN in text or _WITH_PENCE.search(text) is not None


def figures_found(text: str, figures: Sequence[str]) -> tuple[str, ...]:
    """N8: the other partner's figures that the text contains, as numbers: pound signs, commas and `.00` do not hide them."""
    numbers = {Decimal(match.group().replace(",", "")) for match in _NUMBER.finditer(text)}
    return tuple(figure for figure in figures if abs(Decimal(figure)) in numbers)


def judge(
    rules: WordingRules,
    *,
    basis: ContactBasis,
    channel: TextChannel,
    text: str,
    items: Mapping[str, str] | None,
    figures_of_others: Sequence[str] = (),
    languages: Sequence[str] = ("en",),
) -> Verdict:
    """Everything wrong with a text. items: the statements of a mandatory notice; their texts are judged like the text."""
    whole = "\n".join([text, *(items or {}).values()])
    words = tuple(dict.fromkeys(word for language in languages for word in threatening_words(whole, rules.words[language])))
    return Verdict(
        words=words if basis == "voluntary" else (),
        missing=missing_items(items or {}, rules.items) if basis == "mandatory" else (),
        figures=figures_found(whole, figures_of_others),
        sms=("amount",) if channel == "sms" and has_amount(whole) else (),
    )
