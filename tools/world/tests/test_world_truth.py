"""The truth is told from what happened, and the world is hard enough to catch a careless platform."""

from __future__ import annotations

import ast
import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import world
from world import World, generate, people, thresholds
from world.scoring import Flag, labels, score
from world.truth import findings, truth, write
from world.truth.judge import LONG, RULES, STANDSTILLS

SOURCE = Path(world.__file__).parent
DEFAULT = generate(seed=1)
TRUTH = truth(DEFAULT)


def _flags(of: World) -> set[Flag]:
    return {Flag(label.rule, label.claimant_id, label.start) for one in findings(of) for label in one.labels}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_rule_has_enough_cases_and_enough_that_first_look_so_and_are_not(seed: int) -> None:
    document = truth(generate(seed))
    labelled = Counter(row["rule"] for row in document["labels"])
    passing = Counter(note["rule"] for note in document["notes"] if note["cause"] == "on_first_reports_only")
    for rule in RULES:
        assert labelled[rule] >= (25 if rule in LONG else 40), rule
        assert rule in LONG or passing[rule] >= 5, rule


@pytest.mark.parametrize("shift_pence", [-50_00, 50_00])
def test_thresholds_moved_by_fifty_pounds_lose_recall(shift_pence: int, monkeypatch: pytest.MonkeyPatch) -> None:
    right = thresholds.aet

    def moved(day: date) -> tuple[int, int]:
        single, couple = right(day)
        return single + shift_pence, couple + shift_pence

    monkeypatch.setattr(thresholds, "aet", moved)
    result = score(TRUTH, _flags(DEFAULT))
    for rule in ("fell-below-aet", "crossed-above-aet"):
        assert result[rule].recall < 0.9, rule
    assert result["stagnation-3"].recall < 0.95 or result["stagnation-3"].precision < 0.95


def test_corrections_ignored_lose_recall_and_precision_of_every_rule() -> None:
    first = {report.slip_id: report.gross_pence for report in DEFAULT.reports if report.kind == "original"}
    believed = replace(
        DEFAULT,
        slips={slip_id: replace(slip, gross_pence=first.get(slip_id, 0)) for slip_id, slip in DEFAULT.slips.items()},
        jobs={job_id: replace(job, real=True) for job_id, job in DEFAULT.jobs.items()},
    )
    result = score(TRUTH, _flags(believed))
    for rule in set(RULES) - LONG:
        assert result[rule].recall < 0.95, rule
    assert all(result[rule].precision < 0.95 for rule in set(RULES) - LONG if rule != "newly-in-work")


def test_every_change_of_pay_is_brought_about_by_something_that_happened() -> None:
    own = defaultdict(set)
    for event in DEFAULT.events:
        own[event.person_id].add(event.event_id)
    for row in TRUTH["labels"]:
        events = row["because"]["events"]
        if row["rule"] not in STANDSTILLS:
            assert events or row["because"]["late"], row
        assert {event["event_id"] for event in events} <= own[row["claimant_id"]]


def test_a_fall_is_a_fall_of_this_persons_true_pay_below_the_threshold() -> None:
    amounts = {(row["claimant_id"], row["start"]): row["amount_pence"] for row in TRUTH["true_periods"]}
    falls = [row for row in TRUTH["labels"] if row["rule"] == "fell-below-aet"]
    for row in falls:
        because = row["because"]
        assert amounts[row["claimant_id"], row["start"]] == because["amount_pence"]
        assert 0 < because["amount_pence"] < because["amount_before_pence"]
        assert because["amount_pence"] < because["threshold_pence"]


def test_nobody_who_may_not_be_contacted_has_a_contact_label() -> None:
    contact = {(row["claimant_id"], row["start"]) for row in TRUTH["labels"] if row["rule"] != "crossed-above-aet"}
    causes = {"dead", "claim_closed", "claim_suspended", "no_requirements", "easement", "self_employed", "strike_or_absence"}
    stopped = [note for note in TRUTH["notes"] if note["cause"] in causes]
    assert {note["cause"] for note in stopped} >= {"dead", "claim_closed", "no_requirements", "easement", "self_employed"}
    assert not contact & {(note["claimant_id"], note["start"]) for note in stopped}


def test_a_partners_pay_that_moves_both_is_neither_fall_nor_crossing_of_the_other() -> None:
    household = {
        (note["rule"], note["claimant_id"], note["start"]) for note in TRUTH["notes"] if note["cause"] == "household_change"
    }
    assert {rule for rule, _, _ in household} >= {"fell-below-aet", "crossed-above-aet"}
    assert not household & {(row["rule"], row["claimant_id"], row["start"]) for row in TRUTH["labels"]}


def test_a_threshold_that_moves_is_no_fall() -> None:
    moved = [who for who, story in TRUTH["stories"].items() if story == "threshold_moves"]
    assert moved
    assert not [row for row in TRUTH["labels"] if row["claimant_id"] in moved and row["rule"] == "fell-below-aet"]


def test_contact_labels_of_one_person_are_not_in_neighbouring_periods() -> None:
    due: dict[str, list[date]] = defaultdict(list)
    for row in TRUTH["labels"]:
        if row["rule"] != "crossed-above-aet":
            due[row["claimant_id"]].append(date.fromisoformat(row["due_on"]))
    for days in due.values():
        assert all((b - a).days >= 45 for a, b in zip(sorted(days), sorted(days)[1:], strict=False))


def test_perfect_flags_score_perfectly_and_each_difference_is_named() -> None:
    perfect = labels(TRUTH)
    assert all(one.precision == one.recall == 1.0 for one in score(TRUTH, perfect).values())
    lost = min(flag for flag in perfect if flag.rule == "newly-in-work")
    stranger = Flag("newly-in-work", "nobody", date(2026, 5, 1))
    result = score(TRUTH, (perfect - {lost}) | {stranger})["newly-in-work"]
    assert result.recall < 1.0
    assert result.precision < 1.0
    assert [(d.kind, d.flag) for d in result.differences] == [("missed", lost), ("unexpected", stranger)]


def test_the_truth_goes_to_a_file(tmp_path: Path) -> None:
    document = write(generate(seed=2, claimants=10, months=6), tmp_path / "deep" / "truth.json")
    assert json.loads((tmp_path / "deep" / "truth.json").read_text("utf-8")) == document


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import():
                found |= {alias.name for alias in node.names}
            case ast.ImportFrom():
                found.add(node.module or "")
            case _:
                pass
    return found


def test_the_truth_reads_no_service_no_policy_and_no_message() -> None:
    services = {"earnings", "referrals", "notifications", "employer_link", "streaming", "web", "yaml"}
    for path in [*SOURCE.rglob("*.py")]:
        assert not {name.split(".")[0] for name in _imports(path)} & services, path
    messages = {"world.feed", "world.messages", "world.rti", "world.documents", "world.sealing", "world.publish", "contracts"}
    for path in [*(SOURCE / "truth").glob("*.py"), SOURCE / "thresholds.py", SOURCE / "pay.py", SOURCE / "periods.py"]:
        assert not _imports(path) & messages, path


def test_everybody_is_listed_for_the_driver() -> None:
    everybody = people(DEFAULT)
    assert len(everybody.claimants) == len(DEFAULT.persons) >= 500
    coaches = {coach.coach_id for coach in everybody.coaches}
    assert {claimant.coach_id for claimant in everybody.claimants} - {None} <= coaches
    assert everybody.employers[0].employees > 1
    load: Any = Counter(claimant.coach_id for claimant in everybody.claimants)
    assert max(load.values()) < 130
