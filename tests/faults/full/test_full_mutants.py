"""The checker can fail on the invariants that the shorter mutants leave: I2, I6, I8, I9, I10, and on what an inbox is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.faults.full.run import Run
from tests.faults.report import Book
from tests.faults.sending import Outbound
from tests.faults.stage import until
from tests.faults.test_f13_poison import kept

from contracts import topics

Broken = Callable[..., None]


@pytest.fixture
def broken(run: Run) -> Iterator[Broken]:
    """Restart a process with a mutant; at the end it is whole again. The run's own end forgives what it broke."""
    names: list[str] = []

    def mutate(name: str, mutant: str, **env: str) -> None:
        names.append(name)
        with run.keeper.leaving(name):
            run.supervisor.restart(name, {"MUTANT": mutant, **env}, timeout=90)

    yield mutate
    for name in names:
        with run.keeper.leaving(name):
            run.supervisor.restart(name, timeout=90)


def expect(run: Run, book: Book, mutant: str, wanted: str) -> None:
    """The checker notices."""
    found = {name.split()[0] for name in run.checker.anomalies()}
    book.caught(mutant, found)
    assert wanted in found, found


def test_a_sender_that_never_looks_up_sends_twice_and_is_caught(run: Run, book: Book, broken: Broken) -> None:
    """Without receipts meanwhile: they tell what a look-up would have told."""
    sender, receipts = "notifications-sender", "notifications-api"
    with run.keeper.leaving(sender, receipts):
        run.supervisor.stop(receipts)
        broken(sender, "no_look_up", CRASH_AT="after_provider_accept")
        run.ask(2)
        until(lambda: not run.supervisor.alive(sender), 60, "the sender dies")
        run.supervisor.start(run.supervisor.program(sender), {"MUTANT": "no_look_up"})
        run.supervisor.wait_healthy([sender], 60)
        until(lambda: list(run.checker.sent_once()), 120, "a second send")
        run.supervisor.restart(receipts, timeout=60)
    run.settle()
    expect(run, book, "no_look_up", "I6")


def test_a_worker_that_logs_ninos_is_caught(run: Run, book: Book, broken: Broken) -> None:
    broken("earnings-worker", "talkative")
    run.play()
    expect(run, book, "talkative", "I9")


def test_changes_without_audit_are_caught(run: Run, book: Book, broken: Broken) -> None:
    broken("referrals-api", "no_audit")
    run.ask(2)
    run.theatre.barrier.wait(run.theatre.now)
    expect(run, book, "no_audit", "I10")


def test_events_that_are_published_again_under_new_ids_are_caught(run: Run, book: Book, broken: Broken) -> None:
    broken("notifications-relay", "ids_anew")
    run.ask(2)
    run.settle()
    expect(run, book, "ids_anew", "I2")


def test_an_inbox_that_forgets_is_caught(run: Run, book: Book, broken: Broken) -> None:
    broken("notifications-worker", "no_inbox")
    run.ask(2)
    run.settle()
    expect(run, book, "no_inbox", "I1")


def test_a_dead_letter_that_is_not_kept_byte_for_byte_is_caught(run: Run, book: Book, broken: Broken) -> None:
    broken("notifications-worker", "letters_cut_short")
    message = Outbound(topics.CONTACT_PREFERENCES, b"claim", b"{broken and long", ())
    (record,) = run.theatre.feeder.send([message])
    run.theatre.barrier.wait(run.theatre.now)
    found = kept(run.theatre, message, record)
    book.caught("letters_cut_short", {"I8"} if found else set())
    assert found
