"""Time, and the one offset by which `oms dev` and the tests travel.

Statements judge expiry by the database's own clock (`kit.db.now()`), plus this offset; Python asks `now()`. The offset
is a row (`clock_offset`), so that every process of a deployment with a test clock moves together; outside of `oms dev`,
the tests and `OMS_TEST_CLOCK=true` it is never read and stays zero.
"""

from datetime import UTC, datetime, timedelta

_offset = timedelta()


def now() -> datetime:
    """The present instant, UTC, with microseconds."""
    return datetime.now(UTC) + _offset


def offset() -> timedelta:
    return _offset


def offset_microseconds() -> int:
    return _offset // timedelta(microseconds=1)


def set_offset(value: timedelta) -> None:
    """Travel. Only `oms dev`, a process with `OMS_TEST_CLOCK=true`, and tests may call this."""
    global _offset
    _offset = value
