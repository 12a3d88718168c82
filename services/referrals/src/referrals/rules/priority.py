"""In which order a coach's list runs, and why. A lower number comes first.

A case's place is fixed when it is shown: the day shown plus its rule's head start. So somebody who waits longer moves
past newer, more urgent cases in the end (fairness), and pages of a moving list stay stable.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

LATER_BY_DAYS: Mapping[str, int] = {
    "job-ended": 0,
    "sustained-fall": 2,
    "fell-below-aet": 3,
    "newly-in-work": 5,
    "stagnation-6": 12,
    "stagnation-3": 14,
}
LARGE_SHORTFALL = 20_000
"""£200 a month: such a fall comes a day earlier."""


def priority(rule_id: str, figures: Mapping[str, str | int]) -> int:
    """Days after being shown at which an equally placed job-ended would come level; at least 0."""
    base = LATER_BY_DAYS.get(rule_id, 20)
    large = int(figures.get("shortfall_pence", 0)) >= LARGE_SHORTFALL
    return max(0, base - (1 if large else 0))


def place(priority: int, shown_on: date) -> int:
    """The sort key of a case: smaller first."""
    return shown_on.toordinal() + priority


def why(rule_id: str, priority: int, shown_on: date) -> list[dict[str, str]]:
    """The order explained, as codes with texts."""
    reasons = [
        {
            "code": f"rule:{rule_id}",
            "text": f"The strongest reason is {rule_id}; it counts as {priority} days after being shown.",
        },
        {"code": "waiting", "text": f"Waiting since {shown_on.isoformat()}; every day of waiting moves it forward by one."},
    ]
    if priority < LATER_BY_DAYS.get(rule_id, 20):
        reasons.append({"code": "large-shortfall", "text": "A large fall in pay comes a day earlier."})
    return reasons
