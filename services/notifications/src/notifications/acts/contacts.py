"""A person asked for contact: hold a slot and offer it, or send a message, or say what would help."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from contracts import topics
from contracts.earnings import ClaimClaimant
from contracts.notifications import NoSlotFound
from contracts.referrals import ContactRequested
from contracts.vocabulary import AppointmentChannel
from notifications import bank_holidays, slot_ids, texts
from notifications.acts import appointments, messages
from notifications.acts.documents import claim, coach, lock_together, office, save
from notifications.acts.people import details, in_force
from notifications.model import ClaimDoc, CoachDoc, OfficeDoc, Waiting
from notifications.rules.basis import basis_in_force
from notifications.rules.calendars import MEETING_OF, SlotKey, home_office
from notifications.rules.easements import no_contact_spans, voluntary_only
from notifications.rules.hours import london_day
from notifications.rules.notice import Nation
from notifications.rules.preferences import channel_for
from notifications.rules.search import Terms, find, help_for
from notifications.rules.sending import case_over, not_contactable
from notifications.rules.slots import Needs
from notifications.setup import Setup
from streaming.work import Work

DEFAULT_NATION: Nation = "england"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a slot is looked for with."""

    needs: Needs
    terms: Terms


def requested(work: Work, setup: Setup, event: ContactRequested) -> None:
    """One ContactRequested. Without the claim's circumstances it waits for them: topics have no common order."""
    doc = claim(work, event.claim_id)
    if doc.snapshot is None:
        save(work, replace(doc, waiting=(*doc.waiting, Waiting(cause_id=work.cause.id, request=event))))
        work.outcome = "pending"
        return
    answer(work, setup, doc, event)


def answer_waiting(work: Work, setup: Setup, doc: ClaimDoc) -> ClaimDoc:
    """The circumstances have come: answer the requests that waited, in their order."""
    waiting, doc = doc.waiting, save(work, replace(doc, waiting=()))
    for item in waiting:
        doc = answer(work, setup, doc, item.request)
    return doc


def answer(work: Work, setup: Setup, doc: ClaimDoc, event: ContactRequested) -> ClaimDoc:
    """Offer an appointment or send a message, unless this person may not be contacted."""
    message_only = event.channel == "message"
    day = london_day(work.now)
    why = not_contactable(doc, event.claimant_id) or case_over(doc.cases.get(event.case_id), day)
    person = doc.person(event.claimant_id)
    if why is not None or person is None:
        template = "coach-message" if message_only else "appointment-offer"
        return messages.refuse(
            work, doc, template=template, claimant_id=event.claimant_id, case_id=event.case_id, why=why or "not_on_claim"
        )
    if event.channel == "message":
        return messages.request(
            work,
            setup,
            doc,
            template="coach-message",
            claimant_id=event.claimant_id,
            case_id=event.case_id,
            regarding=event.case_id,
            purpose=event.purpose,
            language=event.language,
        )
    return _offer(work, setup, doc, event, person, event.channel)


def _offer(
    work: Work, setup: Setup, doc: ClaimDoc, event: ContactRequested, person: ClaimClaimant, channel: AppointmentChannel
) -> ClaimDoc:
    basis = basis_in_force(
        event.contact_basis, event.requested_by_role, voluntary_only=voluntary_only(person, london_day(work.now))
    )
    template = "appointment-offer" if basis == "voluntary" else "appointment-notice"
    wish = wish_of(work, setup, doc, event.case_id, person, template, event.minutes)
    slot, reasons = search(work, wish, channel)
    if slot is None:
        event_out = NoSlotFound(
            case_id=event.case_id,
            claim_id=doc.claim_id,
            claimant_id=event.claimant_id,
            would_help=help_for(reasons, setup.policy.limits),
        )
        work.emit(topics.NOTIFICATIONS_APPOINTMENT, doc.claim_id, event_out, subject=event.case_id)
        return doc
    for earlier in list(doc.appointments.values()):
        if earlier.state == "offered" and earlier.case_id == event.case_id:
            doc = appointments.expire(work, setup, doc, earlier, "replaced")
    doc, _ = appointments.offer(
        work,
        setup,
        doc,
        case_id=event.case_id,
        claimant_id=event.claimant_id,
        slot=slot,
        private_room=private_room_used(wish.needs, channel),
        basis=basis,
        purpose=event.purpose,
        language=event.language,
    )
    return doc


def private_room_used(needs: Needs, channel: AppointmentChannel) -> bool:
    """A private room is taken only by those who need one."""
    return needs.private_room and MEETING_OF[channel] == "in_person"


def wish_of(
    work: Work, setup: Setup, doc: ClaimDoc, case_id: str, person: ClaimClaimant, template: str, minutes: int | None
) -> Wish:
    """The claimant's needs and the terms of the search, from everything known about them."""
    policy = setup.policy
    preferences = in_force(doc, person.claimant_id, work.now)
    known = details(setup, doc.claim_id, preferences)
    case = doc.cases.get(case_id)
    day = london_day(work.now)
    letter = channel_for(preferences, known, texts.newest(template)) == "letter"
    needs = Needs(
        coach_id=(case.coach_id if case else None) or person.coach_id,
        office_id=(case.office_id if case else None) or person.office_id,
        minutes=minutes or policy.in_work_minutes,
        private_room=known is not None and "private_room" in known.needs,
        poor_digital_skills=known is not None and "longer_slot" in known.needs,
        working_hours=known.working_pattern if known else (),
        no_contact=no_contact_spans(person),
    )
    terms = Terms(
        limits=policy.limits,
        bank_holidays=bank_holidays.around(day.year),
        nation=(doc.snapshot.jurisdiction if doc.snapshot else None) or DEFAULT_NATION,
        offered_on=day,
        by="letter" if letter else "digital",
        usual_hours=policy.usual_hours,
        grid_minutes=policy.grid_minutes,
        horizon_days=policy.horizon_days,
        name=slot_ids.name,
    )
    return Wish(needs=needs, terms=terms)


def search(work: Work, wish: Wish, channel: AppointmentChannel) -> tuple[SlotKey | None, tuple[str, ...]]:
    """Same coach first; then the cover coach and the home office's others; then nearby offices. Else the reasons met."""
    needs = wish.needs
    seen: set[str] = set()
    reasons: list[str] = []
    offices: dict[str, OfficeDoc | None] = {}
    home = office(work, needs.office_id) if needs.office_id else None
    if home is not None:
        offices[home.office_id] = home
    own = coach(work, needs.coach_id) if needs.coach_id else None
    nearby = home.facts.nearby if home and home.facts else ()

    def group(stage: int) -> list[str]:
        if stage == 0:
            return [own.coach_id] if own else []
        if stage == 1:
            cover = own.facts.cover_coach_id if own and own.facts else None
            return [*([cover] if cover else []), *(home.coaches if home else ())]
        lock_together(work, [("office", office_id) for office_id in nearby])
        return [coach_id for office_id in nearby for coach_id in office(work, office_id).coaches]

    for stage in range(3):
        names = [coach_id for coach_id in dict.fromkeys(group(stage)) if coach_id not in seen]
        seen.update(names)
        if not names:
            continue
        found = _load(work, names, offices)
        asked = needs if needs.office_id else replace(needs, office_id=home_office(found[0]))
        slot, met = find(found, offices, asked, channel, wish.terms)
        if slot is not None:
            return slot, ()
        reasons.extend(met)
    return None, tuple(dict.fromkeys(reasons))


def _load(work: Work, names: list[str], offices: dict[str, OfficeDoc | None]) -> list[CoachDoc]:
    lock_together(work, [("coach", coach_id) for coach_id in names])
    found = [coach(work, coach_id) for coach_id in names]
    places = {office_id for item in found for office_id in _offices_of(item)} - offices.keys()
    lock_together(work, [("office", office_id) for office_id in sorted(places)])
    offices.update({office_id: office(work, office_id) for office_id in places})
    return found


def _offices_of(item: CoachDoc) -> set[str]:
    own = {window.office_id for window in item.calendar.pattern if window.office_id} if item.calendar else set()
    return own | set(item.facts.offices if item.facts else ())
