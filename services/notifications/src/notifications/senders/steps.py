"""The transactions around one call: begin it (or decide against it), and record what came of it."""

from __future__ import annotations

from datetime import timedelta

import structlog
from msgspec.structs import replace

from notifications import texts
from notifications.acts import delivery, messages
from notifications.acts.documents import claim, office, save, with_message
from notifications.acts.people import details, in_force
from notifications.model import Appointment, ClaimDoc, Message
from notifications.rules import fields
from notifications.rules.preferences import Details, channel_for
from notifications.rules.sending import Stop, Wait, judge, polite_time
from notifications.rules.templates import MissingField, Rendered, Template, languages, render
from notifications.rules.wording import judge as judge_wording
from notifications.senders.provider import Accepted, Answer, Away, Forbidden, Found, NotThere, Outgoing, Rejected
from notifications.setup import Setup
from streaming.work import Work

log = structlog.get_logger()

LATE = timedelta(hours=1)
"""A message this much later than it was due is checked again for quiet and working hours."""

FORBIDDEN_WAIT_S = 30.0
FIRST_BACK_OFF_S, LAST_BACK_OFF_S = 1.0, 30.0
"""The longest waits are half of the minute within which everything must be well again after the provider is."""


class LookUp:
    """An earlier attempt's result is not known: ask the provider what it has."""


Begun = Outgoing | LookUp | None


def begin(work: Work, setup: Setup, claim_id: str, message_id: str) -> Begun:
    """Judge the message at this very moment and write the attempt down, or withdraw, postpone, or have it looked up."""
    doc = claim(work, claim_id)
    message = doc.messages.get(message_id)
    if message is None or message.due_at is None:
        return None
    if message.state in ("sending", "unknown"):
        return LookUp()
    template = texts.templates()[message.template, message.template_version]
    ruling = judge(doc, message, template, work.now, setup.policy.burden_cap)
    if isinstance(ruling, Stop):
        messages.withdraw(work, doc, message, ruling.why)
        return None
    if isinstance(ruling, Wait):
        save(work, with_message(doc, replace(message, due_at=ruling.until)))
        return None
    known = details(setup, claim_id, in_force(doc, message.claimant_id, work.now))
    channel = channel_for(in_force(doc, message.claimant_id, work.now), known, template)
    if channel is None or known is None:
        messages.withdraw(work, doc, message, "no_contact_details")
        return None
    message = replace(message, channel=channel)
    if _should_wait(work, message, known):
        later = polite_time(work.now, known.quiet_hours, known.working_pattern)
        if later > work.now:
            save(work, with_message(doc, replace(message, due_at=later, postponed=message.postponed + 1)))
            return None
    return _attempt(work, setup, doc, message, template, known)


def _should_wait(work: Work, message: Message, known: Details) -> bool:
    late = message.due_at is not None and work.now - message.due_at > LATE
    return late and message.postponed == 0 and message.channel != "letter"


def _attempt(work: Work, setup: Setup, doc: ClaimDoc, message: Message, template: Template, known: Details) -> Begun:
    rendered = _render(work, doc, message, template)
    if rendered is None or not _wording_allowed(setup, message, template, rendered):
        messages.withdraw(work, doc, message, "wording")
        return None
    number = message.attempts + 1
    save(work, with_message(doc, replace(message, state="sending", attempts=number, looked_up=0)))
    work.append("attempt", claim_id=doc.claim_id, message_id=message.message_id, number=number, reference=message.message_id)
    return Outgoing(message.channel, _to(message, known), rendered.subject, rendered.body, message.message_id)


def _render(work: Work, doc: ClaimDoc, message: Message, template: Template) -> Rendered | None:
    appointment = doc.appointments.get(message.regarding)
    values = fields.of_message(message.purpose, appointment, _office_name(work, appointment), texts.words())
    try:
        return render(template, message.language, message.channel, values)
    except (MissingField, ValueError) as error:
        log.error("message.unrenderable", template=template.template, version=template.version, error=type(error).__name__)
        return None


def _office_name(work: Work, appointment: Appointment | None) -> str | None:
    if appointment is None or appointment.office_id is None:
        return None
    facts = office(work, appointment.office_id).facts
    return facts.name if facts else None


def _wording_allowed(setup: Setup, message: Message, template: Template, rendered: Rendered) -> bool:
    verdict = judge_wording(
        setup.policy.wording,
        basis=template.basis,
        channel=message.channel,
        text=f"{rendered.subject}\n{rendered.body}",
        items=rendered.items if template.basis == "mandatory" else None,
        languages=languages(message.language),
    )
    if not verdict.allowed:
        log.error("message.wording", template=template.template, words=verdict.words, missing=verdict.missing, sms=verdict.sms)
    return verdict.allowed


def _to(message: Message, known: Details) -> tuple[str, ...]:
    match message.channel:
        case "email":
            return (known.email or "",)
        case "sms":
            return (known.phone or "",)
        case "letter":
            return known.address


def record(work: Work, setup: Setup, claim_id: str, message_id: str, answer: Answer) -> None:
    """What the provider answered to the attempt."""
    doc = claim(work, claim_id)
    message = doc.messages.get(message_id)
    if message is None:
        return
    outcome = type(answer).__name__.lower()
    work.append("attempt_outcome", claim_id=claim_id, message_id=message_id, number=message.attempts, outcome=outcome)
    if isinstance(answer, Accepted):
        delivery.provider_said(work, setup, doc, message, provider_id=answer.provider_id, status=answer.status)
        return
    if message.state != "sending":
        return  # a receipt was faster than the answer
    match answer:
        case Rejected():
            delivery.refused(work, doc, message)
        case Forbidden():
            log.error("provider.forbidden", hint="check this machine's clock and NOTIFY_API_KEY")
            delivery.again_later(work, doc, message)
            _not_before(work, claim_id, message_id, FORBIDDEN_WAIT_S)
        case Away():
            delivery.again_later(work, doc, message)
            _not_before(work, claim_id, message_id, back_off_s(message.attempts))
        case _:
            delivery.not_known(work, doc, message, looked_up=0)


def record_look_up(work: Work, setup: Setup, claim_id: str, message_id: str, found: Found, settle_s: float) -> None:
    """What the provider has under our reference. Nothing twice, with its own delay between: the message is tried again."""
    doc = claim(work, claim_id)
    message = doc.messages.get(message_id)
    if message is None or message.state not in ("sending", "unknown"):
        return
    match found:
        case Accepted():
            delivery.provider_said(work, setup, doc, message, provider_id=found.provider_id, status=found.status)
        case NotThere() if message.looked_up == 0:
            delivery.not_known(work, doc, message, looked_up=1)
            _not_before(work, claim_id, message_id, settle_s)
        case NotThere():
            delivery.again_later(work, doc, message)
            _not_before(work, claim_id, message_id, 0.0)
        case _:
            delivery.not_known(work, doc, message, looked_up=message.looked_up)
            _not_before(work, claim_id, message_id, back_off_s(message.attempts))


def back_off_s(attempts: int) -> float:
    """1, 2, 4, … seconds, at most half a minute."""
    doublings = min(max(0, attempts - 1), 16)  # no float holds the power that a day without the provider would come to
    return float(min(FIRST_BACK_OFF_S * 2**doublings, LAST_BACK_OFF_S))


def _not_before(work: Work, claim_id: str, message_id: str, seconds: float) -> None:
    work.append("not_before", claim_id=claim_id, message_id=message_id, seconds=seconds)
