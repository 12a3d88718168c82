"""What a contender is told, and the write that every loop makes."""

from __future__ import annotations

import os
from typing import Any

from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from bench.workload import PARTITIONS, by_hand

BOOTSTRAP = os.environ["BENCH_BOOTSTRAP"]
DATABASE = os.environ["BENCH_DATABASE"]
TOPIC = os.environ["BENCH_TOPIC"]
NAME = "bench"
GROUP = f"bench-{conninfo_to_dict(DATABASE)['dbname']}"
"""The consumer group, new with each run's database: a group that was used before has offsets at the end of the topic, and a
member that was killed and holds the partitions until its session ends."""
THREADS = int(os.environ.get("BENCH_THREADS", "1"))


class Writer:
    """Knows where each partition's next batch begins."""

    def __init__(self, conn: Connection[Any]) -> None:
        self._conn = conn
        self._begin = dict.fromkeys(range(PARTITIONS), 0)

    def write(self, records: dict[int, list[tuple[int, bytes]]]) -> None:
        """One transaction for the batch. records: partition → [(offset, value)], none empty."""
        chunks = [(part, self._begin[part], found[-1][0] + 1, found) for part, found in sorted(records.items())]
        by_hand(self._conn, NAME, TOPIC, chunks)
        self._begin.update({part: end for part, _, end, _ in chunks})
