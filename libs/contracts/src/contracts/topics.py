"""The one registry of topics: names, keys, retention, who writes, who reads, which events.

Topic creation, the AsyncAPI file and the README tables are made from `TOPICS`; nothing else spells a topic's name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from contracts import clock, earnings, employer_link, notifications, reference, referrals, upstream

UCFS_CLAIMANT = "db.core.claimant"
UCFS_CONTRACT = "db.core.contract"
UCFS_STATEMENT = "db.core.statement"
RTI_PAYMENT = "hmrc.rti.payment-reported.v1"
CONTACT_PREFERENCES = "upstream.claimant.contact-preferences.v1"
CLAIMANT_EASEMENT = "upstream.claimant.easement.v1"
CLAIMANT_CONDITIONALITY = "upstream.claimant.conditionality.v1"

EARNINGS_CIRCUMSTANCES = "earnings.circumstances.v1"
EARNINGS_PAYMENT = "earnings.payment.v1"
EARNINGS_PERIOD = "earnings.period.v1"
PROGRESSION_FLAG = "progression.flag.v1"
PROGRESSION_CASE = "progression.case.v1"
PROGRESSION_OUTCOME = "progression.outcome.v1"
PROGRESSION_REFERENCE = "progression.reference.v1"
NOTIFICATIONS_APPOINTMENT = "notifications.appointment.v1"
NOTIFICATIONS_MESSAGE = "notifications.message.v1"
EMPLOYER_LINK_ENGAGEMENT = "employer-link.engagement.v1"
PLATFORM_CLOCK = "platform.clock.v1"

DEFAULT_PARTITIONS = 12
"""Every keyed topic has the same number, so that one claim is on the same partition everywhere."""

_MIB = 1024 * 1024
_DAY_MS = 24 * 60 * 60 * 1000

Cleanup = Literal["delete", "compact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic.

    key: what the partition key is. cleanup `compact` keeps the last value per key for ever; `delete` keeps
    retention_days, None = for ever. partitions None = the platform's number (`DEFAULT_PARTITIONS` unless configured).
    events: `ce_type` → struct; empty where another document defines the value's format. planned: names of events that
    nobody publishes yet.
    """

    name: str
    summary: str
    key: str
    producer: str
    consumers: tuple[str, ...]
    cleanup: Cleanup = "delete"
    retention_days: int | None = None
    partitions: int | None = None
    personal_data: bool = False
    max_message_bytes: int = _MIB
    events: dict[str, type[msgspec.Struct]]
    planned: frozenset[str] = frozenset()

    @property
    def inbound(self) -> bool:
        """Owned by an upstream system."""
        return self.producer == "upstream"

    def partition_count(self, default: int = DEFAULT_PARTITIONS) -> int:
        """Number of partitions to create, given the platform's number."""
        return default if self.partitions is None else self.partitions

    def config(self) -> dict[str, str]:
        """Kafka's own topic settings."""
        return {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(self.max_message_bytes),
            "retention.ms": "-1" if self.retention_days is None else str(self.retention_days * _DAY_MS),
            # Retention counts from arrival: a producer with a wrong or simulated clock must not make records vanish.
            "message.timestamp.type": "LogAppendTime",
        }


def _named(*structs: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    return {struct.__name__: struct for struct in structs}


_INBOUND_DAYS = 7
_PLATFORM_DAYS = 90
_INBOUND_BYTES = 4 * _MIB

_ALL = (
    Topic(
        name=UCFS_CLAIMANT,
        summary="UC Full Service business data, people; body encrypted.",
        key="any bytes",
        producer="upstream",
        consumers=("earnings",),
        retention_days=_INBOUND_DAYS,
        personal_data=True,
        max_message_bytes=_INBOUND_BYTES,
        events={},
    ),
    Topic(
        name=UCFS_CONTRACT,
        summary="UC Full Service business data, claims; body encrypted.",
        key="any bytes",
        producer="upstream",
        consumers=("earnings",),
        retention_days=_INBOUND_DAYS,
        personal_data=True,
        max_message_bytes=_INBOUND_BYTES,
        events={},
    ),
    Topic(
        name=UCFS_STATEMENT,
        summary="UC Full Service business data, monthly statements; body encrypted.",
        key="any bytes",
        producer="upstream",
        consumers=("earnings",),
        retention_days=_INBOUND_DAYS,
        personal_data=True,
        max_message_bytes=_INBOUND_BYTES,
        events={},
    ),
    Topic(
        name=RTI_PAYMENT,
        summary="HMRC Real Time Information payments.",
        key="any bytes",
        producer="upstream",
        consumers=("earnings",),
        retention_days=_INBOUND_DAYS,
        personal_data=True,
        max_message_bytes=_INBOUND_BYTES,
        events={},
    ),
    Topic(
        name=CONTACT_PREFERENCES,
        summary="How a claimant wants to be reached.",
        key="claim_id",
        producer="upstream",
        consumers=("notifications",),
        retention_days=_INBOUND_DAYS,
        personal_data=True,
        max_message_bytes=_INBOUND_BYTES,
        events={CONTACT_PREFERENCES: upstream.ContactPreferences},
    ),
    Topic(
        name=CLAIMANT_EASEMENT,
        summary="Effect of a claimant's easement.",
        key="claim_id",
        producer="upstream",
        consumers=("earnings",),
        retention_days=_INBOUND_DAYS,
        personal_data=True,
        max_message_bytes=_INBOUND_BYTES,
        events={CLAIMANT_EASEMENT: upstream.ClaimantEasement},
    ),
    Topic(
        name=CLAIMANT_CONDITIONALITY,
        summary="What is expected of a claimant.",
        key="claim_id",
        producer="upstream",
        consumers=("earnings",),
        retention_days=_INBOUND_DAYS,
        personal_data=True,
        max_message_bytes=_INBOUND_BYTES,
        events={CLAIMANT_CONDITIONALITY: upstream.ClaimantConditionality},
    ),
    Topic(
        name=EARNINGS_CIRCUMSTANCES,
        summary="Who is on a claim and what applies to them; the whole claim in every event.",
        key="claim_id",
        producer="earnings",
        consumers=("referrals", "notifications", "employer-link"),
        cleanup="compact",
        events=_named(
            earnings.ClaimOpened,
            earnings.ClaimChanged,
            earnings.ClaimSuspended,
            earnings.ClaimResumed,
            earnings.ClaimClosed,
            earnings.ClaimErased,
            earnings.ClaimantChanged,
            earnings.ClaimantErased,
            earnings.ClaimantMoved,
        ),
    ),
    Topic(
        name=EARNINGS_PAYMENT,
        summary="Payments, jobs and doubts about them.",
        key="claim_id",
        producer="earnings",
        consumers=("referrals", "employer-link"),
        retention_days=_PLATFORM_DAYS,
        events=_named(
            earnings.PaymentAttributed,
            earnings.PaymentReallocated,
            earnings.PaymentInvalidated,
            earnings.EmploymentStarted,
            earnings.EmploymentEnded,
            earnings.EarningsQueryRaised,
            earnings.EarningsQueryResolved,
        ),
        planned=frozenset({"PaymentReallocated"}),
    ),
    Topic(
        name=EARNINGS_PERIOD,
        summary="What each assessment period held, by version.",
        key="claim_id",
        producer="earnings",
        consumers=("referrals",),
        retention_days=_PLATFORM_DAYS,
        events=_named(earnings.PeriodAssessed),
    ),
    Topic(
        name=PROGRESSION_FLAG,
        summary="Advice to contact a claimant, an outcome or a review: from plan to end.",
        key="claim_id",
        producer="referrals",
        consumers=(),
        retention_days=_PLATFORM_DAYS,
        events=_named(
            referrals.FlagPlanned,
            referrals.FlagRaised,
            referrals.FlagShown,
            referrals.FlagWithdrawn,
            referrals.FlagClosed,
            referrals.ReviewRaised,
        ),
    ),
    Topic(
        name=PROGRESSION_CASE,
        summary="What a coach and the service do about a claimant's flags.",
        key="claim_id",
        producer="referrals",
        consumers=("earnings", "notifications", "employer-link"),
        retention_days=_PLATFORM_DAYS,
        events=_named(
            referrals.CaseOpened,
            referrals.FlagAppended,
            referrals.CaseReassigned,
            referrals.ContactRequested,
            referrals.ContactRecorded,
            referrals.CaseHeld,
            referrals.CaseExempted,
            referrals.ReasonChanged,
            referrals.OutcomeMet,
            referrals.ReferralMade,
            referrals.ReferralUpdated,
            referrals.CaseClosed,
            referrals.CaseWithdrawn,
            referrals.CaseExpired,
            referrals.CaseReopened,
            referrals.ActionUndone,
            referrals.EarningsContested,
            referrals.EarningsContestClosed,
        ),
    ),
    Topic(
        name=PROGRESSION_OUTCOME,
        summary="What each period brought, for everyone in scope, contacted or not.",
        key="claim_id",
        producer="referrals",
        consumers=(),
        retention_days=_PLATFORM_DAYS,
        events=_named(referrals.ArmAssigned, referrals.ArmExposed, referrals.OutcomeObserved),
        planned=frozenset({"ArmAssigned", "ArmExposed"}),
    ),
    Topic(
        name=PROGRESSION_REFERENCE,
        summary="Offices and coaches.",
        key="office:<id> or coach:<id>",
        producer="referrals",
        consumers=("earnings", "referrals", "notifications", "employer-link"),
        cleanup="compact",
        events=_named(reference.OfficeChanged, reference.CoachChanged),
    ),
    Topic(
        name=NOTIFICATIONS_APPOINTMENT,
        summary="Appointments from offer to end.",
        key="claim_id",
        producer="notifications",
        consumers=("referrals",),
        retention_days=_PLATFORM_DAYS,
        events=_named(
            notifications.AppointmentOffered,
            notifications.AppointmentBooked,
            notifications.AppointmentDeclined,
            notifications.AppointmentExpired,
            notifications.AppointmentMoved,
            notifications.AppointmentCancelled,
            notifications.AppointmentAtRisk,
            notifications.AppointmentAttended,
            notifications.AppointmentMissed,
            notifications.NoSlotFound,
        ),
    ),
    Topic(
        name=NOTIFICATIONS_MESSAGE,
        summary="Messages from request to receipt; no addresses, no wording.",
        key="claim_id",
        producer="notifications",
        consumers=("referrals",),
        retention_days=_PLATFORM_DAYS,
        events=_named(
            notifications.MessageRequested,
            notifications.MessageSent,
            notifications.MessageDelivered,
            notifications.MessageFailed,
            notifications.MessageWithdrawn,
        ),
    ),
    Topic(
        name=EMPLOYER_LINK_ENGAGEMENT,
        summary="Consents and three-way engagements.",
        key="claim_id",
        producer="employer-link",
        consumers=("referrals", "notifications"),
        retention_days=_PLATFORM_DAYS,
        events=_named(
            employer_link.ConsentGiven,
            employer_link.ConsentWithdrawn,
            employer_link.ConsentExpired,
            employer_link.EmployerContactForbidden,
            employer_link.EmployerContactAllowed,
            employer_link.EmployerInvited,
            employer_link.EngagementOpened,
            employer_link.EngagementShared,
            employer_link.EngagementAnswered,
            employer_link.EngagementApproved,
            employer_link.ApprovalsRevoked,
            employer_link.PlanAgreed,
            employer_link.ActionDue,
            employer_link.ActionDone,
            employer_link.EmployerContacted,
            employer_link.EngagementClosed,
        ),
    ),
    Topic(
        name=PLATFORM_CLOCK,
        summary="The clock of local and test platforms; production refuses it.",
        key="none",
        producer="devstack",
        consumers=("earnings", "referrals", "notifications", "employer-link"),
        partitions=1,
        events=_named(clock.ClockAdvanced),
    ),
)

TOPICS: dict[str, Topic] = {topic.name: topic for topic in _ALL}
"""Every topic by name."""

EVENT_TYPES: dict[str, type[msgspec.Struct]] = {name: struct for topic in _ALL for name, struct in topic.events.items()}
"""Every event by `ce_type`; names are unique over all topics."""


def consumed_by(service: str) -> tuple[str, ...]:
    """Names of the topics that a service reads, in registry order."""
    return tuple(topic.name for topic in _ALL if service in topic.consumers)
