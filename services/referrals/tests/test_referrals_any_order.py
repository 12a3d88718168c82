"""What is known when a step runs decides; the order in which it became known before does not.

Facts come in windows between the days on which steps run: some after a period's end and before its due date (the period,
and whatever guards read), some after its flags were shown (corrections). Within a window any order and any repetition of
the same facts ends equal: in the flags and cases that stand, in the last decision about each period, in what was observed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from referrals_facts import KNOWN, assessed, claim, earned, months, person
from referrals_memory import Referrals

from contracts.earnings import ClaimChanged, Easement
from contracts.notifications import MessageRequested, MessageSent
from referrals.inputs import in_scope

SPANS = months(date(2026, 4, 8), 5)
PAY = [0, 84_000, 99_000, 101_000, 105_000, 196_000]
DOUBTS: list[tuple[str, ...]] = [(), (), (), ("disputed",), ("strike_or_absence",), ("two_wages",)]
Window = list[msgspec.Struct]


def household(draw: st.DrawFn, version: int, ended: dict[str, str]) -> ClaimChanged:
    """One snapshot of the claim: everything guards read from it. Death, leaving and closing are for good, as they end cases."""
    people = []
    for claimant_id in [key for key in ("P1", "P2") if ended.get(key) != "left"]:
        if claimant_id not in ended:
            ended |= draw(
                st.sampled_from([{}] * 12 + [{claimant_id: "dead"}, {claimant_id: "left"} if claimant_id == "P2" else {}])
            )
        if ended.get(claimant_id) == "left":
            continue
        group = draw(st.sampled_from(["all_requirements", "all_requirements", "no_requirements"]))
        eased = Easement(
            from_=date(2026, 4, 1) + timedelta(days=draw(st.integers(0, 150))),
            no_contact_until=date(2026, 4, 1) + timedelta(days=draw(st.integers(20, 180))),
            voluntary_only=draw(st.booleans()),
        )
        people.append(
            person(
                claimant_id,
                dead=ended.get(claimant_id) == "dead",
                self_employed=draw(st.sampled_from([False, False, False, True])),
                coach_id=draw(st.sampled_from(["coach-1", "coach-2"])),
                conditionality=(msgspec.structs.replace(KNOWN, legal_group=group),),
                easements=draw(st.sampled_from([(), (), (eased,)])),
            )
        )
    ended |= draw(st.sampled_from([{}] * 7 + [{"claim": "closed"}]))
    status = ended.get("claim") or draw(st.sampled_from(["open", "open", "suspended"]))
    return ClaimChanged(claim_id="C", claim=claim("C", *people, version=version, status=status))


@st.composite
def windows(draw: st.DrawFn) -> list[tuple[date, Window]]:
    """What is told on which day: beside each period its guards' facts; later, with no step in between, its corrections."""
    couple = draw(st.booleans())
    found: list[tuple[date, Window]] = []
    ended = {} if couple else {"P2": "left"}
    snapshot, periods = 0, draw(st.integers(2, len(SPANS)))
    for n, span in enumerate(SPANS[:periods]):
        beside: Window = []
        sent: Window = []
        for _ in range(draw(st.integers(1 if n == 0 else 0, 3))):
            snapshot += 1
            beside.append(household(draw, snapshot, ended))
        versions = draw(st.integers(1, 2))
        beside += [_period(draw, span, couple, version) for version in range(1, versions + 1)]
        if draw(st.sampled_from([False, False, False, True])):
            ids = {"message_id": f"m-{n}", "case_id": None, "claim_id": "C", "claimant_id": "P1"}
            asked = {"template": "coach-message", "template_version": 1, "language": "en", "party": "claimant"}
            beside.append(MessageRequested(**ids, **asked, channel="email", regarding=f"r-{n}"))  # type: ignore[arg-type]
            sent.append(MessageSent(**ids, provider_reference="r"))  # type: ignore[arg-type]
        found += [(span[1] + timedelta(days=2), beside), (span[1] + timedelta(days=3), sent)]
        late = [_period(draw, SPANS[m], couple, versions + 1 + n) for m in range(n + 1) if draw(st.sampled_from([False, True]))]
        found.append((span[1] + timedelta(days=12), late))
    return found


def _period(draw: st.DrawFn, span: tuple[date, date], couple: bool, version: int) -> msgspec.Struct:
    people = [earned("P1", draw(st.sampled_from(PAY)), quality=draw(st.sampled_from(DOUBTS)))]
    if couple:
        people.append(earned("P2", draw(st.sampled_from(PAY))))
    return assessed("C", span, *people, version=version)


def play(told: Sequence[tuple[date, Sequence[msgspec.Struct]]]) -> Referrals:
    made = Referrals(SPANS[0][1])
    for on, facts in told:
        made.go_to(on)
        made.tell(*facts)
    made.go_to(SPANS[-1][1] + timedelta(days=30))
    return made


def stands(made: Referrals) -> dict[str, Any]:
    """Everything that stands for the people on the claim; what was withdrawn or superseded on the way does not."""
    doc = made.doc("C")
    assert doc.claim is not None
    found: dict[str, Any] = {}
    for claimant_id, part in doc.people.items():
        for flag in part.flags.values():
            if flag.live:
                came = (flag.state, flag.due_on, flag.raised_on, flag.shown_on, flag.contact_basis, flag.priority)
                found[f"{flag.rule_id} of {claimant_id} in {flag.period_id}"] = (*came, flag.reasons, flag.reason_gone)
        case = part.open_case()
        if case is not None:
            live = {flag_id for flag_id in case.flag_ids if part.flags[flag_id].live}
            found[f"case of {claimant_id}"] = (case.state, case.coach_id, live, case.explanation_due)
    made_at_steps = [row for row in made.service.rows["decision"] if row["step"] != "display"]
    last = {(row["claimant_id"], row["period_id"]): row["record"] for row in made_at_steps}
    for member in doc.claim.claimants:
        for (claimant_id, period_id), record in last.items():
            if claimant_id == member.claimant_id:
                found[f"decision about {claimant_id} in {period_id}"] = record.evaluation
        for period_id, seen in doc.person(member.claimant_id).observed.items():
            if in_scope(doc, member.claimant_id, doc.periods[period_id].end):
                found[f"observed of {member.claimant_id} in {period_id}"] = msgspec.structs.replace(seen, version=0)
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(windows(), st.randoms(use_true_random=False))
def test_order_and_repetition_between_two_steps_do_not_matter(told: list[tuple[date, Window]], random: Any) -> None:
    mixed = []
    for on, facts in told:
        again = facts + [random.choice(facts) for _ in range(random.randint(0, 2)) if facts]
        random.shuffle(again)
        mixed.append((on, again))
    assert stands(play(mixed)) == stands(play(told))
