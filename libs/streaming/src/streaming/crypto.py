"""Encryption of single fields and stored records at rest (AES-256-GCM)."""

from __future__ import annotations

import base64
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class FieldCipher:
    """Encrypts with one or more keys: the first encrypts, all decrypt, so that a key can be rotated.

    keys: text `key[,older key…]`; each is base64 of 32 bytes.
    """

    def __init__(self, keys: str) -> None:
        self._ciphers: dict[bytes, AESGCM] = {}
        for text in keys.split(","):
            raw = base64.b64decode(text.strip(), validate=True)
            if len(raw) != 32:
                raise ValueError("FIELD_KEY must be base64 of 32 bytes; several, newest first, are separated by commas")
            self._ciphers.setdefault(hashlib.sha256(raw).digest()[:4], AESGCM(raw))
        self._current = next(iter(self._ciphers))

    def encrypt(self, plain: bytes, aad: bytes = b"") -> bytes:
        """key id (4) ‖ nonce (12) ‖ ciphertext and tag."""
        nonce = os.urandom(NONCE_BYTES)
        return self._current + nonce + self._ciphers[self._current].encrypt(nonce, plain, aad)

    def decrypt(self, sealed: bytes, aad: bytes = b"") -> bytes:
        """Raises ValueError when no key fits or the bytes were changed."""
        cipher = self._ciphers.get(sealed[:4])
        if cipher is None:
            raise ValueError("encrypted with a key that is not configured")
        try:
            return cipher.decrypt(sealed[4 : 4 + NONCE_BYTES], sealed[4 + NONCE_BYTES :], aad)
        except InvalidTag:
            raise ValueError("the encrypted value was changed or belongs elsewhere") from None


def new_key() -> str:
    """A fresh key in the form the settings take."""
    return base64.b64encode(os.urandom(32)).decode()


if __name__ == "__main__":
    print(new_key())
