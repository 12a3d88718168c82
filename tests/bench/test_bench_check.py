"""The guard against slowness compares ratios with floors, fails by hand and warns on a build server."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import typer
from bench import guard
from bench.latency import Delays
from bench.measure import CONTENDERS, Result
from bench.report import build
from bench.suite import Rate
from typer.testing import CliRunner
from typer.testing import Result as Ended

FLOORS = {"hot: against the plain loop": 0.65, "relay": 3.0}


@pytest.mark.parametrize(
    ("plain", "relay", "wrong"),
    [
        (0.65, 3.0, []),
        (0.7, 9.0, []),
        (0.64, 3.0, ["hot: against the plain loop: 0.64 is below the floor of 0.65"]),
        (0.8, 2.9, ["relay: 2.9 is below the floor of 3.0"]),
        (None, 3.0, ["hot: against the plain loop: not measured, the floor is 0.65"]),
    ],
)
def test_a_ratio_below_its_floor_or_not_measured_is_told(plain: float | None, relay: float, wrong: list[str]) -> None:
    gates = {"hot: against the plain loop": plain, "relay": relay, "p99": 999.0}
    assert guard.below([{"name": name, "value": value} for name, value in gates.items()], FLOORS) == wrong


@pytest.mark.parametrize(("wrong", "ci", "code"), [([], "", 0), (["slow"], "", 1), (["slow"], "true", 0), (["slow"], "false", 1)])
def test_it_fails_by_hand_and_warns_on_a_build_server(wrong: list[str], ci: str, code: int) -> None:
    assert guard.exit_code(wrong, {"CI": ci}) == code


def test_every_floor_is_of_a_gate_that_a_report_has_and_is_a_ratio() -> None:
    runs = [
        Result(contender.name, load, 1000, 50_000.0, {"client": 9.0, "postgresql": 5.0, "kafka": 1.0}, 2.0, 100.0)
        for load in ("hot", "wide")
        for contender in CONTENDERS
    ]
    made = build(runs, {}, Rate(60_000, 25_000.0), [Delays(2_000, 16_000, 20.0, 40.0, 60.0)])
    ratios = {gate["name"] for gate in made["gates"] if gate["at_least"] and gate["value"] is not None}
    assert guard.floors().keys() <= ratios
    assert not any("CPU" in name or "p99" in name for name in guard.floors())


def test_the_newest_report_counts(tmp_path: Path) -> None:
    assert guard.newest(tmp_path) is None
    for age, name in enumerate(guard.REPORTS):
        (tmp_path / name).write_text("{}")
        os.utime(tmp_path / name, (1_000 - age, 1_000 - age))
    assert guard.newest(tmp_path) == tmp_path / "report.json"


@pytest.mark.parametrize(("value", "ci", "code"), [(100.0, "", 0), (0.01, "", 1), (0.01, "true", 0)])
def test_the_command_reads_the_report_and_says_what_is_wrong(tmp_path: Path, value: float, ci: str, code: int) -> None:
    report = {"gates": [{"name": name, "value": value} for name in guard.floors()]}
    (tmp_path / "report.json").write_text(json.dumps(report))
    done = check(tmp_path, ci)
    assert done.exit_code == code, done.output
    assert ("below the floor" in done.output) == (value < 1)


def test_without_a_report_the_command_says_how_to_make_one(tmp_path: Path) -> None:
    done = check(tmp_path, "true")
    assert done.exit_code == 2
    assert "make bench" in done.output


def check(home: Path, ci: str) -> Ended:
    command = typer.Typer()
    command.command()(guard.main)
    return CliRunner().invoke(command, ["--var-dir", str(home)], env={"CI": ci})
