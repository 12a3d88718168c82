"""What another rule set would have done equals what it then does; and the sums of it."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from referrals_facts import assessed, claim, earned, months, person
from referrals_memory import SETUP, Referrals

from contracts.earnings import ClaimantErased, ClaimChanged, ClaimClosed, ClaimOpened, Easement
from referrals.desk import Setup
from referrals.model import ClaimDoc
from referrals.policy_files import build, build_all, read_files
from referrals.setups import setup_of
from referrals.whatif.commands import laid_over
from referrals.whatif.compare import Row, Sums, Window, compare
from referrals.whatif.policies import PolicyInvalid, other_files
from referrals.whatif.replayed import replay

FIRST = date(2026, 4, 8)
SPANS = months(FIRST, 8)
EVER = Window(first=date(2020, 1, 1), last=date(2030, 1, 1))
HIGHER = {"from": "2026-06-08", "value": {"single": 20, "couple": 32}, "source": "a test", "status": "assumed"}


@cache
def raised_aet() -> Setup:
    """From 8 June 2026 the single threshold is 1,101 pounds in place of 991."""
    values = [*yaml.safe_load(read_files()["aet"])["hours"]["values"], HIGHER]
    return setup_of(build_all(other_files({"aet": {"hours": {"values": values}}})))


def after(span: tuple[date, date], days: int = 1) -> date:
    return span[1] + timedelta(days=days)


Course = list[tuple[int, int, str]]
"""By period: own pay, partner's pay, and what else happens a few days after it closed."""


def play(course: Course, setup: Setup = SETUP, couple: bool = False) -> ClaimDoc:
    """The service itself, day by day."""
    made = Referrals(FIRST, setup)
    members = [person("P1"), person("P2")] if couple else [person("P1")]
    version = 1
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", *members)))
    for n, (own, partner, then) in enumerate(course):
        made.go_to(after(SPANS[n]))
        made.tell(assessed("C", SPANS[n], earned("P1", own), *([earned("P2", partner)] if couple else [])))
        made.go_to(after(SPANS[n], 5))
        changes: dict[str, Any] = {"suspended": {"status": "suspended"}, "resumed": {"status": "open"}}.get(then, {})
        if changes:
            version += 1
            made.tell(ClaimChanged(claim_id="C", claim=claim("C", *members, version=version, **changes)))
        if then == "closed":
            version += 1
            gone = claim("C", *members, version=version, status="closed", closed_date=after(SPANS[n], 5))
            made.tell(ClaimClosed(claim_id="C", claim=gone))
            made.go_to(after(SPANS[n], 60))
            break
        if then.startswith("eased"):
            version += 1
            known_on = after(SPANS[n], int(then.split()[1]))
            made.go_to(known_on)
            members = [person("P1", easements=(eased_from(known_on),)), *members[1:]]
            made.tell(ClaimChanged(claim_id="C", claim=claim("C", *members, version=version)))
    made.go_to(after(SPANS[len(course) - 1], 20))
    return made.doc("C")


def eased_from(day: date) -> Easement:
    """No contact for a month."""
    return Easement(from_=day, no_contact_until=day + timedelta(days=30), voluntary_only=False)


def rows(doc: ClaimDoc, other: Setup) -> list[Row]:
    instead, _ = replay(doc, other, date(2027, 3, 1))
    return list(compare(doc, instead, EVER, SETUP, other))


@st.composite
def courses(draw: st.DrawFn) -> Course:
    pay = st.sampled_from([0, 84_000, 99_000, 101_000, 105_000, 120_000, 196_000])
    events = st.sampled_from(["", "", "", "", "suspended", "resumed", "closed", "eased 7", "eased 9"])
    return draw(st.lists(st.tuples(pay, pay, events), min_size=1, max_size=7))


@settings(max_examples=60, deadline=None)
@given(courses(), st.booleans())
def test_the_rule_set_in_force_gives_what_is_on_record(course: Course, couple: bool) -> None:
    doc = play(course, couple=couple)
    found = rows(doc, SETUP)
    assert {row.change for row in found} <= {"same"}
    assert all(row.shown_on == row.shown_instead for row in found)


@settings(max_examples=30, deadline=None)
@given(courses(), st.booleans())
def test_what_another_rule_set_would_do_is_what_it_then_does(course: Course, couple: bool) -> None:
    other = raised_aet()
    foreseen = {(r.claimant_id, r.rule_id, r.period_id, r.shown_instead) for r in rows(play(course, couple=couple), other)
                if r.change != "removed"}  # fmt: skip
    then = play(course, other, couple=couple)
    happened = {(r.claimant_id, r.rule_id, r.period_id, r.shown_on) for r in compare(then, then, EVER, other, other)}
    assert foreseen == happened


def test_an_easement_that_became_known_on_the_day_a_flag_was_shown_did_not_stop_it() -> None:
    doc = play([(105_000, 0, ""), (84_000, 0, "eased 9")])
    [row] = rows(doc, SETUP)
    assert (row.rule_id, row.change, row.shown_on) == ("fell-below-aet", "same", after(SPANS[1], 9))


def test_what_is_kept_for_looking_back_goes_with_the_person() -> None:
    made = Referrals(FIRST)
    made.tell(ClaimOpened(claim_id="C", claim=claim("C", person("P1", easements=(eased_from(FIRST),)))))
    made.tell(ClaimantErased(claim_id="C", claimant_id="P1", claim=claim("C", version=2)))
    assert made.doc("C").standings
    assert not any(standing.easements for standing in made.doc("C").standings)


def test_a_higher_threshold_by_data_alone_raises_reviews_and_no_fall() -> None:
    doc = play([(105_000, 0, "")] * 5)
    found = rows(doc, raised_aet())
    assert [(row.change, row.rule_id, row.kind) for row in found if row.change == "added"] == [
        ("added", "threshold-change-review", "review")
    ]
    assert not any("fall" in row.rule_id or "fell" in row.rule_id for row in found)


def test_a_threshold_that_rises_over_pay_that_gave_way_a_little_is_no_sustained_fall() -> None:
    little = play([(108_000, 0, "")] * 2 + [(106_000, 0, "")] * 5, raised_aet())
    assert [review.partition("/")[0] for review in little.person("P1").reviews] == ["threshold-change-review"]
    assert not [flag for flag in little.person("P1").flags.values() if flag.family == "fall"]
    much = play([(108_000, 0, "")] * 2 + [(98_000, 0, "")] * 5, raised_aet())
    assert {flag.rule_id for flag in much.person("P1").flags.values() if flag.family == "fall"} == {
        "fell-below-aet",
        "sustained-fall",
    }


def test_playing_again_changes_nothing_and_sends_nothing() -> None:
    doc = play([(105_000, 0, ""), (84_000, 0, "")])
    before = repr(doc)
    instead, evaluations = replay(doc, raised_aet(), date(2027, 1, 1))
    assert repr(doc) == before
    assert instead is not doc
    assert evaluations >= 3


def test_only_the_window_and_the_offices_asked_for_count() -> None:
    doc = play([(105_000, 0, ""), (84_000, 0, "")])
    [fall] = [row for row in rows(doc, SETUP) if row.rule_id == "fell-below-aet"]
    for window, count in (
        (Window(first=fall.on, last=fall.on), 1),
        (Window(first=fall.on + timedelta(days=1), last=fall.on + timedelta(days=9)), 0),
        (Window(first=fall.on, last=fall.on, offices=("office-1",)), 1),
        (Window(first=fall.on, last=fall.on, offices=("elsewhere",)), 0),
    ):
        assert len(list(compare(doc, doc, window, SETUP, SETUP))) == count, window


def row(change: Any, who: str, shown: date | None, instead: date | None, office: str = "o-1", rule: str = "job-ended") -> Row:
    return Row(change, who, f"claim of {who}", office, rule, "contact", "p", date(2026, 6, 1), shown, instead)


def test_rows_add_up_by_rule_office_and_week_and_a_person_is_met_once_a_week() -> None:
    sums = Sums(minutes=40)
    monday, later = date(2026, 6, 1), date(2026, 6, 9)
    for one in (
        row("same", "A", monday, monday),
        row("same", "A", monday, monday, rule="stagnation-3"),
        row("added", "B", None, later),
        row("removed", "C", later, None, office="o-2"),
    ):
        sums.add(one)
    both = sums.in_all()
    assert (both.actual.flags, both.actual.claimants, both.actual.contacts, both.actual.coach_hours) == (3, 2, 2, 1.3)
    assert (both.what_if.flags, both.what_if.claimants, both.what_if.contacts, both.what_if.coach_hours) == (3, 2, 2, 1.3)
    assert (both.added, both.removed) == (1, 1)
    places = {(place.office_id, place.week): place for place in sums.by_office_and_week()}
    assert list(places) == [("o-1", monday), ("o-1", date(2026, 6, 8)), ("o-2", date(2026, 6, 8))]
    assert places["o-1", monday].rules == {"job-ended": (1, 1), "stagnation-3": (1, 1)}
    assert places["o-1", monday].actual.coach_hours == 0.7
    assert sums.by_rule()["job-ended"].what_if.claimants == 2


EVER_HIGHER = {"hours": {"values": [{**HIGHER, "from": "2022-09-26"}]}}


@pytest.mark.parametrize(
    "given_policy",
    [
        {"aet": EVER_HIGHER},
        {"aet": yaml.safe_dump(EVER_HIGHER)},
        yaml.safe_dump({"aet": EVER_HIGHER}),
        {**yaml.safe_load(read_files()["aet"]), **EVER_HIGHER},
        {"schema": "policy/1", "topic": "administrative-earnings-threshold", **EVER_HIGHER},
    ],
    ids=["part of a file", "part as text", "files as text", "a whole file that names itself", "a part that names its file"],
)
def test_a_policy_comes_as_files_or_parts_of_them_and_means_the_same(given_policy: Any) -> None:
    files = other_files(given_policy)
    assert build(files).version == build(other_files({"aet": EVER_HIGHER})).version
    assert build(files).version != build(read_files()).version


def test_several_files_are_checked_together(tmp_path: Path) -> None:
    composed = yaml.safe_load(read_files()["composition"])["rules"]
    (tmp_path / "composition.yaml").write_text(
        yaml.safe_dump({"rules": {name: one for name, one in composed.items() if name != "job-ended"}})
    )
    active = [name for name in yaml.safe_load(read_files()["active"])["rules"] if name != "job-ended"]
    (tmp_path / "active.yaml").write_text(yaml.safe_dump({"rules": active}))
    both = laid_over([tmp_path / "composition.yaml", tmp_path / "active.yaml"], read_files())
    assert set(build(both).rules) == set(active)
    with pytest.raises(PolicyInvalid, match=r"^composition.yaml: active.rules.0: a rule without predicates$"):
        laid_over([tmp_path / "composition.yaml"], read_files())


def test_the_files_in_force_given_back_are_the_rule_set_in_force() -> None:
    assert build(other_files(read_files())).version == build(read_files()).version


@pytest.mark.parametrize(
    ("given_policy", "says"),
    [
        ({}, "object of policy files"),
        ("- 1", "object of policy files"),
        ("a: [", "not YAML"),
        ({"colours": {}}, "policy files named .*: name the file so, or copy `schema` and `topic` from it"),
        ({"aet": 5}, "aet: an object"),
        ({"aet": {"hours": {"values": [{**HIGHER, "value": {"single": -7, "couple": 1}}]}}}, "hours.values.0"),
        ({"schema": "policy/1", "topic": "secret"}, "does not say which"),
        ({"aet": {"hours": {"values": [{**HIGHER, "value": {"single": "secret", "couple": 1}}]}}}, "single: .*valid integer"),
        ({"aet": {"hors": EVER_HIGHER["hours"]}}, "aet.hors: there is no such key"),
        ({"aet": {"hours": {"values": [HIGHER]}}}, "aet.hours has no figure on 2022-09-26"),
        (
            {"aet": {"hours": {"values": [{**HIGHER, "from": "2022-09-26", "until": "2030-01-01"}]}}},
            "hours has no figure on 2030-01-02",
        ),
        ({"easements": {"discretionary": []}}, "easements.discretionary.temporary_childcare has no figure on 2013-04-29"),
        ({"minimum-wage": {"bands": {"nlw": {"values": []}}}}, "bands.apprentice: missing.*replaces the one in force as a whole"),
        ({"rules": {"appointments": []}}, "rules.appointments.same-coach-first is missing"),
        ({"active": {"rules": ["no-such-rule"]}}, "active.rules.0: unknown rule$"),
    ],
)
def test_a_policy_that_cannot_be_used_is_refused_without_repeating_it(given_policy: Any, says: str) -> None:
    with pytest.raises(PolicyInvalid, match=says) as refused:
        other_files(given_policy)
    assert "-7" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_figures_of_days_that_are_not_asked_about_may_be_left_out() -> None:
    given = {"aet": {"hours": {"values": [HIGHER]}}}
    first = date.fromisoformat(HIGHER["from"])
    assert other_files(given, since=first)["aet"] != read_files()["aet"]
    with pytest.raises(PolicyInvalid, match=f"aet.hours has no figure on {first - timedelta(days=1)}"):
        other_files(given, since=first - timedelta(days=1))
