"""Which periods a claimant's contest covers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from contracts.ids import period_id
from earnings.model import Claim, Contest
from earnings.rules.calendar import Period


def apply_contest(
    claim: Claim,
    claim_id: str,
    claimant_id: str,
    about: str | None,
    periods: Sequence[Period],
    today: date,
    *,
    opened: bool,
) -> tuple[Contest, ...]:
    """The claim's contests after one begins or ends.

    about: period id, or None: the newest closed period and those after it. Ending one without a period ends all of the
    person's that have none.
    """
    if not opened:
        return tuple(
            known
            for known in claim.contests
            if known.claimant_id != claimant_id
            or (known.onwards if about is not None else not known.onwards)
            or (about is not None and period_id(claim_id, known.start) != about)
        )
    if about is not None:
        start = next((period.start for period in periods if period_id(claim_id, period.start) == about), None)
        found = None if start is None else Contest(claimant_id, start)
    else:
        closed = [period.start for period in periods if period.end < today]
        newest = closed[-1] if closed else (periods[0].start if periods else None)
        found = None if newest is None else Contest(claimant_id, newest, onwards=True)
    if found is None or found in claim.contests:
        return claim.contests
    return (*claim.contests, found)
