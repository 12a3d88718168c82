"""F14: messages of 0.9, 1.0 and 1.1 times what the topic takes."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.faults.full.run import Run
from tests.faults.sending import Outbound

from contracts import topics

LIMIT = topics.TOPICS[topics.RTI_PAYMENT].max_message_bytes
"""The topic's `max.message.bytes`: a batch with its header."""
AROUND = 200
"""More than header, key and field overhead of a batch of one."""


def test_f14_messages_near_the_broker_s_limit_are_applied_and_larger_ones_refused(run: Run) -> None:
    def padded(messages: list[Outbound]) -> list[Outbound]:
        payments = [message for message in messages if message.topic == topics.RTI_PAYMENT and _is_object(message)]
        sizes = {payments[0]: int(LIMIT * 0.9), payments[1]: LIMIT - AROUND}
        run.cell.faults += [f"a message of {size} bytes" for size in sizes.values()]
        return [_padded(message, sizes[message]) if message in sizes else message for message in messages]

    leg = run.play(arrange=padded, days=7)
    meant = next(message for message, _ in leg.plan if message.topic == topics.RTI_PAYMENT and _is_object(message))
    assert run.theatre.feeder.refused(_padded(meant, int(LIMIT * 1.1))), "the broker takes what is too large"
    run.cell.faults.append("a message of 1.1 times the limit, refused by the broker")
    run.verify()


def _is_object(message: Outbound) -> bool:
    try:
        return isinstance(json.loads(message.value or b""), dict)
    except ValueError:
        return False


def _padded(message: Outbound, size: int) -> Outbound:
    whole = json.loads(message.value or b"")
    missing = size - len(json.dumps({**whole, "padding": ""}).encode())
    return replace(message, value=json.dumps({**whole, "padding": "x" * missing}).encode(), stands_for=message)
