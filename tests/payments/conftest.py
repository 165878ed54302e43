"""A till of a fresh tenant, and Stripe's double behind its account `stripe`."""

from collections.abc import AsyncIterator

import pytest

from oms_api import payments
from world import Api, World

from .stripe_double import KEY, SECRET, StripeDouble
from .till import Till


@pytest.fixture
def till(world: World, api: Api) -> Till:
    return Till(world, api)


@pytest.fixture
async def double() -> AsyncIterator[StripeDouble]:
    made = StripeDouble()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def stripe_till(till: Till, double: StripeDouble) -> Till:
    await put_stripe(till, double)
    return till


async def put_stripe(till: Till, double: StripeDouble, **more: object) -> str:
    """The tenant's account `stripe`, and where it is called back."""
    config = {"secret_key": KEY, "api_base": double.url, "webhook_secrets": [SECRET], **more}
    account = await till.world.db.run(
        lambda tx: payments.put_account(tx, handle="stripe", provider="stripe", config=config), till.caller
    )
    return f"/callbacks/stripe/{payments.ACCOUNT(account.id)}"
