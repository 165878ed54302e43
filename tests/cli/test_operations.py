"""`oms doctor`, `oms config`, `oms migrate`, `oms retry`, and what `oms serve` and `oms work` refuse."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

import servers
from oms_api import migrate
from oms_api.kit import clock, ids
from oms_api.kit.caller import system
from oms_api.kit.db import Database
from oms_api.kit.events import Event
from oms_api.kit.ids import NOBODY
from oms_api.kit.jobs import Failure
from programs import Program, Programs, Warm, programs
from world import SECRET


@pytest.fixture
async def begin(warm: Warm, tmp_path: Path) -> AsyncIterator[Programs]:
    async with programs(warm, tmp_path) as made:
        yield made


@pytest.fixture
def database_path(tmp_path: Path) -> Path:
    return tmp_path / "oms.sqlite3"


@pytest.fixture
def environment(database_path: Path) -> dict[str, str]:
    """A migrated SQLite database, and a key."""
    url = f"sqlite+aiosqlite:///{database_path}"
    return {"database_url": url, "secret_keys": SECRET}


async def _findings(begin: Programs, environment: dict[str, str]) -> tuple[int, dict[str, dict[str, Any]]]:
    program = await begin.run("doctor", "--json", **environment)
    assert "Traceback" not in program.err, program.err
    return await program.wait(), {finding["what"]: finding for finding in json.loads(program.out)}


async def _refused(program: Program, *sentences: str, status: int = 1) -> None:
    assert await program.wait() == status, program.err
    assert "Traceback" not in program.err
    for sentence in sentences:
        assert sentence in program.err
    assert program.out == ""


async def _migrated(begin: Programs, environment: dict[str, str]) -> None:
    program = await begin.run("migrate", **environment)
    assert await program.wait() == 0, program.err
    assert program.out.strip() == f"The database is at revision {migrate.head()}."


# --- doctor --------------------------------------------------------------------------------------------------------


async def test_a_healthy_deployment_has_only_good_findings(begin: Programs, environment: dict[str, str]) -> None:
    await _migrated(begin, environment)
    status, found = await _findings(begin, environment)
    assert status == 0
    assert set(found) == {
        "configuration", "database", "migrations", "clock", "reactions", "stock ledger", "payments", "redis"
    }  # fmt: skip
    assert all(finding["ok"] and not finding["mend"] for finding in found.values())
    words = await begin.run("doctor", **environment)
    assert words.out.count("ok ") == len(found)


async def test_a_database_that_is_not_migrated_is_told_with_the_command(
    begin: Programs, environment: dict[str, str]
) -> None:
    status, found = await _findings(begin, environment)
    assert status == 1
    assert (found["migrations"]["ok"], found["migrations"]["mend"]) == (False, "oms migrate")
    await _migrated(begin, environment)
    assert (await _findings(begin, environment))[0] == 0


async def test_a_database_and_a_redis_that_are_away_are_findings(begin: Programs, environment: dict[str, str]) -> None:
    status, found = await _findings(
        begin,
        {
            "database_url": "postgresql+asyncpg://oms:secret@127.0.0.1:1/oms",
            "redis_url": "redis://127.0.0.1:1/0",
            "secret_keys": SECRET,
        },
    )
    assert status == 1
    assert not found["database"]["ok"]
    assert found["database"]["mend"] == "start the database, or correct OMS_DATABASE_URL"
    assert not found["redis"]["ok"]
    assert "nothing is lost meanwhile" in found["redis"]["mend"]
    assert "secret" not in json.dumps(found["database"])


async def test_a_wrong_password_or_database_is_a_finding(begin: Programs) -> None:
    url = servers.postgres()
    status, found = await _findings(begin, {"database_url": f"{url}_that_is_not_there", "secret_keys": SECRET})
    assert status == 1
    assert "does not exist" in found["database"]["found"]


async def test_a_short_or_missing_key_is_a_finding(begin: Programs, environment: dict[str, str]) -> None:
    await _migrated(begin, environment)
    for keys in ("", "too-short"):
        status, found = await _findings(begin, {**environment, "secret_keys": keys})
        assert status == 1
        assert found["configuration"]["mend"] == "export OMS_SECRET_KEYS=$(openssl rand -hex 32)"


async def test_a_stock_column_changed_by_hand_is_a_finding(begin: Programs, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    dev = await begin.start("dev", "--json", "--port", "0", "--data-dir", str(folder))
    await dev.line()
    assert await dev.end() == 0
    healthy = await begin.run("doctor", "--json", "--data-dir", str(folder))
    assert await healthy.wait() == 0, healthy.out
    db = Database(f"sqlite+aiosqlite:///{folder / 'oms.sqlite3'}")
    async with db.transaction(system(NOBODY)) as tx:
        await tx.text("UPDATE positions SET on_hand = on_hand + 7 WHERE sku = 'TEE-BLACK-L'")
    await db.close()
    program = await begin.run("doctor", "--json", "--data-dir", str(folder))
    assert await program.wait() == 1
    (finding,) = [finding for finding in json.loads(program.out) if not finding["ok"]]
    assert finding["what"] == "stock ledger"
    assert "demo: positions.on_hand of TEE-BLACK-L" in finding["found"]
    assert "is 47, its ledger gives 40" in finding["found"]
    assert finding["mend"]


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["serve", "work"])
async def test_a_server_names_all_that_is_missing(begin: Programs, command: str) -> None:
    await _refused(
        await begin.run(command, webhook_allow_loopback="true"),
        "OMS_DATABASE_URL is missing",
        "OMS_SECRET_KEYS is missing",
        "OMS_WEBHOOK_ALLOW_LOOPBACK=true",
    )


@pytest.mark.parametrize("command", ["serve", "work"])
async def test_a_server_wants_a_migrated_database_and_long_keys(
    begin: Programs, environment: dict[str, str], command: str
) -> None:
    await _refused(await begin.run(command, **environment), "this release needs", "run `oms migrate`")
    await _refused(await begin.run(command, **{**environment, "secret_keys": "short"}), "shorter than 32 characters")


async def test_a_key_wants_a_migrated_database(begin: Programs, environment: dict[str, str]) -> None:
    found = await begin.run("keys", "create", "--tenant", "shop", "--scopes", "*", **environment)
    await _refused(found, "this release needs", "run `oms migrate`")


@pytest.mark.parametrize("command", [["serve"], ["work"], ["migrate"], ["keys", "revoke", "key_x"]])
async def test_a_database_that_is_away_is_a_sentence(begin: Programs, command: list[str]) -> None:
    away = {
        "database_url": "postgresql+asyncpg://oms:secret@127.0.0.1:1/oms",
        "redis_url": "redis://127.0.0.1:1/0",
        "secret_keys": SECRET,
    }
    await _refused(await begin.run(*command, **away), "the database did not answer")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("database_url", "mysql://localhost/oms"),
        ("redis_url", "localhost:6379"),
        ("database_pool_size", "many"),
        ("worker_threads", "0"),
        ("log_level", "loud"),
    ],
)
async def test_a_wrong_setting_is_a_sentence_and_status_2(begin: Programs, setting: str, value: str) -> None:
    await _refused(await begin.run("config", **{setting: value}), f"OMS_{setting.upper()}: ", status=2)


async def test_time_does_not_move_in_production(begin: Programs, environment: dict[str, str]) -> None:
    await _migrated(begin, environment)
    await _refused(
        await begin.run("clock", "advance", "60", **environment),
        "Time moves only under `oms dev`, or with OMS_TEST_CLOCK",
    )
    moved = await begin.run("clock", "advance", "60", **environment, test_clock="true")
    assert (await moved.wait(), moved.out) == (0, "The clock is now 60 seconds ahead.\n")


async def test_config_shows_where_values_come_from_and_no_secret(begin: Programs) -> None:
    program = await begin.run(
        "config",
        database_url="postgresql+asyncpg://oms:very-secret@db.example/oms",
        redis_url="redis://:very-secret@cache.example/0",
        secret_keys=f"{SECRET},very-secret-very-secret-very-secret",
        stripe_secret_key="very-secret",
        worker_threads="3",
    )
    assert await program.wait() == 0
    assert "very-secret" not in program.out
    assert SECRET not in program.out
    lines = {line.split()[0]: line for line in program.out.splitlines()}
    assert "environment" in lines["OMS_WORKER_THREADS"]
    assert lines["OMS_WORKER_THREADS"].split()[1] == "3"
    assert "default" in lines["OMS_DATABASE_POOL_SIZE"]
    assert "postgresql+asyncpg://(hidden)@db.example/oms" in lines["OMS_DATABASE_URL"]


# --- retry ---------------------------------------------------------------------------------------------------------


async def test_what_was_given_up_is_found_and_tried_again(begin: Programs, tmp_path: Path) -> None:
    """A reaction that failed ten times, as it stands in the database."""
    folder = tmp_path / "data"
    arguments = ("dev", "--json", "--no-seed", "--port", "0", "--data-dir", str(folder))
    dev = await begin.start(*arguments)
    await dev.line()
    assert await dev.end() == 0
    db = Database(f"sqlite+aiosqlite:///{folder / 'oms.sqlite3'}")
    tenant, event = ids.new(), ids.new()
    async with db.transaction(system(tenant)) as tx:
        await tx.add(
            Event, tenant_id=tenant, id=event, topic="order.created", subject_type="ord", subject_id=ids.new(),
            owner_id=ids.new(), sequence=1, position=1, occurred_at=clock.now(), added=[], updated=[], removed=[],
            actor_kind="SYSTEM", data={}, pending=1,
        )  # fmt: skip
        await tx.add(Failure, tenant_id=tenant, event_id=event, reaction="no.longer", attempts=10, error="Oh")
    program = await begin.run("doctor", "--json", "--data-dir", str(folder))
    assert await program.wait() == 1
    (finding,) = [finding for finding in json.loads(program.out) if not finding["ok"]]
    assert (finding["what"], finding["found"]) == ("reactions", "1 given up, 0 facts not in the log yet")
    assert finding["mend"].startswith("oms retry")
    retried = await begin.run("retry", "--data-dir", str(folder))
    assert retried.out.startswith("1 reactions begin again, 0 payment operations were asked about")
    async with db.reading(tenant) as reading:
        (row,) = await reading.all(select(Event))
        (failure,) = await reading.all(select(Failure))
    await db.close()
    assert row.tell_at is not None
    assert (failure.attempts, failure.next_at is not None) == (0, True)
    healthy = await begin.run("doctor", "--data-dir", str(folder))
    assert await healthy.wait() == 0, healthy.out


async def test_two_migrations_at_once_are_one(begin: Programs, environment: dict[str, str]) -> None:
    both = [await begin.start("migrate", **environment) for _ in range(2)]
    assert await asyncio.gather(*[program.wait() for program in both]) == [0, 0], both[0].err + both[1].err
