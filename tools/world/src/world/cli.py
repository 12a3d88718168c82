"""`python -m world generate | publish | truth`."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from world.feed import Feed
from world.generate import DEFAULT_START, generate
from world.model import World
from world.publish import publish as publish_world
from world.truth import write

app = typer.Typer(no_args_is_help=True, add_completion=False, help="A synthetic Universal Credit world with ground truth.")

Seed = Annotated[int, typer.Option(help="Same seed and size, same world.")]
Claimants = Annotated[int, typer.Option(min=1, help="Number of people.")]
Months = Annotated[int, typer.Option(min=6, help="Length of the play.")]
Start = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day of the play.")]
Broken = Annotated[bool, typer.Option("--broken/--no-broken", help="A few messages that cannot be used.")]

_START = datetime(DEFAULT_START.year, DEFAULT_START.month, DEFAULT_START.day)  # noqa: DTZ001 - a calendar date


def _table(title: str, rows: dict[str, int]) -> Table:
    table = Table("", "number", title=title)
    for name, number in sorted(rows.items()):
        table.add_row(name, f"{number:,}")
    return table


def _world(seed: int, claimants: int, months: int, start: datetime, broken: bool) -> World:
    return generate(seed, claimants, months, start.date(), broken=broken)


@app.command("generate")
def generate_(
    seed: Seed = 1, claimants: Claimants = 500, months: Months = 8, start: Start = _START, broken: Broken = True
) -> None:
    """Makes the world and says what is in it."""
    world = _world(seed, claimants, months, start, broken)
    feed = Feed(world)
    console = Console()
    console.print(
        f"{len(world.persons)} people, {len(world.claims)} claims, {len(world.jobs)} jobs, {world.start} to {world.end}"
    )
    console.print(_table("messages", Counter(message.topic for day in feed.days() for message in feed.day(day))))
    console.print(_table("stories", Counter(person.story for person in world.persons.values())))


@app.command()
def truth(
    out: Annotated[Path, typer.Option(help="File to write.")],
    seed: Seed = 1,
    claimants: Claimants = 500,
    months: Months = 8,
    start: Start = _START,
    broken: Broken = True,
) -> None:
    """Writes what is really so, and what should be noticed, to a file."""
    document = write(_world(seed, claimants, months, start, broken), out)
    Console().print(_table("labels", Counter(row["rule"] for row in document["labels"])))
    Console().print(_table("notes", Counter(row["cause"] for row in document["notes"])))


@app.command()
def publish(
    bootstrap_servers: Annotated[str, typer.Option(envvar="KAFKA_BOOTSTRAP_SERVERS", help="The broker.")],
    data_key_service_url: Annotated[str, typer.Option(envvar="DATA_KEY_SERVICE_URL", help="Base address of the service.")],
    seed: Seed = 1,
    claimants: Claimants = 500,
    months: Months = 8,
    start: Start = _START,
    broken: Broken = True,
    order: Annotated[Literal["time", "shuffled"], typer.Option(help="Order of each day's messages.")] = "time",
    rate: Annotated[float | None, typer.Option(min=0.1, help="Messages a second at most; default as fast as possible.")] = None,
) -> None:
    """Publishes the feed, encrypted, day by day. Does not touch the platform's clock: whoever runs the platform does."""
    world = _world(seed, claimants, months, start, broken)
    counts = publish_world(
        world, bootstrap_servers=bootstrap_servers, data_key_service_url=data_key_service_url, order=order, rate=rate
    )
    Console().print(_table("published", counts))
