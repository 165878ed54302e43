"""Work for many, each apart: what stops the others, and what does not."""

import pytest

from oms_api.kit.db import TryAgain
from oms_api.kit.errors import Overloaded
from oms_api.kit.jobs import apart


async def fails(error: Exception, cause: Exception | None = None) -> None:
    raise error from cause


async def test_work_that_gave_up_after_clashes_stops_no_other_and_says_what_it_was_for() -> None:
    done = []

    async def works() -> None:
        done.append("second")

    clashed = Overloaded("gave up after 5 clashes")
    with pytest.raises(ExceptionGroup, match=r"^1 failed") as failed, apart() as each:
        await each(fails(clashed, TryAgain("deadlock")), "ord_1")
        await each(works(), "ord_2")
    assert done == ["second"]
    assert failed.value.exceptions == (clashed,)
    assert clashed.__notes__ == ["It was for ord_1."]


async def test_a_database_that_is_away_stops_everything_at_once() -> None:
    reached = False
    with pytest.raises(Overloaded, match="away"), apart() as each:
        await each(fails(Overloaded("the database is away")), "ord_1")
        reached = True
    assert not reached
