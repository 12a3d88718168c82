"""Every decision of the play made again by the service's own command, from its record alone."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass

from devstack.platform import Platform


@dataclass(frozen=True, slots=True)
class Recomputed:
    """alike: decisions that came out the same. complaint: what `referrals replay --all` said when one did not."""

    alike: int
    complaint: str | None

    def wrong(self) -> list[str]:
        """What must not be."""
        if self.complaint is not None:
            return [f"referrals replay --all: {self.complaint}"]
        return [] if self.alike else ["referrals replay --all found no decision"]


def take(platform: Platform) -> Recomputed:
    """Ask after the play."""
    command = [sys.executable, "-m", "referrals", "replay", "--all"]
    done = subprocess.run(command, env=platform.supervisor.environment, capture_output=True, text=True, check=False)
    found = re.search(r"identical=(\d+)", done.stdout)
    return Recomputed(int(found[1]) if found else 0, None if done.returncode == 0 else (done.stdout + done.stderr)[-2000:])
