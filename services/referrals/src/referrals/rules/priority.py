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
LATEST = 20
"""Of any other rule. So nobody is overtaken by cases shown more than so many days after theirs."""
LARGE_SHORTFALL = 20_000
"""£200 a month: such a fall comes a day earlier."""


def priority(rule_id: str, figures: Mapping[str, str | int]) -> int:
    """Days after being shown at which an equally placed job-ended would come level; at least 0."""
    base = LATER_BY_DAYS.get(rule_id, LATEST)
    large = int(figures.get("shortfall_pence", 0)) >= LARGE_SHORTFALL
    return max(0, base - (1 if large else 0))


def place(priority: int, shown_on: date) -> int:
    """The sort key of a case: smaller first."""
    return shown_on.toordinal() + priority


def why(rule_id: str, priority: int, shown_on: date) -> list[dict[str, str]]:
    """The order explained, as codes with texts: worth of a contact, waiting time, and the floor that waiting gives."""
    fair_from = date.fromordinal(place(priority, shown_on)).isoformat()
    reasons = [
        {
            "code": f"rule:{rule_id}",
            "text": f"The strongest reason is {rule_id}; it counts as {priority} days after being shown.",
        },
        {"code": "waiting", "text": f"Waiting since {shown_on.isoformat()}; every day of waiting moves it forward by one."},
        {"code": "fairness-floor", "text": f"No case shown after {fair_from} comes before it, however urgent."},
    ]
    if priority < LATER_BY_DAYS.get(rule_id, LATEST):
        reasons.append({"code": "large-shortfall", "text": "A large fall in pay comes a day earlier."})
    return reasons


def wait(ahead: int, contacts_per_day: int | None) -> list[dict[str, str]]:
    """Why somebody still waits: who comes first, and how many first contacts their coach's day holds (None: not known)."""
    reasons = [{"code": "ahead", "text": f"{ahead} open cases of the same list come first."}]
    if contacts_per_day is None:
        reasons.append({"code": "capacity-unknown", "text": "No coach has the case yet, or nothing is known of their day."})
    elif contacts_per_day == 0:
        reasons.append({"code": "no-capacity", "text": "The coach has no interview time."})
    else:
        days = -(-(ahead + 1) // contacts_per_day)
        reasons.append(
            {
                "code": "capacity",
                "text": f"The coach's day holds {contacts_per_day} interviews: about {days} working days until this one.",
            }
        )
    return reasons
