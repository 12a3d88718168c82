"""What can be wrong with a record's envelope or body. Messages hold codes and field names, never values.

ContractError
├── EnvelopeError    a CloudEvents header is missing or broken
└── BodyError        the value is not the JSON that its type promises
"""

from __future__ import annotations


class ContractError(ValueError):
    """`reason` is a code for dead letters; `field` names the header or the JSON path, or None."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(reason if field is None else f"{reason}: {field}")
        self.reason = reason
        self.field = field


class EnvelopeError(ContractError):
    """reason: envelope_missing | envelope_invalid."""


class BodyError(ContractError):
    """reason: body_empty | body_malformed | body_invalid."""
