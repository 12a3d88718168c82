"""Named crash points, so that fault tests can kill the sender exactly there. Settings refuse them in production."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Literal

Point = Literal["before_effect", "after_provider_accept", "after_commit"]
CrashAt = Callable[[Point], None]


def at(chosen: str) -> CrashAt:
    """A function to call at each point; at the chosen one the process dies at once, as if the machine had."""

    def reached(point: Point) -> None:
        if point == chosen:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached
