"""`oms doctor`: each finding with its cause and the command that mends it."""

import time
from typing import Any, NamedTuple

import redis.asyncio
from sqlalchemy import func
from sqlmodel import col, select

from oms_api import migrate
from oms_api.config import Settings
from oms_api.domains import parts
from oms_api.kit import clock
from oms_api.kit.db import Database, prepared
from oms_api.kit.errors import Overloaded
from oms_api.kit.events import Event
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Failure

CLOCK_SKEW_MAX_S = 2.0

_DEAD = prepared(select(func.count()).select_from(Failure).where(col(Failure.next_at).is_(None)))
_UNTOLD = prepared(select(func.count()).select_from(Event).where(col(Event.position).is_(None)))


class Finding(NamedTuple):
    """What was examined, what was found, and the command that mends it when it is not well."""

    what: str
    ok: bool
    found: str
    mend: str = ""


async def examine(settings: Settings) -> list[Finding]:
    found = [_configuration(settings)]
    db = Database(settings.database_url, pool_size=2)
    try:
        found += await _database(settings, db)
    finally:
        await db.close()
    found.append(await _redis(settings))
    return found


def _configuration(settings: Settings) -> Finding:
    keys = settings.plain_secret_keys()
    if not keys:
        return Finding(
            "configuration", False, "OMS_SECRET_KEYS is missing", "export OMS_SECRET_KEYS=$(openssl rand -hex 32)"
        )
    if any(len(key) < 32 for key in keys):
        return Finding(
            "configuration", False, "a key of OMS_SECRET_KEYS is shorter than 32 characters",
            "export OMS_SECRET_KEYS=$(openssl rand -hex 32)",
        )  # fmt: skip
    return Finding("configuration", True, f"{len(keys)} secret key{'s' if len(keys) > 1 else ''}")


async def _database(settings: Settings, db: Database) -> list[Finding]:
    try:
        started = time.perf_counter()
        async with db.reading(NOBODY) as reading:
            (version,) = await reading.text(
                "SELECT version()" if db.engine == "postgresql" else "SELECT 'SQLite ' || sqlite_version()"
            )
            milliseconds = (time.perf_counter() - started) * 1000
            found = [
                Finding("database", True, f"{str(version[0]).split(' on ')[0]}, answered in {milliseconds:.0f} ms")
            ]
    except Overloaded as error:
        return [Finding("database", False, str(error), "start the database, or correct OMS_DATABASE_URL")]
    at, head = await migrate.current_async(settings.database_url), migrate.head()
    found.append(Finding("migrations", at == head, f"at {at}, head is {head}", "" if at == head else "oms migrate"))
    if at != head:
        return found
    async with db.reading(NOBODY) as reading:
        found.append(await _clock(reading, settings, db.engine))
        dead, untold = await reading.first(_DEAD), await reading.first(_UNTOLD)
        found.append(
            Finding(
                "reactions",
                not dead,
                f"{dead} given up, {untold} facts not in the log yet",
                "oms retry, when the cause is mended (the table reaction_failures tells it)" if dead else "",
            )
        )
    for module in parts("doctor"):
        found += [Finding(*finding) for finding in await module.examine(db)]
    return found


async def _clock(reading: Any, settings: Settings, engine: str) -> Finding:
    sql = "SELECT extract(epoch FROM clock_timestamp())" if engine == "postgresql" else (
        "SELECT (julianday('now') - 2440587.5) * 86400"
    )  # fmt: skip
    (row,) = await reading.text(sql)
    skew = float(row[0]) - (clock.now() - clock.offset()).timestamp()
    if abs(skew) > CLOCK_SKEW_MAX_S:
        return Finding("clock", False, f"the database's clock differs by {skew:+.1f} s", "synchronise both by NTP")
    travelled = " (test clock on)" if settings.test_clock else ""
    return Finding("clock", True, f"within {abs(skew):.3f} s of the database's{travelled}")


async def _redis(settings: Settings) -> Finding:
    if not settings.redis_url:
        return Finding("redis", True, "not configured: jobs run in the process")
    try:
        async with redis.asyncio.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2) as client:
            info: Any = await client.info("server")
    except (redis.RedisError, OSError) as error:
        return Finding("redis", False, str(error), "start Redis, or correct OMS_REDIS_URL; nothing is lost meanwhile")
    return Finding("redis", True, f"version {info['redis_version']}")
