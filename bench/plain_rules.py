"""The rules of one person as a plain Python loop: the same predicates on bare tuples, no records, no guards, no explanations.

For people alone on their claim with one employment at a time and pay that is beyond doubt. It is what one would write to get
numbers out of a file; `what_if` compares its answers with the service's before it compares times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

Job = tuple[date, date | None]
"""First day, last day."""
Month = tuple[date, date, int, tuple[Job, ...]]
"""First day, last day, pay in pence, jobs known by then."""


def held(months: Sequence[Month], aet: int, cet: int, nlw: int) -> list[set[str]]:
    """Rules that hold in each month. Thresholds in pence, the same in all months."""
    status = [2 if pay >= cet else 1 if pay >= aet else 0 for _, _, pay, _ in months]
    return [_month(months, status, n, aet, nlw) for n in range(len(months))]


def _month(months: Sequence[Month], status: list[int], n: int, aet: int, nlw: int) -> set[str]:
    pay, found = months[n][2], set()
    before = months[n - 1][2] if n else 0
    if _ended(months, n):
        found.add("job-ended")
    gap = _gap(months, n)
    if gap is not None and 0 <= gap <= 91:
        found.add("rapid-re-entry")
    if pay and n and not before and "rapid-re-entry" not in found and _not_left(months[n]):
        m = n - 1
        while m >= 0 and not months[m][2]:
            if not _open_job(months[m]):
                found.add("newly-in-work")
                break
            m -= 1
    if n and status[n - 1] > 0 and status[n] == 0 and 0 < pay < before:
        found.add("fell-below-aet")
    run = n
    while run >= 0 and status[run] == 0 and months[run][2]:
        run -= 1
    if n - run >= 3 and run >= 0 and status[run] > 0 and pay < months[run][2]:
        found.add("sustained-fall")
    for rule, wide in (("stagnation-3", 3), ("stagnation-6", 6)):
        if n + 1 >= wide and all(status[m] == 1 and months[m][2] for m in range(n + 1 - wide, n + 1)):
            first = months[n + 1 - wide][2]
            if (pay - first) * 100 < 5 * first or (pay - first) * 24 < 52 * nlw:
                found.add(rule)
    if n and status[n - 1] == 0 and before and status[n] > 0 and pay > before:
        found.add("crossed-above-aet")
    above = n >= 3 and all(status[n - back] > 0 for back in range(3))
    if above and status[n - 3] == 0 and 0 < months[n - 3][2] < months[n - 2][2]:
        found.add("sustained-above-aet")
    if n and status[n] == 2 and status[n - 1] < 2 and pay > before:
        found.add("cet-reached")
    return found


def _not_left(month: Month) -> bool:
    return not month[3] or any(last is None or last >= month[0] for _, last in month[3])


def _open_job(month: Month) -> bool:
    return any(end is None or end > month[1] for _, end in month[3])


def _ended(months: Sequence[Month], n: int) -> bool:
    _, end, pay, jobs = months[n]
    over = all(last is not None and last <= end for _, last in jobs)
    return not pay and bool(jobs) and over and n > 0 and (months[n - 1][2] > 0 or _open_job(months[n - 1]))


def _gap(months: Sequence[Month], n: int) -> int | None:
    """Days from the last leaving date to the start of the job that pays now."""
    if not months[n][2]:
        return None
    m = n - 1
    while m >= 0 and not months[m][2]:
        if _ended(months, m):
            left = max(last for _, last in months[m][3] if last is not None)
            starts = [start for start, last in months[n][3] if last is None]
            return (min(starts) - left).days if starts else None
        m -= 1
    return None
