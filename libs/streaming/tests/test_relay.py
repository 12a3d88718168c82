"""The relay publishes every event in its key's order; crashes repeat events with the same ids and never bring old ones back."""

from __future__ import annotations

import signal
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec
import psycopg
import pytest
from confluent_kafka import KafkaError, Message
from rig import Rig, until

from contracts import envelope
from streaming.liveness import Liveness
from streaming.relay import Relay


def fill_outbox(rig: Rig, records: int = 4000, keys: int = 20) -> int:
    """Consume so many records that each key has events to publish; how many."""
    if not rig.topics:
        rig.consumes(a=4)
    start = sum(tally.count for tally in rig.expected.values())
    rig.produce(rig.topics[0], [(f"k{n % keys}", n) for n in range(start, start + records)])
    worker = rig.start()
    rig.wait_consumed()
    assert worker.stop() == 0
    return sum(map(len, rig.expected_events().values()))


def sequences(messages: list[Message]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for message in messages:
        found[(message.key() or b"").decode()].append(msgspec.json.decode(message.value() or b"")["count"])
    return dict(found)


def identity(message: Message) -> str:
    return envelope.parse([(name, bytes(value or b"")) for name, value in message.headers() or []]).id  # type: ignore[str-unpack]


def test_every_event_is_published_once_in_its_keys_order(rig: Rig) -> None:
    wanted = fill_outbox(rig)
    relay = rig.start("relay")
    messages = rig.published(wanted)
    assert sequences(messages) == rig.expected_events()
    assert rig.rows("SELECT count(*) FROM outbox") == [(0,)]
    one = envelope.parse([(name, bytes(value or b"")) for name, value in messages[0].headers() or []])  # type: ignore[str-unpack]
    assert (one.type, one.source, one.partition_key) == ("Counted", rig.prefix, (messages[0].key() or b"").decode())
    assert one.causation_id == one.correlation_id
    assert one.time is not None
    assert relay.health("live")[0] == relay.health("ready")[0] == 200
    assert relay.stop() == 0


def test_a_crash_between_publishing_and_committing_repeats_events_with_the_same_ids(rig: Rig) -> None:
    wanted = fill_outbox(rig)
    dying = rig.start("relay-dies")
    assert dying.wait(20) == -signal.SIGKILL
    assert rig.rows("SELECT count(*) FROM outbox") == [(wanted,)]
    rig.start("relay")
    messages = rig.published(2 * wanted)
    values: dict[str, set[bytes]] = defaultdict(set)
    for message in messages:
        values[identity(message)].add(message.value() or b"")
    assert len(messages) == 2 * wanted
    assert len(values) == wanted
    assert all(len(found) == 1 for found in values.values())
    assert {key: found[-1] for key, found in sequences(messages).items()} == {
        key: events[-1] for key, events in rig.expected_events().items()
    }


def test_a_relay_that_froze_with_events_in_hand_publishes_nothing_when_it_wakes(rig: Rig) -> None:
    fill_outbox(rig)
    frozen = rig.start("relay-freezes")
    until(lambda: "relay.leads" in frozen.output(), 15, "the first relay to lead")
    rig.start("relay")
    wanted = fill_outbox(rig)
    assert sequences(rig.published(wanted)) == rig.expected_events()
    frozen.signal(signal.SIGCONT)
    frozen.says("relay.waits")
    newest = fill_outbox(rig, 800)
    assert sequences(rig.published(newest)) == rig.expected_events()
    assert frozen.running()
    assert rig.rows("SELECT count(*) FROM outbox") == [(0,)]


def test_two_relays_race_and_the_leader_is_killed_again_and_again(rig: Rig) -> None:
    rig.consumes(a=4)
    rig.start()
    relays = [rig.start("relay"), rig.start("relay")]
    for _ in range(3):
        start = sum(tally.count for tally in rig.expected.values())
        rig.produce(rig.topics[0], [(f"k{n % 20}", n) for n in range(start, start + 3000)])
        leader = until(lambda: next((r for r in relays if "relay.leads" in r.output()), None), 20, "a leader")
        leader.kill()
        relays.remove(leader)
        relays.append(rig.start("relay"))
    rig.wait_consumed()
    until(lambda: rig.rows("SELECT count(*) FROM outbox") == [(0,)], 30, "an empty outbox")
    seen: set[str] = set()
    first: list[Message] = []
    for message in rig.published(sum(map(len, rig.expected_events().values()))):
        if identity(message) not in seen:
            seen.add(identity(message))
            first.append(message)
    assert sequences(first) == rig.expected_events()


def test_a_relay_that_is_stopped_hands_over_at_once(rig: Rig) -> None:
    fill_outbox(rig, 400)
    first = rig.start("relay")
    first.says("relay.leads")
    second = rig.start("relay")
    second.says("relay.starting")
    assert first.stop() == 0
    began = time.monotonic()
    second.says("relay.leads")
    assert time.monotonic() - began < 2.5


@pytest.fixture
def led(rig: Rig) -> Iterator[Relay]:
    """A relay of the rig's outbox that takes its steps when the test says so."""
    made = Relay(rig.prefix, lambda: psycopg.connect(rig.url, autocommit=True), rig.bootstrap, Liveness(60))
    yield made
    made._resign()


def test_a_lease_from_before_the_database_clock_was_set_back_holds_nobody_up(rig: Rig, led: Relay) -> None:
    wanted = fill_outbox(rig, 40)
    with psycopg.connect(rig.url, autocommit=True) as conn:
        later = "INSERT INTO relay_lease (name, holder, renewed_at) VALUES (%s, 'gone', clock_timestamp() + interval '1 hour')"
        conn.execute(later, (rig.prefix,))
    assert led.step() == wanted


def test_a_batch_whose_commit_is_in_doubt_is_published_again_under_its_ids(
    rig: Rig, led: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that dies before it has ended a transaction may forget to; the repeat ends it in the same partitions."""
    wanted = fill_outbox(rig, 400)
    assert led.step() == wanted
    led._published.broken(KafkaError(KafkaError._TRANSPORT))
    monkeypatch.setattr("streaming.relay.UNSURE_S", -1.0)
    led._published.broken(KafkaError(KafkaError._ALL_BROKERS_DOWN))  # and for minutes
    assert led.step() == led.step() == 0
    messages = rig.published(2 * wanted)
    assert set(Counter(map(identity, messages)).values()) == {2}
    assert sequences(messages) == {key: [*counts, *counts] for key, counts in rig.expected_events().items()}


def test_a_connection_that_breaks_much_later_puts_nothing_in_doubt(rig: Rig, led: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = fill_outbox(rig, 400)
    led.step()
    monkeypatch.setattr("streaming.relay.UNSURE_S", -1.0)
    led._published.broken(KafkaError(KafkaError._TRANSPORT))
    assert led.step() == 0
    assert len(rig.published(wanted)) == wanted
