"""A claim in words: the smallest world in which an engagement can happen, and short names for every move."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devstack.backends import Backends
from employer_link.model import Action, Case, Claim, Claimant, Employer, Employment, Engagement, Person, Policy
from employer_link.rules import consents, engagements
from employer_link.rules.decision import Decision
from employer_link.rules.disclosure import shown_fields, visibility
from employer_link.rules.settle import settle

sys.path.insert(0, str(Path(__file__).parent))
from running_link import RunningLink

POLICY = Policy(
    cap_contacts=2,
    cap_days=30,
    consent_max_days=365,
    share=7,
    answer=14,
    more_time=14,
    approve=14,
    wrong_contact=7,
    finish=14,
    default_action=28,
    overdue_days=28,
)
START = date(2026, 6, 1)


class Story:
    """One claimant (cl-1) on claim c-1, case k-1, a job with employer e-1. Every move is settled, as in the service."""

    policy = POLICY

    def __init__(self) -> None:
        self.today = START
        self.told: list[msgspec.Struct] = []
        self.claimants = {"cl-1": Claimant(claimant_id="cl-1")}
        self.employers = {name: Employer(employer_id=name) for name in ("e-1", "e-2")}
        self.claim = Claim(
            claim_id="c-1",
            version=1,
            people={"cl-1": Person(coach_id="co-1", office_id="of-1")},
            cases={"k-1": Case(claimant_id="cl-1", coach_id="co-1", office_id="of-1")},
            employments={"j-1": Employment(claimant_id="cl-1", employer_id="e-1", started_on=date(2026, 1, 5))},
        )
        self._ids = 0

    @property
    def now(self) -> datetime:
        return datetime.combine(self.today, datetime.min.time(), UTC)

    def next_id(self) -> str:
        self._ids += 1
        return f"id-{self._ids}"

    def apply(self, decision: Decision) -> Story:
        self.claim = decision.claim
        self.told.extend(decision.events)
        if decision.employer is not None:
            self.employers[decision.employer.employer_id] = decision.employer
        if decision.claimant is not None:
            self.claimants[decision.claimant.claimant_id] = decision.claimant
        return self.settle()

    def settle(self) -> Story:
        after = settle(self.claim, self.claimants, now=self.now, today=self.today, policy=POLICY)
        self.claim = after.claim
        self.told.extend(after.events)
        return self

    def facts(self, claim: Claim) -> Story:
        return self.apply(Decision(claim))

    def wait(self, days: int) -> Story:
        """Day by day, as the timers do."""
        for _ in range(days):
            self.today += timedelta(days=1)
            self.settle()
        return self

    # ---- moves ----

    def consents_to(self, *fields: str, employer_id: str = "e-1", days: int = 90, **changes: Any) -> str:
        consent_id = self.next_id()
        values: dict[str, Any] = {
            "consent_id": consent_id,
            "employer_id": employer_id,
            "fields": fields or ("employee_name", "payroll_id", "ask", "coach_contact", "plan"),
            "purpose": "more_hours",
            "expires_on": self.today + timedelta(days=days),
            "wording_version": "1",
            "on_behalf": None,
            "now": self.now,
            "today": self.today,
            "policy": POLICY,
        } | changes
        self.apply(consents.give(self.claim, self.claimants["cl-1"], **values))
        return consent_id

    def withdraws(self, consent_id: str) -> Story:
        return self.apply(consents.withdraw(self.claim, self.claim.consents[consent_id], on_behalf=None, now=self.now))

    def says(self, *, allowed: bool, employer_id: str | None = None) -> Story:
        return self.apply(
            consents.set_contact(self.claim, self.claimants["cl-1"], employer_id=employer_id, allowed=allowed, on_behalf=None)
        )

    def opens(self, consent_id: str, *, employer_id: str = "e-1", case_id: str = "k-1") -> str:
        engagement_id = self.next_id()
        self.apply(
            engagements.open_engagement(
                self.claim,
                self.claimants["cl-1"],
                engagement_id=engagement_id,
                case_id=case_id,
                employer_id=employer_id,
                consent_id=consent_id,
                ask="more_hours",
                now=self.now,
                today=self.today,
                policy=POLICY,
            )
        )
        return engagement_id

    def shares(self, engagement_id: str, override: str | None = None) -> Story:
        engagement = self.engagement(engagement_id)
        return self.apply(
            engagements.share(
                self.claim,
                self.claimants["cl-1"],
                self.employers[engagement.employer_id],
                engagement,
                override=override,
                today=self.today,
                policy=POLICY,
            )
        )

    def contacts(self, engagement_id: str, override: str | None = None) -> Story:
        engagement = self.engagement(engagement_id)
        return self.apply(
            engagements.contact(
                self.claim,
                self.claimants["cl-1"],
                self.employers[engagement.employer_id],
                engagement,
                channel="phone",
                outcome="reached",
                override=override,
                today=self.today,
                policy=POLICY,
            )
        )

    def answers(self, engagement_id: str, answer: Any = "more_hours") -> Story:
        return self.apply(
            engagements.answer(
                self.claim,
                self.engagement(engagement_id),
                answer=answer,
                action_id=self.next_id(),
                today=self.today,
                policy=POLICY,
            )
        )

    def approves(self, engagement_id: str, *parties: Any) -> Story:
        for party in parties:
            self.apply(engagements.approve(self.claim, self.engagement(engagement_id), party, today=self.today, policy=POLICY))
        return self

    def amends(self, engagement_id: str, *actions: tuple[Any, int], ask: Any = None) -> Story:
        """actions: (owner, days from today)."""
        plan = [
            Action(action_id=self.next_id(), owner=owner, due_on=self.today + timedelta(days=days)) for owner, days in actions
        ]
        return self.apply(
            engagements.amend(
                self.claim,
                self.engagement(engagement_id),
                ask=ask,
                actions=plan or None,
                why="coach_edit",
                today=self.today,
                policy=POLICY,
            )
        )

    def does(self, engagement_id: str, party: Any, action_id: str | None) -> Story:
        return self.apply(
            engagements.done(
                self.claim, self.engagement(engagement_id), party, action_id=action_id, today=self.today, policy=POLICY
            )
        )

    def closes(self, engagement_id: str, reason: Any) -> Story:
        return self.apply(
            engagements.close(self.claim, self.engagement(engagement_id), reason=reason, today=self.today, policy=POLICY)
        )

    # ---- what is so ----

    def engagement(self, engagement_id: str) -> Engagement:
        return self.claim.engagements[engagement_id]

    def names(self) -> list[str]:
        """What everybody was told, in order."""
        return [type(event).__name__ for event in self.told]

    def visibility(self, engagement_id: str) -> str:
        return visibility(self.claim, self.claimants["cl-1"], self.engagement(engagement_id), self.today)

    def shown(self, engagement_id: str) -> tuple[str, ...]:
        return shown_fields(self.claim, self.claimants["cl-1"], self.engagement(engagement_id), self.today)

    def agreed(self) -> str:
        """An engagement with an agreed plan of one action, the employer's, in 28 days."""
        engagement_id = self.opens(self.consents_to())
        self.shares(engagement_id).answers(engagement_id).approves(engagement_id, "claimant", "employer", "coach")
        return engagement_id


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture(scope="session")
def new_story() -> type[Story]:
    return Story


@pytest.fixture(scope="session")
def running_link(
    backends: Backends, migrated_template: Callable[[str], str], bootstrap: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLink]:
    """The service's API on a real database, with an issuer and an earnings that answers for names; started once."""
    url = backends.postgres.create_database("employer_link_api", migrated_template("employer_link"), replace=True)
    with RunningLink(url, bootstrap, tmp_path_factory.mktemp("link")) as running:
        yield running
    backends.postgres.drop_database("employer_link_api")


@pytest.fixture
def link(running_link: RunningLink) -> RunningLink:
    """The running service with nothing in it, on 1 June 2026."""
    running_link.reset()
    return running_link
