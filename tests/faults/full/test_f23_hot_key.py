"""F23: nearly a third of all messages is about one person."""

from __future__ import annotations

import json

from tests.faults.full.run import Run
from tests.faults.sending import Outbound

from contracts import topics

SHARE = 0.3
FIRST_ID = 7_900_000_000


def test_f23_a_third_of_the_messages_is_about_one_person(run: Run) -> None:
    theatre = run.theatre
    past = [message for day in theatre.past_days()[-40:] for message in theatre.day(day)]
    payment = next(
        message for message in past if message.topic == topics.RTI_PAYMENT and message.value and b"taxable" in message.value
    )
    whole = json.loads(payment.value or b"")
    number = int(len(past) / 40 * 14 * SHARE / (1 - SHARE))
    hot = [
        Outbound(
            payment.topic,
            payment.key,
            json.dumps({**whole, "uniquePaymentId": str(FIRST_ID + n)}).encode(),
            payment.headers,
            str(n),
        )
        for n in range(number)
    ]

    def mixed(messages: list[Outbound]) -> list[Outbound]:
        rest = messages[len(hot) :]
        for one in hot:
            rest.insert(theatre.random.randint(0, len(rest)), one)
        return rest

    leg = run.play(late=hot, arrange=mixed, days=14)
    run.cell.faults.append(f"{len(hot)} of {len(leg.plan)} messages about one person")
    run.verify()
