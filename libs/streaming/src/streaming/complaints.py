"""What a person at a terminal is told when a command cannot begin or a backend is away: a line, not a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import psycopg
import typer
from confluent_kafka import KafkaException
from pydantic import ValidationError
from pydantic_settings import SettingsError
from typer.core import TyperGroup

from streaming.errors import Fatal, Infrastructure

S = TypeVar("S")

PROCESSES = frozenset({"worker", "relay", "api", "sender"})
"""Commands that run for long and log for themselves: for them a traceback says more."""


def settings(read: Callable[[], S]) -> S:
    """What `read` makes of the environment. Else names what is missing or wrong there, never a value, and exits with 2."""
    try:
        return read()
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        missing = [_name(item["loc"]) for item in found if item["type"] == "missing"]
        wrong = [f"{_name(item['loc'])}: {item['msg']}" for item in found if item["type"] != "missing"]
    except SettingsError as error:
        missing, wrong = [], [str(error)]
    if missing:
        typer.echo(f"settings missing: {', '.join(missing)}; `. var/dev.env` after `make up` sets them", err=True)
    for text in wrong:
        typer.echo(f"settings wrong: {text.removeprefix(': ').replace('Value error, ', '', 1)}", err=True)
    raise typer.Exit(2)


def _name(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)).upper()


class Commands(TyperGroup):
    """A service's commands. A backend that an operator's command cannot reach is named; exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        """See click."""
        try:
            return super().invoke(ctx)
        except (Infrastructure, Fatal, psycopg.OperationalError, KafkaException) as error:
            if ctx.invoked_subcommand in PROCESSES:
                raise
            _give_up(error)


def _give_up(error: Exception) -> NoReturn:
    cause = error.__cause__ if isinstance(error, Infrastructure) else error
    if isinstance(cause, KafkaException) or str(error) == "kafka: no answer":
        text = _away("broker")
    elif isinstance(cause, psycopg.OperationalError) and _unreached(cause):
        text = _away("database")
        if "FATAL" in str(cause):  # the server's word, so it is there: no such database, or not for this user
            text = "database: it answers but does not let us in; look at its address in the settings"
    elif isinstance(error, psycopg.Error):
        text = f"database: {type(error).__name__}"  # its own words may hold values
    else:
        text = str(error)
    typer.echo(text, err=True)
    raise typer.Exit(1)


def _unreached(error: psycopg.OperationalError) -> bool:
    """Whether there was no connection, or the server ended it."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


def _away(what: str) -> str:
    return f"{what}: not reachable; is it running? (`make status`)"
