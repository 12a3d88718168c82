"""What a contender is told."""

from __future__ import annotations

import os

BOOTSTRAP = os.environ["BENCH_BOOTSTRAP"]
DATABASE = os.environ["BENCH_DATABASE"]
TOPIC = os.environ["BENCH_TOPIC"]
NAME = "bench"
THREADS = int(os.environ.get("BENCH_THREADS", "1"))
