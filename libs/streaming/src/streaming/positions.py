"""Operator command `positions`: where each partition is read on, and how to accept that records are lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from streaming import audit, progress
from streaming.broker import Broker
from streaming.unit_of_work import UnitOfWork


def add_positions(app: typer.Typer, open_unit: Callable[[], UnitOfWork], bootstrap: Callable[[], str]) -> None:
    """Add the command to a service's program."""
    positions = typer.Typer(no_args_is_help=True, help="Offset rows: which record of each partition comes next.")
    app.add_typer(positions, name="positions")

    @positions.command("list")
    def listing() -> None:
        """The offset rows of this service."""
        unit = open_unit()
        for (topic, partition), position in sorted(unit.positions(unit.spec.topics).items()):
            typer.echo(f"{topic}\t{partition}\t{position.next_offset}\t{position.topic_id}")

    @positions.command("reset")
    def reset(
        topic: Annotated[str, typer.Option(help="Topic as the worker's message names it")],
        partition: Annotated[int, typer.Option(help="Partition as the worker's message names it")],
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    ) -> None:
        """Read this partition on from the first record that the log still holds. What was deleted before it is lost;
        what was applied before is recognised as a duplicate. Stop the service's workers first."""
        unit = open_unit()
        broker = Broker(bootstrap())
        found = broker.topics([topic]).get(topic)
        if topic not in unit.spec.topics or found is None or partition >= found.partitions:
            typer.echo(f"{topic}[{partition}] is not consumed by {unit.spec.name}, or does not exist", err=True)
            raise typer.Exit(2)
        begin = broker.bounds([(topic, partition)])[topic, partition].begin
        before = unit.positions([topic]).get((topic, partition))
        was = "none" if before is None else str(before.next_offset)
        if not yes:
            typer.confirm(f"{topic}[{partition}]: offset row {was} becomes {begin}. Go on?", abort=True)
        with unit.conn.transaction():
            progress.move(unit.conn, unit.spec.name, topic, partition, begin, found.topic_id)
            audit.write(
                unit.conn,
                [
                    {
                        "actor": "operator",
                        "action": "positions.reset",
                        "resource": f"{topic}/{partition}",
                        "granted": True,
                        "ids": {"from": was, "to": str(begin)},
                    }
                ],
            )
        typer.echo(f"{topic}[{partition}]: offset row {was} became {begin}")
