"""The checker can fail: with a promise broken in a running process, the same cells end in anomalies of the right class.

Runs after the cells (its file sorts last): what it breaks is forgiven, and the reference goes on from what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.faults.acting import insist
from tests.faults.checker import Anomalies, Checker
from tests.faults.reading import rows
from tests.faults.stage import LEG_DAYS, Theatre, until
from tests.faults.test_f05_api_killed import accounted, contacts


def crash_of(theatre: Theatre, name: str, point: str) -> None:
    """A leg in which the process dies at its point, and comes back whole."""
    armed = [(name, point)]

    def strike() -> None:
        assert theatre.died(armed) == [name]

    theatre.leg(arm=lambda: theatre.arm(armed), strike=strike)


@pytest.fixture
def broken(theatre: Theatre, checker: Checker) -> Iterator[Callable[[str, str], None]]:
    """Restart a process with a mutant. Afterwards everything is whole again and forgiven."""
    names: list[str] = []

    def mutate(name: str, mutant: str) -> None:
        names.append(name)
        theatre.stage.supervisor.restart(name, {"MUTANT": mutant}, timeout=60)

    yield mutate
    for name in names:
        theatre.restart(name)
    theatre.barrier.wait(theatre.now)
    theatre.resync()
    checker.forgive()


def classes(found: Anomalies) -> set[str]:
    return {name.split()[0] for name in found}


def test_an_offset_that_moves_without_its_effects_is_caught(
    theatre: Theatre, checker: Checker, broken: Callable[[str, str], None]
) -> None:
    broken("earnings-worker", "offsets_apart")
    crash_of(theatre, "earnings-worker", "before_commit")
    found = checker.anomalies()
    assert {"I1", "I5"} <= classes(found), found


def piled_up(theatre: Theatre, relay: str, then: Callable[[], None], days: int = LEG_DAYS) -> None:
    """A leg in which the relay stands still until much waits in the outbox."""
    supervisor = theatre.stage.supervisor
    url = theatre.stage.databases[relay.removesuffix("-relay")]

    def strike() -> None:
        until(lambda: rows(url, "SELECT count(*) FROM outbox")[0][0] >= 3 * days, 30, "some events a day wait")
        then()
        supervisor.resume(relay)

    theatre.leg(days, arm=lambda: supervisor.pause(relay), strike=strike)


def test_an_outbox_that_is_emptied_before_it_is_published_is_caught(
    theatre: Theatre, checker: Checker, broken: Callable[[str, str], None]
) -> None:
    relay = "earnings-relay"
    broken(relay, "outbox_emptied_first")
    died: list[str] = []

    def then() -> None:
        theatre.arm([(relay, "before_publish")])
        theatre.stage.supervisor.resume(relay)
        died.extend(theatre.died([(relay, "before_publish")]))

    piled_up(theatre, relay, then)
    assert died == [relay]
    found = checker.anomalies()
    assert "I3" in classes(found), found


def test_an_outbox_that_is_published_backwards_is_caught(
    theatre: Theatre, checker: Checker, broken: Callable[[str, str], None]
) -> None:
    broken("earnings-relay", "outbox_backwards")
    piled_up(theatre, "earnings-relay", lambda: None, days=3 * LEG_DAYS)
    found = checker.anomalies()
    assert "I4" in classes(found), found


def test_keys_that_are_not_kept_are_caught(theatre: Theatre, checker: Checker, broken: Callable[[str, str], None]) -> None:
    broken("referrals-api", "keys_not_kept")
    asked = contacts(theatre, limit=2)
    assert asked, "there are cases to ask about"
    done = insist(theatre, asked, ("referrals-api", "after_commit"))
    theatre.barrier.wait(theatre.now)
    assert accounted(theatre, done)["I2 effect once"]
