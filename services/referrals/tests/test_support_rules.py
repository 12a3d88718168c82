"""Support by its own policy: who it is for, when it is open, and that nothing is mandatory without a person."""

from __future__ import annotations

from datetime import date, timedelta
from importlib import resources

import pytest
from referrals_facts import claim, person
from referrals_memory import Referrals
from test_case_lifecycle import shown
from test_flag_life import SPANS, day_after, play

from contracts.earnings import ClaimChanged, Conditionality
from referrals import care, moves
from referrals.rules import support
from referrals.rules.support import NEXT, Barrier, Care, Commitment, Promise, Provider
from referrals.support_files import build, catalogue
from streaming.errors import Refused

TODAY = date(2026, 6, 8)
WHP = catalogue().types["work_and_health_programme"]
DIGITAL = catalogue().types["basic_digital_training"]
TRAINING = catalogue().types["skills_training"]


@pytest.mark.parametrize(
    ("kind", "nation", "on", "mandation", "alternatives", "code"),
    [
        (WHP, "england", date(2024, 9, 30), "none", ["cv"], None),
        (WHP, "wales", date(2024, 9, 30), "mandatory", ["cv"], None),
        (WHP, "england", date(2024, 10, 1), "none", ["cv"], "closed-to-referrals"),
        (WHP, "england", date(2017, 10, 31), "none", ["cv"], "closed-to-referrals"),
        (WHP, "england", TODAY, "mandatory", ["cv"], "closed-to-referrals"),
        (WHP, "england", date(2024, 1, 1), "none", [], "alternatives-first"),
        (WHP, "scotland", date(2024, 1, 1), "none", ["cv"], "not-in-this-nation"),
        (WHP, None, date(2024, 1, 1), "none", ["cv"], "not-in-this-nation"),
        (DIGITAL, "england", TODAY, "none", [], None),
        (DIGITAL, "wales", TODAY, "none", [], "not-in-this-nation"),
        (TRAINING, None, TODAY, "voluntary", [], None),
        (TRAINING, "england", TODAY, "mandatory", [], "mandation-not-allowed"),
        (None, "england", TODAY, "none", [], None),
        (None, "england", TODAY, "mandatory", ["cv"], "mandation-not-allowed"),
    ],
)  # fmt: skip
def test_when_a_referral_may_be_made(
    kind: support.SupportType | None,
    nation: str | None,
    on: date,
    mandation: support.Mandation,
    alternatives: list[str],
    code: str | None,
) -> None:
    assert support.refusal(kind, nation, on, mandation, alternatives) == code


def held_back(*codes: str, level: support.Level = "medium", kind: str | None = None) -> Care:
    return Care(kind=kind, barriers=tuple(Barrier(code=code, level=level, on=TODAY, by="c") for code in codes))


@pytest.mark.parametrize(
    ("found", "nation", "types"),
    [
        (held_back(), "england", []),
        (held_back("digital"), "england", ["basic_digital_training"]),
        (held_back("digital"), "scotland", []),
        (held_back("digital"), None, []),
        (held_back("housing"), None, ["charity", "housing_advice"]),
        (held_back("skills", "qualifications", kind="low_skilled"), "wales",
         ["skills_training", "basic_skills_course", "cv_and_forms"]),
        (held_back(kind="no_direction"), "england", ["careers_advice", "group_session"]),
        (held_back("health"), "england", ["disability_employment_adviser", "health_partnership"]),
    ],
)  # fmt: skip
def test_support_that_fits_is_open_exists_there_and_says_why(found: Care, nation: str | None, types: list[str]) -> None:
    matches = support.matching(catalogue(), found, nation, TODAY)
    assert [match.type for match in matches] == types
    assert all(match.because for match in matches)


def test_the_programme_was_matched_while_it_took_referrals() -> None:
    then = support.matching(catalogue(), held_back("health"), "england", date(2024, 9, 30))
    assert "work_and_health_programme" in [match.type for match in then]


@pytest.mark.parametrize(
    ("found", "purposes"),
    [(held_back("transport"), ["one_off_need"]), (held_back("caring", "health"), ["adaptation", "replacement_care"])],
)
def test_a_barrier_brings_the_fund_to_mind(found: Care, purposes: list[str]) -> None:
    assert support.fund_purposes(catalogue(), found) == purposes


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (held_back("skills", "caring"), False),
        (held_back("skills", "caring", "transport"), True),
        (held_back("health", level="high"), True),
        (Care(barriers=(Barrier(code="health", level="high", on=TODAY, by="c", resolved_on=TODAY),)), False),
    ],
)
def test_what_counts_as_complex_needs(found: Care, expected: bool) -> None:
    assert support.complex_needs(found, 3) is expected


@pytest.mark.parametrize(
    ("changes", "kind", "district", "expected"),
    [
        ({}, "skills_training", "North", True),
        ({}, "housing_advice", "North", False),
        ({"districts": ("South",)}, "skills_training", "North", False),
        ({"districts": ("South",)}, "skills_training", None, True),
        ({"open": False}, "skills_training", "North", False),
        ({"accredited_until": TODAY}, "skills_training", "North", True),
        ({"accredited_until": TODAY - timedelta(days=1)}, "skills_training", "North", False),
    ],
)
def test_what_a_provider_offers(changes: dict[str, object], kind: str, district: str | None, expected: bool) -> None:
    made = Provider(**{"provider_id": "p", "version": 1, "name": "P", "types": ("skills_training",), **changes})  # type: ignore[arg-type]
    assert made.offers(kind, district, TODAY) is expected


def test_a_new_version_counts_when_the_claimant_accepts_it_and_only_then() -> None:
    def written(number: int) -> Commitment:
        items = (Promise(activity="cv"),)
        facts = {"items": items, "on": TODAY, "by": "c", "by_role": "coach"}
        return Commitment(commitment_id=str(number), version=number, state="offered", **facts)  # type: ignore[arg-type]

    first = support.answered(support.offered(Care(), written(1)), "1", True, TODAY)
    assert first is not None
    second = support.offered(first, written(2))
    assert [one.state for one in second.commitments] == ["accepted", "offered"]
    third = support.offered(second, written(3))
    assert [one.state for one in third.commitments] == ["accepted", "superseded", "offered"]
    declined = support.answered(third, "3", False, TODAY)
    assert declined is not None
    assert declined.accepted == first.commitments[0]
    accepted = support.answered(third, "3", True, TODAY)
    assert accepted is not None
    assert [one.state for one in accepted.commitments] == ["superseded", "superseded", "accepted"]
    assert support.answered(third, "2", True, TODAY) is None


def test_every_status_of_a_referral_leads_only_to_known_ones() -> None:
    assert {status for following in NEXT.values() for status in following} <= NEXT.keys()


def test_a_policy_that_names_an_unknown_barrier_is_refused() -> None:
    text = resources.files("referrals").joinpath("policy", "support.yaml").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="not listed: laziness"):
        build(text.replace("helps: [digital]", "helps: [laziness]"))


def test_nothing_is_mandatory_where_the_reason_allows_only_voluntary_contact() -> None:
    made, case = shown()
    flag = next(iter(made.flags("C", "P1").values()))
    assert flag.contact_basis == "any"
    made.move("C", case.case_id, care.write_commitment, [Promise(activity="cv", mandatory=True)], None, None)
    [written] = made.doc("C").person("P1").care.commitments
    assert (written.by, written.by_role, written.state) == ("coach-1", "coach", "offered")
    standing, other = shown_voluntary()
    for act, given in (
        (care.write_commitment, ([Promise(activity="cv", mandatory=True)], None, None)),
        (moves.contact, ({"purpose": "talk", "contact_basis": "mandatory", "channel": "phone"},)),
    ):
        with pytest.raises(Refused, match="voluntary-only"):
            standing.move("C", other, act, *given)


def shown_voluntary() -> tuple[Referrals, str]:
    """A case about standing still: voluntary only."""
    made = play([101_000] * 4)
    [case] = made.cases("C", "P1")
    return made, case.case_id


def test_a_commitment_is_reviewed_on_its_day_and_when_what_it_rests_on_changes() -> None:
    made, case = shown()
    review = day_after(SPANS[1], 20)
    made.move("C", case.case_id, care.write_commitment, [Promise(activity="cv")], 110_000, review)
    [written] = made.doc("C").person("P1").care.commitments
    made.act(
        "C", case.case_id, lambda at: care.answer_commitment(at.desk, "P1", written.commitment_id, True, "claimant", "claimant-1")
    )
    fewer = Conditionality(from_=day_after(SPANS[1]), age_band="nlw", expected_hours=16, legal_group="all_requirements")
    made.tell(ClaimChanged(claim_id="C", claim=claim("C", person("P1", conditionality=(fewer,)), version=2)))
    lines = [entry.event for entry in made.cases("C", "P1")[0].history]
    assert lines[-2:] == ["CommitmentAccepted", "CommitmentReviewDue"]
    made.go_to(review)
    lines = [entry.event for entry in made.cases("C", "P1")[0].history]
    assert lines.count("CommitmentReviewDue") == 2
