"""What an engine says about a transaction, in words of our own."""


class TryAgain(Exception):
    """The engine gave this transaction up (deadlock, serialization, SQLITE_BUSY); the same work may succeed now."""


class Conflict(Exception):
    """A constraint refused a row. `constraint` is its name (PostgreSQL) or its columns (SQLite)."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class NotMigrated(Exception):
    """A table or a column of this release is not there."""
