"""People as analysts see them: a keyed hash that is the same in every export of this platform and leads nowhere else."""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any

from psycopg import Connection

from streaming.crypto import FieldCipher

_NAME = "pseudonym of claimants"


class Pseudonyms:
    """Names people from then on. The key is made once, kept encrypted, and outlives rotations of FIELD_KEY."""

    def __init__(self, conn: Connection[Any], cipher: FieldCipher) -> None:
        place = _NAME.encode()
        fresh = cipher.encrypt(os.urandom(32), place)
        conn.execute("INSERT INTO secret_key VALUES (%s, %s) ON CONFLICT DO NOTHING", (_NAME, fresh))
        [(sealed,)] = conn.execute("SELECT key FROM secret_key WHERE name = %s", (_NAME,)).fetchall()
        self._key = cipher.decrypt(bytes(sealed), place)

    def of(self, claimant_id: str) -> str:
        """32 hexadecimal digits."""
        return hmac.new(self._key, claimant_id.encode(), hashlib.sha256).hexdigest()[:32]
