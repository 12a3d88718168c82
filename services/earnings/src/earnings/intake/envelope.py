"""The UC Full Service envelope: which record, which version, and the sealed document. Only used fields are checked."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from earnings.intake.checks import BadDocument, BadField, identifier, instant, mapping, read_json, text
from earnings.intake.data_keys import KeyName

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = ("MONGO_INSERT", "MONGO_UPDATE", "MONGO_DELETE")
_KEY_ID = re.compile(r"cloudhsm:\d+,\d+", re.ASCII)
_MEGABYTES = 1 << 23
_COUNTER_BYTES = 16

NATURAL_ID = {"db.core.claimant": "citizenId", "db.core.contract": "contractId", "db.core.statement": "statementId"}


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted document and the name of its key."""

    key: KeyName
    counter: bytes
    body: bytes

    def open(self, key: bytes) -> bytes:
        """AES/CTR without padding. It does not authenticate: a wrong key gives rubbish, not an error."""
        decryptor = Cipher(AES(key), CTR(self.counter)).decryptor()
        return decryptor.update(self.body) + decryptor.finalize()


@dataclass(frozen=True, slots=True)
class Envelope:
    """modified: order time if the envelope has one. sealed None: a delete, known by its id alone."""

    record_id: str
    modified: datetime | None
    sealed: Sealed | None


def natural_id(topic: str, value: object) -> str:
    """The record's id in any of upstream's encodings: an object with the natural id, a text, an integer."""
    if isinstance(value, dict):
        value = value.get(NATURAL_ID[topic])
    return identifier(value, "_id")


def peek_id(topic: str, value: bytes | None) -> str | None:
    """The record id if it can be read at all, for the ledger row of a record that is refused."""
    try:
        return natural_id(topic, mapping(read_json(value), "message").get("_id"))
    except (BadDocument, BadField):
        return None


def read(topic: str, value: bytes | None) -> Envelope:
    """Raises BadDocument (not JSON, unknown type) or BadField."""
    return opened(topic, read_json(value))


def opened(topic: str, outer: Mapping[str, Any]) -> Envelope:
    """The same, of JSON that was read already."""
    message = outer.get("message")
    if not isinstance(message, dict):
        raise BadField("message")
    kind = message.get("@type")
    if not isinstance(kind, str):
        raise BadField("@type")
    if kind not in _TYPES:
        raise BadDocument("unknown_type")
    record_id = natural_id(topic, message.get("_id"))
    if cast("Literal['MONGO_DELETE']", kind) == "MONGO_DELETE":
        moment = instant(outer.get("timestamp"), "timestamp")
        if moment is None:
            raise BadField("timestamp")
        return Envelope(record_id, moment, None)
    modified = instant(message.get("_lastModifiedDateTime"), "_lastModifiedDateTime")
    return Envelope(record_id, modified, _sealed(message))


def _sealed(message: dict[str, Any]) -> Sealed:
    encryption = message.get("encryption")
    if not isinstance(encryption, dict):
        raise BadField("encryption")
    key_id = text(encryption, "keyEncryptionKeyId")
    if not _KEY_ID.fullmatch(key_id):
        raise BadField("keyEncryptionKeyId")
    counter = _base64(encryption, "initialisationVector", 64)
    if len(counter) != _COUNTER_BYTES:
        raise BadField("initialisationVector")
    encrypted_key = text(encryption, "encryptedEncryptionKey", 4096)
    if not encrypted_key.isascii():
        raise BadField("encryptedEncryptionKey")
    return Sealed((key_id, encrypted_key), counter, _base64(message, "dbObject", _MEGABYTES))


def _base64(source: dict[str, Any], name: str, limit: int) -> bytes:
    try:
        return base64.b64decode(text(source, name, limit), validate=True)
    except (binascii.Error, ValueError):
        raise BadField(name) from None
