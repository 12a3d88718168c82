"""Operator commands, the same in every service: lag, dlq list|show|replay, parked list|release."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, NoReturn

import typer

from streaming import audit, dead_letters, parking, recovery
from streaming.health import EndOffsets, Health
from streaming.unit_of_work import UnitOfWork

Topic = Annotated[str, typer.Argument(help="Topic of the record")]
Partition = Annotated[int, typer.Argument(help="Partition of the record")]
Offset = Annotated[int, typer.Argument(help="Offset of the record")]


def add_commands(app: typer.Typer, open_unit: Callable[[], UnitOfWork], bootstrap: Callable[[], str]) -> None:
    """Add the commands to a service's program."""
    dlq = typer.Typer(no_args_is_help=True, help="Dead letters: records that could not be used.")
    parked = typer.Typer(no_args_is_help=True, help="Keys that wait after a bug, with everything later for them.")
    app.add_typer(dlq, name="dlq")
    app.add_typer(parked, name="parked")

    @app.command()
    def lag() -> None:
        """Records not applied yet, by partition."""
        unit = open_unit()
        found = Health(unit.spec, unit.clock, EndOffsets(bootstrap(), list(unit.spec.topics))).lag(unit.conn)
        _head("topic", "partition", "records")
        for (topic, partition), records in sorted(found.items()):
            typer.echo(f"{topic}\t{partition}\t{records}")
        typer.echo(f"total\t\t{sum(found.values())}")
        if not found:
            typer.echo("everything is applied", err=True)

    @dlq.command("list")
    def dlq_list(topic: Annotated[str | None, typer.Option(help="Only this topic")] = None, limit: int = 100) -> None:
        """Dead letters not replayed yet, newest first. Shows places and reasons, no content."""
        unit = open_unit()
        letters = dead_letters.listing(unit.conn, topic=topic, limit=limit)
        if not letters:
            if topic is not None and topic not in unit.spec.topics:
                _fail(f"{unit.spec.name} reads no such topic; it reads {', '.join(sorted(unit.spec.topics))}")
            typer.echo("no dead letters" if topic is None else "no dead letters of this topic", err=True)
            return
        _head("topic", "partition", "offset", "reason", "at")
        for letter in letters:
            typer.echo(f"{letter.topic}\t{letter.partition}\t{letter.offset}\t{letter.reason}\t{letter.at:%Y-%m-%dT%H:%M:%SZ}")

    @dlq.command("show")
    def dlq_show(topic: Topic, partition: Partition, offset: Offset) -> None:
        """The record's value, byte for byte, on standard output. It can hold personal data: mind where it goes."""
        unit = open_unit()
        record = dead_letters.fetch(unit.conn, unit.cipher, topic, partition, offset)
        if record is None:
            _fail(f"no dead letter at {topic}/{partition}/{offset}; `dlq list` shows what there is")
        place = f"{topic}/{partition}/{offset}"
        audit.write(unit.conn, [{"actor": "operator", "action": "dlq.show", "resource": place, "granted": True}])
        sys.stdout.buffer.write(record.value or b"")

    @dlq.command("replay")
    def dlq_replay(
        topic: Topic,
        partition: Partition,
        offset: Offset,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would happen, change nothing")] = False,
    ) -> None:
        """Run the stored record through the handler again, in place, and update its ledger row."""
        result = recovery.replay(open_unit(), topic, partition, offset, dry_run=dry_run)
        if result is None:
            _fail(f"no dead letter at {topic}/{partition}/{offset}; `dlq list` shows what there is")
        typer.echo(f"{'would be ' if dry_run else ''}{result.outcome}{f': {result.reason}' if result.reason else ''}")
        if result.outcome == "quarantined":
            raise typer.Exit(1)

    @parked.command("list")
    def parked_list(limit: int = 100) -> None:
        """Parked keys, oldest first, with the error's type and place and the number of records that wait."""
        roots = parking.listing(open_unit().conn, limit)
        if not roots:
            typer.echo("nothing is parked", err=True)
            return
        _head("kind", "key", "waiting", "error", "parked at")
        for root in roots:
            typer.echo(f"{root.kind}\t{root.key}\t{root.waiting}\t{root.error}\t{root.parked_at:%Y-%m-%dT%H:%M:%SZ}")

    @parked.command("release")
    def parked_release(
        kind: Annotated[str, typer.Argument(help="Kind as `parked list` shows it")],
        key: Annotated[str, typer.Argument(help="Key as `parked list` shows it")],
    ) -> None:
        """Handle what waits behind the key, in arrival order. If it fails again, the key parks again."""
        unit = open_unit()
        handled = recovery.release(unit, (kind, key))
        again = any(root.kind == kind and root.key == key for root in parking.listing(unit.conn, 1_000_000))
        typer.echo(f"handled {handled}{'; the key is parked again' if again else ''}")
        if again:
            raise typer.Exit(1)


def _head(*names: str) -> None:
    """Names of the columns, on standard error: what is piped on is rows only."""
    typer.echo("\t".join(names), err=True)


def _fail(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(2)
