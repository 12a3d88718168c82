"""`earnings explain CLAIM PERIOD`: what the API says about one period, as tables in a terminal. Reads only."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import psycopg
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts.ids import period_id
from earnings import store
from earnings.api.parts import Documents, known_claim
from earnings.explain import explained
from earnings.main import build_judge, build_spec
from earnings.refresh import members_of
from earnings.rules.calendar import index_of, london_day
from earnings.rules.evaluate import Context, open_period, timeline
from earnings.rules.words import day, money
from earnings.settings import Settings
from streaming.clock import make_clock


class NotThere(Exception):
    """No such claim or period; the text says which."""


def find(settings: Settings, claim_id: str, period: str) -> dict[str, Any]:
    """The explained period. period: its id, or any day in it (2026-06-08). Raises NotThere."""
    policy = build_judge(settings).policy
    now = make_clock(settings).now()
    with psycopg.connect(settings.earnings_database_url) as conn:
        docs = Documents(conn, build_spec(settings))
        claim = known_claim(docs, claim_id)
        if claim is None:
            raise NotThere(f"no claim {claim_id}")
        members = members_of(docs, claim_id, claim)
        line = timeline(claim_id, claim, members, london_day(now), policy)
        ids = {period_id(claim_id, one.start): one for one in line.periods}
        try:
            index = index_of(line.periods, date.fromisoformat(period))
            found = None if index is None else period_id(claim_id, line.periods[index].start)
        except ValueError:
            found = period if period in ids else None
        if found is None:
            known = f"they run from {line.periods[0].start} to {line.periods[-1].end}" if line.periods else "it has none yet"
            raise NotThere(f"no period {period} of claim {claim_id}: give the id of one, or a day in it (yyyy-mm-dd); {known}")
        stored = store.periods_of(conn, claim_id, [found])
        body = stored[0][1] if stored else None
        if body is None:
            body = msgspec.to_builtins(open_period(claim_id, claim, members, Context(now, "closed", policy)))
        return explained(body, line, store.versions_of(conn, claim_id, [found]).get(found, []), policy)


def show(period: dict[str, Any], console: Console) -> None:
    """Print it: sentences about the period, then for each person figures, payments and sentences."""
    console.print(f"Period {period['period_id']}  {period['start']} to {period['end']}  {period['status']}")
    for sentence in period["explanation"]:
        console.print(sentence, markup=False, highlight=False)
    for entry in period["claimants"]:
        console.print(f"\nClaimant {entry['claimant_id']}, evidence {entry['basis']}", markup=False)
        figures = Table("figure", "amount")
        for name in ("gross_pence", "attributed_pence", "gross_monthly_average_pence", "net_pence"):
            amount = entry[name]
            figures.add_row(name.removesuffix("_pence").replace("_", " "), "-" if amount is None else money(amount))
        console.print(figures)
        payments = Table("payment", "employer", "paid on", "reported", "counts", "rule")
        for row in entry["payments"]:
            employer = escape(row["employer_name"] or row["employer_id"])
            amounts = (money(row["gross_pence"]), money(row["attributed_pence"]))
            payments.add_row(row["payment_id"], employer, day(row["payment_date"]), *amounts, row["rule"])
        console.print(payments)
        for sentence in entry["explanation"]:
            console.print(f"- {sentence}", markup=False, highlight=False)
