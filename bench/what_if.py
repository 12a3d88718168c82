"""`python -m bench what-if`: a year of many claimants under another policy, and the price of one evaluation.

The claims lie in a real database as the service keeps them. The rules' answers are compared with `plain_rules` on every
different course before anything is timed; a difference stops the benchmark.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import yaml
from rich.console import Console
from rich.progress import Progress

from bench import plain_rules
from contracts.earnings import Claim, ClaimClaimant, Conditionality, PeriodClaimant, PeriodEmployment
from contracts.ids import period_id
from devstack import backends
from referrals import main as referrals_main
from referrals.desk import KIND
from referrals.inputs import history
from referrals.model import ClaimDoc, Period, Person, Standing
from referrals.policy_files import read_files
from referrals.rules.evaluation import Inputs, evaluate
from referrals.rules.guards import GuardFacts
from referrals.whatif.compare import Window
from referrals.whatif.plot import svg
from referrals.whatif.policies import other_files
from referrals.whatif.run import Question, ask
from streaming.migrate import upgrade

MIGRATIONS = Path(__file__).parents[1] / "services" / "referrals" / "migrations"
FIRST = date(2025, 4, 8)
MONTHS, COURSES, OFFICES, SECONDS = 12, 1_000, 50, 300
HIGHER = {"from": "2025-10-08", "value": {"single": 20, "couple": 32}, "source": "a benchmark", "status": "assumed"}
KNOWN = Conditionality(
    from_=date(2020, 1, 1), age_band="nlw", expected_hours=35, legal_group="all_requirements", partner_ineligible=False
)


def run(claimants: int, processes: int | None, home: Path, console: Console) -> dict[str, Any]:
    """Fill a database, check, time, and write report.json and plot.svg."""
    setup = referrals_main.setup()
    courses = list(islice(courses_of(random.Random(1)), COURSES))
    docs = [_doc(months) for months in courses]
    times = _check_and_time(courses, docs, setup)
    console.print(f"{COURSES:,} courses judged alike by the service's rules and by the plain loop")
    home.mkdir(parents=True, exist_ok=True)
    with backends.start(home, fresh=True, want=("postgresql",)) as found:
        url = found.postgres.create_database("bench_what_if", replace=True)
        upgrade(MIGRATIONS, url)
        _fill(url, docs, claimants)
        values = [*yaml.safe_load(read_files()["aet"])["hours"]["values"], HIGHER]
        files = other_files({"aet": {"hours": {"values": values}}})
        window = Window(first=FIRST, last=FIRST + timedelta(days=500))
        with Progress(console=console) as bar:
            task = bar.add_task("claims", total=None)
            report = ask(
                url,
                Question(files=files, window=window),
                processes=processes,
                progress=lambda done, of: bar.update(task, completed=done, total=of),
            )
    made = {
        "claimants": claimants,
        "periods_each": MONTHS,
        "elapsed_s": report.elapsed_s,
        "target_s": SECONDS,
        "met": report.elapsed_s <= SECONDS * claimants / 100_000,
        "evaluations": report.evaluations,
        "us_per_evaluation": {"what-if, everything": report.us_per_evaluation, **times},
        "rules": msgspec.to_builtins(report.rules),
    }
    (home / "what-if.json").write_text(json.dumps(made, indent=2) + "\n")
    (home / "what-if.svg").write_text(svg(report))
    console.print(f"{claimants:,} claimants x {MONTHS} periods: {report.elapsed_s:,.0f} s, {report.evaluations:,} evaluations")
    for name, micros in made["us_per_evaluation"].items():
        console.print(f"  {name:<44}{micros:>8.1f} µs an evaluation")
    console.print(f"{home / 'what-if.json'} and {home / 'what-if.svg'} written")
    return made


def courses_of(chance: random.Random) -> Iterator[list[plain_rules.Month]]:
    """Twelve months of one person: one job at a time, some lost and followed by another."""
    starts = [
        date(FIRST.year + (FIRST.month - 1 + n) // 12, (FIRST.month - 1 + n) % 12 + 1, FIRST.day) for n in range(MONTHS + 1)
    ]
    while True:
        jobs: list[plain_rules.Job] = [(date(2024, 1, 1), None)]
        usual, months, idle = chance.choice([40_000, 70_000, 90_000, 100_000, 130_000, 180_000]), [], 0
        for start, following in pairwise(starts):
            pay = int(usual * chance.choice([1, 1, 1, 1, 1.01, 1.1, 0.8, 0.5]))
            if jobs[-1][1] is None and chance.random() < 0.04:
                jobs[-1] = (jobs[-1][0], start + timedelta(days=chance.randrange(0, 27)))
            elif jobs[-1][1] is not None:
                idle += 1
                if idle > 1 and chance.random() < 0.4:
                    jobs.append((start + timedelta(days=chance.randrange(0, 20)), None))
                    idle = 0
                else:
                    pay = 0
            months.append((start, following - timedelta(days=1), pay, tuple(jobs)))
        yield months


def _doc(months: list[plain_rules.Month]) -> ClaimDoc:
    """The claim as the service keeps it."""
    claim = claim_of("c", "p", "o")
    periods = {}
    for month in months:
        known = period_id("c", month[0])
        periods[known] = Period(period_id=known, start=month[0], end=month[1], version=1, claimants=(earnings_of("p", month),))
    standing = Standing(since=datetime(2025, 4, 1, tzinfo=UTC), status="open")
    return ClaimDoc(claim_id="c", claim=claim, periods=periods, people={"p": Person(claimant_id="p")}, standings=(standing,))


def claim_of(claim_id: str, claimant_id: str, office_id: str) -> Claim:
    """An open claim of one person from the first day of the course."""
    person = ClaimClaimant(
        claimant_id=claimant_id, coach_id=None, office_id=office_id, self_employed=False, dead=False, nino_known=True,
        conditionality=(KNOWN,),
    )  # fmt: skip
    return Claim(
        claim_id=claim_id, version=1, status="open", couple=False, entitlement_date=FIRST, payment_day=7, claimants=(person,)
    )


def earnings_of(claimant_id: str, month: plain_rules.Month) -> PeriodClaimant:
    """What the person earned in a month of a course."""
    _, end, pay, jobs = month
    paid = tuple(
        PeriodEmployment(
            employment_id=f"job-{n}", employer_id=f"e-{n}", gross_pence=pay if n == len(jobs) - 1 else 0,
            paydays=1 if pay and n == len(jobs) - 1 else 0, frequency="M1", started_on=first, ended_on=last,
        )
        for n, (first, last) in enumerate(jobs)
    )  # fmt: skip
    return PeriodClaimant(
        claimant_id=claimant_id, in_work=pay > 0 or any(last is None or last > end for _, last in jobs), gross_pence=pay,
        attributed_pence=pay, basis="rti_gross", indicative=False, pay_pattern="monthly", employments=paid,
    )  # fmt: skip


def _check_and_time(courses: list[list[plain_rules.Month]], docs: list[ClaimDoc], setup: Any) -> dict[str, float]:
    """Both judge every course; processor time of one evaluation of each, in microseconds."""
    book = setup.book
    histories = [history(doc, "p", setup.policy, book.parameters) for doc in docs]
    limits = histories[0][0].thresholds
    assert limits is not None
    began = time.process_time()
    plain = [plain_rules.held(months, limits.aet_single, limits.cet, limits.nlw) for months in courses]
    middle = time.process_time()
    judged = [[evaluate(_inputs(aps[: n + 1]), book) for n in range(len(aps))] for aps in histories]
    ended = time.process_time()
    for months, theirs, ours in zip(courses, plain, judged, strict=True):
        found = [{rule for rule in book.rules if evaluation.holds(rule)} for evaluation in ours]
        if found != theirs:
            raise AssertionError(f"the plain loop judges otherwise: {[pay for _, _, pay, _ in months]}: {theirs} and {found}")
    count = len(courses) * MONTHS
    return {
        "rules alone (predicates, guards, figures)": round((ended - middle) * 1e6 / count, 1),
        "plain Python loop of the same predicates": round((middle - began) * 1e6 / count, 1),
    }


def _inputs(aps: Any) -> Inputs:
    return Inputs(
        claim_id="c", claimant_id="p", period_id=aps[-1].period_id, steps=("plan",), as_of=aps[-1].end + timedelta(days=1),
        known_at=datetime(2026, 6, 1, tzinfo=UTC), aps=tuple(aps), settled={}, guards=GuardFacts(),
    )  # fmt: skip


def _fill(url: str, docs: list[ClaimDoc], claimants: int) -> None:
    """As many claims as wanted: the courses again and again, in different offices."""
    encode = msgspec.msgpack.Encoder().encode
    with psycopg.connect(url) as conn, conn.cursor().copy("COPY document (kind, key, schema, version, state) FROM STDIN") as copy:
        for n in range(claimants):
            doc = docs[n % len(docs)]
            assert doc.claim is not None
            [person] = doc.claim.claimants
            name = f"person-{n}"
            member = msgspec.structs.replace(person, claimant_id=name, office_id=f"office-{n % OFFICES}")
            claim = msgspec.structs.replace(doc.claim, claim_id=f"claim-{n}", claimants=(member,))
            periods = {
                key: msgspec.structs.replace(period, claimants=(msgspec.structs.replace(period.claimants[0], claimant_id=name),))
                for key, period in doc.periods.items()
            }
            made = msgspec.structs.replace(
                doc, claim_id=f"claim-{n}", claim=claim, periods=periods, people={name: Person(claimant_id=name)}
            )
            copy.write_row((KIND, f"claim-{n}", 1, 1, encode(made)))
