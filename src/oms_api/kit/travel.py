"""The test clock's one row: how far a deployment has travelled. Only `oms dev` and `OMS_TEST_CLOCK=true` follow it."""

import asyncio
import contextlib
from datetime import timedelta

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel, select

from oms_api.kit import clock
from oms_api.kit.caller import system
from oms_api.kit.db import Database, Tx, prepared
from oms_api.kit.errors import Overloaded
from oms_api.kit.ids import NOBODY

FOLLOW_EVERY_S = 0.1


class ClockOffset(SQLModel, table=True):
    """The offset in seconds; one row, or none while nobody travelled."""

    __tablename__ = "clock_offset"
    id: int = Field(primary_key=True)
    seconds: int = Field(sa_type=BigInteger)


_OFFSET = prepared(select(ClockOffset))


async def advance(db: Database, seconds: int) -> int:
    """Travel on; the offset in seconds from now on. Every process that follows is there within FOLLOW_EVERY_S."""

    async def work(tx: Tx) -> int:
        (row,) = await tx.upsert(ClockOffset, [{"id": 1, "seconds": seconds}], key=("id",), add=("seconds",))
        return row.seconds

    return await db.run(work, system(NOBODY))


async def refresh(db: Database) -> None:
    """Take the stored offset over into this process."""
    async with db.reading(NOBODY) as reading:
        row = await reading.first(_OFFSET)
    clock.set_offset(timedelta(seconds=row.seconds if row else 0))


async def follow(db: Database) -> None:
    """Until cancelled: stay at the stored offset."""
    while True:
        with contextlib.suppress(Overloaded):  # the database is away; the offset stays as it was
            await refresh(db)
        await asyncio.sleep(FOLLOW_EVERY_S)
