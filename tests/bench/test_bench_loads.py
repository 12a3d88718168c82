"""The benchmark's loads are what their descriptions say, and peers that cannot be installed are told."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from bench import peers
from bench.measure import Result
from bench.report import build
from bench.suite import Rate
from bench.workload import Load


def keys(load: Load) -> Counter[str]:
    return Counter({event.seq: event.key for event in load.produce()}.values())


@pytest.mark.parametrize("count", [1_000, 10_000])
def test_a_round_meets_every_key_once(count: int) -> None:
    assert set(keys(Load("rows", 2 * count, count, rounds=True)).values()) == {2}
    assert len(keys(Load("rows", 2 * count, count, rounds=True))) == count


def test_a_load_that_goes_on_ends_where_one_of_both_lengths_does() -> None:
    whole = Load("rows", 1_500, 100, rounds=True)
    first, second = Load("rows", 700, 100, rounds=True), Load("rows", 800, 100, rounds=True, first=701)
    both = second.fold(first.fold())
    assert {key: (state.seq, state.count) for key, state in both.items()} == {
        key: (state.seq, state.count) for key, state in whole.fold().items()
    }
    assert first.outputs() + second.outputs() == whole.outputs() == 75


def test_one_key_has_its_share() -> None:
    found = keys(Load("hot", 20_000, 1_000, one_key=0.3))
    assert 0.28 < found["k0000000"] / 20_000 < 0.32


def test_a_peer_that_cannot_be_installed_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("quixstreams==3.28.1\n")
    with pytest.raises(peers.NotInstalled, match="hash"):
        peers.python(tmp_path / "venv", tmp_path / "requirements.txt")


def test_a_missing_peer_stays_in_the_report_and_its_gate_is_not_met() -> None:
    ours = Result("shell, 2 lanes", "hot", 1000, 50_000.0, {"client": 9.0, "postgresql": 5.0, "kafka": 1.0}, 2.0, 100.0)
    made = build([ours], {"quixstreams, batching sink": "no wheel"}, Rate(1, 1.0), [])
    assert made["missing"] == {"quixstreams, batching sink": "no wheel"}
    assert [gate["met"] for gate in made["gates"] if "quixstreams" in gate["name"]] == [None]
