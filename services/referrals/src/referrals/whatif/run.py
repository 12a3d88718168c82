"""A what-if over every claim on record, in several processes that each read a range of claims and write nothing."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import msgspec

from referrals.desk import KIND, Setup
from referrals.model import ClaimDoc
from referrals.policy_files import build, build_all, read_files
from referrals.setups import setup_of
from referrals.whatif.compare import Place, Row, Sum, Sums, Window, compare, offices_of
from referrals.whatif.replayed import replay
from streaming.database import connector
from streaming.documents import Codec, Stored
from streaming.spec import Kind

RANGE = 500
"""Claims in one task: a second or two of work."""
MINUTES = 40
"""One in-work interview (notifications' `in_work_minutes`)."""
ASSUMPTIONS = (
    "Facts are those known today, each counted on its own day: a late or corrected figure counts as if it had come in time.",
    "Nothing that coaches did because of a flag is played again, but contacts that took place stop later flags as they did.",
    "One meeting a week and person on a coach's list; deaths and closures count from the day they became known.",
)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """files: the other policy, whole. in_force: the one it is compared with. minutes: one meeting with a coach."""

    files: dict[str, str]
    in_force: dict[str, str] = msgspec.field(default_factory=read_files)
    window: Window
    minutes: int = MINUTES


class Report(msgspec.Struct, kw_only=True):
    """The answer. us_per_evaluation: processor time of one evaluation with all that belongs to it, in microseconds."""

    in_force: str
    compared: str
    first: date
    last: date
    offices: tuple[str, ...] | None
    claims: int
    evaluations: int
    elapsed_s: float
    us_per_evaluation: float
    minutes_per_meeting: int
    in_all: Sum
    rules: dict[str, Sum]
    weeks: list[Place]
    assumptions: tuple[str, ...] = ASSUMPTIONS


class _Part(msgspec.Struct, frozen=True, array_like=True):
    """What a range of claims gave."""

    rows: list[Row]
    claims: int
    evaluations: int
    cpu_s: float


@dataclass(frozen=True, slots=True)
class _Hands:
    """What a process works with."""

    url: str
    window: Window
    in_force: Setup
    other: Setup


_hands: list[_Hands] = []


def _prepare(url: str, question: Question) -> None:
    _hands[:] = [_Hands(url, question.window, setup_of(build_all(question.in_force)), setup_of(build_all(question.files)))]


def _part(after: str, upto: str) -> bytes:
    [hands] = _hands
    began = time.process_time()
    codec = Codec([Kind(KIND, ClaimDoc)])
    rows: list[Row] = []
    claims = evaluations = 0
    with connector(hands.url, "referrals what-if")() as conn:
        found = conn.execute(
            "SELECT schema, version, state FROM document WHERE kind = %b AND key > %b AND key <= %b ORDER BY key",
            (KIND, after, upto),
            binary=True,
        ).fetchall()
    for schema, version, state in found:
        doc: ClaimDoc | None = codec.decode(KIND, Stored(schema, version, state))
        if doc is None or not offices_of(doc, hands.window.offices):
            continue
        instead, count = replay(doc, hands.other, hands.window.last)
        rows += compare(doc, instead, hands.window, hands.in_force, hands.other)
        claims += 1
        evaluations += count
    return msgspec.msgpack.encode(_Part(rows, claims, evaluations, time.process_time() - began))


def ranges(url: str) -> list[tuple[str, str]]:
    """(after this claim, up to this claim), each about `RANGE` claims."""
    with connector(url, "referrals what-if")() as conn:
        rows = conn.execute(
            "SELECT key FROM (SELECT key, row_number() OVER (ORDER BY key) AS n, count(*) OVER () AS total"
            " FROM document WHERE kind = %s) k WHERE n %% %s = 0 OR n = total ORDER BY key",
            (KIND, RANGE),
        ).fetchall()
    keys = ["", *(str(row[0]) for row in rows)]
    return list(pairwise(keys))


def ask(
    url: str,
    question: Question,
    *,
    processes: int | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
    keep: Callable[[Row], None] = lambda row: None,
) -> Report:
    """Answer the question. progress: ranges done and in all. keep: every row as it is found, in no order.

    Raises whatever a process raised, and BrokenProcessPool when one of them was killed or could not begin.
    """
    began = time.monotonic()
    tasks, sums = ranges(url), Sums(question.minutes)
    claims = evaluations = 0
    cpu_s = 0.0
    for done, part in enumerate(_parts(url, question, tasks, processes or os.cpu_count() or 1), 1):
        for row in part.rows:
            sums.add(row)
            keep(row)
        claims, evaluations, cpu_s = claims + part.claims, evaluations + part.evaluations, cpu_s + part.cpu_s
        progress(done, len(tasks))
    return Report(
        in_force=build(question.in_force).version,
        compared=build(question.files).version,
        first=question.window.first,
        last=question.window.last,
        offices=question.window.offices,
        claims=claims,
        evaluations=evaluations,
        elapsed_s=round(time.monotonic() - began, 1),
        us_per_evaluation=round(cpu_s * 1e6 / evaluations, 1) if evaluations else 0.0,
        minutes_per_meeting=question.minutes,
        in_all=sums.in_all(),
        rules=sums.by_rule(),
        weeks=sums.by_office_and_week(),
    )


def _parts(url: str, question: Question, tasks: list[tuple[str, str]], processes: int) -> Iterator[_Part]:
    decode = msgspec.msgpack.Decoder(_Part).decode
    if not tasks:
        return
    # Fresh processes: a forked one would share the connections and threads of this one.
    # An executor says so when one of them dies or cannot begin (BrokenProcessPool), where a pool would wait or try for ever.
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, len(tasks)), spawn, _prepare, (url, question))
    try:
        for part in as_completed([pool.submit(_part, *task) for task in tasks]):
            yield decode(part.result())
    finally:
        pool.shutdown(cancel_futures=True)
