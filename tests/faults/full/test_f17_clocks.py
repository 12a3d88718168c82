"""F17: processes whose clocks are wrong, and the nights in which London's clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time

from tests.faults.full.run import Run

SKEWS_S = (-60.0, 60.0, -3600.0, 3600.0, 2 * 86400.0)
ROLES = ("-worker", "-relay", "-sender")
FORTNIGHT = 14
"""Played at once: months would be more flags at once than are raised without somebody's consent."""
CHANGES = (date(2026, 10, 25), date(2027, 3, 28))


def test_f17_workers_relays_and_senders_disagree_about_the_time(run: Run) -> None:
    """APIs keep the right time: a token that has expired by their clock is rightly refused."""
    names = [name for name in run.supervisor.names() if name.endswith(ROLES)]

    def restart(skews: dict[str, float]) -> None:
        with run.keeper.leaving(*names):
            for name, skew in skews.items():
                run.supervisor.restart(name, {"SKEW_S": str(skew)}, wait=False)
            run.supervisor.wait_healthy(names, 90)

    skews = {name: SKEWS_S[number % len(SKEWS_S)] for number, name in enumerate(names)}
    restart(skews)
    run.cell.faults += [f"{name} {skew:+g} s" for name, skew in skews.items()]
    run.play(during=lambda: run.ask(1), end=lambda: restart(dict.fromkeys(names, 0.0)))
    run.verify()


def test_f17_the_night_in_which_the_clocks_change_is_lived_hour_by_hour(run: Run) -> None:
    theatre = run.theatre
    change = next(day for day in CHANGES if day > theatre.now.date() + timedelta(days=2))
    while left := (change - theatre.now.date()).days - 1:
        run.play(days=min(left, FORTNIGHT))
    evening = datetime.combine(change - timedelta(days=1), clock_time(19, 0), UTC)
    for hour in range(48):
        theatre.advance(evening + timedelta(minutes=30 * hour))
    run.cell.faults.append(f"the night to {change}, half an hour at a time")
    run.play()
    run.verify()
