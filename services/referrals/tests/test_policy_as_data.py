"""Policy is data: what the files may hold, what they are refused for, and that a new figure needs no code."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from referrals.cli import app
from referrals.desk import Setup
from referrals.main import setup
from referrals.policy_files import book_of, build, build_all, read_files
from referrals.rules import texts
from referrals.rules.predicates import PREDICATES
from referrals.rules.thresholds import Basis, thresholds
from referrals.support_files import catalogue

FILES = read_files()
NEXT_RATE = '    - {from: "2026-04-01", value: "12.71"'


def changed(name: str, old: str, new: str, **more: str) -> dict[str, str]:
    assert old in FILES[name], "the file still says what the test changes"
    return {**FILES, name: FILES[name].replace(old, new, 1), **more}


def sets(*spans: tuple[str, str | None], rules: str = "rules") -> str:
    rows = [
        f'- {{from: "{a}", until: {b or "null"}, rules: {rules}, composition: composition, active: active}}' for a, b in spans
    ]
    return "schema: rule-sets/1\nrule_sets:\n" + "\n".join(rows)


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        (changed("composition", "own_pay_lower@1", "own_pay_lower@9"), "unknown predicate or figure: own_pay_lower@9"),
        (changed("composition", "figures: [rise@1]", "figures: [rise@7]"), "unknown predicate or figure: rise@7"),
        (changed("composition", "    borrowed: {max_gap_days: rapid-re-entry}\n", ""), "newly-in-work needs the param"),
        (changed("composition", "  fell-below-aet:\n", "  fell-below:\n"), "unknown rule: fell-below"),
        (changed("active", "- job-ended", "- claim-restart"), "a rule without predicates: claim-restart"),
        (changed("minimum-wage", 'value: "12.71", ', ""), "value"),
        (changed("minimum-wage", NEXT_RATE, NEXT_RATE.replace("2026-04-01", "2025-04-01")), "first days must rise strictly"),
        (changed("minimum-wage", '"2025-04-01", value: "12.21"', '"2025-04-01", until: "2026-04-01", value: "12.21"'), "overlap"),
        (changed("minimum-wage", '"2025-04-01", value: "12.21"', '"2025-04-01", until: "2026-03-01", value: "12.21"'), "no entr"),
        (changed("easements", ', source: "reg 99; JSA mirror", status: seen', ", status: seen"), "legal.1.values.0.source: miss"),
        (changed("aet", "hours:", "hors: {}\nhours:"), "aet.hors: there is no such key"),
        (changed("aet", "{single: 12, couple: 19}", "{single: 12, couple: 19, pair: 1}"), "0.value.pair: there is no such key"),
        (changed("easements", "discretionary:", "discretionery: []\ndiscretionary:"), "easements.discretionery: there is no"),
        (changed("rules", "{min_nil_aps:", "{min_nil_apps:"), "rules.rules.0.parameters.min_nil_apps: there is no such key"),
        (changed("rules", "plan_day_after_ap_end: {default: 1", "plan_day_after_ap_end: {default: one"), "valid integer"),
        (changed("rules", "- id: guard-dispute\n", "- id: guard-disputes\n"), "order.3: unknown guard: guard-dispute"),
        (changed("support", "many_barriers: 3", "many_bariers: 3"), "support.many_bariers: there is no such key"),
        (changed("composition", "{max_gap_days: rapid-re-entry}", "{max_gap_days: re-entry}"), "unknown rule: re-entry"),
        (changed("active", "rules:", "rules: ["), "active: not YAML, line"),
        ({}, "policy files are missing: rule-sets"),
        ({**FILES, "rule-sets": sets(("2013-04-29", "2026-05-07"), ("2026-05-07", None))}, "overlap"),
        ({**FILES, "rule-sets": sets(("2013-04-29", "2026-05-07"), ("2026-05-09", None))}, "no entry covers the days between"),
        ({**FILES, "rule-sets": sets(("2013-04-29", "2026-05-07"))}, "until further notice"),
        ({**FILES, "rule-sets": sets(("2013-04-29", None), rules="rules-9")}, "policy files are missing: rules-9"),
    ],
)  # fmt: skip
def test_files_that_do_not_hold_are_refused_with_what_is_wrong(files: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        build_all(files)


def test_the_version_is_the_content_and_not_the_layout() -> None:
    commented = {name: f"# a remark\n{text}\n" for name, text in FILES.items()}
    assert build(commented).version == build(FILES).version
    assert build(changed("rules", '{default: "5.00", unit', '{default: "5.50", unit')).version != build(FILES).version


def test_a_new_rate_is_a_line_of_data() -> None:
    later = changed("minimum-wage", NEXT_RATE, '    - {from: "2026-04-01", value: "13.00"')
    before, after = (thresholds(build(files).policy, Basis(), None, date(2026, 6, 8)) for files in (FILES, later))
    assert (before.aet_single, after.aet_single) == (99_100, 101_400)


def test_a_rule_is_what_its_predicates_say() -> None:
    softer = build(changed("composition", "pay_is_cause@1, own_pay_lower@1, shortfall_counts@1", "own_pay_lower@1"))
    assert softer.rules["fell-below-aet"].tests == (
        "above_aet_before@1",
        "below_aet_now@1",
        "amount_above_nil@1",
        "own_pay_lower@1",
    )
    assert softer.rules["fell-below-aet"].numbers == {}
    assert build(FILES).rules["stagnation-6"].numbers == {
        "periods": 6, "min_growth_percent": "5.00", "min_nlw_hours_gain": "0.50",
    }  # fmt: skip


def test_a_period_keeps_the_rule_set_of_its_last_day() -> None:
    strict = FILES["rules"].replace('min_growth_percent: {default: "5.00"', 'min_growth_percent: {default: "9.00"')
    text = sets(("2013-04-29", "2026-05-07")) + sets(("2026-05-08", None), rules="strict").split("rule_sets:")[1]
    first, second = build_all({**FILES, "strict": strict, "rule-sets": text})
    setup = Setup(policy=second.policy, book=book_of(second), support=catalogue(), earlier=((date(2026, 5, 7), book_of(first)),))
    percents = [
        setup.book_on(day).rules["stagnation-3"].numbers["min_growth_percent"] for day in (date(2026, 5, 7), date(2026, 5, 8))
    ]
    assert percents == ["5.00", "9.00"]
    assert first.version == build(FILES).version, "a later set leaves the earlier one as it was"


def folder(tmp_path: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return str(tmp_path)


def test_the_commands_show_check_and_compare(tmp_path: Path) -> None:
    run = CliRunner()
    shown = run.invoke(app, ["policy", "show", "--on", "2026-06-08"])
    assert "single: 18 h x 12.71 x 52 / 12 = 991.38, rounded down to the pound" in shown.output
    assert "couple: 29 h x 12.71 x 52 / 12 = 1597.22, rounded down to the pound" in shown.output
    assert "aet.hours single=18 couple=29, from 2024-05-13, seen: SI 2024/536" in shown.output
    assert "cet.couple_rounding truncate_each, from 2013-04-29, assumed: platform choice" in shown.output
    assert "couple: 567.00, set as an amount" in run.invoke(app, ["policy", "show", "--on", "2022-06-08"]).output
    assert run.invoke(app, ["policy", "show", "--on", "2020-06-08"]).exit_code == 1
    mine, other = str(tmp_path / "mine"), tmp_path / "other"
    Path(mine).mkdir()
    other.mkdir()
    folder(Path(mine), FILES)
    theirs = folder(other, changed("minimum-wage", NEXT_RATE, '    - {from: "2026-04-01", value: "13.00"'))
    assert run.invoke(app, ["policy", "check", "--folder", theirs]).exit_code == 0
    same, differs = (run.invoke(app, ["policy", "diff", mine, folder_]) for folder_ in (mine, theirs))
    assert (same.output, same.exit_code) == ("", 0)
    assert (differs.output.strip(), differs.exit_code) == ("minimum-wage.bands.nlw.values.2026-04-01.value: 12.71 -> 13.00", 1)
    shipped = run.invoke(app, ["policy", "diff", theirs])
    assert (shipped.output, shipped.exit_code) == (differs.output, 1)
    (other / "composition.yaml").write_text("schema: composition/1\nrules: {}\n", encoding="utf-8")
    broken = run.invoke(app, ["policy", "check", "--folder", theirs])
    assert (broken.exit_code, "a rule without predicates" in broken.output) == (1, True)
    assert run.invoke(app, ["policy", "diff", mine, theirs]).output.startswith("not valid: ")


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("policy show --on 8/6/2026", 2, "is not a day like"),
        ("policy diff {empty}", 1, "not valid: .*policy files are missing: rule-sets"),
        ("policy write {empty}/out --policy {empty}/none.yaml", 2, "does not exist"),
        ("what-if --policy {empty}/none.yaml", 2, "does not exist"),
        ("what-if --policy {file} --from yesterday", 2, "is not a day like"),
        ("what-if --policy {file} --to 2026-13-01", 2, "is not a day like"),
        ("replay", 2, "nothing was checked"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(tmp_path: Path, command: str, code: int, says: str) -> None:
    file, empty = tmp_path / "aet.yaml", tmp_path / "empty"
    file.write_text(FILES["aet"])
    empty.mkdir()
    done = CliRunner().invoke(app, command.format(file=file, empty=empty).split())
    assert (done.exit_code, isinstance(done.exception, SystemExit)) == (code, True)
    assert re.search(says, re.sub(r"[\s│]+", " ", done.output))


def test_a_deployment_is_given_a_folder_that_was_written_with_what_was_asked_about(tmp_path: Path) -> None:
    part = tmp_path / "aet.yaml"
    part.write_text(
        'hours:\n  values:\n  - {from: "2022-09-26", value: {single: 20, couple: 32}, source: "a test", status: assumed}\n'
    )
    run = CliRunner().invoke(app, ["policy", "write", str(tmp_path / "policy"), "--policy", str(part)])
    assert run.exit_code == 0, run.output
    deployed = setup(tmp_path / "policy")
    assert deployed.book.version in run.output
    assert thresholds(deployed.policy, Basis(), None, date(2026, 6, 8)).aet_single == 1101_00
    assert thresholds(setup().policy, Basis(), None, date(2026, 6, 8)).aet_single == 991_00
    part.write_text("hours: {values: [1]}\n")
    assert CliRunner().invoke(app, ["policy", "write", str(tmp_path / "no"), "--policy", str(part)]).exit_code == 2


def test_every_predicate_can_be_told_in_words() -> None:
    assert {name.partition("@")[0] for name in PREDICATES} - set(texts.PREDICATES) == set()
