"""NINOs: checked by environment, then known only by a keyed hash of their first eight characters."""

from __future__ import annotations

import hashlib
import hmac
import re

_TEST = re.compile(r"QQ[0-9]{6}[A-D]?", re.ASCII)
_REAL = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z][0-9]{6}[A-D]?", re.ASCII)
HASHED_CHARACTERS = 8


class Pseudonyms:
    """Turns a NINO into the key of a person. key: secret bytes. production: real NINOs only; elsewhere only QQ ones."""

    def __init__(self, key: bytes, *, production: bool) -> None:
        self._key = key
        self._pattern = _REAL if production else _TEST

    def person(self, nino: str) -> str | None:
        """The person's key, or None when this is no NINO that may be used here. The suffix does not matter."""
        plain = "".join(nino.split()).upper()
        if self._pattern.fullmatch(plain) is None:
            return None
        return hmac.new(self._key, plain[:HASHED_CHARACTERS].encode(), hashlib.sha256).hexdigest()[:40]
