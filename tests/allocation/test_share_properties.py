"""Whatever is shared out, taken and given back: it adds up, and nothing free is withheld from whom it is for."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocation.share_model import NOBODY, POOL, Model, Part
from oms_api.allocation.models import AllocationBasis
from oms_api.allocation.rules import Rung, Share, Shares

TODAY = date(2026, 11, 30)
LADDER: dict[str, tuple[int, str | None]] = {
    "top": (1, None), "vip": (1, "top"), "web": (2, "top"), "out": (3, "top"), "app": (1, "web"), "other": (2, None),
}  # fmt: skip
RUNGS = {name: Rung(*rung) for name, rung in LADDER.items()}
WHO = [*LADDER, NOBODY]

flags = st.tuples(st.booleans(), st.booleans())
parts = st.dictionaries(st.sampled_from(list(LADDER)), st.tuples(st.integers(1, 30), flags), min_size=1)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.sampled_from(WHO), st.integers(1, 12)),
        st.tuples(st.just("give"), st.integers(0, 99), st.integers(1, 12)),
        st.tuples(st.just("come"), st.integers(1, 9), st.just(0)),
        st.tuples(st.just("go"), st.integers(1, 9), st.just(0)),
        st.tuples(st.just("put"), parts, st.sampled_from([str(basis) for basis in AllocationBasis])),
    ),
    max_size=14,
)


def made_of(basis: str, drawn: dict[str, Any]) -> dict[str, Part]:
    scale = 10_000 // sum(target for target, _ in drawn.values()) if basis == "PERCENT" else 1
    return {name: Part(target * scale, *flag) for name, (target, flag) in drawn.items()}


def shares_of(model: Model) -> Shares:
    """The same as the application has it."""
    until = {True: TODAY, False: TODAY - timedelta(days=1)}
    rows = [
        Share(UUID(int=i), name, part.target, model.used[name], part.hard, until[part.robbed])
        for i, (name, part) in enumerate({POOL: Part(0), **model.parts}.items())
    ]
    return Shares(AllocationBasis(model.basis), tuple(rows))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(st.sampled_from([str(basis) for basis in AllocationBasis]), parts, st.integers(0, 40), steps)
def test_whatever_happens_it_is_as_a_unit_at_a_time(
    basis: str, drawn: dict[str, Any], free: int, walked: list[tuple[str, Any, Any]]
) -> None:
    model = Model(basis, made_of(basis, drawn), LADDER, free)
    holds: list[tuple[str, list[str]]] = []
    for verb, what, how in [*walked, ("end", 0, 0)]:
        shares = shares_of(model)
        for who in WHO:
            asked = None if who == NOBODY else who
            reach = shares.reach(model.free, asked, RUNGS, TODAY)
            assert reach == model.reach(who) <= model.free
            assert reach <= shares.reach(model.free + 1, asked, RUNGS, TODAY) <= reach + 1
            if model.free and not reach:  # it is all somebody's
                withheld = [name for name in model.left() if name not in model.may_take_of(who)]
                assert sum(model.left()[name] for name in withheld) == model.free
        sizes = shares.sizes(model.free)
        assert dict(zip([POOL, *model.parts], sizes, strict=True)) == model.sizes()
        assert sum(sizes) == model.free + model.used.total()
        assert all(size >= row.used for size, row in zip(sizes, shares.rows, strict=True))
        if verb == "take":
            found = shares.take(how, model.free, None if what == NOBODY else what, RUNGS, TODAY)
            hard = [name for name in model.above(what) if name in model.parts and model.parts[name].hard]
            taken = model.take(what, how)
            assert (found is None) == (taken is None)
            if found is not None and taken is not None:
                assert [share.demand_class for share, units, _ in found for _ in range(units)] == taken
                assert not hard or set(taken) <= set(model.above(what))
                holds.append((what, taken))
        elif verb == "give" and holds:
            who, had = holds[what % len(holds)]
            model.give_back(who, had, min(how, len(had)))
        elif verb == "come":
            model.free += what
        elif verb == "go":
            model.free -= min(what, model.free)
        elif verb == "put":
            model.put(how, made_of(how, what))
