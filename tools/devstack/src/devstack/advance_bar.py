"""How far a long play has come: a bar, or in a log file, where none can be drawn, now and then a line."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_EVERY_S = 30.0


class AdvanceBar(Progress):
    """One task. line_every_s: pause between the lines that stand for the bar where the console is no terminal."""

    def __init__(self, console: Console, line_every_s: float = LINE_EVERY_S) -> None:
        super().__init__(
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._line_every_s = line_every_s
        self._next_line = time.monotonic() + line_every_s

    def update(self, task_id: TaskID, **what: Any) -> None:
        """As rich's."""
        super().update(task_id, **what)
        if not self.console.is_terminal and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + self._line_every_s
            [task] = self.tasks
            self.console.print(f"{task.percentage:3.0f} %  {task.description}  after {task.elapsed or 0:.0f} s", highlight=False)
