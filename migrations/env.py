"""Alembic's environment: one migration at a time, whoever starts two.

PostgreSQL: an advisory lock, then one transaction a revision with lock and statement time-outs. SQLite: one write
transaction around everything, from before the revision is read.
"""

import asyncio

from alembic import context
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from oms_api.config import Settings
from oms_api.domains import parts
from oms_api.kit import travel  # noqa: F401 - its table
from oms_api.kit.db import Choice, Instant, Json, assume_many_rows

parts("models")
parts("jobs")

MIGRATION_LOCK = 7_223_001  # any number that nobody else uses: one migration at a time
WAIT_S = 300


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
    sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        transaction_per_migration=not sqlite,
        render_as_batch=True,
        compare_type=False,
        render_item=render,
    )
    if not sqlite:
        connection.execute(text(f"SET statement_timeout = '{WAIT_S}s'"))
        connection.execute(text(f"SELECT pg_advisory_lock({MIGRATION_LOCK})"))
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.commit()
    with context.begin_transaction():
        context.run_migrations()
        assume_many_rows(connection)


async def main() -> None:
    url = context.config.attributes.get("url") or Settings().database_url
    sqlite = url.startswith("sqlite")
    engine = create_async_engine(url, connect_args={"timeout": WAIT_S} if sqlite else {})
    if sqlite:
        # the driver begins transactions late and not at all for DDL: it leaves both to us
        event.listen(engine.sync_engine, "connect", lambda made, _: setattr(made, "isolation_level", None))
        event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        async with engine.connect() as connection:
            await connection.run_sync(run)
            await connection.commit()
    finally:
        await engine.dispose()


asyncio.run(main())
