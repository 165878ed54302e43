"""Migrations, run from the package's own copy of `migrations/`, so that an installed wheel needs no checkout."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine

from oms_api.kit.db import Database
from oms_api.kit.ids import NOBODY


def _folder() -> Path:
    packaged = Path(__file__).with_name("_migrations")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "migrations"


def config(url: str) -> Config:
    made = Config()
    made.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    made.attributes["url"] = url
    return made


def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database to a revision. Safe to run beside itself: the second one waits. Raises Overloaded."""
    asyncio.run(_reach(url))
    command.upgrade(config(url), revision)


def downgrade(url: str, revision: str) -> None:
    command.downgrade(config(url), revision)


def head() -> str:
    found = ScriptDirectory.from_config(config("")).get_current_head()
    assert found is not None
    return found


async def _reach(url: str) -> None:
    """Raises Overloaded, with the cause, when the database cannot be reached."""
    db = Database(url, pool_size=1)
    try:
        async with db.reading(NOBODY) as reading:
            await reading.text("SELECT 1")
    finally:
        await db.close()


async def current_async(url: str) -> str | None:
    """The revision that a database is at; None for an empty one. Raises Overloaded."""
    await _reach(url)
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
    finally:
        await engine.dispose()


def current(url: str) -> str | None:
    return asyncio.run(current_async(url))
