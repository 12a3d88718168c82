"""The examples that upstream teams are shown: the service reads the good ones and refuses the bad ones as it says there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from contracts.feed import FEED, REASONS
from earnings.intake.prepare import INTAKE_TOPICS
from earnings.validate import Validation, intake

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("topic", INTAKE_TOPICS)
def test_the_examples_of_a_topic_are_read_and_refused_as_described(topic: str) -> None:
    checks = Validation(intake(None, real_ninos=False))
    examples = FEED[topic].examples
    lines = [json.dumps(example.payload).encode() for example in examples]
    found = list(checks.verdicts(lines))
    assert [(verdict.topic, verdict.reason) for verdict in found] == [(topic, example.reason) for example in examples]
    assert all(verdict.outcome == ("usable" if verdict.reason is None else "quarantined") for verdict in found)


def test_every_intake_topic_shows_a_good_and_a_bad_example() -> None:
    assert set(FEED) == set(INTAKE_TOPICS)
    for inbound in FEED.values():
        assert {example.reason is None for example in inbound.examples} == {True, False}


def test_every_reason_that_the_guide_names_is_explained_to_upstream_teams() -> None:
    table = README.read_text().split("| reason | meaning |")[1].split("\n\n")[0]
    named = {reason for line in table.splitlines()[2:] for reason in re.findall(r"`([a-z_<>:]+)`", line.split("|")[1])}
    ours = {"never_matched", "claim_deleted", "claimant_deleted"}  # nothing that a team could have done otherwise
    assert named - ours == set(REASONS)
