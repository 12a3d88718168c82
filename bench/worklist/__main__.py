"""The worklist under load: a million cases, many people asking at once. `python -m bench.worklist --help`."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from bench.worklist import filling, plans
from devstack import backends
from devstack.credentials import Client, client
from devstack.layout import Ports
from devstack.platform import Platform

TARGET_MS = 200
Token = str
Ask = Callable[[httpx.Client, random.Random], httpx.Response]


class Callers:
    """Coaches of many offices and leaders of twenty, each with a token."""

    def __init__(self, platform: Platform, coaches: int, leaders: int) -> None:
        self._base = platform.url("referrals")
        clients = [_coach(n, (n * 37) % filling.OFFICES) for n in range(coaches)]
        for n in range(leaders):
            offices = tuple(filling.office((n * 20 + k) % filling.OFFICES) for k in range(20))
            clients.append(client(f"load-leader-{n}", "team-leader", office_ids=offices))
        platform.add_clients(*clients)
        self._tokens: dict[str, list[tuple[Token, str]]] = defaultdict(list)
        for one in clients:
            form = {"grant_type": "client_credentials", "client_id": one.client_id, "client_secret": one.client_secret}
            token = httpx.post(f"{platform.issuer}/token", data=form, timeout=10).json()["access_token"]
            self._tokens[one.scopes[0]].append((token, one.coach_id or ""))

    def get(self, http: httpx.Client, chance: random.Random, scope: str, path: str) -> httpx.Response:
        """One request by anybody of that scope; `{coach}` in the path is the caller's own id."""
        token, coach_id = chance.choice(self._tokens[scope])
        return http.get(
            f"{self._base}/v1/worklist{path.replace('{coach}', coach_id)}", headers={"Authorization": f"Bearer {token}"}
        )


def _coach(number: int, place: int) -> Client:
    own = filling.coach(place, number % filling.COACHES_EACH)
    return client(f"load-coach-{number}", "coach", coach_id=own, office_ids=(filling.office(place),))


def questions(callers: Callers, cases: int) -> dict[str, tuple[int, Ask]]:
    """Name → how often of a hundred, and the request."""

    def ask(scope: str, path: str) -> Ask:
        return lambda http, chance: callers.get(http, chance, scope, path)

    def next_page(http: httpx.Client, chance: random.Random) -> httpx.Response:
        place = date.fromisocalendar(2026, 20, 1).toordinal() + chance.randrange(40)
        return callers.get(http, chance, "coach", f"?cursor={_cursor(place)}")

    def search(http: httpx.Client, chance: random.Random) -> httpx.Response:
        wanted = filling.derive_id("claimant", str(chance.randrange(cases)))
        return callers.get(http, chance, "coach", f"?q={wanted[:12]}")

    return {
        "first page, office": (25, ask("coach", "")),
        "later page, office": (15, next_page),
        "own cases": (20, ask("coach", "?coach={coach}")),
        "unassigned": (8, ask("coach", "?unassigned=true")),
        "overdue, rule, waiting": (8, ask("coach", "?overdue=true&rule=fell-below-aet&waiting_on=us")),
        "closed": (4, ask("coach", "?state=closed")),
        "search": (6, search),
        "counts, office": (8, ask("coach", "/counts")),
        "first page, 20 offices": (4, ask("team-leader", "")),
        "counts, 20 offices": (2, ask("team-leader", "/counts")),
    }


def _cursor(place: int) -> str:
    from web.pages import encode

    return encode([place, ""])


def drive(asks: dict[str, tuple[int, Ask]], clients: int, seconds: float, rate: float) -> dict[str, list[float]]:
    """Milliseconds by question. Requests start on a schedule, and waiting for a free client counts: nothing is left out."""
    took: dict[str, list[float]] = defaultdict(list)
    lock, numbers, began = threading.Lock(), itertools.count(), time.monotonic() + 0.2
    names, weights = list(asks), [share for share, _ in asks.values()]

    def one(seed: int) -> None:
        chance = random.Random(seed)
        with httpx.Client(timeout=30) as http:
            while True:
                with lock:
                    due = began + next(numbers) / rate
                if due > began + seconds:
                    return
                time.sleep(max(0.0, due - time.monotonic()))
                name = chance.choices(names, weights)[0]
                answer = asks[name][1](http, chance)
                assert answer.status_code == 200, (name, answer.status_code, answer.text)
                with lock:
                    took[name].append((time.monotonic() - due) * 1000)

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _platform(home: Path, found: backends.Backends) -> Platform:
    return Platform.start(home, found, Ports.free(), database_prefix="worklist_", services=("referrals",), fresh=True)


def main(
    cases: Annotated[int, typer.Option(min=1000, help="Rows of the worklist")] = 1_000_000,
    clients: Annotated[int, typer.Option(min=1, help="People asking at once")] = 16,
    rate: Annotated[float, typer.Option(help="Requests a second")] = 60.0,
    seconds: Annotated[float, typer.Option(help="Length of the measured run")] = 60.0,
    plans_file: Annotated[Path | None, typer.Option("--plans", help="Write the query plans to this file")] = None,
    var_dir: Annotated[Path | None, typer.Option(help="Folder for data and logs (default var/bench-worklist)")] = None,
) -> None:
    """Fill the table, ask for a while, and print p50, p95 and p99 of each question; exits 1 when a p95 is above 200 ms."""
    console = Console()
    home = (var_dir or backends.default_var_dir() / "bench-worklist").resolve()
    today = datetime.now(UTC).date()
    with backends.start(home, fresh=True) as found, _platform(home / "platform", found) as platform:
        url = platform.databases["referrals"]
        with console.status("filling") as status:
            filling.fill(url, cases, today, lambda done: status.update(f"filling {done:,} of {cases:,}"))
        asks = questions(Callers(platform, coaches=60, leaders=5), cases)
        drive(asks, clients, min(seconds, 5.0), rate)
        took = drive(asks, clients, seconds, rate)
        if plans_file is not None:
            plans.write(url, cases, today, plans_file)
    report = {
        name: {"n": len(values), **{f"p{round(share * 100)}": round(percentile(values, share), 1) for share in (0.5, 0.95, 0.99)}}
        for name, values in {**took, "all": [one for values in took.values() for one in values]}.items()
    }
    table = Table("question", "n", "p50 ms", "p95 ms", "p99 ms", title=f"{cases:,} cases, {clients} clients, {rate:g} requests/s")
    for name, row in report.items():
        table.add_row(name, *(str(row[column]) for column in ("n", "p50", "p95", "p99")))
    console.print(table)
    (home / "report.json").write_text(json.dumps({"cases": cases, "clients": clients, "rate": rate, "ms": report}, indent=2))
    if any(row["p95"] > TARGET_MS for row in report.values()):
        console.print(f"a p95 is above {TARGET_MS} ms")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
