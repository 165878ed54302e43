"""What SQLite's planner is told about tables, so that it plans for many rows of one tenant.

Without statistics it takes ten rows for all that a tenant has: to read fulfillments of some orders in the order of
their ids it then walks through every fulfillment of the tenant. Statistics of a young database would say the same. So
they are not measured: as SQLite's documentation of ANALYZE suggests, they are written down, for a database as it will
be. PostgreSQL measures.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

ROWS, OF_TENANT = 1_000_000, 200_000
"""In every table, and of them one tenant's: fewer, so that no index is taken for as good as the table."""
FEW = 10
"""Rows with the same id of something else."""
_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
_KNOWN = "SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY tbl, idx"


def assume_many_rows(connection: Connection) -> None:
    """Write the statistics down; to be called when tables were made or changed. Nothing but for SQLite."""
    if connection.dialect.name != "sqlite":
        return
    run = connection.exec_driver_sql
    tables = [name for (name,) in run(_TABLES)]
    told = []
    for table in tables:
        for _, index, unique, _, partial in run(f"PRAGMA index_list('{table}')").all():
            names = [row[2] for row in run(f"PRAGMA index_info('{index}')")]
            told.append((table, index, _rows_by(names, unique=bool(unique), rows=ROWS // 100 if partial else ROWS)))
    if tables:
        run(f'ANALYZE "{tables[0]}"')  # makes the table of statistics
        if [tuple(row) for row in run(_KNOWN)] != sorted(told):
            run("DELETE FROM sqlite_stat1")
            run("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (?, ?, ?)", told)
            run("ANALYZE sqlite_schema")  # reads it


def _rows_by(names: Sequence[str | None], *, unique: bool, rows: int) -> str:
    """Rows of an index, then those alike in its first column, its first two…: a tenant has all, an id few."""
    found, left = [rows], rows
    for name in names:
        if name == "tenant_id":
            left = min(left, OF_TENANT)
        else:
            left = min(left, FEW) if name == "id" or (name or "").endswith("_id") else max(left // 100, FEW)
        found.append(left)
    if unique:
        found[-1] = 1
    return " ".join(map(str, found))
