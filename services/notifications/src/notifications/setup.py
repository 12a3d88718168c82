"""What every act needs besides the unit of work: built once in `main` and passed down."""

from __future__ import annotations

from dataclasses import dataclass

from notifications.policy import Policy
from streaming.crypto import FieldCipher


@dataclass(frozen=True, slots=True)
class Setup:
    """policy: the figures in force. cipher: opens and seals contact details."""

    policy: Policy
    cipher: FieldCipher
