"""The reference: the services' own handlers, in memory, one thing after another; and what is compared with it."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import msgspec
from tests.support.memory_platform import MemoryPlatform

import earnings.main
import employer_link.main
import notifications.main
import referrals.main
from devstack.platform import Platform
from earnings.intake.data_keys import DataKeys
from earnings.intake.identity import Pseudonyms
from earnings.intake.prepare import Intake
from earnings.model import Claim, Person
from earnings.rules.payments import LEFT
from earnings.settings import Settings as EarningsSettings
from notifications.settings import Settings as NotificationsSettings
from referrals.model import ClaimDoc
from referrals.settings import ReferralsSettings
from streaming.crypto import FieldCipher
from streaming.records import Root
from streaming.spec import Spec

Docs = Mapping[Root, Any]


def specs(platform: Platform, data_keys: httpx.Client) -> dict[str, Spec]:
    """Each service's own, built from the running platform's settings; by import package."""
    given = {name.lower(): value for name, value in platform.supervisor.environment.items()}
    settings = EarningsSettings.model_validate(given)
    intake = Intake(
        DataKeys(lambda: data_keys, time.sleep),
        Pseudonyms(base64.b64decode(settings.pseudonym_key.get_secret_value()), production=False),
        FieldCipher(settings.field_key.get_secret_value()),
    )
    return {
        # The service's own client of the data key service is never closed: its process ends with it, this one does not.
        "earnings": replace(earnings.main.build_spec(settings), topics=intake.topics()),
        "referrals": referrals.main.build_spec(ReferralsSettings.model_validate(given)),
        "notifications": notifications.main.build_spec(NotificationsSettings.model_validate(given)),
        "employer_link": employer_link.main.build_spec(),
    }


def build(of: Mapping[str, Spec], partitions: int) -> MemoryPlatform:
    """An empty reference."""
    return MemoryPlatform(of.values(), partitions)


def earned(docs: Docs) -> dict[str, Any]:
    """Facts of earnings by document: evidence, attribution, figures; not versions, ledger outcomes or times."""
    members: dict[str, set[str]] = {}
    for (kind, key), doc in docs.items():
        if kind == "claimant" and doc.person is not None:
            person: Person | None = docs.get(("person", doc.person))
            members[key] = {payment.payment_id for payment in person.payments} if person else set()
    found: dict[str, Any] = {}
    for (kind, key), doc in docs.items():
        if kind == "claim":
            found[f"claim {key}"] = _claim(doc, members)
        elif kind == "claimant":
            found[f"claimant {key}"] = (
                doc.deleted, doc.person, doc.coach_id, doc.office_id, doc.work_group, doc.dead, doc.easement,
                doc.conditionality, sorted(doc.claims, key=lambda one: one.claim_id),
            )  # fmt: skip
        elif kind == "person" and (doc.payments or doc.claimants):
            found[f"person {key}"] = sorted((p.payment_id, p.paid_on, p.gross, p.invalid_from, p.conflict) for p in doc.payments)
    return found


def _claim(claim: Claim, members: Mapping[str, set[str]]) -> tuple[Any, ...]:
    people = claim.contract.people if claim.contract is not None else ()
    present = {payment for person in people for payment in members.get(person, ())}
    return (
        None if claim.contract is None else msgspec.structs.replace(claim.contract, updated_at=None),
        claim.deleted,
        sorted((s.statement_id, s.start, s.end, s.waiting) for s in claim.statements),
        [(a.start, a.end, a.closed, a.content) for a in claim.assessed if not a.gone],
        sorted((i, a.start, a.gross, a.rule) for i, a in claim.attributed.items() if i in present and a.rule != LEFT),
        sorted((q.claimant_id, q.start, q.cause) for q in claim.queries if q.resolved_at is None),
    )


def flagged(docs: Docs, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Flags that stand, from planned on, and open cases, by claim; `without`: claims that people have acted on."""
    found: dict[str, Any] = {}
    for (kind, key), doc in docs.items():
        if kind != "claim" or key in without:
            continue
        claim: ClaimDoc = doc
        for person in claim.people.values():
            for flag in person.flags.values():
                if flag.live:
                    found[f"flag {flag.rule_id} of {person.claimant_id} in {flag.period_id}"] = flag.state
            case = person.open_case()
            if case is not None:
                found[f"open case of {person.claimant_id}"] = (case.state, case.coach_id, len(case.flag_ids) > 0)
    return found
