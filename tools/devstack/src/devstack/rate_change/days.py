"""One platform's days: the clock goes on, upstream or a recording speaks, and everything is done before the next day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from devstack.demo.barrier import Barrier
from devstack.demo.callers import Answer, Callers
from devstack.errors import DevstackError
from devstack.platform import Platform
from streaming.clock import advance

NOON = time(11, 0, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
WAIT_S = 600.0


def noon(day: date) -> datetime:
    """The instant at which the platform's day is played."""
    return datetime.combine(day, NOON)


class Days:
    """Moves one platform on. signed_off: holds of mass flags that were released on the way.

    A platform without history holds its first busy hours (see `services/referrals`, mass flags): until `watched_from` somebody
    signs them off at once, as a team does in its first weeks; from that day on holds stay open.
    """

    def __init__(self, platform: Platform, services: Sequence[str], watched_from: date) -> None:
        urls = {service: platform.url(service) for service in services}
        self.signed_off = 0
        self._platform = platform
        self._callers = Callers(urls, platform.credentials().token_endpoint)
        self._operator = self._callers.caller(platform.credentials().clients["operator"])
        self._barrier = Barrier(urls, WAIT_S)
        self._watched_from = watched_from

    def go_to(self, day: date) -> None:
        """Morning: the clock advances, and all that falls due that day is done."""
        self._today = day
        advance(self._platform.bootstrap, noon(day))
        self.settle()

    def settle(self) -> None:
        """Everything known so far is done in every service; mass flags too, as long as they are signed off."""
        self._barrier.wait(noon(self._today))
        while self._today < self._watched_from and (waiting := self.holds("open")):
            for hold in waiting:
                until = datetime.combine(self._watched_from, time(), LONDON).isoformat()
                self.answer(hold["hold_id"], "release", allow_until=until)
                self.signed_off += 1
            self._barrier.wait(noon(self._today))

    def holds(self, state: str) -> list[dict[str, Any]]:
        """Holds of mass flags in that state, newest first."""
        return self._operator.items("referrals", f"/v1/flag-holds?state={state}")

    def hold(self, hold_id: str) -> dict[str, Any]:
        """One hold with its report."""
        return dict(self._read(hold_id).body)

    def answer(self, hold_id: str, what: str, **more: str) -> None:
        """Release or discard. Raises DevstackError when it is refused."""
        path = f"/v1/flag-holds/{hold_id}/{what}"
        done = self._operator.post("referrals", path, {"reason": "rate-change", **more}, self._read(hold_id).etag)
        if not done.ok:
            raise DevstackError(f"the hold could not be answered: {done.status} {done.body}")

    def _read(self, hold_id: str) -> Answer:
        read = self._operator.get("referrals", f"/v1/flag-holds/{hold_id}")
        if not read.ok:
            raise DevstackError(f"the hold could not be read: {read.status}")
        return read

    def close(self) -> None:
        """Give the connections back."""
        self._barrier.close()
        self._callers.close()
