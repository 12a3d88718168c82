"""The composition root: builds the service's Spec and its API from their parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from employer_link import consumers, lookups, store, timers
from employer_link.model import Claim, Claimant, Coach, Delivery, Employer, Office, Policy
from employer_link.policy_files import load
from employer_link.settings import Settings
from streaming.clock import Clock, make_clock
from streaming.records import Root
from streaming.spec import Kind, Spec

if TYPE_CHECKING:
    from fastapi import FastAPI

NAME = "employer-link"

KINDS = (
    Kind("claim", Claim),
    Kind("claimant", Claimant),
    Kind("employer", Employer),
    Kind("delivery", Delivery),
    Kind("coach", Coach),
    Kind("office", Office),
)
"""Lock order. The claim comes before the person: whoever reads or sets a person's hard stop holds a claim of theirs, so the
stop is read after the claim's lock was had, never before it."""


def links(kind: str, doc: Any) -> Sequence[Root]:
    """With a claim: the hard stops of those who consented, and the employers with whom something is open."""
    if kind != "claim":
        return ()
    claim: Claim = doc
    people = {("claimant", consent.claimant_id) for consent in claim.consents.values()}
    employers = {("employer", e.employer_id) for e in claim.engagements.values() if e.state != "closed"}
    return sorted(people | employers)


def build_spec(policy: Policy | None = None) -> Spec:
    """The service as the shell sees it."""
    numbers = policy or load()
    return Spec(
        name=NAME,
        kinds=KINDS,
        topics=dict.fromkeys(consumers.HANDLED, consumers.prepare),
        handle=lambda work, item: consumers.handle(work, item, numbers),
        fire=lambda work, due: timers.fire(work, due, numbers),
        links=links,
        project=store.project,
        pending=lookups.pending,
    )


def build_api(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """The HTTP API with its parts. clock: the platform's, unless a test brings its own."""
    from employer_link.api import application  # only the API process loads the web framework

    return application.build(settings, build_spec(), load(), clock or make_clock(settings))
