from __future__ import annotations

import io

from rich.console import Console

from devstack.advance_bar import AdvanceBar


def shown(*, terminal: bool, line_every_s: float) -> list[str]:
    out = io.StringIO()
    with AdvanceBar(Console(file=out, force_terminal=terminal, width=100), line_every_s) as progress:
        task = progress.add_task("", total=4)
        for day in range(1, 5):
            progress.update(task, advance=1, description=f"day {day}")
    return [line.rsplit("  after", 1)[0] for line in out.getvalue().splitlines() if "after" in line]


def test_a_log_file_gets_a_line_now_and_then_and_a_terminal_only_the_bar() -> None:
    assert shown(terminal=False, line_every_s=0) == [" 25 %  day 1", " 50 %  day 2", " 75 %  day 3", "100 %  day 4"]
    assert shown(terminal=False, line_every_s=60) == []
    assert shown(terminal=True, line_every_s=0) == []
