"""Records kept for an operator (dead letters, parked items): whole, encrypted, bound to where they came from."""

from __future__ import annotations

import msgspec

from streaming.crypto import FieldCipher
from streaming.records import Record


def _place(topic: str, partition: int, offset: int) -> bytes:
    return f"{topic}/{partition}/{offset}".encode()


def seal(cipher: FieldCipher, record: Record) -> bytes:
    """The record's bytes, encrypted; position is authenticated with them."""
    plain = msgspec.msgpack.encode((record.timestamp_ms, record.key, record.value, record.headers))
    return cipher.encrypt(plain, _place(record.topic, record.partition, record.offset))


def unseal(cipher: FieldCipher, topic: str, partition: int, offset: int, sealed: bytes) -> Record:
    """The record, byte for byte as it was consumed. Raises ValueError if the row was changed."""
    plain = cipher.decrypt(sealed, _place(topic, partition, offset))
    timestamp_ms, key, value, headers = msgspec.msgpack.decode(plain)
    return Record(topic, partition, offset, timestamp_ms, key, value, tuple((name, content) for name, content in headers))
