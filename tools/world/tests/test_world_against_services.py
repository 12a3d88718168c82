"""The services' own handlers, run in memory on the encrypted feed, agree with the truth; with a fault in them they do not."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
import yaml
from tests.support.memory_platform import MemoryPlatform

from contracts import ids, topics
from earnings import consumers as earnings_consumers
from earnings import kinds, policy_file
from earnings import store as earnings_store
from earnings import timers as earnings_timers
from earnings.intake.data_keys import DataKeys as EarningsDataKeys
from earnings.intake.identity import Pseudonyms
from earnings.intake.prepare import Intake
from earnings.main import POLICY_DAY
from earnings.refresh import Judge
from referrals import consumers, store, timers
from referrals.breaker.watch import Watch
from referrals.desk import KIND, Setup
from referrals.main import KINDS, setup
from referrals.policy_files import build_all, read_files
from referrals.rules.dated import Entry
from referrals.rules.rule_set import HoursPair
from referrals.setups import setup_of
from referrals.whatif.compare import Window, compare
from referrals.whatif.policies import other_files
from referrals.whatif.replayed import replay
from streaming.crypto import FieldCipher
from streaming.records import Record
from streaming.spec import Spec
from world import World, generate
from world.feed import Feed
from world.messages import Message
from world.periods import closed_by
from world.punctual import punctual
from world.reports import Rates
from world.scoring import Flag, Score, score
from world.sealing import DataKeys, seal
from world.truth import truth
from world.truth.judge import LONG, RULES

FIELD_KEY = base64.b64encode(b"field key of this test, 32 bytes").decode()
WORLD = generate(seed=1, claimants=120)
TRUTH = truth(WORLD)

Keep = Callable[[Message], bool]


def _services(http: httpx.Client, policy: Setup) -> list[Spec]:
    """earnings and referrals as their own composition roots build them, without settings from the environment."""
    cipher = FieldCipher(FIELD_KEY)
    judge = Judge(policy_file.load(POLICY_DAY, None, None), False)
    pseudonyms = Pseudonyms(b"pseudonym key of this test, long", production=False)
    earnings = Spec(
        name="earnings",
        kinds=kinds.KINDS,
        topics=Intake(EarningsDataKeys(lambda: http, lambda _: None), pseudonyms, cipher).topics(),
        handle=earnings_consumers.handler(judge),
        fire=earnings_timers.firing(judge),
        links=kinds.links,
        journal=earnings_consumers.journal,
        project=earnings_store.project,
    )
    referrals = Spec(
        name="referrals",
        kinds=KINDS,
        topics=consumers.inbound(),
        handle=partial(consumers.handle, policy),
        fire=partial(timers.fire, policy),
        project=store.projection(cipher, (policy.book,), Watch(policy.book)),
    )
    return [earnings, referrals]


def _play(world: World, data_key_service: str, policy: Setup, keep: Keep = lambda message: True) -> MemoryPlatform:
    feed, offsets = Feed(world), Counter[str]()
    with DataKeys(data_key_service) as keys, httpx.Client(base_url=data_key_service) as http:
        platform = MemoryPlatform(_services(http, policy), partitions=4)
        for day in feed.days():
            platform.advance(datetime.combine(day, time(5), UTC))
            records = []
            for message in feed.day(day):
                if message.topic != topics.CONTACT_PREFERENCES and keep(message):
                    value, offset = seal(message, keys), offsets[message.topic]
                    records.append(Record(message.topic, 0, offset, 0, message.key, value, message.headers))
                    offsets[message.topic] += 1
            platform.feed(records)
    return platform


def _standing(world: World, platform: MemoryPlatform) -> set[Flag]:
    """Flags that were raised and not withdrawn."""
    starts = {
        ids.period_id(claim.claim_id, period.start): period.start
        for claim in world.claims
        for period in closed_by(claim.entitlement, world.end + timedelta(days=60))
    }
    flags: dict[str, Flag] = {}
    planned: dict[str, Flag] = {}
    for event in platform.published:
        if event.topic != topics.PROGRESSION_FLAG or event.type == "ReviewRaised":
            continue
        body: dict[str, Any] = json.loads(event.value)
        flag_id = body["flag_id"]
        match event.type:
            case "FlagPlanned":
                planned[flag_id] = Flag(body["rule_id"], body["claimant_id"], starts.get(body["period_id"], date.min))
            case "FlagRaised":
                flags[flag_id] = planned[flag_id]
            case "FlagWithdrawn":
                flags.pop(flag_id, None)
    return set(flags.values())


def _scores(data_key_service: str, policy: Setup, keep: Keep = lambda message: True) -> dict[str, Score]:
    return score(TRUTH, _standing(WORLD, _play(WORLD, data_key_service, policy, keep)))


@pytest.fixture(scope="module")
def played(data_key_service: str) -> MemoryPlatform:
    """The services as they are, after the whole play."""
    return _play(WORLD, data_key_service, setup())


def test_precision_and_recall_of_every_rule_are_at_least_098(played: MemoryPlatform) -> None:
    for rule, result in score(TRUTH, _standing(WORLD, played)).items():
        assert result.labelled >= (5 if rule in LONG else 10), rule
        assert result.precision >= 0.98, (rule, result.differences)
        assert result.recall >= 0.98, (rule, result.differences)
        assert all(difference.causes for difference in result.differences), rule
    raised = Counter(json.loads(e.value)["rule_id"] for e in played.published if e.type == "FlagPlanned")
    assert all(raised[rule] > len([row for row in TRUTH["labels"] if row["rule"] == rule]) for rule in set(RULES) - LONG)


def test_every_difference_has_its_cause_when_more_reports_go_wrong(data_key_service: str) -> None:
    rates = Rates(corrections=0.05, late=0.05, duplicates=0.02, conflicts=0.01, beyond=True)
    world = generate(seed=1, claimants=160, rates=rates)
    document = truth(world)
    assert {note["cause"] for note in document["notes"]} >= {"partner_withheld", "claim_closed", "corrected"}
    scores = score(document, _standing(world, _play(world, data_key_service, setup())))
    unexplained = [difference for result in scores.values() for difference in result.differences if not difference.causes]
    assert unexplained == []


def test_only_the_messages_that_are_meant_to_be_broken_are_quarantined(played: MemoryPlatform) -> None:
    earnings = played.services["earnings"]
    quarantined = Counter(topic for (topic, _, _), outcome in earnings.outcomes.items() if outcome == "quarantined")
    assert quarantined == Counter(row["topic"] for row in TRUTH["expected_dead_letters"])


@pytest.mark.parametrize("shift_pence", [-50_00, 50_00])
def test_a_platform_whose_thresholds_are_fifty_pounds_off_falls_below_095(data_key_service: str, shift_pence: int) -> None:
    right = setup()
    amounts = ((date(2025, 4, 1), date(2026, 3, 31), 952_00, 1534_00), (date(2026, 4, 1), None, 991_00, 1597_00))
    entries = tuple(
        Entry(since, HoursPair(single + shift_pence, couple + shift_pence), until) for since, until, single, couple in amounts
    )
    off = replace(right, policy=replace(right.policy, aet_flat=replace(right.policy.aet_flat, entries=entries)))
    result = _scores(data_key_service, off)
    assert result["fell-below-aet"].recall < 0.95
    assert result["crossed-above-aet"].recall < 0.95


def test_a_platform_that_ignores_corrections_falls_below_095(data_key_service: str) -> None:
    def uncorrected(message: Message) -> bool:
        return b'"latePayeReportingReason":"H"' not in message.value and b"paymentNoLongerValid" not in message.value

    result = _scores(data_key_service, setup(), uncorrected)
    assert {rule: one.recall for rule, one in result.items() if rule not in LONG and one.recall >= 0.95} == {}


FALLS = ("fell-below-aet", "sustained-fall")
Key = tuple[str, str, str]
"""claimant, rule, period"""


def _higher() -> Setup:
    """The administrative earnings threshold is 1,101 pounds in place of 991 from 1 May 2026."""
    rise = {"from": "2026-05-01", "value": {"single": 20, "couple": 32}, "source": "a test", "status": "assumed"}
    values = [*yaml.safe_load(read_files()["aet"])["hours"]["values"], rise]
    return setup_of(build_all(other_files({"aet": {"hours": {"values": values}}})))


def _happened(platform: MemoryPlatform) -> set[Key]:
    """Flags raised and not withdrawn, and reviews, from the published events alone."""
    found: dict[str, Key] = {}
    for event in platform.published:
        if event.type in ("FlagRaised", "ReviewRaised"):
            body = json.loads(event.value)
            found[event.subject] = (body["claimant_id"], body["rule_id"], body["period_id"])
        elif event.type == "FlagWithdrawn":
            found.pop(event.subject, None)
    return set(found.values())


def _foreseen(platform: MemoryPlatform, world: World, other: Setup) -> set[Key]:
    """The what-if on what the platform has on record."""
    rows = []
    for (kind, _), doc in platform.services["referrals"].docs.items():
        if kind == KIND:
            instead, _ = replay(doc, other, world.end)
            rows += compare(doc, instead, Window(first=world.start, last=world.end), setup(), other)
    return {(row.claimant_id, row.rule_id, row.period_id) for row in rows if row.change != "removed"}


def test_what_a_higher_threshold_is_foreseen_to_do_is_what_it_then_does(data_key_service: str) -> None:
    world, other = punctual(generate(seed=2, claimants=180, months=6, broken=False)), _higher()
    before = _play(world, data_key_service, setup())
    was, then = _happened(before), _happened(_play(world, data_key_service, other))
    assert _foreseen(before, world, setup()) == was
    assert _foreseen(before, world, other) == then
    assert Counter(rule for _, rule, _ in then - was)["threshold-change-review"] >= 10
    fell = {(who, period) for who, rule, period in was if rule in FALLS}
    for who, rule, period in then - was:
        assert rule not in FALLS or (who, period) in fell or _fell_itself(before, who, period), (who, rule, period)


def _fell_itself(platform: MemoryPlatform, who: str, period: str) -> bool:
    """The person's own pay was at or above the higher threshold in the period before, and is below it now."""
    docs = [doc for (kind, _), doc in platform.services["referrals"].docs.items() if kind == KIND and who in doc.people]
    periods = sorted((one for doc in docs for one in doc.periods.values()), key=lambda one: one.start)
    place = next(place for place, one in enumerate(periods) if one.period_id == period)
    then, now = (periods[n].person(who) for n in (place - 1, place))
    assert then is not None
    assert now is not None
    then_pay, now_pay = ((own.gross_monthly_average_pence or own.attributed_pence or 0) for own in (then, now))
    return then_pay >= 1101_00 > now_pay
