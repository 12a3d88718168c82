"""The two services under test: where their rules are, what they consume, and which of their facts must come out equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.rules import earnings_feed, progression_feed
from bench.rules.feed import Message
from bench.rules.past import Past
from devstack import layout
from earnings import cli as earnings_cli
from earnings.main import build_intake
from earnings.settings import Settings
from referrals import cli as referrals_cli
from referrals.main import setup
from referrals.settings import ReferralsSettings
from streaming.cli import Program
from streaming.settings import PlatformSettings

SHELL_FACTS = {
    "documents": "SELECT kind, key, schema, state FROM document",
    "outbox": "SELECT id, topic, key, type, subject, value, causation_id, correlation_id, time FROM outbox",
    "timers": "SELECT id, kind, key, due_at, name, payload FROM due",
}
"""A document's version counts transactions, and `seq` their order: both are left out. Ids are derived and must be equal."""

ALLOWED = (
    "INSERT INTO flag_hold (hold_id, state, since, opened_at, rolling_hour, median, band, rule_set, closed_at, allow_until)"
    " VALUES ('bench', 'released', '2025-01-01', '2025-01-01', 0, 0, 0, 'bench', '2025-01-01', '2100-01-01')"
)
"""A whole country's flags on one day would be held for sign-off; somebody has allowed them."""


@dataclass(frozen=True, slots=True)
class Service:
    """facts: name → query of rows that must be equal however they were written. before: SQL for the empty database.

    past: fills a database up to the start. measured: as many messages of `topic` as asked for.
    """

    name: str
    rules: str
    topic: str
    program: Program[Any]
    settings: type[PlatformSettings]
    facts: Mapping[str, str]
    past: Callable[[str, Any, int], None]
    measured: Callable[[int], Iterator[Message]]
    before: str = ""

    def environment(self, bootstrap: str, url: str, partitions: int) -> dict[str, str]:
        """What its processes read."""
        told = layout.environment(
            layout.Ports(), bootstrap=bootstrap, databases={self.name: url}, clock="topic", partitions=partitions
        )
        return {**told, "LANES": "2"}

    @property
    def migrations(self) -> Path:
        return self.program.migrations


def _earnings_past(url: str, settings: Settings, count: int) -> None:
    know = Past(earnings_cli.program.spec(settings), url, settings.field_key.get_secret_value())
    earnings_feed.past(know, build_intake(settings), count)
    know.close()


def _progression_past(url: str, settings: ReferralsSettings, count: int) -> None:
    spec = referrals_cli.PROGRAM.spec(settings)
    know = Past(spec, url, settings.field_key.get_secret_value(), progression_feed.began())
    progression_feed.past(know, count)
    progression_feed.tidy(know, setup(settings.referrals_policy_dir))
    know.close()


EARNINGS = Service(
    "earnings",
    "earnings rules",
    earnings_feed.TOPIC,
    earnings_cli.program,
    Settings,
    {
        **SHELL_FACTS,
        "ledger": 'SELECT topic, part, "offset", record_id, received_at, outcome, reason FROM ledger',
        "periods": "SELECT claim_id, period_id, version, starts, ends, why, assessed_at, take_home_pay, body FROM period",
        "queries": "SELECT * FROM query",
    },
    _earnings_past,
    earnings_feed.measured,
)
PROGRESSION = Service(
    "referrals",
    "progression rules",
    progression_feed.TOPIC,
    referrals_cli.PROGRAM,
    ReferralsSettings,
    {
        **SHELL_FACTS,
        # What was decided is encrypted under a random key; that both decided alike shows in the documents and the outbox.
        "decisions": "SELECT claim_id, seq, decision_id, claimant_id, period_id, step, as_of, made_at, rule_set FROM decision",
        "worklist": "SELECT * FROM worklist",
        # Without the change of pay: that is as of the end of a transaction, however many versions it took in.
        "flags watched": "SELECT claim_id, flag_id, rule_id, office_id, employer_id, raised_at, hold_id FROM flag_watch",
        "outcomes": "SELECT claim_id, claimant_id, period_id, version, gross_change_pence, in_work, arm FROM outcome",
    },
    _progression_past,
    progression_feed.measured,
    ALLOWED,
)
SERVICES = {service.name: service for service in (EARNINGS, PROGRESSION)}
