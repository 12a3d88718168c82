"""Ada and Ben share a claim and nothing else: whatever Ada, her coach or a text is shown, Ben's figures are not in it.

Ben's pay is made of amounts that nothing else has. Every answer to Ada and her coach, from every route that accepts them
in every service, every event about her, and every text that was sent to her is searched for them, and for what would give
them away: totals of the household, and the shortfall to the couple's threshold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from tests.support.foreign_feed import CLAIMANT
from tests.support.story import Person, Story, eventually

from contracts import topics

ROOT = Path(__file__).resolve().parents[2]
ADA = (1103.17, 1103.17, 641.29)
BEN = (612.37, 603.43, 597.19)
COUPLE_AET = 1597.00
MOVED_S = 60.0
"""Within which whoever looked after Ben before no longer reads anything of his."""
EVENTS = (
    topics.PROGRESSION_FLAG,
    topics.PROGRESSION_CASE,
    topics.PROGRESSION_OUTCOME,
    topics.NOTIFICATIONS_APPOINTMENT,
    topics.NOTIFICATIONS_MESSAGE,
    topics.EMPLOYER_LINK_ENGAGEMENT,
)


def canaries() -> dict[str, re.Pattern[str]]:
    """What must appear nowhere, in pence, pounds and pounds with a comma."""
    totals = [a + b for a, b in zip(ADA, BEN, strict=True)]
    secret = {f"Ben's pay {pay}": pay for pay in BEN}
    secret |= {f"the household's {total:.2f}": total for total in totals}
    secret |= {f"the couple's shortfall of {total:.2f}": COUPLE_AET - total for total in totals if total < COUPLE_AET}
    return {
        name: re.compile(rf"(?<![0-9a-f.])(?:{round(pounds * 100)}|{pounds:.2f}|{pounds:,.2f})(?![0-9a-f])".replace(".", r"\."))
        for name, pounds in secret.items()
    }


def found(text: str) -> list[str]:
    return [name for name, pattern in canaries().items() if pattern.search(text)]


def test_the_search_finds_what_it_looks_for() -> None:
    assert found('{"gross_pence": 61237}') == ["Ben's pay 612.37"]
    assert found("your household earned £1,715.54 in all") == ["the household's 1715.54"]
    assert found("£358.52 below the threshold for couples") == ["the couple's shortfall of 1238.48"]
    assert found('{"gross_pence": 64129, "id": "a-61237f", "n": 612370, "amount": "1612.37"}') == []


class Heard:
    """Everything that somebody was answered, from now on."""

    def __init__(self, *people: Person) -> None:
        self.answers: list[tuple[str, str]] = []
        self.ok: set[str] = set()
        for person in people:
            person._http.event_hooks["response"].append(self._keep)

    def _keep(self, answer: httpx.Response) -> None:
        answer.read()
        self.answers.append((f"{answer.request.method} {answer.request.url.path}", answer.text + str(answer.headers)))


def routes(scope: str) -> Iterable[tuple[str, str]]:
    """(service, path) of every GET that accepts the scope."""
    for name in ("earnings", "referrals", "notifications", "employer-link"):
        document = json.loads((ROOT / "services" / name / "openapi.json").read_text())
        for path, operations in document["paths"].items():
            if scope in operations.get("get", {}).get("x-scopes", ()):
                yield name.replace("-", "_"), path


def test_nothing_shown_to_ada_or_her_coach_contains_bens_figures(story: Callable[..., Story]) -> None:
    ada = story(couple=True)
    me, ben = ada.house.people
    heard = Heard(ada.coach, ada.claimant, ada.leader)
    for number, pay in enumerate(zip(ADA, BEN, strict=True)):
        for person, pounds in enumerate(pay):
            ada.pay(ada.months_ago(4 - number, 20), pounds, person, taxablePayToDate=pounds)
    ada.open_claim(ada.months_ago(4))
    elsewhere = {"deliveryUnits": ["office-of-ben"], "workCoach": {"type": "WORK_COACH", "id": "coach-of-ben"}}
    ada.feed.ucfs(CLAIMANT, ben, ada.house.claimant(1, **elsewhere))

    ids = play(ada, me)
    for scope, person in (("coach", ada.coach), ("claimant", ada.claimant), ("team-leader", ada.leader)):
        for service, path in routes(scope):
            ask(person, service, path, {**ids, "claimant_id": me}, heard, f"{scope} {service} {path}")
            if "{claimant_id}" in path:
                hidden = path.format(**{**ids, "claimant_id": ben})
                eventually(partial(refused, person, service, hidden), f"{scope} no longer reads Ben's {path}", MOVED_S)

    silent = {f"{scope} {service} {path}" for scope in ("coach", "claimant") for service, path in routes(scope)} - heard.ok
    assert silent == set(), "every route is to be heard at least once"
    leaks = [(where, names) for where, text in heard.answers if (names := found(text))]
    assert leaks == []

    about_ben_alone = 0
    for topic in EVENTS:
        for kind, body in ada.published(topic):
            if body.get("claimant_id") == ben:
                about_ben_alone += 1
                continue
            assert found(json.dumps(body)) == [], (topic, kind)
    assert about_ben_alone > 0, "Ben is judged too"
    texts = ada.messages()
    assert texts
    assert found(json.dumps(texts)) == []


def refused(person: Person, service: str, path: str) -> bool:
    """Whether nothing is there for this person."""
    return person.read(service, path).status_code == 404


def asked_what_if(ada: Story) -> str:
    """Another policy played over the record, to its end. Returns its id."""
    higher = {"from": "2026-01-01", "value": {"single": 20, "couple": 32}, "source": "a test", "status": "assumed"}
    window = {"from": ada.months_ago(3).isoformat(), "to": ada.months_ago(0).isoformat()}
    made = ada.leader.does("referrals", "/v1/what-if", {"policy": {"aet": {"hours": {"values": [higher]}}}, **window})
    path = f"/v1/what-if/{made['what_if_id']}"
    eventually(lambda: ada.leader.seen("referrals", path)["state"] == "done", "the what-if is answered", 90)
    return str(made["what_if_id"])


def play(ada: Story, me: str) -> dict[str, str]:
    """Ada's case with all that can come of it. Returns the ids that paths need."""
    case = eventually(lambda: next((row for row in ada.worklist() if row["claimant_id"] == me), None), "Ada's case")
    path = f"/v1/cases/{case['case_id']}"
    periods = ada.claimant.items("earnings", f"/v1/claims/{ada.house.claim}/periods")
    period = periods[-1]  # of the later ones that were paid in, the service itself asks why the year-to-date does not rise
    body = {"claimant_id": me, "period_id": period["period_id"], "cause": "ytd_mismatch"}
    query = ada.coach.act("earnings", f"/v1/claims/{ada.house.claim}/queries", body)
    assert query.status_code == 201, query.text
    eventually(lambda: ada.coach.seen("referrals", path)["earnings_queries"], "the query on the case")
    on_case(ada, path, "barriers", {"code": "skills"})
    made = on_case(ada, path, "commitments", {"items": [{"activity": "cv"}], "goal_pence": 120_000})
    college = {"name": "College", "types": ["skills_training"]}
    ada.leader.does("referrals", f"/v1/providers/{ada.office}-college", college, method="PUT")
    contact = {"purpose": "progression", "contact_basis": "voluntary", "channel": "face_to_face"}
    on_case(ada, path, "contact", contact)
    offers = f"/v1/appointments?claimant={me}"
    offer = eventually(lambda: next(iter(ada.claimant.items("notifications", offers)), None), "an offer")
    meeting = f"/v1/appointments/{offer['appointment_id']}"
    ada.claimant.does("notifications", f"{meeting}/accept", {}, on=meeting)
    ada.await_event(topics.NOTIFICATIONS_MESSAGE, "MessageDelivered")
    consent = ada.claimant.does(
        "employer_link",
        "/v1/consents",
        {
            "claimant_id": me, "employer_id": ada.employer_id, "fields": ["employee_name", "ask", "plan"],
            "purpose": "progression_plan", "expires_on": ada.months_ago(-3).isoformat(), "wording_version": "2026-04",
        },
    )  # fmt: skip
    opening = {"case_id": case["case_id"], "employer_id": ada.employer_id, "consent_id": consent["consent_id"], "ask": "training"}
    opened: dict[str, Any] = eventually(
        lambda: (
            answer.json() if (answer := ada.coach.act("employer_link", "/v1/engagements", opening)).status_code == 201 else None
        ),
        "an engagement",
    )
    decision = ada.coach.items("referrals", f"/v1/claimants/{me}/decisions")[0]
    return {
        "what_if_id": asked_what_if(ada),
        "claim_id": ada.house.claim,
        "case_id": case["case_id"],
        "decision_id": decision["decision_id"],
        "commitment_id": made["commitment_id"],
        "provider_id": f"{ada.office}-college",
        "query_id": query.json()["query_id"],
        "appointment_id": offer["appointment_id"],
        "consent_id": consent["consent_id"],
        "engagement_id": opened["engagement_id"],
        "coach_id": ada.coach_id,
        "office_id": ada.office,
    }


def on_case(ada: Story, path: str, what: str, body: dict[str, Any]) -> dict[str, Any]:
    """A coach's move."""
    return dict(ada.coach.does("referrals", f"{path}/{what}", body, on=path))


def ask(person: Person, service: str, path: str, ids: dict[str, str], heard: Heard, name: str) -> None:
    """One GET, with the filters it needs."""
    start = date.fromisocalendar(2026, 1, 1)
    filters = {
        "/v1/appointments": f"?claimant={ids['claimant_id']}",
        "/v1/coaches/{coach_id}/slots": f"?from={start + timedelta(days=360)}",
        "/v1/employers": "?q=Example",
        "/v1/offices/{office_id}/support-fund": f"?from={start}&to={start}",
    }
    answer = person.read(service, path.format(**ids) + filters.get(path, ""))
    assert answer.status_code in (200, 404), (name, answer.status_code, answer.text)
    if answer.status_code == 200:
        heard.ok.add(name)
