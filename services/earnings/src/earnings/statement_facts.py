"""Facts about statements: explicit period dates, household net pay, self-employment."""

from __future__ import annotations

from msgspec.structs import replace

from earnings.intake.facts import StatementFact
from earnings.kinds import CLAIM, STATEMENT
from earnings.model import Claim, Statement, StatementKey
from earnings.refresh import Judge, settle
from earnings.rules.versions import judge
from streaming.work import Work


def statement(work: Work, fact: StatementFact, rules: Judge) -> None:
    """A statement came, changed, moved to another claim or was deleted; it waits while its contract is not known."""
    known: StatementKey | None = work.get(STATEMENT, fact.record_id)
    verdict = judge(None if known is None else known.order, b"" if known is None else known.content, fact.order, fact.content)
    if verdict != "applied":
        work.outcome = verdict
        return
    work.put(STATEMENT, fact.record_id, StatementKey(fact.order, fact.content, fact.claim_id, fact.document is None))
    if known is not None and known.claim_id is not None and known.claim_id != fact.claim_id:
        before: Claim | None = work.get(CLAIM, known.claim_id)
        if before is not None and not before.deleted:
            _replace(work, known.claim_id, fact.record_id, None)
            rules.refresh(work, known.claim_id, "statement")
    if fact.claim_id is None or fact.document is None:
        return
    claim: Claim = work.get(CLAIM, fact.claim_id) or Claim()
    if claim.deleted:
        work.outcome, work.reason = "ignored", "claim_deleted"
        return
    waiting = claim.contract is None
    _replace(work, fact.claim_id, fact.record_id, replace(fact.document, waiting=waiting))
    if waiting:
        work.outcome = "pending"
        return
    rules.refresh(work, fact.claim_id, "statement")


def _replace(work: Work, claim_id: str, statement_id: str, now: Statement | None) -> None:
    """Put the newest version into the claim; an older one that still waited is superseded."""
    claim: Claim = work.get(CLAIM, claim_id) or Claim()
    for old in claim.statements:
        if old.statement_id == statement_id and old.waiting:
            settle(work, old.source, "superseded")
    kept = [old for old in claim.statements if old.statement_id != statement_id]
    statements = tuple(kept if now is None else sorted([*kept, now], key=lambda item: (item.start, item.statement_id)))
    past = tuple(old for old in claim.past_statements if old != statement_id)
    if now is None:
        past = (*past, statement_id)
    if (statements, past) != (claim.statements, claim.past_statements):
        work.put(CLAIM, claim_id, replace(claim, statements=statements, past_statements=past))
