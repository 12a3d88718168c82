"""What judges claims, put together from rule sets: the policy, their books with the days they are in force, the experiments."""

from __future__ import annotations

from collections.abc import Sequence

from referrals.desk import Setup
from referrals.policy_files import book_of
from referrals.rules.rule_set import RuleSet
from referrals.support_files import catalogue
from referrals.trials.config import shipped_experiments


def setup_of(sets: Sequence[RuleSet]) -> Setup:
    """The setup of rule sets in order of their days; the last one is in force until further notice."""
    *before, now = sets
    return Setup(
        policy=now.policy,
        book=book_of(now),
        support=catalogue(),
        earlier=tuple((rules.until, book_of(rules)) for rules in before if rules.until is not None),
        experiments=shipped_experiments(),
    )
