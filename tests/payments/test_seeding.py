"""The settings put the first tenant's Stripe account, and keep it as they are."""

import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError
from sqlmodel import select

import servers
from oms_api import access, payments
from oms_api.config import Settings
from oms_api.kit import secrets
from oms_api.kit.caller import system
from oms_api.kit.db import Database
from oms_api.kit.ids import NOBODY
from oms_api.payments.models import ProviderAccount
from oms_api.payments.service.accounts import config_of
from oms_api.serve import checked, seeded
from programs import Programs, Warm, programs
from world import SECRET, create_tables

from .stripe_double import signed

GIVEN: dict[str, Any] = {
    "secret_keys": SECRET,
    "stripe_secret_key": "sk_test_1",
    "stripe_webhook_secret": "whsec_double",
    "stripe_return_url": "https://shop.example/paid/",
}


@pytest.fixture(params=("sqlite", "postgresql"))
def empty_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of its own, without a tenant."""
    if request.param == "sqlite":
        with tempfile.TemporaryDirectory(prefix="oms-test-") as folder:
            url = f"sqlite+aiosqlite:///{Path(folder) / 'test.sqlite3'}"
            create_tables(url)
            yield url
    else:
        with servers.fresh_database(servers.postgres()) as url:
            create_tables(url)
            yield url


@pytest.fixture
async def empty(empty_url: str) -> AsyncIterator[Database]:
    secrets.configure([SECRET])
    db = Database(empty_url, pool_size=2)
    yield db
    await db.close()


async def accounts(db: Database) -> list[ProviderAccount]:
    async with db.reading(NOBODY) as reading:
        return await reading.all(select(ProviderAccount))


async def test_the_first_tenant_has_the_account_and_the_same_settings_change_nothing(empty: Database) -> None:
    settings = Settings(**GIVEN)
    await seeded(empty, settings)
    assert await accounts(empty) == []
    async with empty.transaction(system(NOBODY)) as tx:
        first = await access.ensure_tenant(tx, "shop", test=False)
        await access.ensure_tenant(tx, "another")
    await seeded(empty, settings)
    (put,) = await accounts(empty)
    assert (put.tenant_id, put.handle, put.provider) == (first.tenant_id, "stripe", "stripe")
    assert "sk_test_1" not in put.config
    assert config_of(put) == {
        "secret_key": "sk_test_1", "webhook_secrets": ["whsec_double"], "api_base": "https://api.stripe.com",
        "return_url": "https://shop.example/paid",
    }  # fmt: skip
    await seeded(empty, settings)
    (again,) = await accounts(empty)
    assert (again.config, again.updated_at) == (put.config, put.updated_at)


async def test_changed_settings_change_the_account_and_none_leave_it(empty: Database) -> None:
    async with empty.transaction(system(NOBODY)) as tx:
        await access.ensure_tenant(tx, "shop")
    await seeded(empty, Settings(**GIVEN))
    (put,) = await accounts(empty)
    await seeded(empty, Settings(**{**GIVEN, "stripe_webhook_secret": "whsec_new, whsec_double"}))
    (changed,) = await accounts(empty)
    assert (changed.id, config_of(changed)["webhook_secrets"]) == (put.id, ["whsec_new", "whsec_double"])
    await seeded(empty, Settings(secret_keys=SECRET))
    (left,) = await accounts(empty)
    assert left.config == changed.config


async def test_an_account_that_no_key_of_ours_can_read_is_put_anew(empty: Database) -> None:
    async with empty.transaction(system(NOBODY)) as tx:
        await access.ensure_tenant(tx, "shop")
    await seeded(empty, Settings(**GIVEN))
    secrets.configure(["another-key-another-key-another-key-another"])
    try:
        await seeded(empty, Settings(**GIVEN))
        (put,) = await accounts(empty)
        assert config_of(put)["secret_key"] == "sk_test_1"
    finally:
        secrets.configure([SECRET])


def test_wrong_settings_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValidationError, match="http:// only on this machine"):
        Settings(stripe_api_base="http://stripe.example")
    with pytest.raises(SystemExit, match="OMS_STRIPE_WEBHOOK_SECRET is set without OMS_STRIPE_SECRET_KEY"):
        checked(Settings(database_url="sqlite+aiosqlite:///x", secret_keys=SECRET, stripe_webhook_secret="whsec"))


async def test_doctor_says_where_stripe_calls_back_and_there_it_is_heard(warm: Warm, tmp_path: Path) -> None:
    given = {name: value for name, value in GIVEN.items() if name != "secret_keys"}
    folder = tmp_path / "data"
    async with programs(warm, tmp_path) as begin:
        url = await _dev(begin, folder, **given)
        doctor = await begin.run("doctor", "--data-dir", str(folder))
        assert await doctor.wait() == 0
        (line,) = [line for line in doctor.out.splitlines() if "payment account" in line]
        path = line.split()[-1]
        assert path.startswith("/callbacks/stripe/pac_")
        event = {"id": "evt_1", "object": "event", "type": "customer.created", "data": {"object": {}}}
        async with httpx2.AsyncClient(base_url=url) as http:
            for secret, status in (("whsec_double", 200), ("whsec_other", 400)):
                body, headers = signed(event, secret)
                assert (await http.post(path, content=body, headers=headers)).status_code == status
        assert payments.ACCOUNT.parse(path.rpartition("/")[2]) != NOBODY


async def _dev(begin: Programs, folder: Path, **environment: str) -> str:
    program = await begin.start("dev", "--json", "--no-seed", "--port", "0", "--data-dir", str(folder), **environment)
    found: str = json.loads(await program.line())["url"]
    return found
