"""One message of the feed, and the envelope of UCFS messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from world.documents import derived_id, order_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to publish on `day`.

    at: its own time (UTC), between 06:00 and 18:00 of the day it was made. value: the bytes to publish; for UCFS the
    envelope without `dbObject` and `encryption`, which sealing adds from `body` (the clear document).
    """

    day: date
    at: datetime
    topic: str
    key: bytes
    record_id: str
    value: bytes
    body: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


def envelope(
    topic: str, natural_id: dict[str, str], change: str, own_time: str | None, at: datetime, record_id: str
) -> dict[str, Any]:
    _, database, collection = topic.split(".")
    stamp = at.isoformat()
    return {
        "traceId": derived_id("trace", record_id, stamp),
        "unitOfWorkId": derived_id("unit", record_id, stamp),
        "@type": "V4",
        "message": {
            "@type": change,
            "_id": natural_id,
            "_lastModifiedDateTime": own_time,
            "collection": collection,
            "db": database,
        },
        "version": "core-4.release_152.16",
        "timestamp": order_time(at),
    }
