"""The sizing page is arithmetic on the committed figures, and says so when there are none."""

from __future__ import annotations

from typing import Any

import pytest
from bench import figures, sizing

WHOLE: dict[str, Any] = {
    "burst": {
        "days": 30,
        "messages_a_claimant": 4.0,
        "cpu_ms_a_message": {"earnings-worker": 1.5, "earnings-relay": 0.1, "postgresql": 1.0, "kafka": 0.2},
        "stored_bytes_a_message": {"earnings": 1024},
    }
}
GROWTH: dict[str, Any] = {"flat": {"from": 10_000, "to": 10_000_000, "ratio": 1.1, "postgresql": 1.2}}


def test_ten_million_messages_in_an_hour() -> None:
    made = sizing.render(WHOLE, GROWTH)
    rates = made.partition("| database")[0].splitlines()
    hour = {line.split(" | ")[0]: line.rsplit(" | ", 1)[1] for line in rates if line.count(" | ") == 4}
    # 10,000,000 / 3,600 = 2,777.8 a second; 1.5 ms of a worker are 4.17 cores, at 60 % seven workers, so 24 partitions;
    # 8.33 cores / 0.6 * 720 hours * 0.04 = 400
    assert hour == {
        "| cores": "a month in one hour |", "| messages a second": "2,777.8 |", "| earnings-worker": "4.17 |",
        "| earnings-relay": "0.28 |", "| postgresql": "3.33 |", "| kafka": "0.56 |", "| all": "8.3 |",
        "| £ a month for these cores": "400 |",
        "| workers of the busiest service": "7 |", "| partitions": "24 |",
    }  # fmt: skip
    assert "= 10,000,000 a month" in made
    assert "10,000,000 × 3.00 ms = 8.3 core hours" in made
    assert "| earnings | 1,024 | 9.5 | 114 | 11 |" in made


def test_tables_that_do_not_cost_more_never_cost_less() -> None:
    assert sizing.render(WHOLE, {"flat": {**GROWTH["flat"], "postgresql": 0.9}}) == sizing.render(
        WHOLE, {"flat": {**GROWTH["flat"], "postgresql": 1.0}}
    )


@pytest.mark.parametrize(("cores", "count"), [(0.0, 1), (0.6, 1), (0.61, 2), (6.0, 10)])
def test_workers_keep_room_to_spare(cores: float, count: int) -> None:
    assert sizing.workers(cores) == count


@pytest.mark.parametrize(("count", "number"), [(1, 12), (6, 12), (7, 24), (500, 1000)])
def test_every_worker_has_two_partitions(count: int, number: int) -> None:
    assert sizing.partitions(count) == number


def test_the_page_says_what_the_committed_figures_give() -> None:
    page = sizing.PAGE.read_text()
    computed = sizing.render(figures.read("end-to-end"), figures.read("growth"))
    assert page == sizing.replaced(page, computed), "run python -m bench.sizing"
