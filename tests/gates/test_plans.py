"""No statement walks through all that a tenant has, on the engine that cannot measure what that is."""

import importlib
import pkgutil
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlmodel import SQLModel

import oms_api
from oms_api.kit.db.statements import Compiled, Prepared
from world import create_tables

FEW = {
    "atp_rules", "calendars", "carrier_services", "channels", "clock_offset", "demand_classes", "event_logs",
    "locations", "network_versions", "payment_accounts", "sourcing_policies", "sourcing_policy_channels", "tenants",
    "timers", "webhook_subscriptions",
}  # fmt: skip
"""Tables of which a tenant has few rows, so that reading all of them is what a statement may want."""
MEANT = {
    "allocation.service.put._FORGET_USES": "when shares are replaced",
    "doctor._DEAD": "by an operator",
    "inventory.queries.rows._PAGES": "a page, in the order of its index",
    "inventory.queries.rule._PAGES": "a page, in the order of its index",
    "inventory.service.rebuild._POSITIONS": "the doctor's",
    "inventory.service.rebuild._SUPPLIES": "the doctor's",
    "kit.idempotency._FORGET": "once an hour",
    "kit.inbox._FORGET": "once an hour",
    "kit.inbox._TENANTS_WITH_OLD": "once an hour",
    "kit.jobs._AGAIN": "by an operator",
    "kit.jobs._TENANTS_WITH_KEYS": "once an hour",
    "orders.queries.rows._OVERDUE": "an index of what waits",
    "orders.queries.waves._CHOSEN": "a wave looks at all that is open",
    "payments.queries._UNRESOLVED": "by an operator",
}


def named() -> Iterator[tuple[str, Prepared]]:
    """Every statement that stands at module level, alone or in a collection."""
    for found in pkgutil.walk_packages(oms_api.__path__, "oms_api."):
        if found.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(found.name)).items():
            values: Any = [value]
            if isinstance(value, dict):
                values = value.values()
            elif isinstance(value, tuple | list):
                values = value
            for one in values:
                if isinstance(one, Prepared):
                    yield f"{found.name.removeprefix('oms_api.')}.{name}", one


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    list(named())  # some tables are declared beside their statements
    file: Path = tmp_path_factory.mktemp("plans") / "oms.sqlite3"
    create_tables(f"sqlite+aiosqlite:///{file}")
    connection = sqlite3.connect(file)
    yield connection
    connection.close()


def test_on_sqlite_no_statement_walks_through_all_rows_of_a_tenant(database: sqlite3.Connection) -> None:
    dialect, tables = SQLiteDialect_pysqlite(), set(SQLModel.metadata.tables)
    found = set()
    statements = list(named())
    assert len(statements) > 300
    for name, one in statements:
        compiled = Compiled(one.statement, dialect)
        arguments = [
            process(default) if process and default is not None else None if isinstance(default, list) else default
            for _, process, _, _, default in compiled.slots
        ]
        for *_, step in database.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", arguments):
            walk = re.match(r"SCAN (\w+)|SEARCH (\w+) USING .*\(tenant_id=\?\)$", step)
            table = walk and (walk[1] or walk[2])
            if table in tables - FEW:
                found.add(name)
    assert found == set(MEANT), (sorted(found - set(MEANT)), sorted(set(MEANT) - found))
