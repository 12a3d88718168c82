"""Migrations: Alembic, one history per service, in `services/<name>/migrations`."""

from __future__ import annotations

from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import create_engine, pool


def _address(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def upgrade(migrations: Path, url: str, revision: str = "head") -> None:
    """Bring the database at `url` to `revision`."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["url"] = url
    command.upgrade(config, revision)


def run_env() -> None:
    """What every service's `migrations/env.py` calls: one transaction per migration run."""
    engine = create_engine(_address(context.config.attributes["url"]), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, transaction_per_migration=False)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()
