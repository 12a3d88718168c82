"""People who live with the platform while it is under fault: one coach with all their claimants and employers, by HTTP."""

from __future__ import annotations

from dataclasses import replace

from tests.faults.stage import Theatre

from devstack.demo.acting import Acting
from devstack.demo.cast import Cast


class Crowd:
    """The demo's people, but only of the first coach: claims of the others stay comparable with the reference."""

    def __init__(self, theatre: Theatre) -> None:
        self._theatre = theatre
        cast = theatre.cast
        self._coach = cast.people.coaches[0].coach_id
        only = Cast(replace(cast.people, coaches=cast.people.coaches[:1]), theatre.callers, cast.by_id)
        self._acting = Acting(only, theatre.play.seed)

    @property
    def done(self) -> dict[str, int]:
        """What was done so far, by name."""
        return dict(self._acting.done)

    def day(self) -> int:
        """Everybody does what they would do today; returns how many changes were accepted. Each request is repeated until
        there is an answer."""
        coach = self._theatre.cast.coach(self._coach)
        for question in (f"coach={self._coach}", "unassigned=true"):
            for item in coach.items("referrals", f"/v1/worklist?{question}&state=shown&limit=100"):
                self._theatre.acted_on.add(item["claim_id"])
        return self._acting.day(self._theatre.now.date())
