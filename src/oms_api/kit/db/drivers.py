"""The two engines, by URL. Nobody else asks which one it is."""

from typing import Any

from oms_api.kit.db.postgresql import PostgreSQL
from oms_api.kit.db.sqlite import SQLite


def driver_for(url: str) -> Any:
    """The engine that a URL names. Raises ValueError."""
    if url.startswith("sqlite+aiosqlite:///"):
        return SQLite(url)
    if url.startswith("postgresql+asyncpg://"):
        return PostgreSQL(url)
    raise ValueError(
        "OMS_DATABASE_URL must begin with postgresql+asyncpg:// or sqlite+aiosqlite:///, "
        f"not {url.partition('://')[0][:30]}://"
    )
