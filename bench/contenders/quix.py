"""quixstreams with a batching sink into PostgreSQL: one transaction for each partition's batch at every checkpoint."""

from __future__ import annotations

import tempfile
from typing import Any

import psycopg
from quixstreams import Application
from quixstreams.sinks import BatchingSink, SinkBatch

from bench.contenders.env import BOOTSTRAP, DATABASE, GROUP, TOPIC, Writer
from bench.workload import BATCH, PARTITIONS


class PostgresSink(BatchingSink):  # type: ignore[misc]
    """The same transaction as everybody's; the library asks for one partition at a time."""

    def setup(self) -> None:
        self.writer = Writer(psycopg.connect(DATABASE, autocommit=True))

    def write(self, batch: SinkBatch) -> None:
        self.writer.write({batch.partition: [(item.offset, item.value) for item in batch]})


def application() -> Any:
    return Application(
        broker_address=BOOTSTRAP,
        consumer_group=GROUP,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        commit_every=PARTITIONS * BATCH,
        consumer_extra_config={"fetch.wait.max.ms": 25, "isolation.level": "read_committed"},
        consumer_poll_timeout=0.05,
        state_dir=tempfile.mkdtemp(),
        loglevel="WARNING",
        auto_create_topics=False,
        use_changelog_topics=False,
    )


if __name__ == "__main__":
    app = application()
    source = app.topic(TOPIC, key_deserializer="bytes", value_deserializer="bytes")
    app.dataframe(source).sink(PostgresSink())
    app.run()
