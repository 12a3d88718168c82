"""One webhook message: what is sent, and what is done with the answer. Standard Webhooks, ids only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import httpcore
import msgspec
from standardwebhooks.webhooks import Webhook as Signer

from employer_link.model import Delivery
from employer_link.targets import BlockedTarget, GuardedBackend, TargetPolicy

Result = Literal["sent", "retry", "blocked", "gone"]

BACKOFF = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Waiting time after each failed attempt; when it is used up the message has failed. The feed still has the event."""


def body(delivery: Delivery) -> bytes:
    """What the employer gets: that something happened, to which engagement, and the event's id in the feed."""
    return msgspec.json.encode(
        {
            "type": delivery.type,
            "timestamp": delivery.at.isoformat(),
            "data": {"engagement_id": delivery.engagement_id, "event_id": delivery.event_id},
        }
    )


class Post:
    """Sends one signed message. Its connections pass the guard; redirects count as failures.

    timeout_s: for all of a message, from looking up the name to the head of the answer. No more of the answer is read.
    """

    def __init__(self, policy: TargetPolicy, timeout_s: float) -> None:
        self._policy = policy
        self._timeout = {"connect": timeout_s, "read": timeout_s, "write": timeout_s, "pool": timeout_s}
        self._pool = httpcore.ConnectionPool(
            network_backend=GuardedBackend(policy, timeout_s), max_connections=10, max_keepalive_connections=0, retries=0
        )

    def send(self, url: str, secret: bytes, delivery: Delivery, *, sent_at: datetime) -> tuple[Result, str]:
        """(what to do, a code for the record). The message id is the delivery's: the same on every attempt."""
        payload = body(delivery)
        headers = [
            ("content-type", "application/json"),
            ("user-agent", "in-work-progression-webhooks/1"),
            ("webhook-id", delivery.delivery_id),
            ("webhook-timestamp", str(int(sent_at.timestamp()))),
            ("webhook-signature", Signer(secret).sign(delivery.delivery_id, sent_at, payload.decode())),
        ]
        try:
            self._policy.check_url(url)
            # Each message has a connection of its own, which ends with it: what follows the head is never waited for.
            with self._pool.stream(
                "POST", url, headers=headers, content=payload, extensions={"timeout": self._timeout}
            ) as response:
                status = response.status
        except BlockedTarget:
            return "blocked", "blocked_target"
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            return "retry", type(error).__name__
        if 200 <= status < 300:
            return "sent", str(status)
        if status == 410:
            return "gone", "410"
        return "retry", str(status)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()
