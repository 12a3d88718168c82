"""The examples of contact preferences that upstream teams are shown are read and refused as it says there."""

from __future__ import annotations

import msgspec
import pytest

from contracts import envelope
from contracts.errors import BodyError
from contracts.feed import PREFERENCES, Example
from notifications.rules.preferences import BadPreferences, details_of


@pytest.mark.parametrize("example", PREFERENCES.examples, ids=lambda example: example.name)
def test_an_example_is_read_or_refused_as_described(example: Example) -> None:
    assert _reason(msgspec.json.encode(example.payload)) == example.reason


def _reason(value: bytes) -> str | None:
    try:
        details_of(envelope.decode(PREFERENCES.name, value, topic=PREFERENCES.name))  # type: ignore[arg-type]
    except BodyError as error:
        return f"{error.reason}:{error.field}"
    except BadPreferences as bad:
        return f"body_invalid:{bad.field}"
    return None
