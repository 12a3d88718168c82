"""One claimant's story, step by step with its times: what happened, by the platform's calendar."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from devstack.demo.recording import Event, Recording

WEIGHTS = {
    "FlagRaised": 1, "FlagWithdrawn": 1, "CaseOpened": 2, "ContactRequested": 2, "AppointmentBooked": 3, "AppointmentAttended": 4,
    "ConsentGiven": 4, "EngagementShared": 4, "PlanAgreed": 8, "ActionDone": 2, "OutcomeMet": 6, "MessageDelivered": 1,
}  # fmt: skip

SAYS = {
    "ClaimOpened": "a claim is opened",
    "EmploymentStarted": "first pay from an employer",
    "FlagPlanned": "{rule_id} is planned; to be checked again on {due_at}",
    "FlagRaised": "{rule_id} is raised: {reasons}",
    "FlagShown": "the flag appears on the coach's worklist",
    "FlagWithdrawn": "the flag is withdrawn: {why}",
    "CaseOpened": "a case is opened for the coach",
    "ContactRequested": "the coach asks for a contact ({channel}, {contact_basis})",
    "AppointmentOffered": "an appointment is offered for {starts_at} ({channel})",
    "MessageSent": "a message goes out",
    "MessageDelivered": "the message is delivered",
    "AppointmentBooked": "the claimant accepts: booked",
    "AppointmentDeclined": "the claimant declines",
    "AppointmentAttended": "they meet",
    "AppointmentMissed": "the claimant did not come",
    "ConsentGiven": "the claimant agrees to involve the employer, until {expires_on}",
    "EngagementOpened": "the coach opens an engagement: {ask}",
    "EngagementShared": "it is shared with the employer",
    "EngagementAnswered": "the employer answers: {answer}",
    "EngagementApproved": "{party} approves",
    "PlanAgreed": "the three-way plan is agreed",
    "ActionDone": "an agreed action is done",
    "EngagementClosed": "the engagement is closed: {reason}",
    "OutcomeMet": "outcome met: {rule_id}",
    "CaseClosed": "the case is closed: {outcome}",
}


def story(recording: Recording, days: dict[int, str]) -> list[str]:
    """Lines of the richest story. days: for each clock tick (milliseconds, wall) the platform's day it began."""
    by_person: dict[str, list[Event]] = defaultdict(list)
    for event in recording.events:
        claimant = event.body.get("claimant_id")
        if claimant is not None and (event.type in SAYS):
            by_person[claimant].append(event)
    if not by_person:
        return ["nothing happened to anybody"]
    best = max(by_person.values(), key=lambda events: sum(WEIGHTS.get(event.type, 0) for event in events))
    lines: list[str] = []
    for event in best:
        tick = max((at for at in days if at <= event.at_ms), default=None)
        day = days[tick] if tick is not None else "          "
        lines.append(f"{day}  {_say(event.type, event.body)}")
    return list(dict.fromkeys(lines))


def _say(name: str, body: dict[str, Any]) -> str:
    values = {key: ", ".join(map(str, value)) if isinstance(value, list) else str(value)[:16] for key, value in body.items()}
    try:
        return SAYS[name].format(**values)
    except KeyError:
        return SAYS[name].split(":")[0].split("(")[0].strip()
