"""The data key service: makes data keys and unwraps them (AES key wrap, RFC 3394, under a master key)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import os

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from devstack.sandboxes.faults import Faults, Order

KEY_ID = "cloudhsm:1,2"
# Fixed, so that records published before a restart can still be read after it.
_MASTER = hashlib.sha256(b"in-work-progression development master key").digest()


def create(faults: Faults | None = None) -> FastAPI:
    """The application. Fault modes: `unavailable` (503), `bad_request` (400), `slow` (answers after `delay_s`)."""
    app = FastAPI(title="Data key service sandbox")
    orders = faults or Faults("unavailable", "bad_request", "slow")
    app.include_router(orders.router())
    counts = {"issued": 0, "decrypted": 0, "refused": 0, "failed": 0}

    @app.get("/datakey")
    async def issue(correlationId: str = "NOT_SET") -> Response:
        failure = await _fail(orders.take())
        if failure is not None:
            counts["failed"] += 1
            return failure
        counts["issued"] += 1
        plain = os.urandom(32)
        return JSONResponse(
            {
                "dataKeyEncryptionKeyId": KEY_ID,
                "plaintextDataKey": base64.b64encode(plain).decode(),
                "ciphertextDataKey": base64.b64encode(aes_key_wrap(_MASTER, plain)).decode(),
                "correlationId": correlationId,
            },
            status_code=201,
        )

    @app.post("/datakey/actions/decrypt")
    async def decrypt(request: Request, keyId: str, correlationId: str = "NOT_SET") -> Response:
        failure = await _fail(orders.take())
        if failure is not None:
            counts["failed"] += 1
            return failure
        plain = _unwrap(keyId, await request.body())
        if plain is None:
            counts["refused"] += 1
            return Response(status_code=400)
        counts["decrypted"] += 1
        return JSONResponse(
            {
                "dataKeyEncryptionKeyId": KEY_ID,
                "plaintextDataKey": base64.b64encode(plain).decode(),
                "correlationId": correlationId,
            }
        )

    @app.get("/sandbox/stats")
    async def stats() -> dict[str, int]:
        return counts

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "up"}

    return app


def _unwrap(key_id: str, body: bytes) -> bytes | None:
    """None if the key is garbled, was wrapped by another master key, or the key id is wrong."""
    try:
        return aes_key_unwrap(_MASTER, base64.b64decode(body, validate=True)) if key_id == KEY_ID else None
    except (InvalidUnwrap, binascii.Error, ValueError):
        return None


async def _fail(order: Order | None) -> Response | None:
    if order is None:
        return None
    if order.mode == "slow":
        await asyncio.sleep(order.delay_s)
        return None
    return Response(status_code=503 if order.mode == "unavailable" else 400)
