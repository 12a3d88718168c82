"""What coaches, claimants and employers do in the demo, day by day, through the HTTP APIs only.

Each person decides by their own seeded chance, so that a run can be repeated. Coaches see only their worklist, claimants
their own offers, employers what was shared with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from contracts.ids import employer_id
from devstack.demo.callers import Answer, Caller
from devstack.demo.cast import Cast

CONSENT_FIELDS = ["employee_name", "payroll_id", "ask", "coach_contact", "plan"]
CONSENT_DAYS = 120
OFFER_PATIENCE_DAYS = 20
ASKS = ("more_hours", "more_hours", "training", "different_shifts", "higher_role")


@dataclass(slots=True)
class Journey:
    """One claimant's way after contact, as the people involved remember it."""

    case_id: str
    claimant_id: str
    coach_id: str
    contacted_on: date
    meeting: str | None = None
    meeting_on: date | None = None
    engagement_id: str | None = None
    paye_reference: str | None = None
    wait_until: date | None = None
    closed: bool = False

    @property
    def seed(self) -> tuple[str, str]:
        """What these people's chances depend on: nothing that differs between two plays of one world."""
        return self.claimant_id, self.contacted_on.isoformat()


class Acting:
    """Everybody's day. done: what was done, by name."""

    def __init__(self, cast: Cast, seed: int, settle: Callable[[], None] = lambda: None) -> None:
        """settle: called after each request for contact; a play that is compared with another waits here until it is done."""
        self.done: Counter[str] = Counter()
        self.journeys: dict[str, Journey] = {}
        self._cast = cast
        self._seed = seed
        self._settle = settle
        self._works_at = {person.claimant_id: person.paye_references for person in cast.people.claimants}

    def day(self, today: date) -> int:
        """All acts of one day; returns how many changed something."""
        before = sum(self.done.values())
        for coach in self._cast.people.coaches:
            self._worklist(coach.coach_id, today)
        for journey in list(self.journeys.values()):
            if not journey.closed and (journey.wait_until is None or journey.wait_until <= today):
                self._go_on(journey, today)
        return sum(self.done.values()) - before

    def _chance(self, *about: str) -> Random:
        return Random("/".join((str(self._seed), *about)))

    def _count(self, name: str, answer: Answer) -> Answer:
        if answer.ok:
            self.done[name] += 1
        return answer

    # -- the coach's list ---------------------------------------------------------------------------------------

    def _worklist(self, coach_id: str, today: date) -> None:
        coach = self._cast.coach(coach_id)
        if today.weekday() >= 5:
            return
        shown = coach.items("referrals", f"/v1/worklist?coach={coach_id}&state=shown&limit=100")
        for item in sorted(shown, key=lambda item: str(item["claimant_id"])):  # ids of cases differ between plays
            self._new_case(coach, coach_id, item, today)
        if today.weekday() == 0:
            free = coach.items("referrals", "/v1/worklist?unassigned=true&state=shown&limit=100")
            for item in sorted(free, key=lambda item: str(item["claimant_id"])):
                body = {"coach_id": coach_id, "reason": "manual"}
                self._count("assigned", coach.post("referrals", f"/v1/cases/{item['case_id']}/assign", body, item["etag"]))

    def _new_case(self, coach: Caller, coach_id: str, item: dict[str, Any], today: date) -> None:
        case_id, path = item["case_id"], f"/v1/cases/{item['case_id']}"
        if case_id in self.journeys:
            return  # asked already; the message is on its way, or the claimant has no way to be reached
        chance = self._chance(item["claimant_id"], str(item["shown_at"])).random()
        if chance < 0.78:
            channel = "message" if chance < 0.12 else "phone" if chance < 0.4 else "face_to_face"
            body = {"purpose": "progression", "contact_basis": "voluntary", "channel": channel, "minutes": None, "language": None}
            if self._count("contact asked", coach.post("referrals", f"{path}/contact", body, item["etag"])).ok:
                self.journeys[case_id] = Journey(case_id, item["claimant_id"], coach_id, today)
                self._settle()
        elif chance < 0.86:
            body = {"until": (today + timedelta(days=14)).isoformat(), "code": "waiting_for_payslip"}
            self._count("held", coach.post("referrals", f"{path}/hold", body, item["etag"]))
        elif chance < 0.93:
            self._count(
                "not applicable", coach.post("referrals", f"{path}/not-applicable", {"code": "left_the_area"}, item["etag"])
            )

    # -- the meeting --------------------------------------------------------------------------------------------

    def _go_on(self, journey: Journey, today: date) -> None:
        if journey.engagement_id is not None:
            self._engagement(journey, today)
        elif journey.meeting is None:
            self._answer_offer(journey, today)
        elif journey.meeting_on is not None and today >= journey.meeting_on:
            self._meet(journey, today)

    def _answer_offer(self, journey: Journey, today: date) -> None:
        claimant = self._cast.claimant(journey.claimant_id)
        offers = [
            offer
            for offer in claimant.items("notifications", f"/v1/appointments?claimant={journey.claimant_id}")
            if offer["state"] == "offered" and offer["case_id"] == journey.case_id
        ]
        if not offers:
            journey.closed = (today - journey.contacted_on).days > OFFER_PATIENCE_DAYS
            return
        offer = offers[0]
        path = f"/v1/appointments/{offer['appointment_id']}"
        read = claimant.get("notifications", path)
        says_yes = self._chance(*journey.seed, "answer").random() < 0.82
        answer = self._count(
            "offer accepted" if says_yes else "offer declined",
            claimant.post("notifications", f"{path}/{'accept' if says_yes else 'decline'}", {}, read.etag),
        )
        if answer.ok and says_yes:
            journey.meeting = offer["appointment_id"]
            journey.meeting_on = date.fromisoformat(offer["starts_at"][:10]) + timedelta(days=1)
        elif answer.ok:
            journey.closed = True

    def _meet(self, journey: Journey, today: date) -> None:
        coach = self._cast.coach(journey.coach_id)
        path = f"/v1/appointments/{journey.meeting}"
        read = coach.get("notifications", path)
        if not read.ok or read.body["state"] != "booked":
            journey.closed = True
            return
        came = self._chance(*journey.seed, "came").random() < 0.88
        body: dict[str, Any] = {} if came else {"reason": None}
        answer = self._count(
            "attended" if came else "missed",
            coach.post("notifications", f"{path}/{'attended' if came else 'missed'}", body, read.etag),
        )
        journey.closed = not (answer.ok and came and self._involve_employer(journey, today))

    # -- the three-way plan -------------------------------------------------------------------------------------

    def _involve_employer(self, journey: Journey, today: date) -> bool:
        """The claimant agrees, or not; the coach opens a draft."""
        references = self._works_at.get(journey.claimant_id, ())
        chance = self._chance(*journey.seed, "employer")
        if not references or chance.random() > 0.6:
            return False
        claimant, coach = self._cast.claimant(journey.claimant_id), self._cast.coach(journey.coach_id)
        reference = references[-1]
        consent = self._count(
            "consent given",
            claimant.post(
                "employer_link",
                "/v1/consents",
                {
                    "claimant_id": journey.claimant_id,
                    "employer_id": employer_id(reference),
                    "fields": CONSENT_FIELDS,
                    "purpose": "progression_plan",
                    "expires_on": (today + timedelta(days=CONSENT_DAYS)).isoformat(),
                    "wording_version": "2026-04",
                },
            ),
        )
        if not consent.ok:
            return False
        opened = self._count(
            "engagement opened",
            coach.post(
                "employer_link",
                "/v1/engagements",
                {
                    "case_id": journey.case_id,
                    "employer_id": employer_id(reference),
                    "consent_id": consent.body["consent_id"],
                    "ask": chance.choice(ASKS),
                },
            ),
        )
        if not opened.ok:
            return False
        journey.engagement_id, journey.paye_reference = opened.body["engagement_id"], reference
        return True

    def _engagement(self, journey: Journey, today: date) -> None:
        """Whoever's move it is makes it; one move a day."""
        coach = self._cast.coach(journey.coach_id)
        read = coach.get("employer_link", f"/v1/engagements/{journey.engagement_id}")
        if not read.ok or read.body["state"] == "closed":
            journey.closed = True
            return
        mover: str | None = read.body["next_mover"]
        moves: dict[str | None, Callable[[Journey, Answer, date], None]] = {
            "coach": self._coach_moves,
            "claimant": self._claimant_moves,
            "employer": self._employer_moves,
        }
        moves[mover](journey, read, today)

    def _coach_moves(self, journey: Journey, read: Answer, today: date) -> None:
        coach, path = self._cast.coach(journey.coach_id), f"/v1/engagements/{journey.engagement_id}"
        allowed, plan = read.body["allowed"], read.body["plan"]
        if read.body["state"] == "draft" and "share" in allowed:
            shared = self._count("shared", coach.post("employer_link", f"{path}/share", {}, read.etag))
            if shared.status == 409 and shared.body.get("next_allowed_on"):  # this employer heard from us often enough lately
                journey.wait_until = date.fromisoformat(shared.body["next_allowed_on"])
            else:
                journey.closed = not shared.ok
        elif "approve" in allowed:
            self._count("coach approved", coach.post("employer_link", f"{path}/approve", {}, read.etag))
        elif "actions" in allowed:
            for action in self._ripe(journey, plan, "coach", today):
                self._count("action done", coach.post("employer_link", f"{path}/actions", action, read.etag))
        elif read.body["state"] == "following_up" and all(action["done_on"] for action in plan["actions"]):
            self._finish(journey, read)
            journey.closed = True
        elif (
            "close" in allowed
            and read.body["state"] in ("shared", "answered")
            and read.body["answer"] in ("none", "wrong_contact")
        ):
            self._count("engagement declined", coach.post("employer_link", f"{path}/close", {"reason": "declined"}, read.etag))
            journey.closed = True

    def _finish(self, journey: Journey, read: Answer) -> None:
        """The plan is done: half of the coaches say so at once, the others go on following up."""
        coach = self._cast.coach(journey.coach_id)
        if self._chance(*journey.seed, "finish").random() < 0.5:
            path = f"/v1/engagements/{journey.engagement_id}/close"
            if self._count("engagement completed", coach.post("employer_link", path, {"reason": "completed"}, read.etag)).ok:
                self._close_case(journey)

    def _close_case(self, journey: Journey) -> None:
        coach = self._cast.coach(journey.coach_id)
        read = coach.get("referrals", f"/v1/cases/{journey.case_id}")
        if read.ok and "close" in read.body["allowed"]:
            self._count(
                "case closed",
                coach.post("referrals", f"/v1/cases/{journey.case_id}/close", {"outcome": "outcome_met"}, read.etag),
            )

    def _claimant_moves(self, journey: Journey, read: Answer, today: date) -> None:
        claimant, path = self._cast.claimant(journey.claimant_id), f"/v1/engagements/{journey.engagement_id}"
        mine = claimant.get("employer_link", path)
        if not mine.ok:
            return
        if "approve" in mine.body["allowed"]:
            self._count("claimant approved", claimant.post("employer_link", f"{path}/approve", {}, mine.etag))
        elif "actions" in mine.body["allowed"]:
            for action in self._ripe(journey, mine.body["plan"], "claimant", today):
                self._count("action done", claimant.post("employer_link", f"{path}/actions", action, mine.etag))

    def _employer_moves(self, journey: Journey, read: Answer, today: date) -> None:
        employer = self._cast.employer(journey.paye_reference or "")
        path = f"/v1/employer/engagements/{journey.engagement_id}"
        seen = employer.get("employer_link", path)
        if not seen.ok:
            journey.closed = seen.status == 410
            return
        state, chance = seen.body["state"], self._chance(*journey.seed, "employer answers").random()
        if state == "shared":
            answer = "none" if chance < 0.1 else "need_time" if chance < 0.2 and today.day % 2 else read.body["ask"]
            allowed = {"more_hours", "different_shifts", "training", "higher_role", "none", "need_time"}
            body = {"answer": answer if answer in allowed else "more_hours"}
            self._count("employer answered", employer.post("employer_link", f"{path}/answer", body, seen.etag))
        elif state == "answered":
            self._count("employer approved", employer.post("employer_link", f"{path}/approve", {}, seen.etag))
        else:
            for action in self._ripe(journey, read.body["plan"], "employer", today):
                self._count("action done", employer.post("employer_link", f"{path}/actions", action, seen.etag))

    def _ripe(self, journey: Journey, plan: dict[str, Any], owner: str, today: date) -> list[dict[str, str]]:
        """The owner's next open action, once its day is near enough for this owner: people act days before it is due."""
        open_actions = [action for action in plan["actions"] if action["owner"] == owner and action["done_on"] is None]
        for action in open_actions[:1]:
            early = self._chance(*journey.seed, owner, "early").randint(0, 20)
            if today >= date.fromisoformat(action["due_on"]) - timedelta(days=early):
                return [{"action_id": action["action_id"]}]
        return []
