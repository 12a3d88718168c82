"""Ask for a message, give it up, and record what the provider made of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

from msgspec.structs import replace

from contracts import topics
from contracts.notifications import MessageDelivered, MessageFailed, MessageRequested, MessageSent, MessageWithdrawn
from contracts.vocabulary import Failure, Language
from notifications import texts
from notifications.acts.documents import save, with_message
from notifications.acts.people import details, in_force
from notifications.model import ClaimDoc, Contact, Message
from notifications.rules.delivery import Step
from notifications.rules.preferences import channel_for, language_for
from notifications.rules.sending import Stop, judge, polite_time
from notifications.setup import Setup
from streaming.work import DueItem, Work, derive_id

DETAILS_WAIT = "details-wait"


def wait_id(message_id: str) -> str:
    """Name of the timer that ends the wait for contact details."""
    return derive_id(DETAILS_WAIT, message_id)


def request(
    work: Work,
    setup: Setup,
    doc: ClaimDoc,
    *,
    template: str,
    claimant_id: str,
    case_id: str | None,
    regarding: str,
    purpose: str = "usual",
    seat: int = 0,
    language: Language | None = None,
) -> ClaimDoc:
    """A message to the claimant is to be sent. Without contact details it waits for them, for a day."""
    chosen = texts.newest(template)
    preferences = in_force(doc, claimant_id, work.now)
    message = Message(
        message_id=work.next_id("message"),
        case_id=case_id,
        claimant_id=claimant_id,
        party="claimant",
        template=template,
        template_version=chosen.version,
        language=language_for(language, preferences, chosen),
        channel="letter",
        purpose=purpose,
        regarding=regarding,
        seat=seat,
        state="requested",
        requested_at=work.now,
        due_at=None,
        addressed=False,
    )
    doc = _address(work, setup, with_message(doc, message), message)
    if not doc.messages[message.message_id].addressed:
        wait = timedelta(days=setup.policy.wait_for_details_days)
        item = DueItem(
            id=wait_id(message.message_id),
            root=("claim", doc.claim_id),
            due_at=work.now + wait,
            name=DETAILS_WAIT,
            payload={"message_id": message.message_id},
        )
        work.schedule(item)
    return save(work, doc)


def refuse(work: Work, doc: ClaimDoc, *, template: str, claimant_id: str, case_id: str | None, why: str) -> ClaimDoc:
    """Contact was asked for that may not be made: the request and its withdrawal are both on record."""
    chosen = texts.newest(template)
    message = Message(
        message_id=work.next_id("message"),
        case_id=case_id,
        claimant_id=claimant_id,
        party="claimant",
        template=template,
        template_version=chosen.version,
        language="en",
        channel="letter",
        purpose="usual",
        regarding=case_id or claimant_id,
        seat=0,
        state="requested",
        requested_at=work.now,
        due_at=None,
    )
    _publish_request(work, doc.claim_id, message)
    return withdraw(work, with_message(doc, message), message, why)


def address_waiting(work: Work, setup: Setup, doc: ClaimDoc) -> ClaimDoc:
    """Contact details have come: messages that waited for them can go."""
    for message in list(doc.messages.values()):
        if message.state == "requested" and not message.addressed:
            doc = _address(work, setup, doc, message)
            if doc.messages[message.message_id].addressed:
                work.cancel(wait_id(message.message_id))
    return doc


def give_up_waiting(work: Work, doc: ClaimDoc, message_id: str) -> ClaimDoc:
    """No contact details came in time: the message has failed, and the coach can see it."""
    message = doc.messages.get(message_id)
    if message is None or message.state != "requested" or message.addressed:
        return doc
    _publish_request(work, doc.claim_id, message)
    return fail(work, doc, message, "permanent")


def review(work: Work, setup: Setup, doc: ClaimDoc) -> ClaimDoc:
    """Facts have changed: withdraw at once what may no longer be sent. The sender judges again in any case."""
    for message in list(doc.messages.values()):
        if message.state == "requested":
            template = texts.templates()[message.template, message.template_version]
            ruling = judge(doc, message, template, work.now, setup.policy.burden_cap)
            if isinstance(ruling, Stop):
                doc = withdraw(work, doc, message, ruling.why)
    return doc


def withdraw(work: Work, doc: ClaimDoc, message: Message, why: str) -> ClaimDoc:
    """It will not be sent."""
    gone = replace(message, state="withdrawn", withdrawn_why=why, due_at=None)
    work.emit(
        topics.NOTIFICATIONS_MESSAGE,
        doc.claim_id,
        MessageWithdrawn(
            message_id=message.message_id,
            case_id=message.case_id,
            claim_id=doc.claim_id,
            claimant_id=message.claimant_id,
            why=why,
        ),
        subject=message.message_id,
    )
    if not message.addressed:
        work.cancel(wait_id(message.message_id))
    return save(work, with_message(doc, gone))


def fail(work: Work, doc: ClaimDoc, message: Message, failure: Failure) -> ClaimDoc:
    """It could not be sent or delivered."""
    failed = replace(message, state="failed", failure=failure, due_at=None)
    _publish_failure(work, doc.claim_id, failed, failure)
    return save(work, with_message(doc, failed))


def advance(work: Work, doc: ClaimDoc, steps: list[Step]) -> ClaimDoc:
    """Publish and keep what the provider's word changed. A sent message that counts as a contact joins the burden cap."""
    for step in steps:
        doc = _publish_step(work, with_message(doc, step.message), step)
    return save(work, doc) if steps else doc


def _publish_step(work: Work, doc: ClaimDoc, step: Step) -> ClaimDoc:
    message, claim_id, case_id = step.message, doc.claim_id, step.message.case_id
    person = message.claimant_id
    match step.news:
        case "sent":
            sent = MessageSent(
                message_id=message.message_id,
                case_id=case_id,
                claim_id=claim_id,
                claimant_id=person,
                provider_reference=message.provider_id or "",
            )
            work.emit(topics.NOTIFICATIONS_MESSAGE, claim_id, sent, subject=message.message_id)
            if texts.templates()[message.template, message.template_version].counts_as_contact:
                contact = Contact(claimant_id=person, at=message.sent_at or work.now)
                doc = replace(doc, contacts=(*doc.contacts, contact))
        case "delivered":
            delivered = MessageDelivered(message_id=message.message_id, case_id=case_id, claim_id=claim_id, claimant_id=person)
            work.emit(topics.NOTIFICATIONS_MESSAGE, claim_id, delivered, subject=message.message_id)
        case "failed":
            _publish_failure(work, claim_id, message, message.failure or "technical")
        case _:
            assert_never(step.news)
    return doc


def _address(work: Work, setup: Setup, doc: ClaimDoc, message: Message) -> ClaimDoc:
    template = texts.templates()[message.template, message.template_version]
    preferences = in_force(doc, message.claimant_id, work.now)
    known = details(setup, doc.claim_id, preferences)
    channel = channel_for(preferences, known, template)
    if channel is None or known is None:
        return doc
    due_at: datetime = work.now
    if channel != "letter":
        due_at = polite_time(work.now, known.quiet_hours, known.working_pattern)
    addressed = replace(message, channel=channel, addressed=True, due_at=due_at)
    _publish_request(work, doc.claim_id, addressed)
    return save(work, with_message(doc, addressed))


def _publish_request(work: Work, claim_id: str, message: Message) -> None:
    event = MessageRequested(
        message_id=message.message_id,
        case_id=message.case_id,
        claim_id=claim_id,
        claimant_id=message.claimant_id,
        template=message.template,
        template_version=message.template_version,
        language=message.language,
        party=message.party,
        channel=message.channel,
        regarding=message.regarding,
    )
    work.emit(topics.NOTIFICATIONS_MESSAGE, claim_id, event, subject=message.message_id)


def _publish_failure(work: Work, claim_id: str, message: Message, failure: Failure) -> None:
    event = MessageFailed(
        message_id=message.message_id,
        case_id=message.case_id,
        claim_id=claim_id,
        claimant_id=message.claimant_id,
        failure=failure,
    )
    work.emit(topics.NOTIFICATIONS_MESSAGE, claim_id, event, subject=message.message_id)
