"""Every decision of the play made again by the service's own command, from its record alone."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass

from devstack.platform import Platform


@dataclass(frozen=True, slots=True)
class Recomputed:
    """alike: decisions that came out the same. erased: those of erased people, which nobody can read any more. complaint: what
    `referrals replay --all` said when one was different."""

    alike: int
    erased: int
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
    counts = {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", done.stdout)}
    complaint = None if done.returncode == 0 else (done.stdout + done.stderr)[-2000:]
    return Recomputed(counts.get("identical", 0), counts.get("erased", 0), complaint)
