"""Migrations: Alembic, one history per service, in `services/<name>/migrations`."""

from __future__ import annotations

import io
from pathlib import Path

import psycopg
from alembic import command, context
from alembic.config import Config
from sqlalchemy import create_engine, pool
from sqlalchemy.exc import OperationalError


def _address(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def upgrade(migrations: Path, url: str, revision: str = "head") -> None:
    """Bring the database at `url` to `revision`. Raises psycopg's OperationalError when it is away."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["url"] = url
    try:
        command.upgrade(config, revision)
    except OperationalError as error:
        if isinstance(error.orig, psycopg.OperationalError):  # as everywhere else a database that is away raises
            raise error.orig from error
        raise


def as_sql(migrations: Path) -> str:
    """All migrations as SQL text, for the linter."""
    out = io.StringIO()
    config = Config(output_buffer=out)
    config.set_main_option("script_location", str(migrations))
    command.upgrade(config, "head", sql=True)
    return out.getvalue()


def run_env() -> None:
    """What every service's `migrations/env.py` calls: one transaction per migration run, or SQL text for `as_sql`."""
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", literal_binds=True, output_buffer=context.config.output_buffer)
        context.run_migrations()
        return
    engine = create_engine(_address(context.config.attributes["url"]), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, transaction_per_migration=False)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()
