"""The only module that knows that there are two engines, and the only one that commits.

`Database.transaction()` writes, `Database.reading()` reads, `Database.run(work)` is a transaction with bounded retries
on a clash. Statements are built with SQLModel and SQLAlchemy and run on the driver itself: of the 320-710 µs that a
statement costs through SQLAlchemy's async engine only 46 are the driver's (measured on 20 of 100,000 rows), so we keep
the builder and its types and leave the rest out. Rows come back as read-only instances of their table's class.

A statement that stands at module level is wrapped in `prepared()` and compiled once per engine.
"""

from oms_api.kit.db.clashes import Conflict, NotMigrated, TryAgain
from oms_api.kit.db.constructs import Choice, Instant, Json, Keyed, any_of, json_rows, metadata, now
from oms_api.kit.db.database import Database
from oms_api.kit.db.sessions import Reading, Tx, observe
from oms_api.kit.db.statements import Statement, changed, columns, mine, param, prepared, row_of, table_of
from oms_api.kit.db.statistics import assume_many_rows

__all__ = [
    "Choice", "Conflict", "Database", "Instant", "Json", "Keyed", "NotMigrated", "Reading", "Statement", "TryAgain",
    "Tx", "any_of", "assume_many_rows", "changed", "columns", "json_rows", "metadata", "mine", "now", "observe",
    "param", "prepared", "row_of", "table_of",
]  # fmt: skip
