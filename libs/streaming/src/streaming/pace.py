"""How much one transaction takes on, so that it lasts about a second however slow the machine or the rules are.

The database ends the session of a transaction that computes for too long between two statements (it cannot tell a busy
worker from a frozen one). Tried again whole, such a batch would fail for ever; so the next one is smaller.
"""

from __future__ import annotations

from collections.abc import Sequence

from streaming.records import Chunk, PreparedChunk

TARGET_S = 1.0
"""Well below the idle time-out, and short enough for commands that wait for a lock."""
TOO_LONG = ("25P03", "25P04")
"""SQLSTATEs: the session was ended for idling in a transaction; the transaction lasted too long."""


class Pace:
    """Records (or due items) that the next transaction may have, learned from how long the last ones took."""

    def __init__(self, most: int) -> None:
        """most: never more than this."""
        self._ceiling = most
        self.most = most

    def took(self, count: int, seconds: float) -> None:
        """A transaction of so many was committed after so long."""
        if seconds > TARGET_S and count > 1:
            self.most = max(1, min(self.most, int(count * TARGET_S / seconds)))
        elif seconds < TARGET_S / 4 and count >= self.most:
            self.most = min(self._ceiling, 2 * self.most)

    def too_long(self, count: int) -> bool:
        """A transaction of so many could not be finished. Returns whether a smaller one can be tried."""
        self.most = max(1, min(self.most, count // 4))
        return count > 1


def take(waiting: Sequence[PreparedChunk], most: int) -> tuple[list[PreparedChunk], list[PreparedChunk]]:
    """The first chunks with `most` records together, the last of them cut where need be; and the rest, in order."""
    room = most
    for place, item in enumerate(waiting):
        size = len(item.entries)
        if size > room or (room == 0 and place):
            head, tail = list(waiting[:place]), list(waiting[place:])
            if room:
                first, tail[0] = _cut(item, room)
                head.append(first)
            return head, tail
        room -= size
    return list(waiting), []


def _cut(item: PreparedChunk, at: int) -> tuple[PreparedChunk, PreparedChunk]:
    """Two chunks that together cover the same offsets, the first with `at` records."""
    chunk, middle = item.chunk, item.entries[at].record.offset
    return (
        PreparedChunk(
            Chunk(chunk.topic, chunk.partition, chunk.begin, middle, chunk.generation, chunk.records[:at]), item.entries[:at]
        ),
        PreparedChunk(
            Chunk(chunk.topic, chunk.partition, middle, chunk.end, chunk.generation, chunk.records[at:]), item.entries[at:]
        ),
    )
