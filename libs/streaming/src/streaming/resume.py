"""Where a partition is resumed: the offset row decides, and the log must still hold what comes next. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from streaming.broker import Bounds, Partition, TopicInfo
from streaming.errors import Fatal, Gap
from streaming.progress import Position


@dataclass(frozen=True, slots=True)
class Resume:
    """seek: where to read on. fresh: those of them that have no offset row yet."""

    seek: Mapping[Partition, int]
    fresh: frozenset[Partition]


def plan(
    service: str,
    assigned: Iterable[Partition],
    rows: Mapping[Partition, Position],
    topics: Mapping[str, TopicInfo],
    bounds: Mapping[Partition, Bounds],
) -> Resume:
    """Decide for every assigned partition. A partition without a row starts at its beginning, explicitly.

    Raises Gap when the row points outside the log, Fatal when the topic is not the one the row was made for or is
    gone; the message names the operator's command.
    """
    seek: dict[Partition, int] = {}
    fresh: set[Partition] = set()
    for partition in sorted(assigned):
        topic, number = partition
        if topic not in topics:
            raise Fatal(f"topic {topic} is gone; restore it, or create it and run {_command(service, partition)}")
        held = bounds[partition]
        row = rows.get(partition)
        if row is None:
            seek[partition] = held.begin
            fresh.add(partition)
        elif row.topic_id != topics[topic].topic_id:
            raise Fatal(
                f"topic {topic} was deleted and created again: its id is {topics[topic].topic_id}, the offset row of "
                f"partition {number} was made for {row.topic_id}. To consume the new topic from its beginning run "
                f"{_command(service, partition)}"
            )
        elif row.next_offset < held.begin:
            raise Gap(
                f"{topic}[{number}]: {held.begin - row.next_offset} records from offset {row.next_offset} were deleted before "
                f"they were consumed; the log begins at {held.begin}. To accept the loss run {_command(service, partition)}"
            )
        elif row.next_offset > held.end:
            raise Gap(
                f"{topic}[{number}]: the offset row says {row.next_offset}, but the log ends at {held.end}: the broker lost "
                f"records that were consumed, or this is another cluster. To start again run {_command(service, partition)}"
            )
        else:
            seek[partition] = row.next_offset
    return Resume(seek, frozenset(fresh))


def _command(service: str, partition: Partition) -> str:
    topic, number = partition
    return f"`python -m {service.replace('-', '_')} positions reset --topic {topic} --partition {number}`"
