"""Encrypts UCFS bodies as upstream does: AES-CTR, data keys from the Data Key Service's HTTP API."""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from uuid import UUID

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from world.messages import Message

ATTEMPTS: Final = 5


class DataKeyServiceUnavailable(RuntimeError):
    """The service did not hand out a data key; nothing was published with the message at hand."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A plain data key with what a reader needs to get it back."""

    key_id: str
    plain: bytes
    encrypted: str


class DataKeys:
    """Data keys of `GET /datakey`, each used for `uses` messages. Use as a context manager."""

    def __init__(self, base_url: str, *, uses: int = 200, transport: httpx.BaseTransport | None = None) -> None:
        retries = transport or httpx.HTTPTransport(retries=ATTEMPTS)
        self._client = httpx.Client(base_url=base_url, timeout=10, transport=retries)
        self._uses = uses
        self._left = 0
        self._key: DataKey | None = None

    def current(self) -> DataKey:
        """The key for the next message."""
        if self._key is None or self._left == 0:
            self._key, self._left = self._fetch(), self._uses
        self._left -= 1
        return self._key

    def _fetch(self) -> DataKey:
        correlation = str(UUID(bytes=os.urandom(16), version=4))
        for _ in range(ATTEMPTS):
            response = self._client.get("/datakey", params={"correlationId": correlation})
            if response.status_code == httpx.codes.CREATED:
                body = response.json()
                return DataKey(body["dataKeyEncryptionKeyId"], b64decode(body["plaintextDataKey"]), body["ciphertextDataKey"])
        raise DataKeyServiceUnavailable(f"GET /datakey answered {response.status_code}; is the service at this address up?")

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def crypt(key: bytes, vector: bytes, data: bytes) -> bytes:
    """AES/CTR/NoPadding; the same both ways. key: 16 or 32 bytes; vector: the 16 bytes of the initial counter."""
    context = Cipher(algorithms.AES(key), modes.CTR(vector)).encryptor()
    return context.update(data) + context.finalize()


def seal(message: Message, keys: DataKeys) -> bytes:
    """The value to publish: the message as it is, or the envelope with its body encrypted under a fresh vector."""
    if message.body is None:
        return message.value
    key, vector = keys.current(), os.urandom(16)
    envelope = json.loads(message.value)
    envelope["message"]["dbObject"] = b64encode(crypt(key.plain, vector, message.body)).decode()
    envelope["message"]["encryption"] = {
        "keyEncryptionKeyId": key.key_id,
        "initialisationVector": b64encode(vector).decode(),
        "encryptedEncryptionKey": key.encrypted,
    }
    return json.dumps(envelope, ensure_ascii=False, separators=(",", ":")).encode()
