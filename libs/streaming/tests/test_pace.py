"""A transaction takes on as much as it can do in about a second, and one that lasted too long is tried again in parts."""

from __future__ import annotations

from itertools import pairwise

import pytest

from streaming.pace import TARGET_S, Pace, take
from streaming.records import Bad, Chunk, PreparedChunk, Record


def chunk(begin: int, size: int, partition: int = 0) -> PreparedChunk:
    """Every third offset, as after compaction; the end lies behind the commit marker."""
    records = [Record("t", partition, begin + 3 * n, 0, None, b"") for n in range(size)]
    return PreparedChunk(
        Chunk("t", partition, begin, begin + 3 * size + 1, 1, records), [Bad(record, "any") for record in records]
    )


@pytest.mark.parametrize("sizes", [[10], [1], [4, 0, 7], [0], [3, 3, 3], [20, 1]])
@pytest.mark.parametrize("most", [1, 3, 10, 1000])
def test_parts_cover_every_offset_once_in_order_and_hold_no_more_than_asked(sizes: list[int], most: int) -> None:
    whole = [chunk(100, size, partition) for partition, size in enumerate(sizes)]
    parts, rest = [], whole
    while rest:
        part, rest = take(rest, most)
        assert sum(len(item.entries) for item in part) <= most
        parts += part
    for before in whole:
        pieces = [item for item in parts if item.chunk.partition == before.chunk.partition]
        assert (pieces[0].chunk.begin, pieces[-1].chunk.end) == (before.chunk.begin, before.chunk.end)
        assert all(left.chunk.end == right.chunk.begin for left, right in pairwise(pieces))
        assert [entry for item in pieces for entry in item.entries] == before.entries
        assert all(
            item.chunk.begin <= entry.record.offset < item.chunk.end and item.chunk.records[n] is entry.record
            for item in pieces
            for n, entry in enumerate(item.entries)
        )


def test_slow_transactions_get_smaller_until_they_last_about_a_second_and_fast_ones_grow_again() -> None:
    pace = Pace(2000)
    slow = 0.004
    pace.took(2000, 2000 * slow)
    assert pace.most * slow == pytest.approx(TARGET_S, rel=0.1)
    for _ in range(10):
        pace.took(pace.most, pace.most * slow / 1000)
    assert pace.most == 2000


def test_what_could_not_be_finished_is_tried_smaller_down_to_one() -> None:
    pace = Pace(2000)
    tried = [2000]
    while pace.too_long(tried[-1]):
        tried.append(pace.most)
    assert tried == [2000, 500, 125, 31, 7, 1]


def test_waiting_for_a_lock_with_little_to_do_says_nothing_about_size() -> None:
    pace = Pace(2000)
    pace.took(0, 60.0)
    pace.took(1, 60.0)
    assert pace.most == 2000
