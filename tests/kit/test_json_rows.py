"""A list of rows as one parameter: each of its rows finds the table's by key, however many rows the tenant has."""

from sqlalchemy import BigInteger, Uuid, update
from sqlmodel import col, select

from oms_api.kit.db import json_rows, mine, prepared
from oms_api.kit.db.statements import Compiled
from oms_api.kit.events import Event
from oms_api.kit.ids import NOBODY
from world import World

_rows = json_rows("rows", {"id": Uuid(), "position": BigInteger()})
JOINED = prepared(select(Event).join(_rows, col(Event.id) == _rows.c.id).where(mine(Event)))
CHANGED = prepared(
    update(Event.__table__)  # type: ignore[attr-defined]
    .where(mine(Event), col(Event.id) == _rows.c.id)
    .values(position=_rows.c.position)
)


async def test_a_list_is_read_first_and_its_rows_find_the_tables_by_key(world: World) -> None:
    """PostgreSQL has statistics and chooses by them; SQLite has none and must be told."""
    async with world.db.reading(NOBODY) as reading:
        if reading.engine != "sqlite":
            assert await reading.all(JOINED, {"rows": []}) == []
            return
        for statement in (JOINED, CHANGED):
            compiled = Compiled(statement.statement, reading._driver.dialect)
            arguments = compiled.arguments({"tenant": NOBODY, "rows": []})
            plan = await reading._driver.fetch(reading._connection, f"EXPLAIN QUERY PLAN {compiled.sql}", arguments)
            steps = [row[3] for row in plan]
            assert steps[0].startswith("MATERIALIZE"), steps
            assert any("(tenant_id=? AND id=?)" in step for step in steps), steps
