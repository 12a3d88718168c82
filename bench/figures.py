"""The figures that are committed, as a command wrote them: JSON, and beside it the plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HOME = Path(__file__).with_name("figures")


def write(path: Path, made: dict[str, Any]) -> None:
    """As indented JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(made, indent=2) + "\n")


def read(name: str) -> dict[str, Any] | None:
    """What was kept last; None when nothing was."""
    path = HOME / f"{name}.json"
    found: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return found
