"""Every stored decision recomputed from its record, and every chain followed from its first row to its head.

A row that was changed, moved or inserted breaks the hashes from there on; one that was removed leaves a gap, or a head that
nothing leads to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from psycopg import Connection

from referrals import ledger
from streaming.crypto import FieldCipher

Verdict = Literal["identical", "different", "erased"]


@dataclass(frozen=True, slots=True)
class Checked:
    """One decision. verdict None: the row is missing. chained: it follows from the row before it."""

    claim_id: str
    seq: int
    verdict: Verdict | None
    chained: bool

    @property
    def sound(self) -> bool:
        return self.chained and self.verdict in ("identical", "erased")


def check_all(conn: Connection[Any], cipher: FieldCipher) -> Iterator[Checked]:
    """Check everything, claim by claim in chain order, while decisions may be added. Reads only."""
    for claim_id, rows in groupby(ledger.everything(conn), key=lambda row: str(row["claim_id"])):
        yield from _claim(conn, cipher, claim_id, list(rows))
    for claim_id, seq in ledger.headless(conn):
        yield Checked(claim_id, seq, None, chained=False)


def _claim(conn: Connection[Any], cipher: FieldCipher, claim_id: str, rows: list[dict[str, Any]]) -> Iterator[Checked]:
    previous, expected = ledger.START, 1
    for row in rows:
        if row["seq"] != expected:
            yield Checked(claim_id, expected, None, chained=False)
        chained = row["seq"] == expected and ledger.link(previous, row) == bytes(row["hash"])
        yield Checked(claim_id, row["seq"], _verdict(conn, cipher, row, chained), chained)
        previous, expected = bytes(row["hash"]), row["seq"] + 1
    head = ledger.head(conn, claim_id)
    # Rows may have been added since they were read: the head is then further on, and the rows in between exist.
    if head is None or (head[0] >= expected and not ledger.exists(conn, claim_id, expected)):
        yield Checked(claim_id, expected, None, chained=False)
    elif head[0] == expected - 1 and head[1] != previous:
        yield Checked(claim_id, head[0], None, chained=False)


def _verdict(conn: Connection[Any], cipher: FieldCipher, row: dict[str, Any], chained: bool) -> Verdict:
    try:
        return "identical" if ledger.recompute(conn, cipher, row, chained=chained)[0] else "different"
    except ledger.Erased:
        return "erased"
    except ValueError:
        return "different"
