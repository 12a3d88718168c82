"""The claim's one timer: on the day something ends or falls due, settle."""

from __future__ import annotations

from employer_link.acts import SETTLE, commit
from employer_link.model import Claim, Policy
from employer_link.rules.decision import Decision
from streaming.spec import Due
from streaming.work import Work


def fire(work: Work, due: Due, policy: Policy) -> None:
    """Settle as of the due day, however late it is."""
    if due.name != SETTLE:
        raise ValueError(f"unknown timer {due.name}")
    claim: Claim | None = work.get("claim", due.root[1])
    if claim is not None:
        commit(work, Decision(claim), policy, fired=True)
