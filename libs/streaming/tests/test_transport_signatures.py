"""The transport overrides private methods of Faust: they must still exist, with the signatures it was written for."""

from __future__ import annotations

import inspect
from importlib.metadata import version

import pytest
from faust.transport.drivers import aiokafka as driver

from streaming import transport

CONSUMER = {
    "_new_consumer_thread": "(self)",
    "subscribe": "(self, topics)",
    "perform_seek": "(self)",
    "on_partitions_revoked": "(self, revoked)",
    "_getmany": "(self, active_partitions, timeout)",
    "_to_message": "(self, tp, record)",
    "ack": "(self, message)",
    "_filter_tps_with_pending_acks": "(self, topics=None)",
    "_new_offset": "(self, tp)",
    "_add_gap": "(self, tp, offset_from, offset_to)",
    "verify_event_path": "(self, now, tp)",
}
THREAD = {
    "_create_worker_consumer": "(self, transport)",
    "_fetch_records": "(self, consumer, active_partitions, timeout=None, max_records=None)",
    "_commit": "(self, offsets)",
}


def bare(method: object) -> str:
    """The signature without annotations."""
    signature = inspect.signature(method)  # type: ignore[arg-type]
    empty = inspect.Parameter.empty
    parameters = [parameter.replace(annotation=empty) for parameter in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


CASES = [(driver.Consumer, transport.Consumer, name, wanted) for name, wanted in CONSUMER.items()] + [
    (driver.AIOKafkaConsumerThread, transport.ConsumerThread, name, wanted) for name, wanted in THREAD.items()
]


@pytest.mark.parametrize(("base", "ours", "name", "wanted"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_an_overridden_method_keeps_the_signature_of_the_pinned_version(base: type, ours: type, name: str, wanted: str) -> None:
    assert bare(getattr(base, name)) == wanted
    assert bare(vars(ours)[name]) == wanted
    assert inspect.iscoroutinefunction(getattr(base, name)) == inspect.iscoroutinefunction(vars(ours)[name])


def test_every_method_that_is_overridden_is_listed_here() -> None:
    for base, ours, listed in (
        (driver.Consumer, transport.Consumer, CONSUMER),
        (driver.AIOKafkaConsumerThread, transport.ConsumerThread, THREAD),
    ):
        overridden = {name for name, value in vars(ours).items() if inspect.isfunction(value) and hasattr(base, name)}
        assert overridden - {"__init__"} == set(listed)


def test_the_version_is_the_one_the_transport_was_written_for() -> None:
    assert version("faust-streaming") == "0.15.3"
