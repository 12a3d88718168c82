"""What earnings made of the play: payments against the world's truth, the ledger against the topics, facts against a re-fold."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.ids import period_id
from contracts.topics import TOPICS
from devstack.demo.recording import Recording
from devstack.platform import Platform
from world.agreement import Agreement, agreement

MIN_SHARE = 0.99


@dataclass(frozen=True, slots=True)
class Accounts:
    """unexplained: messages that `earnings reconcile` found without a right answer. read: those it read. rebuilt: what
    `earnings rebuild` said at its end, None when the facts are equal. unbalanced: topics whose sums differ."""

    payments: Agreement
    read: int
    unexplained: list[dict[str, Any]]
    rebuilt: str | None
    unbalanced: list[str]
    seconds: float

    def body(self) -> dict[str, Any]:
        """For the report."""
        causes = Counter(cause for miss in self.payments.misses for cause in miss.causes or ("unexplained",))
        return {
            "payments": self.payments.payments,
            "in_their_period": round(self.payments.share, 4),
            "missed": dict(sorted(causes.items())),
            "messages_reconciled": self.read,
            "unexplained": len(self.unexplained),
            "rebuild_equal": self.rebuilt is None,
            "check_s": round(self.seconds, 1),
        }

    def wrong(self) -> list[str]:
        """What must not be."""
        found = [f"{row['topic']}/{row['partition']}/{row['offset']}: {row['finding']}" for row in self.unexplained]
        found += self.unbalanced
        found += [] if self.rebuilt is None else [f"earnings rebuild: {self.rebuilt}"]
        found += [
            f"payment {miss.payment_id} of claim {miss.claim_id} should be in the period from {miss.start}"
            for miss in self.payments.misses
            if not miss.causes
        ]
        if self.payments.share < MIN_SHARE:
            found.append(f"{self.payments.share:.4f} of the payments are in their period, at least {MIN_SHARE} is asked for")
        return found


def take(platform: Platform, recording: Recording, truth: dict[str, Any], summary: dict[str, Any]) -> Accounts:
    """Ask after the play, when all is drained."""
    began = time.monotonic()
    out = platform.var_dir / "reconciled.json"
    with ThreadPoolExecutor(2) as threads:
        reconciled = threads.submit(_earnings, platform, "reconcile", "--json", str(out))
        rebuilt = threads.submit(_earnings, platform, "rebuild")
        said = rebuilt.result()
        reconciled.result()
    found = _read(out)
    payments = agreement(truth, placed(recording), period_id)
    return Accounts(
        payments,
        found["read"],
        found["unexplained"],
        None if said.returncode == 0 else (said.stdout + said.stderr)[-2000:],
        unbalanced(recording, summary),
        time.monotonic() - began,
    )


def placed(recording: Recording) -> dict[str, str]:
    """Payment id → period id, as the newest version says."""
    newest: dict[str, tuple[int, str]] = {}
    for event in recording.of("PaymentAttributed"):
        body = event.body
        if body["version"] >= newest.get(body["payment_id"], (0, ""))[0]:
            newest[body["payment_id"]] = (body["version"], body["period_id"])
    return {payment: period for payment, (_, period) in newest.items()}


def unbalanced(recording: Recording, summary: dict[str, Any]) -> list[str]:
    """Topics of which the ledger knows more or fewer messages than were published, or whose outcomes do not add up."""
    found = []
    for row in summary["topics"]:
        counts = [count for name, count in row.items() if name not in ("topic", "received")]
        if not (recording.messages[row["topic"]] == row["received"] == sum(counts)):
            found.append(f"{row['topic']}: {recording.messages[row['topic']]} published, {row['received']} in the ledger")
    asked = {name for name, topic in TOPICS.items() if topic.inbound and "earnings" in topic.consumers}
    return found + [f"{name} is not in the summary" for name in sorted(asked - {row["topic"] for row in summary["topics"]})]


def _earnings(platform: Platform, *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "earnings", *argv]
    return subprocess.run(command, env=platform.supervisor.environment, capture_output=True, text=True, check=False)


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"read": 0, "unexplained": [_NOTHING]}
    return found


_NOTHING = {"topic": "-", "partition": 0, "offset": 0, "finding": "earnings reconcile did not come to an end"}
