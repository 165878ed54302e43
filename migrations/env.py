"""Alembic's environment: one connection, one transaction a revision, lock and statement time-outs on PostgreSQL."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from oms_api.config import Settings
from oms_api.domains import parts
from oms_api.kit import travel  # noqa: F401 - its table
from oms_api.kit.db import Choice, Instant, Json

parts("models")
parts("jobs")

MIGRATION_LOCK = 7_223_001  # any number that nobody else uses: one migration at a time


def render(kind: str, item: object, autogen: object) -> str | bool:
    """Our column types as plain ones: a migration must not change when the program does."""
    if kind != "type":
        return False
    if isinstance(item, Instant):
        return 'sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")'
    if isinstance(item, Json):
        return 'postgresql.JSONB().with_variant(sa.JSON(), "sqlite")'
    if isinstance(item, Choice):
        return "sa.String(40)"
    if isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    if isinstance(item, AutoString):
        return "sa.String()"
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        transaction_per_migration=True,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=False,
        render_item=render,
    )
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.execute(text("SET statement_timeout = '300s'"))
        connection.execute(text(f"SELECT pg_advisory_lock({MIGRATION_LOCK})"))
        connection.commit()
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    url = context.config.attributes.get("url") or Settings().database_url
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(main())
