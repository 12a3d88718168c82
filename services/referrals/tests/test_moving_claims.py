"""Somebody moves to another claim: what their old claim concludes last goes with them, in whichever order events come.

Order holds for one claim on one topic and nowhere else. So the old claim's snapshots, its last assessments, the new claim's
snapshots and its assessments are told in every interleaving; what stands in the end is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from referrals_facts import KNOWN, assessed, claim, earned, months, person
from referrals_memory import Referrals

from contracts.earnings import (
    ClaimantChanged,
    ClaimantErased,
    ClaimantMoved,
    ClaimErased,
    ClaimOpened,
    PeriodAssessed,
    PeriodClaimant,
)
from referrals.model import ClaimDoc

SPANS = months(date(2026, 1, 8), 8)
LAST = 3
"""Place of the old claim's last period."""
PAY = [0, 84_000, 99_000, 101_000, 105_000, 196_000]
DOUBTS: list[tuple[str, ...]] = [(), (), (), ("payday_overdue",), ("strike_or_absence",)]
TODAY = SPANS[LAST][1] + timedelta(days=2)
Stream = list[msgspec.Struct]


@st.composite
def moves(draw: st.DrawFn) -> tuple[Stream, list[Stream], list[PeriodAssessed]]:
    """What is known before, what comes at once from four sides, and the new claim's later periods."""
    couple, stays = draw(st.booleans()), draw(st.booleans())
    partner = (person("P2"),) if couple else ()

    def pay(n: int, version: int = 1) -> PeriodAssessed:
        people = [_earned(draw, "P1"), *(_earned(draw, other.claimant_id) for other in partner)]
        return assessed("C", SPANS[n], *people, version=version)

    known: Stream = [ClaimOpened(claim_id="C", claim=claim("C", person("P1"), *partner))]
    known += [pay(n) for n in range(LAST) if draw(st.integers(0, 3))]
    changed = person("P1", conditionality=(msgspec.structs.replace(KNOWN, expected_hours=draw(st.sampled_from([16, 35]))),))
    old: Stream = []
    if draw(st.booleans()):
        old.append(ClaimantChanged(claim_id="C", claimant_id="P1", claim=claim("C", changed, *partner, version=2)))
    left = claim(
        "C",
        *((changed,) if stays else ()),
        *partner,
        version=3,
        **({} if partner and not stays else {"status": "closed", "closed_date": SPANS[LAST][1]}),
    )
    ids = {"claimant_id": "P1", "from_claim_id": "C", "to_claim_id": "D"}
    old.append(ClaimantMoved(claim_id="C", claim=left, **ids))
    start = {"entitlement_date": SPANS[LAST + 1][0]}
    new: Stream = [
        ClaimOpened(claim_id="D", claim=claim("D", changed, person("P3"), **start)),
        ClaimantMoved(claim_id="D", claim=claim("D", changed, person("P3"), version=2, **start), **ids),
    ]
    last: Stream = [pay(LAST, version) for version in range(1, draw(st.integers(0, 3)) + 1)]
    earlier: Stream = [pay(LAST - 1, 2)] if draw(st.booleans()) else []
    later = [
        assessed("D", SPANS[n], _earned(draw, "P1"), earned("P3", draw(st.sampled_from(PAY))))
        for n in range(LAST + 1, draw(st.integers(LAST + 2, len(SPANS))))
    ]
    return known, [old, new, last, earlier], later


def _earned(draw: st.DrawFn, claimant_id: str) -> PeriodClaimant:
    return earned(claimant_id, draw(st.sampled_from(PAY)), quality=draw(st.sampled_from(DOUBTS)))


def woven(streams: Sequence[Stream], random: Any) -> Stream:
    """One interleaving: each stream in its own order."""
    left = [list(stream) for stream in streams if stream]
    found: Stream = []
    while left:
        stream = random.choice(left)
        found.append(stream.pop(0))
        left = [stream for stream in left if stream]
    return found


def play(known: Stream, at_once: Stream, later: Sequence[PeriodAssessed]) -> Referrals:
    made = Referrals(SPANS[0][1])
    for fact in known:
        if isinstance(fact, PeriodAssessed):
            made.go_to(fact.end + timedelta(days=2))
        made.tell(fact)
    made.go_to(TODAY)
    made.tell(*at_once)
    for period in later:
        made.go_to(period.end + timedelta(days=2))
        made.tell(period)
    made.go_to(SPANS[-1][1] + timedelta(days=30))
    return made


def stands(made: Referrals, *, told: bool) -> dict[str, Any]:
    """What is carried, every decision about a period of the new claim, and what stands for its people. told: the coach was
    told of a return on evidence that nothing corrected later, so that this must not depend on the order either."""
    doc: ClaimDoc = made.doc("D")
    assert doc.claim is not None
    found: dict[str, Any] = {}
    for member in doc.claim.claimants:
        part = doc.person(member.claimant_id)
        found[f"carried by {member.claimant_id}"] = (part.carried, part.outgrew_on)
        found[f"observed of {member.claimant_id}"] = {
            key: msgspec.structs.replace(seen, version=0) for key, seen in part.observed.items()
        }
        for flag in part.flags.values():
            if flag.live and flag.period_id in doc.periods:
                found[f"{flag.rule_id} of {member.claimant_id} in {flag.period_id}"] = (flag.state, flag.due_on, flag.reasons)
    for row in made.service.rows.get("decision", ()):
        if row["claim_id"] == "D" and row["step"] != "display":
            found[f"decision about {row['claimant_id']} in {row['period_id']}"] = row["record"].evaluation
    restarts = [body["rule_id"] for body in made.bodies("ReviewRaised") if body["claim_id"] == "D"].count("claim-restart")
    found["told of a return"] = restarts if told else None
    found["still on the old claim"] = "P1" in made.doc("C").people
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(moves(), st.randoms(use_true_random=False))
def test_every_interleaving_of_a_move_ends_the_same(told: tuple[Stream, list[Stream], list[PeriodAssessed]], random: Any) -> None:
    known, streams, later = told
    in_turn = [fact for stream in reversed(streams) for fact in stream]
    once = len({fact.period_id for fact in [*known, *in_turn] if isinstance(fact, PeriodAssessed)}) == sum(
        isinstance(fact, PeriodAssessed) for fact in [*known, *in_turn]
    )
    mixed = play(known, woven(streams, random), later)
    assert stands(mixed, told=once) == stands(play(known, in_turn, later), told=once)


def test_a_last_period_that_comes_late_is_carried_through_every_claim_between() -> None:
    made = Referrals(SPANS[0][0])
    ids = {"claimant_id": "P1"}
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1"))))
    for origin, target in (("C", "D"), ("D", "E")):
        route = {"from_claim_id": origin, "to_claim_id": target}
        made.tell(ClaimantMoved(claim_id=target, claim=claim(target, person("P1")), **ids, **route))
        made.tell(ClaimantMoved(claim_id=origin, claim=claim(origin, version=2), **ids, **route))
    assert made.doc("E").person("P1").carried is None
    made.go_to(SPANS[0][1] + timedelta(days=2))
    made.tell(assessed("C", SPANS[0], earned("P1", 105_000)))
    carried = made.doc("E").person("P1").carried
    assert carried is not None
    assert (carried.start, carried.amount, carried.carried) == (SPANS[0][0], 105_000, True)
    made.tell(assessed("C", SPANS[0], earned("P1", 84_000), version=2))
    carried = made.doc("E").person("P1").carried
    assert carried is not None
    assert carried.amount == 84_000


def test_a_person_or_claim_that_was_erased_hands_nothing_on() -> None:
    for erased in (
        ClaimErased(claim_id="C"),
        ClaimantErased(claim_id="C", claimant_id="P1", claim=claim("C", version=3)),
    ):
        made = Referrals(SPANS[0][0])
        made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1"))))
        ids = {"claimant_id": "P1", "from_claim_id": "C", "to_claim_id": "D"}
        made.tell(ClaimantMoved(claim_id="D", claim=claim("D", person("P1")), **ids))
        made.tell(ClaimantMoved(claim_id="C", claim=claim("C", version=2), **ids))
        made.go_to(SPANS[0][1] + timedelta(days=2))
        made.tell(assessed("C", SPANS[0], earned("P1", 105_000)))
        assert made.doc("D").person("P1").carried is not None
        made.tell(erased, assessed("C", SPANS[0], earned("P1", 84_000), version=2))
        assert (made.doc("D").person("P1").carried is None) == isinstance(erased, ClaimErased)
        assert made.doc("C").departed == {}


@pytest.mark.parametrize("erased_first", [True, False])
def test_somebody_who_comes_back_is_judged_on_the_old_claim_again(erased_first: bool) -> None:
    made = Referrals(SPANS[0][0])
    there, back = (
        {"claimant_id": "P1", "from_claim_id": origin, "to_claim_id": target} for origin, target in (("C", "D"), ("D", "C"))
    )
    made.tell(
        ClaimOpened(claim_id="C", claim=claim("C", person("P1"))),
        ClaimantMoved(claim_id="D", claim=claim("D", person("P1")), **there),
        ClaimantMoved(claim_id="C", claim=claim("C", person("P1"), version=2), **there),
    )
    made.go_to(SPANS[0][1] + timedelta(days=2))
    made.tell(assessed("C", SPANS[0], earned("P1", 105_000)))
    assert "decision" not in made.service.rows, "they are looked at where they are now"
    assert made.doc("D").person("P1").carried is not None
    returned = [ClaimErased(claim_id="D"), ClaimantMoved(claim_id="C", claim=claim("C", person("P1"), version=3), **back)]
    made.tell(*(returned if erased_first else reversed(returned)))
    made.go_to(SPANS[1][1] + timedelta(days=2))
    made.tell(assessed("C", SPANS[1], earned("P1", 84_000)))
    assert {row["claim_id"] for row in made.service.rows["decision"]} == {"C"}
    assert [body["rule_id"] for body in made.bodies("FlagPlanned")] == ["fell-below-aet"]
    record = made.service.rows["decision"][-1]["record"]
    assert [ap.start for ap in record.inputs.aps] == [SPANS[0][0], SPANS[1][0]], "no period stands there twice"
